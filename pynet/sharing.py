"""Sharing folders: their connections are served by a process of its own."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynet.door import Door
    from pynet.files.launcher import FileProcess
    from pynet.files.shares import Shares
    from pynet.gateway import Gateway


class Sharing:
    """The part of a Gateway that folders are shared at."""

    def __init__(self) -> None:
        self._shares: Shares | None = None
        self._files: FileProcess | None = None
        self._sharing = threading.Lock()
        self._serving: tuple[Gateway, Door] | None = None

    def share(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        write: bool = False,
        role: str = "owner",
        quota: int | None = None,
    ) -> None:
        """Let Controllers have the files below a folder, now or before the Gateway starts.

        Their connections are served in a process of its own, which starts with the first of them.

        Args:
            name: how the folder is asked for.
            path: of the folder.
            write: files may be put there, and moved away from there.
            role: what a peer must be at least: ``"viewer"``, ``"driver"`` or ``"owner"``.
            quota: bytes that the folder may hold. How full it is counts from then on, and not how
                full its disk is; what would exceed it is refused.

        Raises:
            ConfigurationError: the name or the folder cannot be.
        """
        from pynet.files.shares import Share, Shares

        share = Share.of(name, path, write, role, quota)
        with self._sharing:
            if self._shares is None:
                self._shares = Shares()
            self._shares.add(share)
            if self._files is None:
                self._open_files()
            else:
                self._files.share(share)

    def begin_sharing(self, gateway: Gateway, door: Door) -> None:
        """The Gateway's own: it runs, and what is shared can be served."""
        with self._sharing:
            self._serving = gateway, door
            self._open_files()

    def end_sharing(self) -> None:
        """The Gateway's own: it stops."""
        with self._sharing:
            self._serving = None
            files = self._files
        if files is not None:
            files.close()

    def _open_files(self) -> None:
        """From now on connections for files are served, if anything is shared."""
        if self._serving is None or self._shares is None:
            return
        from pynet.files.launcher import FileProcess

        gateway, door = self._serving
        self._files = FileProcess(gateway, self._shares)
        door.on_files = self._files.take
