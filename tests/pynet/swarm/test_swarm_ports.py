"""A real lane as the pure sender sees it."""

from __future__ import annotations

from collections.abc import Callable

from pynet import RemoteGateway
from pynet.swarm.port import LanePort
from pynet.wire.frames import Kind


def test_a_lane_that_lives_and_one_that_is_lost(
    car: RemoteGateway, until: Callable[..., None]
) -> None:
    lane = car._dialler.open("pair")
    port = LanePort(7, lane)
    assert port.ready()
    until(lambda: port.unacked() in (None, 0))
    reading = port.stats()
    assert (reading.number, reading.peer, reading.live) == (7, lane.peer, True)
    assert reading.bytes_sent > 0
    assert reading.rtt is not None
    assert not port.send(Kind.ITEM, b"\x01", None, 0, 0)  # nothing was opened
    lane.close()
    assert not port.ready()
    assert port.unacked() is None
    assert not port.send(Kind.ITEM, b"\x01", None, 0, 0)
    assert not port.stats().live
