"""A simulated car as a child process, behind the same gateway a real one has."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rcapp.core.demo_files import CONFIG, ROOTS, write_demo_files

logger = logging.getLogger("rcapp.demo")

START_LIMIT = 15.0
"""Seconds a car may take to start: the first start compiles and imports OpenCV from a cold disk."""

LEAVE_LIMIT = 4.0
"""Seconds a car may take to leave before it is made to; transfers that run may take half of it."""

_READY = re.compile(r"^pi-agent ready on (\S+:\d+)\s*$")
_TAIL_LINES = 4


class DemoCarError(Exception):
    """The simulated car did not start; str() is a sentence for a person."""


class DemoCar:
    """Starts ``pi_agent --sim`` at once and returns; poll :attr:`address` and :attr:`error`.

    Or wait with :meth:`wait_ready` on a thread that may wait. The car leaves by itself
    when this process is gone. What it shares lies in a temporary folder that goes with it.

    Args:
        name: what the car calls itself.
        arguments: more arguments for ``pi-agent``.
        start_limit: seconds until a car that is not ready counts as failed.
    """

    def __init__(
        self,
        *,
        name: str = "Demo car",
        arguments: tuple[str, ...] = (),
        start_limit: float = START_LIMIT,
    ) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix="rcapp-demo-", ignore_cleanup_errors=True)
        self._report_path = Path(self._folder.name) / "report.json"
        self._stderr_path = Path(self._folder.name) / "stderr.txt"
        self._changed = threading.Condition()
        self._address: str | None = None
        self._ended = False
        self._closed = False
        self._last_report: dict[str, Any] = {}
        self._give_up_at = time.monotonic() + start_limit
        self._start_limit = start_limit
        self._config_path = Path(self._folder.name) / "car.toml"
        self._config_path.write_text(CONFIG, encoding="utf-8")
        for name in ROOTS:
            (self._config_path.parent / name).mkdir()
        self._process = self._spawn(arguments)
        self._reader = threading.Thread(target=self._read, name="rcapp-demo-car", daemon=True)
        self._reader.start()

    def _spawn(self, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pi_agent", "--sim", "--port", "0", "--name", self.name]
        command += ["--parent", str(os.getpid()), "--report", str(self._report_path)]
        command += ["--config", str(self._config_path), *arguments]
        with self._stderr_path.open("wb") as errors:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                # On Windows a console would flash up otherwise.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def pid(self) -> int:
        """Process id of the car."""
        return self._process.pid

    @property
    def address(self) -> str | None:
        """``host:port`` once the car is ready, else None."""
        with self._changed:
            return self._address

    @property
    def error(self) -> str:
        """Why it is not running, with a remedy; empty while it starts and runs."""
        with self._changed:
            if self._closed:
                return ""
            if self._ended:
                code = self._process.poll()
                when = "ended by itself" if self._address else "did not start"
                return f"The simulated car {when} (exit code {code}). {self._tail()}".strip()
            if self._address is None and time.monotonic() > self._give_up_at:
                return (
                    f"The simulated car was not ready within {self._start_limit:g} s. "
                    f"Close other programs and try again. {self._tail()}"
                ).strip()
            return ""

    def wait_ready(self, timeout: float | None = None) -> str:
        """Wait for the address.

        Raises:
            DemoCarError: when the car ended, or was not ready in time.
        """
        limit = self._give_up_at if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._address is None and not self._ended and not self._closed:
                left = limit - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            address, ended = self._address, self._ended
        if address is not None and not ended:
            return address
        message = self.error or "The simulated car was not ready in time. Try again."
        raise DemoCarError(message)

    def report(self) -> dict[str, Any]:
        """The agent's own account of itself; empty when it has not written one yet.

        After :meth:`close` it is the last one, written when the car left.
        """
        if not self._closed:
            self._last_report = self._read_report() or self._last_report
        return dict(self._last_report)

    def kill(self) -> None:
        """Kill the car without a warning, as a crash would."""
        self._process.kill()

    def leave(self, timeout: float = LEAVE_LIMIT) -> int | None:
        """Ask the car to leave, and wait for it: neutral first, then its last report.

        Returns:
            Its exit code, or None when it had to be killed.
        """
        self._process.terminate()
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            logger.warning("the simulated car did not leave within %g s", timeout)
            self._process.kill()
            self._process.wait()
            return None

    def close(self) -> None:
        """Ask the car to leave, then make it. Twice is fine."""
        if self._closed:
            return
        self.leave()
        self._reader.join()
        self._last_report = self._read_report() or self._last_report
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> DemoCar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        # Here, where nobody waits: the car takes longer to start than this takes.
        try:
            write_demo_files(self._config_path.parent)
        except OSError as error:
            logger.warning("the simulated car has no recordings: %s", error)
        for line in self._process.stdout:
            found = _READY.match(line)
            if found is None:
                logger.info("simulated car says: %s", line.rstrip())
                continue
            with self._changed:
                self._address = found[1]
                self._changed.notify_all()
        # Its output ended: the exit code follows at once, and belongs into the error.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVE_LIMIT)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_report(self) -> dict[str, Any]:
        try:
            found = json.loads(self._report_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _tail(self) -> str:
        """The last words of the car, which mostly name the cause."""
        try:
            text = self._stderr_path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f"It said: {' | '.join(lines[-_TAIL_LINES:])}" if lines else ""
