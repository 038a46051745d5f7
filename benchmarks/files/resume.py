"""A large file on disk, its transfer killed halfway, and resumed by a new process."""

from __future__ import annotations

import contextlib
import itertools
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from benchmarks.files.contenders import program
from benchmarks.files.contenders import pynet as ours
from benchmarks.files.contenders.rsync import fetch, serve
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, cpu_of, end_all, read_by, received_over
from benchmarks.files.room import names_below, room_on_disk, same, target_in
from benchmarks.files.sets import MIB, Work, large
from benchmarks.harness import Peer, Report, Target
from benchmarks.link import LinkError, system
from benchmarks.links.table import laid_out

MOVING = 4 * MIB
"""Bytes after which a transfer is taken for under way again."""
STEP = 0.01
LIMIT = 120.0
# To hash again what was there would read 2 147 MB. What is read is the programs themselves, and
# again what came in pieces.
GOALS = {
    "sent_again": Target(64 * MIB / 1e6, of_ratio=False),
    "read_at_sink": Target(2048 * MIB / 10 / 1e6, of_ratio=False),
    "restart": Target(1.0, of_ratio=False),
}
OURS = "pynet-get"
UNITS = {"restart": "s", "cpu_until_restart": "s", "seconds": "s"}
"""All others are megabytes."""


class Client(Protocol):
    """A process that transfers, and others that it has started."""

    pid: int

    def has_ended(self) -> bool:
        """Tell whether all has come."""

    def close(self) -> None:
        """End it."""


class Swarm:
    """pynet's."""

    def __init__(self, ends: Ends, address: str, work: Work, target: Path) -> None:
        words = ("files_controller", address, '{"insecure": true}')
        self._peer = Peer(*words, prefix=ends.command(ends.sink, []), patience=ours.START)
        self.pid = self._peer.pid
        order = f"begin get {ours.shared(ends, work.source)} {target} 0"
        ours.told(self._peer.ask(order))

    def has_ended(self) -> bool:
        """Tell whether all has come."""
        state = ours.told(self._peer.ask("progress"))["state"]
        if state in ("failed", "cancelled"):
            raise RuntimeError(f"the transfer has {state}")
        return bool(state == "done")

    def close(self) -> None:
        """End it."""
        self._peer.close()


@dataclass(frozen=True)
class Server:
    """The end that is not killed.

    Attributes:
        pid: of its process.
        begin: starts a client that transfers to a folder.
    """

    pid: int
    begin: Callable[[Path], Client]


@contextlib.contextmanager
def pynet(ends: Ends, work: Work) -> Iterator[Server]:
    """Serve a swarm that begins with as many lanes as it likes."""
    with ours.gateway(ends, ends.source, tls=False) as peer:
        address = f"{ends.host(ends.source)}:{peer.facts['port']}"
        yield Server(peer.pid, lambda target: Swarm(ends, address, work, target))


@contextlib.contextmanager
def rsync(ends: Ends, work: Work, option: str) -> Iterator[Server]:
    """Serve a client with one of the options that let it go on."""
    if program("rsync") is None:
        raise RuntimeError("not installed: rsync")
    with serve(ends) as (daemon, room):
        url = f"{room}/{work.source.relative_to(ends.room)}/"
        yield Server(daemon.pid, lambda to: Program(fetch(ends, url, to, option), None))


CONTENDERS: Mapping[str, Callable[[Ends, Work], AbstractContextManager[Server]]] = {
    "rsync-partial": partial(rsync, option="--partial"),
    "rsync-append-verify": partial(rsync, option="--append-verify"),
    OURS: pynet,
}


@dataclass(frozen=True)
class Outcome:
    """What it took to go on.

    Attributes:
        restart: seconds from the start of the new process until it was under way.
        cpu_until_restart: of both ends, in seconds.
        seconds: until all had come.
        sent_again: megabytes that crossed the network in both runs, less those of the file.
        read_at_sink: megabytes that the new process read from files, by its end. For rsync, also
            what it read from its socket.
        read_at_source: the same at the other end, what it sent included.
    """

    restart: float
    cpu_until_restart: float
    seconds: float
    sent_again: float
    read_at_sink: float
    read_at_source: float


def kill_and_resume(server: Server, work: Work, target: Path) -> Outcome:
    """Transfer one half, kill the client and all its processes at once, and begin again."""
    start = wire(server)
    client = server.begin(target)
    try:
        wait(client, lambda: wire(server) - start >= work.bytes / 2)
        end_all(client.pid, signal.SIGKILL)
    finally:
        client.close()
    first = settled(server) - start
    before = wire(server), cpu_of(server.pid), read_by(server.pid)
    begin = time.monotonic()
    client = server.begin(target)
    try:
        wait(client, lambda: wire(server) - before[0] >= MOVING)
        restart = time.monotonic() - begin
        cpu = cpu_of(server.pid) - before[1] + cpu_of(client.pid)
        read = 0
        while not client.has_ended():
            read = max(read, read_by(client.pid))
            time.sleep(STEP)
        seconds = time.monotonic() - begin
    finally:
        client.close()
    sent = first + settled(server) - before[0]
    # What rsync leaves of a process that was killed lies beside it, under another name.
    if odd := [name for name in names_below(work.source) if not arrived(work, name, target)]:
        raise RuntimeError(f"{odd[0]} has another content")
    at_source = read_by(server.pid) - before[2]
    return Outcome(restart, cpu, seconds, (sent - work.bytes) / 1e6, read / 1e6, at_source / 1e6)


def arrived(work: Work, name: str, target: Path) -> bool:
    """Tell whether a file is there, byte for byte."""
    return (target / name).is_file() and same(work.source / name, target / name)


def wait(client: Client, until: Callable[[], bool]) -> None:
    """Wait for something that comes before the end of the transfer."""
    deadline = time.monotonic() + LIMIT
    while not until():
        if client.has_ended():
            raise RuntimeError("the transfer ended early")
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing came within {LIMIT:g} s")
        time.sleep(STEP)


def wire(server: Server) -> int:
    """Return the bytes that went over the network until now, with all headers."""
    return received_over("lo", server.pid)


def settled(server: Server) -> int:
    """Return the same when nothing is under way any more."""
    last = -1
    while (now := wire(server)) != last:
        last = now
        time.sleep(0.3)
    return now


_numbers = itertools.count(1)


@contextlib.contextmanager
def quiet_network() -> Iterator[str | None]:
    """Make a namespace where only what is measured counts; None where there can be none."""
    name = system.space_name("alone", next(_numbers))
    try:
        system.make_space(name)
    except LinkError as error:
        print(f"files.resume: what others send counts, too: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield name
    finally:
        system.remove_space(name)


def measure(report: Report) -> None:
    """What is sent and read again, and how soon it goes on."""
    outcomes: dict[str, list[Outcome]] = {}
    failed: dict[str, str] = {}
    with room_on_disk() as room, quiet_network() as space:
        work = large(room, "4 GiB", (256 if report.quick else 4096) * MIB)
        ends = Ends(room, space=space)
        for number in range(1 if report.quick else 2):
            for name in list(CONTENDERS) if number % 2 == 0 else list(CONTENDERS)[::-1]:
                if name in failed or (report.only and name not in report.only):
                    continue
                try:
                    with CONTENDERS[name](ends, work) as server, target_in(room) as target:
                        outcome = kill_and_resume(server, work, target)
                except (RuntimeError, OSError) as error:
                    failed[name] = str(error)
                    print(f"files.resume: {name} did not run: {error}", file=sys.stderr)
                    continue
                outcomes.setdefault(name, []).append(outcome)
                print(f"files.resume: {name}: {outcome}", file=sys.stderr, flush=True)
    for name, reason in failed.items():
        report.missing(name, reason)
    tell(report, outcomes)


def tell(report: Report, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Print medians, and a table."""
    rows: list[list[str]] = []
    for name, some in outcomes.items():
        figures = {
            key: statistics.median(asdict(one)[key] for one in some) for key in asdict(some[0])
        }
        rows = rows or [["", *(key.replace("_", " ") for key in figures), ""]]
        verdicts = []
        for metric, value in figures.items():
            target = GOALS.get(metric) if name == OURS else None
            unit = UNITS.get(metric, "MB")
            report.figure(f"4 GiB {metric}", value, unit, target=target, of=name)
            if target is not None:
                met = "met" if target.is_met(value, None) else "MISSED"
                verdicts.append(f"{metric} {target}: {met}")
        rows.append([name, *(f"{value:.2f}" for value in figures.values()), "; ".join(verdicts)])
    report.keep("4 GiB", {name: [asdict(one) for one in some] for name, some in outcomes.items()})
    print("\nkilled halfway through 4 GiB", *laid_out(rows), "", sep="\n", file=sys.stderr)
