from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from pi_agent.broadcast import CameraBroadcaster
from pi_agent.hardware.protocols import CameraError, Picture
from pynet.rc.messages import CameraFrame

cv2 = pytest.importorskip("cv2")


class Shutter:
    """A camera that takes a picture each time it is told to."""

    width, height, fps = 32, 24, 30.0

    def __init__(self) -> None:
        self.taken = 0
        self.closed = threading.Event()
        self.waiting = threading.Semaphore(0)
        self._press = threading.Semaphore(0)
        self._error = ""

    def press(self) -> None:
        self._press.release()

    def break_down(self, error: str) -> None:
        self._error = error
        self._press.release()

    def read(self) -> tuple[float, Picture]:
        self.waiting.release()
        self._press.acquire()
        if self.closed.is_set() or self._error:
            raise CameraError(self._error or "closed")
        self.taken += 1
        return float(self.taken), np.full((24, 32, 3), self.taken * 10, dtype=np.uint8)

    def close(self) -> None:
        self.closed.set()
        self._press.release()


@pytest.fixture
def shutter() -> Shutter:
    return Shutter()


@pytest.fixture
def broadcaster(shutter: Shutter) -> Iterator[CameraBroadcaster]:
    made = CameraBroadcaster("front", lambda: shutter, 90)
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
        self._seen: list[CameraFrame] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for frame in self._broadcaster.watch():
                self._seen.append(frame)
                self._came.release()
        except CameraError as error:
            self.error = error

    def next(self) -> CameraFrame:
        assert self._came.acquire(timeout=10)
        return self._seen.pop(0)


def test_the_camera_is_described(broadcaster: CameraBroadcaster) -> None:
    info = broadcaster.info
    assert (info.name, info.width, info.height, info.fps, info.codec) == (
        "front",
        32,
        24,
        30.0,
        "jpeg",
    )


def test_viewers_share_each_picture(broadcaster: CameraBroadcaster, shutter: Shutter) -> None:
    one = Viewer(broadcaster)
    assert shutter.waiting.acquire(timeout=10)
    shutter.press()
    first = one.next()
    assert (first.seq, first.captured, first.width, first.height) == (1, 1.0, 32, 24)
    picture = cv2.imdecode(np.frombuffer(first.data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (24, 32, 3)
    assert abs(float(picture.mean()) - 10) < 2
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
    viewing = broadcaster.watch()
    shutter.press()
    assert next(viewing).seq == 1
    viewing.close()  # type: ignore[attr-defined]
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
    broadcaster = CameraBroadcaster("front", lambda: left.pop(0), 80)
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
        CameraBroadcaster("front", nothing, 80)
