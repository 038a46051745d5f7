"""What is carried: the same for pynet and for its peers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ITEM_BYTES = 64
ARRAY_SHAPE = (512, 512)
ARRAY_BYTES = 1 << 20
ITEM = bytes(range(ITEM_BYTES))


def some_items(count: int) -> Iterator[bytes]:
    """Yield values of 64 bytes as fast as they are taken."""
    for _ in range(count):
        yield ITEM


def ticks(count: int, hz: float) -> Iterator[bytes]:
    """Yield values of 64 bytes at a steady rate, each with the time of its making in front.

    The time is that of CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share.
    """
    rest = bytes(ITEM_BYTES - 8)
    due = time.monotonic()
    for _ in range(count):
        due += 1.0 / hz
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        yield time.monotonic_ns().to_bytes(8, "big") + rest


def age_of(item: bytes) -> float:
    """Return how long ago a tick was made, in seconds, by the clock it was stamped with."""
    return (time.monotonic_ns() - int.from_bytes(item[:8], "big")) / 1e9


def some_arrays() -> list[np.ndarray]:
    """Return a few different arrays of 1 MiB; element (0, 0) of each is its place."""
    arrays = [np.full(ARRAY_SHAPE, place, np.float32) for place in range(4)]
    assert all(array.nbytes == ARRAY_BYTES for array in arrays)
    return arrays


def resident_memory() -> int:
    """Return the bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
