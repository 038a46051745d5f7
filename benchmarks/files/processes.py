"""Programs at the ends of a transfer: how long they take, and how much of the processors."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import ROOT

TICKS = os.sysconf("SC_CLK_TCK")
LISTENING = "0A"
START_LIMIT, END_LIMIT, SETTLE_LIMIT = 10.0, 5.0, 2.0


@dataclass(frozen=True)
class Done:
    """A command that has ended.

    Attributes:
        seconds: from its start to its end.
        cpu: seconds of processor time, of what it started too.
        stopped: True if it was killed, because it took too long.
        said: what it printed.
    """

    seconds: float
    cpu: float
    stopped: bool
    said: str


class Failed(RuntimeError):
    """A program ended with an error; the message is the last that it said."""


def timed(command: Sequence[str], limit: float, *, waits: bool = False) -> Done:
    """Run a command to its end, or kill it and what it started after `limit` seconds.

    Args:
        command: the program and its arguments.
        limit: seconds.
        waits: it prints a line when it has connected, and begins when it is given one; the clock
            starts only then.

    Raises:
        Failed: it ended with an error.
    """
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        # In a group of its own, so that all of it can be killed.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
            stdout=subprocess.PIPE if waits else errors,
            stderr=errors,
            start_new_session=True,
        )
        said = b""
        if process.stdin is not None and process.stdout is not None:
            process.stdout.readline()
            begin = time.perf_counter()
            with contextlib.suppress(OSError):
                process.stdin.write(b"\n")
                process.stdin.close()
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop)
        timer.start()
        if process.stdout is not None:
            said = process.stdout.read()
            process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        timer.cancel()
        timer.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said += errors.read()
    if process.returncode and not stopped.is_set():
        raise Failed(f"{Path(command[0]).name} failed: {last_line(said.decode(errors='replace'))}")
    text = said.decode(errors="replace")
    return Done(seconds, used.ru_utime + used.ru_stime, stopped.is_set(), text)


class Program:
    """A program that runs beside this one, until it is closed.

    Args:
        command: the program and its arguments.
        port: it listens on; None if it listens on none.

    Raises:
        Failed: it ended, or does not listen.
    """

    def __init__(self, command: Sequence[str], port: int | None) -> None:
        self._name = Path(command[0]).name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            start_new_session=True,
        )
        self.pid = self._process.pid
        try:
            if port is not None:
                self._wait_until_listening(port)
        except BaseException:
            self.close()
            raise
        self._usual = descendants(self.pid)

    def _wait_until_listening(self, port: int) -> None:
        deadline = time.monotonic() + START_LIMIT
        while not listens(self.pid, port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failed(self._reason("does not listen"))
            time.sleep(0.005)

    @property
    def cpu(self) -> float:
        """Seconds of processor time until now, of those it started too."""
        return cpu_of(self.pid)

    def settle(self) -> None:
        """Wait until those it started for the last client are gone, and counted as its own."""
        deadline = time.monotonic() + SETTLE_LIMIT
        while descendants(self.pid) - self._usual and time.monotonic() < deadline:
            time.sleep(0.01)

    def has_ended(self) -> bool:
        """Tell whether it has.

        Raises:
            Failed: with an error.
        """
        if self._process.poll() is None:
            return False
        if self._process.returncode:
            raise Failed(self._reason("failed"))
        return True

    def _reason(self, what: str) -> str:
        self._errors.seek(0)
        said = last_line(self._errors.read().decode(errors="replace"))
        return f"{self._name} {what}: {said}"

    def finish(self) -> float:
        """Wait for the end of a program that serves once; return its seconds of processor time."""
        timer = threading.Timer(END_LIMIT, lambda: end_all(self.pid, signal.SIGKILL))
        timer.start()
        _, status, used = os.wait4(self.pid, 0)
        timer.cancel()
        timer.join()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return used.ru_utime + used.ru_stime

    def close(self) -> None:
        """End it and what it started. May be called twice."""
        if self._process.returncode is None:
            end_all(self.pid, signal.SIGTERM)
            try:
                self._process.wait(END_LIMIT)
            except subprocess.TimeoutExpired:
                end_all(self.pid, signal.SIGKILL)
                self._process.wait()
        self._errors.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


# ---- what /proc tells -------------------------------------------------------------------------


def descendants(pid: int) -> set[int]:
    """Return the processes that a process has started, and those have, as far as they live."""
    children: dict[int, list[int]] = {}
    for one, fields in _all_processes():
        children.setdefault(int(fields[1]), []).append(one)
    found: set[int] = set()
    left = [pid]
    while left:
        new = children.get(left.pop(), [])
        found.update(new)
        left += new
    return found


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time of a process and of all that it has started."""
    wanted = descendants(pid) | {pid}
    # Own and of ended children, each in user and in kernel mode.
    ticks = sum(sum(map(int, fields[11:15])) for one, fields in _all_processes() if one in wanted)
    return ticks / TICKS


def read_by(pid: int) -> int:
    """Return the bytes that a process and all that it has started have read, from files mostly.

    What is received from sockets does not count.
    """
    total = 0
    for one in descendants(pid) | {pid}:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/io").read_text()
            total += int(text.partition("rchar: ")[2].split()[0])
    return total


def received_over(device: str, pid: int | None = None) -> int:
    """Return the bytes that came in over a network device, as a process sees it; ours if None."""
    text = Path(f"/proc/{pid or 'self'}/net/dev").read_text()
    return int(text.partition(f"{device}:")[2].split()[0])


def listens(pid: int, port: int) -> bool:
    """Tell whether a port is being listened on where a process runs."""
    for family in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]:
                _, local, _, state = line.split()[:4]
                if state == LISTENING and int(local.rpartition(":")[2], 16) == port:
                    return True
    return False


def end_all(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to all that it has started."""
    for one in (pid, *descendants(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, number)


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def _all_processes() -> Iterator[tuple[int, list[str]]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                # The name of the program, in brackets, may hold anything.
                stat = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2]
                yield int(name), stat.split()
