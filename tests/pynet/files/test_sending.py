"""What lanes may send while a transfer gives way: asked of the kernel, over real connections."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from pynet import Controller, Gateway
from pynet.bulk.rate import FLOOR, UNLIMITED
from pynet.bulk.sender import NO_PACING, SO_MAX_PACING_RATE
from pynet.files.sending import CATCH_UP, Sending
from pynet.io.lane import Lane
from pynet.io.options import BULK_UNSENT, PACED_UNSENT
from pynet.talk import Talk, open_talk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux paces sockets")


@pytest.fixture
def lanes() -> Iterator[list[Lane]]:
    with Gateway(port=0, insecure=True, heartbeat=0.1) as gateway:

        @gateway.talk
        def take(talk: Talk) -> None:
            while talk.hear() is not None:
                pass

        with Controller(insecure=True, heartbeat=0.1) as controller:
            car = controller.connect(gateway.address)
            opened = [car._dialler.open("pair") for _ in range(2)]
            yield opened
            for lane in opened:
                lane.close()


class Running:
    """Lanes that wait for something to send."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.sending = Sending([], lambda _message: None, "sha256")
        self._threads = [
            threading.Thread(target=self._run, args=(number, lane))
            for number, lane in enumerate(lanes)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int, lane: Lane) -> None:
        with open_talk(lane, "take") as talk:
            self.sending.run_lane(number, talk, lambda: lane.error is None)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop(self, number: int) -> None:
        self.sending.work.stop(number)
        self._threads[number].join()

    def close(self) -> None:
        self.sending.close()
        for thread in self._threads:
            thread.join()


def limit(lane: Lane) -> int:
    return lane._sock.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) & NO_PACING


def unsent(lane: Lane) -> int:
    return lane._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)


def test_lanes_share_the_rate_and_one_that_goes_leaves_it_to_the_others(lanes: list[Lane], until):
    with Running(lanes) as running:
        until(lambda: all(unsent(lane) == BULK_UNSENT for lane in lanes))
        running.sending.pace(1e6)
        until(lambda: [limit(lane) for lane in lanes] == [int(CATCH_UP * 1e6 / 2)] * 2)
        assert [unsent(lane) for lane in lanes] == [PACED_UNSENT] * 2
        running.stop(1)
        assert limit(lanes[0]) == int(CATCH_UP * 1e6)
        running.sending.pace(UNLIMITED)
        assert limit(lanes[0]) == NO_PACING
        assert unsent(lanes[0]) == BULK_UNSENT


def test_while_room_is_made_a_lane_is_not_held_to_less_than_half_of_what_it_carries(
    lanes: list[Lane], until
):
    with Running(lanes[:1]) as running:
        until(lambda: running.sending._lanes)
        ((_, speed),) = running.sending._lanes.values()
        speed.rate = 2e6
        running.sending.pace(FLOOR)
        assert limit(lanes[0]) == 1_000_000
        speed.rate = 0.0
        running.sending.pace(FLOOR / 2)
        assert limit(lanes[0]) == FLOOR
