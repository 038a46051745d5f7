"""What a person reads from some distance: large digits, and QR codes."""

from __future__ import annotations

import io
import sys

_DIGITS = (
    ("███", "█ █", "█ █", "█ █", "███"),
    (" █ ", "██ ", " █ ", " █ ", "███"),
    ("███", "  █", "███", "█  ", "███"),
    ("███", "  █", "███", "  █", "███"),
    ("█ █", "█ █", "███", "  █", "  █"),
    ("███", "█  ", "███", "  █", "███"),
    ("███", "█  ", "███", "█ █", "███"),
    ("███", "  █", "  █", "  █", "  █"),
    ("███", "█ █", "███", "█ █", "███"),
    ("███", "█ █", "███", "  █", "███"),
)


def large(code: str) -> str:
    """Digits five lines high, in groups of four; as they are where that cannot be printed."""
    if not printable_blocks():
        return f"{code[:4]} {code[4:]}"
    return "\n".join(
        "      ".join(
            "  ".join(_DIGITS[int(digit)][row] for digit in group) for group in (code[:4], code[4:])
        )
        for row in range(5)
    )


def qr(text: str) -> str:
    """A QR code to be photographed from the terminal; nothing where that cannot be printed."""
    if not printable_blocks():
        return ""
    import segno

    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, compact=True, border=2)
    return out.getvalue().rstrip("\n")


def printable_blocks() -> bool:
    """Whether the terminal's encoding has them."""
    try:
        "█▄▀".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
