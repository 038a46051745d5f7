"""Both pure ends of a swarm over a simulated radio: bursts, cut lanes, slow users."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.policy import Policy, keep_last, latest, paced, reliable
from tests.pynet.swarm.radio import Air, Radio

STEP = 0.01

weathers = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1 << 20),
        "delay": st.sampled_from([0.001, 0.005, 0.05, 0.3]),
        "loss": st.sampled_from([0.0, 0.05, 0.2]),
        "burst_every": st.sampled_from([0.0, 0.5]),
    }
)
swarms = st.fixed_dictionaries(
    {
        "lanes": st.integers(1, 9),
        "copies": st.integers(1, 3),
        "settled": st.booleans(),
        "knows": st.booleans(),
    }
)
sizes = st.lists(st.sampled_from([10, 10, 10, 2000, 25_000]), min_size=1, max_size=60)


def make(policy: Policy, weather: dict[str, Any], swarm: dict[str, Any]) -> Radio:
    air = Air(
        weather["seed"],
        delay=weather["delay"],
        jitter=weather["delay"] / 2,
        loss=weather["loss"],
        burst_every=weather["burst_every"],
        burst_length=weather["burst_every"] / 5,
        inside=0.9,
    )
    return Radio(policy, air, **swarm)


def item(number: int, size: int) -> bytes:
    return number.to_bytes(4, "big") * (size // 4 + 1)


def worry(radio: Radio, dice: random.Random) -> None:
    """Cut lanes and add some, now and then all of them."""
    chance = dice.random()
    if chance < 0.05:
        for number in list(radio.ports):
            radio.cut_lane(number)
    elif chance < 0.15 and radio.ports:
        radio.cut_lane(dice.choice(list(radio.ports)))
    while len(radio.ports) < 9 and dice.random() < 0.3:
        radio.add_lane()


def play(radio: Radio, lengths: list[int], seed: int, *, waits: bool = False) -> int:
    """Put items while lanes come and go; then let all that is on the way arrive."""
    dice = random.Random(seed)
    put = 0
    for _ in range(3000):
        if put == len(lengths):
            break
        if not waits or radio.sender.room():
            radio.put(item(put, lengths[put]))
            put += 1
        if seed % 3:
            worry(radio, dice)
        radio.clock.run(radio.clock.now + STEP)
    if not radio.ports:
        radio.add_lane()
    for _ in range(600):
        if not radio.sender.unfinished:
            break
        radio.clock.run(radio.clock.now + 0.1)
    radio.clock.run(radio.clock.now + 5)
    return put


def check_intact(radio: Radio, lengths: list[int]) -> list[int]:
    """Each once, in order, unharmed; nothing is left over. Returns what arrived."""
    ids = [arrived.id for _, arrived in radio.taken]
    assert ids == sorted(set(ids))
    for _, arrived in radio.taken:
        body = b"" if arrived.body is None else arrived.body.tobytes()
        assert arrived.meta + body == item(arrived.id, lengths[arrived.id])
        assert arrived.time_us == int(radio.births[arrived.id] * 1e6)
    check_empty(radio)
    return ids


def check_empty(radio: Radio) -> None:
    sender, receiver = radio.sender, radio.receiver
    assert not sender.unfinished
    assert receiver.bytes_waiting == 0
    assert not any((receiver._partial, receiver._whole, receiver._ready))
    assert set(receiver._seen) == set(radio.ports)
    assert not any((sender._items, sender._untaken, sender._mail))
    assert sender._untaken_bytes == 0
    sender.run(radio.clock.now + 1000)
    assert not any((sender._due, sender._urgent, sender._fresh))


@settings(max_examples=40, deadline=None)
@given(weather=weathers, swarm=swarms, lengths=sizes)
def test_latest(weather: dict[str, Any], swarm: dict[str, Any], lengths: list[int]) -> None:
    radio = make(latest, weather, swarm)
    play(radio, lengths, weather["seed"])
    ids = check_intact(radio, lengths)
    assert ids[-1] == len(lengths) - 1  # the newest arrives in the end
    assert all(arrived.gap == arrived.id - before - 1 for before, arrived in pairs(radio))


@settings(max_examples=40, deadline=None)
@given(weather=weathers, swarm=swarms, lengths=sizes, depth=st.sampled_from([1, 3, 20, 1000]))
def test_keep_last(
    weather: dict[str, Any], swarm: dict[str, Any], lengths: list[int], depth: int
) -> None:
    radio = make(keep_last(depth), weather, swarm)
    play(radio, lengths, weather["seed"])
    ids = check_intact(radio, lengths)
    assert ids[-1] == len(lengths) - 1
    assert all(arrived.gap == arrived.id - before - 1 for before, arrived in pairs(radio))
    assert radio.receiver.dropped == sum(arrived.gap for _, arrived in radio.taken)


def pairs(radio: Radio) -> list[tuple[int, Any]]:
    """Each item but the first, with the number of the one before it."""
    arrived = [one for _, one in radio.taken]
    return [(before.id, one) for before, one in itertools.pairwise(arrived)]


@settings(max_examples=40, deadline=None)
@given(
    weather=weathers,
    swarm=swarms,
    lengths=sizes,
    policy=st.sampled_from([reliable, paced(1), paced(4), Policy("reliable", 1, 2000, "bytes")]),
)
def test_lossless(
    weather: dict[str, Any], swarm: dict[str, Any], lengths: list[int], policy: Policy
) -> None:
    radio = make(policy, weather, swarm)
    put = play(radio, lengths, weather["seed"], waits=True)
    assert check_intact(radio, lengths) == list(range(put))
    if policy.kind == "paced":
        assert radio.highest <= policy.window
    assert all(arrived.gap == 0 for _, arrived in radio.taken)


@pytest.mark.parametrize("policy", [latest, keep_last(5), reliable, paced(4)], ids=str)
@pytest.mark.parametrize("knows", [True, False])
def test_every_lane_is_lost_and_new_ones_come(policy: Policy, knows: bool) -> None:
    radio = Radio(policy, Air(1), lanes=4, knows=knows)
    for number in range(5):
        if radio.sender.room():
            radio.put(item(number, 3000))
    for number in list(radio.ports):
        radio.cut_lane(number)
    radio.clock.run(10.0)
    assert not radio.taken
    radio.add_lane()
    radio.clock.run(11.0)
    assert radio.taken[-1][1].id == radio.sender.next_id - 1
    if policy.lossless:
        assert len(radio.taken) == radio.sender.next_id
    check_empty(radio)


@pytest.mark.parametrize("size", [64, 30_000])
def test_a_command_that_waited_for_a_lane_is_replaced_by_newer(size: int) -> None:
    radio = Radio(latest, Air(1), lanes=0)
    for _ in range(1000):
        radio.put(bytes(size))
        radio.clock.run(radio.clock.now + STEP)
    assert len(radio.sender._items) + len(radio.sender._mail) <= 6
    radio.add_lane()
    radio.clock.run(radio.clock.now + 1)
    got = [arrived.id for _, arrived in radio.taken]
    assert got[-1] == 999
    if size == 64:
        assert got == [999]
        assert radio.sender.dropped == 999
    check_empty(radio)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("policy", [latest, keep_last(10)], ids=str)
@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("size", [64, 5000])
def test_minutes_with_a_dead_receiver(policy: Policy, knows: bool, copies: int, size: int) -> None:
    radio = Radio(policy, Air(3), lanes=8, knows=knows, copies=copies)
    radio.air.dead_from, radio.air.dead_until = 1.0, 1e9
    for number in range(3000):
        radio.put(item(number, size))
        radio.clock.run(radio.clock.now + STEP)
    sender, parts = radio.sender, 1 + size // 1400
    held = (len(sender._items), len(sender._untaken), len(sender._mail))
    assert max(held) <= 12
    assert len(sender._fresh) <= 600
    assert len(sender._urgent) <= 20 * parts
    assert len(sender._due) <= 60 * parts
    assert all(len(lane.flights) <= 3000 for lane in sender.lanes)
    assert max(port.frames for port in radio.ports.values()) < 4000


@pytest.mark.parametrize("policy", [latest, keep_last(10), paced(3), reliable], ids=str)
def test_a_user_who_takes_nothing(policy: Policy) -> None:
    radio = Radio(policy, Air(3), lanes=4)
    radio.hungry = False
    for number in range(3000):
        if not policy.lossless or radio.sender.room():
            radio.put(item(number, 3000))
        radio.clock.run(radio.clock.now + STEP)
    assert radio.receiver.bytes_waiting <= 5 << 20
    assert len(radio.receiver._ready) <= max(policy.depth, 3000)
    radio.wake_user()
    radio.clock.run(radio.clock.now + 1)
    radio.put(item(1, 10))
    radio.clock.run(radio.clock.now + 10)
    assert radio.taken[-1][1].id == radio.sender.next_id - 1


def test_copies_never_make_anything_older_win() -> None:
    radio = Radio(latest, Air(5, loss=0.3), lanes=8, copies=4)
    for number in range(500):
        radio.put(item(number, 64))
        radio.clock.run(radio.clock.now + STEP)
    radio.clock.run(radio.clock.now + 5)
    ids = [arrived.id for _, arrived in radio.taken]
    assert ids == sorted(set(ids))
    assert ids[-1] == 499
    assert radio.receiver.duplicates > 100


def test_a_burst_of_a_quiet_flow_is_not_held_back_behind_what_was_dropped() -> None:
    radio = Radio(keep_last(2), Air(1), lanes=0)
    for number in range(10):
        radio.put(item(number, 64))
    for _ in range(4):
        radio.add_lane()
    radio.clock.run(2.0)
    assert [arrived.id for _, arrived in radio.taken][-2:] == [8, 9]


def test_thousands_of_tiny_items_behind_a_hole() -> None:
    radio = Radio(reliable, Air(1), lanes=2)
    stuck = radio.ports[0].way
    radio.put(item(0, 8))
    stuck.cut = True  # what is on it never arrives, though nobody has noticed yet
    put = 1
    for _ in range(300):
        while radio.sender.room() and put < 8000:
            radio.put(item(put, 8))
            put += 1
        radio.clock.run(radio.clock.now + STEP)
    assert put == 8000
    radio.clock.run(radio.clock.now + 10)
    assert [arrived.id for _, arrived in radio.taken] == list(range(put))


def test_after_a_gap_the_first_packet_makes_all_good() -> None:
    # TCP's own timer would need many times as long; so would one packet for each order.
    air = Air(2, delay=0.015, jitter=0.0)
    radio = Radio(reliable, air, lanes=16, rto=1.0)
    air.dead_from, air.dead_until = 0.5, 0.6
    for number in range(100):
        radio.put(item(number, 64))
        radio.clock.run(radio.clock.now + 0.01)
    radio.clock.run(radio.clock.now + 0.2)
    assert [arrived.id for _, arrived in radio.taken] == list(range(100))
    waited = max(at - radio.births[arrived.id] for at, arrived in radio.taken)
    assert waited <= 0.1 + 0.015 + 0.011


def test_a_fast_flow_is_not_sent_many_times_over() -> None:
    radio = Radio(reliable, Air(2, delay=0.03, jitter=0.0), lanes=16, rto=0.1)
    for number in range(3000):
        radio.put(item(number, 64))
        radio.clock.run(radio.clock.now + 0.0002)
    radio.clock.run(radio.clock.now + 1.0)
    assert [arrived.id for _, arrived in radio.taken] == list(range(3000))
    assert sum(port.frames for port in radio.ports.values()) < 1.6 * 3000
