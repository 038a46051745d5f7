"""A value of 64 bytes there and back."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable

import msgpack
import zmq

from benchmarks.harness import Peer, Report, Target, interleave, median_of, place
from benchmarks.peers.raw import receive
from benchmarks.workload import ITEM, ITEM_BYTES
from pynet import Controller


def measure(report: Report) -> None:
    """Time of one call with 64 bytes, beside a raw TCP pair and pyzmq REQ/REP.

    With each program on a core of its own ("apart", as on two machines) the figures repeat. Left
    to the scheduler ("free") the raw pair takes a fourth of that whenever both of its processes
    happen to share a core, so that there its ratio tells more of luck than of pynet.
    """
    rounds, count = (3, 200) if report.quick else (15, 1500)
    with contextlib.ExitStack() as stack:
        peers = {
            "raw_tcp": stack.enter_context(Peer("raw")),
            "pyzmq": stack.enter_context(Peer("zeromq")),
            "pynet": stack.enter_context(Peer("gateway", 5)),
        }
        pings = {
            "raw_tcp": raw_ping(stack, peers["raw_tcp"]),
            "pyzmq": zmq_ping(stack, peers["pyzmq"]),
            "pynet": pynet_ping(stack, peers["pynet"]),
        }
        turns = {name: timed(ping, count) for name, ping in pings.items()}
        all_cores = os.sched_getaffinity(0)
        if len(all_cores) > 1:
            ours, theirs = sorted(all_cores)[:2]
            place(os.getpid(), {ours})
            for peer in peers.values():
                place(peer.pid, {theirs})
            tell(report, "apart", interleave(rounds, turns), raw_limit=1.3)
            for pid in (os.getpid(), *(peer.pid for peer in peers.values())):
                place(pid, all_cores)
        tell(report, "free", interleave(rounds, turns), raw_limit=None)


def tell(
    report: Report, where: str, times: dict[str, list[list[float]]], raw_limit: float | None
) -> None:
    """Report the figures of one placement."""
    report.keep(f"{where}_us", times)
    targets = {"raw_tcp": Target(raw_limit) if raw_limit else None, "pyzmq": Target(1.0)}
    for share, word in ((0.5, "p50"), (0.99, "p99")):
        value = median_of(times["pynet"], share)
        for peer, target in targets.items():
            report.figure(
                f"call_{word}_{where}_beside_{peer}",
                value,
                "us",
                baseline=median_of(times[peer], share),
                target=target if share == 0.5 else None,
            )


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


def raw_ping(stack: contextlib.ExitStack, peer: Peer) -> Callable[[], bytes]:
    """Ask over a bare socket."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", peer.facts["port"])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    view = memoryview(bytearray(ITEM_BYTES))

    def ping() -> bytes:
        connection.sendall(ITEM)
        receive(connection, view)
        return bytes(view)

    return ping


def zmq_ping(stack: contextlib.ExitStack, peer: Peer) -> Callable[[], bytes]:
    """Ask with REQ, the value packed and unpacked by msgpack on both sides."""
    context = stack.enter_context(zmq.Context())
    request = stack.enter_context(context.socket(zmq.REQ))
    request.connect(f"tcp://127.0.0.1:{peer.facts['reply']}")

    def ping() -> bytes:
        request.send(msgpack.packb(ITEM))
        answer: bytes = msgpack.unpackb(request.recv())
        return answer

    return ping


def pynet_ping(
    stack: contextlib.ExitStack, peer: Peer, *, insecure: bool = True
) -> Callable[[], bytes]:
    """Ask with a plain call."""
    controller = stack.enter_context(Controller(name="benchmark", insecure=insecure))
    car = controller.connect(f"127.0.0.1:{peer.facts['port']}")

    def ping() -> bytes:
        answer: bytes = car.call("echo", ITEM)
        return answer

    return ping
