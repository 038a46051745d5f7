from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.rc.video import AdaptiveController, Setting, ladder
from tests.pynet.rc.simulated import Known, Link

MBIT = 1e6
CODECS = pytest.mark.parametrize("codec", ["h264", "jpeg"])


def make(codec: str) -> AdaptiveController:
    return AdaptiveController(codec, ladder(codec, 640, 480, 30.0))


def known(age: float, parts: int = 0) -> Known:
    return Known(age, age + 0.005, 0.01, parts, parts)


@CODECS
def test_the_ladder_goes_down_all_the_way(codec: str) -> None:
    steps = ladder(codec, 640, 480, 30.0)
    rates = [step.bitrate for step in steps]
    assert rates == sorted(rates, reverse=True)
    assert steps[0].scale == 1
    assert steps[0].fps == 30.0
    assert steps[-1].scale == 2
    assert steps[-1].fps == 15.0
    assert all(step.fps >= 15.0 for step in steps)


def test_the_ladder_keeps_to_its_limits() -> None:
    steps = ladder("h264", 640, 480, 30.0, most=2 * MBIT, least=1 * MBIT)
    full = [step.bitrate for step in steps if step.scale == 1 and step.fps == 30.0]
    assert full[0] == 2 * MBIT
    assert full[-1] == 1 * MBIT
    assert ladder("h264", 640, 480, 30.0, most=1 * MBIT, least=2 * MBIT)[0].bitrate == 1 * MBIT
    assert [s.quality for s in ladder("jpeg", 640, 480, 12.0, quality=40)] == [40, 30, 30]
    assert all(step.fps == 12.0 for step in ladder("h264", 640, 480, 12.0))


@CODECS
def test_a_good_link_gets_the_best(codec: str) -> None:
    controller = make(codec)
    Link(lambda now: 60 * MBIT, delay=0.002, loss=0.001).run(controller, 20)
    assert controller.step <= 1


def test_a_link_that_loses_gets_small_pictures() -> None:
    bad, edge = make("h264"), make("h264")
    Link(lambda now: 12 * MBIT, 0.005, 0.025, 0.003).run(bad, 60)
    Link(lambda now: 4 * MBIT, 0.015, 0.075, 0.01).run(edge, 60)
    assert 0.5 * MBIT < bad.setting.bitrate < 1.2 * MBIT
    assert 0.3 * MBIT < edge.setting.bitrate < 1.2 * MBIT
    jpeg_bad, jpeg_edge = make("jpeg"), make("jpeg")
    Link(lambda now: 12 * MBIT, 0.005, 0.025, 0.003).run(jpeg_bad, 60)
    Link(lambda now: 4 * MBIT, 0.015, 0.075, 0.01).run(jpeg_edge, 60)
    assert 12_000 < jpeg_bad.setting.picture_bytes < 18_000
    assert jpeg_edge.setting.scale == 2


@CODECS
def test_a_rate_that_drops_is_followed_within_a_second_and_a_half(codec: str) -> None:
    controller = make(codec)
    link = Link(lambda now: 50 * MBIT if now < 30 else 1.5 * MBIT)
    link.run(controller, 40)
    assert link.steps(29, 30)[-1] == 0
    assert link.steps(30, 31.5)[-1] >= 3
    late = link.between(34, 40)
    assert late[len(late) // 2] < 0.08


@CODECS
def test_after_a_dip_it_comes_back(codec: str) -> None:
    controller = make(codec)
    link = Link(lambda now: 1 * MBIT if 30 <= now < 35 else 50 * MBIT)
    link.run(controller, 60)
    assert max(link.steps(30, 36)) >= 4
    assert controller.step == 0
    assert 0 in link.steps(35, 55)


def test_one_stall_costs_nothing() -> None:
    controller = make("h264")
    for tick in range(600):
        controller.update(tick / 30, known(0.01 + tick * 1e-6))
    assert controller.step == 0
    controller.update(20.4, known(0.4))
    for tick in range(30):
        controller.update(20.43 + tick / 30, known(0.011 + tick * 1e-6))
    assert controller.step == 0


def test_a_still_picture_is_no_reason_to_step_up() -> None:
    controller = make("h264")
    began = controller.step
    for tick in range(300):
        controller.sent(200)
        controller.update(tick / 30, known(0.01 + tick * 1e-6))
    assert controller.step == began


def test_without_reports_it_stays() -> None:
    controller = make("h264")
    began = controller.setting
    for tick in range(300):
        assert controller.update(tick / 30, None) == began
        assert controller.update(tick / 30, Known()) == began


def test_over_a_single_lane_the_round_trip_tells() -> None:
    controller = make("h264")
    for tick in range(600):
        controller.update(tick / 30, Known(None, 0.01 + tick * 1e-6, 0.01))
    assert controller.step == 0
    for tick in range(20):
        controller.update(20 + tick / 30, Known(None, 0.2 + tick * 1e-6, 0.01))
    assert controller.step > 2


links = st.builds(
    lambda rate, delay, loss, jitter, seed: Link(
        lambda now: rate * MBIT, delay, loss, jitter, seed
    ),
    rate=st.floats(0.8, 100.0),
    delay=st.floats(0.0002, 0.05),
    loss=st.floats(0.0, 0.08),
    jitter=st.floats(0.0, 0.01),
    seed=st.integers(0, 1000),
)


@CODECS
@settings(max_examples=30, deadline=None, derandomize=True)
@given(link=links)
def test_on_a_steady_link_it_settles(codec: str, link: Link) -> None:
    controller = make(codec)
    steps = ladder(codec, 640, 480, 30.0)
    link.run(controller, 150)
    settled = link.steps(90)
    assert all(isinstance(step, Setting) for step in steps)
    assert set(link.steps()) <= set(range(len(steps)))
    assert max(settled) - min(settled) <= 2
    changes = sum(a != b for a, b in itertools.pairwise(settled))
    assert changes <= 12


@settings(max_examples=20, deadline=None)
@given(
    ages=st.lists(st.floats(-10, 1e6, allow_nan=False), max_size=300),
    gaps=st.floats(0, 3),
)
def test_whatever_is_reported_the_setting_is_one_of_the_ladder(
    ages: list[float], gaps: float
) -> None:
    controller = make("jpeg")
    steps = ladder("jpeg", 640, 480, 30.0)
    for index, age in enumerate(ages):
        assert controller.update(index * gaps, known(age, index)) in steps
