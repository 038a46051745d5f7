"""What a person should read when a car's status differs from the one before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcapp.core.events import Level

if TYPE_CHECKING:
    from pynet.rc.messages import CarStatus, Lease

Note = tuple[Level, str]


def notes_of(before: CarStatus | None, now: CarStatus, session: str) -> list[Note]:
    """The changes from ``before``, the most important last.

    Args:
        before: the status before it, or None for the first of a connection.
        now: the newest status.
        session: id of our Controller, to tell "you" from others.
    """
    notes: list[Note] = []
    if before is None:
        if now.stage == "stopped":
            notes.append(("bad", _because("STOPPED", now)))
        return notes
    notes += _lease_notes(before.lease, now.lease, session)
    if now.stage != before.stage:
        notes += _stage_notes(before, now, session)
    return notes


def _lease_notes(before: Lease, now: Lease, session: str) -> list[Note]:
    notes: list[Note] = []
    ours = now.session == session
    if now.epoch != before.epoch or now.driver != before.driver:
        if now.forced_reason and now.forced_reason != before.forced_reason:
            notes.append(("warn", now.forced_reason))
        if not now.driver:
            notes.append(("info", "Nobody drives"))
        else:
            notes.append(("good", "You drive") if ours else ("info", f"{now.driver} drives"))
    if now.request and now.request_id != before.request_id and ours:
        notes.append(("warn", f"{now.request} asks for the wheel"))
    if now.offer_to and now.offer_to != before.offer_to:
        mine = now.offer_session == session
        offered = f"{now.driver or 'The driver'} offers you the wheel"
        notes.append(("warn", offered if mine else f"The wheel is offered to {now.offer_to}"))
    return notes


def _stage_notes(before: CarStatus, now: CarStatus, session: str) -> list[Note]:
    if now.stage == "stopped":
        return [("bad", _because("STOPPED", now))]
    if now.stage == "disarmed":
        return [("warn", _because("Disarmed", now))]
    if now.stage == "neutral":
        return [("warn", _because("Throttle at neutral", now))]
    if now.armed and not before.armed:
        who = "you" if now.lease.session == session else now.driver or "somebody"
        return [("good", f"Armed by {who}")]
    # Late commands come and go on any radio: the black box keeps them, a person need not.
    return []


def _because(what: str, status: CarStatus) -> str:
    return f"{what}: {status.reason}" if status.reason else what
