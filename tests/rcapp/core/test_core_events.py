"""The event log."""

from __future__ import annotations

from rcapp.core.events import EventLog


def test_reading_on_from_where_one_left_off() -> None:
    log = EventLog()
    log.add("info", "one")
    log.add("bad", "two", when=5.0)
    seen = log.since(0)
    assert [event.text for event in seen] == ["one", "two"]
    assert seen[1].time == 5.0
    assert log.since(seen[-1].index + 1) == []
    log.add("good", "three")
    assert [event.text for event in log.since(seen[-1].index + 1)] == ["three"]


def test_the_log_is_bounded_and_indexes_go_on() -> None:
    log = EventLog(size=3)
    for number in range(10):
        log.add("info", str(number))
    assert [event.index for event in log.since(0)] == [7, 8, 9]
    assert log.count == 10
