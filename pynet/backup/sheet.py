"""A plan as it travels: a head, then its rows, some at a time, for it may have very many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pynet.backup.plan import Held, Plan, Status, Step
from pynet.backup.policy import Policy
from pynet.backup.units import Skip, Unit
from pynet.errors import RemoteProtocolError
from pynet.files.info import FileInfo, Usage


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


def pack_steps(plan: Plan, at_a_time: int) -> Iterator[dict[str, Any]]:
    """What moves; a group with very many files is one row all the same."""
    rows = [
        [step.unit.name, step.unit.group, list(step.unit.files), step.first, step.after]
        for step in plan.steps
    ]
    for start in range(0, len(rows), at_a_time):
        yield {"steps": rows[start : start + at_a_time]}


def pack_skips(plan: Plan, at_a_time: int) -> Iterator[dict[str, Any]]:
    """What stays."""
    rows = [[s.name, s.code, s.text, s.mtime_ns, s.allocated] for s in plan.skipped]
    for start in range(0, len(rows), at_a_time):
        yield {"skipped": rows[start : start + at_a_time]}


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
            steps += [_step(*row) for row in part.get("steps", ())]
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


def _step(name: bytes, group: bool, files: list[FileInfo], first: int, after: Usage) -> Step:
    return Step(Unit(name, tuple(files), group), first, after)
