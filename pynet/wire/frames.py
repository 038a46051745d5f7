"""Frames: a fixed header, a msgpack part, a raw part.

::

    offset  0     1      2         4         8         12    20          28          28+meta
            kind  flags  exchange  meta_len  body_len  seq   time_us     meta        body
            u8    u8     u16       u32       u32       u64   u64         msgpack     raw bytes

All numbers are big-endian. ``time_us`` is the sender's monotonic clock in
microseconds. Before the first frame each side sends the eight bytes of
:data:`PREAMBLE`, so that a wrong program on the port is noticed at once.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION_MAJOR = 1
VERSION_MINOR = 1
MAGIC = b"PYNET\0"
PREAMBLE = MAGIC + bytes((VERSION_MAJOR, VERSION_MINOR))

HEADER = struct.Struct(">BBHIIQQ")
HEADER_SIZE = HEADER.size

Body = NDArray[np.uint8]


class Kind(enum.IntEnum):
    """What a frame is for. The table in :mod:`pynet.wire.states` says who may send it when."""

    HELLO = 1
    WELCOME = 2
    REFUSE = 3
    CALL = 4
    OPEN_STREAM = 5
    OPEN_FEED = 6
    OPENED = 7
    ITEM = 8
    ITEMS = 9
    END = 10
    ERROR = 11
    RESULT = 12
    CANCEL = 13
    CREDIT = 14
    PING = 15
    PONG = 16
    GOODBYE = 17
    ASK = 18
    ANSWER = 19
    PART = 20
    REPORT = 21
    OPEN_TALK = 22
    SAY = 23


class Frame(NamedTuple):
    """One received frame, not yet decoded.

    Attributes:
        kind: see :class:`Kind`.
        exchange: number of the request it belongs to, counted by the Controller.
        seq: item id for ITEM, ITEMS (of the first one) and PART, amount for CREDIT, number of items
            for END, first item still wanted for REPORT.
        time_us: sender's monotonic clock when the content was made.
        meta: msgpack bytes.
        body: raw bytes of arrays and long byte strings, or None.
        size: bytes on the wire.
    """

    kind: int
    exchange: int
    seq: int
    time_us: int
    meta: bytes | bytearray
    body: Body | None
    size: int
