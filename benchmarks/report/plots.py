"""Pictures of the figures, made with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.links.ages import STEP, Run
from benchmarks.report.results import Result

OURS = "#d1495b"
COLOURS = ("#30638e", "#56b4e9", "#6a994e", "#8d6a9f", "#edae49", "#7f7f7f", "#4aa5a2", "#a0522d")
OUR_STYLES = {"pynet-8": "-", "pynet-8-copies": "--", "pynet-1": ":"}
TICK = 10.0
SHARES = np.concatenate([np.linspace(0, 90, 46), 100 - np.geomspace(10, 0.05, 60)])
MARKS = (50, 90, 99, 99.9)
# The same picture of the same figures is the same file.
STYLE: dict[Any, Any] = {"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9}


def percentiles(runs: Mapping[str, Mapping[int, Run]], title: str, path: Path) -> None:
    """Draw which age each contender was below, for which share of the time; all seeds together."""
    figure = Figure(figsize=(7.5, 4.5))
    axes = figure.add_subplot()
    for place, (name, some) in enumerate(runs.items()):
        ages = np.sort(np.concatenate([run.ages() for run in some.values()]))
        values = ages[np.minimum(len(ages) - 1, (SHARES / 100 * len(ages)).astype(int))]
        axes.plot(1 / (1 - SHARES / 100), values, label=name, **_look(name, place))
    axes.set(xscale="log", yscale="log", title=title, ylabel="age of the newest command, ms")
    axes.set_xticks([1 / (1 - mark / 100) for mark in MARKS], [f"{mark:g} %" for mark in MARKS])
    axes.set_yticks([5, 10, 20, 50, 100, 200, 500], ["5", "10", "20", "50", "100", "200", "500"])
    axes.minorticks_off()
    axes.set_xlabel("share of the time in which it was at most that old")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, ncols=2)
    _save(figure, path)


def timeline(runs: Mapping[str, Run], begin: float, end: float, title: str, path: Path) -> None:
    """Draw the greatest age of the newest command in each 10 ms; times in ms."""
    figure = Figure(figsize=(7.5, 0.6 + 1.2 * len(runs)))
    drawings = figure.subplots(len(runs), sharex=True, sharey=True)
    edges = np.arange(begin, end + TICK, TICK)
    for place, (axes, (name, run)) in enumerate(zip(drawings, runs.items(), strict=True)):
        ages = run.ages()
        first = run.length - STEP * len(ages)
        places = np.clip(((edges - first) / STEP).astype(int), 0, len(ages) - 1)
        greatest = np.maximum.reduceat(ages, places)[:-1]
        axes.fill_between(edges[:-1] / 1e3, greatest, color=_colour(name, place))
        axes.set(ylabel=f"{name}, ms")
        axes.grid(alpha=0.3)
    drawings[0].set_title(title)
    drawings[-1].set_xlabel("s")
    _save(figure, path)


def bars(results: Sequence[Result], metrics: tuple[str, str], unit: str, path: Path) -> None:
    """Draw two metrics of each contender as bars, one drawing for each part."""
    figure = Figure(figsize=(7.5, 0.6 + 2.4 * len(results)))
    for number, result in enumerate(results):
        axes = figure.add_subplot(len(results), 1, number + 1)
        values: dict[str, dict[str, float]] = {}
        for line in result.figures:
            if line.get("metric") in metrics and line["value"] is not None:
                values.setdefault(line["of"], {})[line["metric"]] = line["value"]
        names = sorted(values, key=lambda name: values[name].get(metrics[1], 0.0))
        for metric, alpha in zip(metrics[::-1], (0.45, 1.0), strict=True):
            heights = [values[name].get(metric, 0.0) for name in names]
            colours = [OURS if name.startswith("pynet") else COLOURS[0] for name in names]
            axes.barh(names, heights, color=colours, alpha=alpha)
        axes.invert_yaxis()
        axes.set(title=result.part, xscale="log", xlabel=unit)
        axes.tick_params(axis="y", labelsize=7)
    _save(figure, path)


def _colour(name: str, place: int) -> str:
    return OURS if name.startswith("pynet") else COLOURS[place % len(COLOURS)]


def _look(name: str, place: int) -> dict[str, Any]:
    if name.startswith("pynet"):
        style = OUR_STYLES.get(name, "-.")
        return {"color": OURS, "linewidth": 2.0, "linestyle": style}
    style = "-" if place < len(COLOURS) else ":"
    return {"color": _colour(name, place), "linewidth": 1.1, "linestyle": style}


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
    # The drawing is text, and text ends with a line's end and has no spaces before it.
    lines = [line.rstrip() for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
