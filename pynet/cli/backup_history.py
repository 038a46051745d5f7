"""``pynet backup history``: what was moved here, from any device; no device is asked."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pynet.cli.backup_options import folder_of
from pynet.cli.text import counted, print_json, print_table, printable, size
from pynet.errors import ConfigurationError, FilesError
from pynet.files.info import shown

if TYPE_CHECKING:
    from pynet.backup.place import Place
    from pynet.files.ledger import Job


def history(options: argparse.Namespace) -> None:
    """List what was moved here."""
    from pynet.backup.history import read_history
    from pynet.backup.place import Place
    from pynet.backup.returning import find_job
    from pynet.backup.service import ALGORITHM

    place = Place(folder_of(options), "", "")
    jobs = read_history(place)
    if options.job is None:
        if options.manifest or options.checksums:
            raise ConfigurationError("say of which job; pynet backup history lists them")
        if options.json:
            print_json([{**job.manifest(), "files": len(job.entries)} for job in jobs])
        else:
            _print_jobs(place, jobs)
        return
    job = find_job(jobs, options.job)
    if job is None:
        raise FilesError(f"no job is called {options.job!r}; pynet backup history lists them")
    if options.manifest is not None:
        _write(options.manifest, json.dumps(job.manifest(), indent=2) + "\n")
    if options.checksums:
        sys.stdout.flush()
        sys.stdout.buffer.write(job.checksums(ALGORITHM))
        left = len(job.entries) - job.checksums(ALGORITHM).count(b"\n")
        if left:
            sys.stderr.write(
                f"pynet: {counted(left)} above 1 MiB left out; their digests are in the manifest\n"
            )
    elif options.json:
        print_json(job.manifest())
    elif options.manifest is None:
        _print_job(job)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, "utf-8")
    except OSError as error:
        raise FilesError(f"{path} cannot be written: {error.strerror}") from error


def _print_jobs(place: Place, jobs: Sequence[Job]) -> None:
    """One a line, newest first."""
    if not jobs:
        print(printable(f"nothing was moved to {place.path} yet"))
        return
    rows = [
        (
            job.id,
            _when(job.time),
            f"{job.owner} {job.source}",
            str(len(job.entries)),
            size(job.size),
            _where(place, job),
        )
        for job in jobs
    ]
    print_table(("JOB", "WHEN", "OF", "FILES", "BYTES", "WHERE"), rows)


def _print_job(job: Job) -> None:
    """Its files."""
    rows = [
        (
            shown(entry.name),
            size(entry.size),
            _when(entry.mtime_ns / 1e9),
            entry.outcome or "not known yet",
            f"{entry.algorithm}:{entry.root.hex()}",
            f"{entry.store}/" * bool(entry.store) + shown(entry.final_name),
        )
        for entry in job.entries.values()
    ]
    print_table(("NAME", "SIZE", "CHANGED", "THERE", "DIGEST", "HERE"), rows)


def _where(place: Place, job: Job) -> str:
    """The folder of all its files, here or in a store."""
    first = next(iter(job.entries.values()), None)
    if first is None:
        return str(place.path)
    folder = "/".join(shown(first.final_name).split("/")[:2])
    return f"{first.store}/{folder}" if first.store else str(place.path / folder)


def _when(seconds: float) -> str:
    with contextlib.suppress(OSError, OverflowError, ValueError):  # a clock gone mad
        return dt.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    return "?"
