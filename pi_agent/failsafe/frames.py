"""What goes over the pipes between the agent and the motors' process: small fixed frames.

Each begins with a magic word and its kind and ends with a checksum, so that a broken writer
is noticed instead of obeyed. Numbers are little-endian; times are seconds of the machine's
monotonic clock, which both processes share.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterator
from struct import Struct

from pi_agent.failsafe.machine import Change, Command

MAGIC = b"\xa5F"

# Kinds of orders, agent -> motors' process.
COMMAND, EPOCH, ARM, DISARM, STOP, GONE, QUIT = range(1, 8)
# Kinds of news, the other way.
STATE, CHANGE, TROUBLE = range(16, 19)

_CRC = Struct("<I")
_ORDER = Struct("<2sBxQqddddId")
_STATE = Struct("<2sBxdBBHHIIQQddQQqIIddd")
_CHANGE = Struct("<2sBxdBBHQdB" + "qddd" * 4)
_TROUBLE = Struct("<2sBx400s")

ORDER_SIZE = _ORDER.size + _CRC.size
_SIZES = {STATE: _STATE.size, CHANGE: _CHANGE.size, TROUBLE: _TROUBLE.size}

LIVE, ARMED, POWER = 1, 2, 4


class State:
    """What the motors' process says about itself.

    Attributes:
        time: when it was said.
        stage, causes, refusals: see :mod:`pi_agent.failsafe.rules`.
        flags: ``LIVE | ARMED | POWER``.
        answered, answer: number of the newest order, and the reasons against it as bits.
        epoch, lost_epoch, accepted, refused, last_seq, trips, pilot, accepted_at: of the
            :class:`~pi_agent.failsafe.machine.Failsafe`.
        steer, throttle: as the motors were given them.
        written_at: when they were.
        neutral_written: when the throttle was last written as neutral after it was not.
    """

    __slots__ = (
        "accepted",
        "accepted_at",
        "answer",
        "answered",
        "causes",
        "epoch",
        "flags",
        "last_seq",
        "lost_epoch",
        "neutral_written",
        "pilot",
        "refusals",
        "refused",
        "stage",
        "steer",
        "throttle",
        "time",
        "trips",
        "written_at",
    )

    def __init__(
        self,
        time: float = 0.0,
        stage: int = 3,
        flags: int = 0,
        causes: int = 0,
        refusals: int = 0,
        answered: int = 0,
        answer: int = 0,
        epoch: int = 0,
        lost_epoch: int = 0,
        steer: float = 0.0,
        throttle: float = 0.0,
        accepted: int = 0,
        refused: int = 0,
        last_seq: int = -1,
        trips: int = 0,
        pilot: int = 0,
        accepted_at: float = 0.0,
        written_at: float = 0.0,
        neutral_written: float = 0.0,
    ) -> None:
        self.time = time
        self.stage = stage
        self.flags = flags
        self.causes = causes
        self.refusals = refusals
        self.answered = answered
        self.answer = answer
        self.epoch = epoch
        self.lost_epoch = lost_epoch
        self.steer = steer
        self.throttle = throttle
        self.accepted = accepted
        self.refused = refused
        self.last_seq = last_seq
        self.trips = trips
        self.pilot = pilot
        self.accepted_at = accepted_at
        self.written_at = written_at
        self.neutral_written = neutral_written

    def pack(self) -> bytes:
        """As a frame."""
        return _seal(
            _STATE.pack(
                MAGIC,
                STATE,
                self.time,
                self.stage,
                self.flags,
                self.causes,
                self.refusals,
                self.answered,
                self.answer,
                self.epoch,
                self.lost_epoch,
                self.steer,
                self.throttle,
                self.accepted,
                self.refused,
                self.last_seq,
                self.trips,
                self.pilot,
                self.accepted_at,
                self.written_at,
                self.neutral_written,
            )
        )


class Order:
    """One order to the motors' process.

    Attributes:
        kind: one of the constants above.
        number: what the answer is known by; 0 when none is wanted.
        command: of a COMMAND; of the others its ``epoch`` alone counts.
    """

    __slots__ = ("command", "kind", "number")

    def __init__(self, kind: int, number: int, command: Command) -> None:
        self.kind = kind
        self.number = number
        self.command = command


def pack_command(command: Command) -> bytes:
    """A command as a frame.

    Raises:
        struct.error: a number is too large for its place.
    """
    return _seal(
        _ORDER.pack(
            MAGIC,
            COMMAND,
            command.epoch,
            command.seq,
            command.heard,
            command.age,
            command.steer,
            command.throttle,
            command.pilot,
            command.frame_age,
        )
    )


def pack_order(kind: int, epoch: int, number: int) -> bytes:
    """Another order as a frame."""
    return _seal(_ORDER.pack(MAGIC, kind, epoch, number, 0.0, 0.0, 0.0, 0.0, 0, 0.0))


def pack_change(change: Change) -> bytes:
    """A transition as a frame."""
    flat: list[float] = [value for command in change.commands for value in command]
    flat += [0] * (16 - len(flat))
    return _seal(
        _CHANGE.pack(
            MAGIC,
            CHANGE,
            change.time,
            change.before,
            change.after,
            change.causes,
            change.epoch,
            change.silent,
            len(change.commands),
            *flat,
        )
    )


def pack_trouble(text: str) -> bytes:
    """A sentence for the log as a frame."""
    return _seal(_TROUBLE.pack(MAGIC, TROUBLE, text.encode()[:400]))


class OrderReader:
    """Cuts the bytes from the agent into orders.

    Attributes:
        garbage: how often something that is no order was skipped.
    """

    def __init__(self) -> None:
        self.garbage = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Order]:
        """The orders that are whole now. What is none is skipped up to the next magic word."""
        buffer = self._buffer
        buffer += data
        begin = 0
        while len(buffer) - begin >= ORDER_SIZE:
            body = buffer[begin : begin + ORDER_SIZE]
            if _is_whole(body) and COMMAND <= body[2] <= QUIT:
                begin += ORDER_SIZE
                yield _order(body)
                continue
            self.garbage += 1
            found = buffer.find(MAGIC, begin + 1)
            # The last byte may be the first half of a magic word.
            begin = found if found >= 0 else len(buffer) - 1
        del buffer[:begin]


class NewsReader:
    """Cuts the bytes from the motors' process into news."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[State | Change | str]:
        """What is whole now.

        Raises:
            ValueError: it is no news; that process cannot be trusted any more.
        """
        buffer = self._buffer
        buffer += data
        while len(buffer) > 3:
            size = _SIZES.get(buffer[2])
            if size is None:
                raise ValueError("the motors' process said something that is no news")
            size += _CRC.size
            if len(buffer) < size:
                return
            body = bytes(buffer[:size])
            del buffer[:size]
            if not _is_whole(body):
                raise ValueError("the motors' process said something with a wrong checksum")
            yield _news(body)


def _seal(body: bytes) -> bytes:
    return body + _CRC.pack(crc32(body))


def _is_whole(body: bytes | bytearray) -> bool:
    sum_at = len(body) - _CRC.size
    return body[:2] == MAGIC and _CRC.unpack_from(body, sum_at)[0] == crc32(body[:sum_at])


def _order(body: bytes | bytearray) -> Order:
    _, kind, epoch, seq, heard, age, steer, throttle, pilot, frame_age = _ORDER.unpack_from(body)
    command = Command(epoch, seq, heard, age, steer, throttle, pilot, frame_age)
    return Order(kind, 0 if kind == COMMAND else seq, command)


def _news(body: bytes) -> State | Change | str:
    if body[2] == STATE:
        return State(*_STATE.unpack_from(body)[2:])
    if body[2] == TROUBLE:
        text: bytes = _TROUBLE.unpack_from(body)[2]
        return text.rstrip(b"\0").decode(errors="replace")
    time, before, after, causes, epoch, silent, count, *flat = _CHANGE.unpack_from(body)[2:]
    commands = tuple(
        (flat[at], flat[at + 1], flat[at + 2], flat[at + 3]) for at in range(0, 4 * count, 4)
    )
    return Change(time, before, after, causes, epoch, silent, commands)
