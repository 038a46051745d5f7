"""Which input drives, and what is sent to the car.

The GUI thread samples the inputs in :meth:`DriveInput.tick`; a thread of its own
sends the newest sample 50 times a second, but only while it is fresh and the car
has given us the wheel. Nothing alive to read means nothing is sent: the car's own
failsafe then takes over, which zeros from a dead input would hide.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rcapp.core.keyboard import KeyboardDriver

SEND_PERIOD = 0.02
"""Seconds between two drive commands."""

SAMPLE_LIMIT = 0.1
"""A sample older than this (seconds) is never sent: the GUI that made it has stalled."""

TOUCH = 0.05
"""How far (of full deflection) a gamepad must move to count as touched."""

NEUTRAL = 0.02
"""Throttle below this counts as seen at neutral after a STOP."""


class Pad(Protocol):
    """What :class:`DriveInput` needs of a gamepad."""

    @property
    def name(self) -> str:
        """What the pad calls itself, or empty."""
        ...

    def poll(self) -> None:
        """Read what happened since the last call."""

    def sample(self) -> tuple[float, float] | None:
        """``(steer, throttle)``, or None when no pad is there."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the person wants, as read at one moment.

    Attributes:
        steer, throttle: -1 to 1.
        time: local monotonic time at which the input was read.
        source: ``"keyboard"`` or ``"gamepad"``.
    """

    steer: float
    throttle: float
    time: float
    source: str


class DriveInput:
    """Mixes the inputs and sends the result.

    Args:
        send: gives one command (seq, steer, throttle, time, epoch) to the car; False when it
            could not be given. Called on the sending thread only.
        gamepad: polled in :meth:`tick`, or None.

    Attributes:
        keyboard: press and release its keys from the GUI thread.
    """

    def __init__(
        self,
        send: Callable[[int, float, float, float, int], bool] | None = None,
        gamepad: Pad | None = None,
    ) -> None:
        self.keyboard = KeyboardDriver()
        self._send = send
        self._gamepad = gamepad
        self._active = False
        self._source = ""
        self._presses = 0
        self._pad_gone = False
        self._held = False
        self._epoch = 0
        self._pad_rest: tuple[float, float] | None = None
        self._stopped = False
        self._need_neutral = False
        self._lock = threading.Lock()
        self._newest: Sample | None = None
        self._seq = 0
        self._sent = 0
        self._sent_at = float("-inf")
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def source(self) -> str:
        """``"keyboard"``, ``"gamepad"`` or empty: who drives now."""
        return self._source

    @property
    def gamepad(self) -> Pad | None:
        """The gamepad that is polled, if any."""
        return self._gamepad

    def set_gamepad(self, gamepad: Pad | None) -> None:
        """Poll another gamepad from now on. GUI thread only."""
        self._gamepad = gamepad
        self._pad_rest = None

    @property
    def commands_sent(self) -> int:
        """Commands given to the car since :meth:`reset_counts`."""
        with self._lock:
            return self._sent

    def reset_counts(self) -> None:
        """Count commands from 0 again; sequence numbers go on growing."""
        with self._lock:
            self._sent = 0

    @property
    def epoch(self) -> int:
        """Of the lease we drive under; 0 while somebody else has the wheel, or nobody."""
        with self._lock:
            return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """The car gave us the wheel under this epoch, or (0) took it. Any thread.

        Who has just got it must let go of the throttle once.
        """
        with self._lock:
            if epoch == self._epoch:
                return
            self._epoch = epoch
        self.let_go_first()

    @property
    def throttle_held(self) -> bool:
        """The person holds the throttle, whether or not it counts."""
        return self._held

    def set_keyboard_active(self, active: bool) -> None:
        """The Drive view gained or lost the focus. GUI thread only.

        On loss all keys are let go, and if the keyboard was driving nothing is sent any more.
        """
        if active == self._active:
            return
        self._active = active
        if not active:
            self.keyboard.release_all()
            if self._source == "keyboard":
                self._source = ""
                self._drop()

    def hold_neutral(self, stopped: bool) -> None:
        """STOP is pressed or latched (True), or it was released (False). Any thread.

        While held, and afterwards until the throttle was seen at neutral, only neutral is sent.
        """
        if stopped:
            self.let_go_first()
        with self._lock:
            self._stopped = stopped

    @property
    def must_let_go(self) -> bool:
        """Somebody holds the throttle, and it does not count until they have let go of it once."""
        with self._lock:
            return self._need_neutral and not self._stopped

    def let_go_first(self) -> None:
        """Send only neutral until the throttle was seen at neutral. Any thread.

        After a loss too: a car that comes back, perhaps with its program started anew, must
        not jump because a key is still held.
        """
        with self._lock:
            self._need_neutral = True
            newest = self._newest
            if newest is not None:
                self._newest = Sample(0.0, 0.0, newest.time, newest.source)

    def tick(self, now: float | None = None) -> Sample | None:
        """Read the inputs; call it from the GUI timer. Returns what will be sent, if anything."""
        now = time.monotonic() if now is None else now
        pad = None
        if self._gamepad is not None:
            self._gamepad.poll()
            pad = self._gamepad.sample()
        self._choose(pad)
        keys = self.keyboard.sample(now)
        if self._source == "keyboard":
            steer, throttle = keys
        elif self._source == "gamepad" and pad is not None:
            steer, throttle = pad
        else:
            self._held = False
            self._drop()
            return None
        # A key that is up does not count while its throttle still runs down.
        down = self._source == "gamepad" or bool(self.keyboard.held & {"up", "down"})
        self._held = down and abs(throttle) > NEUTRAL
        sample = Sample(steer, throttle, now, self._source)
        return self._put(sample)

    def _choose(self, pad: tuple[float, float] | None) -> None:
        """Touching an input makes it the one that drives; a vanished one stops driving.

        Before any is touched, a keyboard that has the focus counts: its keys are known to be up.
        But it does not take over from a gamepad that vanished: that must not look like letting go.
        """
        if self._source == "gamepad" and pad is None:
            self._source = ""
            self._pad_gone = True
        if pad is None:
            self._pad_rest = None
        elif self._pad_rest is None:
            self._pad_rest = pad
        elif max(abs(pad[0] - self._pad_rest[0]), abs(pad[1] - self._pad_rest[1])) > TOUCH:
            self._pad_rest = pad
            self._source = "gamepad"
            self._pad_gone = False
        presses = self.keyboard.presses
        if presses != self._presses:
            self._presses = presses
            if self._active:
                self._source = "keyboard"
                self._pad_gone = False
        elif self._active and not self._source and not self._pad_gone:
            self._source = "keyboard"

    def _put(self, sample: Sample) -> Sample:
        with self._lock:
            if self._need_neutral and not self._stopped and abs(sample.throttle) <= NEUTRAL:
                self._need_neutral = False
            if self._stopped or self._need_neutral:
                sample = Sample(0.0, 0.0, sample.time, sample.source)
            self._newest = sample
            return sample

    def _drop(self) -> None:
        """Nothing alive to read: forget the newest sample."""
        with self._lock:
            self._newest = None

    def due(self, now: float) -> Sample | None:
        """The sample to send at ``now``, or None when nothing may be sent."""
        with self._lock:
            sample = self._newest
            if not self._epoch or sample is None or now - sample.time > SAMPLE_LIMIT:
                return None
            return sample

    def current(self, now: float) -> tuple[float, float, bool]:
        """``(steer, throttle, sending)`` for the display."""
        with self._lock:
            sample = self._newest
            sending = now - self._sent_at <= SAMPLE_LIMIT
            if sample is None or now - sample.time > SAMPLE_LIMIT:
                return 0.0, 0.0, sending
            return sample.steer, sample.throttle, sending

    def wants(self, now: float) -> bool:
        """A person is driving, whether or not commands get through."""
        return self.due(now) is not None

    def start(self) -> None:
        """Start the sending thread; starting twice changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rcapp-drive", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop and join the sending thread."""
        self._quit.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        next_at = time.monotonic()
        while not self._quit.wait(max(0.0, next_at - time.monotonic())):
            now = time.monotonic()
            # A schedule that fell behind (laptop asleep) is not made up for.
            next_at = max(next_at + SEND_PERIOD, now)
            self.send_due(now)

    def send_due(self, now: float) -> bool:
        """Send what is due at ``now``; True when a command was given to the car."""
        sample = self.due(now)
        if sample is None or self._send is None:
            return False
        self._seq += 1
        epoch = self.epoch
        if not self._send(self._seq, sample.steer, sample.throttle, sample.time, epoch):
            return False
        with self._lock:
            self._sent += 1
            self._sent_at = now
        return True
