"""``python -m benchmarks.report`` writes docs/benchmarks.md from what was measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.__main__ import BENCHES
from benchmarks.harness import RESULTS, ROOT
from benchmarks.report.page import Page
from benchmarks.report.results import published, results_of


def main() -> int:
    """Write the page of all that was measured; what was not stays on it as it is."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report",
        description="Write docs/benchmarks.md, its pictures and samples from build/bench.",
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="write into this folder")
    parser.add_argument("--results", type=Path, default=RESULTS, help="what was measured")
    parser.add_argument("--quick", action="store_true", help="of quick looks, which prove little")
    options = parser.parse_args()
    parts = [f"{bench}.{part}" for bench, some in BENCHES.items() for part in some]
    results = results_of(parts, options.results, quick=options.quick)
    if results and not options.quick:
        fresh = {result.part for result in results}
        results += [one for one in published(parts, options.docs) if one.part not in fresh]
        results.sort(key=lambda one: parts.index(one.part))
    if not results:
        print("Nothing was measured yet: `make bench` does.", file=sys.stderr)
        return 1
    print(Page(options.docs, options.results).write(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
