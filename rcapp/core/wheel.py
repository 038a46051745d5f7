"""Who drives, as this computer sees it: from the car's status and our own session. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynet.rc.messages import CarStatus

DRIVERS = ("driver", "owner")
"""Roles that may drive; any other may watch, and press STOP."""

OWNER = "owner"


class Holder(enum.Enum):
    """Who has the wheel."""

    UNKNOWN = "unknown"
    NOBODY = "nobody"
    YOU = "you"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Wheel:
    """Who drives, who asks to, and what this computer may do about it. Seconds count down.

    Attributes:
        holder: who has the wheel.
        driver: name of who has it, or empty.
        epoch: of our lease; 0 while we have none.
        request: name of who asks us for the wheel, or empty.
        request_id: what we answer the request with.
        request_left: seconds until that request lapses.
        asking: we have asked whoever drives.
        asking_left: seconds until our request lapses.
        offered: the wheel is offered to us.
        offered_left: seconds until that offer lapses.
        offered_to: name of whom we have offered the wheel to, or empty.
        busy_with: name of somebody else who asks or has an offer, so that we cannot ask now.
        forced_reason: why an owner took the wheel, or empty.
        may_drive: our role lets us drive.
        may_force: our role lets us take the wheel from somebody.
    """

    holder: Holder = Holder.UNKNOWN
    driver: str = ""
    epoch: int = 0
    request: str = ""
    request_id: int = 0
    request_left: float = 0.0
    asking: bool = False
    asking_left: float = 0.0
    offered: bool = False
    offered_left: float = 0.0
    offered_to: str = ""
    busy_with: str = ""
    forced_reason: str = ""
    may_drive: bool = False
    may_force: bool = False

    @property
    def yours(self) -> bool:
        """We drive."""
        return self.holder is Holder.YOU


NO_WHEEL = Wheel()
"""Of no car."""


def wheel_of(
    status: CarStatus | None, session: str, role: str, *, asked: bool, age: float = 0.0
) -> Wheel:
    """Who drives.

    Args:
        status: the newest of the car, or None while it is not known what the car does now.
        session: id of our Controller.
        role: what this computer may do at the car.
        asked: we have asked for the wheel, and nobody has answered yet.
        age: seconds since ``status`` was true, by which its countdowns have gone on.
    """
    may_drive, may_force = role in DRIVERS, role == OWNER
    if status is None:
        return Wheel(may_drive=may_drive, may_force=may_force)
    lease = status.lease
    if not lease.driver:
        holder = Holder.NOBODY
    else:
        holder = Holder.YOU if lease.session == session else Holder.OTHER
    ours = holder is Holder.YOU
    offered = bool(lease.offer_to) and lease.offer_session == session
    asking = asked and bool(lease.request) and not ours
    request_left = max(0.0, lease.request_left - age)
    offer_left = max(0.0, lease.offer_left - age)
    return Wheel(
        holder=holder,
        driver=lease.driver,
        epoch=lease.epoch if ours else 0,
        request=lease.request if ours else "",
        request_id=lease.request_id if ours else 0,
        request_left=request_left if ours else 0.0,
        asking=asking,
        asking_left=request_left if asking else 0.0,
        offered=offered,
        offered_left=offer_left if offered else 0.0,
        offered_to="" if offered else lease.offer_to,
        busy_with="" if asking or offered or ours else (lease.request or lease.offer_to),
        forced_reason=lease.forced_reason,
        may_drive=may_drive,
        may_force=may_force,
    )
