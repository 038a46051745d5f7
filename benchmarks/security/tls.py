"""What TLS costs on one machine, beside plain TCP in the same run."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator

from benchmarks.core.arrays import pynet_transfer
from benchmarks.core.calls import pynet_ping, timed
from benchmarks.harness import Peer, Report, Target, interleave, median_of, place, quantile
from benchmarks.workload import ITEM
from pynet import Controller

PLAIN, SEALED = "plain", "tls"
CALL = Target(1.5)
ARRAYS = Target(0.5, at_least=True)
CONNECT = Target(20.0, of_ratio=False)
"""Milliseconds from nothing to the first answer."""


def measure(report: Report) -> None:
    """Calls with 64 bytes, arrays of 1 MiB, and the time from nothing to the first answer."""
    with contextlib.ExitStack() as stack:
        peers = {
            PLAIN: stack.enter_context(Peer("gateway", 5)),
            SEALED: stack.enter_context(Peer("gateway", 5, "tls")),
        }
        measure_calls(report, stack, peers)
        measure_connecting(report, stack, peers)
    measure_arrays(report)


def measure_calls(report: Report, stack: contextlib.ExitStack, peers: dict[str, Peer]) -> None:
    """A value there and back, each program on a core of its own, as on two machines."""
    rounds, count = (3, 200) if report.quick else (15, 1500)
    turns = {
        name: timed(pynet_ping(stack, peer, insecure=name == PLAIN), count)
        for name, peer in peers.items()
    }
    with on_two_cores(peers):
        times = interleave(rounds, turns)
    report.keep("calls_us", times)
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        report.figure(
            f"call_{word}_over_tls_beside_plain",
            median_of(times[SEALED], share),
            "us",
            baseline=median_of(times[PLAIN], share),
            target=CALL if share == 0.5 else None,
        )


def measure_connecting(report: Report, stack: contextlib.ExitStack, peers: dict[str, Peer]) -> None:
    """TCP, mutual TLS, both greetings, and a first call over a pair of its own."""
    rounds, count = (2, 5) if report.quick else (10, 20)
    times = interleave(
        rounds,
        {
            name: connecting(stack, peer, count, insecure=name == PLAIN)
            for name, peer in peers.items()
        },
    )
    report.keep("connecting_ms", times)
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        value, baseline = (
            quantile([sample for samples in times[name] for sample in samples], share)
            for name in (SEALED, PLAIN)
        )
        report.figure(
            f"connect_and_first_call_{word}_over_tls",
            value,
            "ms",
            baseline=baseline,
            target=CONNECT if share == 0.5 else None,
        )


def connecting(
    stack: contextlib.ExitStack, peer: Peer, count: int, *, insecure: bool
) -> Callable[[], list[float]]:
    """Make a round: so many times from nothing to the first answer, in milliseconds."""
    controller = stack.enter_context(Controller(name="benchmark", insecure=insecure))

    def one_round() -> list[float]:
        samples = []
        for _ in range(count):
            start = time.perf_counter_ns()
            with controller.connect(f"127.0.0.1:{peer.facts['port']}") as car:
                assert car.call("echo", ITEM) == ITEM
                samples.append((time.perf_counter_ns() - start) / 1e6)
        return samples

    return one_round


def measure_arrays(report: Report) -> None:
    """Arrays of 1 MiB through generator and callback."""
    rounds, count = (2, 50) if report.quick else (9, 500)
    with contextlib.ExitStack() as stack:
        ways = {
            PLAIN: pynet_transfer(stack, count),
            SEALED: pynet_transfer(stack, count, insecure=False),
        }
        rates = interleave(rounds, ways)
    report.keep("megabytes_per_second", rates)
    report.figure(
        "arrays_over_tls_beside_plain",
        statistics.median(rates[SEALED]),
        "MB/s",
        baseline=statistics.median(rates[PLAIN]),
        target=ARRAYS,
    )


@contextlib.contextmanager
def on_two_cores(peers: dict[str, Peer]) -> Iterator[None]:
    """Let us run on one core, and the other programs on another, where there are two."""
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        yield
        return
    ours, theirs = sorted(cores)[:2]
    pids = [peer.pid for peer in peers.values()]
    place(os.getpid(), {ours})
    for pid in pids:
        place(pid, {theirs})
    try:
        yield
    finally:
        for pid in (os.getpid(), *pids):
            place(pid, cores)
