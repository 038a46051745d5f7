"""Figures of contenders as a table for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

Column = tuple[str, str, str]
"""A title, the figure below it, and how it is written."""

COLUMNS: tuple[Column, ...] = (
    ("seeds", "runs", "{:.0f}"),
    ("age p50", "age_p50", "{:.1f}"),
    ("p99", "age_p99", "{:.1f}"),
    ("p99.9", "age_p999", "{:.1f}"),
    ("max", "age_max", "{:.1f}"),
    (">50ms %", "age_over_50", "{:.2f}"),
    (">100ms %", "age_over_100", "{:.2f}"),
    ("taken p50", "delivery_p50", "{:.1f}"),
    ("p99", "delivery_p99", "{:.1f}"),
    ("p99.9", "delivery_p999", "{:.1f}"),
    ("max", "delivery_max", "{:.1f}"),
    ("lost %", "lost", "{:.2f}"),
    ("superseded", "superseded", "{:.0f}"),
    ("laptop CPU %", "cpu_laptop", "{:.1f}"),
    ("car CPU %", "cpu_car", "{:.1f}"),
)


def lines(
    figures: Mapping[str, Mapping[str, float]], columns: Sequence[Column] = COLUMNS
) -> list[str]:
    """Lay out the figures of contenders, one row each."""
    rows = [["", *(title for title, _, _ in columns)]]
    for name, values in figures.items():
        rows.append([name, *(form.format(values[key]) for _, key, form in columns)])
    return laid_out(rows)


def laid_out(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with all columns under each other; the first to the left, others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def show(
    title: str,
    figures: Mapping[str, Mapping[str, float]],
    columns: Sequence[Column] = COLUMNS,
) -> None:
    """Print a table where it does not mix with figures for programs."""
    print(f"\n{title}", *lines(figures, columns), "", sep="\n", file=sys.stderr, flush=True)
