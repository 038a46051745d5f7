"""Announcing through the system's own mDNS responder: Avahi reads a folder of service files.

A second responder on one machine works, but each answers for itself and Avahi complains. So where
Avahi runs, and we may write there, it speaks for us.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
from pathlib import Path
from xml.sax.saxutils import escape

from pynet.discovery.record import SERVICE, Record

log = logging.getLogger("pynet.discovery")

FOLDER = Path("/etc/avahi/services")
SOCKET = Path("/run/avahi-daemon/socket")
"""Where a running daemon listens. It leaves the file behind when it is killed."""


def can_announce(folder: Path = FOLDER, daemon: Path = SOCKET) -> bool:
    """True if Avahi runs and this process may give it service files."""
    if not os.access(folder, os.W_OK | os.X_OK) or not hasattr(socket, "AF_UNIX"):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        probe.connect(str(daemon))
        return True
    return False


class ServiceFile:
    """A file that is there until :meth:`remove`. Any thread.

    Args:
        record: what it says.
        folder: Avahi's.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, record: Record, folder: Path = FOLDER) -> None:
        # Named by the port, so that the next program there replaces what one left that was killed.
        self.path = folder / f"pynet-{record.port}.service"
        self._content = describe(record).encode()
        # Avahi looks at *.service only, so it never sees half a file.
        draft = self.path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            with open(draft, "xb") as file:
                os.chmod(draft, 0o644)
                file.write(self._content)
            os.replace(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)

    def is_there(self) -> bool:
        """True while nobody has removed or replaced it."""
        with contextlib.suppress(OSError):
            return self.path.read_bytes() == self._content
        return False

    def remove(self) -> None:
        """Take it away, if it still is ours. Never fails, may be called again."""
        if not self.is_there():
            return
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be removed (%s); remove it by hand", self.path, error.strerror)


def describe(record: Record) -> str:
    """A service group as avahi.service(5) has it."""
    kind = SERVICE.removesuffix(".local.")
    texts = "".join(
        f"    <txt-record>{escape(f'{key}={value}')}</txt-record>\n"
        for key, value in record.text.items()
    )
    return (
        '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n'
        '<!DOCTYPE service-group SYSTEM "avahi-service.dtd">\n'
        "<!-- Written by pynet while a Gateway runs; it is removed when that ends. -->\n"
        "<service-group>\n"
        f'  <name replace-wildcards="no">{escape(record.label)}</name>\n'
        "  <service>\n"
        f"    <type>{kind}</type>\n"
        f"    <port>{record.port}</port>\n"
        f"{texts}"
        "  </service>\n"
        "</service-group>\n"
    )
