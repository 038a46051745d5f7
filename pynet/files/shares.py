"""What a Gateway shares: folders under names, below which files may be asked for."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pynet.errors import ConfigurationError, Forbidden, NotShared
from pynet.files.quota import Quota
from pynet.files.tree import Tree
from pynet.trust.peers import Role

LONGEST_NAME = 64
_NEVER = frozenset('/\\:*?[]"<>|')


@dataclass(frozen=True, slots=True)
class Share:
    """One named root.

    Attributes:
        name: how it is asked for; the first part of the paths that Controllers write.
        path: the folder, absolute, without links.
        write: files may be put there, and removed once they were moved.
        role: what a peer must be at least to see it.
        quota: what it may hold; None for all that its disk can.
    """

    name: str
    path: Path
    write: bool = False
    role: Role = Role.OWNER
    quota: Quota | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls,
        name: str,
        path: str | os.PathLike[str],
        write: bool = False,
        role: str = "owner",
        quota: int | None = None,
    ) -> Share:
        """From what a program says.

        Raises:
            ConfigurationError: the name cannot be one, the folder is not there, no such role is, or
                nothing could be held.
        """
        check_name(name)
        folder = Path(path).expanduser().resolve()
        if not os.path.isdir(folder):
            raise ConfigurationError(f"{folder} cannot be shared: there is no such folder")
        if quota is not None and quota <= 0:
            raise ConfigurationError(f"{name!r} cannot hold {quota} bytes; leave the quota out")
        held = None if quota is None else Quota(quota)
        return cls(name, folder, bool(write), Role.of(role), held)

    def tree(self) -> Tree:
        """The folder, to work in.

        Raises:
            NotShared: it is not there any more.
        """
        return Tree(self.path, quota=self.quota)

    def pack(self) -> list[Any]:
        """For the file process."""
        limit = None if self.quota is None else self.quota.limit
        return [self.name, os.fsencode(self.path), self.write, self.role.word, limit]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Share:
        """What :meth:`pack` made."""
        name, path, write, role, limit = packed
        quota = None if limit is None else Quota(limit)
        return cls(name, Path(os.fsdecode(path)), write, Role.of(role), quota)


def check_name(name: str) -> str:
    """Return a name of a share if it can be one.

    Raises:
        ConfigurationError: it cannot.
    """
    if (
        not 1 <= len(name) <= LONGEST_NAME
        or not name.isprintable()
        or name != name.strip()
        or name.startswith(".")
        or _NEVER & set(name)
    ):
        raise ConfigurationError(
            f"{name!r:.80} cannot be the name of a share; take a word such as 'recordings'"
        )
    return name


class Shares:
    """The roots of one Gateway, by name. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Share] = {}

    def add(self, share: Share) -> None:
        """One more.

        Raises:
            ConfigurationError: the name is taken.
        """
        with self._lock:
            if share.name in self._by_name:
                raise ConfigurationError(f"something is shared as {share.name!r} already")
            self._by_name[share.name] = share

    def all(self) -> list[Share]:
        """Every one, by name."""
        with self._lock:
            return [self._by_name[name] for name in sorted(self._by_name)]

    def visible(self, role: Role) -> list[Share]:
        """Those that a peer may see."""
        return [share for share in self.all() if role >= share.role]

    def find(self, name: str, role: Role, *, write: bool = False) -> Share:
        """The one of that name.

        Args:
            name: as the peer wrote it.
            role: the peer's.
            write: it is to be changed.

        Raises:
            NotShared: there is none that this peer may see.
            Forbidden: it may be read only.
        """
        with self._lock:
            share = self._by_name.get(name)
        if share is None or role < share.role:
            known = ", ".join(repr(share.name) for share in self.visible(role)) or "nothing"
            raise NotShared(f"nothing is shared here as {name!r:.80}; shared with you: {known}")
        if write and not share.write:
            raise Forbidden(f"{name!r} is shared for reading only")
        return share

    def __len__(self) -> int:
        return len(self._by_name)
