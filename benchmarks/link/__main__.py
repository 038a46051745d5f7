"""``python -m benchmarks.link PROFILE -- CMD...`` runs a command at one end of an emulated link."""

from __future__ import annotations

import sys

from benchmarks.link.cli import main

if __name__ == "__main__":
    sys.exit(main())
