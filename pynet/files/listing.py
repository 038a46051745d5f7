"""What is in one folder, for people who look around."""

from __future__ import annotations

import os
from collections.abc import Callable

from pynet.files.info import FILE, FOLDER, FileInfo
from pynet.files.names import INCOMING
from pynet.files.tree import Tree

MOST = 100_000
"""Things that are listed of one folder; nobody looks at more, and the answer has to travel."""


def list_folder(tree: Tree, name: bytes) -> list[FileInfo]:
    """What is in a folder, by name; unfinished files of transfers are left out.

    Raises:
        FileNotFoundError, NotADirectoryError, BadName: it is no folder.
    """
    folder = tree.folder(name)
    place = folder.listing()
    found: list[FileInfo] = []
    try:
        with os.scandir(place) as things:
            for thing in things:
                part = os.fsencode(thing.name)
                if part == INCOMING:
                    continue
                try:
                    found.append(FileInfo.of(part, folder.lstat(part)))
                except FileNotFoundError:  # removed right now
                    continue
                if len(found) == MOST:
                    break
    finally:
        if isinstance(place, int):
            os.close(place)
    found.sort(key=lambda info: info.name)
    return found


def total_of(tree: Tree, name: bytes, enough: Callable[[], bool]) -> tuple[int, int]:
    """Files below a folder and their bytes, as far as was counted until ``enough``."""
    files = size = 0
    waiting = [name]
    while waiting and not enough():
        above = waiting.pop()
        try:
            things = list_folder(tree, above)
        except (OSError, ValueError):
            continue
        for info in things:
            if info.kind == FOLDER:
                waiting.append(above + b"/" + info.name if above else info.name)
            elif info.kind == FILE:
                files += 1
                size += info.size
    return files, size
