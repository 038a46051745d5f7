"""Large arrays from a generator to a callback."""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable

import numpy as np

from benchmarks.harness import Peer, Report, Target, interleave
from benchmarks.peers.raw import receive
from benchmarks.workload import ARRAY_BYTES, ARRAY_SHAPE
from pynet import Controller


def measure(report: Report) -> None:
    """Arrays of 1 MiB through generator and callback, beside raw TCP sendmsg and recv_into."""
    rounds, count = (2, 50) if report.quick else (9, 500)
    with contextlib.ExitStack() as stack:
        rates = interleave(
            rounds,
            {"raw_tcp": raw_transfer(stack, count), "pynet": pynet_transfer(stack, count)},
        )
    report.keep("megabytes_per_second", rates)
    report.figure(
        "arrays_beside_raw_tcp",
        statistics.median(rates["pynet"]),
        "MB/s",
        baseline=statistics.median(rates["raw_tcp"]),
        target=Target(0.6, at_least=True),
    )


def rate(count: int, first: int, last: int) -> float:
    """Return megabytes a second from the moment the first array was there to the last."""
    return (count - 1) * ARRAY_BYTES / 1e6 / ((last - first) / 1e9)


def raw_transfer(stack: contextlib.ExitStack, count: int) -> Callable[[], float]:
    """Receive into one array that is there already."""
    peer = stack.enter_context(Peer("raw"))
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", peer.facts["port"])))
    header = memoryview(bytearray(16))
    array = np.empty(ARRAY_SHAPE, np.float32)
    body = array.data.cast("B")

    def one_round() -> float:
        peer.tell(f"send {count}")
        first = 0
        for number in range(count):
            receive(connection, header)
            receive(connection, body)
            assert array[0, 0] == number % 4
            first = first or time.perf_counter_ns()
        return rate(count, first, time.perf_counter_ns())

    return one_round


def pynet_transfer(
    stack: contextlib.ExitStack, count: int, *, insecure: bool = True
) -> Callable[[], float]:
    """Receive in a callback, where every array is a new one."""
    peer = stack.enter_context(Peer("gateway", 5, *([] if insecure else ["tls"])))
    controller = stack.enter_context(Controller(name="benchmark", insecure=insecure))
    car = controller.connect(f"127.0.0.1:{peer.facts['port']}")

    def one_round() -> float:
        ended = threading.Event()
        taken = 0
        wrong = 0
        first = last = 0

        def take(array: np.ndarray) -> None:
            nonlocal taken, wrong, first, last
            last = time.perf_counter_ns()
            first = first or last
            wrong += array.shape != ARRAY_SHAPE or array[0, 0] != taken % 4
            taken += 1

        with car.stream(
            "arrays", take, policy="reliable", on_end=lambda _: ended.set(), count=count
        ):
            if not ended.wait(120):
                raise TimeoutError("the stream of arrays did not end")
        assert (taken, wrong) == (count, 0), f"{taken} of {count} came, {wrong} of them wrong"
        return rate(count, first, last)

    return one_round
