"""Backups as a person reads them in a terminal, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pynet.cli.text import counted, duration, print_table, printable, size
from pynet.files.info import Problem, Usage, shown

if TYPE_CHECKING:
    from pynet.backup import Backup, BackupReport, Plan, Policy, Status
    from pynet.backup.plan import Step
    from pynet.backup.units import Skip
    from pynet.files.ledger import Job

FIRST, LAST, EXAMPLES = 20, 5, 3
"""Rows of a long plan, and files that are named for each reason to stay."""

KNOWN = 1024 * 1024
"""Bytes that a run must have moved for its rate to mean anything."""


def share(usage: Usage) -> str:
    """How full a disk is."""
    return f"{100 * usage.share:.1f} %"


def mark(value: float) -> str:
    """A mark of a policy."""
    return f"{100 * value:g} %"


# ---- plans -------------------------------------------------------------------------------


def print_plan(backup: Backup, plan: Plan, *, all: bool) -> None:
    """What moves, what stays, and what it comes to."""
    policy = plan.policy
    _print(
        f"{backup.root} is {share(plan.usage)} full, {size(plan.usage.used)} of "
        f"{size(plan.usage.capacity)}; files move at {mark(policy.high)}, until {mark(policy.low)}"
    )
    _print(f"to {backup.where}")
    if plan.status.value == "idle":
        print("nothing has to move")
        return
    print()
    if plan.steps:
        rows = list(_rows(plan, all))
        print_table(("NAME", "AGE", "SIZE", "THEN"), rows)
    files = sum(len(step.unit.files) for step in plan.steps)
    amount = f"{counted(files)}, {size(plan.size)}"
    print(f"{amount}; then it is {share(plan.after)} full{_time(backup, plan)}")
    _print_stays(plan.skipped, all)
    for sentence in _ends(plan):
        _print(sentence)
    for warning in plan.warnings:
        _print(f"note: {warning}")


def _rows(plan: Plan, all: bool) -> Iterator[tuple[str, ...]]:
    steps = plan.steps
    if all or len(steps) <= FIRST + LAST + 1:
        yield from (_row(plan, step) for step in steps)
        return
    yield from (_row(plan, step) for step in steps[:FIRST])
    yield f"... {len(steps) - FIRST - LAST} more (--all)", "", "", ""
    yield from (_row(plan, step) for step in steps[-LAST:])


def _row(plan: Plan, step: Step) -> tuple[str, ...]:
    unit = step.unit
    name = shown(unit.name)
    if unit.group:
        name += f"/ ({counted(len(unit.files))})"
    age = duration(max(plan.time - unit.mtime_ns / 1e9, 0))
    return name, age, size(unit.size), share(step.after)


def _time(backup: Backup, plan: Plan) -> str:
    """How long it may take, if there was a run to judge by."""
    rate = _rate(backup.history())
    return f"; about {duration(plan.size / rate)} at the last run's rate" if rate else ""


def _rate(jobs: Sequence[Job]) -> float | None:
    for job in jobs:
        last = max((entry.time for entry in job.entries.values()), default=job.time)
        if job.size >= KNOWN and last > job.time:
            return job.size / (last - job.time)
    return None


def _print_stays(skipped: Sequence[Skip], all: bool) -> None:
    """Why things stay, the reason that holds most first."""
    by_code: dict[str, list[Skip]] = {}
    for skip in skipped:
        by_code.setdefault(skip.code, []).append(skip)
    groups = sorted(by_code.items(), key=lambda group: -sum(one.allocated for one in group[1]))
    if groups:
        print("\nwhat stays:")
    for code, some in groups:
        amount = size(sum(one.allocated for one in some))
        print(f"  {code}: {len(some)}, {amount} on the disk")
        for one in some if all else some[:EXAMPLES]:
            name = shown(one.name)
            _print(f"    {one.text if name in one.text else f'{name}: {one.text}'}")
        if not all and len(some) > EXAMPLES:
            print(f"    ... {len(some) - EXAMPLES} more, which --all lists")


def _ends(plan: Plan) -> Iterator[str]:
    """What a person should know of how it would end."""
    low = mark(plan.policy.low)
    if plan.lowest > plan.policy.low:
        held = {one.code: one.size for one in plan.held}
        outside = held.get("outside", 0)
        yield (
            f"\n{low} cannot be reached: lowest {100 * plan.lowest:.1f} %; "
            f"{size(outside)} lie outside the root"
        )
    if plan.status.value == "destination full":
        yield (
            f"\n{low} cannot be reached now: the disk here is to keep {_floor(plan.policy)} free "
            "(--floor)"
        )


def _floor(policy: Policy) -> str:
    parts = [mark(policy.floor_share)] * bool(policy.floor_share)
    parts += [size(policy.floor_bytes)] * bool(policy.floor_bytes)
    return ", at least ".join(parts) or "nothing"


def described_plan(backup: Backup, plan: Plan) -> dict[str, Any]:
    """A plan for other programs."""
    return {
        "status": plan.status.value,
        "root": backup.root,
        "to": backup.where,
        "policy": plan.policy.to_dict(),
        "usage": plan.usage,
        "share": plan.usage.share,
        "need": plan.need,
        "size": plan.size,
        "share_after": plan.after.share,
        "lowest": plan.lowest,
        "files": [
            {
                "name": file.text,
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "group": shown(step.unit.name) if step.unit.group else None,
                "share_after": step.after.share,
            }
            for step in plan.steps
            for file in step.unit.files
        ],
        "stays": [
            {"name": shown(one.name), "code": one.code, "text": one.text, "bytes": one.allocated}
            for one in plan.skipped
        ],
        "held": plan.held,
        "warnings": plan.warnings,
    }


# ---- runs --------------------------------------------------------------------------------


def print_report(report: BackupReport, backup: Backup) -> None:
    """What came of a run."""
    low = mark(backup.policy.low)
    if report.files:
        print(
            f"{counted(report.files)}, {size(report.bytes)} moved in {duration(report.seconds)}; "
            f"{backup.root} was {share(report.before)} full and is {share(report.after)} "
            f"(job {report.job})"
        )
    elif report.verdict == "idle":
        print(f"nothing had to move: {backup.root} is {share(report.after)} full")
    ends = {
        "exhausted": f"{low} cannot be reached: all that may move has; "
        "pynet backup plan tells what stays and why",
        "destination full": f"{low} was not reached: the disk here is as full as it may get "
        "(--floor), or the store is; nothing is lost",
        "held elsewhere": "removing files frees nothing: a snapshot, or a program that has them "
        "open, holds their space, or it is taken at once",
    }
    if report.verdict in ends:
        print(ends[report.verdict])
    tell_problems(report.kept)
    for warning in report.warnings:
        sys.stderr.write(printable(f"pynet: {warning}") + "\n")


def tell_problems(problems: Iterable[Problem]) -> None:
    """On stderr, one a line."""
    for one in problems:
        name = shown(one.name)
        sentence = one.text if name in one.text else f"{name}: {one.text}"
        sys.stderr.write(printable(f"pynet: {sentence}") + "\n")


def described(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """For other programs."""
    return [{"name": shown(one.name), "code": one.code, "text": one.text} for one in problems]


# ---- status ------------------------------------------------------------------------------


def print_status(backup: Backup, found: Status) -> None:
    """Both disks, the marks, and what is to be expected."""
    policy, here = backup.policy, found.destination
    _print(status_line(backup, found))
    _print(
        f"{backup.place.path} is on a disk that is {share(here)} full; {size(here.available)} are "
        f"free, {size(policy.floor(here.capacity))} are to stay so"
    )
    print(
        "files are moved; a person has agreed"
        if found.agreed
        else "nothing is moved: nobody has agreed yet; see pynet backup plan and run"
    )


def status_line(backup: Backup, found: Status) -> str:
    """How full the disk is, and when it will be too full."""
    policy, usage = backup.policy, found.usage
    amount = f"{size(usage.used)} of {size(usage.capacity)}"
    line = f"{backup.root} is {share(usage)} full, {amount}"
    if found.draining:
        return f"{line}; it is to be emptied to {mark(policy.low)}"
    if usage.share >= policy.high:
        return f"{line}; above {mark(policy.high)}, so it is to be emptied to {mark(policy.low)}"
    if found.seconds is None:
        return f"{line}; files move at {mark(policy.high)}"
    return f"{line}; {mark(policy.high)} is reached in about {duration(found.seconds)}"


def _print(sentence: str) -> None:
    """A sentence that may hold names of the other machine's; a line break in front stays."""
    lead = "\n" if sentence.startswith("\n") else ""
    print(lead + printable(sentence.removeprefix("\n")))
