"""Measures what a link does, from its ends: round trips, loss and throughput.

    python -m benchmarks.link.probe serve [--host HOST]                   at the car
    python -m benchmarks.link.probe echo --host CAR [--hz N --seconds S]  at the laptop
    python -m benchmarks.link.probe flood --host CAR [--mbit N]           UDP, faster than the link
    python -m benchmarks.link.probe tcp --host CAR                        one connection

Each prints one line of JSON. All clocks are the same: both ends are one machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import socket
import statistics
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import quantile

PORT = 9187
HEADERS = 28  # of IP and UDP
STAMP = struct.Struct("!cQQ")  # kind, number, ns of the sending
FLOOD_SIZE = 1472
BUFFER = 1 << 23
SO_RCVBUFFORCE = 33  # Linux has it, the module socket not
PATIENCE = 1.0
SPAN = 0.5


def serve(host: str) -> None:
    """Echo, count and swallow until the process is ended."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.create_server((host, PORT)) as listener,
    ):
        datagrams.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        datagrams.bind((host, PORT))
        threading.Thread(target=_swallow, args=(listener,), name="probe-tcp", daemon=True).start()
        print("ready", flush=True)
        _answer_datagrams(datagrams)


def _answer_datagrams(datagrams: socket.socket) -> None:
    """Echo what asks for it; count each flood, and report it when asked."""
    floods: dict[object, _Flood] = {}
    while True:
        packet, sender = datagrams.recvfrom(2048)
        kind = packet[:1]
        if kind == b"e":
            datagrams.sendto(packet + time.monotonic_ns().to_bytes(8, "big"), sender)
        elif kind == b"f":
            floods.setdefault(sender, _Flood()).count(len(packet) + HEADERS)
        elif kind == b"?":
            facts = dataclasses.asdict(floods.get(sender, _Flood()))
            datagrams.sendto(json.dumps(facts).encode(), sender)


@dataclass
class _Flood:
    packets: int = 0
    bytes: int = 0
    first: float = 0.0
    last: float = 0.0
    spans: list[int] = field(default_factory=list)  # bytes in each SPAN after the first packet

    def count(self, size: int) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.packets += 1
        self.bytes += size
        span = int((self.last - self.first) / SPAN)
        self.spans += [0] * (span + 1 - len(self.spans))
        self.spans[span] += size


def _swallow(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            begin, size = time.monotonic(), 0
            while block := connection.recv(1 << 18):
                size += len(block)
            connection.sendall(json.dumps([size, time.monotonic() - begin]).encode())


def echo(host: str, hz: float, seconds: float, size: int) -> dict[str, Any]:
    """Send datagrams at a steady rate; return round trips and one-way times in ms, and losses."""
    back: dict[int, tuple[int, int, int]] = {}
    count = int(hz * seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.connect((host, PORT))
        near.settimeout(PATIENCE)
        said = threading.Event()
        ear = threading.Thread(target=_hear, args=(near, back, said), name="probe-ear")
        ear.start()
        due = time.monotonic()
        for number in range(count):
            stamp = STAMP.pack(b"e", number, time.monotonic_ns())
            near.send(stamp.ljust(size, b"\0"))
            due += 1.0 / hz
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
        said.set()
        ear.join()
    trips = [(home - sent) / 1e6 for sent, _, home in back.values()]
    there = [(met - sent) / 1e6 for sent, met, _ in back.values()]
    return {
        "sent": count,
        "back": len(back),
        "lost_percent": round(100.0 * (1 - len(back) / count), 3),
        "rtt_ms": _summary(trips),
        "up_ms": _summary(there),
        "missing": sorted(set(range(count)) - set(back)),
    }


def _hear(
    near: socket.socket, back: dict[int, tuple[int, int, int]], said: threading.Event
) -> None:
    """Note what comes back, until all was said and nothing has come for a while."""
    while True:
        was_said = said.is_set()
        try:
            packet = near.recv(2048)
        except TimeoutError:
            if was_said:
                return
            continue
        _, number, sent = STAMP.unpack_from(packet)
        back[number] = (sent, int.from_bytes(packet[-8:], "big"), time.monotonic_ns())


def _summary(samples: list[float]) -> dict[str, float]:
    if not samples:
        return {}
    return {
        "min": round(min(samples), 3),
        "mean": round(statistics.fmean(samples), 3),
        "p50": round(quantile(samples, 0.5), 3),
        "p99": round(quantile(samples, 0.99), 3),
        "max": round(max(samples), 3),
    }


def flood(host: str, mbit: float, seconds: float) -> dict[str, Any]:
    """Send datagrams of full size at so many Mbit/s; return what came through, in Mbit/s.

    The peak, over the best half of a second, is that of the link even if this machine was away
    for a moment.
    """
    gap = (FLOOD_SIZE + HEADERS) * 8 / (mbit * 1e6)
    packet = b"f".ljust(FLOOD_SIZE, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.connect((host, PORT))
        begin = time.monotonic()
        sent = 0
        while (passed := time.monotonic() - begin) < seconds:
            while sent * gap < passed:
                near.send(packet)
                sent += 1
            time.sleep(0.001)
        time.sleep(1.0)  # the queue of the link runs dry
        facts = _report_of(near)
    seconds = facts["last"] - facts["first"]
    rate = facts["bytes"] * 8 / seconds / 1e6 if seconds else 0.0
    peak = max(facts["spans"], default=0) * 8 / SPAN / 1e6
    return {
        "sent": sent,
        "came": facts["packets"],
        "mbit": round(rate, 3),
        "peak_mbit": round(peak, 3),
    }


def _report_of(near: socket.socket) -> dict[str, Any]:
    near.settimeout(0.3)
    for _ in range(20):
        near.send(b"?")
        try:
            return dict(json.loads(near.recv(2048)))
        except TimeoutError:
            continue
    raise RuntimeError("the other end of the link does not answer")


def tcp(host: str, seconds: float) -> dict[str, Any]:
    """Send over one connection; return its throughput in Mbit/s, without headers."""
    block = os.urandom(1 << 16)
    with socket.create_connection((host, PORT), timeout=30.0) as near:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            near.sendall(block)
        near.shutdown(socket.SHUT_WR)
        size, taken = json.loads(near.makefile().read())
    return {"mbit": round(size * 8 / taken / 1e6, 3), "seconds": round(taken, 3)}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.link.probe")
    parser.add_argument("role", choices=("serve", "echo", "flood", "tcp"))
    parser.add_argument("--host", default=os.environ.get("LINK_CAR", "127.0.0.1"))
    parser.add_argument("--hz", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=64, help="bytes in a datagram of echo")
    parser.add_argument("--mbit", type=float, default=100.0)
    options = parser.parse_args()
    if options.role == "serve":
        serve(options.host)
    elif options.role == "echo":
        print(json.dumps(echo(options.host, options.hz, options.seconds, options.size)))
    elif options.role == "flood":
        print(json.dumps(flood(options.host, options.mbit, options.seconds)))
    else:
        print(json.dumps(tcp(options.host, options.seconds)))


if __name__ == "__main__":
    main()
