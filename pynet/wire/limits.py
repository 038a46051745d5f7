"""What a side accepts, checked before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for what the other side may send.

    Attributes:
        greeting: bytes of a frame before both sides have greeted. Small: nobody is known yet.
        meta: bytes of a frame's msgpack part. msgpack can blow up 36 times when
            decoded (390 KiB of ``[[1], [1], ...]`` become 14 MiB of objects), so this
            is the limit that bounds memory.
        body: bytes of a frame's raw part (arrays, long byte strings).
        inbox: bytes of received frames that wait for a slow owner before reading pauses.
        greeting_time: seconds a new connection has to greet.
        frame_time: seconds a frame may take from its header to its end,
            on top of what ``frame_rate`` allows.
        frame_rate: bytes per second below which a sender of a large frame is cut off.
    """

    greeting: int = 4 * KIB
    meta: int = 8 * MIB
    body: int = 256 * MIB
    inbox: int = 64 * MIB
    greeting_time: float = 3.0
    frame_time: float = 10.0
    frame_rate: float = 16 * KIB
