"""Classes 15 and 16: the way between them is cut, stalls, or spoils what it carries."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from pynet.files.hashing import LEAF
from tests.pynet.backup.failures.bench import Bench, tree_of
from tests.pynet.backup.failures.proxy import DOWN, UP, Proxy, Spoil

Way = Callable[..., Proxy]

BYTES = 5_600_000
"""That go to the laptop in a move; the other way go some kilobytes."""


@pytest.fixture
def way(bench: Bench) -> Iterator[Way]:
    """Lays a way from the laptop to the device, which runs."""
    with contextlib.ExitStack() as stack:

        def lay(spoil: Spoil | None = None) -> Proxy:
            proxy = Proxy(bench.address, spoil)
            stack.callback(proxy.close)
            bench.address = proxy.address
            return proxy

        yield lay
        bench.close()


# ---- cut and stalled -------------------------------------------------------------------------


@pytest.mark.parametrize("at", [10_000, 400_000, 2_000_000, 5_000_000])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_all_connections_are_cut(bench: Bench, way: Way, at: int, reset: bool) -> None:
    bench.device()
    proxy = way()
    laptop = bench.laptop()
    assert proxy.after(DOWN, at).wait(20)
    proxy.cut(reset=reset)
    bench.check_over(laptop.result())


def test_they_are_cut_again_and_again(bench: Bench, way: Way) -> None:
    bench.device()
    proxy = way()
    laptop = bench.laptop()
    for number in range(1, 7):
        proxy.after(DOWN, number * 800_000).wait(1)
        proxy.cut(reset=bool(number % 2))
    bench.check_over(laptop.result())


@pytest.mark.parametrize("at", [100_000, 3_000_000])
def test_the_cable_is_pulled_for_a_while(bench: Bench, way: Way, at: int) -> None:
    """Longer than the heartbeat, so that both ends notice."""
    bench.device()
    proxy = way()
    laptop = bench.laptop()
    assert proxy.after(DOWN, at).wait(20)
    proxy.hold(True)
    threading.Event().wait(1.0)
    proxy.hold(False)
    bench.check_over(laptop.result())


def test_the_cable_is_pulled_for_ever(bench: Bench, way: Way) -> None:
    device = bench.device()
    proxy = way()
    laptop = bench.laptop(patience=0.5)
    assert proxy.after(DOWN, 3_000_000).wait(20)
    proxy.hold(True)
    report = laptop.result()
    assert report["error"] in ("ConnectionLost", "ConnectError"), report
    bench.check()
    device.end()
    bench.check_over(bench.move())


@pytest.mark.parametrize("end", ["device", "laptop"])
def test_the_other_end_is_there_and_says_nothing(bench: Bench, way: Way, end: str) -> None:
    """Half open: its machine sleeps, and its kernel still answers."""
    device = bench.device()
    proxy = way()
    laptop = bench.laptop()
    assert proxy.after(DOWN, 3_000_000).wait(20)
    asleep = device if end == "device" else laptop.child
    asleep.signal(signal.SIGSTOP)
    threading.Event().wait(1.0)
    asleep.signal(signal.SIGCONT)
    bench.check_over(laptop.result())


def test_one_of_several_connections_stalls(bench: Bench, way: Way) -> None:
    bench.device()
    proxy = way()
    laptop = bench.laptop(lanes=3)
    assert proxy.after(DOWN, 600_000).wait(20)
    proxy.stall_last()
    bench.check_over(laptop.result())


# ---- spoilt ----------------------------------------------------------------------------------


class Flip:
    """One bit of one byte of one direction, wherever it falls: header, length, digest, content."""

    def __init__(self, way: str, at: int, bit: int) -> None:
        self.way, self.at, self.bit = way, at, bit
        self.done = False

    def __call__(self, way: str, passed: int, data: bytearray) -> None:
        if way == self.way and passed <= self.at < passed + len(data):
            data[self.at - passed] ^= 1 << self.bit
            self.done = True


def places(way: str, count: int, span: int) -> list[tuple[str, int, int]]:
    rng = random.Random(f"{way} {count}")
    return [(way, int(span ** rng.uniform(0.5, 1.0)), rng.randrange(8)) for _ in range(count)]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("direction", "at", "bit"), [*places(DOWN, 8, BYTES), *places(UP, 5, 12_000)]
)
def test_a_bit_is_flipped(
    bench: Bench, way: Way, direction: str, at: int, bit: int, tls: bool
) -> None:
    """Over TLS it is found at once; without, what it spoils does not arrive, or is not removed."""
    bench.options = {"tls": tls}
    bench.device()
    way(Flip(direction, at, bit))
    report = bench.laptop(patience=3.0).result()
    bench.check()
    bench.close()
    if tls and "error" not in report:
        bench.check_over(report)
        return
    # What it spoilt may be a name, the plan, or what the laptop asks for; that is honest and over.
    bench.device()
    report = bench.laptop(policy={"low": 0.02}).result()
    assert report["verdict"] in ("done", "exhausted"), report
    bench.check()
    for name, data in tree_of(bench.copies).items():
        assert name not in bench.originals or data == bench.originals[name]


def test_every_byte_of_what_the_laptop_says_is_flipped_once(bench: Bench, way: Way) -> None:
    """In one long move: a way that is as bad as no real one."""
    rng = random.Random(3)
    for number in range(6):
        bench.write(b"%d" % number, os.urandom(LEAF // 4))
    bench.device()

    def spoil(way: str, _: int, data: bytearray) -> None:
        if rng.random() < 0.02:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)

    way(spoil)
    for _ in range(3):
        bench.laptop(patience=1.0).result(60)
        bench.check()
