"""Figures as a person reads them: rounded to what can be used, with a short unit."""

from __future__ import annotations

import time

NONE = "–"


def milliseconds(seconds: float | None) -> str:
    """``"31 ms"``, ``"<1 ms"``, above ten seconds ``"12 s"``; a dash for None."""
    if seconds is None:
        return NONE
    if 0.0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 1.0:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10.0 else duration(seconds)


def old(seconds: float | None) -> str:
    """An age that counts up before the person's eyes: ``"0.8 s"``, ``"12 s"``."""
    if seconds is None:
        return NONE
    return f"{max(0.0, seconds):.1f} s" if seconds < 10.0 else duration(seconds)


def duration(seconds: float) -> str:
    """``"12 s"``, ``"3 min 05 s"``, ``"2 h 10 min"``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def shortened(name: str, most: int = 24) -> str:
    """A name that leaves room for what is said of it."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def clock(wall: float) -> str:
    """Wall clock seconds as ``"12:04:31"``."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def signed(value: float) -> str:
    """``"+0.34"``; zero has no sign."""
    rounded = round(value, 2)
    return f"{rounded:+.2f}" if rounded else "0.00"


def figure(value: float, decimals: int) -> str:
    """``value`` with ``decimals`` digits; never ``"-0.0"``."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0.0 else text


def ago(seconds: float) -> str:
    """How long ago something was: ``"just now"``, ``"12 min ago"``, ``"3 days ago"``."""
    if seconds < 60:
        return "just now"
    for size, unit in ((31557600, "year"), (86400, "day"), (3600, "h"), (60, "min")):
        count = int(seconds // size)
        if count:
            plural = "s" if unit in ("day", "year") and count > 1 else ""
            return f"{count} {unit}{plural} ago"
    return "just now"
