"""Live video and drive commands over several lanes, from a car that offers more than JPEG."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

import pynet
from pynet.rc.messages import CameraFrame
from pynet.rc.video import Setting, available_codecs, make_encoder
from tests.rcapp.core.small_car import SmallCar, Watched, drive_off

SIZE = (64, 48)


class VideoCar(SmallCar):
    """A small car that packs its pictures as it is asked to, and drops some after packing."""

    def __init__(self, codecs: tuple[str, ...], *, pool_size: int = 64) -> None:
        self.asked: list[tuple[str | None, bool]] = []
        self.lossy = False
        super().__init__(pool_size=pool_size)
        (camera,) = self.description.cameras
        self.description = replace(
            self.description, cameras=(replace(camera, codecs=codecs, codec=codecs[-1]),)
        )

    def camera(
        self, name: str = "front", codec: str | None = None, driver: bool = False
    ) -> Iterator[CameraFrame]:
        self.asked.append((codec, driver))
        encoder = make_encoder(codec or "jpeg", *SIZE, Setting(50.0, 400_000.0, key_every=0.5))
        for index in range(1_000_000):
            picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            picture[:, :, 2] = 255
            packed = encoder.encode(picture)
            if not (self.lossy and index % 10 == 3):
                yield CameraFrame(
                    index + 1,
                    time.monotonic(),
                    *SIZE,
                    packed.codec,
                    packed.data,
                    packed.key,
                    index,
                )
            pynet.sleep(0.02)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def session(stack: ExitStack) -> Watched:
    return stack.enter_context(Watched())


@pytest.mark.parametrize("codecs", [available_codecs(), ("jpeg",), ("av2", "jpeg")])
def test_the_best_codec_that_both_sides_have_is_shown(
    stack: ExitStack, session: Watched, codecs: tuple[str, ...]
) -> None:
    car = VideoCar(codecs)
    stack.callback(car.close)
    session.connect(car.address)
    session.until(lambda now: now.frames_painted >= 5)
    best = next(codec for codec in codecs if codec in available_codecs())
    assert car.asked == [(best, True)]
    for frame in session.seen:
        assert frame.image.shape == (SIZE[1], SIZE[0], 4)
        assert frame.image[20, 20, 2] > 230


@pytest.mark.skipif("h264" not in available_codecs(), reason="PyAV is not installed")
def test_after_a_missing_picture_the_next_key_frame_is_shown(
    stack: ExitStack, session: Watched
) -> None:
    car = VideoCar(("h264",))
    car.lossy = True
    stack.callback(car.close)
    session.connect(car.address)
    session.until(lambda now: len(session.seen) and session.seen[-1].seq > 60)
    shown = {frame.seq - 1 for frame in session.seen}
    # One in ten is missing from index 3 on; key frames come every 25 pictures.
    assert shown <= {*range(3), *range(25, 33), *range(50, 53), *range(75, 83), *range(100, 103)}
    assert any(index >= 25 for index in shown)


@pytest.mark.parametrize("pool_size", [8, 10, 12])
def test_a_car_with_few_places_is_driven_over_fewer_lanes(
    stack: ExitStack, session: Watched, pool_size: int
) -> None:
    car = VideoCar(("jpeg",), pool_size=pool_size)
    stack.callback(car.close)
    session.connect(car.address)
    drive_off(session)
    session.until(lambda now: now.commands_accepted > 5, tick=True)
    session.until(lambda now: session.series["distance"].count > 5, tick=True)


def test_with_places_enough_picture_and_commands_have_eight_lanes(
    stack: ExitStack, session: Watched
) -> None:
    car = VideoCar(("jpeg",))
    stack.callback(car.close)
    session.connect(car.address)
    drive_off(session)
    probe = stack.enter_context(pynet.Controller(name="probe")).connect(car.address)
    # Status, one sensor, and eight each.
    session.until(lambda now: probe.stats()["handlers"] >= 18, tick=True)
    session.until(lambda now: now.commands_accepted > 50, tick=True)
    seqs = [command.seq for command in car.commands]
    assert seqs == sorted(set(seqs))
