"""``python -m benchmarks [NAME...]`` prints one line of JSON for each figure."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from benchmarks import core, files, links, security, video
from benchmarks.harness import RESULTS, Report
from benchmarks.link import LinkError
from pynet.trust.store import FOLDER

BENCHES = {
    "core": core.PARTS,
    "links": links.PARTS,
    "video": video.PARTS,
    "security": security.PARTS,
    "files": files.PARTS,
}


def main() -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure pynet and its programs beside their peers.",
        epilog="Raw samples are left in build/bench. Exit status 1: a target was missed.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark or a part of one")
    parser.add_argument("--list", action="store_true", help="print the names and what they measure")
    parser.add_argument("--quick", action="store_true", help="few samples: does it run at all?")
    parser.add_argument("--only", type=words, metavar="NAME,...", help="these contenders alone")
    parser.add_argument("--seeds", type=numbers, metavar="N,...", help="links with these seeds")
    parser.add_argument("--congestion", metavar="NAME", help="TCP's congestion control on links")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out what was measured before, of this very version",
    )
    parser.add_argument("--kept", action="store_true", help="measure nothing: tell what is kept")
    parser.add_argument("--again", action="store_true", help="take back --resume, as make gives it")
    options = parser.parse_args()
    parts = {
        f"{bench}.{part}": about
        for bench, parts in BENCHES.items()
        for part, about in parts.items()
    }
    if options.list:
        for name in BENCHES:
            print(name)
        for name, about in parts.items():
            print(f"{name:16} {about}")
        return 0
    # Not the identity of whoever measures.
    os.environ.setdefault(FOLDER, str((RESULTS / "identity").absolute()))
    wanted = options.names or list(BENCHES)
    if unknown := [name for name in wanted if name not in BENCHES and name not in parts]:
        parser.error(f"no benchmark named {', '.join(unknown)}; --list tells the names")
    chosen = [name for name in parts if name in wanted or name.partition(".")[0] in wanted]
    try:
        met = [run(name, options) for name in chosen]
    except KeyboardInterrupt:
        print("Interrupted; `make bench` goes on from here.", file=sys.stderr)
        return 130
    return 0 if all(met) else 1


def words(text: str) -> tuple[str, ...]:
    """Read words with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def numbers(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them."""
    return tuple(int(word) for word in words(text))


def run(name: str, options: argparse.Namespace) -> bool:
    """Measure one part; tell whether it met all its targets."""
    report = Report(
        name,
        options.quick,
        only=options.only or (),
        seeds=options.seeds or (),
        resume=options.resume and not options.again,
        congestion=options.congestion,
        kept=options.kept,
    )
    if report.resume and report.is_there():
        print(f"{name}: measured before", file=sys.stderr)
        return True
    try:
        importlib.import_module(f"benchmarks.{name}").measure(report)
    except (ImportError, LinkError) as error:
        print(f"{name} cannot be measured here: {error}", file=sys.stderr)
        return False
    report.save()
    return all(figure["ok"] is not False for figure in report.figures)


if __name__ == "__main__":
    sys.exit(main())
