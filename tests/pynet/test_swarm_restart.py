"""Swarms whose other side went away: another Gateway's runs are new, and idle runs can be ended."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

import pynet
from pynet import Controller, Gateway, RemoteGateway
from pynet.swarm import group


def test_another_gateway_s_run_is_a_new_one_whatever_its_number(
    until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> Iterator[int]:
        for number in itertools.count():
            yield number
            pynet.sleep(0.005)

    def serve(port: int) -> Gateway:
        gateway = Gateway(port=port, pool_size=10, heartbeat=0.1)
        gateway.stream(count, policy="latest")
        return gateway.start()

    first = serve(0)
    got: list[int] = []
    with Controller(heartbeat=0.1) as controller:
        client = controller.connect(first.address).stream("count", got.append, lanes=3)
        until(lambda: len(got) > 50)
        first.close()
        monkeypatch.setattr(group, "_epochs", itertools.count(1))  # as in a process that is new
        with serve(first.port):
            got.clear()
            until(lambda: client.state == "live" and len(got) > 10)
            until(lambda: 0 in got)
        client.close()


def test_lanes_of_a_shared_stream_that_yields_nothing_can_be_closed(
    gateway: Gateway, car: RemoteGateway, until: Callable[..., None]
) -> None:
    ended = threading.Event()

    @gateway.stream(shared=True, policy="latest")
    def silent() -> Iterator[int]:
        try:
            pynet.sleep(1000)
            yield 1
        finally:
            ended.set()

    car.stream("silent", print, lanes=3).close()
    assert ended.wait(5)
    until(lambda: not car.handlers())
