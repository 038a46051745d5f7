"""``pynet get``, ``put`` and ``df``: files of a Gateway, both ways."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pynet.cli.connecting import connected
from pynet.cli.progress import follow
from pynet.cli.text import (
    amounts,
    counted,
    duration,
    plain,
    print_json,
    print_table,
    printable,
    size,
)
from pynet.files.info import FILE, FOLDER, LINK, OTHER, FileInfo, Problem, shown
from pynet.files.progress import DONE, Report
from pynet.files.transfer import Transfer
from pynet.remote import RemoteGateway

EXIT_PARTIAL = 6
"""Some files did not travel; stderr says which and why."""

_STAYS = {LINK: "link", OTHER: "device, pipe or socket"}


def get(options: argparse.Namespace) -> int:
    """Fetch files from a Gateway."""
    with connected(options) as gateway:
        if options.dry_run:
            found = gateway.files.find(options.what, match=options.match)
            return _show_selection(found, options)
        transfer = gateway.get(
            options.what, options.to, match=options.match, lanes=options.lanes,
            conflict=options.conflict, own_process=False,
        )  # fmt: skip
        return _follow(transfer, options)


def put(options: argparse.Namespace) -> int:
    """Send files to a Gateway."""
    if options.dry_run:
        return _show_selection(list(_files_here(options)), options)
    with connected(options) as gateway:
        transfer = gateway.put(
            options.what, options.to, match=options.match, lanes=options.lanes,
            conflict=options.conflict, own_process=False,
        )  # fmt: skip
        return _follow(transfer, options)


def _files_here(options: argparse.Namespace) -> Iterator[FileInfo]:
    """What ``put`` would send; names as they are to be over there."""
    from pynet.files.engine import local_origin  # which loads all that transfers need

    for path in options.what:
        tree, selection = local_origin(path, options.match)
        with tree:
            for thing in tree.scan(selection):
                if isinstance(thing, Problem):
                    sys.stderr.write(printable(f"pynet: {thing.text}") + "\n")
                elif thing.kind == FILE:
                    yield replace(thing, name=selection.below(thing.name))


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
        kind = f"  ({_STAYS[info.kind]}, does not travel)" if info.kind in _STAYS else ""
        amount = "-" if info.kind == FOLDER else size(info.size)
        slash = "/" if info.kind == FOLDER else ""
        print(printable(f"{amount:>12}  {info.text}{slash}{kind}"))


def _follow(transfer: Transfer[Report], options: argparse.Namespace) -> int:
    """Show how far it is until it is over; the exit status."""
    try:
        report = follow(transfer, shows=not options.json)
    except KeyboardInterrupt:
        if transfer.state != DONE:
            last = transfer.progress
            here = amounts(last.bytes, max(last.bytes, last.bytes_total))
            sys.stderr.write(f"pynet: stopped at {here}; the same command goes on from there\n")
        raise
    return _tell(report, options)


def _tell(report: Report, options: argparse.Namespace) -> int:
    """Say what came of it; the exit status."""
    if options.json:
        problems = [
            {"name": shown(p.name), "code": p.code, "text": p.text} for p in report.problems
        ]
        print_json({**plain(report), "problems": problems})
    else:
        print(f"{counted(report.files)}, {size(report.bytes)}: {_what_was_sent(report)}")
        for problem in report.problems:
            name = shown(problem.name)
            text = problem.text if name in problem.text else f"{name}: {problem.text}"
            sys.stderr.write(printable(f"pynet: {text}") + "\n")
        if not report.files and not report.problems:
            sys.stderr.write("pynet: no file is called so, or fits\n")
    return EXIT_PARTIAL if report.problems else 0


def _what_was_sent(report: Report) -> str:
    if report.files and report.identical == report.files and not report.arrived:
        return "all of it was there already"
    rate = report.arrived / report.seconds if report.seconds else 0.0
    same = f", {counted(report.identical)} were there already" if report.identical else ""
    took = f"{report.seconds:.1f} s" if report.seconds < 60 else duration(report.seconds)
    return f"{size(report.arrived)} sent in {took}, {size(int(rate))}/s{same}"


def _show_selection(found: Sequence[FileInfo], options: argparse.Namespace) -> int:
    """Say what would travel, which nothing does."""
    if options.json:
        print_json([{"name": info.text, "size": info.size} for info in found])
        return 0
    for info in found:
        print(printable(f"{size(info.size):>12}  {info.text}"))
    total = size(sum(info.size for info in found))
    print(f"{counted(len(found))}, {total}; nothing was sent")
    return 0
