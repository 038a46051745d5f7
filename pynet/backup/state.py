"""Whether a disk is being emptied: begun at the high mark, until the low one, over restarts."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from pynet.backup.keeping import keep_text
from pynet.backup.policy import Policy
from pynet.errors import FilesError, NoSpace
from pynet.files.info import Usage
from pynet.files.problems import FULL

LOOKS = 2  # in a row above the high mark before it begins by itself


class State:
    """One root's state, kept in a small file.

    Args:
        path: of the file, which need not exist.

    Attributes:
        draining: it was as full as the high mark and is not as empty as the low one yet.
        previewed: a person has seen a plan and agreed to it; before that nothing moves by itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.draining = False
        self.previewed = False
        self._looks = 0
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kept = json.loads(path.read_text("utf-8"))
            self.draining = kept.get("draining") is True
            self.previewed = kept.get("previewed") is True

    def look(self, policy: Policy, usage: Usage, *, at_once: bool = False) -> bool:
        """Take a sample in; whether the disk is to be emptied now.

        Args:
            policy: the marks.
            usage: as measured now.
            at_once: a person asks, so one look is enough.
        """
        if self.draining:
            draining = usage.share > policy.low
        elif usage.share >= policy.high:
            self._looks += 1
            draining = at_once or self._looks >= LOOKS or usage.share > policy.urgent
        else:
            self._looks = 0
            draining = False
        if draining != self.draining:
            self._looks = 0
            self.draining = draining
            self._save()
        return draining

    def agree(self) -> None:
        """A person has seen a plan and lets it happen from now on.

        Raises:
            FilesError: that could not be written down, so it does not count.
        """
        self.previewed = True
        fault = self._save()
        if fault is not None:
            kind = NoSpace if fault.errno in FULL else FilesError
            raise kind(f"{self.path}: that files may be moved cannot be kept: {fault.strerror}")

    def _save(self) -> OSError | None:
        # On a full disk it may not be kept: it is above the high mark then, and begins anew.
        return keep_text(
            self.path, json.dumps({"draining": self.draining, "previewed": self.previewed})
        )
