"""All state transitions of a lane, as one table.

A lane carries one *exchange* at a time: a call, a question to the manager, a
stream, a feed or a talk. Both sides walk the same table: a frame one side sends moves
its own state, and the other side's when it arrives. ``TABLE[state][sender][kind]``
is the next state; what is not in the table is an error of the sender and
leaves the state as it was.

Two rules are not in the table. PING, PONG and GOODBYE are allowed in every
state after the greeting. And a frame of an exchange that this side, being the
Gateway, has already finished (a CREDIT that crossed our END on the way), or of a
lane to which this side said GOODBYE, is *late*: it is dropped in silence,
because its sender could not know.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from pynet.wire.frames import Kind


class Side(enum.Enum):
    """Who sends."""

    CONTROLLER = "controller"
    GATEWAY = "gateway"

    @property
    def other(self) -> Side:
        """The side at the other end."""
        return Side.GATEWAY if self is Side.CONTROLLER else Side.CONTROLLER


class State(enum.Enum):
    """What a lane is doing."""

    NEW = "new"
    GREETED = "greeted"
    READY = "ready"
    CALLING = "calling"
    ASKING = "asking"
    STREAMING = "streaming"
    FEEDING = "feeding"
    TALKING = "talking"
    FINISHING = "finishing"
    CLOSED = "closed"


_C, _G, _S, _K = Side.CONTROLLER, Side.GATEWAY, State, Kind

TABLE: Mapping[State, Mapping[Side, Mapping[int, State]]] = {
    _S.NEW: {_C: {_K.HELLO: _S.GREETED}, _G: {}},
    _S.GREETED: {_C: {}, _G: {_K.WELCOME: _S.READY, _K.REFUSE: _S.CLOSED}},
    _S.READY: {
        _C: {
            _K.CALL: _S.CALLING,
            _K.ASK: _S.ASKING,
            _K.OPEN_STREAM: _S.STREAMING,
            _K.OPEN_FEED: _S.FEEDING,
            _K.OPEN_TALK: _S.TALKING,
        },
        _G: {},
    },
    _S.CALLING: {
        _C: {_K.CANCEL: _S.CALLING},
        _G: {_K.RESULT: _S.READY, _K.ERROR: _S.READY},
    },
    _S.ASKING: {_C: {}, _G: {_K.ANSWER: _S.READY, _K.ERROR: _S.READY}},
    _S.STREAMING: {
        _C: {_K.CREDIT: _S.STREAMING, _K.REPORT: _S.STREAMING, _K.CANCEL: _S.STREAMING},
        _G: {
            _K.OPENED: _S.STREAMING,
            _K.ITEM: _S.STREAMING,
            _K.ITEMS: _S.STREAMING,
            _K.PART: _S.STREAMING,
            _K.END: _S.READY,
            _K.ERROR: _S.READY,
        },
    },
    _S.FEEDING: {
        _C: {
            _K.ITEM: _S.FEEDING,
            _K.ITEMS: _S.FEEDING,
            _K.PART: _S.FEEDING,
            _K.END: _S.FINISHING,
            _K.CANCEL: _S.FINISHING,
        },
        _G: {
            _K.OPENED: _S.FEEDING,
            _K.CREDIT: _S.FEEDING,
            _K.REPORT: _S.FEEDING,
            _K.RESULT: _S.READY,
            _K.ERROR: _S.READY,
        },
    },
    _S.TALKING: {
        _C: {_K.SAY: _S.TALKING, _K.END: _S.FINISHING, _K.CANCEL: _S.FINISHING},
        _G: {
            _K.OPENED: _S.TALKING,
            _K.SAY: _S.TALKING,
            _K.RESULT: _S.READY,
            _K.ERROR: _S.READY,
        },
    },
    _S.FINISHING: {
        _C: {_K.CANCEL: _S.FINISHING},
        _G: {
            _K.OPENED: _S.FINISHING,
            _K.CREDIT: _S.FINISHING,
            _K.REPORT: _S.FINISHING,
            _K.SAY: _S.FINISHING,
            _K.RESULT: _S.READY,
            _K.ERROR: _S.READY,
        },
    },
    _S.CLOSED: {_C: {}, _G: {}},
}

OPENERS = frozenset({Kind.CALL, Kind.ASK, Kind.OPEN_STREAM, Kind.OPEN_FEED, Kind.OPEN_TALK})
ANY_TIME = frozenset({Kind.PING, Kind.PONG, Kind.GOODBYE})
LATE = frozenset(
    {
        Kind.CREDIT,
        Kind.REPORT,
        Kind.CANCEL,
        Kind.ITEM,
        Kind.ITEMS,
        Kind.PART,
        Kind.SAY,
        Kind.END,
    }
)
BEFORE_GREETING = frozenset({State.NEW, State.GREETED})


class Row:
    """One state as one side sees it, linked to the states that follow.

    This is :data:`TABLE` compiled, because a lane looks it up for every frame.

    Attributes:
        state: which one.
        greeted: both sides know each other.
        send: row that follows when this side sends a kind of frame.
        receive: row that follows when the other side does.
    """

    __slots__ = ("greeted", "receive", "send", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.greeted = state not in BEFORE_GREETING
        self.send: dict[int, Row] = {}
        self.receive: dict[int, Row] = {}


def compile_rows(side: Side) -> dict[State, Row]:
    """The table for one side."""
    rows = {state: Row(state) for state in State}
    for state, senders in TABLE.items():
        row = rows[state]
        row.send = {int(k): rows[following] for k, following in senders[side].items()}
        row.receive = {int(k): rows[following] for k, following in senders[side.other].items()}
    return rows


ROWS = {side: compile_rows(side) for side in Side}
