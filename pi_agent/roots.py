"""The folders that a car shares: what its file says of them, and whether they can be used."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_agent.config_reader import Table
from pynet.errors import ConfigurationError
from pynet.trust.store import config_folder

if TYPE_CHECKING:
    from pynet.backup import Policy

AUTO = "auto"
LEAST, MOST = 1_000_000, 10**15
"""Bytes that a quota can be."""


@dataclass(frozen=True, slots=True)
class FilesConfig:
    """One folder that is shared.

    Attributes:
        name: how it is asked for.
        path: of the folder; ``"auto"`` is one of that name beside the agent's other data, which is
            made when it is missing.
        write: files may be put there and moved away.
        role: whom it is shown to: ``"viewer"``, ``"driver"`` or ``"owner"``, and all above.
        quota: bytes that it may hold; None for all that its disk can.
        disk: where the disk is mounted that it must be on; None for any.
        backup: how the car suggests to empty it.
    """

    name: str = "recordings"
    path: str = AUTO
    write: bool = True
    role: str = "owner"
    quota: int | None = None
    disk: str | None = None
    backup: Policy | None = None

    @property
    def folder(self) -> Path:
        """Where it is; it need not be there."""
        if self.path != AUTO:
            return Path(self.path).expanduser()
        import platformdirs

        return platformdirs.user_data_path("pi-agent", appauthor=False) / self.name


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a folder cannot be shared.

    Attributes:
        key: which setting tells of what is in the way.
        what, remedy: parts of a sentence.
    """

    key: str
    what: str
    remedy: str


# ---- what the file says -----------------------------------------------------------------


def read_files(tables: Sequence[Table], base: Path, look: bool) -> tuple[FilesConfig, ...]:
    """The ``[[files]]`` of a car's file.

    Args:
        tables: of it.
        base: folder that relative paths start from.
        look: whether the folders can be used is a matter of the file, too.
    """
    read: list[FilesConfig] = []
    for table in tables:
        one = _read_one(table, base)
        _compare(table, one, read)
        if look and one.path != AUTO and (found := obstacle(one)) is not None:
            table.problem(found.key, found.what, found.remedy)
        read.append(one)
    return tuple(read)


def _read_one(table: Table, base: Path) -> FilesConfig:
    from pynet.files.shares import check_name

    default = FilesConfig()
    name = table.text("name", "")
    try:
        if name:
            check_name(name)
    except ConfigurationError:
        table.problem("name", "cannot be the name of a folder", 'use a word such as "recordings"')
    role = table.choice("role", default.role, ("viewer", "driver", "owner"))
    write = table.flag("write", role == "owner")
    if write and role == "viewer":
        table.problem(
            "write",
            "would let everybody who may watch remove files",
            'remove it, or use role = "driver" or "owner"',
        )
    return FilesConfig(
        name=name,
        path=_path(table, base),
        write=write,
        role=role,
        quota=table.size_or_none("quota", LEAST, MOST),
        disk=table.text("disk", "") if "disk" in table.names() else None,
        backup=_backup(table) if "backup" in table.names() else None,
    )


def _path(table: Table, base: Path) -> str:
    path = table.text("path", AUTO)
    if path == AUTO:
        return path
    try:
        return os.path.abspath(base / Path(path).expanduser())
    except RuntimeError:
        table.problem("path", "is in the home of somebody unknown", "write the whole path")
        return AUTO


def _backup(table: Table) -> Policy | None:
    from pynet.backup import Policy

    part = table.table("backup")
    given = {one.name: part.raw(one.name) for one in fields(Policy)}
    values: dict[str, Any] = {}
    for key in part.names():
        if key not in given:
            continue  # the table itself says so
        try:
            Policy.from_dict({"low": 0.01, "high": 1.0, key: given[key]})
            values[key] = given[key]
        except ConfigurationError as error:
            part.problem(key, "cannot be", _said(error))
    try:
        return Policy.from_dict(values)
    except ConfigurationError as error:
        part.problem("low" if "low" in values else "high", "cannot be", _said(error))
        return None


def _said(error: ConfigurationError) -> str:
    return str(error).removeprefix("backup: ")


def _compare(table: Table, one: FilesConfig, others: list[FilesConfig]) -> None:
    """What was said of two folders must fit together."""
    for other in others:
        if one.name == other.name:
            table.problem("name", "is taken by another folder", "give each its own")
            return
        mine, its = one.folder.resolve(), other.folder.resolve()
        if mine == its:
            table.problem("path", f"is shared as {other.name!r} already", "share it once")
        elif mine.is_relative_to(its) or its.is_relative_to(mine):
            inside = "lies inside" if mine.is_relative_to(its) else "holds"
            table.problem(
                "path",
                f"{inside} {its}, which is shared as {other.name!r}",
                "share folders beside each other: a file must be in one of them only",
            )
        else:
            continue
        return


# ---- what is there ----------------------------------------------------------------------


def obstacle(one: FilesConfig) -> Obstacle | None:
    """What keeps a folder from being shared now."""
    folder = one.folder
    typed = shlex.quote(str(folder))
    if one.disk is not None and not os.path.ismount(one.disk):
        return Obstacle("disk", "is no disk that is mounted", "mount it there, or remove disk")
    try:
        status = folder.stat()
    except OSError as error:
        what = (
            "is not there" if isinstance(error, FileNotFoundError) else f"fails: {error.strerror}"
        )
        return Obstacle("path", what, f"make the folder: mkdir -p {typed}")
    if not stat.S_ISDIR(status.st_mode):
        return Obstacle("path", "is no folder", "write the folder that it lies in")
    if config_folder().resolve().is_relative_to(folder.resolve()):
        return Obstacle("path", "holds this machine's private key", "share a folder of its own")
    if one.disk is not None and status.st_dev != Path(one.disk).stat().st_dev:
        return Obstacle("disk", f"is another disk than that of {folder}", "correct disk or path")
    if not os.access(folder, os.R_OK | os.X_OK):
        return Obstacle("path", "may not be read by this user", f"sudo chown $USER {typed}")
    if one.write and not os.access(folder, os.W_OK):
        return Obstacle(
            "path",
            "cannot be written by this user",
            f"sudo chown $USER {typed}, or use write = false",
        )
    return None


def prepared(one: FilesConfig) -> Path:
    """The folder, made if it is the agent's own business.

    Raises:
        ConfigurationError: it cannot be shared now; str() is a sentence.
    """
    folder = one.folder
    if one.path == AUTO:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be made: {error.strerror}") from error
    found = obstacle(one)
    if found is not None:
        place = one.disk if found.key == "disk" else folder
        raise ConfigurationError(f"{place} {found.what}; {found.remedy}")
    return folder
