"""What the file process of a Gateway offers: lists, and the other ends of transfers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from pynet.context import caller
from pynet.errors import Forbidden, NotShared, PynetError, TalkEnded
from pynet.files.durable import DurableReceiving
from pynet.files.info import FILE, FileInfo, Usage, shown
from pynet.files.landing import Landing
from pynet.files.listing import list_folder, total_of
from pynet.files.receiving import Receiving
from pynet.files.selection import Selection
from pynet.files.sending import AT_A_TIME, Origin, Sending
from pynet.files.shares import Share, Shares
from pynet.talk import Talk
from pynet.trust.peers import Role

if TYPE_CHECKING:
    from pynet.gateway import Gateway

STEP = 0.005
"""Seconds for which a control talk is listened to before it is seen whether all is there."""

ENOUGH = 3.0
"""Seconds for which the content of a folder is counted."""

PATIENCE = 5.0
"""Seconds that a lane waits for the transfer it belongs to."""


def register(gateway: Gateway, shares: Shares) -> Service:
    """Offer files of these shares at the Gateway."""
    service = Service(shares)
    # Each share has its own role; whoever may see none of them learns nothing.
    gateway.batch(service.roots, name="files.roots", role="viewer")
    gateway.batch(service.look, name="files.look", role="viewer")
    gateway.batch(service.find, name="files.find", role="viewer")
    gateway.batch(service.total, name="files.total", role="viewer")
    gateway.batch(service.usage, name="files.usage", role="viewer")
    gateway.talk(service.get, name="files.get", role="viewer")
    gateway.talk(service.put, name="files.put", role="viewer")
    gateway.talk(service.lane, name="files.lane", role="viewer")
    return service


class Service:
    """The functions behind it. Any thread.

    Args:
        shares: named roots.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._changed = threading.Condition()
        self._ends: dict[str, tuple[object, Sending | Receiving]] = {}
        self._over: deque[str] = deque(
            maxlen=256
        )  # tokens of transfers that a lane may be late for

    # ---- looking ------------------------------------------------------------------------

    def roots(self) -> list[dict[str, Any]]:
        """The shares that the caller may see."""
        rows = []
        for share in self._shares.visible(_role()):
            with contextlib.suppress(NotShared), share.tree() as tree:
                usage = tree.usage()
                rows.append({"name": share.name, "write": share.write, "usage": usage})
        return rows

    def look(self, place: str | bytes) -> list[FileInfo]:
        """What is in one folder; names below it."""
        share, name = self.find_place(place)
        try:
            with share.tree() as tree:
                return list_folder(tree, name)
        except OSError as error:
            raise NotShared(f"{shown(_raw(place))} cannot be listed: {error.strerror}") from error

    def total(self, place: str | bytes) -> dict[str, Any]:
        """How many files are below a folder, and their bytes, as far as can be counted soon."""
        share, name = self.find_place(place)
        deadline = time.monotonic() + ENOUGH
        with share.tree() as tree:
            files, size = total_of(tree, name, lambda: time.monotonic() > deadline)
        return {"files": files, "bytes": size, "whole": time.monotonic() <= deadline}

    def find(self, what: list[Any], match: str | None = None) -> Iterator[list[FileInfo]]:
        """The files that a transfer would send, some at a time."""
        some: list[FileInfo] = []
        for tree, selection in [self._origin(pattern, match) for pattern in what]:
            with tree:
                for thing in tree.scan(selection):
                    if isinstance(thing, FileInfo) and thing.kind == FILE:
                        some.append(thing)
                        if len(some) == AT_A_TIME:
                            yield some
                            some = []
        yield some

    def usage(self, place: str | bytes) -> Usage:
        """How full a share is: its disk, or what it may hold."""
        share, _ = self.find_place(place)
        with share.tree() as tree:
            return tree.usage()

    # ---- transfers ----------------------------------------------------------------------

    def get(self, talk: Talk, token: str, what: list[Any], options: dict[str, Any]) -> Any:
        """Send files to the Controller."""
        origins = [self._origin(pattern, options.get("match")) for pattern in what]
        things = chain(*(origin.things() for origin in origins))
        sending = Sending(things, talk.say, options["algorithm"])
        try:
            self.send(talk, token, sending)
        finally:
            for tree, _ in origins:
                tree.close()
        return {"repeated": sending.repeated}

    def send(self, talk: Talk, token: str, sending: Sending) -> None:
        """Let it tell and hear until the Controller ends the talk; closes it."""
        try:
            with self._course(token, sending), contextlib.suppress(TalkEnded):
                while True:
                    said = talk.hear(0 if sending.tell() else None)
                    if said is not None:
                        sending.on_message(said.value)
        finally:
            sending.close()

    def put(self, talk: Talk, token: str, where: str | bytes, options: dict[str, Any]) -> Any:
        """Take files from the Controller."""
        share, base = self.find_place(where, write=True)
        durable = bool(options.get("durable"))
        with (
            share.tree() as tree,
            Landing(
                tree,
                base,
                conflict=options.get("conflict", "keep"),
                algorithm=options["algorithm"],
                origin=self.sender(),
                durable=durable,
            ) as landing,
        ):
            make = DurableReceiving if durable else Receiving
            receiving = make(landing, talk.say, options["algorithm"])
            try:
                self._receive(talk, token, receiving)
                landing.finish()
            finally:
                receiving.close()
        return receiving.summary()

    def _receive(self, talk: Talk, token: str, receiving: Receiving) -> None:
        with self._course(token, receiving):
            while not receiving.done and receiving.failure is None:
                said = talk.hear(STEP)
                if said is not None:
                    receiving.on_message(said.value)
                receiving.tick()
        if receiving.failure is not None:
            raise receiving.failure

    def lane(self, talk: Talk, token: str, number: int) -> None:
        """Carry a part of a transfer that the same caller has begun."""
        end = self._end_of(token)
        if end is None:
            return
        if isinstance(end, Sending):
            end.run_lane(number, talk, lambda: not talk.over)
            return
        try:
            end.run_lane(number, talk)
        except PynetError:
            end.lane_lost(number)
            raise

    @contextlib.contextmanager
    def _course(self, token: str, end: Sending | Receiving) -> Iterator[None]:
        """Let lanes find this end while it runs."""
        with self._changed:
            if token in self._ends:
                raise Forbidden("a transfer with this token runs already")
            self._ends[token] = (self._who(), end)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                del self._ends[token]
                self._over.append(token)
                self._changed.notify_all()

    def _end_of(self, token: str) -> Sending | Receiving | None:
        """This end of a transfer; None if it is over: the lane came late."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while token not in self._ends:
                if token in self._over:
                    return None
                if not self._changed.wait(deadline - time.monotonic()):
                    raise NotShared("there is no such transfer (any more)")
            who, end = self._ends[token]
        if who != self._who():
            raise NotShared("there is no such transfer (any more)")
        return end

    # ---- shares -------------------------------------------------------------------------

    @staticmethod
    def sender() -> str:
        """By what the parts of a sender are found again: not by its session, which ends."""
        who = caller()
        return "" if who is None else who.id or who.name

    @staticmethod
    def _who() -> object:
        who = caller()
        return None if who is None else (who.id, who.session)

    def find_place(self, place: str | bytes, *, write: bool = False) -> tuple[Share, bytes]:
        """The share that a place is in, and the name below it.

        Raises:
            NotShared: there is none, or not for this caller.
            Forbidden: it may be read only.
        """
        name, _, rest = _raw(place).partition(b"/")
        share = self._shares.find(name.decode("utf-8", "replace"), _role(), write=write)
        return share, rest.strip(b"/")

    def _origin(self, pattern: str | bytes, match: str | None) -> Origin:
        raw = _raw(pattern)
        share, _ = self.find_place(raw)
        below = raw.partition(b"/")[2]
        return Origin(share.tree(), Selection.parse(below, match=match))


def _role() -> Role:
    who = caller()
    return Role.NONE if who is None else who.role


def _raw(place: str | bytes) -> bytes:
    return place if isinstance(place, bytes) else place.encode("utf-8", "surrogateescape")
