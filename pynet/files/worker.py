"""The Controller's worker process: jobs that would take the interpreter from what is live.

A job is a function that runs in a child process on a thread of its own. It tells of events while
it runs, hears what is said to it, and returns a result or raises. Values travel as over a lane.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import subprocess
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pynet.errors import Closed, ConnectionLost, DeadlineExceeded, PynetError
from pynet.files import child
from pynet.files.channel import Channel
from pynet.files.jobs import (
    CANCEL,
    ERROR,
    EVENT,
    GRACE,
    OPEN,
    RESULT,
    SAY,
    read_error,
    serve,
)

log = logging.getLogger("pynet.files")

PATIENCE = 1.0
"""Seconds for which the process may outlive what :data:`~pynet.files.jobs.GRACE` gives its jobs."""

Listener = Callable[[Any], object]


class WorkerJob:
    """One job, from :meth:`Worker.open`. Any thread.

    Attributes:
        method: what runs.
    """

    def __init__(self, id: int, method: str, life: _Life, on_event: Listener | None) -> None:
        self.method = method
        self._id = id
        self._life = life
        self._on_event = on_event
        self._over = threading.Event()
        self._value: Any = None
        self._error: PynetError | None = None

    @property
    def done(self) -> bool:
        """It has returned, raised, or was lost."""
        return self._over.is_set()

    def say(self, value: Any) -> None:
        """Tell the running job something; what it does about it is its own affair.

        Raises:
            EncodeError: the value cannot travel.
        """
        self._life.send([SAY, self._id, value])

    def cancel(self) -> None:
        """Ask it to end."""
        self._life.send([CANCEL, self._id])

    def result(self, timeout: float | None = None) -> Any:
        """Wait for what the function returns.

        Raises:
            PynetError: as the function raised it.
            RemoteError: the function raised something else.
            ConnectionLost: the worker process has ended.
            DeadlineExceeded: it takes longer than ``timeout`` seconds.
        """
        if not self._over.wait(timeout):
            raise DeadlineExceeded(f"{self.method} was not done within {timeout} s")
        if self._error is not None:
            raise self._error
        return self._value

    def tell(self, event: Any) -> None:
        """The worker's own: an event came."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("on_event of %s raised", self.method)

    def end(self, value: Any, error: PynetError | None = None) -> None:
        """The worker's own: it is over."""
        self._value, self._error = value, error
        self._over.set()


class Worker:
    """Runs jobs in a process of its own, which starts with the first, and again if it has died.

    Use it in a ``with`` block, or :meth:`close` it. All methods may be called from any thread.

    Args:
        provider: a module whose ``METHODS`` are the functions, by name; each gets a
            :class:`~pynet.files.jobs.Job` and the arguments.
        own_process: False runs the jobs on threads of this process.
    """

    def __init__(self, provider: str, *, own_process: bool = True) -> None:
        self._provider = provider
        self._own_process = own_process and child.possible()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        life = self._life
        return None if life is None else life.pid

    def start(self) -> None:
        """Start the process ahead of its first job."""
        with self._lock:
            self._current()

    def open(self, method: str, *args: Any, on_event: Listener | None = None) -> WorkerJob:
        """Begin a job.

        Args:
            method: name of the function.
            args: for it.
            on_event: gets what the job tells; on a thread that serves all jobs, so it must be
                quick.

        Raises:
            EncodeError: an argument cannot travel.
            Closed: the worker was closed.
        """
        with self._lock:
            life = self._current()
            job = WorkerJob(next(self._ids), method, life, on_event)
            life.jobs[job._id] = job
        try:
            life.send([OPEN, job._id, method, list(args)])
        except BaseException:
            life.jobs.pop(job._id, None)
            raise
        if life.ended:  # meanwhile; its thread may not have seen this job
            life.fail_jobs()
        return job

    def call(self, method: str, *args: Any, timeout: float | None = None) -> Any:
        """Run a job and wait for its result; cancels it after the timeout. Raises as both do."""
        job = self.open(method, *args)
        try:
            return job.result(timeout)
        except DeadlineExceeded:
            if not job.done:
                job.cancel()
            raise

    def close(self) -> None:
        """Cancel what runs and end the process. Idempotent."""
        with self._lock:
            self._closed = True
            life, self._life = self._life, None
        if life is not None:
            life.close()

    def _current(self) -> _Life:
        if self._closed:
            raise Closed("this worker was closed")
        if self._life is None or self._life.ended:
            self._life = _Life(self._provider, own_process=self._own_process)
        return self._life

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Life:
    """One life of the process, and the jobs that live in it."""

    def __init__(self, provider: str, *, own_process: bool) -> None:
        self.jobs: dict[int, WorkerJob] = {}
        self.ended = False
        self._closing = False
        self._process: subprocess.Popen[bytes] | None = None
        ours, self._theirs = socket.socketpair()
        self._channel = Channel(ours)
        level = logging.getLogger("pynet").getEffectiveLevel() if own_process else None
        self._channel.send([provider, level])
        run = self._run_process if own_process else self._run_inside
        self._thread = threading.Thread(target=run, name="pynet-files-worker", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        process = self._process
        return None if process is None else process.pid

    def send(self, message: list[Any]) -> None:
        """Tell the process something; if it is gone its jobs learn that."""
        try:
            self._channel.send(message)
        except OSError as error:
            log.debug("the worker process is gone: %s", error)

    def close(self) -> None:
        """Ask it to end, and see to it that it does."""
        self._closing = True
        self._channel.finish()
        self._thread.join(GRACE + PATIENCE)
        process = self._process
        if self._thread.is_alive() and process is not None:
            log.warning("the worker process %d does not end; it is killed", process.pid)
            process.kill()
        self._thread.join()

    def fail_jobs(self) -> None:
        """There is no process any more."""
        text = "the transfer's process has ended; start the transfer again, it goes on where it was"
        lost = Closed("this worker was closed") if self._closing else ConnectionLost(text)
        with contextlib.suppress(KeyError):  # when none is left
            while True:
                self.jobs.popitem()[1].end(None, lost)

    def _run_process(self) -> None:
        try:
            with self._theirs:
                self._process = child.start("pynet.files.jobs", self._theirs)
            self._listen()
        except OSError as error:
            log.error("the worker process cannot be started: %s", error)
        finally:
            self.ended = True
            self._channel.hang_up()
            if self._process is not None:
                _reap(self._process)
            if not self._closing:
                log.error("the worker process has ended; the next transfer starts another")
            self._end()

    def _run_inside(self) -> None:
        theirs = Channel(self._theirs)
        inside = threading.Thread(target=serve, args=(theirs,), name="pynet-files-inside")
        inside.start()
        try:
            self._listen()
        finally:
            self.ended = True
            inside.join()
            self._end()

    def _listen(self) -> None:
        while (message := self._channel.receive()) is not None:
            word, *details = message.value
            if word == child.LOG:
                child.replay(message.value)
                continue
            number, value = details
            if word == EVENT and number in self.jobs:
                self.jobs[number].tell(value)
            elif word == RESULT:
                self.jobs.pop(number).end(value)
            elif word == ERROR:
                self.jobs.pop(number).end(None, read_error(value))

    def _end(self) -> None:
        self.fail_jobs()
        self._channel.close()


def _reap(process: subprocess.Popen[bytes]) -> None:
    """It has closed its end, so it ends, unless it is mad."""
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
