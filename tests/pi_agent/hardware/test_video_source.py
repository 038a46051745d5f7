from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import CameraError
from pi_agent.hardware.video import VideoDevice, VideoFile, open_video

cv2 = pytest.importorskip("cv2")

SHADES = (20, 90, 160, 230)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A film of four grey pictures, 64 x 48, 50 a second."""
    file = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 50, (64, 48))
    for shade in SHADES:
        writer.write(np.full((48, 64, 3), shade, dtype=np.uint8))
    writer.release()
    return file


def test_a_film_plays_in_order_and_starts_again(video: Path) -> None:
    camera = open_video(CameraConfig(source=str(video)))
    assert isinstance(camera, VideoFile)
    assert (camera.width, camera.height, camera.fps) == (64, 48, 50)
    taken = [camera.read() for _ in range(9)]
    shades = [round(float(picture.mean()) / 70) for _, picture in taken]
    # The first picture was read to learn its size.
    assert shades == [1, 2, 3, 0, 1, 2, 3, 0, 1]
    times = [captured for captured, _ in taken]
    assert times == sorted(times)
    camera.close()
    camera.close()


def test_closing_ends_a_waiting_read(video: Path) -> None:
    camera = open_video(CameraConfig(source=str(video)))
    camera.read()
    ended: list[Exception] = []

    def read_on() -> None:
        try:
            while True:
                camera.read()
        except CameraError as error:
            ended.append(error)

    reader = threading.Thread(target=read_on)
    reader.start()
    camera.close()
    reader.join(10)
    assert len(ended) == 1


@pytest.mark.parametrize("source", ["/no/such/film.mp4", "/no/such/device"])
def test_a_source_that_is_not_there_is_told(source: str) -> None:
    with pytest.raises(CameraError, match=f"There is no camera or video at '{source}'"):
        open_video(CameraConfig(source=source))


def test_a_file_that_is_no_video_is_told(tmp_path: Path) -> None:
    file = tmp_path / "notes.avi"
    file.write_text("nothing to see\n")
    with pytest.raises(CameraError, match=r"notes\.avi"):
        open_video(CameraConfig(source=str(file)))


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(CameraError, match="The camera or video 97 cannot be opened"):
        open_video(CameraConfig(source="97"))


def test_a_device_gives_its_newest_picture_until_it_dies(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film in the place of a webcam: it comes at once, and its end is a pulled cable."""
    monkeypatch.setattr("pi_agent.hardware.video._open", lambda *_: cv2.VideoCapture(str(video)))
    camera = VideoDevice("/dev/video0", CameraConfig())
    assert (camera.width, camera.height) == (64, 48)
    camera._thread.join(10)
    captured, picture = camera.read()
    assert captured > 0
    assert round(float(picture.mean()) / 70) == 3
    with pytest.raises(CameraError, match=r"gives no more pictures\. Check its cable"):
        camera.read()
    camera.close()
    with pytest.raises(CameraError, match="was closed"):
        camera.read()
