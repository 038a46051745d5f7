"""Sizes, ages and rates of files as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MONTH, YEAR = 30.44 * DAY, 365.25 * DAY

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """``"840 MB"``, ``"1.1 GB"``, ``"2 kB"``: thousands, as file managers and df -H count."""
    value, unit = scaled(count)
    return f"{value} {unit}"


def scaled(count: float) -> tuple[str, str]:
    """The figure and the unit of :func:`size` apart."""
    if count < 1000:
        return ("1", "kB") if count >= 500 else (f"{max(0, int(count))}", "B")
    value = float(count)
    for unit in _UNITS:
        value /= 1000
        # What rounds up to a thousand is one of the next unit.
        if value < (999.5 if unit in ("kB", "MB") else 999.95) or unit == _UNITS[-1]:
            return _digits(value, unit), unit
    return _digits(value, _UNITS[-1]), _UNITS[-1]


def _digits(value: float, unit: str) -> str:
    if unit == "kB" or (unit == "MB" and value >= 9.95):
        return f"{value:.0f}"
    return f"{value:.1f}"


def part(done: float, whole: float) -> str:
    """``"1.30 of 2.10 GB"``: both in the unit of the larger, fine enough to see it move."""
    _, unit = scaled(whole)
    if unit in ("B", "kB"):
        return f"{size(min(done, whole))} of {size(whole)}"
    factor = 1000.0 ** (_UNITS.index(unit) + 1)
    digits = 2 if whole / factor < 100 and unit != "MB" else 1 if whole / factor < 100 else 0
    return f"{done / factor:.{digits}f} of {whole / factor:.{digits}f} {unit}"


def rate(bytes_per_second: float) -> str:
    """``"41 MB/s"``."""
    return f"{size(bytes_per_second)}/s"


def age(seconds: float) -> str:
    """How long ago a file was changed: ``"today"``, ``"19 days"``, ``"1 month"``, ``"2 years"``."""
    if seconds < -MINUTE:
        return "in the future"
    if seconds < DAY:
        return "today"
    if seconds < 2 * MONTH and seconds < 30 * DAY:
        return plural(int(seconds / DAY), "day")
    if seconds < YEAR:
        return plural(max(1, int(seconds / MONTH)), "month")
    return plural(int(seconds / YEAR), "year")


def span(seconds: float) -> str:
    """A time to come, rounded to what can be promised: ``"7 min"``, ``"9 h"``, ``"3 days"``."""
    if seconds < 55:
        return f"{max(1, round(seconds))} s"
    if seconds < 55 * MINUTE:
        return f"{max(1, round(seconds / MINUTE))} min"
    if seconds < 36 * HOUR:
        return f"{max(1, round(seconds / HOUR))} h"
    if seconds < 60 * DAY:
        return plural(round(seconds / DAY), "day")
    return plural(round(seconds / MONTH), "month")


def left(seconds: float) -> str:
    """Time left of something that runs: ``"45 s"``, ``"2 min 10 s"``, ``"1 h 20 min"``."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < 10 * MINUTE:
        return f"{whole // 60} min {whole % 60 // 10 * 10:02d} s"
    if whole < HOUR:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def share(fraction: float) -> str:
    """``"78.4 %"``; cut and not rounded, so that a mark never seems to be passed before it is."""
    tenths = int(max(0.0, fraction) * 1000 + 1e-6)
    return f"{tenths / 10:.1f} %"


def mark(fraction: float) -> str:
    """A mark that a person has set: ``"75 %"``, ``"72.5 %"``."""
    return f"{fraction * 100:.4g} %"


def plural(count: int, noun: str) -> str:
    """``"1 file"``, ``"412 files"``, ``"20 000 files"``."""
    return f"{grouped(count)} {noun}" if count == 1 else f"{grouped(count)} {noun}s"


def grouped(count: int) -> str:
    """``"20 000"``: thousands apart by a thin space that does not break."""
    return f"{count:,}".replace(",", "\u202f") if abs(count) >= 10000 else str(count)


def title(names: Sequence[str]) -> str:
    """What a job moves: its name, or the first one's and how many more."""
    if not names:
        return "Nothing"
    first = names[0].rstrip("/").rpartition("/")[2] or names[0]
    return first if len(names) == 1 else f"{first} and {grouped(len(names) - 1)} more"
