"""A journal gives back what was committed, or less of it after damage; never anything else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pynet.errors import Busy, Closed, NoSpace
from pynet.files import journal as module
from pynet.files.journal import Journal

OWN = {"what": "test", "version": 1, "owner": b"\xff\x00"}

values = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2**64 - 1), st.binary(max_size=40), st.text(max_size=9)
)
entries = st.lists(
    st.tuples(st.sampled_from(["A", "RECEIPT", "DELETED"]), st.lists(values, max_size=3)),
    min_size=1,
    max_size=8,
)


def written(path: Path, records: list[tuple[str, list[object]]], preallocate: int = 0) -> None:
    with Journal(path, OWN, preallocate=preallocate) as journal:
        for kind, rest in records:
            journal.append(kind, *rest)
            journal.commit()


def read(path: Path) -> list[list[object]]:
    with Journal(path, OWN) as journal:
        return journal.records


def test_what_was_committed_comes_back_and_more_is_added_to_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, [("A", [1, b"x"]), ("B", ["\u00fc", [1, 2], {"a": None}])])
    written(path, [("C", [])])
    assert read(path) == [["A", 1, b"x"], ["B", "\u00fc", [1, 2], {"a": None}], ["C"]]


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", OWN) as journal:
        journal.append("A")
    assert read(tmp_path / "j") == []


def test_a_group_is_one_write_and_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    with Journal(tmp_path / "j", OWN) as journal:
        write, sync = module._write, module.sync_data
        monkeypatch.setattr(module, "_write", lambda *a: (calls.append("write"), write(*a))[1])
        monkeypatch.setattr(module, "sync_data", lambda fd: (calls.append("sync"), sync(fd))[1])
        for number in range(100):
            journal.append("A", number)
        journal.commit()
        journal.commit()
    assert calls == ["write", "sync"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=entries, preallocate=st.sampled_from([0, 500, 3000]), data=st.data())
def test_any_truncation_leaves_a_prefix_and_it_can_be_gone_on_with(
    tmp_path: Path, records: list[tuple[str, list[object]]], preallocate: int, data: st.DataObject
) -> None:
    path = fresh(tmp_path)
    written(path, records, preallocate)
    os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    is_prefix_and_goes_on(path, records)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    records=entries,
    preallocate=st.sampled_from([0, 500, 3000]),
    flip=st.integers(1, 255),
    data=st.data(),
)
def test_any_flipped_byte_leaves_a_prefix_and_it_can_be_gone_on_with(
    tmp_path: Path,
    records: list[tuple[str, list[object]]],
    preallocate: int,
    flip: int,
    data: st.DataObject,
) -> None:
    path = fresh(tmp_path)
    written(path, records, preallocate)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= flip
    path.write_bytes(content)
    is_prefix_and_goes_on(path, records)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=entries, preallocate=st.sampled_from([0, 3000]), garbage=st.binary(max_size=200))
def test_garbage_behind_the_end_is_dropped(
    tmp_path: Path, records: list[tuple[str, list[object]]], preallocate: int, garbage: bytes
) -> None:
    path = fresh(tmp_path)
    written(path, records, preallocate)
    path.write_bytes(path.read_bytes() + garbage)
    assert read(path) == [[kind, *rest] for kind, rest in records]


def test_records_left_over_behind_a_torn_one_never_come_back(tmp_path: Path) -> None:
    """The second is torn and a shorter one is written over it: the third must stay dropped."""
    path = tmp_path / "j"
    written(path, [("A", [1]), ("A", [b"x" * 50]), ("A", [3])], 1000)
    content = bytearray(path.read_bytes())
    content[content.index(b"x" * 50)] ^= 1
    path.write_bytes(content)
    written(path, [("B", [b"y" * 50])])
    assert read(path) == [["A", 1], ["B", b"y" * 50]]


def fresh(folder: Path) -> Path:
    for name in folder.iterdir():
        name.unlink()
    return folder / "j"


def is_prefix_and_goes_on(path: Path, records: list[tuple[str, list[object]]]) -> None:
    with Journal(path, OWN) as journal:
        found = journal.records
        journal.append("MORE", 1)
        journal.commit()
    assert found == [[kind, *rest] for kind, rest in records][: len(found)]
    assert read(path) == [*found, ["MORE", 1]]


@pytest.mark.parametrize(
    "content",
    [b"x", b"PYNETJ1\n", b"PYNETJ0\n" + bytes(100), os.urandom(500)],
    ids=["short", "no header", "other magic", "noise"],
)
def test_what_is_no_journal_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    assert read(tmp_path / "j") == []
    assert (tmp_path / "j.bad").read_bytes() == content


def test_a_journal_of_another_owner_or_version_is_set_aside(tmp_path: Path) -> None:
    written(tmp_path / "j", [("A", [1])])
    with Journal(tmp_path / "j", {**OWN, "version": 2}) as journal:
        assert journal.records == []
    assert read(tmp_path / "j") == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["j", "j.bad"]


@pytest.mark.parametrize("size", [0, 300])
def test_one_that_was_just_made_when_the_power_went_is_begun(tmp_path: Path, size: int) -> None:
    (tmp_path / "j").write_bytes(bytes(size))
    written(tmp_path / "j", [("A", [1])])
    assert read(tmp_path / "j") == [["A", 1]]
    assert not (tmp_path / "j.bad").exists()


def test_only_one_can_have_it_open(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", OWN), pytest.raises(Busy, match="another program"):
        Journal(tmp_path / "j", OWN)
    Journal(tmp_path / "j", OWN).close()


def test_removed_is_gone_and_closing_again_does_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", OWN)
    journal.remove()
    journal.remove()
    journal.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Closed):
        journal.commit()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "aim").write_bytes(b"precious")
    (tmp_path / "j").symlink_to("aim")
    with pytest.raises(OSError, match="symbolic links"):
        Journal(tmp_path / "j", OWN)
    assert (tmp_path / "aim").read_bytes() == b"precious"


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="no descriptors of folders here")
def test_it_stays_in_its_folder_when_that_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    folder = os.open(tmp_path / "a", os.O_RDONLY)
    try:
        journal = Journal("j", OWN, folder=folder)
    finally:
        os.close(folder)
    with journal:
        (tmp_path / "a").rename(tmp_path / "b")
        journal.append("A")
        journal.commit()
    assert read(tmp_path / "b" / "j") == [["A"]]


def test_space_taken_in_advance_is_the_file_s_and_is_written_first(tmp_path: Path) -> None:
    path = tmp_path / "j"
    written(path, [("A", [b"x" * 100])], 4096)
    assert path.stat().st_size == 4096
    assert path.stat().st_blocks * 512 >= 4096
    written(path, [("A", [b"y" * 5000])])
    assert [len(record[1]) for record in read(path)] == [100, 5000]  # type: ignore[arg-type]


def test_a_disk_that_fails_to_sync_ends_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with Journal(tmp_path / "j", OWN) as journal:
        monkeypatch.setattr(module, "sync_data", fail)
        journal.append("A")
        with pytest.raises(OSError, match="Input/output"):
            journal.commit()
        journal.append("A")
        with pytest.raises(Closed):
            journal.commit()


# ---- a full disk -----------------------------------------------------------------------------


def filled(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


def test_a_full_disk_takes_records_as_far_as_space_was_taken(small_disk: Path) -> None:
    with Journal(small_disk / "j", OWN, preallocate=8192) as journal:
        filled(small_disk)
        for number in range(100):
            journal.append("A", number)
            journal.commit()
        before = (small_disk / "j").read_bytes()
        journal.append("A", bytes(9000))
        journal.append("A", "never")
        with pytest.raises(NoSpace, match="full"):
            journal.commit()
        assert (small_disk / "j").read_bytes().rstrip(b"\0") == before.rstrip(b"\0")
        journal.append("A", "short")
        journal.commit()
        (small_disk / "filler").unlink()
        journal.append("A", bytes(9000))
        journal.commit()
    assert [record[1] for record in read(small_disk / "j")] == [*range(100), "short", bytes(9000)]


def test_a_full_disk_without_space_taken_says_so_and_keeps_what_was_there(small_disk: Path) -> None:
    with Journal(small_disk / "j", OWN) as journal:
        journal.append("A", 1)
        journal.commit()
        filled(small_disk)
        journal.append("A", 2)
        journal.append("A", bytes(9000))
        with pytest.raises(NoSpace):
            journal.commit()
    assert read(small_disk / "j") == [["A", 1]]


def test_on_a_full_disk_none_is_begun(small_disk: Path) -> None:
    filled(small_disk)
    with pytest.raises(NoSpace):
        Journal(small_disk / "j", OWN, preallocate=8192)
    assert not (small_disk / "j").exists()


def test_on_a_disk_that_is_nearly_full_it_takes_what_there_is(small_disk: Path) -> None:
    filled(small_disk)
    os.truncate(small_disk / "filler", (small_disk / "filler").stat().st_size - 4096)
    with Journal(small_disk / "j", OWN, preallocate=1 << 20) as journal:
        journal.append("A", 1)
        journal.commit()
    assert read(small_disk / "j") == [["A", 1]]


# ---- places to die ---------------------------------------------------------------------------

SCRIPT = """
import sys
from pynet.files.journal import Journal, crash_point
journal = Journal(sys.argv[1], {"what": "test", "version": 1, "owner": b"\\xff\\x00"})
for number in range(3):
    journal.append("A", number)
    journal.append("B", number)
    journal.commit()
    crash_point("done")
"""


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("A:1", 2),
        ("A:2", 4),
        ("B:2:before", 2),
        ("B:2:torn", 3),
        ("done:1", 2),
        ("done:3", 6),
        ("A:4", None),
        ("C:1", None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_it_dies_where_it_is_told_to(tmp_path: Path, place: str, left: int | None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "j")],
        env={**os.environ, "PYNET_CRASH_AT": place},
        check=False,
    )
    assert done.returncode == (0 if left is None else -signal.SIGKILL)
    assert len(read(tmp_path / "j")) == (6 if left is None else left)
