"""The ages of pictures, and what counts as a whole one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.video.judge import (
    Arrival,
    Judge,
    ages_on_display,
    back_after,
    newer_ones,
    verdict,
)
from benchmarks.video.source import HEIGHT, WIDTH, Picture, index_of, read_stamp, stamp

cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def clip() -> list[Picture]:
    luck = np.random.default_rng(7)
    small = luck.integers(40, 200, (3, HEIGHT // 40, WIDTH // 40, 3)).astype(np.uint8)
    return [cv2.resize(picture, (WIDTH, HEIGHT)) for picture in small]


def picture_of(clip: list[Picture], number: int) -> Picture:
    picture = clip[index_of(number, len(clip))].copy()
    stamp(picture, number)
    return picture


def luma_of(picture: Picture) -> Picture:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def arrival(at: float, number: int | None, psnr: float | None = 35.0) -> Arrival:
    return Arrival(at, number, psnr)


@pytest.mark.parametrize("number", [0, 1, 599, 0b1010101010101010, 0xFFFF])
def test_a_number_survives_jpeg_and_half_the_size(clip: list[Picture], number: int) -> None:
    _, data = cv2.imencode(".jpg", cv2.resize(picture_of(clip, number), (320, 240)))
    unpacked = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert Judge(clip).judge(0.5, luma_of(unpacked)).number == number


def test_a_number_that_is_half_gone_is_none(clip: list[Picture]) -> None:
    picture = picture_of(clip, 5)
    picture[:40, 200:] = 128
    assert read_stamp(luma_of(picture)) is None
    assert Judge(clip).judge(0.5, luma_of(picture)) == Arrival(0.5, None, None)


def test_the_clip_goes_forth_and_back() -> None:
    assert [index_of(number, 4) for number in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_a_whole_picture_has_a_quality(clip: list[Picture]) -> None:
    picture = picture_of(clip, 4)
    noisy = np.clip(picture.astype(int) + 3, 0, 255).astype(np.uint8)
    judged = Judge(clip).judge(1.25, luma_of(noisy))
    assert (judged.at, judged.number) == (1.25, 4)
    assert judged.psnr == pytest.approx(20 * np.log10(255 / 3), abs=0.5)
    assert judged.age == pytest.approx(1.25 - 4 / 30)


def test_one_block_that_is_off_makes_a_picture_broken(clip: list[Picture]) -> None:
    luma = luma_of(picture_of(clip, 4)).astype(int)
    luma[200:240, 320:360] += 30
    judged = Judge(clip).judge(1.0, luma.astype(np.uint8))
    assert (judged.number, judged.psnr) == (4, None)


def test_a_display_shows_only_what_is_whole_and_newer() -> None:
    come = [
        arrival(0.3, 6),
        arrival(0.1, 1),
        arrival(0.2, 5, None),
        arrival(0.4, 6),
        arrival(0.5, 2),
    ]
    assert [(one.at, one.number) for one in newer_ones(come)] == [(0.1, 1), (0.3, 6)]


def test_the_age_on_display_grows_until_the_next_picture() -> None:
    shown = [arrival(1.05, 30), arrival(1.2, 33)]
    ages = ages_on_display(shown, 1.0, 1.3)
    assert len(ages) == 300
    assert ages[0] == pytest.approx(1.0)  # nothing yet
    assert ages[49:51] == pytest.approx([1.049, 0.05], abs=2e-3)
    assert ages[199] == pytest.approx(0.199, abs=2e-3)
    assert ages[201] == pytest.approx(0.101, abs=2e-3)
    assert ages[-1] == pytest.approx(0.199, abs=2e-3)


def test_thirty_pictures_a_second_at_once_are_the_floor() -> None:
    found = verdict([arrival(number / 30, number) for number in range(120)], 1.0, 3.0)
    assert found.age_p50 == pytest.approx(1000 / 60, abs=1)
    assert found.age_p99 == pytest.approx(33, abs=1)
    assert (found.fps, found.broken, found.late) == (30.0, 0, 0.0)
    assert found.way_p99 == pytest.approx(0.0)


def test_a_stall_is_late_for_as_long_as_it_shows() -> None:
    come = [arrival(number / 30, number) for number in (*range(46), *range(75, 121))]
    found = verdict(come, 1.0, 3.0)
    # Picture 45 stands from 1.5 s to 2.5 s, the last 750 ms of them too long.
    assert found.late == pytest.approx(0.375, abs=0.002)
    assert found.age_max == pytest.approx(1000, abs=2)


def test_nothing_that_came_is_no_quality_and_an_endless_way() -> None:
    found = verdict([], 1.0, 3.0)
    assert (found.fps, found.psnr, found.late) == (0.0, 0.0, 1.0)
    assert found.way_p50 == float("inf")


def test_what_was_under_way_when_the_link_went_is_not_back() -> None:
    come = [arrival(2.0, 58), arrival(5.1, 61), arrival(5.3, 155), arrival(9.2, 275)]
    assert back_after(come, [5.0, 9.0, 13.0], 4.0) == pytest.approx([300.0, 200.0, 4000.0])
