"""Looking around for Gateways."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Interface
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pynet.discovery.record import SERVICE, Found, read
from pynet.discovery.worker import NO_ZEROCONF, Trouble, Worker, interfaces_here, joinable

if TYPE_CHECKING:
    from zeroconf import Zeroconf

log = logging.getLogger("pynet.discovery")

MOST_FOUND = 64
"""Gateways that are kept; in a network with more, or with a liar, later ones are left out."""

MOST_PENDING = 64
"""Names that are asked for their address at one time."""

ANSWER_TIME = 3.0
"""Seconds that a name has to tell its address."""

CALM = 0.1
"""Seconds in which changes are gathered before they are told."""


class Browser:
    """Tells who announces a Gateway, from its creation to :meth:`close`.

    Where multicast is blocked, or without a network, nothing is found and nothing raised. A network
    that comes later is used. May be created, asked and closed on any thread.

    Args:
        on_change: gets all Gateways there are, sorted by name, after each change; called on the one
            thread ``pynet-discovery-browser``, which nothing else waits for. It may close this.
        hosts: addresses of this machine to look around from; by default all but loopback, as they
            come and go.
    """

    def __init__(
        self,
        on_change: Callable[[tuple[Found, ...]], None],
        hosts: Sequence[str] | None = None,
    ) -> None:
        self._on_change = on_change
        self._found: dict[str, Found] = {}
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._told: tuple[Found, ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._here: tuple[IPv4Interface, ...] = ()
        chosen = None if hosts is None else tuple(map(IPv4Interface, hosts))
        self._worker = Worker(
            "pynet-discovery-browser",
            interfaces_here if chosen is None else lambda: chosen,
            self._session,
        )

    @property
    def found(self) -> tuple[Found, ...]:
        """All that are known now, as they were last told."""
        return self._told

    @property
    def problem(self) -> str:
        """Why nothing can be found now, as a sentence; empty if all seems well."""
        return self._worker.problem

    def close(self) -> None:
        """Look around no longer. Idempotent."""
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

    @asynccontextmanager
    async def _session(self, interfaces: tuple[IPv4Interface, ...]) -> AsyncIterator[None]:
        try:
            from zeroconf import IPVersion
            from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf
        except ImportError as error:
            raise Trouble(NO_ZEROCONF) from error
        # Other interfaces may lead to another network.
        self._found.clear()
        self._here = interfaces
        addresses = joinable(dict.fromkeys(str(interface.ip) for interface in interfaces))
        responder = AsyncZeroconf(addresses, ip_version=IPVersion.V4Only)
        try:
            browser = AsyncServiceBrowser(
                responder.zeroconf, SERVICE, handlers=[self._on_state_change]
            )
            log.debug("looking for Gateways from %s", ", ".join(addresses))
            self._tell_soon()
            yield
            await browser.async_cancel()
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for task in self._pending.values():
                task.cancel()
            await asyncio.gather(*self._pending.values(), return_exceptions=True)
            self._pending.clear()
            await responder.async_close()

    def _on_state_change(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: Any
    ) -> None:
        if state_change.name == "Removed":
            task = self._pending.pop(name, None)
            if task is not None:
                task.cancel()
            if self._found.pop(name, None) is not None:
                self._tell_soon()
        elif name in self._pending:
            return
        elif len(self._pending) >= MOST_PENDING or (
            name not in self._found and len(self._found) >= MOST_FOUND
        ):
            log.debug("too many Gateways are announced; %r is left out", name)
        else:
            self._pending[name] = asyncio.ensure_future(self._resolve(zeroconf, name))

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        """Ask a name for address and text, if it has not told them with it."""
        from zeroconf import Error, IPVersion
        from zeroconf.asyncio import AsyncServiceInfo

        try:
            info = AsyncServiceInfo(SERVICE, name)
            known = info.load_from_cache(zeroconf)
            if not known and not await info.async_request(zeroconf, 1000 * ANSWER_TIME):
                log.debug("%r does not tell where it is", name)
                return
            label = name.removesuffix(f".{SERVICE}")
            addresses = info.parsed_scoped_addresses(IPVersion.All)
            found = read(label, info.properties, info.port, addresses, self._here)
        except (Error, OSError, ValueError, TypeError) as error:
            log.debug("%r cannot be understood: %r", name, error)
            return
        finally:
            self._pending.pop(name, None)
        if found is None:
            log.debug("%r has no address to connect to", name)
        elif self._found.get(name) != found and len(self._found) < MOST_FOUND:
            self._found[name] = found
            self._tell_soon()

    def _tell_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CALM, self._tell)

    def _tell(self) -> None:
        self._timer = None
        order = sorted(self._found.values(), key=lambda one: (one.name, one.id_prefix, one.address))
        now = tuple(dict.fromkeys(order))
        if now == self._told:
            return
        self._told = now
        try:
            self._on_change(now)
        except Exception:
            log.exception("%r failed to hear of the Gateways", self._on_change)
