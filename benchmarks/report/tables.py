"""Figures as tables of Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report.results import Result

HEADS = {
    "runs": "seeds",
    "age_p50": "age p50",
    "age_p99": "p99",
    "age_p999": "p99.9",
    "age_max": "max",
    "age_over_50": "> 50 ms, %",
    "age_over_100": "> 100 ms, %",
    "older_than_250_ms": "> 250 ms, %",
    "delivery_p50": "taken p50",
    "delivery_p99": "taken p99",
    "delivery_p999": "taken p99.9",
    "delivery_max": "taken max",
    "lost": "lost, %",
    "superseded": "superseded",
    "cpu_laptop": "CPU laptop, %",
    "cpu_car": "CPU car, %",
    "worst_age_max": "max of all seeds",
    "worst_lost": "lost, worst seed, %",
    "intact_fps": "whole pictures/s",
    "psnr": "PSNR, dB",
    "back": "first command, ms",
    "worst_back": "worst seed, ms",
    "fresh": "first fresh one, ms",
    "oldest": "oldest executed, ms",
    "old": "executed > 250 ms old",
    "worst_old": "of all seeds",
    "seconds": "s",
    "rate": "MB/s",
    "files_per_second": "files/s",
    "cpu": "CPU, s",
    "cpu_source": "CPU source, s",
    "cpu_sink": "CPU sink, s",
    "age_p99_more": "p99 more",
    "rate_before": "MB/s before",
    "share_of_what_is_left": "of what is left, %",
    "full_rate_after": "full rate after, s",
    "restart": "restart, s",
    "cpu_until_restart": "CPU until then, s",
    "sent_again": "sent again, MB",
    "read_at_sink": "read at the sink, MB",
    "read_at_source": "read at the source, MB",
}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first row is its head, the first column its names."""
    head, *body = rows
    line = "|".join(["---"] + ["--:"] * (len(head) - 1))
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in body)]
    )


def number(value: float | None) -> str:
    """Write a figure with as many digits as it holds."""
    if value is None or math.isnan(value):
        return ""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(figure: Mapping[str, Any] | None) -> str:
    """Write a figure; beside it its target, if it has one."""
    if figure is None:
        return ""
    text = number(figure["value"])
    return text if figure["target"] is None else f"**{text}** ({verdict(figure)})"


def verdict(figure: Mapping[str, Any]) -> str:
    """Write what a figure should be, and whether it is."""
    target = str(figure["target"])
    ratio = f", is {figure['ratio']:.2f}" if "baseline" in target and figure["ratio"] else ""
    target = target.replace(" x baseline", "x").replace("<=", "≤").replace(">=", "≥")
    return f"{target}{ratio} {'✓' if figure['ok'] else '✗'}"


def of_contenders(result: Result) -> list[tuple[str, str]]:
    """Return a table for each setting of a part: contenders below each other.

    Returns:
        What the setting is called (empty if there is one only), and its table.
    """
    settings: dict[str, dict[str, dict[str, Mapping[str, Any]]]] = {}
    for figure in result.figures:
        if "of" in figure and "metric" in figure:
            setting, _, metric = figure["metric"].rpartition(" ")
            settings.setdefault(setting, {}).setdefault(figure["of"], {})[metric] = figure
    tables = []
    for setting, contenders in settings.items():
        metrics = list(dict.fromkeys(m for figures in contenders.values() for m in figures))
        rows = [["", *(HEADS.get(metric, metric) for metric in metrics)]]
        for name, figures in contenders.items():
            rows.append([name, *(cell(figures.get(metric)) for metric in metrics)])
        tables.append((setting, table(rows)))
    return tables


def of_figures(result: Result) -> str | None:
    """Return a table of the figures that belong to no contender; None if there are none."""
    rows = [["", "value", "unit", "baseline", "target"]]
    for figure in result.figures:
        if "of" not in figure:
            words = str(figure["metric"]).replace("_", " ")
            value, baseline = number(figure["value"]), number(figure["baseline"])
            target = verdict(figure) if figure["target"] else ""
            rows.append([words, value, str(figure["unit"]), baseline, target])
    return table(rows) if len(rows) > 1 else None


def of_targets(results: Sequence[Result]) -> str:
    """Return every figure that has a target, in one table."""
    rows = [["", "", "value", "target"]]
    for result in results:
        for figure in result.figures:
            if figure.get("target"):
                what = f"{figure['metric']}".replace("_", " ")
                if "of" in figure:
                    what += f", {figure['of']}"
                value = f"{number(figure['value'])} {figure['unit']}"
                rows.append([result.name, what, value, verdict(figure)])
    return table(rows)


def missing(result: Result) -> list[str]:
    """Return a sentence for each contender that did not run."""
    return [
        f"- {figure['of']} did not run: {figure['missing']}"
        for figure in result.figures
        if "missing" in figure
    ]
