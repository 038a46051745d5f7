"""Commands into a process that also computes: both want the interpreter's lock.

A thread that waits for the lock asks for it after the *switch interval*, and gets it after as
much again or more. The car's program may shorten it; the library never does.
"""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import LOCAL
from benchmarks.links.course import LOOPBACK, Course
from benchmarks.links.table import Column

PYTHONS_OWN, SHORT = 0.005, 0.0005
METRICS = ("delivery_p50", "delivery_p99", "delivery_max")
COLUMNS: tuple[Column, ...] = (
    ("taken p50, ms", "delivery_p50", "{:.2f}"),
    ("p99", "delivery_p99", "{:.2f}"),
    ("p99.9", "delivery_p999", "{:.2f}"),
    ("max", "delivery_max", "{:.2f}"),
)
LIMIT = Target(8.0, of_ratio=False)


def measure(report: Report) -> None:
    """From the sending of a command to its callback beside a busy thread, both on loopback."""
    for interval in (PYTHONS_OWN, SHORT):
        name = f"busy car, sys.setswitchinterval({interval:g})"
        goals = [Goal(peer, "delivery_p99", LIMIT, "tcp") for peer in ("pynet-1", "pynet-8")]
        compare(
            Course.usual(report, LOOPBACK, busy_interval=interval),
            LOCAL,
            goals if interval == SHORT else (),
            metrics=METRICS,
            baseline="tcp",
            columns=COLUMNS,
            title=name,
        )
