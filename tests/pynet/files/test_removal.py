"""A file is removed after a believable receipt and only if it is what was sent; all else stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet.errors import NoSpace
from pynet.files import guard, removal
from pynet.files.info import Usage
from pynet.files.journal import Journal
from pynet.files.receipts import Receipt
from pynet.files.removal import Decision, Removal
from pynet.files.tree import Tree
from tests.pynet.files.moves import HEADER, Source, codes, digest, forked, promised

Sources = Callable[..., Source]

linux = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    made: list[Source] = []

    def make(names: Any = ("a", "b", "c"), *, place: Path = tmp_path, **options: Any) -> Source:
        made.append(Source(place, names, **options))
        return made[-1]

    yield make
    for source in made:
        source.close()


# ---- the usual -------------------------------------------------------------------------------


def test_what_was_received_is_removed_and_nothing_else(sources: Sources) -> None:
    source = sources(["a", "sub/b", "sub/c"])
    source.expect(0, 1)
    assert source.receive(0, 1) == {0: "removed", 1: "removed"}
    assert source.left() == ["sub/c"]


def test_files_go_in_the_order_of_the_plan_whatever_order_receipts_come_in(
    sources: Sources,
) -> None:
    source = sources()
    source.expect()
    assert source.receive(2) == {}
    assert source.receive(1) == {}
    assert source.removal.waiting == 2
    assert list(source.receive(0)) == [0, 1, 2]


def test_a_file_that_does_not_come_holds_up_the_others_until_it_is_given_up(
    sources: Sources,
) -> None:
    source = sources()
    source.expect(0, 1)
    assert source.receive(1) == {}
    assert codes(source.removal.skip([0])) == {1: "removed"}
    assert source.left() == ["a", "c"]


def test_without_order_each_goes_as_its_receipt_comes(sources: Sources) -> None:
    source = sources(ordered=False)
    source.expect()
    assert source.receive(2) == {2: "removed"}
    assert source.receive(0) == {0: "removed"}


def test_what_is_freed_is_told(sources: Sources) -> None:
    source = sources(["a"])
    source.expect()
    (outcome,) = source.removal.receive([source.receipt(0)])
    assert outcome.freed == source.plan[0].allocated > 0


@pytest.mark.parametrize("name", [b"\xff\xfe", b"new\nline", b"-rf", b"x" * 255, b"\xc3\xa4"])
def test_any_name_is_removed(sources: Sources, name: bytes) -> None:
    source = sources([os.fsdecode(name)])
    source.expect()
    assert source.receive() == {0: "removed"}
    source.reopen()
    assert source.removal.resume() == []


# ---- when it is enough -----------------------------------------------------------------------


def test_it_stops_when_it_is_told_to_and_what_is_received_then_stays(sources: Sources) -> None:
    answers = iter([Decision.GO_ON, Decision.GO_ON, Decision.STOP])
    asked: list[int] = []

    def brake(usage: Usage, freed: int) -> Decision:
        asked.append(freed)
        return next(answers)

    source = sources(brake=brake)
    source.expect()
    assert source.receive() == {0: "removed", 1: "removed", 2: "enough"}
    assert asked == [0, source.plan[0].allocated, source.plan[1].allocated]
    assert source.removal.stopped
    assert source.left() == ["c"]


def test_nothing_goes_when_it_is_enough_before_the_first(sources: Sources) -> None:
    source = sources(brake=lambda usage, freed: Decision.STOP)
    source.expect()
    assert source.receive() == dict.fromkeys(range(3), "enough")
    assert len(source.left()) == 3


def test_before_it_settles_what_was_removed_is_durable_and_it_looks_again(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([Decision.GO_ON, Decision.SETTLE, Decision.STOP])
    events: list[str] = []
    sync, flush = removal.sync_folder, removal.sync_all
    monkeypatch.setattr(removal, "sync_folder", lambda fd: (events.append("folder"), sync(fd)))
    monkeypatch.setattr(removal, "sync_all", lambda fd: (events.append("all"), flush(fd)))

    def brake(usage: Usage, freed: int) -> Decision:
        events.append(f"asked {freed}")
        return next(answers)

    source = sources(brake=brake)
    source.expect()
    assert source.receive() == {0: "removed", 1: "enough", 2: "enough"}
    freed = source.plan[0].allocated
    assert events == ["asked 0", f"asked {freed}", "folder", "all", "asked 0"]


# ---- what has to stay ------------------------------------------------------------------------


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replaced(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"?" * status.st_size)
    os.utime(other, ns=(status.st_mtime_ns, status.st_mtime_ns))
    other.replace(path)


def rewritten(path: Path) -> None:
    """With size and time as they were; ctime gives it away."""
    status = path.stat()
    path.write_bytes(b"?" * status.st_size)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def made_a_link(path: Path) -> None:
    aim = path.with_name("aim")
    path.rename(aim)
    path.symlink_to("aim")


def made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def made_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (appended, "changed"),
        (replaced, "changed"),
        (rewritten, "changed"),
        (lambda path: os.truncate(path, 0), "changed"),
        (lambda path: path.touch(), "changed"),
        (lambda path: path.chmod(0o600), "changed"),
        (lambda path: os.link(path, path.with_name("second")), "linked"),
        (made_a_link, "link"),
        (made_a_pipe, "changed"),
        (made_a_folder, "changed"),
    ],
)
def test_what_was_changed_after_it_was_sent_stays(
    sources: Sources, change: Callable[[Path], None], code: str
) -> None:
    source = sources(["a", "b"])
    source.expect()
    change(source.root / "a")
    assert source.receive() == {0: code, 1: "removed"}
    assert (source.root / "a").exists()


def test_what_somebody_else_has_removed_counts_as_gone(sources: Sources) -> None:
    source = sources(["a", "sub/b"])
    source.expect()
    (source.root / "a").unlink()
    (source.root / "sub/b").unlink()
    (source.root / "sub").rmdir()
    assert source.receive() == {0: "gone", 1: "gone"}


def test_a_folder_swapped_for_a_link_leads_nowhere(sources: Sources, tmp_path: Path) -> None:
    source = sources(["sub/a"])
    aim = tmp_path / "elsewhere"
    (source.root / "sub").rename(aim)
    (source.root / "sub").symlink_to(aim)
    source.removal.close()
    with Tree(source.root) as tree, Journal(tmp_path / "other", HEADER) as journal:
        again = Removal(tree, journal)
        again.expect(0, source.plan[0], digest(0), "xxh3")
        assert codes(again.receive([source.receipt(0)])) == {0: "link"}
    assert (aim / "a").exists()


def test_a_flipper_never_gets_a_file_outside_removed(sources: Sources, tmp_path: Path) -> None:
    """A folder is swapped for a link to another one with the same names, over and over."""
    source = sources([f"sub/{number}" for number in range(300)], ordered=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in range(300):
        (outside / str(number)).write_bytes(b"precious")
    sub, aside, link = source.root / "sub", source.root / "aside", source.root / "link"
    link.symlink_to(outside)
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            sub.rename(aside)
            link.rename(sub)
            sub.rename(link)
            aside.rename(sub)

    source.expect()
    thread = threading.Thread(target=flip, name="flipper")
    thread.start()
    try:
        for number in range(300):
            source.receive(number)
    finally:
        stop.set()
        thread.join()
    assert len(list(outside.iterdir())) == 300


def test_a_file_that_is_protected_by_now_stays(sources: Sources) -> None:
    source = sources(protect=lambda info, fd: "it is kept" if info.name == b"b" else "")
    source.expect()
    (_, kept, _) = source.removal.receive([source.receipt(number) for number in range(3)])
    assert (kept.code, kept.text) == ("protected", "b stays: it is kept")
    assert source.left() == ["b"]


def test_the_destination_s_own_file_is_never_removed(sources: Sources) -> None:
    source = sources(["a", "b"])
    source.expect()
    info = source.plan[0]
    same = source.receipt(0, device=info.device, inode=info.inode)
    assert codes(source.removal.receive([same, source.receipt(1)])) == {0: "same", 1: "removed"}
    assert source.left() == ["a"]


# ---- open elsewhere --------------------------------------------------------------------------

HOLD = """
import mmap, os, sys
fd = os.open(sys.argv[1], {"a": os.O_WRONLY | os.O_APPEND}.get(sys.argv[2], os.O_RDONLY))
if sys.argv[2] == "m":
    held = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    os.close(fd)
print("held", flush=True)
sys.stdin.read()
"""


@linux
@pytest.mark.parametrize("how", ["r", "a", "m"], ids=["to read", "to append", "mapped"])
def test_what_another_process_has_open_stays_until_it_is_closed(sources: Sources, how: str) -> None:
    source = sources(["a", "b"])
    source.expect()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(source.root / "a"), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert source.receive() == {0: "open", 1: "removed"}
        process.communicate()
    source.reopen()
    assert codes(source.removal.resume()) == {0: "removed"}


@linux
def test_what_this_process_has_open_stays_too(sources: Sources) -> None:
    source = sources(["a"])
    source.expect()
    with (source.root / "a").open("rb"):
        assert source.receive() == {0: "open"}


@linux
def test_who_opens_it_in_the_last_moment_keeps_it(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is broken between the look and the removal; and this process lives on."""
    source = sources(["a"])
    source.expect()
    path = source.root / "a"

    def ask(kind: str) -> None:
        if kind == "GUARDED":
            with pytest.raises(BlockingIOError):
                os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    monkeypatch.setattr(removal, "crash_point", ask)
    assert source.receive() == {0: "open"}
    assert path.exists()


@linux
def test_without_leases_the_lists_of_open_files_are_read(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "lease", lambda fd: None)
    source = sources(["a", "b"])
    source.expect()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(source.root / "a"), "r"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert source.receive() == {0: "open", 1: "removed"}
        process.communicate()


# ---- what is not permitted -------------------------------------------------------------------


def as_nobody(work: Callable[[], object]) -> int:
    """Do it in a child process without rights."""

    def without_rights() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        work()

    return forked(without_rights)


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="giving up rights needs root on Linux"
)
@pytest.mark.parametrize(
    ("mode", "owner"), [(0o555, 65534), (0o1777, 0)], ids=["read only", "sticky"]
)
def test_what_may_not_be_removed_stays(sources: Sources, mode: int, owner: int) -> None:
    source = sources(["sub/a", "sub/b"])
    source.expect()
    os.chown(source.root / "sub", owner, owner)
    (source.root / "sub").chmod(mode)

    def work() -> None:
        assert source.receive() == {0: "denied", 1: "denied"}

    assert as_nobody(work) == 0
    assert source.left() == ["sub/a", "sub/b"]


# ---- receipts that nobody asked for ----------------------------------------------------------


def test_receipts_are_believed_once_and_only_for_what_was_sent(sources: Sources) -> None:
    source = sources()
    source.expect(0)
    good = source.receipt(0)
    bad = [
        source.receipt(1),
        source.receipt(0, id=77),
        source.receipt(0, id=-1),
        source.receipt(0, info=source.plan[1]),
        source.receipt(0, final_name="no bytes"),
        source.receipt(0, id="0"),
        source.receipt(0, inode=None),
        source.receipt(0, root=b""),
        source.receipt(0, root=digest(5)),
        source.receipt(0, algorithm="sha256"),
    ]
    assert [one.code for one in source.removal.receive(bad)] == ["refused"] * 7 + ["damaged"] * 3
    assert len(source.left()) == 3
    assert [one.code for one in source.removal.receive([good, good])] == ["refused", "removed"]
    assert [one.code for one in source.removal.receive([good])] == ["refused"]
    assert source.left() == ["b", "c"]


def test_a_file_made_anew_under_the_name_is_safe_from_an_old_receipt(sources: Sources) -> None:
    source = sources(["a"])
    source.expect()
    source.receive()
    (source.root / "a").write_bytes(b"a new recording")
    assert source.receive(0) == {0: "refused"}
    source.reopen()
    assert source.removal.resume() == []
    assert source.left() == ["a"]


def test_an_empty_root_is_no_root(sources: Sources) -> None:
    source = sources(["a"])
    source.removal.expect(0, source.plan[0], b"", "xxh3")
    assert codes(source.removal.receive([source.receipt(0, root=b"")])) == {0: "damaged"}


def test_a_file_is_sent_once(sources: Sources) -> None:
    source = sources()
    source.expect(0)
    source.removal.skip([1])
    for number in (0, 1):
        with pytest.raises(ValueError, match="already"):
            source.expect(number)


# ---- what goes together ----------------------------------------------------------------------


@pytest.mark.parametrize("ordered", [True, False])
def test_a_unit_goes_when_all_of_it_was_received_and_its_folders_with_it(
    sources: Sources, ordered: bool
) -> None:
    source = sources(["drive/a", "drive/x/b", "z"], ordered=ordered)
    source.removal.unit(0, 2, b"drive")
    source.expect()
    assert source.receive(1) == {}
    assert source.receive(0) == {0: "removed", 1: "removed"}
    assert [path.name for path in source.root.iterdir()] == ["z"]


def test_a_unit_s_folder_stays_if_somebody_has_put_something_into_it(sources: Sources) -> None:
    source = sources(["drive/a", "drive/b"])
    source.removal.unit(0, 2, b"drive")
    source.expect()
    (source.root / "drive/new").write_bytes(b"new")
    assert source.receive() == {0: "removed", 1: "removed"}
    assert source.left() == ["drive/new"]


def test_a_unit_stays_if_one_of_it_has_to(sources: Sources) -> None:
    source = sources(["drive/a", "drive/b", "drive/c", "z"])
    source.removal.unit(0, 3, b"drive")
    source.expect()
    appended(source.root / "drive/b")
    assert source.receive() == {0: "group", 1: "changed", 2: "group", 3: "removed"}
    assert source.left() == ["drive/a", "drive/b", "drive/c"]


def test_a_unit_stays_if_one_of_it_did_not_come(sources: Sources) -> None:
    source = sources(["drive/a", "drive/b"])
    source.removal.unit(0, 2, b"drive")
    source.expect(0)
    assert source.receive(0) == {}
    assert codes(source.removal.skip([1])) == {0: "group"}
    assert len(source.left()) == 2


def test_it_is_asked_whether_it_is_enough_after_a_whole_unit(sources: Sources) -> None:
    asked: list[int] = []

    def brake(usage: Usage, freed: int) -> Decision:
        asked.append(freed)
        return Decision.GO_ON

    source = sources(["drive/a", "drive/b"], brake=brake)
    source.removal.unit(0, 2, b"drive")
    source.expect()
    source.receive()
    assert asked == [0, sum(info.allocated for info in source.plan)]


# ---- after a crash ---------------------------------------------------------------------------

NAMES = ["a", "sub/b", "sub/c", "d", "d2/e", "d2/f", "late"]


def whole_move(place: Path) -> None:
    source = Source(place, NAMES)
    source.removal.unit(4, 2, b"d2")
    source.expect(0, 1, 2, 3, 4, 5)
    source.receive(0, 1)
    source.receive(2, 3, 4)
    source.receive(5)
    source.expect(6)


PLACES = ["nowhere:1"] + [
    f"{kind}:{number}{when}"
    for kind, last in [("RECEIPT", 3), ("DELETED", 3), ("SENT", 1), ("UNIT", 1)]
    for number in range(1, last + 1)
    for when in ("", ":before", ":torn")
]
PLACES += [f"{kind}:{number}" for kind in ("GUARDED", "UNLINKED") for number in range(1, 7)]
PLACES += ["SYNCED:1", "SYNCED:2", "SYNCED:3"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_only_what_was_received_is_gone_and_the_rest_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PYNET_CRASH_AT", place)
        ended = forked(lambda: whole_move(tmp_path))
    assert ended == (0 if place == "nowhere:1" else -signal.SIGKILL)
    gone = missing(tmp_path / "root")
    with Journal(tmp_path / "journal", HEADER) as journal:
        received = {record[1] for record in journal.records if record[0] == "RECEIPT"}
        deleted = {record[1] for record in journal.records if record[0] == "DELETED"}
    assert deleted <= gone <= received
    with (
        Tree(tmp_path / "root") as tree,
        Removal(tree, Journal(tmp_path / "journal", HEADER)) as again,
    ):
        outcomes = codes(again.resume())
    assert set(outcomes) == received - deleted
    # One of a unit was received and the other not: both stay.
    stays = {number for number, code in outcomes.items() if code == "group"}
    assert stays in (set(), {4})
    assert missing(tmp_path / "root") == received - stays


def missing(root: Path) -> set[int]:
    return {number for number, name in enumerate(NAMES) if not (root / name).exists()}


def test_what_was_sent_and_not_answered_is_known_after_a_restart(sources: Sources) -> None:
    source = sources()
    source.expect()
    source.receive(0)
    source.reopen()
    assert [(one.id, one.root) for one in source.removal.unanswered] == [
        (1, digest(1)),
        (2, digest(2)),
    ]
    assert source.receive(1) == {1: "removed"}
    assert codes(source.removal.resume()) == {}
    assert source.left() == ["c"]
    source.removal.finish()
    assert not (source.place / "journal").exists()


# ---- a full disk -----------------------------------------------------------------------------


def test_a_full_disk_is_emptied_with_the_space_that_the_journal_took(small_disk: Path) -> None:
    root = small_disk / "root"
    root.mkdir()
    names = [f"f{number}" for number in range(100)]
    for name in names:
        (root / name).write_bytes(bytes(4096))
    with (
        Tree(root) as tree,
        Journal(small_disk / "journal", HEADER, preallocate=65536) as journal,
        Removal(tree, journal) as work,
    ):
        fill(small_disk)
        plan = [tree.info(name.encode()) for name in names]
        for number, info in enumerate(plan):
            work.expect(number, info, digest(number), "xxh3")
        outcomes = work.receive([promised(number, info) for number, info in enumerate(plan)])
        assert {one.code for one in outcomes} == {"removed"}
        assert list(root.iterdir()) == []


def test_if_receipts_cannot_be_written_down_nothing_is_removed(small_disk: Path) -> None:
    root = small_disk / "root"
    root.mkdir()
    (root / "a").write_bytes(bytes(4096))
    with (
        Tree(root) as tree,
        Journal(small_disk / "journal", HEADER) as journal,
        Removal(tree, journal) as work,
    ):
        fill(small_disk)
        info = tree.info(b"a")
        work.expect(0, info, digest(0) * 1000, "xxh3")
        receipt = Receipt(0, info, digest(0) * 1000, "xxh3", b"a", 1, 1)
        with pytest.raises(NoSpace):
            work.receive([receipt])
        assert (root / "a").exists()
        (small_disk / "filler").unlink()
        assert codes(work.receive([receipt])) == {0: "removed"}


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
