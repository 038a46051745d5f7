"""The quick form of ``python -m benchmarks.soak``: what is lost comes back, and nothing is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.link import Link
from benchmarks.soak.course import Course
from benchmarks.soak.ends import Ends

pytestmark = [pytest.mark.link, pytest.mark.timeout(180)]

SCENARIOS = ["reconnects", "lanes reset", "lanes muted", "outage", "car suspended", "clock ahead"]


@pytest.fixture
def course() -> Iterator[Course]:
    with Link("wifi-good") as link:
        ends = Ends(link, lanes=4)
        try:
            yield Course(ends, quick=True, outage=2.5)
        finally:
            ends.close()


def test_what_is_lost_comes_back_and_nothing_is_left(course: Course) -> None:
    outcomes = [course.run(name) for name in ("start", *SCENARIOS)]
    faults = {outcome.name: outcome.faults for outcome in outcomes if outcome.faults}
    assert not faults
