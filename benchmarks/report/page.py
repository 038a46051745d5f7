"""The page, its pictures and the samples beside it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import RESULTS
from benchmarks.links.ages import Run
from benchmarks.report import plots, tables
from benchmarks.report.results import Result, packed, runs_of, thinned

INTRODUCTION = Path(__file__).with_name("introduction.md")
METHOD = Path(__file__).with_name("method.md")
BENCHES = {
    "core": "On one machine: calls, items, arrays",
    "links": "Commands over links",
    "video": "Pictures over links",
    "security": "Security and safety",
    "files": "Files",
}
PARTS = {
    "core.calls": "Calls",
    "core.items": "Small items",
    "core.arrays": "Large arrays",
    "core.handlers": "Many at a time",
    "core.demo": "The demo",
    "links.lan": "A cable",
    "links.wifi_good": "Wi-Fi in the same room",
    "links.wifi_bad": "Wi-Fi two walls away",
    "links.wifi_edge": "Wi-Fi where it ends",
    "links.delivery": "Commands that must arrive",
    "links.options": "Without the kernel's options",
    "links.outage": "Through an outage of three seconds",
    "links.gil": "Beside a busy thread",
    "links.cpu": "Processor time",
    "links.work": "Work over several pairs",
    "video.lan": "Pictures over a cable",
    "video.wifi_good": "Pictures in the same room",
    "video.wifi_good_bulk": "Pictures beside a file copy",
    "video.wifi_bad": "Pictures two walls away",
    "video.wifi_edge": "Pictures where the Wi-Fi ends",
    "video.outage": "Pictures after an outage of three seconds",
    "video.cpu": "Processor time of pictures",
    "security.tls": "TLS on one machine",
    "security.commands": "Commands over TLS",
    "security.pictures": "Pictures over TLS",
    "security.hostile": "A thousand hostile connections",
    "security.viewers": "Eight who watch",
    "security.failsafe": "The failsafe",
    "files.large": "A large file on one machine",
    "files.sealed": "A large file, encrypted",
    "files.small": "Small files on one machine",
    "files.tree": "A real tree on one machine",
    "files.moves": "Small files moved for good",
    "files.longfat": "A large file far away",
    "files.longfat_small": "Small files far away",
    "files.wifi_good": "Files in the same room",
    "files.wifi_bad": "Files two walls away",
    "files.driving": "Driving beside a transfer",
    "files.resume": "Killed and resumed",
}
AGES = {
    "links.lan": "lan",
    "links.wifi_good": "wifi-good",
    "links.wifi_bad": "wifi-bad",
    "links.wifi_edge": "wifi-edge",
}
DRAWN = ("udp", "udp-twice", "tcp", "zmq", "zmq-conflate", "zenoh", "grpc", "websockets", "aiortc")
OURS = ("pynet-1", "pynet-8", "pynet-16-copies")
LINE = ("udp", "tcp", "pynet-8")
# A stretch of the first seed's window, in ms, as it comes: nobody chose it for its looks.
STRETCH = (5_000.0, 10_000.0)


class Page:
    """Writes all into a folder of documents.

    Args:
        docs: the folder: ``benchmarks.md``, ``benchmarks/`` and ``images/`` in it.
        folder: where runs were stored.
    """

    def __init__(self, docs: Path, folder: Path = RESULTS) -> None:
        self.docs = docs
        self.folder = folder

    def write(self, results: Sequence[Result]) -> Path:
        """Write the page and what belongs to it; return its path."""
        (self.docs / "benchmarks").mkdir(parents=True, exist_ok=True)
        pieces = [INTRODUCTION.read_text(), machines(results)]
        pieces += ["## All targets\n", tables.of_targets(results) + "\n"]
        for bench, title in BENCHES.items():
            some = [result for result in results if result.part.startswith(f"{bench}.")]
            if not some:
                continue
            pieces.append(f"## {title}\n")
            pieces += self._overview(bench, some)
            for result in some:
                pieces += self._part(result)
        pieces.append(METHOD.read_text())
        self._store(results)
        path = self.docs / "benchmarks.md"
        path.write_text("\n".join(pieces))
        return path

    # ---- pieces ---------------------------------------------------------------------------

    def _overview(self, bench: str, results: Sequence[Result]) -> list[str]:
        drawn = [one for one in results if _has(one, "age_p50") and one.congestion is None]
        if bench != "video" or not drawn:
            return []
        path = self._image("video-ages")
        plots.bars(drawn, ("age_p50", "age_p99"), "age on display, ms: p50, and lighter p99", path)
        return [_shown(path, "age of pictures on display, each contender"), ""]

    def _part(self, result: Result) -> list[str]:
        title = f"### {PARTS.get(result.part, result.part)}"
        if result.congestion:
            title += f", {result.congestion}"
        pieces = [title + "\n"]
        if result.partial:
            pieces.append("Only some contenders or seeds were measured.\n")
        if result.part in AGES:
            pieces += self._drawings(result, AGES[result.part])
        for setting, table in tables.of_contenders(result):
            if setting and setting != AGES.get(result.part):
                pieces.append(f"**{setting}**\n")
            pieces.append(table + "\n")
        if (table_of_figures := tables.of_figures(result)) is not None:
            pieces.append(table_of_figures + "\n")
        if absent := tables.missing(result):
            pieces.append("\n".join(absent) + "\n")
        return pieces

    def _drawings(self, result: Result, profile: str) -> list[str]:
        runs = runs_of(result, profile, self.folder)
        drawn = {name: runs[name] for name in (*DRAWN, *OURS) if name in runs}
        line = {name: next(iter(runs[name].values())) for name in LINE if name in runs}
        path = self._image(f"commands-{result.name.removeprefix('links.')}")
        moments = self._image("commands-wifi_bad-timeline")
        if drawn:
            self._pack(result, runs)
            plots.percentiles(drawn, f"{profile}: commands at 100 Hz", path)
        if profile != "wifi-bad" or result.congestion:
            moments = path
        elif len(line) == len(LINE):
            plots.timeline(line, *STRETCH, f"{profile}: five seconds of one window", moments)
        # Of what was measured elsewhere before, the pictures are there.
        pieces = [_shown(path, f"age of commands over {profile}"), ""] if path.exists() else []
        if moments != path and moments.exists():
            pieces += [_shown(moments, "age of the newest command, moment for moment"), ""]
        return pieces

    def _image(self, name: str) -> Path:
        return self.docs / "images" / f"bench-{name.replace('.', '-')}.svg"

    # ---- samples ----------------------------------------------------------------------------

    def _pack(self, result: Result, runs: Mapping[str, Mapping[int, Run]]) -> None:
        with (self.docs / "benchmarks" / f"{result.name}.npz").open("wb") as file:
            np.savez_compressed(file, **packed(runs))

    def _store(self, results: Sequence[Result]) -> None:
        head = ("when", "commit", "version", "congestion", "machine", "figures")
        figures = {one.name: {key: one.content.get(key) for key in head} for one in results}
        path = self.docs / "benchmarks" / "figures.json"
        path.write_text("{\n" + ",\n".join(_lines(figures)) + "\n}\n")
        samples = {one.name: thinned(one.samples) for one in results}
        text = json.dumps(samples, separators=(",", ":")).encode()
        # Without a time in it, the same samples are the same file.
        (self.docs / "benchmarks" / "samples.json.gz").write_bytes(gzip.compress(text, mtime=0))


def machines(results: Sequence[Result]) -> str:
    """Return where, when and of what each part was measured."""
    rows = [["part", "put together", "commit", "machine", "busy before"]]
    for result in results:
        machine = result.content["machine"]
        where = f"{machine['system']}, {machine['cores']} cores, Python {machine['python']}"
        busy = f"{machine['busy_before']:.0%}"
        when = str(result.content["when"])[:16].replace("T", " ")
        rows.append([result.name, when, str(result.content.get("commit") or ""), where, busy])
    return "## Where and when\n\n" + tables.table(rows) + "\n"


def _lines(figures: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in figures.items()]


def _has(result: Result, metric: str) -> bool:
    return any(figure.get("metric") == metric for figure in result.figures)


def _shown(path: Path, about: str) -> str:
    return f"![{about}](images/{path.name})"
