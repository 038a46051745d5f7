"""Which interface the next lane uses, and interfaces that lead nowhere."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from pynet import Gateway, Incoming, RemoteGateway
from pynet.io import options
from pynet.swarm import keeper
from pynet.swarm.feed import SwarmFeed
from pynet.swarm.ways import EXCLUDED, LONGEST, Ways, interfaces_for

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


def test_one_that_is_up_again_is_tried_at_once() -> None:
    ways = Ways(["wlan0", "eth0"])
    ways.failed("eth0", 10.0)
    ways.update(["wlan0"])
    assert ways.next(["wlan0"], 11.0) is None
    ways.update(["wlan0", "eth0"])
    assert ways.next(["wlan0"], 12.0) == "eth0"


@pytest.mark.parametrize(
    ("used", "crowded"),
    [
        ([], []),
        (["wlan0", "wlan0", "eth0"], []),
        (["wlan0"] * 3 + ["eth0"], ["wlan0"]),
        (["wlan0"] * 2, ["wlan0"]),
        ([None] * 8, [None]),
        ([None, "wlan0", "eth0", "eth0"], []),
        (["gone0"] * 2 + ["wlan0", "eth0"], []),
    ],
)
def test_lanes_move_when_one_has_too_many(used: list[str | None], crowded: list[str]) -> None:
    assert Ways(["wlan0", "eth0"]).crowded(used, 0.0) == crowded
    assert Ways(["wlan0"]).crowded(used, 0.0) == []


def test_no_lane_moves_to_where_none_can_be_opened() -> None:
    ways = Ways(["wlan0", "eth0"])
    ways.failed("eth0", 0.0)
    assert ways.crowded(["wlan0"] * 8, 1.0) == []
    assert ways.crowded(["wlan0"] * 8, EXCLUDED) == ["wlan0"]


def test_one_that_never_leads_there_is_tried_ever_more_seldom() -> None:
    ways = Ways(["wlan0", "docker0"])
    now, pauses = 100.0, []
    for _ in range(10):
        for _ in range(3):  # several lanes were being opened over it
            ways.failed("docker0", now)
        begun = now
        while not ways.crowded(["wlan0"] * 8, now):
            now += EXCLUDED / 2
        pauses.append(now - begun)
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (EXCLUDED, LONGEST)
    ways.update(["wlan0"])
    ways.update(["wlan0", "docker0"])
    assert ways.crowded(["wlan0"] * 8, now)


@linux
def test_most_lanes_are_opened_at_the_same_time_and_spread_all_the_same(
    gateway: Gateway,
    car: RemoteGateway,
    until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "interfaces_for", lambda host: ["lo", "one0", "two0"])
    asked: list[str] = []

    def go_out_by(sock: socket.socket, interface: str) -> None:
        asked.append(interface)

    monkeypatch.setattr(options, "go_out_by", go_out_by)
    gateway.sink(lambda items: [*items], name="gather", policy="latest")
    with car.feed("gather", lanes=7) as feed:
        assert isinstance(feed, SwarmFeed)
        until(lambda: feed.lanes == 7)
        ways = Counter(joined.interface for joined in feed._keeper.lanes)
        assert ways == {None: 1, "lo": 2, "one0": 2, "two0": 2}
        assert len(asked) >= 6
