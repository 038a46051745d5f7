"""What every benchmark needs: figures on one line, raw samples in a file, processes beside it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import platform
import selectors
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("build") / "bench"
# A share of all cores above which somebody else is at work.
BUSY = 0.1
# Real-time priorities of programs on emulated links: a command takes a fraction of the time that
# the packing of a picture takes, so that both can be measured at once.
COMMANDS_FIRST, PICTURES_FIRST = 5, 3


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
        only: names of the contenders to measure; empty for all.
        seeds: of the links to measure over; empty for what the benchmark finds enough.
        resume: what was measured before, of this version, need not be measured again.
        congestion: TCP's congestion control on links; None for the system's.
        kept: measure nothing, but tell what is kept of earlier runs of this version.
        partial: True if something was not measured, whatever was asked for.
    """

    bench: str
    quick: bool = False
    only: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    resume: bool = False
    congestion: str | None = None
    kept: bool = False
    partial: bool = False
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
        of: str | None = None,
    ) -> None:
        """Print one figure as a line of JSON.

        Args:
            metric: what was measured, and beside what.
            value: the result.
            unit: its unit, and that of the baseline.
            baseline: the same of the peer, from the same run.
            target: what the value or its ratio to the baseline should reach, if anything.
            of: the contender, where one metric is measured of several.
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
        if of is not None:
            line["of"] = of
        self._add(line)

    def missing(self, of: str, reason: str) -> None:
        """Print that a contender did not run, and why; nothing is held against anybody."""
        self._add({"bench": self.bench, "of": of, "missing": reason, "ok": None})

    def _add(self, line: dict[str, Any]) -> None:
        self.figures.append(line)
        print(json.dumps(line), flush=True)

    def keep(self, name: str, samples: object) -> None:
        """Keep raw samples for the file."""
        self.samples[name] = samples

    def save(self, folder: Path = RESULTS) -> Path:
        """Write figures, samples and the machine they are from."""
        folder.mkdir(parents=True, exist_ok=True)
        path = self.path(folder)
        content = {
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "version": version(),
            "commit": commit(),
            "congestion": self.congestion,
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

    def path(self, folder: Path = RESULTS) -> Path:
        """Return where it is written: a look at a part must not pass for the whole."""
        name = self.bench + (f".{self.congestion}" if self.congestion else "")
        if self.quick:
            name += ".quick"
        elif self.partial or self.only or self.seeds:
            name += ".partial"
        return folder / f"{name}.json"

    def is_there(self, folder: Path = RESULTS) -> bool:
        """Tell whether all of it was measured before, of this version."""
        if self.only or self.seeds:
            return False
        try:
            content = json.loads(self.path(folder).read_text())
        except (OSError, ValueError):
            return False
        return bool(content.get("version") == version())


@functools.cache
def version(*packages: str) -> str:
    """Return a short name for what these packages hold now; for all that is measured, if none."""
    digest = hashlib.sha256()
    for package in packages or ("pynet", "pi_agent", "rcapp", "benchmarks"):
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".c"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@functools.cache
def commit() -> str | None:
    """Return git's short name of what is checked out, with a plus sign if it was changed."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


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
    """Round to four digits, all that a measurement of this kind holds; None for no number."""
    return None if number is None or math.isnan(number) else float(f"{number:.4g}")


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


def come_first(priority: int = COMMANDS_FIRST) -> None:
    """Let all threads of this process run before those of other programs (Linux, root).

    To be called when the program is ready: what it imports may take long, and others wait.

    Args:
        priority: less than that of the forwarder of an emulated link, which is 10.
    """
    if hasattr(os, "sched_setscheduler"):
        _schedule(os.SCHED_FIFO, priority)


def stand_back() -> None:
    """Take :func:`come_first` back: what remains to be done is no part of what is measured."""
    if hasattr(os, "sched_setscheduler"):
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(int(thread), policy, os.sched_param(priority))


def place(pid: int, cores: set[int]) -> None:
    """Let all threads of a process, and those they start, run on these cores only (Linux)."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)


class Peer:
    """A process of a benchmark: says ``ready {...}`` first, then obeys lines on its stdin.

    It ends when its stdin is closed.

    Args:
        module: of ``benchmarks.peers``.
        arguments: for it.
        prefix: a command that runs it somewhere else, as from ``Link.command``.
        patience: seconds that an answer may take.

    Attributes:
        facts: what it told when it was ready, such as the port it listens on.
        pid: its process id.

    Raises:
        RuntimeError: it could not get ready; the message is what it said.
    """

    def __init__(
        self,
        module: str,
        *arguments: object,
        prefix: Sequence[str] = (),
        patience: float | None = None,
    ) -> None:
        self._patience = patience
        self._unread = b""
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", f"benchmarks.peers.{module}", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        try:
            word, _, facts = self.answer().partition(" ")
            if word != "ready":
                raise RuntimeError(facts or f"{module} said {word!r} instead of being ready")
            self.facts: dict[str, Any] = json.loads(facts or "{}")
        except BaseException:
            self.close()
            raise

    def tell(self, line: str) -> None:
        """Send it one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, patience: float | None = None) -> str:
        """Wait for its next line.

        Args:
            patience: seconds that this answer may take, if it is not as quick as others.

        Raises:
            RuntimeError: it ended, or gave none in time.
        """
        assert self._process.stdout is not None
        patience = self._patience if patience is None else patience
        deadline = None if patience is None else time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not selector.select(left):
                    raise RuntimeError(f"gave no answer within {patience:g} s")
                read = os.read(self._process.stdout.fileno(), 1 << 16)
                if not read:
                    raise RuntimeError(f"process {self.pid} of the benchmark ended early")
                self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def ask(self, line: str, patience: float | None = None) -> Any:
        """Send one line and return the JSON it answers with."""
        self.tell(line)
        return json.loads(self.answer(patience))

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


def say_failed(error: BaseException) -> NoReturn:
    """Tell the harness, from a peer process, why it cannot begin; and end."""
    reason = " ".join(str(error).split()) or "no reason given"
    print("failed", f"{type(error).__name__}: {reason}", flush=True)
    # Some peers leave threads that nobody can end.
    os._exit(1)


def orders() -> Iterator[list[str]]:
    """Yield the lines that the harness tells a peer process, as words, until it is done."""
    for line in sys.stdin:
        yield line.split()


def answer(value: Any) -> None:
    """Answer a line of the harness from a peer process."""
    print(json.dumps(value), flush=True)
