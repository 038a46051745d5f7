"""The queue of a source: who takes what, and what happens to it when a lane is lost."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from pynet.files import work as works
from pynet.files.hashing import LEAF
from pynet.files.info import FILE, FileInfo
from pynet.files.work import MOST_IN_PACK, PACK, Pack, Piece, Work
from pynet.testing import MockClock


def alive() -> bool:
    return True


def file(size: int, name: bytes = b"a") -> FileInfo:
    return FileInfo(name, FILE, size)


def drain(work: Work, lane: int = 0, size: int = LEAF, count: int = 1000) -> list[Pack | Piece]:
    work_done = []
    for _ in range(count):
        unit = work.take(lane, size, lambda: bool(work._queue or work._again))
        if unit is None:
            break
        work_done.append(unit)
    return work_done


def test_small_files_travel_together_up_to_a_limit_of_bytes_and_of_files():
    work = Work()
    work.add_small([(n, file(100_000)) for n in range(5)])
    work.add_small([(n, file(1)) for n in range(5, 200)])
    packs = drain(work)
    assert [n for pack in packs for n in pack.ids] == list(range(200))
    assert all(pack.size <= PACK and len(pack.ids) <= MOST_IN_PACK for pack in packs)
    assert len(packs[0].ids) == 2


def test_a_large_file_is_cut_into_pieces_of_the_size_that_the_lane_wants():
    work = Work()
    large = work.add_large(7, file(2 * LEAF + 10), [(0, 1), (2, 1)])
    pieces = drain(work, size=LEAF // 2)
    assert [(p.leaf, p.offset, p.size) for p in pieces] == [
        (0, 0, LEAF // 2),
        (0, LEAF // 2, LEAF // 2),
        (2, 0, 10),
    ]
    assert [work.read(piece) for piece in pieces] == [False, False, True]
    assert large.unread == 0


@given(
    sizes=st.lists(st.integers(0, 3 * LEAF), min_size=1, max_size=6),
    losses=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), max_size=6),
    piece=st.sampled_from([LEAF // 8, LEAF // 3, LEAF]),
)
def test_every_byte_is_taken_until_it_is_confirmed_whatever_lanes_are_lost(sizes, losses, piece):
    work = Work()
    for number, size in enumerate(sizes):
        if size > LEAF // 4:
            work.add_large(number, file(size), [(0, -(-size // LEAF))])
        else:
            work.add_small([(number, file(size))])
    arrived: list[Pack | Piece] = []
    lane = 10
    for number, frames in losses:  # lanes that take some units and lose all but the first few
        taken = drain(work, lane + number, piece, count=frames + 2)
        arrived += taken[:frames]
        work.lost(lane + number, min(frames, len(taken)))
        lane += 10
    arrived += drain(work, 0, piece)
    seen: dict[int, set[tuple[int, int]]] = {}
    for unit in arrived:
        if isinstance(unit, Pack):
            for number in unit.ids:
                assert seen.setdefault(number, set()) == set()
                seen[number].add((0, sizes[number]))
        else:
            spot = (unit.leaf * LEAF + unit.offset, unit.size)
            assert spot not in seen.setdefault(unit.file.id, set())
            seen[unit.file.id].add(spot)
    assert {number: sum(size for _, size in spots) for number, spots in seen.items()} == dict(
        enumerate(sizes)
    )


def test_a_lost_lane_gets_nothing_more():
    work = Work()
    work.add_small([(1, file(1)), (2, file(PACK))])
    assert work.take(3, LEAF, alive) is not None
    assert work.lost(3, 0) == 1
    assert work.take(3, LEAF, alive) is None
    assert work.take(4, LEAF, alive).ids == [1]


def test_confirmed_units_are_not_repeated():
    work = Work()
    work.add_small([(1, file(PACK)), (2, file(PACK)), (3, file(PACK))])
    for _ in range(3):
        work.take(0, LEAF, alive)
    work.confirm(0, 2)
    assert work.lost(0, 2) == PACK
    assert work.take(1, LEAF, alive).ids == [3]


def test_a_waiting_lane_is_let_go_by_stop_and_by_close():
    work = Work()
    got: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: got.append(work.take(n, LEAF, alive))) for n in (0, 1)
    ]
    for thread in threads:
        thread.start()
    work.stop(0)
    threads[0].join()
    work.close()
    threads[1].join()
    assert got == [None, None]


def test_nothing_is_handed_out_while_it_is_paused():
    work = Work()
    work.add_small([(1, file(1))])
    work.pause(True)
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(work.take(0, LEAF, alive)))
    thread.start()
    thread.join(0.02)
    assert got == []
    work.pause(False)
    thread.join()
    assert got[0].ids == [1]


def test_under_a_limit_units_are_small_and_come_at_that_rate():
    clock = MockClock()
    work = Work(clock)
    work.limit(1_000_000)
    work.add_large(1, file(3 * LEAF), [(0, 3)])
    taken = 0
    began = clock()
    while clock() - began < 0.5:
        # A lane that is not alive any more gets what is due at once, or nothing.
        unit = work.take(0, LEAF, iter([True, False]).__next__)
        if unit is None:
            clock.advance(0.002)
            continue
        assert unit.size <= 10_000
        taken += unit.size
    assert 400_000 <= taken <= 520_000 + works.BURST * 1_000_000


def test_a_damaged_leaf_goes_out_again_whole():
    work = Work()
    large = work.add_large(1, file(LEAF + 5), [(0, 2)])
    for piece in drain(work):
        work.read(piece)
    work.repeat(large, 1)
    (piece,) = drain(work)
    assert (piece.leaf, piece.offset, piece.size) == (1, 0, 5)
    assert work.read(piece)


def test_what_is_on_its_way_unconfirmed_is_bounded_over_all_lanes(monkeypatch):
    monkeypatch.setattr(works, "WINDOW", 3 * LEAF)
    work = Work()
    work.add_large(1, file(9 * LEAF), [(0, 9)])
    for lane in (0, 1, 1):
        work.take(lane, LEAF, alive)
    looks = iter([True, False] * 2)
    assert work.take(0, LEAF, lambda: next(looks)) is None
    work.confirm(1, 1)
    assert work.take(0, LEAF, alive).leaf == 3
    assert work.take(0, LEAF, lambda: next(looks)) is None


def test_a_lane_that_waits_for_the_window_goes_on_when_it_is_confirmed_or_lost(monkeypatch):
    monkeypatch.setattr(works, "WINDOW", LEAF)
    monkeypatch.setattr(works, "WAIT", 60.0)
    work = Work()
    work.add_large(1, file(3 * LEAF), [(0, 3)])
    assert work.take(0, LEAF, alive).leaf == 0
    releases = (lambda: work.confirm(0, 1)), (lambda: work.lost(1, 0))
    for lane, release in enumerate(releases, 1):
        got: list[Pack | Piece | None] = []
        waits = threading.Event()
        thread = threading.Thread(
            target=lambda lane=lane, got=got, waits=waits: got.append(
                work.take(lane, LEAF, lambda: waits.set() or True)
            )
        )
        thread.start()
        waits.wait()
        release()
        thread.join(10)
        assert [unit.leaf for unit in got] == [1]
