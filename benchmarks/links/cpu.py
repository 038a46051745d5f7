"""What 100 commands a second cost the processor at both ends, without a link between them."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.links.comparison import Goal, compare
from benchmarks.links.contenders import LOCAL
from benchmarks.links.course import LOOPBACK, Course
from benchmarks.links.table import Column

METRICS = ("cpu_laptop", "cpu_car")
COLUMNS: tuple[Column, ...] = (
    ("laptop, % of a core", "cpu_laptop", "{:.2f}"),
    ("car, % of a core", "cpu_car", "{:.2f}"),
    ("taken p50, ms", "delivery_p50", "{:.2f}"),
    ("p99", "delivery_p99", "{:.2f}"),
)
LIMIT = Target(4.0, of_ratio=False)


def measure(report: Report) -> None:
    """Processor time of both processes; the laptop's clock, which all need, included."""
    goals = [Goal("pynet-8", metric, LIMIT, "tcp") for metric in METRICS]
    course = Course.usual(report, LOOPBACK)
    compare(course, LOCAL, goals, metrics=METRICS, baseline="tcp", columns=COLUMNS)
