"""The state table holds, frame by frame, on both sides."""

from __future__ import annotations

import itertools

import pytest

from pynet.errors import LocalProtocolError, RemoteProtocolError
from pynet.testing import MemoryLink
from pynet.wire.connection import Connection
from pynet.wire.frames import HEADER, Kind
from pynet.wire.limits import Limits
from pynet.wire.states import ANY_TIME, LATE, OPENERS, TABLE, Side, State

C, G = Side.CONTROLLER, Side.GATEWAY

# The shortest way into each state, as (who sends, what).
WAYS: dict[State, list[tuple[Side, Kind]]] = {
    State.NEW: [],
    State.GREETED: [(C, Kind.HELLO)],
    State.READY: [(C, Kind.HELLO), (G, Kind.WELCOME)],
    State.CLOSED: [(C, Kind.HELLO), (G, Kind.REFUSE)],
}
for opener, opened in {
    Kind.CALL: State.CALLING,
    Kind.ASK: State.ASKING,
    Kind.OPEN_STREAM: State.STREAMING,
    Kind.OPEN_FEED: State.FEEDING,
    Kind.OPEN_TALK: State.TALKING,
}.items():
    WAYS[opened] = [*WAYS[State.READY], (C, opener)]
WAYS[State.FINISHING] = [*WAYS[State.FEEDING], (C, Kind.END)]

EVERYBODY = pytest.mark.parametrize(
    ("state", "sender"), list(itertools.product(State, Side)), ids=lambda case: case.name
)
GREETED = set(State) - {State.NEW, State.GREETED}


def label(case: object) -> str:
    return case.name if isinstance(case, (State, Side, Kind)) else str(case)


def in_state(state: State) -> MemoryLink:
    link = MemoryLink()
    for side, kind in WAYS[state]:
        link.send(side, kind)
        link.settle()
    assert link.controller.state is link.gateway.state is state
    return link


def end_of(link: MemoryLink, side: Side) -> Connection:
    return link.controller if side is C else link.gateway


def forced(kind: Kind, exchange: int) -> bytes:
    """The bytes of a frame, whether or not its sender may send it."""
    return HEADER.pack(kind, 0, exchange, 0, 0, 0, 0)


def hear(link: MemoryLink, sender: Side, kind: Kind, exchange: int | None = None) -> list[object]:
    """Let the other side receive a frame that a well-behaved sender might not have sent."""
    # Makes the sender's preamble known, where no frame of his came before.
    receiver = end_of(link, sender.other)
    receiver.receive(b"" if receiver._preamble_seen else b"PYNET\0\x01\x00", link.clock())
    number = receiver.exchange if exchange is None else exchange
    if exchange is None and kind in OPENERS:
        number += 1
    return list(receiver.receive(forced(kind, number), link.clock()))


def test_every_state_can_be_reached() -> None:
    assert set(WAYS) == set(TABLE) == set(State)


@EVERYBODY
def test_sending(state: State, sender: Side) -> None:
    for kind in Kind:
        check_sending(state, sender, kind)


def check_sending(state: State, sender: Side, kind: Kind) -> None:
    link = in_state(state)
    end = end_of(link, sender)
    following = TABLE[state][sender].get(kind)
    if kind in ANY_TIME and state in GREETED:
        following = State.CLOSED if kind == Kind.GOODBYE else state
    if following is not None:
        link.send(sender, kind)
        assert end.state is following
        return
    before = (end.state, end.exchange)
    with pytest.raises(LocalProtocolError, match=f"{kind.name} while {state.value}"):
        link.send(sender, kind)
    assert (end.state, end.exchange) == before
    assert link.settle() == ([], [])  # nothing was written


@EVERYBODY
def test_receiving(state: State, sender: Side) -> None:
    for kind in Kind:
        check_receiving(state, sender, kind)


def check_receiving(state: State, sender: Side, kind: Kind) -> None:
    link = in_state(state)
    receiver = end_of(link, sender.other)
    following = TABLE[state][sender].get(kind)
    if following is not None:
        (frame,) = hear(link, sender, kind)
        assert frame.kind == kind  # type: ignore[attr-defined]
        assert receiver.state is following
    elif kind in (Kind.PING, Kind.PONG) and state in GREETED:
        if kind == Kind.PING:
            assert hear(link, sender, kind) == []
            assert receiver.take_replies()
        else:
            with pytest.raises(RemoteProtocolError, match="PONG"):  # it has no content here
                hear(link, sender, kind)
        assert receiver.state is state
    elif kind == Kind.GOODBYE and state in GREETED:
        assert len(hear(link, sender, kind)) == 1
        assert receiver.state is State.CLOSED
    elif state is State.READY and sender is C and kind in LATE:
        assert hear(link, sender, kind) == []  # see the tests of late frames
        assert receiver.state is State.READY
    else:
        with pytest.raises(RemoteProtocolError):
            hear(link, sender, kind)
        assert receiver.state is state


@pytest.mark.parametrize("state", [s for s in State if s not in (State.NEW, State.GREETED)])
def test_a_frame_of_another_exchange_is_an_error(state: State) -> None:
    for sender, kind in itertools.product(Side, Kind):
        if kind in ANY_TIME or kind in OPENERS or kind not in TABLE[state][sender]:
            continue
        link = in_state(state)
        with pytest.raises(RemoteProtocolError, match="of exchange 9 while"):
            hear(link, sender, kind, exchange=9)


@pytest.mark.parametrize(
    ("opener", "late", "ending"),
    [
        (Kind.OPEN_STREAM, Kind.CREDIT, Kind.END),
        (Kind.OPEN_STREAM, Kind.CANCEL, Kind.ERROR),
        (Kind.OPEN_FEED, Kind.ITEM, Kind.RESULT),
        (Kind.OPEN_FEED, Kind.ITEMS, Kind.ERROR),
        (Kind.OPEN_FEED, Kind.END, Kind.RESULT),
        (Kind.OPEN_FEED, Kind.CANCEL, Kind.RESULT),
        (Kind.CALL, Kind.CANCEL, Kind.RESULT),
    ],
    ids=label,
)
def test_frames_that_cross_the_end_of_their_exchange_are_dropped(
    opener: Kind, late: Kind, ending: Kind
) -> None:
    link = MemoryLink(delay=1.0)
    link.greet()
    link.send(C, opener)
    link.settle()
    link.send(G, ending)
    link.send(C, late)
    arrived = link.settle()
    assert [f.kind for f in arrived.controller] == [ending]
    assert arrived.gateway == []
    assert link.gateway.late_frames == 1
    assert link.call("next", "exchange") == ("next", "exchange")


@pytest.mark.parametrize("kind", sorted(LATE), ids=label)
def test_the_gateway_ends_exchanges_so_its_own_frames_are_never_late(kind: Kind) -> None:
    link = in_state(State.STREAMING)
    link.send(G, Kind.END)
    link.settle()
    with pytest.raises(RemoteProtocolError, match=kind.name):
        hear(link, G, kind)
    assert link.controller.late_frames == 0


@pytest.mark.parametrize("who", Side, ids=label)
def test_what_crosses_a_goodbye_is_dropped(who: Side) -> None:
    link = MemoryLink(delay=1.0)
    link.greet()
    link.send(C, Kind.OPEN_FEED)
    link.settle()
    other = who.other
    link.send(who, Kind.GOODBYE)
    link.send(other, Kind.ITEM if other is C else Kind.CREDIT)
    link.ping(other)
    link.send(other, Kind.GOODBYE)
    arrived = link.settle()
    at_who = arrived.controller if who is C else arrived.gateway
    assert [f.kind for f in at_who] == [Kind.GOODBYE]
    assert end_of(link, who).late_frames == 1
    assert link.controller.state is link.gateway.state is State.CLOSED


def test_an_exchange_after_the_65535th() -> None:
    link = MemoryLink()
    link.greet()
    link.controller.exchange = link.gateway.exchange = 0xFFFF
    assert link.call("a", "b") == ("a", "b")
    assert link.controller.exchange == link.gateway.exchange == 0


def test_the_limits_of_a_stranger_end_with_the_greeting() -> None:
    link = MemoryLink(limits=Limits(greeting=100))
    link.greet()
    assert link.call(b"x" * 200, b"y" * 5000) == (b"x" * 200, b"y" * 5000)
