"""What was moved here, read without disturbing a run that writes it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pynet.backup.place import Place
from pynet.files.ledger import LEDGER, Job, Ledger


def read_history(place: Place) -> list[Job]:
    """All jobs, newest first.

    Raises:
        NotShared: the destination cannot be used.
    """
    if not (place.ledger_path / LEDGER).exists():
        return []
    # A run has it locked, and what it has written so far is whole: read a copy.
    with tempfile.TemporaryDirectory(prefix="pynet-history-") as folder, place.tree() as tree:
        shutil.copyfile(place.ledger_path / LEDGER, Path(folder) / LEDGER)
        with Ledger(Path(folder), tree) as ledger:
            return sorted(ledger.jobs.values(), key=lambda job: job.time, reverse=True)
