"""``pynet get``, ``put`` and ``df``: files of a Gateway, both ways."""

from __future__ import annotations

import argparse
import json
import shutil
import sys

from pynet.cli.connecting import connected
from pynet.cli.text import plain, print_json, print_table, printable, size
from pynet.files.info import FOLDER, shown
from pynet.files.progress import Progress, Report
from pynet.files.transfer import Transfer
from pynet.remote import RemoteGateway

EXIT_PARTIAL = 6
"""Some files did not travel; stderr says which and why."""

WIDTH = 24
"""Characters of a progress bar."""


def get(options: argparse.Namespace) -> int:
    """Fetch files from a Gateway."""
    with connected(options) as gateway:
        if options.dry_run:
            return _show_selection(gateway, options)
        transfer = gateway.get(
            options.what, options.to, match=options.match, lanes=options.lanes,
            conflict=options.conflict, own_process=False,
        )  # fmt: skip
        return _follow(transfer, options)


def put(options: argparse.Namespace) -> int:
    """Send files to a Gateway."""
    with connected(options) as gateway:
        transfer = gateway.put(
            options.what, options.to, match=options.match, lanes=options.lanes,
            conflict=options.conflict, own_process=False,
        )  # fmt: skip
        return _follow(transfer, options)


def df(options: argparse.Namespace) -> None:
    """Show what a Gateway shares, and how full its disks are."""
    with connected(options) as gateway:
        rows = gateway.files.roots()
    if options.json:
        print_json([{**row, "share": row["usage"].share} for row in rows])
        return
    table = [
        (
            row["name"],
            "read and write" if row["write"] else "read",
            f"{100 * row['usage'].share:.1f} %",
            size(row["usage"].used),
            size(row["usage"].available),
        )
        for row in rows
    ]
    print_table(("ROOT", "MAY", "USED", "BYTES USED", "AVAILABLE"), table)


def list_folder(gateway: RemoteGateway, options: argparse.Namespace) -> None:
    """Print what is in a folder."""
    found = gateway.files.look(options.folder)
    if options.json:
        print_json([{"name": info.text, "kind": info.kind, "size": info.size,
                     "mtime_ns": info.mtime_ns, "mode": info.mode} for info in found])  # fmt: skip
        return
    for info in sorted(found, key=lambda info: (info.kind != FOLDER, info.name)):
        kind = "" if info.kind in (FOLDER, "file") else f"  ({info.kind}, does not travel)"
        amount = "-" if info.kind == FOLDER else size(info.size)
        slash = "/" if info.kind == FOLDER else ""
        print(printable(f"{amount:>12}  {info.text}{slash}{kind}"))


def _follow(transfer: Transfer[Report], options: argparse.Namespace) -> int:
    """Show how far it is until it is over; the exit status."""
    shows = sys.stderr.isatty() and not options.json
    try:
        for progress in transfer:
            if shows:
                sys.stderr.write("\r" + _line(progress))
                sys.stderr.flush()
    except KeyboardInterrupt:
        transfer.close()
        raise
    finally:
        if shows:
            sys.stderr.write("\n")
    return _tell(transfer.wait(), options)


def _line(progress: Progress) -> str:
    """One line as wide as the terminal: bar, amounts, rate, time left, lanes."""
    share = progress.bytes / progress.bytes_total if progress.bytes_total else 0.0
    done = round(WIDTH * share)
    left = "" if progress.eta is None else f", {_time(progress.eta)} left"
    lanes = f", {len(progress.lanes)} lanes" if progress.lanes else ""
    state = "" if progress.state == "running" else f"{progress.state}: "
    text = (
        f"[{'#' * done}{'.' * (WIDTH - done)}] {state}"
        f"{progress.files}/{progress.files_total} files, "
        f"{size(progress.bytes)} of {size(progress.bytes_total)}, {size(int(progress.rate))}/s"
        f"{left}{lanes}  {progress.note}"
    )
    width = shutil.get_terminal_size().columns - 1
    return printable(text)[:width].ljust(width)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _tell(report: Report, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps(plain({**plain(report), "problems": [
            {"name": shown(p.name), "code": p.code, "text": p.text} for p in report.problems
        ]})))  # fmt: skip
    else:
        rate = report.arrived / report.seconds if report.seconds else 0.0
        same = f", {report.identical} of them were there already" if report.identical else ""
        print(
            f"{report.files} files, {size(report.bytes)}{same}; {size(report.arrived)} sent in "
            f"{report.seconds:.1f} s, {size(int(rate))}/s"
        )
        for problem in report.problems:
            sys.stderr.write(printable(f"pynet: {shown(problem.name)}: {problem.text}") + "\n")
    return EXIT_PARTIAL if report.problems else 0


def _show_selection(gateway: RemoteGateway, options: argparse.Namespace) -> int:
    """Say what would be fetched, and fetch nothing."""
    found = gateway.files.find(options.what, match=options.match)
    if options.json:
        print_json([{"name": info.text, "size": info.size} for info in found])
    else:
        for info in found:
            print(printable(f"{size(info.size):>12}  {info.text}"))
        print(f"{len(found)} files, {size(sum(info.size for info in found))}; nothing was fetched")
    return 0
