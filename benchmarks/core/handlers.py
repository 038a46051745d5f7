"""What a Handler costs, and whether many serve many."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import time
from typing import Any

from benchmarks.harness import Peer, Report, Target, interleave
from pynet import Controller

PAIRS = 200
CROWDS = 4


def measure(report: Report) -> None:
    """Memory of an idle Handler, and 200 Controllers that all want an answer at once."""
    rounds = 1 if report.quick else 3
    growth = interleave(rounds, {"raw_tcp": raw_growth, "pynet": pynet_growth})
    report.keep("bytes_per_pair", growth)
    report.figure(
        "idle_handler_memory_beside_raw_tcp_thread",
        statistics.median(growth["pynet"]) / 1024,
        "KiB",
        baseline=statistics.median(growth["raw_tcp"]) / 1024,
        target=Target(150.0, of_ratio=False),
    )
    serve_a_crowd(report, calls=5 if report.quick else 50)


def raw_growth() -> float:
    """Return the memory of one connection with a thread that waits on it, in bytes."""
    with Peer("raw") as peer, contextlib.ExitStack() as stack:

        def connect() -> None:
            link = stack.enter_context(socket.create_connection(("127.0.0.1", peer.facts["port"])))
            link.sendall(bytes(64))
            link.recv(64)

        connect()
        before = peer.ask("memory")
        for _ in range(PAIRS):
            connect()
        return float((peer.ask("memory") - before) / PAIRS)


def pynet_growth() -> float:
    """Return the memory of one pair that has answered a call and now waits, in bytes."""
    with Peer("gateway", PAIRS + 10) as peer, contextlib.ExitStack() as stack:

        def connect() -> None:
            controller = stack.enter_context(Controller(name="idler", insecure=True))
            car = controller.connect(f"127.0.0.1:{peer.facts['port']}")
            assert car.call("square", 12) == 144

        connect()
        before = peer.ask("memory")
        for _ in range(PAIRS):
            connect()
        return float((peer.ask("memory") - before) / PAIRS)


def serve_a_crowd(report: Report, calls: int) -> None:
    """Let 200 Controllers of four processes connect and call all at once to a pool of 200."""
    each = PAIRS // CROWDS
    with Peer("gateway", PAIRS) as gateway, contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{gateway.facts['port']}"
        crowds = [
            stack.enter_context(Peer("crowd", address, number * each, each))
            for number in range(CROWDS)
        ]
        connected, connect_time = everybody(crowds, "connect")
        called, call_time = everybody(crowds, f"call {calls}")
    report.keep("connect", connected)
    report.keep("call", called)
    served = sum(outcome["right"] for outcome in connected)
    refused = sum(sum(outcome["failed"].values()) for outcome in (*connected, *called))
    right = sum(outcome["right"] for outcome in called)
    wrong = sum(outcome["wrong"] for outcome in (*connected, *called))
    exactly = Target(PAIRS, at_least=True, of_ratio=False)
    none = Target(0, of_ratio=False)
    report.figure("clients_served_by_200_handlers", served, "clients", target=exactly)
    report.figure("clients_refused_or_failed", refused, "calls", target=none)
    report.figure("answers_of_somebody_else", wrong, "calls", target=none)
    report.figure("time_to_connect_200_clients", connect_time, "s")
    report.figure("calls_of_200_clients", right / call_time, "calls/s")


def everybody(crowds: list[Peer], order: str) -> tuple[list[Any], float]:
    """Give all crowds one order; return what they answer, and how long the slowest took."""
    start = time.perf_counter()
    for crowd in crowds:
        crowd.tell(order)
    answers = [json.loads(crowd.answer()) for crowd in crowds]
    return answers, time.perf_counter() - start
