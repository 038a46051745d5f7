"""An engine over two folders of this computer: it lists, counts, copies in pieces on threads,
verifies, publishes and removes, so that everything above it can be tried without a car."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pynet.errors import Closed, NoSpace
from pynet.files.info import FILE, FOLDER, Problem, Usage
from rcapp.core.files import engine, listing
from rcapp.core.files.engine import (
    Entry,
    Kept,
    Lane,
    PastJob,
    Plan,
    PlanRow,
    Progress,
    Report,
    Root,
    Stay,
)
from rcapp.core.files.folders import LocalFolders
from rcapp.core.files.policy import BackupPolicy

PIECE = 64 * 1024
HISTORY = ".backup-history.json"

Pair = tuple[Path, Path]
"""Where a file is, and where it goes."""


def _free() -> None:
    """Copy as fast as the disk does."""


class Gate:
    """Lets copying through, or holds it after a number of pieces."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left: int | None = None
        self.passed = 0

    def hold_after(self, pieces: int) -> None:
        """Hold everything when so many more have passed."""
        with self._changed:
            self._left = pieces

    def open(self) -> None:
        with self._changed:
            self._left = None
            self._changed.notify_all()

    def wait(self, stop: Callable[[], bool]) -> None:
        """Called before each piece."""
        with self._changed:
            while self._left is not None and self._left <= 0 and not stop():
                self._changed.wait(0.02)
            if self._left is not None:
                self._left -= 1
            self.passed += 1


class LocalTransfer:
    """Copies pairs of files with some lanes, each a thread."""

    def __init__(
        self,
        pairs: Callable[[], list[Pair]],
        gate: Gate,
        *,
        lanes: int = 4,
        on_whole: Callable[[Path, Path, str], bool] | None = None,
        dry: bool = False,
        note: str = "",
        verified: str = "SHA-256 verified",
        fail: Exception | None = None,
    ) -> None:
        self._pairs = pairs
        self._gate = gate
        self._lanes = [Lane(number + 1, 0, 0.0) for number in range(lanes)]
        self._on_whole = on_whole
        self._dry = dry
        self._fail = fail
        self._lock = threading.Lock()
        self._running = threading.Event()
        self._running.set()
        self._cancelled = threading.Event()
        self._progress = Progress(note=note)
        self._report = Report(verified=verified)
        self._error: Exception | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="local-transfer")
        self._thread.start()

    @property
    def progress(self) -> Progress:
        with self._lock:
            return self._progress

    def pause(self) -> None:
        self._running.clear()
        self._set(state=engine.PAUSED, rate=0.0)

    def resume(self) -> None:
        self._set(state=engine.RUNNING)
        self._running.set()

    def cancel(self) -> None:
        self._cancelled.set()
        self._running.set()

    def report(self) -> Report:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._report

    def close(self) -> None:
        self.cancel()
        self._thread.join()

    def _set(self, **changes: object) -> None:
        from dataclasses import replace

        with self._lock:
            if self._progress.state not in engine.OVER:
                self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]

    def _run(self) -> None:
        try:
            if self._fail is not None:
                raise self._fail
            pairs = self._pairs()
            sizes = [os.path.getsize(source) for source, _ in pairs]
            self._set(
                state=engine.RUNNING,
                files_total=len(pairs),
                bytes_total=sum(sizes),
                total_known=True,
            )
            for source, target in pairs:
                if self._cancelled.is_set():
                    break
                self._one(source, target)
        except Exception as error:
            self._error = error
            self._set(state=engine.FAILED, rate=0.0)
        else:
            self._set(state=engine.CANCELLED if self._cancelled.is_set() else engine.DONE, rate=0.0)

    def _one(self, source: Path, target: Path) -> None:
        from dataclasses import replace

        size = source.stat().st_size
        self._set(current=source.name)
        if target.exists() and _same(source, target):
            self._count(0, size)
            self._report = replace(self._report, identical=self._report.identical + 1)
            return
        if self._dry:
            self._gate.wait(self._cancelled.is_set)
            self._count(0, size)
            digest = ""
        else:
            digest = self._copy(source, target, size)
            if self._cancelled.is_set():
                return
        removed = bool(self._on_whole and self._on_whole(source, target, digest))
        self._report = replace(
            self._report,
            files=self._report.files + 1,
            bytes=self._report.bytes + size,
            removed=self._report.removed + removed,
        )
        self._set(files=self.progress.files + 1)

    def _copy(self, source: Path, target: Path, size: int) -> str:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        pieces: queue.SimpleQueue[int] = queue.SimpleQueue()
        for offset in range(0, max(size, 1), PIECE):
            pieces.put(offset)
        with source.open("rb") as reading, part.open("wb") as writing:
            writing.truncate(size)
            lanes = [
                threading.Thread(
                    target=self._lane, args=(number, pieces, reading.fileno(), writing.fileno())
                )
                for number in range(len(self._lanes))
            ]
            for lane in lanes:
                lane.start()
            for lane in lanes:
                lane.join()
        if self._cancelled.is_set():
            part.unlink()
            return ""
        digest = _digest(part)
        assert digest == _digest(source)
        times = source.stat()
        os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
        os.link(part, target)
        part.unlink()
        return digest

    def _lane(self, number: int, pieces: queue.SimpleQueue[int], read: int, write: int) -> None:
        while not self._cancelled.is_set():
            self._running.wait()
            try:
                offset = pieces.get_nowait()
            except queue.Empty:
                return
            self._gate.wait(self._cancelled.is_set)
            if self._cancelled.is_set():
                return
            piece = os.pread(read, PIECE, offset)
            os.pwrite(write, piece, offset)
            self._count(number, len(piece))

    def _count(self, number: int, size: int) -> None:
        from dataclasses import replace

        took = max(1e-3, time.monotonic() - self._began)
        with self._lock:
            lane = self._lanes[number]
            self._lanes[number] = Lane(lane.number, lane.bytes + size, (lane.bytes + size) / took)
            done = self._progress.bytes + size
            rate = done / took
            left = self._progress.bytes_total - done
            if self._progress.state in engine.OVER:
                return
            self._progress = replace(
                self._progress,
                bytes=done,
                rate=rate,
                eta=left / rate if rate else None,
                lanes=tuple(self._lanes),
            )


class LocalEngine:
    """A car that is a folder: each folder in it is a root, and its disk holds ``capacity`` bytes.

    Attributes:
        gate: holds copying where a test wants to look.
        calls: names of the methods that were called.
        failures: what the next call of a method raises, by its name.
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
        error = self.failures.pop(name, None)
        if error is not None:
            raise error

    def roots(self) -> list[Root]:
        self._called("roots")
        names = sorted(one.name for one in self.folder.iterdir() if one.is_dir())
        return [Root(name, name not in self._read_only, self._usage()) for name in names]

    def list(self, folder: str, *, totals: bool = False) -> list[Entry]:
        self._called("list")
        local = LocalFolders()
        entries = local.read(str(self.folder / folder))
        stop = (lambda: False) if totals else (lambda: True)
        return local.sized(str(self.folder / folder), entries, stop)

    def usage(self, root: str) -> Usage:
        self._called("usage")
        return self._usage()

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

        def pairs() -> Sequence[Pair]:
            found = _pairs([Path(path) for path in paths], self.folder / to)
            need = sum(source.stat().st_size for source, _ in found)
            if need > self._usage().available:
                raise NoSpace("The car has no room for these files. Free some, and try again.")
            return found

        return self._transfer(pairs)  # type: ignore[arg-type]

    def plan(self, policy: BackupPolicy) -> Plan:
        self._called("plan")
        usage, now = self._usage(), time.time()
        names = sorted(
            _files(self.folder), key=lambda path: (path.stat().st_mtime, os.fsencode(path))
        )
        newest = set(names[len(names) - policy.keep_newest :]) if policy.keep_newest else set()
        may, stays = [], []
        for path in names:
            status, name = path.stat(), path.relative_to(self.folder).as_posix()
            code, reason = _reason(path, name, policy, now, newest)
            if code:
                stays.append(Stay(name, status.st_size, status.st_mtime, code, reason))
            else:
                may.append(path)
        needed = usage.share >= policy.high
        rows, used = [], usage.used
        for path in may:
            if not needed or used / usage.capacity <= policy.low:
                status = path.stat()
                if needed:
                    continue
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
            self.system,
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
            kept.append(Kept(name, final, status.st_size, status.st_mtime, digest, "SHA-256"))
            past = PastJob(job, began, time.time() - began, "done", str(base), tuple(kept))
            _write_history(base, past)
            return True

        def pairs() -> list[Pair]:
            return [(self.folder / row.name, base / row.name) for row in plan.rows]

        return self._transfer(pairs, whole, dry=rehearse, verified="SHA-256 verified from disk")

    def history(self, policy: BackupPolicy) -> list[PastJob]:  # type: ignore[valid-type]
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
        pairs: Callable[[], list[Pair]],  # type: ignore[valid-type]
        on_whole: Callable[[Path, Path, str], bool] | None = None,
        *,
        dry: bool = False,
        verified: str = "SHA-256 verified",
    ) -> LocalTransfer:
        made = LocalTransfer(
            pairs,
            self.gate,
            lanes=self._lanes,
            on_whole=on_whole,
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


def _same(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _reason(
    path: Path, name: str, policy: BackupPolicy, now: float, newest: set[Path]
) -> tuple[str, str]:
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
    from dataclasses import asdict

    return asdict(job)


def _read_history(base: Path) -> list[PastJob]:
    try:
        told = json.loads((base / HISTORY).read_text())
    except FileNotFoundError:
        return []
    return [
        PastJob(**{**one, "files": tuple(Kept(**file) for file in one["files"])}) for one in told
    ]


FOLDER_KIND, PROBLEM = FOLDER, Problem
"""What tests compare with."""
