"""What a process has: counted by itself, from /proc."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path
from typing import Any


def belongings(pool: str) -> dict[str, Any]:
    """Return what this process has now.

    Args:
        pool: threads whose names begin so are kept for later work, and counted by themselves.
    """
    gc.collect()
    names = [thread.name for thread in threading.enumerate()]
    kept = [name for name in names if pool and name.startswith(pool)]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "pid": os.getpid(),
        "threads": len(names) - len(kept),
        "pool": len(kept),
        "files": len(os.listdir("/proc/self/fd")),
        "memory": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    }
