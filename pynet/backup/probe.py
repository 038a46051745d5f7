"""A close look at files before they are planned, and once more before they are removed."""

from __future__ import annotations

import contextlib
import os
import time

from pynet.backup.globs import Globs
from pynet.backup.policy import Policy
from pynet.backup.units import KEEP, Skip, Unit
from pynet.errors import BadName
from pynet.files.guard import Guarded, Kept
from pynet.files.info import FileInfo
from pynet.files.inuse import OpenFiles
from pynet.files.tree import Tree

KEEP_MARK = "user.pynet.keep"
"""Extended attribute of a file that stays, whatever its value."""

BELIEVED = 0.5
"""Seconds for which a folder is taken to have a mark or none: a look at each file's would cost as
much as all the rest."""


class Probe:
    """Looks at files themselves, which a plan alone cannot.

    Args:
        tree: that they are in.
        policy: the rules.
    """

    def __init__(self, tree: Tree, policy: Policy) -> None:
        self._tree = tree
        self._protect = Globs(policy.protect)
        self._others = OpenFiles()
        self._kept: dict[bytes, bool] = {}
        self._until = 0.0

    def unit(self, unit: Unit) -> Skip | None:
        """Why a unit has to stay: the ``probe`` of :func:`~pynet.backup.plan.plan`."""
        for file in unit.files:
            code, text = "", ""
            try:
                with Guarded(self._tree, file, self._marked, self._others):
                    continue
            except FileNotFoundError:
                code, text = "vanished", f"{file.text} went while it was looked for"
            except Kept as kept:
                code, text = kept.code, kept.text
            return Skip(unit.name, code, text, unit.mtime_ns, unit.allocated)
        return None

    def protect(self, info: FileInfo, fd: int) -> str:
        """Why a file has to stay by now: the ``protect`` of a Removal."""
        pattern = self._protect.find(info.name)
        return f"protected by {pattern!r}" if pattern else self._marked(info, fd)

    def _marked(self, info: FileInfo, fd: int) -> str:
        if hasattr(os, "getxattr"):
            with contextlib.suppress(OSError):
                os.getxattr(fd, KEEP_MARK)
                return f"it has the mark {KEEP_MARK}"
        if self._is_kept(info.name.rpartition(b"/")[0]):
            return "a .pynet-keep in its folder, or one above, keeps it"
        return ""

    def _is_kept(self, folder: bytes) -> bool:
        """Whether a folder or one above has the mark; believed for a moment."""
        now = time.monotonic()
        if now > self._until:
            self._kept.clear()
            self._until = now + BELIEVED
        kept = self._kept.get(folder)
        if kept is None:
            kept = self._has_mark(folder)
            kept = kept or (bool(folder) and self._is_kept(folder.rpartition(b"/")[0]))
            self._kept[folder] = kept
        return kept

    def _has_mark(self, folder: bytes) -> bool:
        try:
            self._tree.folder(folder).lstat(KEEP)
        except (OSError, BadName):
            return False
        return True
