"""Links do what their configuration says, measured from their ends.

Tolerances: no packet is faster than configured; the median is within 3 ms of the configured round
trip, which leaves room for a busy machine. Losses lie within four standard deviations of what the
model gives for the time measured. A flood gets through at the configured rate, less the losses:
in its best half of a second 92 % to 103 % of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.link import PROFILES, Link, Outage, Statistics, Way, WayStatistics

pytestmark = pytest.mark.link

SLACK_MS = 3.0
SEED = 11
HZ = 400.0


def assert_losses_fit(way: Way, seen: WayStatistics, seconds: float) -> None:
    """Hold both kinds of loss against the model."""
    on_air = seen.sent - seen.lost["queue"] - seen.lost["outage"]
    share = way.loss / 100
    spread = math.sqrt(on_air * share * (1 - share))
    by_burst = seen.lost["burst"]
    assert abs(seen.lost["random"] - (on_air - by_burst) * share) <= 4 * spread + 1
    if way.burst is None:
        assert by_burst == 0
        return
    # The time spent in bad states: as many exponential ones as fit into the seconds measured.
    count = seconds * 1e3 / way.burst.every
    expected = on_air * way.burst.loss / 100
    assert abs(by_burst - expected) <= 4 * expected * math.sqrt(2 / count) + 4


@pytest.mark.parametrize("name", ["lan", "wifi-good", "wifi-bad", "wifi-edge", "longfat"])
def test_round_trips_and_losses(name: str, probe: Callable[[Link], Any]) -> None:
    up, down = PROFILES[name].up, PROFILES[name].down
    with Link(name, seed=SEED) as link:
        measure = probe(link)
        # So far apart that no packet has to wait for another to keep the order.
        slow = measure("echo", hz=100, seconds=2)
        link.restart_clock()
        fast = measure("echo", hz=HZ, seconds=4)
        ended = link.statistics
    fastest = up.delay - up.jitter + down.delay - down.jitter
    mean = up.delay + down.delay
    assert slow["rtt_ms"]["min"] >= fastest
    assert mean - SLACK_MS < slow["rtt_ms"]["p50"] <= mean + SLACK_MS
    assert slow["up_ms"]["min"] >= up.delay - up.jitter
    assert_losses_fit(up, ended.up, ended.seconds)
    assert_losses_fit(down, ended.down, ended.seconds)
    # What the ends miss is what the link says that it lost.
    assert ended.up.sent == fast["sent"]
    assert fast["sent"] - fast["back"] == ended.up.total_lost + ended.down.total_lost
    assert ended.up.under_way == ended.down.under_way == 0


@pytest.mark.parametrize("name", ["wifi-good", "wifi-bad", "wifi-edge", "longfat"])
def test_a_flood_gets_through_at_the_rate_of_the_link(
    name: str, probe: Callable[[Link], Any]
) -> None:
    way = PROFILES[name].up
    with Link(name, seed=SEED) as link:
        seen = probe(link)("flood", mbit=1.3 * way.rate, seconds=3)
        ended = link.statistics.up
    through = way.rate * (1 - ended.air_loss / 100)
    assert 0.92 * through <= seen["peak_mbit"] <= 1.03 * way.rate
    assert ended.lost["queue"] > 0
    one_packet = 1500 * 8 / (way.rate * 1e3)
    assert way.queue - one_packet <= ended.queue_max_ms <= way.queue


def test_a_lan_carries_hundreds_of_megabits_over_one_connection(
    probe: Callable[[Link], Any],
) -> None:
    with Link("lan", seed=SEED) as link:
        seen = probe(link)("tcp", seconds=2)
        ended = link.statistics.up
    # How near to 1000 it comes is a matter of the machine; more is a fault.
    assert 200 < seen["mbit"] < 1000
    assert ended.lost["random"] == ended.lost["burst"] == ended.lost["device"] == 0


def test_nothing_passes_in_an_outage_and_all_does_around_it(probe: Callable[[Link], Any]) -> None:
    profile = PROFILES["outage"].changed(loss=0.0, outages=(Outage(1.0, 1.5),))
    with Link(profile, seed=SEED) as link:
        measure = probe(link)
        link.restart_clock()
        begun = link.statistics.seconds
        seen = measure("echo", hz=200, seconds=4)
        ended = link.statistics
    assert begun < 1.0
    missing = seen["missing"]
    assert missing, "the outage was not noticed"
    # One gap; where it begins depends on when the probe was ready, its length does not. An
    # answer to a packet from just before it may be caught by it.
    assert missing == list(range(missing[0], missing[-1] + 1))
    assert len(missing) == ended.up.lost["outage"] + ended.down.lost["outage"]
    assert ended.up.total_lost + ended.down.total_lost == len(missing)
    assert 0.5 * 1.5 * 200 < len(missing) <= 1.5 * 200 * 1.2


def test_directions_are_configured_by_themselves(probe: Callable[[Link], Any]) -> None:
    with Link("lan", seed=SEED, up_delay=20.0, down_loss=30.0) as link:
        seen = probe(link)("echo", hz=HZ, seconds=2)
        ended = link.statistics
    assert seen["up_ms"]["min"] >= 20.0
    assert 20.5 <= seen["rtt_ms"]["min"] <= 20.5 + SLACK_MS
    assert ended.up.total_lost == 0
    assert ended.down.air_loss == pytest.approx(30.0, abs=7.0)


def missing_after(restart: Callable[[], Statistics], measure: Any) -> list[int]:
    restart()
    return list(measure("echo", hz=HZ, seconds=1.5)["missing"])


def test_the_same_seed_gives_the_same_luck_and_another_seed_another(
    probe: Callable[[Link], Any],
) -> None:
    losses: dict[int, list[list[int]]] = {}
    for seed in (1, 2):
        # Loss that depends on the number of a packet only, as bursts depend on the time only.
        with Link("lan", seed=seed, up_loss=10.0) as link:
            measure = probe(link)
            losses[seed] = [missing_after(link.restart_clock, measure) for _ in range(2)]
    assert losses[1][0] == losses[1][1]
    assert losses[2][0] == losses[2][1]
    assert losses[1][0] != losses[2][0]
    assert 30 < len(losses[1][0]) < 90


def test_statistics_begin_again_with_the_clock(probe: Callable[[Link], Any]) -> None:
    with Link("wifi-good", seed=SEED) as link:
        measure = probe(link)
        measure("echo", hz=100, seconds=0.5)
        before = link.restart_clock()
        after = link.statistics
        assert before.up.sent == 50
        assert after.up.sent == 0
        assert after.seconds < before.seconds
    assert link.statistics.seconds >= after.seconds
