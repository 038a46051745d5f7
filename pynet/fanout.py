"""Fan-out: one generator runs once for all its viewers, each with a mailbox of its own."""

from __future__ import annotations

import inspect
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from pynet import context
from pynet.context import Caller
from pynet.errors import EncodeError, HandlerStopped, WrongKind
from pynet.flow import Flow
from pynet.policy import Policy
from pynet.source import Source
from pynet.subroutines import Subroutine
from pynet.wire.values import Encoder

log = logging.getLogger("pynet.fanout")

LOSSLESS_DEPTH = 256
"""Items by which a viewer that may lose none can fall behind another, before it is dropped."""

Item = tuple[int, Any]


class Subscription:
    """One viewer's part of a :class:`Broadcast`: an iterator with a mailbox.

    Several threads may pull from it, as the lanes of one swarm.

    Args:
        broadcast: what it belongs to.
        policy: of the viewer; decides what its mailbox keeps.
        lock: the broadcast's.
    """

    def __init__(self, broadcast: Broadcast, policy: Policy, lock: threading.Lock) -> None:
        self._broadcast = broadcast
        self._policy = policy
        self._drops = policy.kind in ("latest", "keep_last")
        self._depth = policy.depth if self._drops else LOSSLESS_DEPTH
        self._mail: deque[Item] = deque()
        self._arrived = threading.Condition(lock)
        self._waiting = 0
        self._first: int | None = None
        self._overrun = False
        self._closed = False

    # ---- the viewer's side --------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.pull()[1]

    def pull(self) -> Item:
        """Wait for the next item; its number counts what this mailbox dropped, too.

        Raises:
            StopIteration: the generator has ended, or this thread's subroutine was cancelled.
            HandlerStopped: this viewer may lose nothing and was too slow.
            BaseException: what the generator raised, at every viewer.
        """
        with self._arrived:
            self._waiting += 1
            try:
                self._broadcast.look()
                while not self._mail:
                    if self._overrun:
                        raise HandlerStopped(
                            f"this viewer of {self._broadcast.name} fell {LOSSLESS_DEPTH} items "
                            "behind the fastest one; it can keep up with latest or keep_last"
                        )
                    if self._closed or context.cancelled():
                        raise StopIteration
                    self._broadcast.check_end()
                    self._arrived.wait()
            finally:
                self._waiting -= 1
            number, value = self._mail.popleft()
            if self._first is None:
                self._first = number
            return number - self._first, value

    def close(self) -> None:
        """Watch no more; the last one waits until the generator is closed. Idempotent."""
        with self._arrived:
            if self._closed:
                return
            self._closed = True
            self._arrived.notify_all()
        self._broadcast.leave(self)

    # ---- the broadcast's side; it holds the lock ----------------------------------------

    def wants(self) -> bool:
        """An item made now would not wait here."""
        if self._policy.kind == "keep_last":
            return True
        if self._policy.kind == "reliable":
            return len(self._mail) < LOSSLESS_DEPTH // 2 and not self._overrun
        return self._waiting > len(self._mail)

    def post(self, item: Item) -> None:
        """Put an item into the mailbox; never waits."""
        if len(self._mail) >= self._depth:
            if not self._drops:
                self._overrun = True
                return
            self._mail.popleft()
        if not self._overrun:
            self._mail.append(item)
            self._arrived.notify()

    def wake(self) -> None:
        """Something else than an item has come."""
        self._arrived.notify_all()


class Broadcast:
    """Runs a generator on a thread of its own while anybody watches.

    It is pulled when the fastest viewer can take an item, so a single viewer paces it as it
    would alone, and a slow one slows nobody.

    Args:
        name: of the subroutine.
        make: calls it; runs on the thread.
        predecessor: the thread of the same generator's last run, which must end before.
        on_end: called on the thread when it is done.

    Attributes:
        cancelled: set when the last viewer has left.
        thread: its own; joined by the last viewer.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
        predecessor: threading.Thread | None,
        on_end: Callable[[Broadcast], None],
    ) -> None:
        self.name = name
        self.cancelled = threading.Event()
        self._make: Callable[[], Any] = make
        self._on_end = on_end
        self._predecessor = predecessor
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._viewers: list[Subscription] = []
        self._newest: Item | None = None
        self._opened = False
        self._ended = False
        self._error: BaseException | None = None
        self._trace: TracebackType | None = None
        self.thread = threading.Thread(target=self._run, name=f"pynet-fanout-{name}", daemon=True)

    # ---- viewers ------------------------------------------------------------------------

    def join(self, policy: Policy) -> Subscription | None:
        """One more viewer, who gets the newest item at once; None if it is over."""
        with self._lock:
            if self._ended or self.cancelled.is_set():
                return None
            viewer = Subscription(self, policy, self._lock)
            if self._newest is not None:
                viewer.post(self._newest)
            self._viewers.append(viewer)
            self._changed.notify_all()
            return viewer

    def wait_open(self) -> None:
        """Wait until the generator was made.

        Raises:
            BaseException: what its function raised instead.
            GeneratorExit: this thread's subroutine was cancelled.
        """
        with self._changed:
            while not self._opened and not self._ended:
                if context.cancelled():
                    raise GeneratorExit("cancelled before the generator could begin")
                self._changed.wait()
            if not self._opened:
                self.check_end()

    def leave(self, viewer: Subscription) -> None:
        """One viewer less; after the last one the generator is closed, on its thread."""
        with self._lock:
            self._viewers.remove(viewer)
            last = not self._viewers
            if last:
                self.cancelled.set()
            self._changed.notify_all()
        if last:
            self.thread.join()

    def look(self) -> None:
        """A viewer can take an item now. The caller holds the lock."""
        self._changed.notify_all()

    def check_end(self) -> None:
        """Raise how it ended, if it did. The caller holds the lock."""
        if not self._ended:
            return
        if self._error is None:
            raise StopIteration
        # Each viewer begins with the generator's own frames, not with another viewer's.
        raise self._error.with_traceback(self._trace)

    def wake(self) -> None:
        """Somebody was cancelled: let all who wait look whether it is them."""
        with self._lock:
            self._wake_viewers()
            self._changed.notify_all()

    def caller(self) -> Caller | None:
        """None: there are several."""
        return None

    def flow(self) -> Flow | None:
        """None: the items of several viewers fare differently."""
        return None

    # ---- the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        if self._predecessor is not None:
            self._predecessor.join()
            self._predecessor = None
        error: BaseException | None = None
        context.enter(self)
        try:
            if not self.cancelled.is_set():
                self._pump()
        except BaseException as raised:
            if not (isinstance(raised, GeneratorExit) and self.cancelled.is_set()):
                error = raised
        finally:
            context.enter(None)
        with self._lock:
            self._ended, self._error = True, error
            self._trace = None if error is None else error.__traceback__
            self._newest = None
            if error is not None and not self._viewers:
                log.warning("%s raised when nobody watched any more", self.name, exc_info=error)
            self._wake_viewers()
            self._changed.notify_all()
        self._on_end(self)

    def _pump(self) -> None:
        iterator = self._make()
        if not isinstance(iterator, Iterator):
            raise WrongKind(
                f"{self.name} returned {type(iterator).__name__}, but a shared stream must be a "
                "generator or return an iterator; use yield in it"
            )
        try:
            with self._lock:
                self._opened = True
                self._changed.notify_all()
            number = 0
            while self._wait_wanted():
                try:
                    value = next(iterator)
                except StopIteration:
                    return
                self._post((number, value))
                number += 1
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    def _wait_wanted(self) -> bool:
        """Wait until somebody can take an item; False when nobody is left."""
        with self._changed:
            while not self.cancelled.is_set():
                if any(viewer.wants() for viewer in self._viewers):
                    return True
                self._changed.wait()
        return False

    def _post(self, item: Item) -> None:
        with self._lock:
            self._newest = item
            for viewer in self._viewers:
                viewer.post(item)

    def _wake_viewers(self) -> None:
        for viewer in self._viewers:
            viewer.wake()


class FanoutSource(Source):
    """A subscription as a Handler pulls from it, with the numbers of what its mailbox dropped."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(subscription)
        self.alone = False
        self._subscription = subscription

    def pull(self) -> Item:
        """The next item and its number; may wait."""
        return self._subscription.pull()


class Broadcasts:
    """The broadcasts of one Gateway, by subroutine and arguments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int, bytes], Broadcast] = {}

    def subscribe(
        self,
        subroutine: Subroutine,
        args: list[Any],
        kwargs: dict[str, Any],
        policy: Policy,
        make: Callable[[], Any],
        lanes: int = 1,
    ) -> Source:
        """Watch a shared subroutine, which begins to run if nobody else watches it.

        Args:
            subroutine: which.
            args, kwargs: for it; equal ones share a run, written in whatever way.
            policy: of this viewer.
            make: calls the subroutine, if it has to.
            lanes: threads that will pull for this viewer.

        Raises:
            BaseException: what the subroutine raised when it was called.
        """
        key = (subroutine.name, id(subroutine.function), _packed(subroutine, args, kwargs))
        with self._lock:
            running = self._running.get(key)
            viewer = None if running is None else running.join(policy)
            if viewer is None:
                before = None if running is None else running.thread
                running = Broadcast(subroutine.name, make, before, lambda b: self._ended(key, b))
                self._running[key] = running
                viewer = running.join(policy)
                running.thread.start()
        assert running is not None
        assert viewer is not None
        try:
            running.wait_open()
        except BaseException:
            viewer.close()
            raise
        # Several lanes put items back in order by numbers without holes.
        return FanoutSource(viewer) if lanes == 1 else Source(viewer, lanes)

    def wake(self) -> None:
        """A Handler was cancelled: if it waits for an item, it must look. Never waits."""
        with self._lock:
            running = list(self._running.values())
        for broadcast in running:
            broadcast.wake()

    def _ended(self, key: tuple[str, int, bytes], broadcast: Broadcast) -> None:
        with self._lock:
            if self._running.get(key) is broadcast:
                del self._running[key]


def _packed(subroutine: Subroutine, args: list[Any], kwargs: dict[str, Any]) -> bytes:
    """Arguments as bytes that are equal if they are; defaults count as given."""
    encode = Encoder().encode
    try:
        bound = inspect.signature(subroutine.function).bind(*args, **kwargs)
        bound.apply_defaults()
        meta, body = encode([list(bound.args), sorted(bound.kwargs.items())])
    except (TypeError, ValueError, EncodeError):  # no signature, or a default that cannot travel
        meta, body = encode([args, sorted(kwargs.items())])
    return b"".join((meta, *body))
