"""One line of a terminal that tells how far a transfer is."""

from __future__ import annotations

from pynet.cli.text import amounts, counted, duration, printable, size
from pynet.files.progress import DONE, LISTING, RECONNECTING, RUNNING, Progress

NARROW, WIDE = 12, 28
"""Signs of the bar itself, and on terminals of :data:`ROOMY` columns."""

ROOMY = 110

GAP = "  "


def line(progress: Progress, width: int) -> str:
    """How far it is, in at most ``width`` columns.

    What matters less is left out as a whole where it does not fit; only a sentence is shortened,
    after a word.
    """
    if progress.state == LISTING and not progress.bytes_total:
        return shortened("looking for what there is", width)
    text = _bar(progress, WIDE if width >= ROOMY else NARROW)
    for part in (_amounts(progress), *_rest(progress)):
        if len(text) + len(GAP) + len(part) > width:
            return text
        text += GAP + part
    if progress.note and not progress.over:
        note = shortened(printable(progress.note), width - len(text) - len(GAP))
        text += GAP + note if note else ""
    return text


def _share(progress: Progress) -> float | None:
    """How much is done, 0.0 to 1.0; None while nobody knows how much there is."""
    if progress.state == DONE:
        return 1.0
    if not progress.total_known:
        return None
    if not progress.bytes_total:
        return 1.0 if progress.files >= progress.files_total else 0.0
    return min(1.0, progress.bytes / progress.bytes_total)


def _bar(progress: Progress, signs: int) -> str:
    share = _share(progress)
    if share is None:
        return f"[{'.' * signs}] ... %"
    # Rounded down, so that only what is whole looks so.
    done = int(signs * share)
    return f"[{'#' * done}{'.' * (signs - done)}] {int(100 * share):>3} %"


def _amounts(progress: Progress) -> str:
    if progress.state == DONE:
        return size(progress.bytes)
    return amounts(progress.bytes, max(progress.bytes, progress.bytes_total))


def _rest(progress: Progress) -> list[str]:
    """What comes after the amounts, the most important first."""
    if progress.state == DONE:
        return [counted(progress.files)]
    total = max(progress.files, progress.files_total)
    files = f"{progress.files}/{total} files"
    if progress.state == RECONNECTING:
        return [progress.state]
    if progress.state != RUNNING:
        return [progress.state, files]
    parts = [f"{size(int(progress.rate))}/s"]
    if progress.eta is not None:
        parts.append(f"{duration(progress.eta)} left")
    parts.append(files)
    if progress.lanes:
        parts.append(f"{len(progress.lanes)} lane{'s' if len(progress.lanes) > 1 else ''}")
    return parts


def shortened(text: str, width: int) -> str:
    """The text, or as many of its words as fit before three dots."""
    if len(text) <= width:
        return text
    head, space, _ = text[: max(0, width - 3)].rpartition(" ")
    return f"{head}..." if space else ""
