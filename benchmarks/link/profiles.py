"""What a link does to packets, as values; and the links that everything is measured over."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WAYS = ("up", "down")


@dataclass(frozen=True)
class Burst:
    """Loss that comes in bursts: good and bad times follow each other by chance.

    Both last exponentially distributed times.

    Attributes:
        every: ms from one bad time to the next, on average.
        length: ms that a bad time lasts, on average; less than `every`.
        inside: % of the packets that are lost in a bad time.
    """

    every: float
    length: float
    inside: float

    def __post_init__(self) -> None:
        _check("burst length", self.length, above=0.0)
        if not self.every > self.length:
            raise ValueError(f"bursts of {self.length:g} ms do not fit into {self.every:g} ms")
        _check("loss inside bursts", self.inside, at_most=100.0)

    @property
    def loss(self) -> float:
        """What they amount to in the long run, in %."""
        return self.length / self.every * self.inside


@dataclass(frozen=True)
class Outage:
    """A time in which nothing passes.

    Attributes:
        at: seconds after the start of the link's clock.
        length: seconds.
    """

    at: float
    length: float

    def __post_init__(self) -> None:
        _check("start of an outage", self.at)
        _check("length of an outage", self.length)


@dataclass(frozen=True)
class Way:
    """One direction of a link.

    Attributes:
        delay: ms from the air to the other end, on average.
        jitter: the delay is even between `delay` - `jitter` and `delay` + `jitter` ms; packets
            keep their order.
        loss: % of the packets that are lost, each by itself.
        burst: further loss, in bursts.
        rate: Mbit/s of IP packets; 0 for no limit.
        queue: ms that a packet can wait for the air; one that had to wait longer is dropped.
        outages: when nothing passes.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    burst: Burst | None = None
    rate: float = 0.0
    queue: float = 100.0
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        for name in ("delay", "jitter", "rate", "queue"):
            _check(name, getattr(self, name))
        _check("loss", self.loss, at_most=100.0)
        if self.jitter > self.delay:
            raise ValueError(f"jitter {self.jitter:g} ms is more than the delay {self.delay:g} ms")

    @property
    def total_loss(self) -> float:
        """% of the packets that are lost on the air in the long run, without outages."""
        bursts = self.burst.loss if self.burst else 0.0
        return 100.0 - (100.0 - self.loss) * (100.0 - bursts) / 100.0

    def settings(self) -> str:
        """Return it as the forwarder reads it."""
        burst = self.burst
        states = (burst.every - burst.length, burst.length, burst.inside) if burst else (0, 0, 0)
        numbers = [self.delay, self.jitter, self.loss, *states, self.rate, self.queue]
        for outage in self.outages:
            numbers += [outage.at, outage.length]
        return ",".join(f"{number:.9g}" for number in numbers)


@dataclass(frozen=True)
class Profile:
    """A link, both ways.

    Attributes:
        name: what it is called on the command line.
        about: what it stands for.
        up: from the laptop to the car.
        down: from the car to the laptop.
    """

    name: str
    about: str
    up: Way
    down: Way

    def changed(self, **changes: Any) -> Profile:
        """Return one that differs.

        Args:
            changes: attributes of :class:`Way` for both directions; with ``up_`` or ``down_`` in
                front, for that one.

        Raises:
            ValueError: there is no such attribute, or the value cannot be.
        """
        ways = {name: getattr(self, name) for name in WAYS}
        known = {field.name for field in dataclasses.fields(Way)}
        # What is said of one direction holds, whatever is said of both.
        for key in sorted(changes, key=lambda key: key.startswith(("up_", "down_"))):
            first, _, rest = key.partition("_")
            targets, name = ((first,), rest) if first in WAYS else (WAYS, key)
            if name not in known:
                raise ValueError(f"a link has no {key!r}; it has {', '.join(sorted(known))}")
            for way in targets:
                ways[way] = dataclasses.replace(ways[way], **{name: changes[key]})
        return dataclasses.replace(self, **ways)


def _check(name: str, value: float, *, above: float | None = None, at_most: float = 1e9) -> None:
    good = math.isfinite(value) and 0 <= value <= at_most and (above is None or value > above)
    if not good:
        raise ValueError(f"{name} {value:g} cannot be")


def _alike(name: str, about: str, way: Way) -> Profile:
    return Profile(name, about, way, way)


_WIFI_GOOD = Way(delay=2.0, jitter=1.0, loss=0.1, rate=60.0, queue=100.0)

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        _alike("lan", "a cable", Way(delay=0.5, rate=1000.0, queue=20.0)),
        _alike("wifi-good", "Wi-Fi in the same room", _WIFI_GOOD),
        _alike(
            "wifi-bad",
            "Wi-Fi two walls away",
            Way(5.0, 2.5, 1.5, Burst(600.0, 15.0, 60.0), rate=12.0, queue=200.0),
        ),
        _alike(
            "wifi-edge",
            "Wi-Fi where it ends",
            Way(15.0, 5.0, 2.0, Burst(375.0, 30.0, 75.0), rate=4.0, queue=300.0),
        ),
        _alike("longfat", "far away, and fast", Way(40.0, 0.0, 0.5, rate=200.0, queue=100.0)),
        _alike(
            "outage",
            "wifi-good, away from 5 s to 8 s",
            dataclasses.replace(_WIFI_GOOD, outages=(Outage(5.0, 3.0),)),
        ),
    )
}
