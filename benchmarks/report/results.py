"""What the benchmarks stored, read again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS
from benchmarks.links.ages import Run
from benchmarks.links.course import read


@dataclass(frozen=True)
class Result:
    """One part, as it was measured last.

    Attributes:
        part: such as ``links.wifi_bad``.
        name: of its file: the part, the congestion control if one was asked for, and
            ``partial`` if only some contenders or seeds were measured.
        content: of the file.
    """

    part: str
    name: str
    content: Mapping[str, Any]

    @property
    def figures(self) -> Sequence[Mapping[str, Any]]:
        """The lines that were printed."""
        return list(self.content["figures"])

    @property
    def samples(self) -> Mapping[str, Any]:
        """What the figures were made of."""
        return dict(self.content["samples"])

    @property
    def congestion(self) -> str | None:
        """TCP's congestion control, where one was asked for."""
        return self.content.get("congestion")

    @property
    def partial(self) -> bool:
        """True if not all contenders or seeds were measured."""
        return self.name.endswith(".partial")


def results_of(
    parts: Sequence[str], folder: Path = RESULTS, *, quick: bool = False
) -> list[Result]:
    """Return the results of these parts, in their order; of parts not measured, none.

    Args:
        parts: names such as ``links.wifi_bad``.
        folder: where they are.
        quick: those of quick looks, which prove little, instead.
    """
    found = []
    for part in parts:
        names = [path.stem for path in sorted(folder.glob(f"{part}.*json"))]
        looks = [name for name in names if name.endswith(".quick") == quick]
        # A look at some contenders counts for nothing where all were measured.
        wanted = [name for name in looks if name.removesuffix(".partial") not in looks]
        wanted += [name for name in looks if not name.endswith(".partial")]
        for name in sorted(wanted):
            content = json.loads((folder / f"{name}.json").read_text())
            found.append(Result(part, name, content))
    return found


def published(parts: Sequence[str], docs: Path) -> list[Result]:
    """Return the results that the page was written of; long samples are thinned.

    Args:
        parts: names such as ``links.wifi_bad``.
        docs: the folder of the page.
    """
    folder = docs / "benchmarks"
    if not (folder / "figures.json").exists():
        return []
    figures = json.loads((folder / "figures.json").read_text())
    samples = json.loads(gzip.decompress((folder / "samples.json.gz").read_bytes()))
    found = []
    for name, head in figures.items():
        part = ".".join(name.split(".")[:2])
        if part in parts:
            content = {**head, "samples": samples.get(name, {}), "quick": False}
            found.append(Result(part, name, content))
    return found


def runs_of(result: Result, profile: str, folder: Path = RESULTS) -> dict[str, dict[int, Run]]:
    """Return the runs behind the figures over one profile, by contender and seed.

    Runs that were made anew by another version in the meantime are left out.
    """
    kept = result.samples.get(profile, {"figures": {}, "versions": {}})
    looks = ".quick" if result.content["quick"] else ""
    control = f".{result.congestion}" if result.congestion else ""
    runs: dict[str, dict[int, Run]] = {}
    for contender in kept["figures"]:
        for seed in kept["seeds"]:
            name = f"{profile}.{contender}.{seed}{control}.json"
            path = folder / "runs" / (result.part + looks) / name
            if not path.exists():
                continue
            content = json.loads(path.read_text())
            if content["key"][1] == kept["versions"].get(contender):
                runs.setdefault(contender, {})[seed] = read(content)
    return runs


def packed(runs: Mapping[str, Mapping[int, Run]]) -> dict[str, Any]:
    """Return runs as small arrays: ``<contender>.<seed>``, one row each for made and taken.

    Times are in units of 0.1 ms: when each command was made, counted from its tick (every 10 ms
    from the beginning of the window), and how long it took; 65535 where there is none.
    """
    arrays = {}
    for contender, some in runs.items():
        for seed, run in some.items():
            ticks = 10.0 * np.arange(len(run.sent))
            rows = np.stack([run.sent - ticks, run.taken - run.sent])
            tenths = np.where(np.isnan(rows), 65535, np.clip(np.round(rows * 10), 0, 65534))
            arrays[f"{contender}.{seed}"] = tenths.astype(np.uint16)
    return arrays


def thinned(value: Any, most: int = 500) -> Any:
    """Return samples with numbers of four digits and no list of numbers longer than `most`.

    Of longer ones every n-th number is kept, in order.
    """
    if isinstance(value, dict):
        return {key: thinned(item, most) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        if len(value) > most:
            value = value[:: -(-len(value) // most)]
        return [thinned(item, most) for item in value]
    return value
