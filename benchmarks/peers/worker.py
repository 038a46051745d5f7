"""pynet: a Gateway whose batch subroutines keep a processor busy."""

from __future__ import annotations

import hashlib
import sys

from benchmarks.harness import orders, say_ready
from pynet import Gateway


def pure(rounds: int) -> int:
    """Compute in pure Python: the interpreter's lock is held nearly all the time."""
    number = 1
    for _ in range(rounds):
        number = (number * 31 + 7) % 1_000_003
    return number


def hashed(megabytes: int) -> str:
    """Compute in C, without the interpreter's lock."""
    digest = hashlib.sha256()
    block = bytes(1 << 20)
    for _ in range(megabytes):
        digest.update(block)
    return digest.hexdigest()


def main() -> None:
    """Serve until stdin ends."""
    with Gateway(port=0, pool_size=int(sys.argv[1]), name="worker") as gateway:
        gateway.batch(pure)
        gateway.batch(hashed)
        say_ready(port=gateway.port)
        for _ in orders():
            pass


if __name__ == "__main__":
    main()
