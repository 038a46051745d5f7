from __future__ import annotations

import builtins
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.rc.messages import CameraFrame
from pynet.rc.video import (
    Decoder,
    Encoder,
    Packed,
    Setting,
    VideoError,
    available_codecs,
    make_encoder,
)
from tests.pynet.rc.scene import Picture, psnr, scene

pytest.importorskip("cv2")
WIDTH, HEIGHT = 160, 120
SETTING = Setting(fps=30.0, bitrate=400_000.0, quality=80)

needs_av = pytest.mark.skipif("h264" not in available_codecs(), reason="PyAV is not installed")
BOTH = pytest.mark.parametrize("codec", ["jpeg", pytest.param("h264", marks=needs_av)])


def frames(packed: Iterable[Packed]) -> Iterator[CameraFrame]:
    """The messages that carry them."""
    for index, one in enumerate(packed):
        yield CameraFrame(
            index + 1, index / 30, one.width, one.height, one.codec, one.data, one.key, index
        )


def pack(encoder: Encoder, pictures: Iterable[Picture], keys: Iterable[int] = ()) -> list[Packed]:
    wanted = set(keys)
    return [encoder.encode(p, key=index in wanted) for index, p in enumerate(pictures)]


@pytest.fixture
def pictures() -> list[Picture]:
    return list(scene(WIDTH, HEIGHT, 40))


@BOTH
def test_each_picture_comes_back_at_once_and_looks_the_same(
    codec: str, pictures: list[Picture]
) -> None:
    encoder = make_encoder(codec, WIDTH, HEIGHT, replace(SETTING, bitrate=1e6))
    decoder = Decoder()
    for picture, frame in zip(pictures, frames(pack(encoder, pictures)), strict=True):
        shown = decoder.decode(frame)
        assert shown is not None
        assert shown.shape == (HEIGHT, WIDTH, 4)
        assert shown.dtype == np.uint8
        assert shown.flags.c_contiguous
        assert np.all(shown[..., 3] == 255)
        assert psnr(picture, shown) > 30
    assert (decoder.waited, decoder.refused) == (0, 0)


@BOTH
def test_colours_are_the_right_way_round(codec: str) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2] = (255, 0, 0)  # blue
    picture[:, WIDTH // 2 :] = (0, 0, 255)  # red
    encoder = make_encoder(codec, WIDTH, HEIGHT, SETTING)
    shown = Decoder().decode(next(frames(pack(encoder, [picture]))))
    assert shown is not None
    blue, red = shown[HEIGHT // 2, 20], shown[HEIGHT // 2, WIDTH - 20]
    assert blue[0] > 230
    assert blue[2] < 25
    assert red[2] > 230
    assert red[0] < 25


@BOTH
@pytest.mark.parametrize(("width", "height"), [(640, 480), (161, 121), (64, 48)])
def test_half_the_size_and_odd_sizes(codec: str, width: int, height: int) -> None:
    encoder = make_encoder(codec, width, height, SETTING)
    decoder = Decoder()
    for scale in (1, 2, 1):
        encoder.apply(replace(SETTING, scale=scale))
        (packed,) = pack(encoder, scene(width, height, 1))
        assert packed.key
        shown = decoder.decode(next(frames([packed])))
        assert shown is not None
        assert shown.shape == (packed.height, packed.width, 4)
        assert abs(packed.width - width // scale) < 2
        assert abs(packed.height - height // scale) < 2


@needs_av
def test_key_frames_come_when_asked_for_and_by_the_clock(pictures: list[Picture]) -> None:
    encoder = make_encoder("h264", WIDTH, HEIGHT, replace(SETTING, key_every=0.5))
    packed = pack(encoder, pictures, keys=[7])
    assert [index for index, one in enumerate(packed) if one.key] == [0, 7, 22, 37]
    # Annex B, with the parameter sets before each key frame.
    assert all(one.data[:5] == b"\0\0\0\1\x67" for one in packed if one.key)
    encoder.apply(replace(SETTING, key_every=0.5))
    assert not pack(encoder, pictures[:1])[0].key
    encoder.apply(replace(SETTING, key_every=0.5, bitrate=500_000.0))
    assert pack(encoder, pictures[:1])[0].key


@needs_av
def test_no_picture_takes_much_more_than_its_share() -> None:
    share = SETTING.picture_bytes
    pictures = [*scene(WIDTH, HEIGHT, 60), *scene(WIDTH, HEIGHT, 60, seed=9)]
    packed = pack(make_encoder("h264", WIDTH, HEIGHT, SETTING), pictures, keys=[30, 90])
    assert max(len(one.data) for one in packed) < 2.2 * share
    assert sum(len(one.data) for one in packed) < 1.1 * share * len(packed)


@needs_av
def test_after_a_gap_nothing_is_shown_until_a_key_frame(pictures: list[Picture]) -> None:
    encoder = make_encoder("h264", WIDTH, HEIGHT, replace(SETTING, bitrate=1e6))
    sent = list(frames(pack(encoder, pictures, keys=[20])))
    decoder = Decoder()
    shown = {
        frame.index: decoder.decode(frame) for frame in sent if frame.index not in (10, 11, 30)
    }
    assert [index for index, picture in shown.items() if picture is None] == [
        *range(12, 20),
        *range(31, 40),
    ]
    for index, picture in shown.items():
        assert picture is None or psnr(pictures[index], picture) > 30
    assert decoder.waiting
    assert decoder.waited == 17
    late = Decoder()
    assert [late.decode(frame) is not None for frame in sent[15:25]] == [False] * 5 + [True] * 5


@needs_av
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_torn_and_foreign_bytes_never_raise_and_it_finds_back(data: st.DataObject) -> None:
    pictures = list(scene(64, 48, 12))
    encoder = make_encoder("h264", 64, 48, SETTING)
    sent = list(frames(pack(encoder, pictures, keys=[8])))
    decoder = Decoder()
    hurt = data.draw(st.integers(0, 7))
    good = sent[hurt].data
    at = data.draw(st.integers(0, len(good) - 1))
    bad = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.just(good[:at]),
            st.binary(min_size=1, max_size=8).map(lambda b: good[:at] + b + good[at + len(b) :]),
        )
    )
    for frame in sent[:8]:
        decoder.decode(replace(frame, data=bad) if frame.index == hurt else frame)
    for frame, picture in zip(sent[8:], pictures[8:], strict=True):
        shown = decoder.decode(frame)
        assert shown is not None
        assert psnr(picture, shown) > 25


@BOTH
def test_a_picture_that_is_none_is_told_in_the_log(
    codec: str, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = Decoder()
    for index, data in enumerate((b"", b"no picture")):
        assert decoder.decode(CameraFrame(index, 0.0, 64, 48, codec, data, True, index)) is None
    assert decoder.refused == 2
    assert "cannot be shown" in caplog.text


def test_an_unknown_codec_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    assert Decoder().decode(CameraFrame(1, 0.0, 64, 48, "xvid", b"...")) is None
    assert "'xvid' is not known" in caplog.text
    with pytest.raises(VideoError, match="xvid"):
        make_encoder("xvid", 64, 48, SETTING)


@pytest.fixture
def without_pyav(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine where it is not installed."""
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "av":
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return real(name, *arguments, **more)

    for name in [name for name in sys.modules if name.partition(".")[0] == "av"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    available_codecs.cache_clear()
    yield
    available_codecs.cache_clear()


@pytest.mark.usefixtures("without_pyav")
def test_without_pyav_there_is_jpeg_and_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert available_codecs() == available_codecs() == ("jpeg",)
    assert len(caplog.records) == 1
    assert "PyAV is missing" in caplog.text
    with pytest.raises(VideoError, match="h264"):
        make_encoder("h264", 64, 48, SETTING)
    assert Decoder().decode(CameraFrame(1, 0.0, 64, 48, "h264", b"...")) is None


@needs_av
@pytest.mark.parametrize(("width", "height"), [(160, 120), (67, 121)])
def test_a_jpeg_looks_the_same_with_and_without_pyav(
    width: int, height: int, request: pytest.FixtureRequest
) -> None:
    picture = next(iter(scene(width, height, 1)))
    (frame,) = frames([make_encoder("jpeg", width, height, SETTING).encode(picture)])
    quick = Decoder().decode(frame)
    request.getfixturevalue("without_pyav")
    plain = Decoder().decode(frame)
    assert quick is not None
    assert plain is not None
    assert quick.shape == plain.shape == (height, width, 4)
    assert psnr(plain[..., :3], quick) > 35


def test_what_is_no_jpeg_is_not_shown_and_the_next_one_is(pictures: list[Picture]) -> None:
    (good,) = frames(pack(make_encoder("jpeg", WIDTH, HEIGHT, SETTING), pictures[:1]))
    decoder = Decoder()
    for data in (b"", b"\xff\xd8", b"\xff\xd8" + bytes(500), good.data[:1], b"GIF89a"):
        assert decoder.decode(replace(good, data=data)) is None
    assert decoder.refused == 5
    assert decoder.decode(good) is not None


def test_importing_video_imports_neither_codec() -> None:
    code = "import sys, pynet.rc.video; print([n for n in ('av', 'cv2') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
