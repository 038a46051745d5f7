"""A plan as it travels: a head, then its rows, some at a time, for it may have very many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgpack

from pynet.backup.plan import Held, Plan, Status, Step
from pynet.backup.policy import Policy
from pynet.backup.units import Skip, Unit
from pynet.errors import RemoteProtocolError
from pynet.files.info import FileInfo

ROWS = 500
"""Steps, or things that stay, in one message."""

FILES = 5000
"""Files after which another message begins."""

_values = attrgetter(*(field.name for field in fields(FileInfo)))
_TYPES = (bytes, str, *[int] * (len(fields(FileInfo)) - 2))


def pack_head(plan: Plan) -> dict[str, Any]:
    """All but the rows."""
    return {
        "status": plan.status.value,
        "time": plan.time,
        "usage": plan.usage,
        "need": plan.need,
        "lowest": plan.lowest,
        "held": [[one.code, one.files, one.size] for one in plan.held],
        "warnings": list(plan.warnings),
    }


def pack_steps(plan: Plan) -> Iterator[dict[str, Any]]:
    """What moves. All files are in one value of bytes: a group may have very many."""
    rows: list[list[Any]] = []
    files: list[FileInfo] = []
    for step in plan.steps:
        rows.append([step.unit.name, step.unit.group, len(step.unit.files), step.first, step.after])
        files += step.unit.files
        if len(rows) >= ROWS or len(files) >= FILES:
            yield {"steps": rows, "files": pack_files(files)}
            rows, files = [], []
    if rows:
        yield {"steps": rows, "files": pack_files(files)}


def pack_files(files: Iterable[FileInfo]) -> bytes:
    """Very many files as one value, which travels beside the message it belongs to."""
    packed: bytes = msgpack.packb([_values(file) for file in files])
    return packed


def unpack_files(packed: bytes) -> list[FileInfo]:
    """What :func:`pack_files` made, read as what a stranger sent.

    Raises:
        RemoteProtocolError: it makes no sense.
    """
    try:
        rows = msgpack.unpackb(packed, use_list=False, strict_map_key=True)
        if any(tuple(map(type, row)) != _TYPES for row in rows):
            raise ValueError("a file that cannot be")
        return [FileInfo(*row) for row in rows]
    except (TypeError, ValueError) as error:
        raise RemoteProtocolError(f"the files that came make no sense: {error!r}") from error


def pack_skips(plan: Plan) -> Iterator[dict[str, Any]]:
    """What stays."""
    rows = [[s.name, s.code, s.text, s.mtime_ns, s.allocated] for s in plan.skipped]
    for start in range(0, len(rows), ROWS):
        yield {"skipped": rows[start : start + ROWS]}


def unpack(policy: Policy, parts: Iterable[dict[str, Any]]) -> Plan:
    """A plan from its parts, in their order.

    Raises:
        RemoteProtocolError: they make no sense.
    """
    head: dict[str, Any] = {}
    steps: list[Step] = []
    skipped: list[Skip] = []
    try:
        for part in parts:
            head = part.get("head", head)
            if "steps" in part:
                steps += _steps(part["steps"], unpack_files(part["files"]))
            skipped += [Skip(*row) for row in part.get("skipped", ())]
        return Plan(
            Status(head["status"]),
            policy,
            head["time"],
            head["usage"],
            head["need"],
            tuple(steps),
            tuple(skipped),
            head["lowest"],
            tuple(Held(*row) for row in head["held"]),
            tuple(head["warnings"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteProtocolError(f"the plan that came makes no sense: {error!r}") from error


def _steps(rows: list[list[Any]], files: list[FileInfo]) -> Iterator[Step]:
    at = 0
    for name, group, count, first, after in rows:
        yield Step(Unit(name, tuple(files[at : at + count]), group), first, after)
        at += count
