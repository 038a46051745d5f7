"""Every transition of docs/safety.md's table, and that the page has exactly these."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_agent.failsafe import rules
from tests.pi_agent.failsafe_stories import Story, in_stage


def silence(seconds: float) -> Callable[[Story], object]:
    return lambda story: story.wait(seconds + 0.001 - (story.now - story.failsafe.accepted_at))


def good_then_neutral(story: Story) -> None:
    story.drive(0.4, 0.6)
    story.send(0.0)


def good_and_held(story: Story) -> None:
    story.drive(3.0, 0.6)


def neutral_too_early(story: Story) -> None:
    story.drive(0.2, 0.0)


def good_link(story: Story) -> None:
    story.drive(0.2, 0.6)


def arm(throttle: float, refused: int) -> Callable[[Story], object]:
    def press(story: Story) -> None:
        if story.failsafe.armed:
            # It is armed already: nothing to refuse, nothing to change.
            assert story.arm() == 0
            return
        story.drive(0.6, throttle)
        assert story.arm() == refused

    return press


def another_lease(story: Story) -> None:
    story.failsafe.set_epoch(story.epoch + 1, story.now)


EVENTS: dict[str, Callable[[Story], object]] = {
    "fresh command": lambda story: story.send(0.6),
    "100 ms without a command": silence(0.1),
    "250 ms without a command": silence(0.25),
    "1 s without a command": silence(1.0),
    "good link for 100 ms": good_link,
    "good link for 300 ms, then throttle at neutral": good_then_neutral,
    "good link, throttle held": good_and_held,
    "throttle at neutral, link good for less than 300 ms": neutral_too_early,
    "`arm()`, link good for 500 ms, throttle at neutral": arm(0.0, 0),
    "`arm()`, throttle held": arm(0.6, rules.THROTTLE),
    "STOP": lambda story: story.failsafe.stop(story.now),
    "`disarm()`": lambda story: story.failsafe.disarm(rules.DISARM, story.now),
    "the driver's connection ends": lambda story: story.failsafe.gone(story.epoch, story.now),
    "the driver changes": another_lease,
    "the main program ends": lambda story: story.failsafe.disarm(rules.AGENT, story.now),
    "the motors do not obey": lambda story: story.failsafe.motors(False, story.now),
}

STAY = "-"
COLUMNS = ("ready", "degraded", "neutral", "disarmed", "stopped")
TABLE: dict[str, tuple[str, str, str, str, str]] = {
    "fresh command": (STAY, STAY, STAY, STAY, STAY),
    "100 ms without a command": ("degraded", STAY, STAY, STAY, STAY),
    "250 ms without a command": ("neutral", "neutral", STAY, STAY, STAY),
    "1 s without a command": ("disarmed", "disarmed", "disarmed", STAY, STAY),
    "good link for 100 ms": (STAY, "ready", STAY, STAY, STAY),
    "good link for 300 ms, then throttle at neutral": (STAY, "ready", "ready", STAY, STAY),
    "good link, throttle held": (STAY, "ready", STAY, STAY, STAY),
    "throttle at neutral, link good for less than 300 ms": (STAY, "ready", STAY, STAY, STAY),
    "`arm()`, link good for 500 ms, throttle at neutral": (STAY, STAY, STAY, "ready", "ready"),
    "`arm()`, throttle held": (STAY, STAY, STAY, STAY, STAY),
    "STOP": ("stopped", "stopped", "stopped", "stopped", STAY),
    "`disarm()`": ("disarmed", "disarmed", "disarmed", STAY, STAY),
    "the driver's connection ends": ("neutral", "neutral", STAY, STAY, STAY),
    "the driver changes": ("disarmed", "disarmed", "disarmed", STAY, STAY),
    "the main program ends": ("disarmed", "disarmed", "disarmed", STAY, STAY),
    "the motors do not obey": ("stopped", "stopped", "stopped", "stopped", STAY),
}


@pytest.mark.parametrize("stage", COLUMNS)
@pytest.mark.parametrize("event", TABLE)
def test_each_transition(event: str, stage: str) -> None:
    story = in_stage(stage)
    EVENTS[event](story)
    wanted = TABLE[event][COLUMNS.index(stage)]
    assert story.stage == (stage if wanted == STAY else wanted)
    if story.stage in ("neutral", "disarmed", "stopped"):
        assert story.throttle == 0.0
        assert not story.failsafe.output()[2]


def test_the_page_shows_this_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "safety.md").read_text(encoding="utf-8")
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 6 and cells[0] in TABLE:
            rows[cells[0]] = tuple(cells[1:])
    assert rows == TABLE


def test_the_page_lists_every_refusal_and_cause() -> None:
    page = (Path(__file__).parents[2] / "docs" / "safety.md").read_text(encoding="utf-8")
    for bit, (sentence, remedy) in rules.REFUSALS.items():
        assert f"| {bit.bit_length()} | {sentence} | {remedy} |" in page
    for stage, sentence in rules.CAUSES.values():
        assert f"| {rules.STAGES[stage]} | {sentence} |" in page
