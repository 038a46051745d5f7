"""Small files moved: each is durable at the sink before it is removed at the source."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.contenders import pynet as ours
from benchmarks.files.contenders.rsync import daemon
from benchmarks.files.contest import Contest, Goal, rounds_of
from benchmarks.files.ends import Ends
from benchmarks.files.processes import cpu_of
from benchmarks.files.room import (
    MEMORY,
    difference,
    names_below,
    room_in_memory,
    room_on_disk,
    target_in,
)
from benchmarks.files.sets import small
from benchmarks.files.small import METRICS
from benchmarks.harness import Report, Target

SIZE = 256 << 20
GOALS = (Goal("pynet-backup", "files_per_second", Target(4000.0, at_least=True, of_ratio=False)),)


@contextlib.contextmanager
def rsync(ends: Ends, *options: str) -> Iterator[Carry]:
    """rsync that syncs each file at the sink, and removes it at the source."""
    with daemon(ends, "--remove-source-files", "--fsync", *options) as carry:
        yield of_copies(ends, carry)


@contextlib.contextmanager
def backup(ends: Ends) -> Iterator[Carry]:
    """A backup with a policy that moves everything."""
    with ours.gateway(ends, ends.source, tls=False) as server:
        address = f"{ends.host(ends.source)}:{server.facts['port']}"
        numbers = itertools.count()

        def carry(source: Path, target: Path, limit: float) -> Used:
            with ours.controller(ends, ends.sink, address, tls=False) as client:
                ours.warm(client, ends, None)
                before = cpu_of(server.pid), cpu_of(client.pid)
                root = f"moved{next(numbers)}"
                server.ask(f"share {root} {source}", ours.START)
                order = f"backup {root} {target}"
                facts = ours.told(client.ask(order, limit + ours.PATIENCE))
                used = cpu_of(server.pid) - before[0], cpu_of(client.pid) - before[1]
            return Used(facts["seconds"], *used, facts=facts)

        yield of_copies(ends, carry)


def of_copies(ends: Ends, carry: Carry) -> Carry:
    """Let copies be moved, which are durable themselves, and see that nothing is left of them."""

    def carry_copy(source: Path, target: Path, limit: float) -> Used:
        with target_in(ends.room) as staging, own_disk(ends.room, staging):
            subprocess.run(["cp", "-a", f"{source}/.", str(staging)], check=True)
            subprocess.run(["sync", "-f", str(staging)], check=True)
            used = carry(staging, target, limit)
            if left := len(names_below(staging)):
                raise RuntimeError(f"{left} files are still at the source")
        return used

    return carry_copy


@contextlib.contextmanager
def own_disk(room: Path, place: Path) -> Iterator[None]:
    """Mount an empty disk: a backup looks how empty the source's gets by what it removes.

    In memory where the room is, else an image in it, with the file system that most have.
    """
    image = room / "device.img"
    if room.is_relative_to(MEMORY):
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    else:
        with image.open("wb") as file:
            file.truncate(SIZE)
        run("mkfs.ext4", "-q", "-m", "0", str(image))
        command = ["mount", "-o", "loop", str(image), str(place)]
    run(*command)
    try:
        yield
    finally:
        run("umount", "-l", str(place))
        image.unlink(missing_ok=True)


def run(*command: str) -> None:
    """Run a program that may not be had, or not by everybody.

    Raises:
        RuntimeError: it says why.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")


def moved(source: Path, target: Path) -> str | None:
    """Compare what came, wherever below the target it lies, with the source."""
    name = min(names_below(source))
    for path in target.rglob(Path(name).name):
        above = str(path).removesuffix(f"/{name}")
        if above != str(path):
            return difference(source, Path(above))
    return f"{name} did not come"


# What the sink says of each file is small, and waits for an acknowledgement of what it said before,
# if nobody tells rsync otherwise.
NODELAY = "--sockopts=TCP_NODELAY"
CONTENDERS = (
    Contender("rsync-fsync", rsync, ("rsync",)),
    Contender("rsync-fsync-nodelay", lambda ends: rsync(ends, NODELAY), ("rsync",)),
    Contender("pynet-backup", backup),
)


def measure(report: Report) -> None:
    """Files a second, in memory and on disk."""
    for where, opened in (("in memory", room_in_memory()), ("on disk", room_on_disk())):
        with opened as room:
            work = small(room, f"10 000 moved {where}", 500 if report.quick else 10_000)
            contest = Contest(report, work, check=moved)
            contest.run(CONTENDERS, Ends(room), rounds_of(report, 3))
            contest.tell(GOALS, METRICS)
