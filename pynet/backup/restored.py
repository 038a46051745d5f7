"""What was put back lately: it is as old as it was, and would be the first to move again."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from pynet.backup.keeping import keep_text
from pynet.files.names import numbered

DAYS = 7
"""For which what was put back stays."""

_SEPARATOR = b"\0"  # no name has it


class Restored:
    """Names of one root's files, and when each was put back; kept in a small file.

    Args:
        path: of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, names: Iterable[bytes]) -> None:
        """These are put back from now on."""
        now = time.time()
        known = self._lately(now)
        for name in names:
            known[name] = now
            folder, slash, part = name.rpartition(b"/")
            # If something else has the name by now, what is put back gets this one.
            known[folder + slash + numbered(part, 2)] = now
        text = json.dumps({os.fsdecode(name): when for name, when in known.items()})
        keep_text(self.path, text)

    def names(self) -> bytes:
        """Those that stay for now, as one value for the other machine."""
        return _SEPARATOR.join(self._lately(time.time()))

    def _lately(self, now: float) -> dict[bytes, float]:
        found: dict[bytes, float] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            for name, when in json.loads(self.path.read_text("utf-8")).items():
                # A clock that was set back must not hold files for ever.
                if abs(now - when) < DAYS * 86400:
                    found[os.fsencode(name)] = float(when)
        return found


def staying(names: bytes) -> dict[bytes, str]:
    """Why such files stay, by name: what the planner wants to know of :meth:`Restored.names`."""
    text = f"a file of this name was put back in the last {DAYS} days, and such stay"
    return dict.fromkeys(names.split(_SEPARATOR), text) if names else {}
