"""An engine over two folders of this computer: all that is above it can be tried without a car."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pynet.errors import Closed, NoSpace
from pynet.files.info import FILE, FOLDER, Usage
from rcapp.core.files import engine, listing
from rcapp.core.files.engine import (
    Entry,
    Kept,
    PastJob,
    Plan,
    PlanRow,
    Root,
    Stay,
)
from rcapp.core.files.folders import LocalFolders
from rcapp.core.files.policy import BackupPolicy
from tests.rcapp.files.local_transfer import Gate, LocalTransfer, Pair

HISTORY = ".backup-history.json"


class LocalEngine:
    """A car that is a folder: each folder in it is a root, and its disk holds ``capacity`` bytes.

    Attributes:
        gate: holds copying where a test wants to look.
        calls: names of the methods that were called.
        failures: what the next call of a method raises, by its name.
        refusal: what every call raises, if anything.
        suggests: the policy of the car's own file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        capacity: int = 100_000_000,
        system: int = 0,
        car_id: str = "ROVER-1",
        car_name: str = "Rover-1",
        read_only: Sequence[str] = (),
        lanes: int = 4,
        note: str = "",
    ) -> None:
        self.folder = folder
        self.capacity = capacity
        self.system = system
        self.car_id = car_id
        self.car_name = car_name
        self.gate = Gate()
        self.calls: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.refusal: Exception | None = None
        self.suggests: dict[str, Any] = {}
        self.held = threading.Event()
        self.held.set()
        self.closed = False
        self._read_only = frozenset(read_only)
        self._lanes = lanes
        self._note = note
        self._transfers: list[LocalTransfer] = []

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self.held.wait()
        if self.closed:
            raise Closed("the car was left")
        error = self.failures.pop(name, None) or self.refusal
        if error is not None:
            raise error

    def roots(self) -> list[Root]:
        self._called("roots")
        names = sorted(one.name for one in self.folder.iterdir() if one.is_dir())
        return [Root(name, name not in self._read_only, self._usage()) for name in names]

    def look(self, folder: str) -> list[Entry]:
        self._called("look")
        return LocalFolders().read(str(self.folder / folder))

    def total(self, folder: str) -> tuple[int, int] | None:
        self._called("total")
        there = Entry(".", FOLDER, engine.UNKNOWN)
        counted = LocalFolders().sized(str(self.folder / folder), [there], lambda: False)[0]
        return counted.size, counted.files

    def _usage(self) -> Usage:
        used = self.system + sum(path.stat().st_size for path in _files(self.folder))
        return Usage(used, max(0, self.capacity - used))

    def get(self, names: Sequence[str], to: str) -> LocalTransfer:
        self._called("get")
        return self._transfer(lambda: _pairs([self.folder / name for name in names], Path(to)))

    def put(self, paths: Sequence[str], to: str) -> LocalTransfer:
        self._called("put")
        if to.partition("/")[0] in self._read_only:
            raise PermissionError(13, "Permission denied", to)

        def pairs() -> list[Pair]:
            found = _pairs([Path(path) for path in paths], self.folder / to)
            need = sum(source.stat().st_size for source, _ in found)
            if need > self._usage().available:
                raise NoSpace("The car has no room for these files. Free some, and try again.")
            return found

        return self._transfer(pairs)

    def suggestion(self, root: str) -> dict[str, Any]:
        self._called("suggestion")
        return dict(self.suggests)

    def plan(self, policy: BackupPolicy) -> Plan:
        self._called("plan")
        usage, now = self._usage(), time.time()
        shared = self.folder / policy.root
        paths = sorted(_files(shared), key=lambda one: (one.stat().st_mtime, os.fsencode(one)))
        newest = set(paths[len(paths) - policy.keep_newest :]) if policy.keep_newest else set()
        may: list[Path] = []
        stays: list[Stay] = []
        for path in paths:
            status, name = path.stat(), path.relative_to(self.folder).as_posix()
            code, reason = _reason(path, policy, now, newest)
            if code:
                stays.append(Stay(name, status.st_size, status.st_mtime, code, reason))
            else:
                may.append(path)
        needed = usage.share >= policy.high
        rows: list[PlanRow] = []
        used = usage.used
        for path in may if needed else ():
            if used / usage.capacity <= policy.low:
                break
            status = path.stat()
            used -= status.st_size
            name = path.relative_to(self.folder).as_posix()
            rows.append(PlanRow(name, status.st_size, status.st_mtime, used / usage.capacity))
        lowest = (usage.used - sum(path.stat().st_size for path in may)) / usage.capacity
        room = shutil.disk_usage(Path(policy.destination).anchor or "/")
        floor = max(policy.floor_bytes, int(policy.floor_share * room.total))
        return Plan(
            tuple(rows),
            tuple(stays),
            usage,
            lowest,
            used / usage.capacity <= policy.low,
            needed,
            usage.used - sum(path.stat().st_size for path in paths),
            now,
            Usage(room.used, room.free),
            floor,
        )

    def run(self, policy: BackupPolicy, *, rehearse: bool = False) -> LocalTransfer:
        self._called("run")
        plan = self.plan(policy)
        job = time.strftime("%Y%m%d-%H%M%S")
        base = Path(policy.destination)
        kept: list[Kept] = []
        began = time.time()

        def whole(source: Path, target: Path, digest: str) -> bool:
            if rehearse:
                return False
            status = source.stat()
            name = source.relative_to(self.folder).as_posix()
            final = target.relative_to(base).as_posix()
            source.unlink()
            kept.append(Kept(name, final, status.st_size, status.st_mtime, digest, "BLAKE3"))
            return True

        def end() -> None:
            if kept:
                took = time.time() - began
                past = PastJob(job, began, took, "done", str(base), tuple(kept))
                _write_history(base, past)

        def pairs() -> list[Pair]:
            return [(self.folder / row.name, base / row.name) for row in plan.rows]

        return self._transfer(pairs, whole, end, dry=rehearse, verified="BLAKE3 verified from disk")

    def history(self, policy: BackupPolicy) -> list[PastJob]:
        self._called("history")
        return _read_history(Path(policy.destination))

    def restore(self, policy: BackupPolicy, job: str, names: Sequence[str]) -> LocalTransfer:
        self._called("restore")
        past = next(one for one in _read_history(Path(policy.destination)) if one.id == job)
        wanted = [file for file in past.files if not names or file.name in names]
        return self._transfer(
            lambda: [(Path(past.folder) / f.final_name, self.folder / f.name) for f in wanted]
        )

    def close(self) -> None:
        self.closed = True
        self.held.set()
        for transfer in self._transfers:
            transfer.close()

    def _transfer(
        self,
        pairs: Callable[[], list[Pair]],
        on_whole: Callable[[Path, Path, str], bool] | None = None,
        on_end: Callable[[], None] | None = None,
        *,
        dry: bool = False,
        verified: str = "BLAKE3 verified",
    ) -> LocalTransfer:
        made = LocalTransfer(
            pairs,
            self.gate,
            lanes=self._lanes,
            on_whole=on_whole,
            on_end=on_end,
            dry=dry,
            note=self._note,
            verified=verified,
            fail=self.failures.pop("transfer", None),
        )
        self._transfers.append(made)
        return made


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _pairs(sources: Sequence[Path], to: Path) -> list[Pair]:
    found: list[Pair] = []
    for source in sources:
        if source.is_dir():
            found += [(p, to / source.name / p.relative_to(source)) for p in sorted(_files(source))]
        else:
            found.append((source, to / source.name))
    return found


def _reason(path: Path, policy: BackupPolicy, now: float, newest: set[Path]) -> tuple[str, str]:
    age = now - path.stat().st_mtime
    if age < policy.min_age:
        return "young", "changed moments ago"
    matching = listing.Filter(globs=policy.protect).predicate(now)
    if policy.protect and matching(Entry(path.name, FILE)):
        return "protected", "protected by your list"
    if age < policy.keep_days * 86400:
        return "recent", f"of the last {policy.keep_days:.0f} days"
    if path in newest:
        return "newest", f"among the newest {policy.keep_newest}"
    if path.stat().st_nlink > 1:
        return "links", "has a second name (hard link)"
    if not path.stat().st_size:
        return "empty", "empty: nothing would be gained"
    return "", ""


def _write_history(base: Path, job: PastJob) -> None:
    others = [one for one in _read_history(base) if one.id != job.id]
    told = [_as_json(one) for one in (job, *others)]
    (base / HISTORY).write_text(json.dumps(told))


def _as_json(job: PastJob) -> dict[str, object]:
    return asdict(job)


def _read_history(base: Path) -> list[PastJob]:
    try:
        told = json.loads((base / HISTORY).read_text())
    except FileNotFoundError:
        return []
    return [
        PastJob(**{**one, "files": tuple(Kept(**file) for file in one["files"])}) for one in told
    ]
