"""A folder that may hold so much: counted, never exceeded, and emptied as a disk of its own is."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, RemoteGateway
from pynet.backup import Backup, Policy
from pynet.errors import ConfigurationError, NoSpace
from pynet.files import quota as quotas
from pynet.files.info import FileInfo, Usage
from pynet.files.landing import SMALL, Landing
from pynet.files.quota import Quota
from pynet.files.selection import Selection
from pynet.files.shares import Share
from pynet.files.tree import Tree

BLOCK = 4096
LIMIT = 100 * BLOCK
DAYS = 86400
POLICY = Policy(floor_share=0.0, floor_bytes=0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def tree(root: Path) -> Iterator[Tree]:
    with Tree(root, quota=Quota(LIMIT)) as made:
        yield made


@pytest.fixture
def counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right afterwards was kept right, and not counted again."""
    monkeypatch.setattr(quotas, "FRESH", 1e9)


@pytest.fixture
def counted_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "FRESH", 0.0)
    monkeypatch.setattr(quotas, "SPARING", 0.0)


def write(root: Path, name: str, blocks: int, age: float = 0.0) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(blocks * BLOCK))
    if age:
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    return path


def blocks_used(tree: Tree) -> float:
    return tree.usage().used / BLOCK


def really_used(root: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in root.rglob("*") if path.is_file())


# ---- counting ---------------------------------------------------------------------------


@pytest.mark.usefixtures("counted_always")
def test_all_files_below_count_once_with_what_they_take(root: Path, tree: Tree) -> None:
    assert tree.usage().used == 0
    write(root, "a", 3)
    write(root, "deep/er/b", 4)
    os.link(root / "a", root / "deep/other name of a")
    (root / "link").symlink_to(root / "deep/er/b")
    (root / "one byte").write_bytes(b"x")
    with (root / "holes").open("wb") as file:
        file.truncate(1 << 30)
    assert blocks_used(tree) == 8
    assert tree.usage().available == LIMIT - 8 * BLOCK
    assert tree.usage().share == 0.08


@pytest.mark.usefixtures("counted_always")
def test_what_arrives_counts_and_pynets_own_notes_do_not(root: Path, tree: Tree) -> None:
    write(root, ".pynet-incoming/x.pynet-part", 5)
    write(root, ".pynet-incoming/x.journal", 7)
    write(root, ".pynet-incoming/move-x.log", 7)
    assert blocks_used(tree) == 5


@pytest.mark.usefixtures("counted_always")
def test_more_than_it_may_hold_is_full(root: Path, tree: Tree) -> None:
    write(root, "a", 130)
    usage = tree.usage()
    assert (usage.used, usage.available, usage.share) == (130 * BLOCK, 0, 1.0)


def test_a_disk_with_less_room_counts_too(root: Path) -> None:
    write(root, "a", 1)
    with Tree(root) as tree:
        disk = tree.usage()
        assert Quota(1 << 60).usage(tree, disk) == Usage(BLOCK, disk.available, disk.files_free)


@pytest.mark.usefixtures("counted_once")
def test_what_is_removed_shows_at_once(root: Path, tree: Tree) -> None:
    write(root, "a", 3)
    write(root, "deep/b", 4)
    os.link(root / "a", root / "c")
    assert blocks_used(tree) == 7
    tree.remove(b"deep/b")
    assert blocks_used(tree) == 3
    tree.remove(b"a")
    assert blocks_used(tree) == 3, "it has another name"
    tree.remove(b"c")
    assert blocks_used(tree) == 0


@pytest.mark.usefixtures("counted_once")
@pytest.mark.parametrize("durable", [False, True])
def test_what_arrives_shows_at_once(root: Path, tree: Tree, durable: bool) -> None:
    write(root, "a", 9)
    write(root, "b", 9)
    assert blocks_used(tree) == 18

    def info(name: bytes, data: bytes) -> FileInfo:
        return FileInfo(name, "file", len(data), 10**18, 0o644, allocated=len(data))

    with Landing(tree, conflict="overwrite", durable=durable, algorithm="blake3") as landing:
        for name in (b"a", b"new"):
            landing.small(info(name, bytes(2 * BLOCK)), bytes(2 * BLOCK))
        landing.settle()
        assert blocks_used(tree) == 9 + 2 + 2
        large = bytes(SMALL + BLOCK)
        part = landing.part(info(b"b", large))
        part.write(0, memoryview(large))
        part.leaf_written(0, landing._hash(large))
        landing.publish(part)
        landing.settle()
    assert tree.usage().used == really_used(root) == 4 * BLOCK + len(large)


@pytest.mark.usefixtures("counted_once")
def test_all_trees_of_a_share_know_it(root: Path) -> None:
    write(root, "a", 3)
    share = Share.of("r", root, True, "owner", LIMIT)
    with share.tree() as one, share.tree() as other:
        assert blocks_used(one) == 3
        other.remove(b"a")
        assert blocks_used(one) == 0
    again = Share.unpack(share.pack())
    assert again.quota is not None
    assert again.quota.limit == LIMIT
    with pytest.raises(ConfigurationError, match="cannot hold 0 bytes"):
        Share.of("r", root, quota=0)


def test_counting_beside_changes_is_exact_in_the_end(root: Path, tree: Tree) -> None:
    quota = tree.quota
    assert quota is not None
    for number in range(300):
        write(root, f"{number % 7}/{number}", 1)
    over = threading.Event()

    def count() -> None:
        while not over.is_set():
            quota._due = 0.0
            tree.usage()

    counter = threading.Thread(target=count)
    counter.start()
    for number in range(299):
        tree.remove(f"{number % 7}/{number}".encode())
    over.set()
    counter.join()
    quota._due = 1e18
    assert blocks_used(tree) == 1


# ---- writing ----------------------------------------------------------------------------


@pytest.fixture
def share(root: Path) -> Iterator[Callable[[int], RemoteGateway]]:
    """Shares the root with a quota; gives the Gateway as a Controller sees it."""
    with (
        Gateway(port=0, name="car", insecure=True) as gateway,
        Controller(name="laptop", insecure=True) as controller,
    ):

        def shared(limit: int) -> RemoteGateway:
            gateway.share("root", root, write=True, quota=limit)
            return controller.connect(gateway.address, timeout=5)

        yield shared


def test_what_does_not_fit_is_refused(
    root: Path, tmp_path: Path, share: Callable[[int], RemoteGateway]
) -> None:
    car = share(4_000_000)
    write(root, "before", 500)
    assert car.files.usage("root") == next(row["usage"] for row in car.files.roots())
    for number in range(8):
        write(tmp_path, f"from/{number}", 100)
    with pytest.raises(NoSpace, match=r"may hold 4,000,000 bytes"):
        car.files.put(tmp_path / "from", "root/to", own_process=False).wait(30)
    usage = car.files.usage("root")
    assert usage.used <= 4_000_000
    assert usage.used == sum(
        path.stat().st_blocks * 512
        for path in root.rglob("*")
        if path.is_file() and ".pynet-incoming" not in path.parts
    )
    for path in (root / "to").rglob("*"):
        assert path.is_dir() or path.stat().st_size == 100 * BLOCK
    write(tmp_path, "small", 2)
    (root / "before").unlink()
    report = car.files.put(tmp_path / "small", "root", own_process=False).wait(30)
    assert report.problems == ()


# ---- emptying ---------------------------------------------------------------------------


def filled(root: Path, share: float, limit: int, seed: int) -> list[tuple[str, int]]:
    """Files of many sizes up to that share, the oldest first, as (name, bytes)."""
    made: list[tuple[str, int]] = []
    dice = random.Random(seed)
    used = 0
    while used < share * limit:
        size = min(dice.choice((1, 1, 2, 5, 9, 30)) * BLOCK, int(share * limit) + BLOCK - used)
        name = f"{dice.randrange(5)}/{len(made):03}"
        path = write(root, name, -(-size // BLOCK), age=30 * DAYS - 60 * len(made))
        taken = path.stat().st_blocks * 512
        made.append((name, taken))
        used += taken
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_backup_goes_from_80_to_25_percent_and_no_further(
    root: Path, tmp_path: Path, share: Callable[[int], RemoteGateway], seed: int
) -> None:
    limit = 2_000_000
    files = filled(root, 0.80, limit, seed)
    backup = Backup(share(limit), "root", tmp_path / "laptop", POLICY, own_process=False)
    status = backup.status()
    assert 0.80 <= status.usage.share < 0.81
    plan = backup.plan()
    backup.agree()
    report = backup.run().wait(60)
    left = {path.relative_to(root).as_posix() for path in root.rglob("[0-9]*") if path.is_file()}
    moved = [name for name, _ in files if name not in left]
    # The oldest, in order, none left out, and what the dry run said.
    assert moved == [name for name, _ in files[: len(moved)]]
    assert [info.text for _, info in plan.files] == moved
    # Enough, and with the last one back it would not be.
    used = sum(size for _, size in files[len(moved) :])
    assert used <= 0.25 * limit < used + files[len(moved) - 1][1]
    assert report.verdict == "done"
    assert (report.after.used, report.files) == (used, len(moved))
    for name in moved:
        assert (tmp_path / "laptop/car/root" / name).is_file()
    assert backup.run().wait(60).verdict == "idle"


def test_below_the_mark_nothing_moves(
    root: Path, tmp_path: Path, share: Callable[[int], RemoteGateway]
) -> None:
    write(root, "old", 75, age=30 * DAYS)
    backup = Backup(share(100 * BLOCK + 1), "root", tmp_path / "laptop", POLICY, own_process=False)
    backup.agree()
    assert backup.run().wait(60).verdict == "idle"
    assert (root / "old").exists()


def test_what_others_write_meanwhile_is_seen_by_the_next_look(
    root: Path, tree: Tree, counted_always: None
) -> None:
    write(root, "a", 30)
    assert tree.usage().share == 0.30
    write(root, "b", 50)
    assert tree.usage().share == 0.80
    found = [thing for thing in tree.scan(Selection.parse("")) if isinstance(thing, FileInfo)]
    assert [info.name for info in found] == [b"a", b"b"]
