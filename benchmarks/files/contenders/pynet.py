"""pynet: a Gateway that shares the room, and a Controller; each with its own processes.

All that these benchmarks know of its interface is here and in ``benchmarks.peers.files_*``.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.ends import Ends
from benchmarks.files.processes import cpu_of, timed
from benchmarks.harness import Peer

ROOM = "room"
"""What the Gateway calls the folder that everything is in."""
MOST_LANES = 8
START = 30.0
PATIENCE = 5.0
"""Seconds more than a transfer may take, until its process is taken for dead."""


@contextlib.contextmanager
def gateway(ends: Ends, place: str, *, tls: bool, drive: bool = False) -> Iterator[Peer]:
    """Start a Gateway that shares the room; with a sink for commands, if it is to be driven."""
    options = {"room": str(ends.room), "insecure": not tls, "drive": drive}
    words = ("files_gateway", ends.host(place), json.dumps(options))
    with Peer(*words, prefix=ends.command(place, []), patience=START) as peer:
        yield peer


@contextlib.contextmanager
def controller(ends: Ends, place: str, address: str, *, tls: bool) -> Iterator[Peer]:
    """Start a Controller that is connected."""
    options = {"insecure": not tls}
    words = ("files_controller", address, json.dumps(options))
    with Peer(*words, prefix=ends.command(place, []), patience=START) as peer:
        yield peer


def warm(peer: Peer, ends: Ends, lanes: int | None) -> None:
    """Let the swarm connect, by a transfer of nearly nothing."""
    few = ends.folder("warm")
    (few / "few.txt").write_text("warm\n")
    words = f"{shared(ends, few)} {ends.folder('warmed')}"
    order = f"carry get {words} {lanes or MOST_LANES} {START}"
    told(peer.ask(order, START))


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a Controller answers.

    Raises:
        RuntimeError: it failed; the message says why.
    """
    if reason := answer.get("failed"):
        raise RuntimeError(reason)
    return answer


def shared(ends: Ends, folder: Path) -> str:
    """Return what a folder of the room is called at the Gateway: what is in it is meant."""
    return f"{ROOM}/{folder.relative_to(ends.room)}/"


@contextlib.contextmanager
def swarm(
    ends: Ends, way: str = "get", lanes: int | None = None, *, tls: bool = False
) -> Iterator[Carry]:
    """Serve; each transfer has a Controller of its own, connected before the clock starts.

    A new one each time: a swarm that has carried before knows the link better than its peers do.

    Args:
        ends: of the transfer.
        way: ``get`` has the Gateway at the source, ``put`` at the sink.
        lanes: as many; None lets it find out.
        tls: encrypted.
    """
    here, there = (ends.source, ends.sink) if way == "get" else (ends.sink, ends.source)
    with gateway(ends, here, tls=tls) as server:
        address = f"{ends.host(here)}:{server.facts['port']}"

        def carry(source: Path, target: Path, limit: float) -> Used:
            with controller(ends, there, address, tls=tls) as client:
                warm(client, ends, lanes)
                before = cpu_of(server.pid), cpu_of(client.pid)
                if way == "get":
                    words = f"{shared(ends, source)} {target}"
                else:
                    words = f"{source}/ {shared(ends, target)}"
                order = f"carry {way} {words} {lanes or 0} {limit}"
                facts = told(client.ask(order, limit + PATIENCE))
                used = cpu_of(server.pid) - before[0], cpu_of(client.pid) - before[1]
            source_used, sink_used = used if way == "get" else used[::-1]
            stopped = facts["share"] < 1.0
            return Used(facts["seconds"], source_used, sink_used, stopped, facts)

        yield carry


@contextlib.contextmanager
def command_line(ends: Ends, *, tls: bool = False) -> Iterator[Carry]:
    """Serve; each transfer is a ``pynet get`` that starts, connects and ends."""
    with gateway(ends, ends.source, tls=tls) as server:
        address = f"{ends.host(ends.source)}:{server.facts['port']}"
        security = [] if tls else ["--insecure"]

        def carry(source: Path, target: Path, limit: float) -> Used:
            words = [sys.executable, "-m", "pynet", "get", *security, address]
            before = cpu_of(server.pid)
            command = ends.command(ends.sink, [*words, shared(ends, source), str(target)])
            done = timed(command, limit)
            return Used(done.seconds, cpu_of(server.pid) - before, done.cpu, done.stopped)

        yield carry


def get(lanes: int) -> Contender:
    """Return the contender that gets over so many lanes."""
    return Contender(f"pynet-get-{lanes}", partial(swarm, lanes=lanes))


GET = Contender("pynet-get", swarm)
PUT = Contender("pynet-put", partial(swarm, way="put"))
COLD = Contender("pynet-cold", command_line)
GET_TLS = Contender("pynet-get-tls", partial(swarm, tls=True))
PUT_TLS = Contender("pynet-put-tls", partial(swarm, way="put", tls=True))
COLD_TLS = Contender("pynet-cold-tls", partial(command_line, tls=True))
