"""The window opens carefully and closes when items stand in a queue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pynet.swarm.window import GOOD_IN_A_ROW, MEMORY, Window

times = st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=300)


@given(most=st.integers(1, 20), taken=times)
def test_never_out_of_bounds(most: int, taken: list[tuple[float, bool]]) -> None:
    window = Window(most)
    for seconds, rescued in taken:
        window.on_taken(seconds, rescued=rescued)
        assert 1 <= window.allowed <= most
    if taken:
        assert window.smallest == min(seconds for seconds, _ in taken[-MEMORY:])


def test_opens_by_one_after_eight_good_ones() -> None:
    window = Window(4)
    for number in range(5 * GOOD_IN_A_ROW):
        assert window.allowed == min(4, 2 + number // GOOD_IN_A_ROW)
        window.on_taken(0.030, rescued=False)


def test_closes_at_once_when_items_wait_in_queues() -> None:
    window = Window(4)
    for _ in range(3 * GOOD_IN_A_ROW):
        window.on_taken(0.030, rescued=False)
    for expected in (3, 2, 1, 1):
        window.on_taken(0.100, rescued=False)
        assert window.allowed == expected


def test_what_was_lost_says_nothing_about_queues() -> None:
    window = Window(4)
    window.on_taken(0.030, rescued=False)
    for _ in range(4 * GOOD_IN_A_ROW):
        window.on_taken(0.500, rescued=True)
    assert window.allowed == 4


def test_a_slower_way_is_believed_after_a_while() -> None:
    window = Window(4)
    window.on_taken(0.010, rescued=False)
    for _ in range(MEMORY + 4 * GOOD_IN_A_ROW):
        window.on_taken(0.100, rescued=False)
    assert window.allowed == 4
