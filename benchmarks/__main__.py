"""``python -m benchmarks [NAME...]`` prints one line of JSON for each figure."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks import core, links
from benchmarks.harness import Report

BENCHES = {"core": core.PARTS, "links": links.PARTS}


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
    wanted = options.names or list(BENCHES)
    if unknown := [name for name in wanted if name not in BENCHES and name not in parts]:
        parser.error(f"no benchmark named {', '.join(unknown)}; --list tells the names")
    chosen = [name for name in parts if name in wanted or name.partition(".")[0] in wanted]
    met = [run(name, options.quick) for name in chosen]
    return 0 if all(met) else 1


def run(name: str, quick: bool) -> bool:
    """Measure one part; tell whether it met all its targets."""
    report = Report(name, quick)
    importlib.import_module(f"benchmarks.{name}").measure(report)
    report.save()
    return all(figure["ok"] is not False for figure in report.figures)


if __name__ == "__main__":
    sys.exit(main())
