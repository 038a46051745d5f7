"""What every benchmark needs: figures on one line, raw samples in a file, processes beside it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("build") / "bench"
# A share of all cores above which somebody else is at work.
BUSY = 0.1


@dataclass(frozen=True)
class Target:
    """What a figure should reach.

    Attributes:
        limit: the number it is held against.
        at_least: True if more is better.
        of_ratio: True if the ratio to the baseline counts, False if the value itself.
    """

    limit: float
    at_least: bool = False
    of_ratio: bool = True

    def is_met(self, value: float, ratio: float | None) -> bool:
        """Tell whether a figure reaches it."""
        number = ratio if self.of_ratio else value
        if number is None:
            return False
        return number >= self.limit if self.at_least else number <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:g}{' x baseline' if self.of_ratio else ''}"


@dataclass
class Report:
    """Prints the figures of one benchmark and keeps the samples that they were made of.

    Attributes:
        bench: its name.
        quick: True for a look that takes seconds and proves little.
    """

    bench: str
    quick: bool = False
    figures: list[dict[str, Any]] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)
    busy_before: float = field(default_factory=lambda: _short(busy_share()) or 0.0)

    def __post_init__(self) -> None:
        if self.busy_before > BUSY:
            print(
                f"{self.bench}: other programs use {self.busy_before:.0%} of this machine; "
                "the figures will suffer.",
                file=sys.stderr,
            )

    def figure(
        self,
        metric: str,
        value: float,
        unit: str,
        *,
        baseline: float | None = None,
        target: Target | None = None,
    ) -> None:
        """Print one figure as a line of JSON.

        Args:
            metric: what was measured, and beside what.
            value: the result.
            unit: its unit, and that of the baseline.
            baseline: the same of the peer, from the same run.
            target: what the value or its ratio to the baseline should reach, if anything.
        """
        ratio = value / baseline if baseline else None
        line = {
            "bench": self.bench,
            "metric": metric,
            "value": _short(value),
            "unit": unit,
            "baseline": _short(baseline),
            "ratio": _short(ratio),
            "target": None if target is None else str(target),
            "ok": None if target is None else target.is_met(value, ratio),
        }
        self.figures.append(line)
        print(json.dumps(line), flush=True)

    def keep(self, name: str, samples: object) -> None:
        """Keep raw samples for the file."""
        self.samples[name] = samples

    def save(self, folder: Path = RESULTS) -> Path:
        """Write figures, samples and the machine they are from."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.bench}.json"
        content = {
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "quick": self.quick,
            "machine": {
                "system": platform.platform(),
                "python": platform.python_version(),
                "cores": os.cpu_count(),
                "busy_before": self.busy_before,
            },
            "figures": self.figures,
            "samples": self.samples,
        }
        path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
        return path


def busy_share(seconds: float = 1.0) -> float:
    """Return which share of all cores is in use, over a second in which this process rests."""

    def ticks() -> tuple[int, int]:
        numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]

    if not Path("/proc/stat").exists():
        return 0.0
    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1.0 - (idle_after - idle) / max(1, total_after - total)


def _short(number: float | None) -> float | None:
    """Round to four digits, all that a measurement of this kind holds."""
    return None if number is None else float(f"{number:.4g}")


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the sample that `share` (0 to 1) of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def interleave(rounds: int, peers: Mapping[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """Measure all peers in turn, so that a slow minute of the machine meets all of them.

    Every second round goes backwards: whoever runs first may find colder caches.

    Returns:
        For each peer the results of its rounds.
    """
    results: dict[str, list[Any]] = {name: [] for name in peers}
    for number in range(rounds):
        names = list(peers) if number % 2 == 0 else list(peers)[::-1]
        for name in names:
            results[name].append(peers[name]())
    return results


def median_of(rounds: Sequence[Sequence[float]], share: float) -> float:
    """Return the median over rounds of one quantile in each."""
    return statistics.median(quantile(samples, share) for samples in rounds)


def place(pid: int, cores: set[int]) -> None:
    """Let all threads of a process, and those they start, run on these cores only (Linux)."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)


class Peer:
    """A process of a benchmark: says ``ready {...}`` first, then obeys lines on its stdin.

    It ends when its stdin is closed.

    Attributes:
        facts: what it told when it was ready, such as the port it listens on.
        pid: its process id.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.peers.{module}", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        try:
            word, _, facts = self.answer().partition(" ")
            if word != "ready":
                raise RuntimeError(f"{module} said {word!r} instead of being ready")
            self.facts: dict[str, Any] = json.loads(facts or "{}")
        except BaseException:
            self.close()
            raise

    def tell(self, line: str) -> None:
        """Send it one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """Wait for its next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"process {self.pid} of the benchmark ended early")
        return line.rstrip("\n")

    def ask(self, line: str) -> Any:
        """Send one line and return the JSON it answers with."""
        self.tell(line)
        return json.loads(self.answer())

    def close(self) -> None:
        """End it, kindly at first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def say_ready(**facts: Any) -> None:
    """Tell the harness, from a peer process, that it can begin."""
    print("ready", json.dumps(facts), flush=True)


def orders() -> Iterator[list[str]]:
    """Yield the lines that the harness tells a peer process, as words, until it is done."""
    for line in sys.stdin:
        yield line.split()


def answer(value: Any) -> None:
    """Answer a line of the harness from a peer process."""
    print(json.dumps(value), flush=True)
