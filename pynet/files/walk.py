"""Walking a tree: what a selection takes, in order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pynet.errors import BadName
from pynet.files.info import FILE, FOLDER, LINK, FileInfo, Problem, shown
from pynet.files.names import NAME_LIMIT
from pynet.files.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from pynet.files.tree import Tree

Found = list[tuple[FileInfo | Problem, int]]


def walk(tree: Tree, selection: Selection) -> Iterator[FileInfo | Problem]:
    """See :meth:`pynet.files.tree.Tree.scan`."""
    now = time.time()
    first = _first(tree, selection)
    stack: list[Iterator[tuple[FileInfo | Problem, int]]] = [iter(first)]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        thing, state = found
        if isinstance(thing, Problem):
            yield thing
            continue
        if state == EVERYTHING and thing.name != selection.base and selection.takes(thing, now):
            yield thing
        if thing.kind == FOLDER:
            stack.append(iter(_inside(tree, selection, thing.name, state)))


def _first(tree: Tree, selection: Selection) -> Found:
    """Where the walk starts."""
    try:
        info = tree.info(selection.fixed)
    except (OSError, BadName) as error:
        return [(_unreadable(selection.fixed, error), 0)]
    if info.kind == FOLDER:
        return [(info, selection.start)]
    if selection.inside or selection.pattern:
        return [(Problem(info.name, "vanished", f"{info.text} is no folder"), 0)]
    return [(_special(info) or info, selection.start)]


def _inside(tree: Tree, selection: Selection, name: bytes, state: int) -> Found:
    """What a folder holds that the selection may take."""
    try:
        folder = tree.folder(name)
        place = folder.listing()
    except (OSError, BadName) as error:
        return [(_unreadable(name, error), 0)]
    found: Found = []
    prefix = name + b"/" if name else b""
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                part = os.fsencode(entry.name)
                after = selection.step(state, part)
                if after:
                    thing = _look(tree, prefix + part, entry)
                    if thing is not None:
                        found.append((thing, after))
    except OSError as error:
        found.append((_unreadable(name, error), 0))
    finally:
        if isinstance(place, int):
            os.close(place)
    found.sort(key=_by_name)
    if state != EVERYTHING:
        # Folders on the way are walked; other things there are not what was asked for.
        found = [one for one in found if one[1] == EVERYTHING or _is_folder(one[0])]
    return found


def _look(
    tree: Tree, name: bytes, entry: os.DirEntry[str] | os.DirEntry[bytes]
) -> FileInfo | Problem | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # it went while the folder was read
    except OSError as error:
        return _unreadable(name, error)
    info = FileInfo.of(name, status)
    if len(name) >= NAME_LIMIT:
        return Problem(name, "name", f"{info.text[:200]}... is too long a name to travel")
    if info.kind == FOLDER and info.device != tree.device and os.name == "posix":
        return Problem(name, "special", f"{info.text} is another disk, which stays out")
    return _special(info) or info


def _special(info: FileInfo) -> Problem | None:
    if info.kind in (FILE, FOLDER):
        return None
    if info.kind == LINK:
        return Problem(info.name, "link", f"{info.text} is a link; links are not followed")
    return Problem(info.name, "special", f"{info.text} is a device, pipe or socket, not a file")


def _unreadable(name: bytes, error: Exception) -> Problem:
    text = shown(name) or "the root"
    if isinstance(error, FileNotFoundError):
        return Problem(name, "vanished", f"there is no {text}")
    if isinstance(error, PermissionError):
        return Problem(name, "denied", f"{text} may not be read by this program")
    if isinstance(error, BadName):
        return Problem(name, "link", str(error))
    return Problem(
        name, "io", f"{text} cannot be read: {getattr(error, 'strerror', None) or error}"
    )


def _by_name(found: tuple[FileInfo | Problem, int]) -> bytes:
    return found[0].name


def _is_folder(thing: FileInfo | Problem) -> bool:
    return isinstance(thing, FileInfo) and thing.kind == FOLDER
