"""pynet: one Gateway with every subroutine that the benchmarks want.

Orders: ``memory`` answers with the resident memory in bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.harness import answer, orders, say_ready
from benchmarks.workload import resident_memory, some_arrays, some_items, ticks
from pynet import Gateway


def echo(value: object) -> object:
    """Return what came."""
    return value


def square(number: int) -> int:
    """Return an answer that only this caller expects."""
    return number * number


def arrays(count: int) -> Iterator[np.ndarray]:
    """Yield arrays that are all there already."""
    ready = some_arrays()
    for number in range(count):
        yield ready[number % len(ready)]


def main() -> None:
    """Serve until stdin ends."""
    # Its peers encrypt nothing either; what TLS costs is a benchmark of its own.
    insecure = "tls" not in sys.argv[2:]
    gateway = Gateway(port=0, pool_size=int(sys.argv[1]), name="benchmark", insecure=insecure)
    gateway.batch(echo)
    gateway.batch(square)
    gateway.stream(some_items, name="items", policy="reliable")
    gateway.stream(ticks, name="ticks", policy="reliable")
    gateway.stream(arrays, name="arrays", policy="reliable")
    with gateway:
        say_ready(port=gateway.port)
        for order in orders():
            if order[0] == "memory":
                answer(resident_memory())


if __name__ == "__main__":
    main()
