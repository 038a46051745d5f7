"""Files over HTTP: aria2 with eight connections, and Python's own client with one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from benchmarks.files.contenders import Carry, Contender, Used
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, free_port, timed

PROGRAM = (sys.executable, "-m", "benchmarks.peers.file_http")
ARIA2 = (
    *("aria2c", "--no-conf", "-q", "-x8", "-s8", "-j8", "--min-split-size=1M"),
    *("--file-allocation=none", "--auto-file-renaming=false", "--allow-overwrite=true"),
)

Client = Callable[[str, Path, Path], list[str]]
"""The client's command: address, a list of what to fetch, target."""


@contextlib.contextmanager
def http(ends: Ends, client: Client) -> Iterator[Carry]:
    """Serve the room; clients get the list of files for nothing."""
    port, host = free_port(), ends.host(ends.source)
    serve = [*PROGRAM, "serve", host, str(port), str(ends.room)]
    with Program(ends.command(ends.source, serve), port) as server:

        def carry(source: Path, target: Path, limit: float) -> Used:
            before = server.cpu
            wanted = ends.folder("http") / f"{port}.list"
            base = f"http://{host}:{port}/{quote(str(source.relative_to(ends.room)))}"
            wanted.write_text("".join(f"{base}/{name}\n out={name}\n" for name in names(source)))
            done = timed(ends.command(ends.sink, client(base, wanted, target)), limit)
            return Used(done.seconds, server.cpu - before, done.cpu, done.stopped)

        yield carry


def names(source: Path) -> list[str]:
    """Return the files below a folder, as parts of an address."""
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    return [quote(str(path.relative_to(source))) for path in paths]


def aria2(_: str, wanted: Path, target: Path) -> list[str]:
    """Return aria2's command."""
    return [*ARIA2, f"--input-file={wanted}", f"--dir={target}"]


def python(base: str, wanted: Path, target: Path) -> list[str]:
    """Return the command of Python's own client."""
    return [*PROGRAM, "fetch", base, str(wanted), str(target)]


ARIA2_8 = Contender("aria2-8", partial(http, client=aria2), ("aria2c",))
PYTHON_HTTP = Contender("python-http", partial(http, client=python))
