"""``python -m benchmarks.files.soak``: files move while either end is killed again and again.

Each round makes a folder of files, moves all of them, and kills a process of either side every
half to five seconds: the Gateway, its file process, the laptop, or its worker. When all has moved,
every file must be at the destination as it was, and nothing else. Exit status 1: one was not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pynet.files.hashing import hasher

KIB, MIB = 1024, 1024 * 1024
DIGEST = hasher("blake3")
WHEN = 1_600_000_000
OVER = ("done", "exhausted", "idle")
"""Nothing more is to be moved; of what a disk shared with others is found to hold there may be."""


@dataclass(frozen=True, slots=True)
class Load:
    """What moves in one round: so many small files up to a size, and so many large ones."""

    small: int
    most: int
    large: int
    size: int


LOADS = {
    "mixed": Load(3000, 48 * KIB, 4, 24 * MIB),
    "short": Load(800, 16 * KIB, 2, 6 * MIB),
    "tiny": Load(200, 16 * KIB, 1, 3 * MIB),
    "full": Load(20_000, KIB, 16, 128 * MIB),
}


class Fault(Exception):
    """What must not happen has."""


class Round:
    """One folder of files on its way.

    For root the device has a disk of its own in memory. Otherwise both ends share one, where a run
    may find that removing files frees nothing, because the other end fills it; then there are more.

    Args:
        place: an empty folder.
        load: what is to be moved.
        rng: chooses sizes, moments and victims.
    """

    def __init__(self, place: Path, load: Load, rng: random.Random) -> None:
        self.root, self.laptop = place / "device", place / "laptop"
        self.root.mkdir()
        self._mounted = _mount(self.root, load)
        self._log = place / "log"
        self._rng = rng
        self._port = _free_port()
        self._over = False
        self.kills: Counter[str] = Counter()
        self.runs = 0
        self.manifest = self._fill(load)
        self._device: subprocess.Popen[str] | None = None
        self._mover: subprocess.Popen[str] | None = None

    def _fill(self, load: Load) -> dict[str, bytes]:
        sizes = [self._rng.randrange(1, load.most + 1) for _ in range(load.small)]
        sizes += [load.size + self._rng.randrange(-9999, 9999) for _ in range(load.large)]
        self._rng.shuffle(sizes)
        manifest = {}
        for number, size in enumerate(sizes):
            path = self.root / f"{number % 37}" / f"{number}"
            path.parent.mkdir(parents=True, exist_ok=True)
            data = self._rng.randbytes(size)
            path.write_bytes(data)
            os.utime(path, (WHEN + number, WHEN + number))
            manifest[str(path.relative_to(self.root))] = DIGEST(data)
        return manifest

    # ---- the course ---------------------------------------------------------------------

    def run(self, quiet_after: float) -> None:
        """Until all has moved; after that moment nobody is killed any more.

        Raises:
            Fault: a file is lost, or something is left.
        """
        try:
            while not self._over:
                self._start()
                deadline = time.monotonic() + self._rng.uniform(0.5, 5.0)
                ended = self._wait(deadline, patient=time.monotonic() > quiet_after)
                if not ended:
                    self._kill()
                    self.check(whole=False)
        finally:
            self.close()
        self.check(whole=True)

    def _start(self) -> None:
        if self._device is None or self._device.poll() is not None:
            self._device = self._process("device", self.root)
        if self._mover is None:
            self.runs += 1
            self._mover = self._process("laptop", self.laptop)

    def _process(self, end: str, folder: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.peers.mover", end, str(self._port)]
        with self._log.open("a") as log:
            return subprocess.Popen(
                [*command, str(folder)], stdout=subprocess.PIPE, stderr=log, text=True
            )

    def _wait(self, deadline: float, *, patient: bool) -> bool:
        """Whether the run has come to an end by then."""
        assert self._mover is not None
        try:
            told, _ = self._mover.communicate(
                timeout=120 if patient else max(0.0, deadline - time.monotonic())
            )
        except subprocess.TimeoutExpired:
            if patient:
                raise Fault(f"a run does not come to its end; see {self._log}") from None
            return False
        self._mover = None
        report = json.loads(told) if told else {}
        self._over = report.get("verdict") in OVER
        return True

    def _kill(self) -> None:
        ends = {"device": self._device, "laptop": self._mover}
        end, process = self._rng.choice([(e, p) for e, p in ends.items() if p is not None])
        children = _children(process.pid)
        if children and self._rng.random() < 0.6:
            self.kills[f"{end}'s child"] += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._rng.choice(children), signal.SIGKILL)
            return
        self.kills[end] += 1
        self._end(process)
        if end == "laptop":
            self._mover = None

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def close(self) -> None:
        """End what runs."""
        for process in (self._device, self._mover):
            if process is not None:
                self._end(process)
        self._device = self._mover = None

    def remove(self) -> None:
        """Leave nothing of it."""
        if self._mounted:
            subprocess.run(["umount", "-l", str(self.root)], check=True)
        shutil.rmtree(self.root.parent)

    # ---- what must hold -----------------------------------------------------------------

    def check(self, *, whole: bool) -> None:
        """Each file is here or there; in the end as it was, and nothing else is.

        Args:
            whole: read them all.
        """
        copies = self.laptop / "car" / "rec"
        for name, digest in self.manifest.items():
            path = self.root / name if (self.root / name).exists() else copies / name
            if not path.exists():
                raise Fault(f"{name} is neither here nor there")
            if whole and DIGEST(path.read_bytes()) != digest:
                raise Fault(f"{path} is not what it was")
        if whole:
            self._check_tidy(copies)

    def _check_tidy(self, copies: Path) -> None:
        more = {str(p.relative_to(copies)) for p in copies.rglob("*") if p.is_file()}
        more -= self.manifest.keys()
        left = [
            str(path)
            for folder in (self.root, self.laptop)
            for path in (folder / ".pynet-incoming").glob("*")
        ]
        if more or left:
            raise Fault(f"left over: {sorted(more)[:5] + left[:5]}")


def _mount(folder: Path, load: Load) -> bool:
    """Whether it is a disk of its own now, with room for the load."""
    if not hasattr(os, "geteuid") or os.geteuid():
        return False
    need = load.small * (load.most + 4096) + load.large * (load.size + MIB) + 16 * MIB
    command = ["mount", "-t", "tmpfs", "-o", f"size={need}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        listing = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in listing for child in path.read_text().split()]
    return []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.files.soak", description=str(__doc__).partition("\n\n")[2]
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="300 by default")
    parser.add_argument("--load", choices=sorted(LOADS), help="what moves; by default mixed")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--place", type=Path, help="folder to work in; both disks are in it")
    options = parser.parse_args()
    length = "mixed" if options.seconds >= 60 else "short" if options.seconds >= 20 else "tiny"
    load = LOADS[options.load or length]
    rng = random.Random(options.seed)
    end = time.monotonic() + options.seconds
    kills: Counter[str] = Counter()
    rounds = runs = 0
    print(f"seed {options.seed}")
    while not rounds or time.monotonic() < end:
        place = Path(tempfile.mkdtemp(prefix="pynet-soak-", dir=options.place))
        one = Round(place, load, rng)
        try:
            one.run(end)
        except Fault as fault:
            print(f"round {rounds + 1}: {fault}; left in {place}", file=sys.stderr)
            return 1
        one.remove()
        rounds, runs = rounds + 1, runs + one.runs
        kills += one.kills
        told = ", ".join(f"{who} {count}" for who, count in sorted(one.kills.items()))
        print(f"round {rounds}: {len(one.manifest)} files in {one.runs} runs; killed: {told}")
    print(f"{rounds} rounds, {runs} runs, {sum(kills.values())} kills: nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
