"""A value of 64 bytes there and back."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from itertools import chain

import msgpack
import zmq

from benchmarks.harness import Peer, Report, Target, interleave, median_of, quantile
from benchmarks.peers.raw import receive
from benchmarks.workload import ITEM, ITEM_BYTES
from pynet import Controller


def measure(report: Report) -> None:
    """Time of one call with 64 bytes, beside a raw TCP pair and pyzmq REQ/REP."""
    rounds, count = (3, 200) if report.quick else (15, 1500)
    with contextlib.ExitStack() as stack:
        pingers = {
            "raw_tcp": raw_ping(stack),
            "pyzmq": zmq_ping(stack),
            "pynet": pynet_ping(stack),
        }
        times = interleave(rounds, {name: timed(p, count) for name, p in pingers.items()})
    for name, samples in times.items():
        report.keep(f"{name}_us", samples)
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        value = median_of(times["pynet"], share)
        for peer, limit in (("raw_tcp", 1.3), ("pyzmq", 1.0)):
            report.figure(
                f"call_{word}_beside_{peer}",
                value,
                "us",
                baseline=median_of(times[peer], share),
                target=Target(limit) if share == 0.5 else None,
            )
    worst = {name: quantile(list(chain(*samples)), 0.999) for name, samples in times.items()}
    report.figure("call_p999_beside_raw_tcp", worst["pynet"], "us", baseline=worst["raw_tcp"])


def timed(ping: Callable[[], bytes], count: int) -> Callable[[], list[float]]:
    """Make a round: some calls to warm up, then `count` measured ones, in microseconds."""

    def one_round() -> list[float]:
        clock = time.perf_counter_ns
        for _ in range(50):
            ping()
        samples = []
        for _ in range(count):
            start = clock()
            ping()
            samples.append((clock() - start) / 1000)
        assert ping() == ITEM
        return samples

    return one_round


def raw_ping(stack: contextlib.ExitStack) -> Callable[[], bytes]:
    """Ask over a bare socket."""
    peer = stack.enter_context(Peer("raw"))
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", peer.facts["port"])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    view = memoryview(bytearray(ITEM_BYTES))

    def ping() -> bytes:
        connection.sendall(ITEM)
        receive(connection, view)
        return bytes(view)

    return ping


def zmq_ping(stack: contextlib.ExitStack) -> Callable[[], bytes]:
    """Ask with REQ, the value packed and unpacked by msgpack on both sides."""
    peer = stack.enter_context(Peer("zeromq"))
    context = stack.enter_context(zmq.Context())
    request = stack.enter_context(context.socket(zmq.REQ))
    request.connect(f"tcp://127.0.0.1:{peer.facts['reply']}")

    def ping() -> bytes:
        request.send(msgpack.packb(ITEM))
        answer: bytes = msgpack.unpackb(request.recv())
        return answer

    return ping


def pynet_ping(stack: contextlib.ExitStack) -> Callable[[], bytes]:
    """Ask with a plain call."""
    peer = stack.enter_context(Peer("gateway", 5))
    controller = stack.enter_context(Controller(name="benchmark"))
    car = controller.connect(f"127.0.0.1:{peer.facts['port']}")

    def ping() -> bytes:
        answer: bytes = car.call("echo", ITEM)
        return answer

    return ping
