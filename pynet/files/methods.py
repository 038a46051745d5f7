"""What the Controller's worker process can do: transfers, over lanes that stay warm."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pynet.errors import Cancelled, PynetError
from pynet.files.connection import files_dialler
from pynet.files.engine import Engine, Wishes
from pynet.files.jobs import Job
from pynet.files.progress import Progress, Report
from pynet.files.relay import PACE, PAUSE
from pynet.files.transfer import Transfer
from pynet.files.way import Way

SWITCH = 0.0005
"""Seconds for which a thread may keep the interpreter from others: lanes pass it on often."""

R = TypeVar("R")

_lock = threading.Lock()
_engines: dict[tuple[Way, str], Engine] = {}


def engine_for(way: Way, origin: str) -> Engine:
    """The one that serves this way, with its warm lanes."""
    with _lock:
        engine = _engines.get((way, origin))
        if engine is None:
            sys.setswitchinterval(SWITCH)
            keeper = contextlib.ExitStack()
            gateway = keeper.enter_context(way.connect())
            atexit.register(keeper.close)
            engine = _engines[way, origin] = Engine(gateway, files_dialler(gateway.dialler), origin)
            atexit.register(engine.close)
        return engine


def get(job: Job, way: Way, origin: str, what: list[str], to: str, wishes: Wishes) -> Report:
    """Fetch files; events are :class:`Progress`."""
    engine = engine_for(way, origin)
    return follow(job, ", ".join(what), lambda transfer: engine.get(transfer, what, to, wishes))


def put(job: Job, way: Way, origin: str, what: list[str], to: str, wishes: Wishes) -> Report:
    """Send files; events are :class:`Progress`."""
    engine = engine_for(way, origin)
    return follow(job, ", ".join(what), lambda transfer: engine.put(transfer, what, to, wishes))


def warm(_: Job, way: Way, origin: str, lanes: int) -> None:
    """Open lanes now."""
    engine_for(way, origin).lanes.warm(lanes)


def follow(job: Job, name: str, begin: Callable[[Transfer[R]], None]) -> R:
    """Run a transfer as a job."""
    changed = threading.Condition()

    def tell(progress: Progress) -> None:
        if not progress.over:
            job.emit(progress)
        with changed:
            changed.notify_all()

    transfer: Transfer[R] = Transfer(name, tell)

    def listen(said: list[Any]) -> None:
        with contextlib.suppress(PynetError):
            if said[0] == PAUSE and said[1]:
                transfer.pause()
            elif said[0] == PAUSE:
                transfer.resume()
            elif said[0] == PACE:
                transfer.pace(float(said[1]))

    begin(transfer)
    job.listen(listen)
    with changed:
        while not transfer.progress.over and not job.cancelled.is_set():
            changed.wait(0.1)
    if job.cancelled.is_set() and not transfer.progress.over:
        transfer.close()
        raise Cancelled("the transfer was cancelled; what has arrived is not sent again")
    return transfer.wait()


METHODS: dict[str, Callable[..., Any]] = {"get": get, "put": put, "warm": warm}
