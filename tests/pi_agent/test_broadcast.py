from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pi_agent.broadcast import CameraBroadcaster, Taken
from pi_agent.hardware.protocols import CameraError
from tests.pi_agent.shutter import Shutter


@pytest.fixture
def shutter() -> Shutter:
    return Shutter()


@pytest.fixture
def broadcaster(shutter: Shutter) -> Iterator[CameraBroadcaster]:
    made = CameraBroadcaster("front", lambda: shutter)
    made.start()
    yield made
    made.close()
    made.close()


class Viewer(threading.Thread):
    """Watches until the broadcaster ends or fails; ``next`` gives what it saw."""

    def __init__(self, broadcaster: CameraBroadcaster) -> None:
        super().__init__(name="viewer")
        self._broadcaster = broadcaster
        self._came = threading.Semaphore(0)
        self._seen: list[Taken] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            with self._broadcaster.watching() as seen:
                while (taken := self._broadcaster.next_after(seen)) is not None:
                    seen = taken.seq
                    self._seen.append(taken)
                    self._came.release()
        except CameraError as error:
            self.error = error

    def next(self) -> Taken:
        assert self._came.acquire(timeout=10)
        return self._seen.pop(0)


def test_it_is_as_large_and_fast_as_its_camera(broadcaster: CameraBroadcaster) -> None:
    camera = broadcaster
    assert (camera.name, camera.width, camera.height, camera.fps) == ("front", 32, 24, 30.0)


def test_viewers_share_each_picture(broadcaster: CameraBroadcaster, shutter: Shutter) -> None:
    one = Viewer(broadcaster)
    assert shutter.waiting.acquire(timeout=10)
    shutter.press()
    first = one.next()
    assert (first.seq, first.captured) == (1, 1.0)
    assert first.picture.shape == (24, 32, 3)
    assert first.picture.mean() == 10
    other = Viewer(broadcaster)
    assert shutter.waiting.acquire(timeout=10)
    # The second viewer counts from now on; a picture from before is never shown as new.
    while broadcaster.viewers < 2:
        threading.Event().wait(0.001)
    shutter.press()
    assert one.next() is other.next()
    assert shutter.taken == broadcaster.frames == 2
    broadcaster.close()
    one.join(10)
    other.join(10)
    assert one.error is None


def test_without_viewers_the_camera_rests(broadcaster: CameraBroadcaster, shutter: Shutter) -> None:
    assert not shutter.waiting.acquire(timeout=0.05)
    shutter.press()
    with broadcaster.watching() as seen:
        first = broadcaster.next_after(seen)
    assert first is not None
    assert first.seq == 1
    assert broadcaster.viewers == 0
    # The picture that was on its way is still taken, and no other.
    assert shutter.waiting.acquire(timeout=10)
    shutter.press()
    shutter.press()
    while shutter.waiting.acquire(timeout=0.1):
        pass
    assert shutter.taken <= 2


def test_a_camera_that_dies_is_told_and_opened_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pi_agent.broadcast.REOPEN", 0.01)
    shutters = [Shutter(), Shutter()]
    left = list(shutters)
    broadcaster = CameraBroadcaster("front", lambda: left.pop(0))
    broadcaster.start()
    viewer = Viewer(broadcaster)
    shutters[0].press()
    assert viewer.next().seq == 1
    shutters[0].break_down("The cable is loose.")
    viewer.join(10)
    assert str(viewer.error) == "The cable is loose."
    assert shutters[0].closed.wait(10)
    assert "The cable is loose." in caplog.text
    # It reads once to know that the new one works.
    assert shutters[1].waiting.acquire(timeout=10)
    later = Viewer(broadcaster)
    shutters[1].press()
    shutters[1].press()
    assert later.next().seq >= 2
    broadcaster.close()
    later.join(10)


def test_a_camera_that_cannot_be_opened_is_told_at_once() -> None:
    def nothing() -> Shutter:
        raise CameraError("There is no camera.")

    with pytest.raises(CameraError, match="There is no camera"):
        CameraBroadcaster("front", nothing)


def test_a_picture_that_is_too_early_does_not_count(
    broadcaster: CameraBroadcaster, shutter: Shutter
) -> None:
    for _ in range(3):
        shutter.press()
    with broadcaster.watching() as seen:
        taken = broadcaster.next_after(seen, not_before=3.0)
    assert taken is not None
    assert taken.captured == 3.0
