"""rsync: its daemon at the source, its client at the other end. It verifies what it writes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, free_port, timed

# Folders, modes and times as pynet carries them; owners and links it does not.
OPTIONS = ("-rpt",)
SETTINGS = """\
pid file = {folder}/rsyncd-{port}.pid
use chroot = no
max verbosity = 0
[room]
path = {room}
read only = no
{users}
"""


@contextlib.contextmanager
def serve(ends: Ends) -> Iterator[tuple[Program, str]]:
    """Serve the room; give the daemon and the address of the room there."""
    port, folder, host = free_port(), ends.folder("rsync"), ends.host(ends.source)
    settings = folder / f"rsyncd-{port}.conf"
    # It works as who started it; as root it would take nobody's rights instead.
    users = "uid = 0\ngid = 0" if os.geteuid() == 0 else ""
    settings.write_text(SETTINGS.format(folder=folder, port=port, room=ends.room, users=users))
    command = ["rsync", "--daemon", "--no-detach", f"--config={settings}", f"--port={port}"]
    with Program(ends.command(ends.source, [*command, f"--address={host}"]), port) as server:
        yield server, f"rsync://{host}:{port}/room"


@contextlib.contextmanager
def daemon(ends: Ends, *options: str) -> Iterator[Carry]:
    """Serve; each transfer is a client of its own."""
    with serve(ends) as (server, room):

        def carry(source: Path, target: Path, limit: float) -> Used:
            before = server.cpu
            url = f"{room}/{source.relative_to(ends.room)}/"
            done = timed(fetch(ends, url, target, *options), limit)
            server.settle()
            return Used(done.seconds, server.cpu - before, done.cpu, done.stopped)

        yield carry


def fetch(ends: Ends, source: str, target: Path, *options: str) -> list[str]:
    """Return the client's command."""
    return ends.command(ends.sink, ["rsync", *OPTIONS, *options, source, f"{target}/"])


RSYNC = Contender("rsync", daemon, ("rsync",))
