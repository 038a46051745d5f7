"""What a worker process of the tests can do."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from pynet.errors import Busy, ConnectError, NoSpace, RemoteError
from pynet.files.info import Usage
from pynet.files.jobs import Job
from pynet.files.way import Way


def same(job: Job, *values: Any) -> list[Any]:
    """Return what was given."""
    return list(values)


def count(job: Job, most: int) -> int:
    """Tell numbers as long as it may."""
    number = 0
    while number < most and not job.cancelled.is_set():
        job.emit(number)
        number += 1
    return number


def converse(job: Job) -> list[Any]:
    """Echo what is said until it is enough."""
    said = []
    while (value := job.hear()) is not None:
        said.append(value)
        job.emit(["heard", value])
        if value == "enough":
            break
    return said


def listen(job: Job, most: int) -> list[Any]:
    """Have a function called with what is said."""
    said: list[Any] = []
    enough = threading.Event()

    def on_said(value: Any) -> None:
        if value == "fail":
            raise ValueError(value)
        said.append(value)
        if len(said) == most:
            enough.set()

    job.emit("ready")
    job.hear()
    job.listen(on_said)
    enough.wait()
    return said


def fail(job: Job, how: str) -> None:
    """Raise."""
    raise {
        "space": NoSpace("the disk is full"),
        "connect": ConnectError("nobody answers"),
        "busy": Busy("later", 3.0),
        "remote": RemoteError("KeyError", "'x'", "Traceback ..."),
        "other": ValueError("a half \udc80 character"),
    }[how]


def wait(job: Job) -> str:
    """Wait for the end."""
    job.emit("waiting")
    job.cancelled.wait()
    return "cancelled"


def hang(job: Job) -> None:
    """Do not care."""
    job.emit("hanging")
    threading.Event().wait()


def die(job: Job) -> None:
    """End the whole process."""
    os.kill(os.getpid(), signal.SIGKILL)


def unpackable(job: Job) -> object:
    """Return what cannot travel."""
    return object()


def usage(job: Job, usage: Usage) -> Usage:
    """Give back an object of a registered class."""
    assert isinstance(usage, Usage)
    return usage


def threads(job: Job) -> list[str]:
    """Name what runs."""
    return sorted(thread.name for thread in threading.enumerate())


def about(job: Job) -> list[int]:
    """Tell process and niceness."""
    return [os.getpid(), os.getpriority(os.PRIO_PROCESS, 0)]


def roots(job: Job, way: Way) -> Any:
    """Ask a Gateway what it shares, over a connection of this process's own."""
    with way.connect() as gateway:
        return [gateway.name, [row["name"] for row in gateway.call("files.roots")]]


METHODS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(same, count, converse, listen, fail, wait, hang, die, unpackable, usage, threads),
        *(about, roots),
    )
}
