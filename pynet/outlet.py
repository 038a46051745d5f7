"""The sending end of a stream or a feed: ids, credits, the mailbox, and batching of small items."""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

import msgpack

from pynet import context
from pynet.bulk import Bulk, live_delays
from pynet.errors import Closed, PynetError
from pynet.flow import Flow
from pynet.io.lane import Lane
from pynet.io.reactor import Reactor
from pynet.policy import ITEM_COST, Policy
from pynet.stats import Tally
from pynet.wire.frames import HEADER_SIZE, Frame, Kind
from pynet.wire.values import Buffer, Encoder

BATCH_GAP_NS = 200_000
"""Items that follow each other faster than this are gathered; a slower one goes out at once."""

BATCH_AGE_NS = 500_000
"""A batch whose first item is older than this goes out with the next item."""

BATCH_LIMIT_NS = 600_000
"""The reactor sends a batch of this age if nobody else did: so that no item waits for 1 ms,
the time it takes the reactor to wake up included."""

BATCH_BYTES = 16 * 1024
SMALL = 1024

OVERDRAFT = 14
"""Small items of policy latest that may be on the way beyond the window: at 100 a second two are
too few for a round trip of 30 ms, and a receiver that is slow takes the newest of them."""

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
        self._encode = Encoder().encode
        self._lane: Lane | None = None
        self.credit = 0
        self._next_id = 0
        self._keeps_all = policy.lossless
        self._gathers = policy.unit == "bytes"
        self._overdraft = OVERDRAFT if policy.kind == "latest" else 0
        self._lock = threading.Lock()
        self._state_changed = threading.Condition(self._lock)
        self._mail: deque[Waiting] = deque()
        self._batch: list[bytes] = []
        self._births: list[int] = []
        self._batch_end = 0
        self._batch_due = 0
        self._batch_room = 0
        self._timer_armed = False
        self._last_put = 0
        self._round_trips: deque[float] = deque(maxlen=64)
        self._error: PynetError | None = None
        self._bulk = Bulk() if policy.background else None
        self._paced_at = 0.0
        self._flow_id = object()
        if policy.live:
            live_delays.expect(self._flow_id, time.monotonic())

    # ---- life ---------------------------------------------------------------------------

    def attach(self, lane: Lane) -> None:
        """Send through this lane from now on; the receiver starts with one window of credit."""
        lane.on_drained = self._on_drained
        if self._bulk is not None:
            lane.tune_for_background()
        with self._lock:
            self._lane = lane
            self.credit = self.policy.window
            self._flush_mail()
            self._state_changed.notify_all()

    def detach(self) -> None:
        """The lane is gone; live items wait in the mailbox for the next one."""
        with self._lock:
            self._lane = None
            self._batch, self._births = [], []

    def finish(self, error: PynetError) -> None:
        """Nothing can be sent any more: whoever waits gets this error."""
        with self._lock:
            self._error = error
            self._state_changed.notify_all()
        live_delays.forget(self._flow_id)

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
        """Send an item, or keep it as the policy says. Only a background flow's blocks.

        A reliable producer calls :meth:`wait_ready` first; the window then bounds what is on
        the way. Large arrays of a reliable flow are written straight from their memory,
        which the caller may change again when this returns.

        Raises:
            EncodeError: the value cannot travel; the flow goes on.
            PynetError: the lane is lost (reliable flows only).
        """
        born = monotonic_ns()
        meta, body = self._encode(value)
        if self._bulk is not None:
            self._await_turn(self._bulk, len(meta) + sum(map(_size, body)))
        if item_id is None:
            item_id = self._next_id
        self._next_id = item_id + 1
        # The way of most small items, and therefore without a further call.
        if self._batch and item_id == self._batch_end and not body and len(meta) <= SMALL:
            with self._lock:
                batch = self._batch
                if batch:  # the reactor may just have sent it
                    self._last_put = born
                    batch.append(meta)
                    self._births.append(born)
                    self._batch_end = item_id + 1
                    self._batch_room -= len(meta)
                    if self._batch_room <= 0 or born >= self._batch_due:
                        self._flush_batch()
                    return
        if not self._keeps_all:
            self._put_live(item_id, born // 1000, meta, body)
        elif body or len(meta) > SMALL or not self._gathers:
            self._put_large(item_id, born // 1000, meta, body)
        else:
            self._put_small(item_id, born, meta)

    def flush(self) -> None:
        """Send a gathered batch now."""
        with self._lock:
            self._flush_batch()

    def _await_turn(self, bulk: Bulk, size: int) -> None:
        """Stand back until live flows leave room for so many bytes.

        Raises:
            GeneratorExit: the subroutine was cancelled meanwhile.
        """
        while (wait := bulk.allow(size)) and self._error is None and self._lane is not None:
            context.sleep(wait)
        lane = self._lane
        if lane is not None and bulk.rate != self._paced_at:
            self._paced_at = bulk.rate
            lane.tune_for_background(bulk.rate)

    # ---- lossless -----------------------------------------------------------------------

    def _put_small(self, item_id: int, born: int, meta: bytes) -> None:
        """Begin a batch with it when it follows its predecessor fast, else send it at once."""
        gap, self._last_put = born - self._last_put, born
        with self._lock:
            self._flush_batch()
            if gap >= BATCH_GAP_NS:
                self._send(item_id, born // 1000, meta, [])
                return
            self._batch, self._births = [meta], [born]
            self._batch_end = item_id + 1
            self._batch_due = born + BATCH_AGE_NS
            self._batch_room = BATCH_BYTES
            self._arm_timer(born)

    def _put_large(self, item_id: int, born_us: int, meta: bytes, body: list[Buffer]) -> None:
        with self._lock:
            self._flush_batch()
            if not body:
                self._send(item_id, born_us, meta, body)
                return
            lane = self._open_lane()
            self._spend(meta, body)
        # Not under the lock: a patient send waits for the kernel.
        lane.send(Kind.ITEM, meta=meta, body=body, seq=item_id, time_us=born_us, patient=True)
        self.tally.items += 1

    def _send(self, item_id: int, born_us: int, meta: bytes, body: list[Buffer]) -> None:
        lane = self._open_lane()
        self._spend(meta, body)
        lane.send(Kind.ITEM, meta=meta, body=body, seq=item_id, time_us=born_us)
        self.tally.items += 1

    def _open_lane(self) -> Lane:
        if self._error is not None:
            raise self._error
        if self._lane is None:
            raise Closed("the connection is gone and the item was not sent")
        return self._lane

    def _spend(self, meta: bytes, body: list[Buffer]) -> None:
        if self.policy.unit == "items":
            self.credit -= 1
        else:
            raw = sum(map(_size, body))
            self.credit -= HEADER_SIZE + len(meta) + raw + ITEM_COST

    def _flush_batch(self) -> None:
        """Send what was gathered. The caller holds the lock."""
        batch, births = self._batch, self._births
        if not batch:
            return
        self._batch, self._births = [], []
        first = births[0]
        meta = b"".join(
            (
                b"\x92",
                msgpack.packb([(birth - first) // 1000 for birth in births]),
                _array_head(len(batch)),
                *batch,
            )
        )
        lane = self._open_lane()
        self.credit -= HEADER_SIZE + len(meta) + ITEM_COST * len(batch)
        self.tally.items += len(batch)
        lane.send(Kind.ITEMS, meta=meta, seq=self._batch_end - len(batch), time_us=first // 1000)

    def _arm_timer(self, born: int) -> None:
        """One timer at a time; a batch younger than its timer makes it run on."""
        if not self._timer_armed:
            self._timer_armed = True
            self._reactor.call_at((born + BATCH_LIMIT_NS) / 1e9, self._flush_old)

    def _flush_old(self) -> None:
        """The reactor, about 1 ms after a batch was begun."""
        with self._lock:
            self._timer_armed = False
            if not self._births:
                return
            if self._births[0] + BATCH_LIMIT_NS > monotonic_ns() + 100_000:
                self._arm_timer(self._births[0])
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
            if not self._mail and self._can_send(meta, body):
                self._send_live((item_id, born, meta, body))
                return
            if len(self._mail) >= self.policy.depth:
                self._mail.popleft()
                self.tally.dropped += 1
            # The producer may reuse its memory while the item waits.
            owned: list[Buffer] = [bytes(b) if isinstance(b, memoryview) else b for b in body]
            self._mail.append((item_id, born, meta, owned))
            self._flush_mail()

    def _can_send(self, meta: bytes, body: list[Buffer]) -> bool:
        least = -self._overdraft if not body and len(meta) <= SMALL else 0
        return self._lane is not None and self.credit > least and self._lane.drained

    def _flush_mail(self) -> None:
        while self._mail and self._can_send(*self._mail[0][2:]):
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

    def flow(self) -> Flow:
        """A reading of this end; a single lane's receiver reports no ages."""
        trips = self._round_trips
        on_the_way = max(0, self.policy.window - self.credit) if self.policy.unit == "items" else 0
        return Flow(
            age=None,
            round_trip=self.tally.round_trip,
            smallest_round_trip=min(trips, default=None),
            in_flight=on_the_way,
            window=self.policy.window,
            parts=self.tally.items,
            rescued=0,
            dropped=self.tally.dropped,
            lanes=int(self._lane is not None),
        )

    # ---- from the receiver --------------------------------------------------------------

    def on_credit(self, frame: Frame) -> None:
        """The receiver has taken something; called by whichever thread reads."""
        with self._lock:
            self.credit += frame.seq
            now = time.monotonic()
            self.tally.round_trip = max(0.0, now - frame.time_us / 1e6)
            self._round_trips.append(self.tally.round_trip)
            if self.policy.live:
                live_delays.report(self._flow_id, self.tally.round_trip, now)
            self._flush_mail()
            self._state_changed.notify_all()

    def _on_drained(self) -> None:
        with self._lock:
            self._flush_mail()


def _size(buffer: Buffer) -> int:
    return buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)


def _array_head(count: int) -> bytes:
    """msgpack's header of an array with so many elements."""
    if count < 16:
        return bytes((0x90 | count,))
    return struct.pack(">BH", 0xDC, count) if count < 65536 else struct.pack(">BI", 0xDD, count)
