"""Which interface the next lane uses, and interfaces that lead nowhere."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from pynet import Gateway, Incoming, RemoteGateway
from pynet.swarm import keeper
from pynet.swarm.feed import SwarmFeed
from pynet.swarm.ways import EXCLUDED, Ways, interfaces_for

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds to interfaces")


@pytest.mark.parametrize("names", [[], ["wlan0"]])
def test_without_a_choice_the_system_chooses(names: list[str]) -> None:
    assert Ways(names).next([None, None], 0.0) is None
    assert Ways(names).next([], 0.0) is None


def test_the_first_lane_is_the_system_s() -> None:
    assert Ways(["wlan0", "eth0"]).next([], 0.0) is None


def test_lanes_are_spread_evenly() -> None:
    ways = Ways(["wlan0", "eth0", "usb0"])
    used: list[str | None] = [None]
    for _ in range(9):
        used.append(ways.next(used, 0.0))
    assert Counter(used) == {None: 1, "wlan0": 3, "eth0": 3, "usb0": 3}
    assert ways.next(["wlan0"] * 2 + ["usb0"] * 5 + ["eth0"], 0.0) == "eth0"


def test_one_that_leads_nowhere_is_left_out_for_a_while() -> None:
    ways = Ways(["wlan0", "eth0"])
    ways.failed("eth0", 10.0)
    ways.failed(None, 10.0)  # the system's choice is none of these
    for now in (10.0, 10.0 + EXCLUDED - 0.1):
        assert ways.next(["wlan0"] * 5, now) == "wlan0"
    assert ways.next(["wlan0"] * 5, 10.0 + EXCLUDED) == "eth0"


def test_when_none_is_good_the_system_chooses() -> None:
    ways = Ways(["wlan0", "eth0"])
    ways.failed("eth0", 10.0)
    ways.failed("wlan0", 20.0)
    assert ways.next([None], 20.0) is None
    assert ways.next([None], 10.0 + EXCLUDED) == "eth0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_needs_no_interface(host: str) -> None:
    assert interfaces_for(host) == []


@linux
@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "car.local"])
def test_interfaces_are_this_machine_s(host: str) -> None:
    known = {name for _, name in socket.if_nameindex()} - {"lo"}
    assert set(interfaces_for(host)) <= known


@linux
def test_an_interface_that_leads_nowhere_costs_no_lane(
    gateway: Gateway,
    car: RemoteGateway,
    until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "interfaces_for", lambda host: ["nowhere0", "lo"])
    taken: list[int] = []

    @gateway.sink(policy="latest")
    def drive(commands: Incoming) -> None:
        taken.extend(commands)

    states: list[str] = []
    with car.feed("drive", lanes=6, on_state=states.append) as feed:
        assert isinstance(feed, SwarmFeed)
        until(lambda: feed.lanes == 6)
        ways = Counter(joined.interface for joined in feed._keeper.lanes)
        assert ways == {None: 1, "lo": 5}
        for number in range(20):
            feed.send(number)
            until(lambda: taken[-1:] == [number])  # noqa: B023
        assert states == ["connecting", "live"]
