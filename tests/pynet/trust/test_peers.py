"""The file of peers, changed by several processes and threads at once."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pynet import ConfigurationError, Role, Trust
from pynet.trust.peers import Peer, Peers

ROOT = Path(__file__).resolve().parents[3]

ADD = """
import sys
from pathlib import Path
from pynet.trust.identity import load_identity
from pynet.trust.peers import Peer, Peers, Role

folder, own = Path(sys.argv[1]), Path(sys.argv[2])
peers = Peers(folder / "peers.json")
for number in range(5):
    identity = load_identity(own / str(number))
    peers.add(Peer(f"{own.name} {number}", Role.VIEWER, identity.certificate, 1.0))
"""


def somebody(folder: Path, name: str) -> Peer:
    return Peer(name, Role.DRIVER, Trust(folder / name, name).identity.certificate, 1.0)


def test_processes_that_add_at_once_undo_nothing(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADD, str(tmp_path), str(tmp_path / f"process {number}")],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert len(Peers(tmp_path / "peers.json").all()) == 20
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in ("", ".json")] == [
        "peers.json.lock"
    ]


def test_another_process_is_noticed_and_told_of(tmp_path: Path) -> None:
    ours, theirs = Peers(tmp_path / "peers.json"), Peers(tmp_path / "peers.json")
    told = threading.Event()
    ignore = ours.on_change(told.set)
    anna = somebody(tmp_path, "Anna")
    theirs.add(anna)
    assert ours.refresh()
    assert told.is_set()
    assert ours.all() == [anna]
    assert not ours.refresh()
    theirs.revoke(anna)
    assert ours.refresh()
    assert ours.all() == []
    assert ours.was_revoked(anna.id)
    ignore()
    told.clear()
    ours.add(anna)
    assert not told.is_set()
    assert not ours.was_revoked(anna.id)


def test_all_that_is_known_of_a_peer_is_kept(tmp_path: Path) -> None:
    peers = Peers(tmp_path / "peers.json")
    anna = replace(
        somebody(tmp_path, "Anna"),
        granted=Role.OWNER,
        address="car.local:1857",
        placed=True,
        role=Role.NONE,
    )
    peers.add(anna)
    assert Peers(peers.path).all() == [anna]
    if os.name == "posix":
        assert peers.path.stat().st_mode & 0o777 == 0o600


def test_what_is_known_stays_when_the_file_is_spoilt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "pynet.trust")
    peers = Peers(tmp_path / "peers.json")
    anna = somebody(tmp_path, "Anna")
    peers.add(anna)
    peers.path.write_text("{")
    for _ in range(3):
        assert not peers.refresh()
    assert peers.all() == [anna]
    assert caplog.text.count("peers stay as they were") == 1
    with pytest.raises(ConfigurationError, match="holds no list of peers"):
        peers.add(anna)
    with pytest.raises(ConfigurationError, match="holds no list of peers"):
        Peers(peers.path)
    peers.path.unlink()
    assert peers.refresh()
    assert peers.all() == []


@pytest.mark.parametrize(
    ("word", "known"),
    [("Anna", True), ("anna", False), ("ID", True), ("-", False), ("", False)],
)
def test_a_peer_is_found_by_its_name_or_the_begin_of_its_id(
    tmp_path: Path, word: str, known: bool
) -> None:
    peers = Peers(tmp_path / "peers.json")
    anna = somebody(tmp_path, "Anna")
    peers.add(anna)
    peers.add(somebody(tmp_path, "Ben"))
    word = anna.id[:9].lower() if word == "ID" else word
    if known:
        assert peers.find(word) == anna
    else:
        with pytest.raises(ConfigurationError, match="known: Anna"):
            peers.find(word)


def test_who_asks_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    peers = Peers(tmp_path / "peers.json")
    anna = somebody(tmp_path, "Anna")
    held, asked = threading.Event(), threading.Event()

    class Slow(Peers):
        def _write(self, *known: object) -> None:
            held.set()
            assert asked.wait(10)

    slow = Slow(peers.path)
    writer = threading.Thread(target=slow.add, args=(anna,), name="writer")
    writer.start()
    assert held.wait(10)
    answers: list[Callable[[], object]] = [
        slow.all,
        lambda: slow.of_id(anna.id),
        lambda: slow.of_certificate(anna.certificate),
        slow.refresh,
    ]
    assert [bool(ask()) for ask in answers] == [False] * 4
    asked.set()
    writer.join()
