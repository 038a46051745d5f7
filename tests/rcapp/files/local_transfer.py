"""Copies files on threads: in pieces, over several lanes, verified, published whole."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from blake3 import blake3

from rcapp.core.files import engine
from rcapp.core.files.engine import Lane, Progress, Report

PIECE = 64 * 1024

Pair = tuple[Path, Path]
"""Where a file is, and where it goes."""


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
        on_end: Callable[[], None] | None = None,
        dry: bool = False,
        note: str = "",
        verified: str = "BLAKE3 verified",
        fail: Exception | None = None,
    ) -> None:
        self._pairs = pairs
        self._gate = gate
        self._lanes = [Lane(number + 1, 0, 0.0) for number in range(lanes)]
        self._on_whole = on_whole
        self._on_end = on_end
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
            if self._on_end is not None:
                self._on_end()
        except Exception as error:
            self._error = error
            self._set(state=engine.FAILED, rate=0.0)
        else:
            self._set(state=engine.CANCELLED if self._cancelled.is_set() else engine.DONE, rate=0.0)

    def _one(self, source: Path, target: Path) -> None:
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
                for number in range(min(len(self._lanes), -(-size // PIECE)))
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
            if not _is_hole(read, offset):
                os.pwrite(write, os.pread(read, PIECE, offset).rstrip(b"\0"), offset)
            self._count(number, min(PIECE, os.fstat(read).st_size - offset))

    def _count(self, number: int, size: int) -> None:
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


def _same(one: Path, other: Path) -> bool:
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


def _digest(path: Path) -> str:
    """Of the size and all pieces that are no holes; pieces are whole blocks of the disk."""
    made = blake3(str(path.stat().st_size).encode())
    with path.open("rb") as file:
        for offset in range(0, path.stat().st_size, PIECE):
            if not _is_hole(file.fileno(), offset):
                made.update(offset.to_bytes(8, "little"))
                made.update(os.pread(file.fileno(), PIECE, offset))
    return made.hexdigest()


def _is_hole(file: int, offset: int) -> bool:
    """Nothing was ever written to this piece."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA) >= offset + PIECE
    except OSError:
        return True
