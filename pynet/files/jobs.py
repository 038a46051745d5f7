"""Inside the worker process: jobs, each on a thread of its own."""

from __future__ import annotations

import importlib
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from pynet import errors
from pynet.errors import PynetError, RemoteError, UnknownSubroutine
from pynet.files import child
from pynet.files.channel import Channel

log = logging.getLogger("pynet.files")

OPEN, SAY, CANCEL = "open", "say", "cancel"
EVENT, RESULT, ERROR = "event", "result", "error"
"""First words of the messages, to the process and from it; the number of the job follows."""

GRACE = 2.0
"""Seconds in which jobs must end when the process is to."""


class Job:
    """A job as its function sees it. Any thread.

    Attributes:
        cancelled: set when the parent wants it to end, or is gone.
    """

    def __init__(self, id: int, channel: Channel) -> None:
        self.cancelled = threading.Event()
        self._id = id
        self._channel = channel
        self._changed = threading.Condition()
        self._said: deque[Any] = deque()
        self._listener: Callable[[Any], object] | None = None

    def emit(self, event: Any) -> None:
        """Tell the parent something; waits while it does not listen.

        Raises:
            EncodeError: it cannot travel.
        """
        try:
            self._channel.send([EVENT, self._id, event])
        except OSError:
            self.cancel()

    def hear(self, timeout: float | None = None) -> Any:
        """What the parent says next; None after ``timeout`` seconds, or when it was cancelled."""
        with self._changed:
            self._changed.wait_for(lambda: self._said or self.cancelled.is_set(), timeout)
            return self._said.popleft() if self._said else None

    def listen(self, listener: Callable[[Any], object]) -> None:
        """Have a function called with all that the parent says, instead of :meth:`hear`.

        It runs on a thread that serves all jobs, so it must be quick.
        """
        with self._changed:
            self._listener = listener
            while self._said:
                self._tell(listener, self._said.popleft())

    def say(self, value: Any) -> None:
        """The process's own: the parent says something."""
        with self._changed:
            if self._listener is None:
                self._said.append(value)
                self._changed.notify_all()
            else:
                self._tell(self._listener, value)

    def cancel(self) -> None:
        """Ask it to end."""
        with self._changed:
            self.cancelled.set()
            self._changed.notify_all()

    @staticmethod
    def _tell(listener: Callable[[Any], object], value: Any) -> None:
        try:
            listener(value)
        except Exception:
            log.exception("a job failed to listen")


class _Jobs:
    """Those that run."""

    def __init__(self, channel: Channel, methods: dict[str, Callable[..., Any]]) -> None:
        self._channel = channel
        self._methods = methods
        self._lock = threading.Lock()
        self._running: dict[int, tuple[Job, threading.Thread]] = {}

    def take(self, message: list[Any]) -> None:
        """Do what the parent says."""
        word, number, *details = message
        if word == OPEN:
            self._open(number, *details)
            return
        with self._lock:
            found = self._running.get(number)
        if found is None:
            return  # it has just ended
        if word == SAY:
            found[0].say(details[0])
        elif word == CANCEL:
            found[0].cancel()

    def close(self) -> None:
        """Cancel all, and give them time to end."""
        with self._lock:
            running = list(self._running.values())
        for job, _ in running:
            job.cancel()
        deadline = time.monotonic() + GRACE
        for _, thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _open(self, id: int, method: str, args: list[Any]) -> None:
        job = Job(id, self._channel)
        name = f"pynet-job-{method}-{id}"
        thread = threading.Thread(
            target=self._run, args=(job, method, args), name=name, daemon=True
        )
        with self._lock:
            self._running[id] = job, thread
        thread.start()

    def _run(self, job: Job, method: str, args: list[Any]) -> None:
        try:
            function = self._methods.get(method)
            if function is None:
                raise UnknownSubroutine(f"the worker process has no method {method!r}")
            self._answer(RESULT, job._id, function(job, *args))
        except BaseException as error:
            self._answer(ERROR, job._id, pack_error(error))
        finally:
            with self._lock:
                self._running.pop(job._id, None)

    def _answer(self, word: str, id: int, value: Any) -> None:
        try:
            self._channel.send([word, id, value])
        except OSError:
            log.debug("nobody waits for job %d any more", id)


def serve(channel: Channel) -> None:
    """Run jobs until the parent closes the channel."""
    try:
        message = channel.receive()
        if message is None:
            return
        provider, level = message.value
        if level is not None:
            child.forward_log(channel, level)
        jobs = _Jobs(channel, importlib.import_module(provider).METHODS)
        while (message := channel.receive()) is not None:
            jobs.take(message.value)
        jobs.close()
    finally:
        channel.close()


def main() -> None:
    """Be the worker process."""
    channel = child.begin()
    child.stand_back()
    serve(channel)


def pack_error(error: BaseException) -> list[Any]:
    """An exception for another process of this machine: class, text, traceback."""
    if isinstance(error, RemoteError):
        return ["RemoteError", error.type, error.message, error.traceback]
    text = str(error).encode("utf-8", "backslashreplace").decode()
    trace = "".join(traceback.format_exception(error))
    return [type(error).__name__, text, trace.encode("utf-8", "backslashreplace").decode()]


def read_error(packed: list[Any]) -> PynetError:
    """What :meth:`pack_error` was given, if it is one of pynet's own; else a RemoteError."""
    name, *details = packed
    if name == "RemoteError":
        return RemoteError(*details)
    kind = getattr(errors, str(name), None)
    if isinstance(kind, type) and issubclass(kind, PynetError):
        made: PynetError = kind(details[0])
        return made
    return RemoteError(name, *details)
