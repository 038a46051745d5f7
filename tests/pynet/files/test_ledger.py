"""What a destination says that it holds is there; what it does not know it does not claim."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynet.errors import Busy
from pynet.files.hashing import LEAF, hasher, root_digest
from pynet.files.ledger import Entry, Ledger
from pynet.files.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    with Tree(tmp_path / "landed", create=True) as tree:
        yield tree


@pytest.fixture
def ledger(tmp_path: Path, tree: Tree) -> Iterator[Ledger]:
    with Ledger(tmp_path / "record", tree) as ledger:
        ledger.begin("j1", "Rover", "MACHINE", "/home/pi/recordings")
        yield ledger


def landed(tree: Tree, name: str, content: bytes = b"x", algorithm: str = "sha256") -> Entry:
    path = tree.path / "car" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    status = path.stat()
    leaves = [content[at : at + LEAF] for at in range(0, max(len(content), 1), LEAF)]
    root = root_digest(algorithm, len(content), list(map(hasher(algorithm), leaves)))
    raw = os.fsencode(name)
    return Entry(
        "j1",
        raw,
        b"car/" + raw,
        len(content),
        status.st_mtime_ns,
        0o644,
        root,
        algorithm,
        status.st_dev,
        status.st_ino,
        1.5,
    )


def again(ledger: Ledger, tree: Tree, folder: Path) -> Ledger:
    ledger.close()
    return Ledger(folder, tree)


@pytest.mark.parametrize("content", [b"", b"abc", bytes(LEAF), b"y" * (2 * LEAF + 1)])
@pytest.mark.parametrize("algorithm", ["blake3", "xxh3", "sha256"])
def test_what_was_received_is_held_also_after_a_restart(
    ledger: Ledger, tree: Tree, tmp_path: Path, content: bytes, algorithm: str
) -> None:
    entry = landed(tree, "a", content, algorithm)
    ledger.received([entry])
    assert ledger.holds("j1", b"a", entry.root) == entry
    with again(ledger, tree, tmp_path / "record") as later:
        assert later.holds("j1", b"a", entry.root, read=True) == entry
        assert later.jobs["j1"].owner == "Rover"


def test_what_was_never_received_is_not_held(ledger: Ledger, tree: Tree) -> None:
    entry = landed(tree, "a")
    ledger.received([entry])
    assert ledger.holds("j2", b"a", entry.root) is None
    assert ledger.holds("j1", b"b", entry.root) is None
    assert ledger.holds("j1", b"a", b"other") is None
    assert ledger.holds("j1", b"a", b"") is None


def test_what_is_not_there_any_more_is_not_held(ledger: Ledger, tree: Tree) -> None:
    entries = [landed(tree, name) for name in ("gone", "cut", "link", "other", "same")]
    ledger.received(entries)
    place = tree.path / "car"
    (place / "gone").unlink()
    (place / "cut").write_bytes(b"")
    (place / "link").unlink()
    (place / "link").symlink_to("same")
    (place / "other").write_bytes(b"y")
    os.utime(place / "other", ns=(1, 1))
    os.utime(place / "same", ns=(1, 1))
    held = [entry.name for entry in entries if ledger.holds("j1", entry.name, entry.root)]
    assert held == [b"same"]
    assert [entry.name for entry in ledger.missing("j1")] == [b"gone", b"cut", b"link", b"other"]


def test_what_was_damaged_in_place_is_found_when_it_is_read(ledger: Ledger, tree: Tree) -> None:
    entry = landed(tree, "a", b"abc")
    ledger.received([entry])
    (tree.path / "car/a").write_bytes(b"abd")
    os.utime(tree.path / "car/a", ns=(entry.mtime_ns, entry.mtime_ns))
    assert ledger.holds("j1", b"a", entry.root) == entry
    assert ledger.holds("j1", b"a", entry.root, read=True) is None


def test_a_record_that_was_lost_or_restored_from_earlier_claims_nothing(
    ledger: Ledger, tree: Tree, tmp_path: Path
) -> None:
    first, second = landed(tree, "a"), landed(tree, "b")
    ledger.received([first])
    shutil.copy(tmp_path / "record/ledger", tmp_path / "earlier")
    ledger.received([second])
    ledger.close()
    shutil.copy(tmp_path / "earlier", tmp_path / "record/ledger")
    with Ledger(tmp_path / "record", tree) as restored:
        assert restored.holds("j1", b"a", first.root)
        assert restored.holds("j1", b"b", second.root) is None
    (tmp_path / "record/ledger").unlink()
    with Ledger(tmp_path / "record", tree) as empty:
        assert empty.holds("j1", b"a", first.root) is None


def test_what_became_of_it_at_the_source_is_noted(
    ledger: Ledger, tree: Tree, tmp_path: Path
) -> None:
    ledger.received([landed(tree, "a"), landed(tree, "b")])
    ledger.settled("j1", {b"a": "removed", b"unknown": "removed"})
    with again(ledger, tree, tmp_path / "record") as later:
        files = later.jobs["j1"].manifest()["files"]
    assert [one["outcome"] for one in files] == ["removed", ""]
    assert json.loads(json.dumps(files))[0]["digest"] == landed(tree, "a").root.hex()


def test_a_job_begins_once(ledger: Ledger, tree: Tree) -> None:
    ledger.received([landed(tree, "a", b"abc")])
    ledger.begin("j1", "Somebody else", "", "")
    assert ledger.jobs["j1"].owner == "Rover"
    assert ledger.jobs["j1"].size == 3


def test_only_one_program_has_it(ledger: Ledger, tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(Busy):
        Ledger(tmp_path / "record", tree)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_checksums_are_what_the_system_s_own_program_reads(ledger: Ledger, tree: Tree) -> None:
    names = ["plain", "new\nline", "back\\slash", "\udcff", "sp ace"]
    big = landed(tree, "big", b"z" * (LEAF + 1))
    ledger.received([*(landed(tree, name, name.encode("utf-8", "replace")) for name in names), big])
    sums = ledger.jobs["j1"].checksums("sha256")
    assert sums.count(b"car/") == len(names)
    done = subprocess.run(
        ["sha256sum", "-c", "--strict"], input=sums, cwd=tree.path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
