"""Many small items from a generator to a callback."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable
from itertools import chain

import msgpack
import zmq

from benchmarks.harness import Peer, Report, Target, interleave, quantile
from benchmarks.workload import ITEM, age_of
from pynet import Controller

TICK_HZ = 1000.0
Transfer = Callable[[str, int, Callable[[bytes], None]], None]


def measure(report: Report) -> None:
    """Items of 64 bytes through generator and callback, beside pyzmq PUSH/PULL; ages at 1 kHz."""
    rounds, count, tick_count = (2, 5_000, 300) if report.quick else (7, 150_000, 3_000)
    with contextlib.ExitStack() as stack:
        transfers = {"pyzmq": zmq_transfer(stack), "pynet": pynet_transfer(stack)}
        rates = interleave(rounds, {n: rate_of(t, count) for n, t in transfers.items()})
        ages = interleave(min(rounds, 5), {n: ages_of(t, tick_count) for n, t in transfers.items()})
    report.keep("items_per_second", rates)
    report.keep("ages_us", ages)
    report.figure(
        "items_beside_pyzmq",
        statistics.median(rates["pynet"]),
        "items/s",
        baseline=statistics.median(rates["pyzmq"]),
        target=Target(1.0, at_least=True),
    )
    pooled = {name: list(chain(*samples)) for name, samples in ages.items()}
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        report.figure(
            f"age_at_1khz_{word}_beside_pyzmq",
            quantile(pooled["pynet"], share),
            "us",
            baseline=quantile(pooled["pyzmq"], share),
        )


def rate_of(transfer: Transfer, count: int) -> Callable[[], float]:
    """Make a round: `count` items, timed from the first that is taken to the last."""

    def one_round() -> float:
        taken = 0
        first = last = 0

        def take(item: bytes) -> None:
            nonlocal taken, first, last
            if not taken:
                first = time.perf_counter_ns()
            taken += 1
            if taken == count:
                last = time.perf_counter_ns()
                assert item == ITEM

        transfer("items", count, take)
        assert taken == count, f"{taken} of {count} items came"
        return (count - 1) / (last - first) * 1e9

    return one_round


def ages_of(transfer: Transfer, count: int) -> Callable[[], list[float]]:
    """Make a round: items at 1 kHz, and how old each is when it is taken, in microseconds."""

    def one_round() -> list[float]:
        ages: list[float] = []
        transfer("ticks", count, lambda item: ages.append(age_of(item) * 1e6))
        assert len(ages) == count, f"{len(ages)} of {count} items came"
        return ages

    return one_round


def zmq_transfer(stack: contextlib.ExitStack) -> Transfer:
    """Pull and unpack in this thread."""
    peer = stack.enter_context(Peer("zeromq"))
    context = stack.enter_context(zmq.Context())
    pull = stack.enter_context(context.socket(zmq.PULL))
    pull.connect(f"tcp://127.0.0.1:{peer.facts['push']}")

    def transfer(what: str, count: int, take: Callable[[bytes], None]) -> None:
        peer.tell(f"{what} {count} {TICK_HZ}")
        for _ in range(count):
            take(msgpack.unpackb(pull.recv()))

    return transfer


def pynet_transfer(stack: contextlib.ExitStack) -> Transfer:
    """Subscribe and wait for the end."""
    peer = stack.enter_context(Peer("gateway", 5))
    controller = stack.enter_context(Controller(name="benchmark", insecure=True))
    car = controller.connect(f"127.0.0.1:{peer.facts['port']}")

    def transfer(what: str, count: int, take: Callable[[bytes], None]) -> None:
        ended = threading.Event()
        problem: list[object] = []

        def on_end(error: BaseException | None) -> None:
            problem.append(error)
            ended.set()

        arguments = {"count": count} | ({"hz": TICK_HZ} if what == "ticks" else {})
        with car.stream(what, take, policy="reliable", on_end=on_end, arguments=arguments):
            if not ended.wait(120):
                raise TimeoutError(f"stream {what} did not end")
        assert problem == [None], problem

    return transfer
