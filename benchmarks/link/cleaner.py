"""What the forwarder becomes when the process that began the link was killed."""

from __future__ import annotations

import sys

from benchmarks.link.system import remove_space

if __name__ == "__main__":
    for space in sys.argv[1:]:
        remove_space(space)
