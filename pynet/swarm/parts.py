"""Items cut into parts that fit a packet each, and put together again. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pynet.errors import RemoteProtocolError
from pynet.wire.frames import Body
from pynet.wire.values import Buffer

PART_SIZE = 1400
"""Bytes: with the headers of IP, TCP and pynet one packet of 1500."""

MOST_PARTS = 64
"""Parts of one item, so that one number tells which have arrived. Larger items get larger parts."""


def cut(meta: bytes, body: Sequence[Buffer], part_size: int = PART_SIZE) -> list[memoryview]:
    """The bytes of an encoded item as equal parts (the last may be shorter); one if it is small."""
    whole = memoryview(b"".join((meta, *body)))
    size = max(part_size, -(-len(whole) // MOST_PARTS))
    return [whole[start : start + size] for start in range(0, len(whole), size)]


class Assembly:
    """An item of which not all parts have come.

    Args:
        count: parts in all.
        meta_len: how many of the first bytes are msgpack.
        time_us: when the item was made, sender's clock.

    Attributes:
        have: bit ``i`` is set when part ``i`` is here.
        size: bytes here.

    Raises:
        RemoteProtocolError: no item has so many parts.
    """

    def __init__(self, count: int, meta_len: int, time_us: int) -> None:
        if not 2 <= count <= MOST_PARTS or meta_len < 1:
            raise RemoteProtocolError(
                f"the other side announced an item of {count} parts with {meta_len} bytes of "
                f"msgpack; this side takes 2 to {MOST_PARTS} parts"
            )
        self.have = 0
        self.size = 0
        self.time_us = time_us
        self._meta_len = meta_len
        self._parts: list[Body | None] = [None] * count
        self._missing = count

    def add(self, index: int, data: Body) -> bool:
        """Take a part, again or for the first time.

        Returns:
            True when this was the last one that missed.

        Raises:
            RemoteProtocolError: there is no such part.
        """
        if not 0 <= index < len(self._parts):
            raise RemoteProtocolError(
                f"the other side sent part {index} of an item of {len(self._parts)} parts"
            )
        if self._parts[index] is not None:
            return False
        self._parts[index] = data
        self.have |= 1 << index
        self.size += len(data)
        self._missing -= 1
        return not self._missing

    def join(self) -> tuple[bytes, Body | None]:
        """The msgpack part and the raw part of the whole item."""
        whole = np.concatenate([part for part in self._parts if part is not None])
        meta = whole[: self._meta_len].tobytes()
        body = whole[self._meta_len :]
        # A copy, because arrays in it want to be aligned.
        return meta, body.copy() if len(body) else None
