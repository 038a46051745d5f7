"""The lease: its steps one by one, and a model check of it together with the failsafe."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pi_agent.failsafe import rules
from pi_agent.failsafe.machine import Command, Failsafe
from pi_agent.lease import LeaseDesk, LeaseRefused, Person
from pynet.rc.messages import Lease

ANN, BEN, CAT = (Person(name[0], name) for name in ("Ann", "Ben", "Cat"))


@pytest.fixture
def desk() -> LeaseDesk:
    return LeaseDesk(100)


def test_a_free_car_is_granted_at_once(desk: LeaseDesk) -> None:
    assert desk.status(0.0) == Lease(epoch=100)
    answer = desk.request(ANN, 0.0)
    assert (answer.granted, answer.epoch) == (True, 101)
    again = desk.request(ANN, 1.0)
    assert (again.granted, again.epoch) == (True, 101)
    assert desk.status(1.0) == Lease(epoch=101, driver="Ann", session="A")


def test_request_accept_take(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    asked = desk.request(BEN, 1.0)
    assert (asked.granted, asked.epoch) == (False, 0)
    assert "Ann drives this car now" in asked.message
    seen = desk.status(3.0)
    assert (seen.driver, seen.request, seen.request_left) == ("Ann", "Ben", 8.0)
    desk.answer(ANN, seen.request_id, True, 4.0)
    seen = desk.status(5.0)
    assert (seen.driver, seen.request, seen.offer_to, seen.offer_left) == ("Ann", "", "Ben", 9.0)
    taken = desk.take(BEN, 6.0)
    assert (taken.granted, taken.epoch) == (True, 102)
    assert desk.status(6.0) == Lease(epoch=102, driver="Ben", session="B")


def test_an_offer_stands_for_ten_seconds_and_the_driver_keeps_the_lease(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    desk.request(BEN, 0.0)
    desk.answer(ANN, 1, True, 0.0)
    with pytest.raises(LeaseRefused, match="offered to Ben for another 10 s"):
        desk.request(CAT, 0.0)
    assert desk.status(9.99).offer_to == "Ben"
    with pytest.raises(LeaseRefused, match="not offered to you"):
        desk.take(BEN, 10.0)
    assert desk.status(10.0) == Lease(epoch=101, driver="Ann", session="A")


def test_a_request_can_be_declined_and_lapses_by_itself(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    desk.request(BEN, 0.0)
    with pytest.raises(LeaseRefused, match="Ben asks Ann already"):
        desk.request(CAT, 1.0)
    with pytest.raises(LeaseRefused, match="Only Ann"):
        desk.answer(BEN, 1, True, 1.0)
    with pytest.raises(LeaseRefused, match="That request is over"):
        desk.answer(ANN, 7, True, 1.0)
    desk.answer(ANN, 1, False, 1.0)
    assert desk.status(1.0) == Lease(epoch=101, driver="Ann", session="A")
    desk.request(CAT, 2.0)
    assert not desk.tick(12.0, armed=True)
    assert desk.status(12.0) == Lease(epoch=101, driver="Ann", session="A")
    with pytest.raises(LeaseRefused, match="That request is over"):
        desk.answer(ANN, 2, True, 12.0)


def test_a_request_that_nobody_answers_at_a_disarmed_car_becomes_an_offer(
    desk: LeaseDesk,
) -> None:
    desk.request(ANN, 0.0)
    desk.request(BEN, 0.0)
    desk.tick(10.0, armed=False)
    assert desk.status(10.0).offer_to == "Ben"
    assert desk.request(BEN, 11.0).granted
    assert desk.status(11.0).driver == "Ben"


def test_release_offers_the_car_to_who_asked(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    desk.request(BEN, 0.0)
    assert not desk.release(BEN, 1.0)
    assert desk.release(ANN, 1.0)
    seen = desk.status(1.0)
    assert (seen.epoch, seen.driver, seen.offer_to) == (102, "", "Ben")
    with pytest.raises(LeaseRefused, match="offered to Ben"):
        desk.request(ANN, 1.0)
    assert desk.take(BEN, 2.0).epoch == 103
    assert desk.release(BEN, 3.0)
    assert desk.request(CAT, 3.0).granted


def test_an_owner_takes_it_with_a_reason_that_everybody_sees(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    with pytest.raises(LeaseRefused, match="Say why"):
        desk.force(BEN, "  ", 1.0)
    assert desk.status(1.0).driver == "Ann"
    assert desk.force(BEN, "a child\non the track", 1.0).epoch == 102
    seen = desk.status(1.0)
    assert seen.forced_reason == "Ben took the car from Ann: a child on the track"
    assert desk.force(BEN, "again", 2.0).epoch == 102
    desk.release(BEN, 3.0)
    assert desk.status(3.0).forced_reason == ""


def test_a_lost_driver_s_lease_ends(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    assert not desk.lost(100, 1.0)
    assert desk.lost(101, 1.0)
    assert not desk.lost(101, 1.0)
    assert desk.status(1.0) == Lease(epoch=102)


def test_a_driver_whose_connection_is_gone_has_a_second_to_come_back(desk: LeaseDesk) -> None:
    desk.request(ANN, 0.0)
    desk.present(BEN, False, 1.0)
    desk.present(ANN, False, 1.0)
    assert not desk.tick(1.9, armed=False)
    desk.present(ANN, True, 1.95)
    assert not desk.tick(5.0, armed=False)
    desk.present(ANN, False, 6.0)
    assert desk.tick(7.0, armed=False)
    assert desk.status(7.0).driver == ""


def test_who_claims_the_drivers_session_from_another_machine_is_somebody_else(
    desk: LeaseDesk,
) -> None:
    ann, thief = Person("A", "Ann", "machine 1"), Person("A", "Ann", "machine 2")
    desk.request(ann, 0.0)
    assert not desk.release(thief, 0.0)
    assert not desk.request(thief, 0.0).granted
    with pytest.raises(LeaseRefused, match="Only Ann"):
        desk.answer(thief, 1, True, 0.0)
    desk.present(thief, False, 0.0)
    assert not desk.tick(5.0, armed=True)


class TwoProgramsAndACar(RuleBasedStateMachine):
    """Three people do what they like at any time; the desk and the failsafe move together."""

    @initialize()
    def begin(self) -> None:
        self.now = 50.0
        self.desk = LeaseDesk(10)
        self.failsafe = Failsafe()
        self.epochs = [self.desk.epoch]
        self.granted: dict[str, int] = {}
        self.seq = 0
        self.seen_neutral = True

    def _settle(self) -> None:
        """What the agent does after every step: a new epoch goes to the motors' process."""
        if self.desk.epoch != self.epochs[-1]:
            self.epochs.append(self.desk.epoch)
            moving = self.failsafe.output()[1]
            self.failsafe.set_epoch(self.desk.epoch, self.now)
            assert not self.failsafe.armed, "the car is armed between two drivers"
            assert self.failsafe.output()[1] == 0.0, f"it moves at {moving} between two drivers"

    @rule(who=st.sampled_from([ANN, BEN, CAT]), what=st.sampled_from(["request", "take", "force"]))
    def ask(self, who: Person, what: str) -> None:
        try:
            if what == "force":
                answer = self.desk.force(who, "test", self.now)
            else:
                answer = getattr(self.desk, what)(who, self.now)
        except LeaseRefused:
            return
        assert answer.granted == (self.desk.holder == who)
        if answer.granted:
            self.granted[who.session] = answer.epoch
        self._settle()

    @rule(who=st.sampled_from([ANN, BEN, CAT]), accept=st.booleans(), off=st.integers(0, 1))
    def reply(self, who: Person, accept: bool, off: int) -> None:
        holder = self.desk.holder
        request = self.desk.status(self.now).request_id
        try:
            self.desk.answer(who, request + off, accept, self.now)
        except LeaseRefused:
            return
        assert who == holder
        assert self.desk.holder == holder
        self._settle()

    @rule(who=st.sampled_from([ANN, BEN, CAT]))
    def let_go(self, who: Person) -> None:
        held = self.desk.holder == who
        assert self.desk.release(who, self.now) == held
        self._settle()

    @rule(who=st.sampled_from([ANN, BEN, CAT]), here=st.booleans())
    def come_or_go(self, who: Person, here: bool) -> None:
        self.desk.present(who, here, self.now)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 4.0, 10.0]))
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += min(0.05, seconds)
            self.failsafe.tick(self.now)
            if self.failsafe.lost_epoch == self.desk.epoch:
                self.desk.lost(self.desk.epoch, self.now)
                self._settle()
            self.desk.tick(self.now, self.failsafe.armed)
            self._settle()

    @rule(
        who=st.sampled_from([ANN, BEN, CAT]),
        throttle=st.sampled_from([0.0, 0.0, 0.8]),
        seconds=st.sampled_from([0.02, 0.6]),
    )
    def send(self, who: Person, throttle: float, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.02
            self.seq += 1
            epoch = self.granted.get(who.session, 0)
            command = Command(epoch, self.seq, self.now, 0.0, 0.0, throttle)
            verdict = self.failsafe.command(command, self.now)
            if verdict == rules.ACCEPTED:
                assert self.desk.holder == who, "a command of somebody else reached the motors"

    @rule(who=st.sampled_from([ANN, BEN, CAT]))
    def arm(self, who: Person) -> None:
        before = self.failsafe.armed
        epoch = self.granted.get(who.session, 0)
        if self.failsafe.arm(epoch, self.now) == 0 and not before:
            assert self.desk.holder == who
            assert self.failsafe.output()[1] == 0.0

    @rule()
    def stop(self) -> None:
        self.failsafe.stop(self.now)

    @invariant()
    def epochs_only_grow(self) -> None:
        assert self.epochs == sorted(set(self.epochs))

    @invariant()
    def one_driver_at_most(self) -> None:
        epoch = self.failsafe.epoch
        drivers = [who for who, own in self.granted.items() if own == epoch and epoch]
        assert len(drivers) <= 1
        if self.failsafe.output()[1]:
            assert self.desk.holder is not None
            assert drivers == [self.desk.holder.session]


TwoProgramsAndACar.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None
)
TestModel = TwoProgramsAndACar.TestCase
