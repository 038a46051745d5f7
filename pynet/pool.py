"""The bounded pool of threads that Handlers run on."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

log = logging.getLogger("pynet.pool")


class HandlerPool:
    """At most ``size`` threads, made when first needed, kept until :meth:`close`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Callable[[], None], bool]] = deque()
        self._threads: list[threading.Thread] = []
        self._taken = 0
        self._idle = 0
        self._closed = False

    @property
    def taken(self) -> int:
        """Slots in use."""
        return self._taken

    def hold(self, count: int) -> int:
        """Take slots for jobs still to come: as many as are free. :meth:`release` ends it."""
        with self._changed:
            granted = 0 if self._closed else min(count, self.size - self._taken)
            self._taken += granted
            return granted

    def release(self, count: int) -> None:
        """Give slots back that :meth:`hold` granted."""
        with self._changed:
            self._taken -= count

    def reserve(self, job: Callable[[], None], *, held: bool = False) -> bool:
        """Run a job on a thread of its own, if one of the slots is free.

        Args:
            job: runs once.
            held: on a slot that :meth:`hold` has taken; it stays taken afterwards.

        Returns:
            False when all are taken, or the pool is closed.
        """
        with self._changed:
            if self._closed or (not held and self._taken >= self.size):
                return False
            if not held:
                self._taken += 1
            self._jobs.append((job, held))
            if self._idle >= len(self._jobs):
                self._changed.notify()
            else:
                thread = threading.Thread(
                    target=self._work, name=f"pynet-handler-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
        return True

    def close(self, grace: float) -> list[str]:
        """Take no more jobs and join the threads.

        Args:
            grace: seconds to wait for all of them together.

        Returns:
            Names of threads that user code keeps busy; they are daemons and end with the process.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + grace
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return [t.name for t in threads if t.is_alive() and t is not threading.current_thread()]

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._jobs and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._jobs:
                    return
                job, held = self._jobs.popleft()
            try:
                job()
            except Exception:
                log.exception("a Handler ended with a fault of pynet itself")
            finally:
                # Else this thread would keep the last Handler until there is another one.
                del job
                with self._changed:
                    self._taken -= not held
