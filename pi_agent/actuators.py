"""The agent's end of the motors' process: starts it, sends it orders, hears its news.

That process decides what the motors get (:mod:`pi_agent.failsafe`). When it dies or hangs, it
is ended and started anew, disarmed, and the simulated car, which lives in this process, goes
neutral meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_agent.config import Config
from pi_agent.failsafe import frames, rules
from pi_agent.failsafe.frames import State
from pi_agent.failsafe.machine import Change, Command
from pi_agent.hardware.errors import HardwareError

logger = logging.getLogger(__name__)

START_LIMIT = 10.0
"""Seconds for the process to start; a busy Pi loads the pin library in two."""
ANSWER_LIMIT = 0.5
"""Seconds for an order to be answered."""
SILENT_AFTER = 0.25
"""Seconds without news, which come every 0.05 s, until the simulated car goes neutral."""
HUNG_AFTER = 1.0
"""Seconds without news until the process is ended: its pins are neutral only once it is gone."""
PERIOD = 0.05
"""Seconds between two looks at all that."""
BACK_OFF = (0.0, 0.2, 0.5, 1.0, 2.0)
"""Seconds before the next start, by how many processes died in a row soon after theirs."""
SOON = 5.0

_BOOT = (
    "import sys; sys.path.append(sys.argv.pop()); "
    "from pi_agent.failsafe.process import main; sys.exit(main())"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the motors' process is started with.

    Attributes:
        kind: ``"report"`` for a simulated car, or ``"hbridge"``.
        timeout: seconds without a command until the throttle is neutral.
        claim: name of the right to the motors; empty for motors that are in software.
        text: configuration of the motors as JSON.
    """

    kind: str = "report"
    timeout: float = rules.NEUTRAL_AFTER
    claim: str = ""
    text: str = ""

    @classmethod
    def of(cls, config: Config) -> Plan:
        """What a car's configuration asks for."""
        timeout = config.failsafe.command_timeout
        if config.drivetrain.kind != "hbridge":
            return cls(timeout=timeout)
        bridge = config.drivetrain.hbridge
        pins = "-".join(str(pin) for pin in sorted((*bridge.left, *bridge.right)))
        if os.environ.get("GPIOZERO_PIN_FACTORY") == "mock":
            # Pins in software belong to whoever made them up.
            pins += os.environ.get("PYNET_CONFIG", "")
        values = {name: getattr(bridge, name) for name in bridge.__slots__}
        claim = f"hbridge/{pins}" if sys.platform == "linux" else ""
        return cls("hbridge", timeout, claim, json.dumps(values))


def _quiet(*_: object) -> None:
    """For a listener that is not wanted."""


class Actuators:
    """Owns the motors' process. Every method may be called from any thread.

    Args:
        plan: what to start.
        on_output: told steer, throttle and whether they are live; called by one thread at a time.
        on_state: told every report, on the reading thread.
        on_change: told every transition, on the reading thread.
        on_tick: called 20 times a second, on the watching thread.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        on_output: Callable[[float, float, bool], None] = _quiet,
        on_state: Callable[[State], None] = _quiet,
        on_change: Callable[[Change], None] = _quiet,
        on_tick: Callable[[], None] = _quiet,
    ) -> None:
        self._plan = plan
        self._on_output = on_output
        self._on_state = on_state
        self._on_change = on_change
        self._on_tick = on_tick
        self._changed = threading.Condition()
        self._output_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._state = State(causes=rules.STARTED, refusals=rules.NO_PROCESS)
        self._heard_at = 0.0
        self._running = False
        self._trouble = ""
        self._asked = 0
        self._answers: dict[int, int] = {}
        self._epoch = 0
        self._stopped = False
        self._base = State()
        self._deaths = 0
        self._started_at = 0.0
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="pi-agent-actuators", daemon=True)

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

    @property
    def running(self) -> bool:
        """The process is there and reports."""
        return self._running

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        process = self._process
        return None if process is None else process.pid

    @property
    def state(self) -> State:
        """Its newest report; without a process, one that says so."""
        return self._state

    def start(self) -> None:
        """Starts the process and waits until it holds the motors.

        Raises:
            HardwareError: it cannot have them.
        """
        self._spawn()
        with self._changed:
            self._changed.wait_for(lambda: self._running or self._has_ended(), START_LIMIT)
            running, trouble = self._running, self._trouble
        if not running:
            self._end_process()
            raise HardwareError(trouble or "The process that owns the motors does not start.")
        self._watcher.start()

    def close(self) -> None:
        """Neutral, then ends the process; may be called again."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._watcher.ident is not None:
            self._watcher.join()
        self._write(frames.pack_order(frames.QUIT, 0, 0))
        self._end_process()
        self._output(0.0, 0.0, False)

    def send(self, command: Command) -> None:
        """Passes a command on, or drops it if the process does not read; never waits."""
        self._write(frames.pack_command(command))

    def set_epoch(self, epoch: int) -> None:
        """Another lease: disarms, and lets only commands of ``epoch`` count."""
        self._epoch = epoch
        self._write(frames.pack_order(frames.EPOCH, epoch, 0))

    def gone(self, epoch: int) -> None:
        """The connection of the driver with this lease has ended: neutral at once."""
        self._write(frames.pack_order(frames.GONE, epoch, 0))

    def stop(self) -> bool:
        """Latches STOP, over a restart of the process too.

        Returns:
            True when the motors are neutral, False if the process does not answer.
        """
        self._stopped = True
        return self._ask(frames.STOP, 0) is not None

    def disarm(self) -> bool:
        """Disarms; returns as :meth:`stop` does."""
        return self._ask(frames.DISARM, 0) is not None

    def arm(self, epoch: int) -> int:
        """Arms for the holder of ``epoch``; returns the reasons against it as bits."""
        bits = self._ask(frames.ARM, epoch)
        if bits is None:
            return rules.NO_PROCESS
        if not bits:
            self._stopped = False
        return bits

    # --- orders ------------------------------------------------------------------------------

    def _ask(self, kind: int, epoch: int) -> int | None:
        """Sends an order and waits for its answer."""
        with self._changed:
            self._asked += 1
            number = self._asked
            self._write(frames.pack_order(kind, epoch, number))
            self._changed.wait_for(lambda: number in self._answers, ANSWER_LIMIT)
            return self._answers.pop(number, None)

    def _write(self, frame: bytes) -> None:
        with self._write_lock:
            process = self._process
            if process is None or process.stdin is None:
                return
            # Full: the process hangs, and is ended for that. Broken: it has ended.
            with contextlib.suppress(OSError, ValueError):
                os.write(process.stdin.fileno(), frame)

    # --- the process -------------------------------------------------------------------------

    def _spawn(self) -> None:
        plan = self._plan
        root = str(Path(__file__).resolve().parents[1])
        arguments = [plan.kind, str(plan.timeout), str(os.getpid()), plan.claim, plan.text, root]
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdin is not None
        with contextlib.suppress(AttributeError, OSError):  # Windows before Python 3.12
            os.set_blocking(process.stdin.fileno(), False)
        self._started_at = self._heard_at = time.monotonic()
        with self._write_lock:
            self._process = process
        # A new process knows neither; pipes keep the order.
        if self._epoch:
            self.set_epoch(self._epoch)
        if self._stopped:
            self._write(frames.pack_order(frames.STOP, 0, 0))
        self._reader = threading.Thread(
            target=self._read, args=(process,), name="pi-agent-actuators-news", daemon=True
        )
        self._reader.start()

    def _has_ended(self) -> bool:
        return self._reader is None or not self._reader.is_alive()

    def _end_process(self) -> None:
        """Waits for the process to end, makes it if it does not, and frees what it had."""
        with self._write_lock:
            process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join()
        process.stdout.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Takes the news of one process until it ends."""
        assert process.stdout is not None
        reader = frames.NewsReader()
        try:
            while data := os.read(process.stdout.fileno(), 65536):
                for news in reader.feed(data):
                    self._take(news)
        except (OSError, ValueError) as error:
            logger.error("The motors' process is ended: %s", error)
            process.kill()
        with self._changed:
            self._running = False
            self._changed.notify_all()

    def _take(self, news: State | Change | str) -> None:
        if isinstance(news, Change):
            self._on_change(news)
            return
        if isinstance(news, str):
            logger.error("%s", news)
            self._trouble = news
            return
        self._output(news.steer, news.throttle, bool(news.flags & frames.LIVE))
        base = self._base
        news.accepted += base.accepted
        news.refused += base.refused
        news.trips += base.trips
        with self._changed:
            self._state = news
            self._heard_at = time.monotonic()
            self._running = True
            if news.answered:
                self._answers[news.answered] = news.answer
                if len(self._answers) > 64:
                    self._answers.pop(next(iter(self._answers)))
            self._changed.notify_all()
        self._on_state(news)

    def _output(self, steer: float, throttle: float, live: bool) -> None:
        with self._output_lock:
            self._on_output(steer, throttle, live)

    # --- watching ----------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.wait(PERIOD):
            silent = time.monotonic() - self._heard_at
            if not self._has_ended():
                if silent > SILENT_AFTER:
                    self._output(0.0, 0.0, False)
                if silent > HUNG_AFTER and self._running and not self._has_unread():
                    self._kill("hangs")
                elif silent > START_LIMIT:
                    self._kill("does not start")
            if self._has_ended():
                self._restart()
            self._on_tick()

    def _has_unread(self) -> bool:
        """Whether there are news that this busy process has not come to read."""
        process = self._process
        if os.name == "nt" or process is None or process.stdout is None:
            return False
        return bool(select.select([process.stdout], (), (), 0)[0])

    def _kill(self, why: str) -> None:
        process = self._process
        if process is not None and self._reader is not None:
            logger.error("The motors' process %d %s; it is ended", process.pid, why)
            process.kill()
            self._reader.join()

    def _restart(self) -> None:
        self._output(0.0, 0.0, False)
        died, pid = self._state, self.pid
        self._end_process()
        self._note_death(died)
        soon = time.monotonic() - self._started_at < SOON
        self._deaths = self._deaths + 1 if soon else 0
        wait = BACK_OFF[min(self._deaths, len(BACK_OFF) - 1)]
        logger.error(
            "The motors' process %s is gone; a new one starts, disarmed, in %.1f s", pid, wait
        )
        if not self._closing.wait(wait):
            try:
                self._spawn()
            except OSError as error:
                # No memory for a process: the motors have no owner, and the next look tries again.
                logger.error("The motors' process cannot be started: %s", error)

    def _note_death(self, died: State) -> None:
        """From now on the state says that there is no process; counts go on."""
        causes = rules.STARTED | (rules.STOP if self._stopped else 0)
        stage = rules.stage_of(causes)
        if not died.refusals & rules.NO_PROCESS:
            self._base = died
            now = time.monotonic()
            self._on_change(Change(now, died.stage, stage, causes, died.epoch, -1.0, ()))
        base = self._base
        with self._changed:
            self._state = State(
                time=time.monotonic(),
                stage=stage,
                causes=causes,
                refusals=rules.NO_PROCESS,
                epoch=base.epoch,
                lost_epoch=base.lost_epoch,
                accepted=base.accepted,
                refused=base.refused,
                last_seq=base.last_seq,
                trips=base.trips,
                accepted_at=base.accepted_at,
                neutral_written=base.neutral_written,
            )
