"""What both ends of a move say beside what those of any transfer do."""

from __future__ import annotations

SETTLED = "settled"
"""Destination: ``[SETTLED, [[id, digest, final name, device, inode, told], ...]]``: receipts.
``told`` is a checksum of the name, size, time and mode that the file has there."""

FAILED = "failed"
"""Destination: ``[FAILED, [id, ...]]``: these will not come, the source is to keep them."""

REMOVED = "removed"
"""Source: ``[REMOVED, [[id, name, code, text, freed], ...]]``: what became of files there."""

FAR = "far"
"""Source, first of all: ``[FAR]``: its files may lie on another machine, even on this one."""

KEPT = "kept"
"""Destination: ``[KEPT]``: what the source said of its files is written down, it may forget it."""

ENOUGH = "enough"
"""Source: ``[ENOUGH]``: nothing more is removed, so nothing more need come."""

HAVE = "have"
"""Source: ``[HAVE, job, [[id, name, digest, algorithm], ...]]``: sent before it was cut off; which
of them are there?"""
