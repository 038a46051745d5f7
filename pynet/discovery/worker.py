"""One thread that keeps something open on the network, whatever the network does meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from ipaddress import IPv4Interface
from types import TracebackType
from typing import Generic, Self, TypeVar

log = logging.getLogger("pynet.discovery")

GROUP = "224.0.0.251"
"""Of mDNS (RFC 6762, 3)."""

LOOK = 2.0
"""Seconds between two looks at the network interfaces; also the pause after a failure."""

NO_ZEROCONF = (
    "the package zeroconf is not installed, so nothing is found or announced in this network; "
    "pip install 'pynet-rc[discovery]', or connect by address"
)

NO_NETWORK = "this machine has no network; discovery waits for one"

Place = TypeVar("Place")
"""What may change, and makes it necessary to open anew."""


class Trouble(Exception):
    """Discovery cannot work now; the text says why, for a person."""


class Worker(Generic[Place]):
    """Runs on a thread with an event loop of its own, from its creation to :meth:`close`.

    Nothing that happens to the network raises: it is logged once, told by :attr:`problem`, and
    tried again. Any thread may call any method.

    Args:
        name: of the thread.
        look: where to be at this moment; on the thread. Raises :class:`Trouble`.
        session: what is open while that does not change; entered and left on the thread.
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], Place],
        session: Callable[[Place], AbstractAsyncContextManager[None]],
    ) -> None:
        self._look = look
        self._session = session
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.problem = ""
        """Why it does not work now, as a sentence; empty while it does."""
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._running.wait()

    def close(self) -> None:
        """End it and join the thread, unless this is called on it. Idempotent."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            assert self._loop is not None
            # It may have ended by itself, with its loop.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def trouble(self, sentence: str) -> None:
        """Say why it does not work, once for as long as it stays so."""
        if sentence != self.problem:
            log.warning("%s", sentence)
        self.problem = sentence

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            self._loop = runner.get_loop()
            self._running.set()
            runner.run(self._keep_open())

    async def _keep_open(self) -> None:
        while not self._stop.is_set():
            try:
                place = self._look()
                async with self._session(place):
                    self.problem = ""
                    while not await self._stopped_within(LOOK) and self._look() == place:
                        continue
            except Trouble as error:
                self.trouble(str(error))
            except Exception as error:
                # zeroconf raises what it likes, and asyncio, and the sockets below.
                self.trouble(f"discovery does not work now: {str(error) or repr(error)}")
                log.debug("it failed here:", exc_info=True)
            else:
                continue
            await self._stopped_within(LOOK)

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()


def interfaces_here() -> tuple[IPv4Interface, ...]:
    """IPv4 addresses of this machine that others can reach, with their networks, in order.

    Raises:
        Trouble: there is none, or no zeroconf to use it.
    """
    try:
        import ifaddr
    except ImportError as error:
        raise Trouble(NO_ZEROCONF) from error
    all_of_them = (
        IPv4Interface(f"{entry.ip}/{entry.network_prefix}")
        for adapter in ifaddr.get_adapters()
        for entry in adapter.ips
        if entry.is_IPv4
    )
    found = {interface for interface in all_of_them if not interface.is_loopback}
    if not found:
        raise Trouble(NO_NETWORK)
    return tuple(sorted(found))


def joinable(addresses: Iterable[str]) -> list[str]:
    """Those of our addresses whose network takes multicast now.

    zeroconf gives up for all if one of them does not, and leaves a socket behind.

    Raises:
        Trouble: there is none.
    """
    found = []
    reason = "none was given"
    for address in addresses:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                ours = socket.inet_aton(address)
                probe.bind((address, 0))
                member = socket.inet_aton(GROUP) + ours
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        except OSError as error:
            reason = f"{address}: {error.strerror or error}"
            log.debug("no multicast from %s", reason)
        else:
            found.append(address)
    if not found:
        raise Trouble(f"no network of this machine takes multicast ({reason}); connect by address")
    return found


def addresses_here() -> tuple[str, ...]:
    """As :func:`interfaces_here`, without the networks."""
    return tuple(dict.fromkeys(str(interface.ip) for interface in interfaces_here()))
