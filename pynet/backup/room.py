"""How much of a plan one move takes on."""

from __future__ import annotations

from dataclasses import replace

from pynet.backup.plan import Plan, Step
from pynet.files.tree import Tree

MOST = 20_000
"""Files in one plan's move; what is left after them is planned anew."""

BLOCK = 4096


def room_of(plan: Plan, tree: Tree) -> int:
    """Bytes that files may take here on their way to a store: half of what is above the floor."""
    usage = tree.usage()
    return max(usage.available - plan.policy.floor(usage.capacity), 0) // 2


def beginning(plan: Plan, room: int | None) -> Plan:
    """As much of a plan as one move takes on; the plan itself if that is all of it.

    Args:
        plan: what is to move.
        room: bytes that may come, if they are limited; the first step is taken on anyway.
    """
    steps: list[Step] = []
    size = 0
    for step in plan.steps:
        size += sum(-(-file.size // BLOCK) * BLOCK for file in step.unit.files)
        if steps and (step.first >= MOST or (room is not None and size > room)):
            return replace(plan, steps=tuple(steps))
        steps.append(step)
    return plan
