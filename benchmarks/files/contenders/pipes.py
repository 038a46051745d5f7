"""tar into nc, and cp: nothing is verified, and nothing can go on after a cut."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, free_port, timed


@contextlib.contextmanager
def tar(ends: Ends) -> Iterator[Carry]:
    """One archive through one connection; it is waited for before the clock starts."""

    def carry(source: Path, target: Path, limit: float) -> Used:
        port, host = free_port(), ends.host(ends.source)
        give = f"tar -C {shlex.quote(str(source))} -cf - . | nc -N -l {host} {port}"
        take = f"nc {host} {port} | tar -C {shlex.quote(str(target))} -xf -"
        with Program(ends.command(ends.source, ["sh", "-c", give]), port) as server:
            done = timed(ends.command(ends.sink, ["sh", "-c", take]), limit)
            return Used(done.seconds, server.finish(), done.cpu, done.stopped)

    yield carry


@contextlib.contextmanager
def cp(_: Ends) -> Iterator[Carry]:
    """No network at all: what the file system alone takes."""

    def carry(source: Path, target: Path, limit: float) -> Used:
        command = ["cp", "-r", "--preserve=mode,timestamps", f"{source}/.", f"{target}/"]
        done = timed(command, limit)
        return Used(done.seconds, 0.0, done.cpu, done.stopped)

    yield carry


TAR = Contender("tar-nc", tar, ("tar", "nc"))
CP = Contender("cp", cp, ("cp",))
