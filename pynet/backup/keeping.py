"""Small files of a backup's own: whole or as before, whatever happens."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

log = logging.getLogger("pynet.backup")


def keep_text(path: Path, text: str) -> OSError | None:
    """Write a file in one step; what cannot be kept is logged and returned, and as before."""
    draft = path.with_name(path.name + ".draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        log.warning("%s: the state of the backup was not kept: %s", path, error.strerror)
        with contextlib.suppress(OSError):
            draft.unlink()
        return error
    return None
