"""The list of cars: what announces itself, what was used before, and how each stands. Pure.

Times are wall clock seconds, because they are kept from one run to the next.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from rcapp.core.sentences import DEFAULT_PORT

MOST_REMEMBERED = 12
"""Cars remembered."""

SHORTEST_PREFIX = 7
"""Letters of an id that tell two cars apart; fewer prove nothing."""


class Reach(enum.Enum):
    """Whether a car answers."""

    UNKNOWN = "unknown"
    ASKING = "asking"
    HERE = "here"
    SILENT = "silent"
    STRANGE = "strange"


class Bond(enum.Enum):
    """Whether a car and this computer know each other."""

    UNKNOWN = "unknown"
    PAIRED = "paired"
    UNPAIRED = "unpaired"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class KnownCar:
    """A car that was used before, as the settings keep it.

    Attributes:
        address: ``host:port`` it was reached at last.
        name: what it calls itself; empty when it was never reached.
        id: its device id; empty when it is not known, or over plain TCP.
        role: what this computer may do there, or empty.
        seen: when it was heard last, wall clock seconds; 0 for never.
    """

    address: str
    name: str = ""
    id: str = ""
    role: str = ""
    seen: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a car how it stands.

    Attributes:
        reach, bond: see there.
        role: what we may do there, or empty.
        name: what it calls itself, or empty.
        at: when it was asked, wall clock seconds.
    """

    reach: Reach
    bond: Bond = Bond.UNKNOWN
    role: str = ""
    name: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class CarEntry:
    """One line of the list.

    Attributes:
        name, address: for people; the address is ``host:port``.
        id: device id, or as much of it as is announced.
        found: it announces itself in this network now.
        remembered: it was used before.
        reach, bond: see there.
        role: what we may do there, or empty.
        seen: when it was heard last, wall clock seconds; 0 for never.
    """

    name: str
    address: str
    id: str = ""
    found: bool = False
    remembered: bool = False
    reach: Reach = Reach.UNKNOWN
    bond: Bond = Bond.UNKNOWN
    role: str = ""
    seen: float = 0.0

    @property
    def needs_pairing(self) -> bool:
        """It must be paired before it can be used."""
        return self.bond in (Bond.UNPAIRED, Bond.CHANGED)


class Announced(Protocol):
    """What is used of :class:`pynet.discovery.Found`."""

    @property
    def name(self) -> str:
        """What the car calls itself."""

    @property
    def host(self) -> str:
        """Name or number of its computer."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def id_prefix(self) -> str:
        """The begin of its device id."""


def address_of(host: str, port: int = DEFAULT_PORT) -> str:
    """``host:port``, with brackets around an IPv6 number."""
    host = host.rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def same_id(one: str, other: str) -> bool:
    """Two device ids, or begins of them, may be of one machine."""
    a, b = (text.upper().replace("-", "") for text in (one, other))
    short = min(len(a), len(b))
    return short >= SHORTEST_PREFIX and a[:short] == b[:short]


def remember(cars: Iterable[KnownCar], car: KnownCar) -> tuple[KnownCar, ...]:
    """``cars`` with ``car`` in front; what it does not say is kept from before."""
    others = []
    for old in cars:
        if old.address != car.address and not same_id(old.id, car.id):
            others.append(old)
        elif not (old.id and car.id) or same_id(old.id, car.id):
            car = replace(
                car,
                name=car.name or old.name,
                id=car.id or old.id,
                role=car.role or old.role,
                seen=max(car.seen, old.seen),
            )
    return (car, *others)[:MOST_REMEMBERED]


def forget(cars: Iterable[KnownCar], address: str) -> tuple[KnownCar, ...]:
    """``cars`` without the one at ``address``."""
    return tuple(car for car in cars if car.address != address)


def list_cars(
    found: Iterable[Announced],
    known: Iterable[KnownCar],
    paired_ids: Iterable[str],
    answers: Mapping[str, Answer],
    now: float,
) -> tuple[CarEntry, ...]:
    """The lines of the list: cars in this network first, then the others, latest first.

    Args:
        found: what announces itself now.
        known: cars used before, newest first.
        paired_ids: device ids of the machines that this computer knows.
        answers: what came of asking, by address.
        now: wall clock seconds.
    """
    paired = tuple(paired_ids)
    left = list(known)
    entries = []
    for one in found:
        address = address_of(one.host, one.port)
        old = _take(left, one.id_prefix, address)
        entry = CarEntry(
            name=one.name or address,
            address=address,
            id=(old.id if old else "") or one.id_prefix,
            found=True,
            remembered=old is not None,
            reach=Reach.HERE,
            bond=_bond(one.id_prefix, paired),
            role=old.role if old else "",
            seen=now,
        )
        entries.append(_answered(entry, answers.get(address)))
    entries.sort(key=lambda entry: entry.name.lower())
    for car in left:
        entry = CarEntry(
            name=car.name or car.address,
            address=car.address,
            id=car.id,
            remembered=True,
            bond=_bond(car.id, paired),
            role=car.role,
            seen=car.seen,
        )
        entries.append(_answered(entry, answers.get(car.address)))
    return tuple(entries)


def _take(known: list[KnownCar], id_prefix: str, address: str) -> KnownCar | None:
    """The remembered car that announces itself, out of the list."""
    for car in known:
        same = same_id(car.id, id_prefix) if car.id and id_prefix else car.address == address
        if same:
            known.remove(car)
            return car
    return None


def _bond(car_id: str, paired: tuple[str, ...]) -> Bond:
    if not car_id:
        return Bond.UNKNOWN
    return Bond.PAIRED if any(same_id(car_id, one) for one in paired) else Bond.UNPAIRED


def _answered(entry: CarEntry, answer: Answer | None) -> CarEntry:
    """An entry with what the car itself has said."""
    if answer is None:
        return entry
    heard = answer.reach in (Reach.HERE, Reach.STRANGE)
    # A car that announces itself is there, even if it was too busy to answer.
    reach = entry.reach if entry.found and answer.reach is Reach.SILENT else answer.reach
    return replace(
        entry,
        name=answer.name or entry.name,
        reach=reach,
        bond=entry.bond if answer.bond is Bond.UNKNOWN else answer.bond,
        role=answer.role or entry.role,
        seen=max(entry.seen, answer.at) if heard else entry.seen,
    )
