"""``pynet backup``: when a disk is too full, its oldest files move here."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pynet.cli import backup_text as text
from pynet.cli.backup_options import folder_of, policy_of
from pynet.cli.connecting import connected
from pynet.cli.progress import follow
from pynet.cli.serving import ended_by_signals
from pynet.cli.text import counted, plain, print_json, printable, size
from pynet.errors import (
    AuthenticationError,
    ConnectError,
    FilesError,
    PynetError,
    SubroutineError,
    VersionMismatch,
)
from pynet.remote import RemoteGateway

if TYPE_CHECKING:
    from pynet.backup import Backup, BackupReport, Plan, Status

EXIT_NOTHING, EXIT_EXHAUSTED, EXIT_FULL, EXIT_PARTIAL = 3, 4, 5, 6

EXITS = {
    "done": 0,
    "ready": 0,
    "idle": EXIT_NOTHING,
    "exhausted": EXIT_EXHAUSTED,
    "held elsewhere": EXIT_EXHAUSTED,
    "destination full": EXIT_FULL,
}
"""Exit statuses by what a plan, or a run, comes to."""

AWAY = 30.0
"""Seconds after which a device that is away is looked for again, at most."""


def plan(options: argparse.Namespace) -> int:
    """Show what would move."""
    with connected(options) as gateway:
        return _show(_backup(gateway, options), options)


def run(options: argparse.Namespace) -> int:
    """Move files."""
    with ended_by_signals(), connected(options) as gateway:
        backup = _backup(gateway, options)
        if options.dry_run:
            return _show(backup, options)
        if options.yes:
            backup.agree()
        if not backup.place.state().previewed:
            made = backup.plan(below=options.below)
            _print(made, backup, options)
            if not made.steps:
                return EXITS[made.status.value]
            if not _agreed(backup, options):
                return EXIT_NOTHING
        transfer = backup.run(below=options.below)
        try:
            report = follow(transfer, shows=not options.json)
        except KeyboardInterrupt:
            moved = f"{counted(transfer.progress.files)} moved"
            _tell(f"stopped; {moved}, nothing is lost, and the same command goes on from there")
            raise
        return _tell_report(report, backup, options)


def watch(options: argparse.Namespace) -> int:
    """Look every so often, and run when it is time."""
    with ended_by_signals(), contextlib.suppress(KeyboardInterrupt):
        _Watch(options).run()
    return 0


def status(options: argparse.Namespace) -> None:
    """Show how full both disks are."""
    with connected(options) as gateway:
        backup = _backup(gateway, options)
        found = backup.status()
    if options.json:
        print_json(_described_status(backup, found))
    else:
        text.print_status(backup, found)


def restore(options: argparse.Namespace) -> int:
    """Put files back."""
    with ended_by_signals(), connected(options) as gateway:
        backup = _backup(gateway, options)
        report = follow(backup.restore(options.what), shows=not options.json)
    if options.json:
        print_json({**plain(report), "problems": text.described(report.problems)})
    else:
        rest = ", all of it was there already" if report.files == report.identical else ""
        print(f"{counted(report.files)}, {size(report.bytes)} put back into {backup.root}{rest}")
        text.tell_problems(report.problems)
    return EXIT_PARTIAL if report.problems else 0


# ---- parts of them -----------------------------------------------------------------------


def _backup(gateway: RemoteGateway, options: argparse.Namespace) -> Backup:
    from pynet.backup import Backup

    policy = policy_of(options, _suggested(gateway, options)) if "policy" in options else None
    lanes = getattr(options, "lanes", None)
    return Backup(
        gateway, options.root, folder_of(options), policy,
        lanes=lanes, own_process=False, store=options.store,
    )  # fmt: skip


def _suggested(gateway: RemoteGateway, options: argparse.Namespace) -> dict[str, Any]:
    """The policy that a car has in its file for this root; most other devices have none."""
    try:
        found = gateway.call("backup_policy", options.root, timeout=options.timeout)
    except SubroutineError:
        return {}
    return found if isinstance(found, dict) else {}


def _show(backup: Backup, options: argparse.Namespace) -> int:
    """Print a plan; the exit status."""
    made = backup.plan(below=options.below)
    _print(made, backup, options)
    return EXITS[made.status.value]


def _print(made: Plan, backup: Backup, options: argparse.Namespace) -> None:
    if options.json:
        print_json(text.described_plan(backup, made))
    else:
        text.print_plan(backup, made, all=options.all)


def _agreed(backup: Backup, options: argparse.Namespace) -> bool:
    """Ask a person, if there is one."""
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _tell(
            "nothing was moved, because nobody has agreed to it yet; look at the plan, then give "
            "the same command with --yes. That is needed once"
        )
        return False
    sys.stdout.write(f"Move them, and files of {backup.root} from now on? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing was moved")
        return False
    backup.agree()
    return True


def _tell_report(report: BackupReport, backup: Backup, options: argparse.Namespace) -> int:
    if options.json:
        print_json(_described_report(report))
    else:
        text.print_report(report, backup)
    status = EXITS[report.verdict]
    return EXIT_PARTIAL if status == 0 and report.kept else status


def _described_report(report: BackupReport) -> dict[str, Any]:
    return {**plain(report), "kept": text.described(report.kept)}


def _described_status(backup: Backup, found: Status) -> dict[str, Any]:
    return {
        **plain(found),
        "share": found.usage.share,
        "root": backup.root,
        "to": str(backup.place.path),
        "policy": backup.policy.to_dict(),
    }


def _tell(sentence: str) -> None:
    sys.stderr.write(f"pynet: {printable(sentence)}\n")


class _Watch:
    """``pynet backup watch``: tells what changes, and not the same twice."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._last = ""
        self._stop = threading.Event()

    def run(self) -> None:
        """Until the process is told to end; a device that is away is waited for."""
        while True:
            try:
                with connected(self._options) as gateway:
                    backup = _backup(gateway, self._options)
                    self._begin(backup)
                    for came in self._watch(backup):
                        self._came(came, backup)
            except (AuthenticationError, VersionMismatch):
                raise
            except ConnectError as error:
                self._came(error, None)
            self._stop.wait(min(self._options.interval, AWAY))

    def _begin(self, backup: Backup) -> None:
        if self._options.yes:
            backup.agree()
        if not backup.place.state().previewed:
            raise FilesError(
                f"nobody has agreed yet that files of {backup.root} are moved: look at "
                "pynet backup plan, then give --yes once"
            )

    def _watch(self, backup: Backup) -> Iterator[BackupReport | PynetError]:
        def look(found: Status) -> None:
            if self._options.json:
                self._line({"event": "status", **_described_status(backup, found)})
            else:
                self._say(text.status_line(backup, found))

        return backup.watch(self._options.interval, on_status=look)

    def _came(self, came: BackupReport | PynetError, backup: Backup | None) -> None:
        if isinstance(came, PynetError):
            if self._options.json:
                self._line({"event": "error", "error": str(came)})
            elif str(came) != self._last:
                self._last = str(came)
                _tell(f"{came}; it is tried again")
        elif self._options.json:
            self._line({"event": "run", **_described_report(came)})
        elif backup is not None:
            text.print_report(came, backup)
            sys.stdout.flush()

    def _say(self, sentence: str) -> None:
        if sentence != self._last:
            self._last = sentence
            print(printable(sentence), flush=True)

    @staticmethod
    def _line(value: dict[str, Any]) -> None:
        print(json.dumps(plain(value)), flush=True)
