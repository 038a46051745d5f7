"""Values as a person reads them in a terminal, and as JSON."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import math
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def show(value: Any) -> str:
    """A value on one line: arrays and long bytes as a summary, nothing that moves the cursor."""
    if isinstance(value, np.ndarray):
        shape = "x".join(map(str, value.shape)) or "0-dimensional"
        return f"<array {shape} {value.dtype}, {size(value.nbytes)}>"
    if isinstance(value, np.generic):
        return show(value.item())
    if isinstance(value, bytes):
        short = len(value) <= 16
        return repr(value) if short else f"<{size(len(value))} of bytes, {value[:8].hex(' ')} ...>"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ", ".join(f"{name}={show(part)}" for name, part in _fields(value).items())
        return f"{type(value).__name__}({fields})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(show, value)) + "]"
    return printable(repr(value))


def show_lines(value: Any) -> list[str]:
    """A result over several lines, as far as its outermost shape gives reason to."""
    if isinstance(value, str):
        return [printable(line) for line in value.split("\n")]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(f"  {line}" for line in aligned(_fields(value)))]
    if isinstance(value, Mapping) and value:
        return aligned(value)
    if isinstance(value, list | tuple) and len(show(value)) > 80:
        return [show(part) for part in value]
    return [show(value)]


def aligned(fields: Mapping[Any, Any]) -> list[str]:
    """Names and values in two columns."""
    names = {name: printable(str(name)) for name in fields}
    width = max(map(len, names.values()))
    return [
        f"{names[name]:<{width}}  {printable(part) if isinstance(part, str) else show(part)}"
        for name, part in fields.items()
    ]


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell."""
    cells = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        print("  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    """For other programs."""
    print(json.dumps(plain(value), indent=2))


def plain(value: Any) -> Any:
    """A value as JSON knows it; what is not finite becomes null."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(_fields(value))
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def printable(text: str) -> str:
    """Text of the other side without control characters, which could take over a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def fitting(line: str) -> str:
    """The line cut at the edge of the terminal, if it goes to one."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(line)
    return line if len(line) <= width else f"{line[: width - 3]}..."


def milliseconds(seconds: float) -> str:
    """Three digits after the point."""
    return f"{seconds * 1000:.3f} ms"


UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: int) -> str:
    """Bytes in the unit that suits."""
    power = _power(count)
    return f"{_in(count, power)} {UNITS[power]}"


def amounts(part: int, whole: int) -> str:
    """Bytes of how many, both in the unit that suits the whole."""
    power = _power(whole)
    return f"{_in(part, power)} of {_in(whole, power)} {UNITS[power]}"


def _power(count: int) -> int:
    """Which unit; the next one is taken before four digits are shown, but for single bytes."""
    return 0 if count < 1024 else next((n for n in range(1, 4) if count < 999.95 * 1024**n), 4)


def _in(count: int, power: int) -> str:
    return f"{count / 1024**power:.1f}" if power else str(count)


def duration(seconds: float) -> str:
    """A time that is left, no more exact than anybody wants to know."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02} h" if hours < 48 else f"{hours // 24} days"


def counted(files: int) -> str:
    """``1 file``, ``2 files``."""
    return "1 file" if files == 1 else f"{files} files"
