"""A device and a laptop, what is on the device's disk, and the one thing that must always hold."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynet.backup.place import Place
from pynet.files.hashing import LEAF
from pynet.files.ledger import Job, Ledger
from pynet.files.tree import Tree
from tests.pynet.backup.failures.zygote import Child, Zygote

POLICY = {
    "min_age": 0.0, "floor_share": 0.0, "floor_bytes": 0, "groups": ["tub"],
}  # fmt: skip
WHEN = 1_600_000_000_123_456_789
DISK = 7 * LEAF + LEAF // 2

FILES: dict[bytes, int] = {
    b"a": 1,
    b"deep/er/b": 4096,
    b"one leaf": 300 * 1024,
    b"leaf and one": LEAF + 1,
    b"tub/1": 20_000,
    b"tub/2": 20_001,
    b"tub/img/3": 5000,
    b"gr\xc3\xbcn \xff\n-rf": 100,
    b"deep/large": 4 * LEAF - 5,
    b"newest": 600 * 1024,
}
"""Names and sizes in order of age, which together with what follows fill the disk to 80 %."""

ALWAYS_STAY = {b"nothing": "empty", b"twin": "linked", b"second twin": "linked"}


class Bench:
    """Where one test happens.

    Args:
        zygote: makes the processes.
        place: an empty folder.
        disk: of the device; what is shared is in it.
        destination: of the laptop.
        whole: the disk is the device's alone, so that its usage can reach the low mark.
    """

    def __init__(
        self, zygote: Zygote, place: Path, disk: Path, destination: Path, *, whole: bool
    ) -> None:
        self.zygote = zygote
        self.place = place
        self.disk = disk
        self.root = disk / "root"
        self.root.mkdir()
        self.destination = destination
        self.copies = destination / "car" / "rec"
        # Of a disk that others use, too, all that can move has to.
        self.policy = {**POLICY, **({} if whole else {"high": 0.02, "low": 0.01})}
        self.whole = whole
        self.originals: dict[bytes, bytes] = {}
        self.children: list[Child] = []
        self.address = ""
        self.options: dict[str, Any] = {}
        self._numbers = 0

    # ---- what is there ------------------------------------------------------------------

    def fill(self) -> None:
        """Files of all kinds."""
        for name, size in FILES.items():
            self.write(name, os.urandom(size))
        self.write(b"nothing", b"")
        self.write(b"twin", b"t" * 4096)
        os.link(self.root / "twin", self.root / "second twin")
        self.originals[b"second twin"] = self.originals[b"twin"]

    def write(self, name: bytes, data: bytes, mtime_ns: int | None = None) -> Path:
        """One more original; each is younger than the one before."""
        path = Path(os.fsdecode(os.fsencode(self.root) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        when = WHEN + len(self.originals) * 10**9 if mtime_ns is None else mtime_ns
        os.utime(path, ns=(when, when))
        self.originals[name] = data
        return path

    def let_all_in(self) -> None:
        """Let other users come to what is here."""
        for folder in (self.place, *self.place.parents):
            mode = folder.stat().st_mode
            if folder.owner() == getpass.getuser() and not mode & 0o001:
                folder.chmod(mode & 0o777 | 0o011)

    # ---- processes ----------------------------------------------------------------------

    def start(self, what: str, order: dict[str, Any], environ: dict[str, str]) -> Child:
        """One process."""
        log = self.place / f"{what}.log"
        child = self.zygote.start(what, {**self.options, **order}, environ, log)
        self.children.append(child)
        return child

    def device(self, crash: str = "", environ: dict[str, str] | None = None, **order: Any) -> Child:
        """The device; its address is known when this returns."""
        pipe = self.pipe()
        order = {"folder": str(self.root), "tell": str(pipe), **order}
        child = self.start("device", order, {"PYNET_CRASH_AT": crash, **(environ or {})})
        self.address = told(pipe, child)
        return child

    def laptop(
        self, crash: str = "", environ: dict[str, str] | None = None, **order: Any
    ) -> Laptop:
        """The laptop, on its way."""
        self._numbers += 1
        result = self.place / f"result{self._numbers}"
        policy = {**self.policy, **order.pop("policy", {})}
        order = {
            "address": self.address,
            "destination": str(self.destination),
            "policy": policy,
            "result": str(result),
            "patience": 20.0,
            **order,
        }
        environ = {"PYNET_CRASH_AT": crash, **(environ or {})}
        return Laptop(self.start("laptop", order, environ), result)

    def move(self, **order: Any) -> dict[str, Any]:
        """A device and a laptop that nothing happens to; what the laptop reports."""
        child = self.device()
        try:
            return self.laptop(**order).result()
        finally:
            child.signal(signal.SIGTERM)
            child.wait()

    def hold(self, at: str, number: int = 1) -> Hold:
        """Where an end is to stop: its ``order`` is for :meth:`device` or :meth:`laptop`."""
        return Hold(at, number, self.pipe(), self.pipe())

    def pipe(self) -> Path:
        self._numbers += 1
        pipe = self.place / f"pipe{self._numbers}"
        os.mkfifo(pipe)
        pipe.chmod(0o666)
        return pipe

    def close(self) -> None:
        """End what runs."""
        for child in self.children:
            child.end()

    # ---- what must hold -----------------------------------------------------------------

    def check(self) -> None:
        """Each original is there, or a complete copy of it under a final name is here."""
        copies = set(tree_of(self.copies).values())
        for name, data in self.originals.items():
            there = read(self.root, name)
            assert data in (there, *copies), f"{name!r} is lost"

    def check_over(self, report: dict[str, Any]) -> None:
        """A run has come to its end: all is where it belongs and nothing else is left."""
        self.check()
        here, there = tree_of(self.copies), tree_of(self.root)
        assert here.keys() | there.keys() == self.originals.keys()
        assert not here.keys() & there.keys()
        for name, data in {**here, **there}.items():
            assert data == self.originals[name], name
        self.check_tidy()
        if self.whole:
            assert report["verdict"] in ("done", "idle"), report
            with Tree(self.root) as tree:
                assert tree.usage().share <= 0.25
        for entry in self.entries().values():
            assert entry.outcome in ("removed", "gone"), entry
        assert self.entries().keys() == here.keys()

    def check_tidy(self) -> None:
        """Nothing unfinished is left on either side."""
        for folder in (self.root, self.destination):
            left = list_of(folder / ".pynet-incoming")
            assert left == [], (folder, left)

    def entries(self) -> dict[bytes, Any]:
        """What the laptop's ledger says of each file, over all jobs."""
        return {name: entry for job in self.jobs() for name, entry in job.entries.items()}

    def jobs(self) -> list[Job]:
        place = Place(self.destination, "car", "rec")
        with place.tree() as tree, place.ledger(tree) as ledger:
            assert isinstance(ledger, Ledger)
            return list(ledger.jobs.values())


class Hold:
    """A place where an end stops until it is let go.

    Attributes:
        order: for the end that is to stop there.
    """

    def __init__(self, at: str, number: int, reached: Path, go: Path) -> None:
        self.order = {"hold": [at, number, str(reached), str(go)]}
        self._reached = reached
        self._go = go

    def reached(self, child: Child | Laptop) -> None:
        """Wait until it is there."""
        told(self._reached, child if isinstance(child, Child) else child.child)

    def go(self) -> None:
        """Let it go on."""
        self._go.write_text("go\n")


class Laptop:
    """A laptop's process, and the report that it makes."""

    def __init__(self, child: Child, path: Path) -> None:
        self.child = child
        self.path = path

    def result(self, timeout: float = 30.0) -> dict[str, Any]:
        """Wait for what comes of it."""
        code = self.child.wait(timeout)
        assert code == 0, f"{code}\n{self.child.log.read_text()}"
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def end(self) -> int:
        return self.child.end()


Made = Callable[..., Bench]


def told(pipe: Path, child: Child, timeout: float = 20.0) -> str:
    """What a process says through a pipe."""
    fd = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ready, _, _ = select.select([fd, child._fd], [], [], timeout)
        assert fd in ready, child.log.read_text()
        return os.read(fd, 1000).decode().strip()
    finally:
        os.close(fd)


def list_of(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def tree_of(folder: Path) -> dict[bytes, bytes]:
    """All files below a folder; what is pynet's own is left out."""
    found = {}
    top = os.fsencode(folder)
    for path, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(b".pynet-")]
        for name in names:
            full = os.path.join(path, name)
            if not os.path.islink(full):
                with open(full, "rb") as file:
                    found[full[len(top) + 1 :]] = file.read()
    return found


def read(folder: Path, name: bytes) -> bytes | None:
    with contextlib.suppress(OSError), open(os.fsencode(folder) + b"/" + name, "rb") as file:
        return file.read()
    return None
