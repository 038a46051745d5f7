"""Names below a root: what the other side may ask for, and what they become on other disks.

A name is ``bytes`` with ``/`` between its parts, as Linux has it. Whatever comes from the other
side goes through :func:`check` before any file system sees it.
"""

from __future__ import annotations

import os
import re
import unicodedata

from pynet.errors import BadName
from pynet.files.info import shown

INCOMING = b".pynet-incoming"
"""The folder in a destination where files wait until they are whole; never sent, never named."""

PART = b".pynet-part"
"""What names of unfinished files end in; such files are never sent."""

PART_LIMIT, NAME_LIMIT = 255, 4096  # what Linux takes: NAME_MAX, PATH_MAX

_ONE = rb"(?!(?:\.\.?|(?i:\.pynet-incoming))(?:/|\Z))[^/\0]{1,255}"
_GOOD = re.compile(_ONE + rb"(?:/" + _ONE + rb")*")
_DRIVE = re.compile(rb"[A-Za-z]:[\\/]|\\\\")
_SEPARATOR_TOO = os.sep == "\\"

# Windows opens a device whatever the extension is.
_DEVICE = re.compile(
    r"(?i:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\xb9\xb2\xb3])\s*(?:\.|\Z)"
)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]')


def check(name: bytes) -> bytes:
    """Return the name if it lies below a root, whatever the other side meant by it.

    Raises:
        BadName: it is absolute, climbs with ``..``, has empty or too long parts, or is pynet's own.
    """
    if (
        _GOOD.fullmatch(name) is None
        or len(name) >= NAME_LIMIT
        or (name[1:2] in b":\\" and _DRIVE.match(name) is not None)
        or (_SEPARATOR_TOO and b"\\" in name)
    ):
        raise BadName(f"{shown(name[:300])!r} is no name of a file below a root: {_fault(name)}")
    return name


def _fault(name: bytes) -> str:
    parts = name.split(b"/")
    if not name or name.startswith((b"/", b"\\\\")) or _DRIVE.match(name):
        return "it must not be empty or absolute"
    if b"\0" in name or (_SEPARATOR_TOO and b"\\" in name):
        return "it holds a character that no name may have"
    if len(name) >= NAME_LIMIT or max(map(len, parts)) > PART_LIMIT:
        return f"parts have at most {PART_LIMIT} bytes, the whole fewer than {NAME_LIMIT}"
    if any(part.lower() == INCOMING for part in parts):
        return f"{INCOMING.decode()} is where unfinished files are kept"
    return "no part may be empty, '.' or '..'"


def portable(part: bytes) -> bytes:
    """One part of a name as every file system takes it: FAT, exFAT, NTFS, HFS+.

    Composed Unicode (NFC), ``_`` for what is forbidden there, ``%ff`` for bytes that are no UTF-8,
    no name of a device, no dot or space at the end. A good name stays as it is.
    """
    text = part.decode("utf-8", "surrogateescape")
    text = "".join(
        f"%{ord(sign) - 0xDC00:02x}" if "\udc80" <= sign <= "\udcff" else sign for sign in text
    )
    text = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", text))
    if text[-1:] in (".", " "):
        text = text[:-1] + "_"
    if _DEVICE.match(text):
        text = "_" + text
    stem, extension = _split(text.encode())
    return _cut(stem, PART_LIMIT - len(extension)) + extension


def numbered(part: bytes, number: int) -> bytes:
    """``b"name.ext"`` as ``b"name (2).ext"``, still no longer than a part may be."""
    stem, extension = _split(part)
    mark = b" (%d)" % number
    return _cut(stem, PART_LIMIT - len(mark) - len(extension)) + mark + extension


def temporary(key: str) -> bytes:
    """The name of an unfinished file; as short however long its final name is."""
    return key.encode() + PART


def _split(part: bytes) -> tuple[bytes, bytes]:
    """Stem and extension; a dot at the front or a very long extension belongs to the stem."""
    stem, dot, extension = part.rpartition(b".")
    if not stem.strip(b".") or len(extension) > 32:
        return part, b""
    return stem, dot + extension


def _cut(stem: bytes, limit: int) -> bytes:
    """At most that many bytes, not through the middle of a character."""
    if len(stem) <= limit:
        return stem
    while limit and stem[limit] & 0xC0 == 0x80:
        limit -= 1
    return stem[:limit]
