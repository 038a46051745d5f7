"""Sockets and sendfile alone: the least that several connections take. Nothing is verified."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, free_port, timed

PROGRAM = (sys.executable, "-m", "benchmarks.peers.file_raw")


@contextlib.contextmanager
def sockets(ends: Ends, lanes: int, *, warm: bool = False, congestion: str = "") -> Iterator[Carry]:
    """Serve; each transfer is a client of its own.

    Args:
        ends: of the transfer.
        lanes: connections.
        warm: they are there before the clock starts.
        congestion: control for these alone; that of the system or the link if empty.
    """
    port, host = free_port(), ends.host(ends.source)
    serve = [*PROGRAM, "serve", host, str(port), congestion]
    with Program(ends.command(ends.source, serve), port) as server:

        def carry(source: Path, target: Path, limit: float) -> Used:
            before = server.cpu
            words = ["fetch", host, port, lanes, source, target, *(["warm"] if warm else [])]
            command = ends.command(ends.sink, [*PROGRAM, *map(str, words)])
            done = timed(command, limit, waits=warm)
            facts = {} if done.stopped else json.loads(done.said.splitlines()[-1])
            return Used(done.seconds, server.cpu - before, done.cpu, done.stopped, facts)

        yield carry


def raw(lanes: int, *, warm: bool = False, congestion: str = "") -> Contender:
    """Return the contender with so many connections."""
    name = f"raw-{lanes}" + ("-warm" if warm else "") + (f"-{congestion}" if congestion else "")
    return Contender(name, partial(sockets, lanes=lanes, warm=warm, congestion=congestion))
