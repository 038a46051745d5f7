"""A close look at files before they are planned, and once more before they are removed."""

from __future__ import annotations

import contextlib
import os

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
        name = info.name
        while name:
            name = name.rpartition(b"/")[0]
            with contextlib.suppress(OSError, BadName):
                self._tree.folder(name).lstat(KEEP)
                return "a .pynet-keep in its folder, or one above, keeps it"
        return ""
