"""The sending end of a stream or a feed: ids, credits, the mailbox, and batching of small items."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgpack

from pynet.errors import Closed, PynetError
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.policy import ITEM_COST, Policy
from pynet.stats import Tally
from pynet.wire.frames import HEADER_SIZE, Frame, Kind
from pynet.wire.values import Buffer, Encoder

BATCH_GAP_US = 200
"""Items that follow each other faster than this are gathered; a slower one goes out at once."""

BATCH_AGE_US = 500
"""A batch whose first item is older than this goes out with the next item."""

BATCH_LIMIT_US = 900
"""The reactor sends a batch of this age if nobody else did: no item waits for 1 ms."""

BATCH_BYTES = 16 * 1024
SMALL = 1024

Waiting = tuple[int, int, bytes, list[Buffer]]


class Outlet:
    """Sends the items of one flow, as its policy wants. Survives the loss of its lane.

    One thread at a time may :meth:`put`; credits may arrive on any other.

    Args:
        policy: what gives when the receiver is slow.
        tally: counts across reconnections.
        reactor: runs the batch timer.

    Attributes:
        credit: what may still be sent, in the policy's unit; below zero after a large item.
    """

    def __init__(self, policy: Policy, tally: Tally, reactor: Reactor) -> None:
        self.policy = policy
        self.tally = tally
        self._reactor = reactor
        self._encoder = Encoder()
        self._lane: Lane | None = None
        self.credit = 0
        self._next_id = 0
        self._live = policy.live
        self._gathers = policy.unit == "bytes"
        self._lock = threading.Lock()
        self._state_changed = threading.Condition(self._lock)
        self._mail: deque[Waiting] = deque()
        self._batch: list[bytes] = []
        self._births: list[int] = []
        self._batch_bytes = 0
        self._batch_id = 0
        self._timer_armed = False
        self._last_put_us = 0
        self._error: PynetError | None = None

    # ---- life ---------------------------------------------------------------------------

    def attach(self, lane: Lane) -> None:
        """Send through this lane from now on; the receiver starts with one window of credit."""
        lane.on_control = self._on_control
        lane.on_drained = self._on_drained
        with self._lock:
            self._lane = lane
            self.credit = self.policy.window
            self._flush_mail()
            self._state_changed.notify_all()

    def detach(self) -> None:
        """The lane is gone; live items wait in the mailbox for the next one."""
        with self._lock:
            self._lane = None
            self._batch, self._births, self._batch_bytes = [], [], 0

    def finish(self, error: PynetError) -> None:
        """Nothing can be sent any more: whoever waits gets this error."""
        with self._lock:
            self._error = error
            self._state_changed.notify_all()

    # ---- producing ----------------------------------------------------------------------

    def wait_ready(self, stop: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until an item put now would go out at once.

        Args:
            stop: asked again whenever something changes; True ends the wait.
            timeout: seconds.

        Returns:
            False when stopped or timed out.
        """
        if self.credit > 0 and self._lane is not None:
            return not stop()
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            self._flush_batch()
            while not stop():
                if self._error is not None:
                    raise self._error
                if self.credit > 0 and self._lane is not None:
                    return True
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._state_changed.wait(left)
        return False

    def wake(self) -> None:
        """Make :meth:`wait_ready` ask its ``stop`` again."""
        with self._lock:
            self._state_changed.notify_all()

    def put(self, value: Any, item_id: int | None = None) -> None:
        """Send an item, or keep it as the policy says. Blocks never.

        A reliable producer calls :meth:`wait_ready` first; the window then bounds what is on
        the way. Large arrays of a reliable flow are written straight from their memory,
        which the caller may change again when this returns.

        Raises:
            EncodeError: the value cannot travel; the flow goes on.
            PynetError: the lane is lost (reliable flows only).
        """
        born = time.monotonic_ns() // 1000
        meta, body = self._encoder.encode(value)
        if item_id is None:
            item_id = self._next_id
        self._next_id = item_id + 1
        if self._live:
            self._put_live(item_id, born, meta, body)
        else:
            self._put_reliable(item_id, born, meta, body)

    def flush(self) -> None:
        """Send a gathered batch now."""
        with self._lock:
            self._flush_batch()

    # ---- reliable -----------------------------------------------------------------------

    def _put_reliable(self, item_id: int, born: int, meta: bytes, body: list[Buffer]) -> None:
        gap = born - self._last_put_us
        self._last_put_us = born
        small = not body and len(meta) <= SMALL
        with self._lock:
            if self._error is not None:
                raise self._error
            lane = self._lane
            if lane is None:
                raise Closed("the connection is gone and the item was not sent")
            batch = self._batch
            if small and (batch or gap < BATCH_GAP_US) and self._gathers:
                if batch and item_id != self._batch_id + len(batch):
                    self._flush_batch()
                    batch = self._batch
                if not batch:
                    self._batch_id = item_id
                    self._arm_timer(born)
                batch.append(meta)
                births = self._births
                births.append(born)
                self._batch_bytes = size = self._batch_bytes + len(meta)
                if size >= BATCH_BYTES or born - births[0] >= BATCH_AGE_US:
                    self._flush_batch()
                return
            self._flush_batch()
            self._spend(meta, body)
            if small:
                lane.send(Kind.ITEM, meta=meta, seq=item_id, time_us=born)
                self.tally.items += 1
                return
        lane.send(Kind.ITEM, meta=meta, body=body, seq=item_id, time_us=born, patient=True)
        self.tally.items += 1

    def _spend(self, meta: bytes, body: list[Buffer]) -> None:
        if self.policy.unit == "items":
            self.credit -= 1
        else:
            raw = sum(b.nbytes if isinstance(b, memoryview) else len(b) for b in body)
            self.credit -= HEADER_SIZE + len(meta) + raw + ITEM_COST

    def _flush_batch(self) -> None:
        """Send what was gathered. The caller holds the lock."""
        batch, births = self._batch, self._births
        if not batch:
            return
        self._batch, self._births, self._batch_bytes = [], [], 0
        first = births[0]
        meta = b"".join(
            (
                b"\x92",
                msgpack.packb([birth - first for birth in births]),
                _array_head(len(batch)),
                *batch,
            )
        )
        self.credit -= HEADER_SIZE + len(meta) + ITEM_COST * len(batch)
        self.tally.items += len(batch)
        if self._lane is not None:
            self._lane.send(Kind.ITEMS, meta=meta, seq=self._batch_id, time_us=first)

    def _arm_timer(self, born: int) -> None:
        if not self._timer_armed:
            self._timer_armed = True
            self._reactor.call_at((born + BATCH_LIMIT_US) / 1e6, self._flush_old)

    def _flush_old(self) -> None:
        """The reactor, about 1 ms after a batch was begun."""
        with self._lock:
            self._timer_armed = False
            if not self._births:
                return
            if (self._births[0] + BATCH_LIMIT_US) / 1e6 > time.monotonic() + 1e-4:
                self._arm_timer(self._births[0])  # the batch that armed the timer went out long ago
                return
            try:
                self._flush_batch()
            except PynetError:
                return  # the producer meets the same error with its next item

    # ---- live ---------------------------------------------------------------------------

    def _put_live(self, item_id: int, born: int, meta: bytes, body: list[Buffer]) -> None:
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._mail and self._can_send():
                self._send_live((item_id, born, meta, body))
                return
            if len(self._mail) >= self.policy.depth:
                self._mail.popleft()
                self.tally.dropped += 1
            # The producer may reuse its memory while the item waits.
            owned: list[Buffer] = [bytes(b) if isinstance(b, memoryview) else b for b in body]
            self._mail.append((item_id, born, meta, owned))
            self._flush_mail()

    def _can_send(self) -> bool:
        return self._lane is not None and self.credit > 0 and self._lane.drained

    def _flush_mail(self) -> None:
        while self._mail and self._can_send():
            self._send_live(self._mail.popleft())

    def _send_live(self, item: Waiting) -> None:
        item_id, born, meta, body = item
        lane = self._lane
        assert lane is not None
        self._spend(meta, body)
        try:
            lane.send(Kind.ITEM, meta=meta, body=body, seq=item_id, time_us=born)
        except PynetError:
            self._lane = None  # lost; whoever reads it notices, and the next attach goes on
            self.tally.dropped += 1
            return
        self.tally.items += 1

    # ---- from the receiver --------------------------------------------------------------

    def _on_control(self, frame: Frame) -> None:
        if frame.kind != Kind.CREDIT:
            return
        with self._lock:
            self.credit += frame.seq
            self.tally.round_trip = max(0.0, time.monotonic() - frame.time_us / 1e6)
            self._flush_mail()
            self._state_changed.notify_all()

    def _on_drained(self) -> None:
        with self._lock:
            self._flush_mail()


def _array_head(count: int) -> bytes:
    """msgpack's header of an array with so many elements."""
    packer = msgpack.Packer(buf_size=16)
    head: bytes = packer.pack_array_header(count)
    return head
