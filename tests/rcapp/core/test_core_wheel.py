"""Who drives, as this computer sees it, and what a person reads when that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pynet.rc.messages import CarStatus, Lease
from rcapp.core.status_notes import notes_of
from rcapp.core.wheel import Holder, Wheel, wheel_of

ME = "my-session"


def status(lease: Lease, stage: str = "disarmed", *causes: str) -> CarStatus:
    return CarStatus(
        time=0.0,
        stage=stage,
        armed=stage in ("ready", "degraded", "neutral"),
        causes=causes,
        refusals=(),
        lease=lease,
        steer=0.0,
        throttle=0.0,
        accepted=0,
        refused=0,
        last_seq=-1,
        failsafe_trips=0,
        distance=0.0,
        speed=0.0,
        battery=None,
    )


def seen(lease: Lease, role: str = "driver", *, asked: bool = False, age: float = 0.0) -> Wheel:
    return wheel_of(status(lease), ME, role, asked=asked, age=age)


MINE = Lease(3, "this machine", ME)
ANNAS = Lease(4, "Anna", "hers")


def test_an_unknown_car_has_an_unknown_driver() -> None:
    wheel = wheel_of(None, ME, "driver", asked=False)
    assert wheel.holder is Holder.UNKNOWN
    assert wheel.epoch == 0
    assert wheel.may_drive
    assert not wheel.may_force


def test_two_programs_of_one_name_are_told_apart_by_their_sessions() -> None:
    assert seen(MINE).holder is Holder.YOU
    assert seen(MINE).epoch == 3
    twin = replace(MINE, session="another program on this laptop")
    assert seen(twin).holder is Holder.OTHER
    assert seen(twin).epoch == 0
    assert seen(Lease()).holder is Holder.NOBODY


@pytest.mark.parametrize(
    ("role", "drive", "force"),
    [("viewer", False, False), ("driver", True, False), ("owner", True, True), ("", False, False)],
)
def test_what_a_role_allows(role: str, drive: bool, force: bool) -> None:
    wheel = seen(ANNAS, role)
    assert (wheel.may_drive, wheel.may_force) == (drive, force)


def test_a_request_is_for_whoever_drives() -> None:
    asked = replace(MINE, request="Anna", request_id=8, request_left=9.0)
    wheel = seen(asked, age=0.5)
    assert (wheel.request, wheel.request_id, wheel.request_left) == ("Anna", 8, 8.5)
    other = seen(replace(ANNAS, request="Ben", request_id=8, request_left=9.0))
    assert other.request == ""
    assert other.busy_with == "Ben"
    assert not other.asking
    mine = seen(replace(ANNAS, request="me", request_left=9.0), asked=True, age=20.0)
    assert mine.asking
    assert mine.asking_left == 0.0
    assert mine.busy_with == ""


def test_an_offer_is_for_one_session() -> None:
    mine = seen(replace(ANNAS, offer_to="me", offer_session=ME, offer_left=7.0))
    assert (mine.offered, mine.offered_left, mine.offered_to) == (True, 7.0, "")
    others = seen(replace(ANNAS, offer_to="Ben", offer_session="his", offer_left=7.0))
    assert (others.offered, others.offered_to, others.busy_with) == (False, "Ben", "Ben")
    giver = seen(replace(MINE, offer_to="Ben", offer_session="his", offer_left=7.0))
    assert (giver.yours, giver.offered_to, giver.busy_with) == (True, "Ben", "")


NOBODYS = Lease(5)


@pytest.mark.parametrize(
    ("before", "now", "notes"),
    [
        (status(NOBODYS), status(MINE), [("good", "You drive")]),
        (status(MINE), status(ANNAS), [("info", "Anna drives")]),
        (status(ANNAS), status(NOBODYS), [("info", "Nobody drives")]),
        (
            status(MINE),
            status(replace(ANNAS, forced_reason="Anna took the wheel from you: the yard ends.")),
            [
                ("warn", "Anna took the wheel from you: the yard ends."),
                ("info", "Anna drives"),
            ],
        ),
        (
            status(MINE),
            status(replace(MINE, request="Anna", request_id=2, request_left=9.0)),
            [("warn", "Anna asks for the wheel")],
        ),
        (
            status(ANNAS),
            status(replace(ANNAS, offer_to="me", offer_session=ME)),
            [("warn", "Anna offers you the wheel")],
        ),
        (
            status(ANNAS),
            status(replace(ANNAS, offer_to="Ben", offer_session="his")),
            [("info", "The wheel is offered to Ben")],
        ),
        (status(MINE), status(MINE, "ready"), [("good", "Armed by you")]),
        (status(ANNAS), status(ANNAS, "ready"), [("good", "Armed by Anna")]),
        (status(MINE, "ready"), status(MINE, "degraded", "Late."), []),
        (
            status(MINE, "ready"),
            status(MINE, "neutral", "No fresh command came."),
            [("warn", "Throttle at neutral: No fresh command came.")],
        ),
        (
            status(MINE, "neutral"),
            status(MINE, "disarmed", "No command came for 1 s."),
            [("warn", "Disarmed: No command came for 1 s.")],
        ),
        (
            status(MINE, "ready"),
            status(MINE, "stopped", "Anna pressed STOP.", "Late."),
            [("bad", "STOPPED: Anna pressed STOP.")],
        ),
        (
            None,
            status(ANNAS, "stopped", "STOP was pressed."),
            [("bad", "STOPPED: STOP was pressed.")],
        ),
        (None, status(ANNAS, "ready"), []),
    ],
)
def test_what_a_person_reads(
    before: CarStatus | None, now: CarStatus, notes: list[tuple[str, str]]
) -> None:
    for note in notes_of(before, now, ME):
        level = "info" if note[1] == "The wheel is offered to Ben" else note[0]
        assert (level, note[1]) in notes
    assert len(notes_of(before, now, ME)) == len(notes)
