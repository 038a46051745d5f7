"""Who gets which pictures, from a camera in the test's hands."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from pi_agent import video
from pi_agent.broadcast import CameraBroadcaster
from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import CameraError
from pi_agent.video import CameraVideo, offered
from pynet.rc.messages import CameraFrame
from pynet.rc.video import CODECS, Decoder, available_codecs
from tests.pi_agent.shutter import Shutter

pytest.importorskip("cv2")
needs_av = pytest.mark.skipif("h264" not in available_codecs(), reason="PyAV is not installed")
BOTH = pytest.mark.parametrize("codec", ["jpeg", pytest.param("h264", marks=needs_av)])


@pytest.fixture
def shutter() -> Shutter:
    return Shutter()


@pytest.fixture
def camera(shutter: Shutter) -> Iterator[CameraVideo]:
    made = CameraVideo(
        CameraBroadcaster("front", lambda: shutter), CameraConfig(), available_codecs()
    )
    made.start()
    yield made
    made.close()
    made.close()


class Viewer:
    """Pulls pictures in the test's own thread, when the test says."""

    def __init__(self, camera: CameraVideo, codec: str | None, driver: bool = False) -> None:
        self.drives: bool | None = None
        watching = camera.watch(codec, (lambda: self.drives) if driver else None)
        assert isinstance(watching, Generator)
        self._watching = watching
        self.decoder = Decoder()
        self._pulled: threading.Thread | None = None
        self.frame: CameraFrame | None = None

    def pull(self) -> None:
        """Begins to wait for a picture."""
        self._pulled = threading.Thread(target=self._pull, name="viewer")
        self._pulled.start()

    def _pull(self) -> None:
        self.frame = next(self._watching, None)

    @property
    def waits(self) -> bool:
        assert self._pulled is not None
        return self._pulled.is_alive()

    def get(self) -> CameraFrame | None:
        """The picture, shown; None at the end of the stream."""
        assert self._pulled is not None
        self._pulled.join(20)
        assert not self._pulled.is_alive()
        if self.frame is not None:
            assert self.decoder.decode(self.frame) is not None
        return self.frame

    def leave(self) -> None:
        self._watching.close()


def until_watched(camera: CameraVideo, viewers: int) -> None:
    pause = threading.Event()
    while camera._broadcaster.viewers < viewers:
        pause.wait(0.001)


def test_it_says_what_it_offers(camera: CameraVideo) -> None:
    info = camera.info
    assert (info.name, info.width, info.height, info.fps) == ("front", 32, 24, 30.0)
    assert (info.codec, info.codecs) == ("jpeg", available_codecs())


@BOTH
def test_all_viewers_get_the_same_packed_pictures(
    camera: CameraVideo, shutter: Shutter, codec: str
) -> None:
    viewers = [Viewer(camera, codec) for _ in range(3)]
    for count in range(1, 6):
        for viewer in viewers:
            viewer.pull()
        until_watched(camera, 3)
        shutter.press()
        first, *others = [viewer.get() for viewer in viewers]
        assert first is not None
        assert (first.codec, first.width, first.height) == (codec, 32, 24)
        assert first.key is (codec == "jpeg" or count == 1)
        assert all(other is first for other in others)
    for viewer in viewers:
        viewer.leave()


@needs_av
def test_who_missed_a_picture_waits_for_a_key_frame(
    camera: CameraVideo, shutter: Shutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, slow = Viewer(camera, "h264"), Viewer(camera, "h264")
    for viewer in (fast, slow):
        viewer.pull()
    until_watched(camera, 2)
    shutter.press()
    assert fast.get() is slow.get()
    for _ in range(2):
        fast.pull()
        shutter.press()
        fast.get()
    slow.pull()
    fast.pull()
    shutter.press()
    frame = fast.get()
    assert frame is not None
    assert not frame.key, "a key frame was packed less than a second ago"
    assert slow.waits
    monkeypatch.setattr(video, "VIEWER_KEYS", 0.0)
    fast.pull()
    shutter.press()
    frame = fast.get()
    assert frame is not None
    assert frame.key
    assert slow.get() is frame
    assert slow.decoder.waited == 0
    fast.leave()
    slow.leave()


@needs_av
def test_while_one_viewer_wants_jpeg_all_get_it(camera: CameraVideo, shutter: Shutter) -> None:
    modern, plain = Viewer(camera, "h264"), Viewer(camera, None)
    modern.pull()
    shutter.press()
    first = modern.get()
    assert first is not None
    assert first.codec == "h264"
    for viewer in (modern, plain):
        viewer.pull()
    until_watched(camera, 2)
    while len(camera._shared._wanted) < 2:
        threading.Event().wait(0.001)
    shutter.press()
    frames = [viewer.get() for viewer in (modern, plain)]
    assert [frame.codec for frame in frames if frame] == ["jpeg", "jpeg"]
    plain.leave()
    modern.pull()
    shutter.press()
    back = modern.get()
    assert back is not None
    assert (back.codec, back.key) == ("h264", True)
    modern.leave()


@BOTH
def test_the_first_driver_has_an_encoding_of_its_own_until_it_leaves(
    camera: CameraVideo, shutter: Shutter, codec: str
) -> None:
    driver, second, viewer = (
        Viewer(camera, codec, driver=True),
        Viewer(camera, codec, driver=True),
        Viewer(camera, codec),
    )
    driver.pull()
    until_watched(camera, 1)
    while camera._driver is None:
        threading.Event().wait(0.001)
    for other in (second, viewer):
        other.pull()
    until_watched(camera, 3)
    shutter.press()
    own, shared, same = driver.get(), second.get(), viewer.get()
    assert own is not None
    assert shared is same
    assert own is not shared
    driver.leave()
    for other in (second, viewer):
        other.pull()
    shutter.press()
    taken_over, alone = second.get(), viewer.get()
    assert taken_over is not None
    assert taken_over is not alone
    assert (taken_over.key, taken_over.index) == (True, 0)
    second.leave()
    assert camera._driver is None
    viewer.leave()


def test_the_adapted_encoding_goes_with_the_lease(camera: CameraVideo, shutter: Shutter) -> None:
    first, second, viewer = (
        Viewer(camera, None, driver=True),
        Viewer(camera, None, driver=True),
        Viewer(camera, None),
    )
    everybody = (first, second, viewer)

    def look(driving: Viewer | None) -> list[CameraFrame | None]:
        for person in (first, second):
            person.drives = None if driving is None else person is driving
        for count, person in enumerate(everybody, 1):
            person.pull()
            until_watched(camera, count)
            while driving is None and camera._driver is None:
                threading.Event().wait(0.001)
        shutter.press()
        return [person.get() for person in everybody]

    own, shared, same = look(None)
    assert own is not shared
    assert shared is same, "nobody drives: the first who asked has it"
    shared, own, same = look(second)
    assert own is not shared
    assert shared is same
    own, shared, same = look(first)
    assert own is not shared
    assert shared is same
    for person in everybody:
        person.leave()
    assert camera._driver is None


@needs_av
def test_every_change_of_the_encoding_begins_with_a_key_frame(
    camera: CameraVideo, shutter: Shutter
) -> None:
    person = Viewer(camera, "h264", driver=True)
    course = ((None, 1), (False, 1), (True, 1), (True, 0), (False, 1), (False, 0), (None, 1))
    for drives, changes in course:
        person.drives = drives
        person.pull()
        until_watched(camera, 1)
        shutter.press()
        frame = person.get()
        assert frame is not None
        assert frame.key == bool(changes)
    assert person.decoder.waited == 0
    person.leave()


def test_who_drives_takes_it_from_a_stream_that_is_stuck(
    camera: CameraVideo, shutter: Shutter
) -> None:
    stuck, driver = Viewer(camera, None, driver=True), Viewer(camera, None, driver=True)
    stuck.pull()
    until_watched(camera, 1)
    shutter.press()
    assert stuck.get() is not None
    stuck.drives, driver.drives = False, True  # and it is not pulled again
    driver.pull()
    until_watched(camera, 2)
    shutter.press()
    adapted = driver.get()
    assert adapted is not None
    assert not camera._shared._wanted
    stuck.leave()
    assert camera._driver is not None
    driver.leave()
    assert camera._driver is None


def test_closing_ends_all_streams(camera: CameraVideo, shutter: Shutter) -> None:
    viewers = [Viewer(camera, None, driver) for driver in (True, True, False)]
    for count, viewer in enumerate(viewers, 1):
        viewer.pull()
        until_watched(camera, count)
    camera.close()
    assert [viewer.get() for viewer in viewers] == [None, None, None]


def test_a_codec_that_is_not_offered_is_refused(shutter: Shutter) -> None:
    camera = CameraVideo(CameraBroadcaster("front", lambda: shutter), CameraConfig(), ("jpeg",))
    with pytest.raises(ValueError, match="does not send video as 'h264'; it has jpeg"):
        next(iter(camera.watch("h264")))
    camera.close()


def test_what_the_file_wants_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("auto") == available_codecs()
    assert offered("jpeg") == ("jpeg",)
    monkeypatch.setattr(video, "available_codecs", lambda: CODECS)
    assert offered("h264") == ("h264",)
    monkeypatch.setattr(video, "available_codecs", lambda: ("jpeg",))
    assert offered("auto") == ("jpeg",)
    with pytest.raises(CameraError, match="needs PyAV"):
        offered("h264")
