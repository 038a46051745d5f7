"""Backups into real servers: files go there, come back, and names that are taken stay taken."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.core import url_to_fs

from pynet.backup import Backup, Policy
from pynet.backup.address import read_address
from pynet.backup.service import ALGORITHM
from pynet.backup.store import Store
from pynet.cli import main
from pynet.errors import Cancelled, ConfigurationError, Damaged, FilesError
from pynet.files.hashing import LEAF, hasher, leaf_count, leaf_size, root_digest
from tests.pynet.backup.conftest import EASY, MIB, Scene, ran
from tests.pynet.backup.store.servers import Server

ODD = {b"a": 1, b"empty": 0, b"day/b [1]*?.bin": LEAF, "grün/ü".encode(): LEAF + 1,
       b"\xff\xfe": 7, b"100% #1 a b+c&d=e": 300_000}  # fmt: skip


def backup_of(scene: Scene, url: str, **more: Any) -> Backup:
    backup = Backup(scene.car, "rec", scene.home, Policy(**EASY, low=0.6), store=url, **more)
    backup.agree()
    return backup


def stored(url: str) -> dict[str, bytes]:
    """What is in a store."""
    filesystem, top = url_to_fs(url, skip_instance_cache=True)
    try:
        return {path.removeprefix(top.rstrip("/") + "/"): filesystem.cat_file(path)
                for path in filesystem.find(top)}  # fmt: skip
    finally:
        if hasattr(filesystem, "client"):
            filesystem.client.close()


def root_of(content: bytes) -> bytes:
    digest = hasher(ALGORITHM)
    size = len(content)
    leaves = [
        digest(content[n * LEAF : n * LEAF + leaf_size(size, n)]) for n in range(leaf_count(size))
    ]
    return root_digest(ALGORITHM, size, leaves)


def test_files_go_into_a_store_and_come_back(scene: Scene, server: Server) -> None:
    own_process = server.url.startswith("s3")
    names = scene.fill(25)
    backup = backup_of(scene, server.url, own_process=own_process)
    assert backup.where == f"{server.url}/rover/rec"
    assert [shown.name.decode() for _, shown in backup.plan().files] == names[:6]
    report = ran(backup.run())
    assert (report.verdict, report.files, report.kept) == ("done", 6, ())
    assert scene.there() == names[6:]
    assert stored(server.url) == {f"rover/rec/{name}": scene.content[name] for name in names[:6]}
    assert os.listdir(scene.home) == [".pynet-backup"]
    (job,) = backup.history()
    assert {entry.store for entry in job.entries.values()} == {server.url}
    assert job.manifest()["files"][0]["store"] == server.url

    # The ledger knows where they are, whoever asks.
    again = Backup(scene.car, "rec", scene.home, Policy(**EASY), own_process=own_process)
    back = again.restore(names[3]).wait(30)
    assert (back.files, back.problems) == (1, ())
    assert (scene.disk / names[3]).read_bytes() == scene.content[names[3]]
    entry = job.entries[names[3].encode()]
    assert (scene.disk / names[3]).stat().st_mtime_ns == entry.mtime_ns
    assert os.listdir(scene.home) == [".pynet-backup"]


def test_what_a_store_has_lost_or_spoilt_is_not_put_back(scene: Scene, server: Server) -> None:
    names = scene.fill(25)
    backup = backup_of(scene, server.url, own_process=False)
    ran(backup.run())
    filesystem, top = url_to_fs(server.url, skip_instance_cache=True)
    filesystem.rm_file(f"{top}/rover/rec/{names[0]}")
    filesystem.pipe_file(f"{top}/rover/rec/{names[1]}", bytes(MIB))
    if hasattr(filesystem, "client"):
        filesystem.client.close()
    report = backup.restore("day").wait(30)
    problems = {problem.name.decode(): problem.code for problem in report.problems}
    assert problems == {names[0]: "vanished", names[1]: "damaged"}
    assert scene.there() == names[2:]


def test_files_of_all_kinds(tmp_path: Path, server: Server) -> None:
    source = tmp_path / "source"
    contents = {name: os.urandom(size) for name, size in ODD.items()}
    keys: dict[bytes, bytes] = {}
    store = Store(server.url, ALGORITHM, tmp_path)
    try:
        store.make_room(contents)
        for name, content in contents.items():
            source.write_bytes(content)
            for _ in range(2):  # what is there counts as there
                key = store.put(source, name, len(content), root_of(content))
                assert keys.setdefault(name, key) == key
        # Another content of the same name is another file.
        source.write_bytes(b"b")
        assert store.put(source, b"a", 1, root_of(b"b")) == b"a (2)"
        assert store.put(source, b"a", 1, root_of(b"b")) == b"a (2)"
        # What is written is not what was to be.
        with pytest.raises(Damaged):
            store.put(source, b"c", 1, root_of(b"c"))
        store.check()
    finally:
        store.close()
    assert stored(server.url) == {"a (2)": b"b"} | {
        keys[name].decode(): content for name, content in contents.items()
    }


def test_the_command_line(scene: Scene, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    names = scene.fill(25)
    host = (scene.gateway.address, "rec", "--to", str(scene.home))
    url = server.url
    assert main(["backup", "plan", *host, "--floor=0B", "--low=60", "--store", url]) == 0
    assert f"to {url}/rover/rec\n" in capsys.readouterr().out
    assert main(["backup", "run", *host, "--floor=0B", "--low=60", "--yes", "--store", url]) == 0
    capsys.readouterr()
    assert main(["backup", "history", "--to", str(scene.home)]) in (0, None)
    out = capsys.readouterr().out
    assert f"{url}/rover/rec" in out
    assert main(["backup", "history", out.split("\n")[1].split()[0], "--to", str(scene.home)]) == 0
    assert f"{url}/rover/rec/{names[0]}" in capsys.readouterr().out
    assert main(["backup", "restore", *host, names[0]]) == 0
    assert scene.there() == [names[0], *names[6:]]


# ---- what cannot be ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("folder", "is no store: write s3://"),
        ("simplecache::s3://a/b", "is no store"),
        ("memory://a", "keeps nothing"),
        ("https://a/b", "keeps nothing"),
        ("s3://a/b?key=secret", "fsspec's own files"),
    ],
)
def test_what_is_no_store(scene: Scene, url: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as error:
        Backup(scene.car, "rec", scene.home, store=url)
    assert "secret" not in str(error.value)


def test_a_store_that_cannot_be_reached_is_told_before_anything_moves(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = scene.fill()
    backup = backup_of(scene, "sftp://me:secret@127.0.0.1:1/folder", own_process=False)
    with pytest.raises(
        FilesError, match=r"the store sftp://me@127\.0\.0\.1:1/folder cannot"
    ) as error:
        backup.plan()
    with pytest.raises(FilesError, match="cannot be used"):
        backup.run().wait(30)
    assert "secret" not in str(error.value)
    assert scene.there() == names
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pynet-rc\[store\]'"):
        backup.plan()


def test_libraries_that_are_missing_are_named(scene: Scene) -> None:
    with pytest.raises(ConfigurationError, match=r"dropboxdrivefs.*needs a library for dropbox"):
        backup_of(scene, "dropbox://a/b").plan()
    with pytest.raises(ConfigurationError, match="knows no stores of the kind nonsense"):
        backup_of(scene, "nonsense://a/b").plan()


def test_passwords_are_not_written_down() -> None:
    address = read_address("sftp://me:se@cret@host:22/a:b@c/")
    assert (address.text, address.password) == ("sftp://me@host:22/a:b@c", "se@cret")
    assert "cret" not in repr(address)
    assert read_address("s3://bucket").text == "s3://bucket"


def test_a_move_takes_on_no_more_than_fits_on_the_way(
    scene: Scene, tmpfs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pynet.files.tree import Tree
    from tests.pynet.backup.store import faulty

    faulty.register()
    scene.home = tmpfs(6 * MIB)
    names = scene.fill()
    backup = backup_of(scene, f"faulty://{tmp_path}/store", own_process=False)
    least = []
    remove = Tree.remove

    def removed(self: Tree, name: bytes) -> None:
        least.append(self.usage().available)
        remove(self, name)

    monkeypatch.setattr(Tree, "remove", removed)
    report = ran(backup.run())
    assert (report.verdict, report.files) == ("done", 7)
    assert min(least) > 2 * MIB
    assert scene.there() == names[7:]


def test_a_store_that_is_the_root_itself_counts_for_nothing(scene: Scene, tmp_path: Path) -> None:
    """By another way to the same files, such as SFTP to the device."""
    from tests.pynet.backup.store import faulty

    faulty.register()
    names = scene.fill()
    (tmp_path / "store/rover").mkdir(parents=True)
    (tmp_path / "store/rover/rec").symlink_to(scene.disk)
    report = ran(backup_of(scene, f"faulty://{tmp_path}/store", own_process=False).run())
    assert (report.verdict, report.files) == ("exhausted", 0)
    assert scene.there() == names


def test_what_was_stopped_ends(tmp_path: Path) -> None:
    from tests.pynet.backup.store import faulty

    faulty.register()
    source = tmp_path / "source"
    source.write_bytes(b"a")
    store = Store(f"faulty://{tmp_path}/store", ALGORITHM, tmp_path)
    try:
        store.make_room([b"a"])
        store.stop()
        with pytest.raises(Cancelled):
            store.each(lambda name: store.put(source, name, 1, root_of(b"a")), [b"a", b"b"])
    finally:
        store.close()
    assert not (tmp_path / "store/a").exists()


def test_a_store_inside_the_root_is_left_alone(scene: Scene) -> None:
    from tests.pynet.backup.store import faulty

    faulty.register()
    scene.fill()
    backup = backup_of(scene, f"faulty://{scene.disk}/store", own_process=False)
    copy = scene.write("store/rover/rec/old", age=200_000)
    plan = backup.plan()
    assert "store/rover/rec/old" not in {info.name.decode() for _, info in plan.files}
    assert ("store/rover/rec/old", "same") in {(o.name.decode(), o.code) for o in plan.skipped}
    assert copy.exists()
    assert [path.name for path in copy.parent.iterdir()] == ["old"]
