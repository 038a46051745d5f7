"""A transfer to the car, or from it, with a time of driving in its middle."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.files.contenders import Contender, Used
from benchmarks.files.contenders.pynet import controller, gateway, shared, told, warm
from benchmarks.files.ends import Ends
from benchmarks.files.meter import Meter
from benchmarks.files.room import target_in
from benchmarks.files.sets import Work
from benchmarks.harness import Peer
from benchmarks.link import Link
from benchmarks.link.link import DEVICE
from benchmarks.links.ages import Run
from benchmarks.links.contenders import PYNET_8
from benchmarks.links.course import HZ, PATIENCE, drain, ends
from benchmarks.links.course import disturbed as disturbed_run

LANES = 8
DRAIN = 2.0
START_UP = 2.0
"""Seconds of a transfer before its rate counts as its own."""


@dataclass(frozen=True)
class Times:
    """Seconds of a transfer.

    Attributes:
        before: alone.
        driving: while commands are sent.
        after: alone again.
    """

    before: float = 5.0
    driving: float = 15.0
    after: float = 8.0

    @property
    def all(self) -> float:
        """Of the whole, and some more."""
        return self.before + self.driving + self.after + PATIENCE


@dataclass
class Cockpit:
    """A car and a laptop: pynet's feed of commands, and nothing else.

    Attributes:
        car, laptop: the processes that take and send commands.
        sink: one of them: it is where files go to.
    """

    car: Peer
    laptop: Peer
    sink: Peer

    def begin(self) -> None:
        """Begin to transfer."""

    def take_the_wheel(self) -> None:
        """Be ready to send commands."""

    def park(self) -> None:
        """Drive no more."""

    def end(self) -> None:
        """End the transfer, whole or not."""


@dataclass
class Beside(Cockpit):
    """Somebody else transfers in other processes, and takes no notice of who drives."""

    transfer: Callable[[], Used]
    thread: ThreadPoolExecutor

    def begin(self) -> None:
        """It ends by itself, when all that is to be seen was seen."""
        self._transferring = self.thread.submit(self.transfer)

    def end(self) -> None:
        """Wait until it was stopped."""
        if not self._transferring.result().stopped:
            raise RuntimeError("the transfer ended before all was seen")


@dataclass
class Own(Cockpit):
    """One Controller that transfers and drives."""

    order: str

    def begin(self) -> None:
        """Order it."""
        told(self.laptop.ask(self.order, PATIENCE))

    def take_the_wheel(self) -> None:
        """Open the feed beside the transfer; what drives comes first from now on."""
        told(self.laptop.ask(f"feed {LANES}", PATIENCE))
        told(self.laptop.ask("first", PATIENCE))

    def park(self) -> None:
        """Close the feed."""
        told(self.laptop.ask("park", PATIENCE))

    def end(self) -> None:
        """Cancel what is left."""
        state = told(self.laptop.ask("progress", PATIENCE))["state"]
        told(self.laptop.ask("cancel", PATIENCE))
        if state not in ("running", "paused"):
            raise RuntimeError(f"the transfer was {state} before all was seen")


@dataclass(frozen=True)
class Driving:
    """One way to transfer files while somebody drives.

    Attributes:
        name: what it is called in figures and after ``--only``.
        cockpit: makes it ready: link, room, what is carried, the times.
        why_not: why it cannot take part here.
    """

    name: str
    cockpit: Any
    why_not: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one drive.

    Attributes:
        run: the commands.
        before, driving: bytes a second that came in at the sink of the transfer.
        full_after: seconds after driving until the rate of before was reached again.
        disturbed: the machine had too much else to do.
    """

    run: Run
    before: float
    driving: float
    full_after: float
    disturbed: bool


@contextlib.contextmanager
def nobody(link: Link, *_: object) -> Iterator[Cockpit]:
    """Nothing is transferred."""
    with ends(link, PYNET_8) as (car, laptop):
        yield Cockpit(car, laptop, car)


@contextlib.contextmanager
def beside(
    link: Link, room: Path, work: Work, times: Times, *, contender: Contender
) -> Iterator[Cockpit]:
    """Let a contender carry to the car."""
    places = Ends(room, link, source="laptop", sink="car")
    with (
        ends(link, PYNET_8) as (car, laptop),
        contender.opener(places) as carry,
        target_in(room) as target,
        ThreadPoolExecutor(1, "bench-bulk") as thread,
    ):
        # It is killed when nothing more is to be seen.
        seconds = times.before + times.driving + times.after
        words = (work.source, target, seconds)
        yield Beside(car, laptop, car, partial(carry, *words), thread)


@contextlib.contextmanager
def own(link: Link, room: Path, work: Work, _: Times, *, way: str) -> Iterator[Cockpit]:
    """Let pynet transfer with the Controller that drives, to the car or from it."""
    places = Ends(room, link)
    with (
        target_in(room) as target,
        gateway(places, "car", tls=True, drive=True) as car,
        controller(places, "laptop", f"{places.host('car')}:{car.facts['port']}", tls=True)
        as laptop,
    ):  # fmt: skip
        # By now all the processes of the transfer are there, which must not come first.
        warm(laptop, places, LANES)
        car.ask("first", PATIENCE)
        if way == "put":
            order, sink = f"begin put {work.source}/ {shared(places, target)} 0", car
        else:
            order, sink = f"begin get {shared(places, work.source)} {target} 0", laptop
        yield Own(car, laptop, sink, order)


def by(contender: Contender) -> Driving:
    """Return the way of somebody else."""
    return Driving(contender.name, partial(beside, contender=contender), contender.why_not())


NOBODY = Driving("nobody", nobody)
PUT = Driving("pynet-put", partial(own, way="put"))
GET = Driving("pynet-get", partial(own, way="get"))


def drive(link: Link, room: Path, work: Work, driving: Driving, times: Times) -> Outcome:
    """Transfer, drive meanwhile, and transfer on."""
    opened: AbstractContextManager[Cockpit] = driving.cockpit(link, room, work, times)
    with opened as cockpit, Meter(DEVICE, cockpit.sink.pid) as meter:
        begin = time.monotonic()
        cockpit.begin()
        time.sleep(times.before)
        alone = time.monotonic()
        cockpit.take_the_wheel()
        link.restart_clock()
        start = time.monotonic()
        count = round(times.driving * HZ)
        sent = told(cockpit.laptop.ask(f"go {count} {HZ} 0", times.driving + PATIENCE))
        parked = time.monotonic()
        statistics = link.statistics
        cockpit.park()
        time.sleep(times.after)
        end = time.monotonic()
        drain(cockpit.car, len(sent["sent"]), DRAIN)
        taken = cockpit.car.ask("taken")
        cockpit.end()
    before = meter.rate(begin + START_UP, alone)
    length = 1e3 * times.driving
    run = Run.of_log(sent["start"], length, sent["sent"], taken, (sent["cpu"], 0.0))
    log = {"link": statistics.as_json(), "sent": sent["sent"], "start": sent["start"]}
    return Outcome(
        run,
        before,
        meter.rate(start, parked),
        meter.seconds_until(before, parked, end),
        disturbed_run(log),
    )
