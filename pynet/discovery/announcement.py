"""Telling the network that a Gateway is here."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pynet._version import __version__
from pynet.discovery import avahi
from pynet.discovery.record import SERVICE, Record
from pynet.discovery.worker import NO_ZEROCONF, Trouble, Worker, addresses_here, joinable

log = logging.getLogger("pynet.discovery")

LIFE = 120
"""Seconds for which others believe it without a new word: a car that lost its power is gone then.
(RFC 6762, 10, wants so for records with an address in them.)"""


class Announcement:
    """Says that a Gateway is here, from its creation to :meth:`close`.

    Through Avahi where it runs and we may; by itself otherwise. Without a network, or where
    multicast is blocked, nothing is heard of it and nothing raised; a network that comes later is
    used. May be created and closed on any thread.

    Args:
        name: of the Gateway, for people.
        port: it listens on.
        id_prefix: first group of its device id; empty for a Gateway without identity.
        version: of pynet.
        hosts: addresses where it listens; by default all of this machine but loopback, as they
            come and go.
        folder: where Avahi reads service files.
        daemon: where Avahi listens.

    Raises:
        ConfigurationError: this cannot be announced.
    """

    def __init__(
        self,
        name: str,
        port: int,
        id_prefix: str = "",
        version: str = __version__,
        hosts: Sequence[str] | None = None,
        *,
        folder: Path = avahi.FOLDER,
        daemon: Path = avahi.SOCKET,
    ) -> None:
        self._record = Record(name, port, id_prefix, version)
        self._hosts = None if hosts is None else tuple(hosts)
        self._folder, self._daemon = folder, daemon
        self._refused_by_avahi = False
        self.way = ""
        """``"avahi"``, ``"zeroconf"``, or empty while nobody can be told."""
        self._worker = Worker("pynet-discovery-announcement", self._look, self._session)

    @property
    def problem(self) -> str:
        """Why nobody can be told now, as a sentence; empty if all seems well."""
        return self._worker.problem

    def close(self) -> None:
        """Say goodbye. Idempotent."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- on the thread ------------------------------------------------------------------

    def _look(self) -> tuple[str, ...] | None:
        """The addresses to tell; None to leave that to Avahi, which tells all there are."""
        if self._hosts is not None:
            return self._hosts
        if not self._refused_by_avahi and avahi.can_announce(self._folder, self._daemon):
            return None
        return addresses_here()

    @asynccontextmanager
    async def _session(self, addresses: tuple[str, ...] | None) -> AsyncIterator[None]:
        tell = self._through_avahi() if addresses is None else self._by_itself(addresses)
        async with tell:
            log.info(
                "%s is announced as %s, port %d", self._record.label, SERVICE, self._record.port
            )
            try:
                yield
            finally:
                self.way = ""

    @asynccontextmanager
    async def _through_avahi(self) -> AsyncIterator[None]:
        try:
            file = avahi.ServiceFile(self._record, self._folder)
        except OSError as error:
            self._refused_by_avahi = True
            raise Trouble(
                f"Avahi gets no service file ({error.strerror}); the Gateway announces itself"
            ) from error
        self.way = "avahi"
        try:
            yield
        finally:
            file.remove()

    @asynccontextmanager
    async def _by_itself(self, addresses: tuple[str, ...]) -> AsyncIterator[None]:
        try:
            from zeroconf import IPVersion
            from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
        except ImportError as error:
            raise Trouble(NO_ZEROCONF) from error
        record = self._record
        info = AsyncServiceInfo(
            SERVICE,
            f"{record.label}.{SERVICE}",
            port=record.port,
            properties=dict(record.text),
            server=f"pynet-{record.id_prefix or record.port}.local.".lower(),
            parsed_addresses=list(addresses),
            host_ttl=LIFE,
            other_ttl=LIFE,
        )
        v4 = [address for address in addresses if ":" not in address]
        from_here = joinable(v4 or addresses_here())
        responder = AsyncZeroconf(from_here, ip_version=IPVersion.V4Only)
        try:
            # Another name is taken if this one is.
            await responder.async_register_service(info, allow_name_change=True)
            self.way = "zeroconf"
            yield
        finally:
            await responder.async_close()


def announced_hosts(host: str) -> tuple[str, ...] | None:
    """What to announce of a Gateway that listens on this address; None for all of the machine."""
    if host in ("", "0.0.0.0", "::"):
        return None
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return (host,)
    return None
