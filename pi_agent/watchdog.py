"""The thread between the network and the motors.

It asks the :class:`~pi_agent.drive.DriveGate` every 10 ms what the motors get,
and at once when a command or STOP arrives. Nothing else touches the motors.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pi_agent.drive import DriveGate, GateStatus, Output
from pi_agent.hardware.protocols import Drivetrain

logger = logging.getLogger(__name__)

TICK = 0.01
"""Seconds between two looks at the clock."""


class Watchdog:
    """Applies a gate's output to a drivetrain, from a thread of its own.

    Args:
        gate: decides; from now on only this object calls it.
        drivetrain: obeys; closed by its owner, after this object.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        gate: DriveGate,
        drivetrain: Drivetrain,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate = gate
        self._drivetrain = drivetrain
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="pi-agent-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Starts the thread; the motors are neutral until a command counts."""
        self._thread.start()

    def close(self) -> None:
        """Neutral, then ends the thread; may be called again."""
        with self._lock:
            self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._apply(Output(0.0, 0.0, live=False))

    def claim(self, driver: str) -> int:
        """See :meth:`DriveGate.claim`."""
        with self._lock:
            return self._gate.claim(driver, self._clock())

    def release(self, lease: int) -> None:
        """See :meth:`DriveGate.release`."""
        with self._lock:
            self._gate.release(lease, self._clock())
        self._wake.set()

    def offer(self, lease: int, command: Any) -> str:
        """See :meth:`DriveGate.offer`."""
        with self._lock:
            refusal = self._gate.offer(lease, command, self._clock())
        if not refusal:
            self._wake.set()
        return refusal

    def stop(self, reason: str) -> None:
        """See :meth:`DriveGate.stop`."""
        with self._lock:
            self._gate.stop(reason, self._clock())
        self._wake.set()

    def clear_stop(self) -> None:
        """See :meth:`DriveGate.clear_stop`."""
        with self._lock:
            self._gate.clear_stop(self._clock())

    def status(self) -> GateStatus:
        """See :meth:`DriveGate.status`."""
        with self._lock:
            return self._gate.status(self._clock())

    def _run(self) -> None:
        while True:
            self._wake.wait(TICK)
            self._wake.clear()
            with self._lock:
                if self._closing:
                    return
                output = self._gate.output(self._clock())
            self._apply(output)

    def _apply(self, output: Output) -> None:
        try:
            if output.live:
                self._drivetrain.drive(output.steer, output.throttle)
            else:
                self._drivetrain.neutral(output.steer)
            self._failed = False
        except Exception as error:
            # Motors that do not obey must not end the thread that would stop them later.
            if not self._failed:
                logger.exception("The motors do not obey; STOP is latched")
            self._failed = True
            with self._lock:
                self._gate.stop(f"The motors do not obey: {error}", self._clock())
