"""``python -m rcapp``."""

from __future__ import annotations

from rcapp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
