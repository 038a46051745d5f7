"""Crash log and logging: what is left behind when something goes wrong.

Each run keeps a file of its own in the log folder, locked while it lives, into
which the interpreter writes its last words on a crash. A run that ends properly
removes it; one that is found unlocked belongs to a run that did not.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import platform
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import platformdirs

logger = logging.getLogger("rcapp.crash")

LOG_BYTES = 1_000_000
LOG_FILES = 3
CRASHES_KEPT = 5

LEVELS = ("debug", "info", "warning", "error")
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s [%(threadName)s] %(message)s"


def default_folder() -> Path:
    """Where logs live on this system."""
    return Path(platformdirs.user_log_dir("rcapp", appauthor=False))


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[Any]) -> bool:
        """Lock ``file`` until it is closed; False when another process holds it."""
        try:
            # A byte far behind the text, so that the text can be read while locked.
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0, os.SEEK_END)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[Any]) -> bool:
        """Lock ``file`` until it is closed; False when another process holds it."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class CrashGuard:
    """Logging to a file, hooks for what nobody caught, and the note about the last run.

    Args:
        folder: where logs are written; made when missing.
        level: one of :data:`LEVELS`.
        version: written at the head of the crash file.

    Attributes:
        note: a sentence for the person when an earlier run did not end properly, else empty.
        log_path: the log file.
    """

    def __init__(self, folder: Path, *, level: str = "info", version: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_path = folder / "rcapp.log"
        self.note = self._note_of_earlier_runs(folder)
        self._closed = False
        self._handler = self._start_logging(level)
        self._path = folder / f"running-{os.getpid()}.txt"
        self._file = self._path.open("w", encoding="utf-8")
        _try_lock(self._file)
        self._file.write(
            f"rcapp {version}, Python {platform.python_version()}, {platform.platform()}, "
            f"started {time.strftime('%Y-%m-%d %H:%M:%S')}\n"
        )
        self._file.flush()
        faulthandler.enable(self._file)
        self._old_hook = sys.excepthook
        self._old_thread_hook = threading.excepthook
        sys.excepthook = self._on_uncaught
        threading.excepthook = self._on_uncaught_in_thread

    def close(self) -> None:
        """This run ended properly. Twice is fine."""
        if self._closed:
            return
        self._closed = True
        sys.excepthook = self._old_hook
        threading.excepthook = self._old_thread_hook
        faulthandler.disable()
        # Windows removes a file only once it is closed.
        self._file.close()
        self._path.unlink(missing_ok=True)
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()

    def __enter__(self) -> CrashGuard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and error is not None and not issubclass(kind, SystemExit):
            self._on_uncaught(kind, error, trace, chain=False)
        self.close()

    def _start_logging(self, level: str) -> logging.Handler:
        handler = logging.handlers.RotatingFileHandler(
            self.log_path,
            maxBytes=LOG_BYTES,
            backupCount=LOG_FILES - 1,
            encoding="utf-8",
            delay=True,
        )
        handler.setFormatter(logging.Formatter(_FORMAT))
        handler.setLevel(level.upper())
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(level.upper())
        return handler

    def _on_uncaught(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        *,
        chain: bool = True,
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            logger.critical("nobody caught this", exc_info=(kind, error, trace))
        if chain:
            self._old_hook(kind, error, trace)

    def _on_uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread is not None else "unknown"
        if args.exc_value is not None:
            logger.critical(
                "nobody caught this in thread %s",
                name,
                exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
            )
        self._old_thread_hook(args)

    def _note_of_earlier_runs(self, folder: Path) -> str:
        crashes = [kept for path in folder.glob("running-*.txt") if (kept := _bury(path))]
        for old in sorted(folder.glob("crash-*.txt"))[:-CRASHES_KEPT]:
            old.unlink(missing_ok=True)
        if not crashes:
            return ""
        return (
            "The last run of the app ended unexpectedly. "
            f"What is known of it is in {crashes[-1]} and {self.log_path}."
        )


def _bury(path: Path) -> Path | None:
    """Rename the file of a run that is gone; None when that run is alive."""
    try:
        with path.open("a", encoding="utf-8") as file:
            if not _try_lock(file):
                return None
            stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(os.fstat(file.fileno()).st_mtime))
        pid = path.stem.partition("-")[2]
        return path.replace(path.with_name(f"crash-{stamp}-{pid}.txt"))
    except OSError as error:
        logger.warning("cannot look at %s: %s", path, error)
        return None
