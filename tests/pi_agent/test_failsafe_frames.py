"""The frames between agent and motors' process, and bytes that are none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_agent.failsafe import frames
from pi_agent.failsafe.frames import NewsReader, OrderReader, State
from pi_agent.failsafe.machine import Change, Command

finite = st.floats(allow_nan=False)


def fields(thing: object) -> dict[str, object]:
    return {name: getattr(thing, name) for name in type(thing).__slots__}  # type: ignore[attr-defined]


@given(
    epoch=st.integers(0, 2**64 - 1),
    seq=st.integers(-(2**63), 2**63 - 1),
    numbers=st.tuples(finite, finite, finite, finite, finite),
    pilot=st.integers(0, 2**32 - 1),
)
def test_a_command_comes_out_as_it_went_in(
    epoch: int, seq: int, numbers: tuple[float, ...], pilot: int
) -> None:
    heard, age, steer, throttle, frame_age = numbers
    command = Command(epoch, seq, heard, age, steer, throttle, pilot, frame_age)
    (order,) = OrderReader().feed(frames.pack_command(command))
    assert (order.kind, order.number) == (frames.COMMAND, 0)
    assert fields(order.command) == fields(command)


def test_a_number_too_large_is_no_frame() -> None:
    with pytest.raises(struct.error):
        frames.pack_command(Command(2**64, 0, 0.0, 0.0, 0.0, 0.0))


def test_other_orders_carry_an_epoch_and_a_number() -> None:
    (order,) = OrderReader().feed(frames.pack_order(frames.ARM, 17, 4))
    assert (order.kind, order.number, order.command.epoch) == (frames.ARM, 4, 17)


def test_news_come_out_as_they_went_in_however_they_are_cut() -> None:
    state = State(1.5, 2, 3, 4, 5, 6, 7, 8, 9, 0.25, -0.5, 12, 13, -1, 15, 16, 1.75, 1.5, 1.25)
    change = Change(2.5, 1, 2, 3, 4, 0.25, ((1, 0.5, 0.25, 2.0), (2, 0.0, 1.0, 2.25)))
    stream = state.pack() + frames.pack_trouble("Ein Käfer") + frames.pack_change(change)
    reader = NewsReader()
    news = [item for byte in stream for item in reader.feed(bytes([byte]))]
    assert isinstance(news[0], State)
    assert isinstance(news[2], Change)
    assert fields(news[0]) == fields(state)
    assert news[1] == "Ein Käfer"
    assert fields(news[2]) == fields(change)


@pytest.mark.parametrize("spoil", [2, 30, -1])
def test_news_with_a_wrong_byte_are_told(spoil: int) -> None:
    frame = bytearray(State().pack())
    frame[spoil] ^= 0x55
    with pytest.raises(ValueError, match="motors' process"):
        list(NewsReader().feed(bytes(frame)))


@settings(max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(0, 9)), max_size=20), st.data())
def test_garbage_is_skipped_and_never_obeyed(parts: list[bytes | int], data: st.DataObject) -> None:
    sent = []
    stream = b""
    for part in parts:
        if isinstance(part, int):
            sent.append(part)
            stream += frames.pack_order(frames.ARM, 1, part)
        else:
            stream += part
    reader, got = OrderReader(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        got += [order.number for order in reader.feed(stream[:cut])]
        stream = stream[cut:]
    # Nothing that was not sent, nothing twice, and in order; an order that follows half a
    # frame may be lost with it only while that half is still waited for.
    remaining = iter(sent)
    assert all(number in remaining for number in got)
    after = OrderReader()
    list(after.feed(b"\xa5F" + bytes(70)))
    (order,) = after.feed(frames.pack_order(frames.STOP, 0, 5) + bytes(80))
    assert order.number == 5
    assert after.garbage > 0


def test_a_flood_of_garbage_takes_no_memory() -> None:
    reader = OrderReader()
    for number in range(200):
        list(reader.feed(bytes([number]) * 50_000))
        assert len(reader._buffer) < frames.ORDER_SIZE
