"""A lane: one TCP connection of one pair, with its protocol.

*Whoever waits, reads.* A thread that waits for the lane (a caller for its
result, a Handler for the next request, a Client for the next item) reads the
socket itself, which saves a change of threads per frame. While that thread is
busy in user code, the reactor reads in its place: on the next tick, or at
once after :meth:`Lane.hand_over`. So heartbeats are answered and a CANCEL is
seen whatever the owner does, and a tight loop of calls never meets the reactor.

The bytes themselves are the :class:`~pynet.io.reader.Reader`'s and the
:class:`~pynet.io.writer.Writer`'s. No lock is held while waiting.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from selectors import EVENT_READ, EVENT_WRITE

from pynet.bulk import limit_socket
from pynet.bulk.rate import UNLIMITED
from pynet.errors import ConnectionLost, LocalProtocolError, PynetError, RemoteProtocolError
from pynet.io import kernel, options
from pynet.io.reactor import TICK, Reactor
from pynet.io.reader import Reader
from pynet.io.syscalls import DONTWAIT, timeval
from pynet.io.tls import Tls
from pynet.io.writer import PATIENT_WAIT, Writer
from pynet.wire.connection import Connection, pack_farewell, read_farewell
from pynet.wire.frames import Frame, Kind
from pynet.wire.states import State
from pynet.wire.values import Buffer

log = logging.getLogger("pynet.lane")

SPARING = 10
"""A lane of a swarm sends a heartbeat at a tenth of the usual rate, or when it hears nothing."""

FINE = 0.2
"""Share of a heartbeat for which such a lane is not looked at again: there are many of them."""

_GOODBYE = int(Kind.GOODBYE)
_SPECIAL = frozenset({int(Kind.CREDIT), int(Kind.REPORT), int(Kind.CANCEL), _GOODBYE})


class Lane:
    """One connection with its protocol state. Created by Gateway and Controller only.

    Args:
        sock: a connected socket; the lane owns it from now on.
        connection: the protocol state, new.
        reactor: an acquired reactor.
        heartbeat: seconds between PINGs; the peer is lost after four without a byte.
        tls: encrypts; None for plain TCP.

    Attributes:
        peer: who is at the other end, for messages (``host:port``).
        error: why the lane is dead, or None.
        on_control: called with each CREDIT, REPORT and CANCEL by whichever thread reads.
        on_frames: set while nobody owns the lane: called on the reactor when frames wait.
        on_lost: called once, by whichever thread notices, when the lane dies.
        on_drained: called when left-over bytes were all written.
        complain: called with a sentence when the other side has broken the rules.
        sparing: send few heartbeats: each would occupy a lane that should be idle.
        left: the other side has closed the connection, rather than fallen silent.
        tls: encrypts, and knows who is there; None for plain TCP.
        options: what the system accepted of the options for freshness, by name.
    """

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        reactor: Reactor,
        heartbeat: float,
        tls: Tls | None = None,
    ) -> None:
        options.prepare(sock)
        # Blocking with a receive timeout: one system call for wait and read. Where
        # MSG_DONTWAIT is missing (Windows) the socket is non-blocking and select waits.
        sock.setblocking(bool(DONTWAIT))
        self._sock = sock
        if DONTWAIT:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval(PATIENT_WAIT))
        self.connection = connection
        self.tls = tls
        self._reactor = reactor
        self._heartbeat = heartbeat
        self._pinged = 0.0
        self._fine_until = 0.0
        self.sparing = False
        self.left = False
        self.options: dict[str, int] = {}
        host, port = sock.getpeername()[:2]
        self.peer = f"{host}:{port}"
        self.error: PynetError | None = None
        self.on_control: Callable[[Frame], None] | None = None
        self.on_frames: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.on_drained: Callable[[], None] | None = None
        self.complain: Callable[[str], None] = log.warning
        self._inbox: deque[Frame] = deque()
        self._inbox_bytes = 0
        self._read_lock = threading.Lock()
        self._reactor_reads = False
        self._state_lock = threading.Lock()
        self._interest_lock = threading.Lock()
        self._writer = Writer(sock, self._state_lock, self._update_interest)
        self._writer.tls = tls
        self._reader = Reader(sock, connection, self._writer, self._state_lock)
        self._closed = False
        reactor.watch(self)

    # ---- writing, from any thread -------------------------------------------------------

    def send(
        self,
        kind: Kind,
        *,
        meta: bytes = b"",
        body: Sequence[Buffer] = (),
        seq: int = 0,
        time_us: int | None = None,
        patient: bool = False,
        hold: bool = False,
    ) -> bool:
        """Frame and write.

        Args:
            kind, meta, body, seq, time_us: see :meth:`Connection.send`.
            patient: wait until the kernel has everything, so that ``body`` may
                be reused by its owner. Otherwise an unwritten rest is copied.
            hold: leave a small frame for the next one that is sent: both fit one packet.

        Returns:
            True when the kernel has everything.

        Raises:
            PynetError: the lane's :attr:`error`, when it is dead.
            LocalProtocolError: not allowed now.
        """
        with self._state_lock:
            if self.error is not None:
                raise self.error
            try:
                buffers = self.connection.send(
                    kind, time.monotonic(), meta=meta, body=body, seq=seq, time_us=time_us
                )
            except LocalProtocolError:
                if self.connection.state is not State.CLOSED:
                    raise
                # Another thread has read the goodbye just now, and did not come to tell of it yet.
                raise ConnectionLost(f"{self.peer} has said goodbye") from None
            if hold:
                self._writer.hold(buffers)
                return False
            gone = self._writer.submit(buffers, patient)
        if gone is None:
            return self._write(patient)
        if patient and not gone:
            self._writer.wait_drained()
        return gone

    def _write(self, patient: bool) -> bool:
        try:
            return self._writer.write(patient)
        except OSError as error:
            if isinstance(error, PynetError):
                raise
            self._break(error)
            raise self.error or error from None

    @property
    def drained(self) -> bool:
        """True when the kernel has taken all that was sent."""
        return self._writer.drained

    @property
    def bytes_sent(self) -> int:
        """That the kernel has taken."""
        return self._writer.bytes_sent

    @property
    def bytes_received(self) -> int:
        """As they came in, with what encryption adds."""
        return self._reader.bytes_received

    def on_writable(self) -> None:
        """The reactor: the kernel takes bytes again."""
        try:
            gone = self._writer.on_writable()
        except PynetError:
            log.debug("lost %s while writing", self.peer)
            return
        except OSError as error:
            self._break(error)
            return
        if gone:
            self._update_interest()
            if self.on_drained is not None:
                self.on_drained()

    # ---- reading, by the owner ----------------------------------------------------------

    def next_frame(self, timeout: float | None = None) -> Frame | None:
        """Wait for a frame. Only the lane's owner may call this, from one thread.

        Returns:
            The frame, or None after ``timeout`` seconds.

        Raises:
            PynetError: the lane died, after all frames that came before are taken.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._inbox:
                frame = self._inbox.popleft()
                self._inbox_bytes -= frame.size
                return frame
            if self.error is not None:
                raise self.error
            if deadline is None:
                self._read_as_owner(None)
                continue
            left = deadline - time.monotonic()
            if left <= 0 and timeout:
                return None
            self._read_as_owner(left)
            if timeout == 0 and not self._inbox:
                return None

    def newer_item(self) -> Frame | None:
        """The next frame, if it is an ITEM and is here already; an END stays where it is."""
        if not self._inbox and self.error is None and kernel.unread_bytes(self._sock) != 0:
            self._read_as_owner(0)
        if self._inbox and self._inbox[0].kind == Kind.ITEM:
            return self.next_frame(0)
        return None

    def check(self) -> bool:
        """The owner comes back after a while: read what arrived meanwhile, without waiting.

        Returns:
            False when the lane is dead.
        """
        with self._read_lock:
            if self.error is None:
                self._read(DONTWAIT)
        return self.error is None

    def waiting(self) -> bool:
        """True when a frame can be taken without waiting."""
        return bool(self._inbox)

    def hand_over(self) -> None:
        """The owner goes into user code for long: let the reactor read from now on."""
        with self._read_lock:
            self._adopt()

    def _read_as_owner(self, timeout: float | None) -> None:
        with self._read_lock:
            if self._inbox or self.error is not None:
                return
            if self._reactor_reads:
                self._reactor_reads = False
                self._update_interest()
            if self._reader.expect_within(timeout):
                self._read(0)

    # ---- reading, by the reactor --------------------------------------------------------

    def on_readable(self) -> None:
        """The reactor: bytes wait and the owner is busy."""
        if not self._read_lock.acquire(blocking=False):
            return
        try:
            if not self._reactor_reads:
                return
            if self._inbox_bytes > self.connection.limits.inbox:
                self._reactor_reads = False  # the owner reads on when it comes back
                self._update_interest()
                return
            self._read(DONTWAIT)
        finally:
            self._read_lock.release()
        if self.on_frames is not None and self._inbox:
            self.on_frames()

    def on_tick(self, now: float, late: float) -> None:
        """The reactor: take over an unread lane, send the heartbeat, judge the silence."""
        if self.error is not None or (now < self._fine_until and late < TICK):
            return
        connection = self.connection
        if not self._reactor_reads and self._read_lock.acquire(blocking=False):
            try:
                if self._inbox_bytes <= connection.limits.inbox:
                    self._adopt()
                else:
                    connection.excuse(now)
            finally:
                self._read_lock.release()
        if late >= TICK:  # this process slept, or computed without letting go of the interpreter
            connection.last_received = min(now, connection.last_received + late)
        silence = now - connection.last_received
        if connection.greeted:
            if silence > 4 * self._heartbeat:
                self.fail(
                    ConnectionLost(f"nothing came from {self.peer} for {silence:.1f} s; it is gone")
                )
                return
            rare = self.sparing and silence <= self._heartbeat
            pause = self._heartbeat * (SPARING if rare else 1)
            if connection.clock.doubtful or now - self._pinged >= pause:
                self.ping(now)
        overdue = connection.overdue(now)
        if overdue:
            self.refuse(RemoteProtocolError(f"dropped {self.peer}: {overdue}"))
        elif self.sparing and self._reactor_reads:
            self._fine_until = now + FINE * self._heartbeat

    def ping(self, now: float) -> None:
        """Send a heartbeat now; never fails."""
        self._pinged = now
        with self._state_lock:
            if self.error is not None or self.connection.state is State.CLOSED:
                return
            self._writer.submit_first(self.connection.ping(time.monotonic()))

    def pass_on(self, frame: Frame) -> None:
        """From ``on_control``: let the owner have this frame too, in its turn."""
        self._inbox.append(frame)
        self._inbox_bytes += frame.size

    def _adopt(self) -> None:
        if not self._reactor_reads and self.error is None:
            self._reactor_reads = True
            self._update_interest()

    # ---- reading, both ------------------------------------------------------------------

    def _read(self, flags: int) -> None:
        """One system call's worth of bytes. The caller holds the read lock."""
        try:
            self._reader.read(flags, self._file)
        except PynetError as error:  # before OSError, which some of ours are too
            self.refuse(error)
        except (BlockingIOError, InterruptedError):
            return
        except EOFError:
            self._end_of_file()
        except OSError as error:
            self._break(error)

    def _file(self, frames: list[Frame]) -> bool:
        """Put frames where they belong. False when the lane is dead."""
        for frame in frames:
            kind = frame.kind
            if kind not in _SPECIAL:
                self._inbox.append(frame)
                self._inbox_bytes += frame.size
            elif kind == _GOODBYE:
                self.left = True
                self.fail(read_farewell(frame, self.peer))
            elif self.on_control is not None:
                self.on_control(frame)
        return self.error is None

    # ---- ends ---------------------------------------------------------------------------

    def tune_for_freshness(self, traffic_class: int | None = None) -> None:
        """Keep the kernel's queue short and repair losses soon: for live flows."""
        self.options = options.favour_freshness(self._sock, traffic_class)

    def tune_for_background(self, rate: float | None = None) -> None:
        """Let others go first.

        Args:
            rate: bytes/s at which the kernel may send; None to set everything else.
        """
        if rate is None:
            self.options = options.favour_others(self._sock)
        else:
            limit_socket(self._sock, rate)
            options.give_way(self._sock, paced=rate != UNLIMITED)

    def unacked(self) -> int | None:
        """Bytes that the other machine has not acknowledged; None where the system tells not."""
        return kernel.unacked_bytes(self._sock)

    def acknowledge(self) -> None:
        """Tell the other machine at once what has arrived."""
        kernel.acknowledge(self._sock)

    def tcp_info(self) -> kernel.TcpInfo | None:
        """What the kernel knows about the connection, on Linux."""
        return kernel.tcp_info(self._sock)

    def fail(self, error: PynetError) -> None:
        """Mark the lane dead and wake everybody who waits for it. Idempotent."""
        with self._state_lock:
            if self.error is not None:
                return
            self.error = error
            self._writer.end(error)
        self._reactor.forget(self)
        self._update_interest()
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("%s was gone before it was shut down", self.peer)
        if self.on_lost is not None:
            self.on_lost()

    def close(self, farewell: PynetError | None = None) -> None:
        """Say goodbye if possible, and free the socket. Idempotent.

        Must not be called from ``on_control`` or ``on_lost``: a read may be in progress.

        Args:
            farewell: why; the other side raises it, if its class may travel.
        """
        if self._closed:
            return
        self._closed = True
        self._say_goodbye(farewell)
        self.fail(ConnectionLost(f"this side closed the connection to {self.peer}"))
        with self._read_lock:
            self._sock.close()

    def _say_goodbye(self, farewell: PynetError | None) -> None:
        """Tell the other side why, if it is still there to hear it."""
        with self._state_lock:
            connection = self.connection
            if self.error is not None or not connection.greeted:
                return
            if connection.state is State.CLOSED:
                return
            meta = pack_farewell(farewell)
            self._writer.submit_first(connection.send(Kind.GOODBYE, time.monotonic(), meta=meta))

    def _break(self, error: OSError) -> None:
        self.left = isinstance(error, ConnectionResetError | BrokenPipeError)
        self.fail(ConnectionLost(f"the connection to {self.peer} broke: {error}"))

    def _end_of_file(self) -> None:
        self.left = True
        self.fail(ConnectionLost(f"{self.peer} closed the connection without a word"))

    def refuse(self, error: PynetError) -> None:
        """The other side broke the rules: say why, and end the lane."""
        self.complain(f"dropping {self.peer}: {error}")
        self._say_goodbye(error)
        _forget_frames(error)
        self.fail(error)

    def _update_interest(self) -> None:
        with self._interest_lock:
            events = 0
            if self.error is None:
                events = EVENT_READ * self._reactor_reads | EVENT_WRITE * self._writer.waits
            self._reactor.want(self._sock, self, events)

    def __repr__(self) -> str:
        return f"<Lane to {self.peer}, {self.connection.state.value}>"


def _forget_frames(error: BaseException) -> None:
    """Let go of what an error went through: the lane, which holds the error in its turn.

    Else the memory of every lane that was refused would wait for the garbage collector.
    """
    reason: BaseException | None = error
    while reason is not None:
        reason.__traceback__ = None
        reason = reason.__cause__ or reason.__context__
