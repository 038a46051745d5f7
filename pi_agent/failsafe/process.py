"""The process that owns the motors: no camera, no files, no network, few imports.

It reads orders from its standard input, writes news to its standard output, and looks at the
clock every 10 ms while the car is armed. When the agent ends, however it ends, the motors are
neutral; a process with real pins then stays and holds them so, until a new agent asks for them.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable

from pi_agent.failsafe import frames, rules
from pi_agent.failsafe.machine import NEVER, Failsafe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pi_agent.failsafe.claim import Claim
    from pi_agent.hardware.protocols import Drivetrain


TICK = 0.01
"""Seconds between two looks at the clock while the car is armed."""
REST = 0.05
"""Seconds between two looks, and between two reports, while it is not."""
REAL_TIME = 10
"""Above ordinary real-time work, below the kernel's own threads (50)."""
NICE = -10
FAILED, TAKEN = 2, 3
"""Exit statuses: the motors cannot be opened, somebody else has them."""


class Reported:
    """Motors that are the report itself: the simulated car lives in the agent."""

    def drive(self, steer: float, throttle: float) -> None:
        """Nothing more to do."""

    def neutral(self, steer: float = 0.0) -> None:
        """Nothing more to do."""

    def power(self, on: bool) -> None:
        """There is no enable line."""

    def close(self) -> None:
        """Nothing is held."""


class Server:
    """Follows orders from one pipe and reports into another.

    Args:
        failsafe: decides.
        motors: obey.
        orders, news: descriptors.
        parent: a descriptor that becomes readable when the agent ends, or None.
        claim: the right to these motors; with one, it is kept after the agent's end.
        on_orphan: called once when the agent has ended.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        failsafe: Failsafe,
        motors: Drivetrain,
        orders: int,
        news: int,
        parent: int | None = None,
        claim: Claim | None = None,
        on_orphan: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failsafe = failsafe
        self._motors = motors
        self._orders = orders
        self._news = news
        self._parent = parent
        self._claim = claim
        self._on_orphan = on_orphan
        self._clock = clock
        self._reader = frames.OrderReader()
        self._orphan = False
        self._ended = False
        self._answered = self._answer = 0
        self._given: tuple[float, float, bool] | None = None
        self._powered: bool | None = None
        self._written_at = self._neutral_written = 0.0
        self._moved = False
        self._failed = False
        self._said: tuple[float, ...] = ()
        self._said_at = NEVER

    def end(self) -> None:
        """Ends :meth:`run` soon; for a signal handler."""
        self._ended = True

    def run(self) -> None:
        """Until told to quit, or until the agent ended and nobody needs the motors held."""
        self._apply()
        self._report()
        while not self._ended:
            ready = self._wait()
            if self._orders in ready:
                self._read()
            if self._parent in ready:
                self._lose_agent()
            if self._claim is not None and self._claim.fileno() in ready:
                self._ended |= self._claim.answer(free=self._orphan)
            self._failsafe.tick(self._clock())
            self._apply()
            self._report()
            if self._orphan and self._claim is None:
                break
        self._failsafe.disarm(rules.DISARM, self._clock())
        self._apply()
        self._report()

    def _wait(self) -> list[int]:
        watched = [] if self._orphan else [self._orders]
        if self._parent is not None and not self._orphan:
            watched.append(self._parent)
        if self._claim is not None:
            watched.append(self._claim.fileno())
        now = self._clock()
        pause = TICK if self._failsafe.armed or self._failed else REST
        pause = min(pause, max(0.0, self._failsafe.deadline(now) - now))
        return select.select(watched, (), (), pause)[0]

    def _read(self) -> None:
        try:
            data = os.read(self._orders, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose_agent()
            return
        before = self._reader.garbage
        for order in self._reader.feed(data):
            self._obey(order)
        if self._reader.garbage > before:
            self._failsafe.disarm(rules.GARBAGE, self._clock())

    def _obey(self, order: frames.Order) -> None:
        failsafe, now, epoch = self._failsafe, self._clock(), order.command.epoch
        if order.kind == frames.COMMAND:
            failsafe.command(order.command, now)
            return
        bits = 0
        if order.kind == frames.EPOCH:
            failsafe.set_epoch(epoch, now)
        elif order.kind == frames.ARM:
            bits = failsafe.arm(epoch, now)
        elif order.kind == frames.DISARM:
            failsafe.disarm(rules.DISARM, now)
        elif order.kind == frames.STOP:
            failsafe.stop(now)
        elif order.kind == frames.GONE:
            failsafe.gone(epoch, now)
        else:
            self._ended = True
        # The motors first: an answer says that it is done.
        self._apply()
        self._answered, self._answer = order.number, bits
        self._report()

    def _lose_agent(self) -> None:
        if not self._orphan:
            self._orphan = True
            self._failsafe.disarm(rules.AGENT, self._clock())
            self._apply()
            self._on_orphan()

    def _apply(self) -> None:
        """Writes the motors if something has changed, or if they did not obey before."""
        steer, throttle, live = wanted = self._failsafe.output()
        power = self._failsafe.power(self._clock())
        if wanted == self._given and power == self._powered:
            return
        try:
            if power:
                self._motors.power(True)
            if live:
                self._motors.drive(steer, throttle)
            else:
                self._motors.neutral(steer)
            if not power:
                self._motors.power(False)
        except Exception as error:
            self._given = None
            self._failsafe.motors(False, self._clock())
            if not self._failed:
                self._say(frames.pack_trouble(f"The motors do not obey: {error}"))
            self._failed = True
            return
        self._given, self._powered = wanted, power
        self._written_at = self._clock()
        if self._moved and not throttle:
            self._neutral_written = self._written_at
        self._moved = bool(throttle)
        if self._failed:
            self._failed = False
            self._failsafe.motors(True, self._written_at)

    def _report(self) -> None:
        failsafe, now = self._failsafe, self._clock()
        while failsafe.changes and self._say(frames.pack_change(failsafe.changes[0])):
            failsafe.changes.popleft()
        steer, throttle, live = self._given or (0.0, 0.0, False)
        flags = frames.LIVE * live | frames.ARMED * failsafe.armed
        flags |= frames.POWER * bool(self._powered)
        refusals = 0 if failsafe.armed else failsafe.refusals(now)
        said: tuple[float, ...] = (
            failsafe.causes,
            refusals,
            self._answered,
            failsafe.epoch,
            steer,
            throttle,
            flags,
            failsafe.accepted,
            failsafe.refused,
        )
        if said == self._said and now - self._said_at < REST:
            return
        state = frames.State(
            time=now,
            stage=failsafe.stage,
            flags=flags,
            causes=failsafe.causes,
            refusals=refusals,
            answered=self._answered,
            answer=self._answer,
            epoch=failsafe.epoch,
            lost_epoch=failsafe.lost_epoch,
            steer=steer,
            throttle=throttle,
            accepted=failsafe.accepted,
            refused=failsafe.refused,
            last_seq=failsafe.last_seq,
            trips=failsafe.trips,
            pilot=failsafe.pilot,
            accepted_at=max(failsafe.accepted_at, 0.0),
            written_at=self._written_at,
            neutral_written=self._neutral_written,
        )
        if self._say(state.pack()):
            self._said, self._said_at = said, now

    def _say(self, frame: bytes) -> bool:
        """Writes one frame; an agent that does not read misses it and gets a newer one."""
        try:
            os.write(self._news, frame)
        except OSError:
            return False
        return True


def main(arguments: list[str] | None = None) -> int:
    """Runs the process: kind, timeout, the agent's process id, claim, configuration."""
    kind, timeout, agent, claimed, text = sys.argv[1:] if arguments is None else arguments
    _hurry()
    failsafe = Failsafe(float(timeout))
    claim: Claim | None = None
    motors: Drivetrain = Reported()
    try:
        if claimed:
            from pi_agent.failsafe.claim import Claim

            claim = Claim.of(claimed)
        if kind == "hbridge":
            from pi_agent.hardware.hbridge import HBridge

            motors = HBridge.from_text(text)
    except Exception as error:
        os.write(1, frames.pack_trouble(str(error)))
        return FAILED
    parent = _watch(int(agent))
    orders = _orders()
    _set_nonblocking(1)
    server = Server(failsafe, motors, orders, 1, parent, claim, _forget_agent)
    for name in ("SIGINT", "SIGHUP"):
        # Ctrl+C and a closed terminal are for the agent, which then ends this process in order.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: server.end())
    try:
        server.run()
    finally:
        motors.close()
        if claim is not None:
            claim.close()
    return 0


def _hurry() -> None:
    """Before everything else on this machine, if it may; it hardly ever has anything to do."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME))
    except (AttributeError, OSError):
        try:
            os.nice(NICE)
        except (AttributeError, OSError):
            return


def _watch(agent: int) -> int | None:
    """A descriptor that becomes readable when the agent ends, where the system has such.

    The end of the orders says the same, unless another child of the agent has inherited
    their other end.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(agent)
    except OSError:
        return None


def _forget_agent() -> None:
    """Lets go of the agent's terminal or log: whoever reads it must see its end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _set_nonblocking(descriptor: int) -> None:
    try:
        os.set_blocking(descriptor, False)
    except (AttributeError, OSError):  # Windows before Python 3.12
        return


def _orders() -> int:
    """Standard input as something that can be waited for with a limit."""
    if os.name != "nt":
        _set_nonblocking(0)
        return 0
    from pi_agent.failsafe.relay import relay

    return relay(0)


if __name__ == "__main__":
    sys.exit(main())
