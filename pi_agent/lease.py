"""Who may drive: a state machine without I/O, threads or clock.

At most one driver holds the lease. Its epoch grows with every change and goes into every
command, so that nothing of an earlier driver can count. Every entry takes the time as an
argument, in seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from pynet.rc.messages import Lease, LeaseAnswer

STANDS = 10.0
"""Seconds that a request or an offer stands."""
LOST_AFTER = 1.0
"""Seconds after the driver's connection has ended until the lease does."""
LONGEST_REASON = 200


class LeaseRefused(Exception):
    """This cannot be done now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can drive.

    Attributes:
        session: of their Controller; two programs of one person are two.
        name: for people.
        machine: device id of their machine. A session is no secret, the key behind an id is:
            somebody who claims another one's session is somebody else all the same.
    """

    session: str
    name: str
    machine: str = ""

    def is_same(self, other: Person | None) -> bool:
        """Whether both are one running program, whatever they call themselves."""
        if other is None:
            return False
        return (self.session, self.machine) == (other.session, other.machine)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Somebody who asks, or to whom the lease is offered, until a time."""

    person: Person
    until: float
    id: int = 0


class LeaseDesk:
    """Hands the lease out.

    Args:
        epoch: the first lease gets the next one; a time, so that epochs grow over restarts too.

    Attributes:
        epoch: of the present lease, or of the last change.
        holder: who drives, or None.
    """

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self.holder: Person | None = None
        self._request: _Waiting | None = None
        self._offer: _Waiting | None = None
        self._requests = 0
        self._gone_at: float | None = None
        self._forced_reason = ""

    def request(self, person: Person, now: float) -> LeaseAnswer:
        """Grants the lease if it is free for this person, otherwise asks who has it.

        Raises:
            LeaseRefused: somebody else asks already, or it is offered to somebody else.
        """
        self._expire(now)
        if person.is_same(self.holder):
            return LeaseAnswer(True, self.epoch, "You drive already.")
        offer, request = self._offer, self._request
        if offer is not None and person.is_same(offer.person):
            return self.take(person, now)
        if offer is not None:
            raise LeaseRefused(
                f"The car is offered to {offer.person.name} for another "
                f"{offer.until - now:.0f} s. Ask again then."
            )
        if self.holder is None:
            return self._grant(person)
        if request is not None and not person.is_same(request.person):
            raise LeaseRefused(
                f"{request.person.name} asks {self.holder.name} already. "
                f"Ask again in {request.until - now:.0f} s."
            )
        if request is None:
            self._requests += 1
            self._request = _Waiting(person, now + STANDS, self._requests)
        return LeaseAnswer(
            False,
            0,
            f"{self.holder.name} drives this car now, and was asked to hand it over. "
            f"They have {STANDS:.0f} s to answer.",
        )

    def answer(self, person: Person, request_id: int, accept: bool, now: float) -> None:
        """The holder answers a request; accepting makes it an offer.

        Raises:
            LeaseRefused: it is not theirs to answer, or the request is over.
        """
        self._expire(now)
        self._must_hold(person)
        request = self._request
        if request is None or request.id != request_id:
            raise LeaseRefused("That request is over; there is nothing to answer.")
        self._request = None
        if accept:
            self._offer = _Waiting(request.person, now + STANDS)

    def take(self, person: Person, now: float) -> LeaseAnswer:
        """Takes an offer; until then the holder keeps the lease.

        Raises:
            LeaseRefused: nothing is offered to this person.
        """
        self._expire(now)
        offer = self._offer
        if offer is None or not person.is_same(offer.person):
            raise LeaseRefused("The car is not offered to you, or not any more. Ask for it.")
        return self._grant(person)

    def release(self, person: Person, now: float) -> bool:
        """Gives the lease back; whoever asked for it gets it offered.

        Returns:
            False if this person did not have it; nothing changes then.
        """
        self._expire(now)
        if not person.is_same(self.holder):
            return False
        self._end(now)
        return True

    def force(self, person: Person, reason: str, now: float) -> LeaseAnswer:
        """An owner takes the lease at once.

        Raises:
            LeaseRefused: without a reason.
        """
        self._expire(now)
        reason = " ".join(reason.split())[:LONGEST_REASON]
        if not reason:
            raise LeaseRefused("Say why you take the car from somebody; everybody sees it.")
        before = self.holder
        if person.is_same(before):
            return LeaseAnswer(True, self.epoch, "You drive already.")
        answer = self._grant(person)
        if before is not None:
            self._forced_reason = f"{person.name} took the car from {before.name}: {reason}"
        return answer

    def lost(self, epoch: int, now: float) -> bool:
        """The driver with this lease fell silent and the car was disarmed: the lease is over.

        Returns:
            False if that lease was over already.
        """
        self._expire(now)
        if self.holder is None or epoch != self.epoch:
            return False
        self._end(now)
        return True

    def present(self, person: Person, here: bool, now: float) -> None:
        """The connection over which this person drives has begun, or ended."""
        if person.is_same(self.holder):
            self._gone_at = None if here else now

    def tick(self, now: float, armed: bool) -> bool:
        """Lets time act.

        A request that nobody answers while the car is disarmed becomes an offer: a laptop
        that somebody has left open must not keep the car from everybody.

        Returns:
            True if the driver has changed.
        """
        request = self._request
        if request is not None and now >= request.until and not armed and self._offer is None:
            self._request, self._offer = None, _Waiting(request.person, now + STANDS)
        self._expire(now)
        if self._gone_at is None or now - self._gone_at < LOST_AFTER:
            return False
        self._end(now)
        return True

    def status(self, now: float) -> Lease:
        """For everybody who watches."""
        self._expire(now)
        holder, request, offer = self.holder, self._request, self._offer
        return Lease(
            epoch=self.epoch,
            driver="" if holder is None else holder.name,
            session="" if holder is None else holder.session,
            request="" if request is None else request.person.name,
            request_id=0 if request is None else request.id,
            request_left=0.0 if request is None else request.until - now,
            offer_to="" if offer is None else offer.person.name,
            offer_session="" if offer is None else offer.person.session,
            offer_left=0.0 if offer is None else offer.until - now,
            forced_reason=self._forced_reason,
        )

    def _must_hold(self, person: Person) -> None:
        if self.holder is None:
            raise LeaseRefused("Nobody drives this car; ask for it.")
        if not person.is_same(self.holder):
            raise LeaseRefused(f"Only {self.holder.name}, who drives, can answer that.")

    def _grant(self, person: Person) -> LeaseAnswer:
        self._change(person)
        self._request = self._offer = None
        return LeaseAnswer(True, self.epoch, "You may drive. Arm the car when you are ready.")

    def _end(self, now: float) -> None:
        """Nobody drives; who asked comes next, without asking again."""
        self._change(None)
        request, self._request = self._request, None
        if request is not None and self._offer is None:
            self._offer = _Waiting(request.person, now + STANDS)

    def _change(self, holder: Person | None) -> None:
        self.epoch += 1
        self.holder = holder
        self._gone_at = None
        self._forced_reason = ""

    def _expire(self, now: float) -> None:
        if self._request is not None and now >= self._request.until:
            self._request = None
        if self._offer is not None and now >= self._offer.until:
            self._offer = None
