"""The laptop is killed, or its store fails, at each moment of a move into it."""

from __future__ import annotations

import signal

import pytest

from tests.pynet.backup.failures.bench import tree_of
from tests.pynet.backup.store.conftest import StoreBench
from tests.pynet.backup.store.faulty import CUT, DOWN, FLIPS, FULL, REFUSES

LAPTOP = ["synced:1", "published:2", "stored:1", "stored:4", "proven:1", "proven:6"]
LAPTOP += ["RECEIVED:1:before", "RECEIVED:1", "RECEIVED:2:torn", "SETTLED:1:before"]
"""Among them: the store has a file that the ledger does not know, or knows and nobody was told."""


def test_nothing_happens(bench: StoreBench) -> None:
    bench.device()
    report = bench.laptop().result()
    bench.check_over(report)
    assert report["files"] == 9


@pytest.mark.parametrize("place", LAPTOP)
def test_the_laptop_is_killed(bench: StoreBench, place: str) -> None:
    bench.device()
    assert bench.laptop(place).child.wait() == -signal.SIGKILL
    bench.check()
    bench.check_over(bench.laptop().result())


@pytest.mark.parametrize("place", ["SENT:1", "RECEIPT:1", "UNLINKED:5"])
def test_the_device_is_killed(bench: StoreBench, place: str) -> None:
    device = bench.device(place)
    laptop = bench.laptop(patience=0.0)
    assert device.wait() == -signal.SIGKILL
    assert laptop.result()["error"] in ("ConnectionLost", "ConnectError")
    bench.check()
    bench.check_over(bench.move())


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("what", [FLIPS, REFUSES, CUT])
def test_a_file_that_the_store_spoils_or_refuses_stays(
    bench: StoreBench, what: str, number: int
) -> None:
    bench.device()
    report = bench.laptop(fault_of_store=[what, number]).result()
    bench.check()
    assert report["files"] < number
    assert report["verdict"] == "exhausted"
    kept = {code for code, _ in report["kept"].values()}
    assert kept & {"damaged" if what == FLIPS else "denied" if what == REFUSES else "io"}
    whole = set(bench.originals.values())
    spoilt = any(content not in whole for content in tree_of(bench.store).values())
    assert spoilt == (what == FLIPS)  # half a file never has a final name


def test_a_store_that_is_full_ends_the_run(bench: StoreBench) -> None:
    bench.device()
    report = bench.laptop(fault_of_store=[FULL, 4]).result()
    assert report["verdict"] == "destination full"
    bench.check()
    bench.check_over(bench.laptop().result())


def test_a_store_that_goes_away_ends_the_run_with_a_sentence(bench: StoreBench) -> None:
    bench.device()
    report = bench.laptop(fault_of_store=[DOWN, 4]).result()
    assert report["error"] == "FilesError"
    assert f"the store faulty://{bench.store} cannot be used: the store went away" in report["text"]
    bench.check()
    bench.check_over(bench.laptop().result())


def test_what_the_store_has_lost_is_not_removed(bench: StoreBench) -> None:
    """The receipt was not sent, the ledger knows the file, and the store has another content."""
    bench.device()
    assert bench.laptop("RECEIVED:1").child.wait() == -signal.SIGKILL
    (entry, *_) = bench.entries().values()
    stored = bench.store / entry.final_name.decode()
    content = stored.read_bytes()
    stored.write_bytes(bytes(len(content)))
    bench.laptop().result()
    bench.check()
    spoilt = stored.read_bytes()
    assert spoilt == bytes(len(content))  # what is there is never replaced
