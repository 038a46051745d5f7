"""Stores of all kinds, and a device and a laptop that use one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fsspec", reason="there is no fsspec here")

import fsspec.config
from fsspec.asyn import get_loop

from tests.pynet.backup.failures.bench import Bench, Made, tree_of
from tests.pynet.backup.failures.conftest import benches, disks, zygote
from tests.pynet.backup.store import servers
from tests.pynet.backup.store.servers import Server

__all__ = ["benches", "disks", "zygote"]


class StoreBench(Bench):
    """As :class:`Bench`; the laptop has a store, which is a folder of this machine underneath."""

    store: Path

    def check_over(self, report: dict[str, Any]) -> None:
        self.check()
        there = tree_of(self.root)
        entries = self.entries()
        assert entries.keys() | there.keys() == self.originals.keys()
        assert not entries.keys() & there.keys()
        for name, entry in entries.items():
            stored = (self.store / entry.final_name.decode()).read_bytes()
            assert stored == self.originals[name], name
            assert entry.store == f"faulty://{self.store}"
            assert entry.outcome in ("removed", "gone"), entry
        # Nothing is there twice, nothing is half there, and the spool is empty.
        assert len(tree_of(self.store)) == len(entries)
        assert os.listdir(self.store) == ["car"]
        assert set(os.listdir(self.destination)) == {".pynet-backup"}
        self.check_tidy()
        if self.whole:
            assert report["verdict"] in ("done", "idle"), report


@pytest.fixture
def bench(benches: Made) -> StoreBench:
    bench = benches(kind=StoreBench)
    assert isinstance(bench, StoreBench)
    bench.store = bench.place / "store"
    bench.copies = bench.store / "car" / "rec"
    bench.options = {"store": f"faulty://{bench.store}"}
    bench.fill()
    return bench


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | str]:
    if servers.SSHD is None or find_spec("paramiko") is None:
        yield "needs paramiko and sshd: apt-get install openssh-server"
        return
    with servers.sftp(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server | str]:
    if find_spec("s3fs") is None or find_spec("moto") is None:
        yield "needs s3fs and moto[server]"
        return
    get_loop()  # a thread, and its descriptors, that stay
    with servers.s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["sftp", "s3"])
def server(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sftp_server: Server | str,
    s3_server: Server | str,
) -> Server:
    """Each of them, with a folder of the test's own."""
    found = sftp_server if request.param == "sftp" else s3_server
    if isinstance(found, str):
        pytest.skip(found)
    for name, value in found.environ.items():
        monkeypatch.setenv(name, value)
    conf: dict[str, Any] = {}
    fsspec.config.set_conf_env(conf)
    for name, value in conf.items():
        monkeypatch.setitem(fsspec.config.conf, name, value)
    return Server(f"{found.url}/{tmp_path.name}", found.environ)
