"""``python -m benchmarks.soak`` prints one line for each scenario; exit status 1: one was bad."""

from __future__ import annotations

import argparse
import sys

from benchmarks.link import PROFILES, Link, LinkError
from benchmarks.soak.course import Course
from benchmarks.soak.ends import Ends


def main() -> int:
    """Run all scenarios, or those that were named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Lose, kill, stop and restart all that pynet depends on, and count what is "
        "left. Needs root, as every emulated link.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a scenario; all by default")
    parser.add_argument("--quick", action="store_true", help="everything a few times only")
    parser.add_argument("--lanes", type=int, default=8, help="of camera and commands")
    parser.add_argument("--link", default="wifi-good", choices=sorted(PROFILES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage-seconds", type=float, help="600; 5 with --quick")
    parser.add_argument("--minutes", type=float, default=0.0, help="again and again for so long")
    options = parser.parse_args()
    outage = options.outage_seconds or (5.0 if options.quick else 600.0)
    try:
        with Link(options.link, seed=options.seed) as link:
            ends = Ends(link, options.lanes)
            try:
                course = Course(ends, quick=options.quick, outage=outage)
                if unknown := set(options.names) - set(course.scenarios):
                    parser.error(f"no scenario {unknown}; there are {', '.join(course.scenarios)}")
                return 0 if course.run_all(options.names, options.minutes * 60) else 1
            finally:
                ends.close()
    except (LinkError, RuntimeError) as error:
        print(f"The soak cannot go on: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
