"""The file that Avahi reads, in a folder of the test's; whether Avahi runs tells a socket."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pynet.discovery import Announcement, avahi
from pynet.discovery.record import Record

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Avahi is there on Linux only"
)

RECORD = Record('Köhler\'s "<Auto>" & Söhne', 1857, "ABCDEFG", "1.2.3")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    """A socket that somebody listens on, as a running Avahi does."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    return folder


def test_the_file_says_what_avahi_wants_to_know(folder: Path) -> None:
    file = avahi.ServiceFile(RECORD, folder)
    assert [path.name for path in folder.iterdir()] == ["pynet-1857.service"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o644
    root = ET.parse(file.path).getroot()
    assert root.findtext("name") == RECORD.label
    assert root.findtext("service/type") == "_pynet._tcp"
    assert root.findtext("service/port") == "1857"
    texts = [entry.text for entry in root.findall("service/txt-record")]
    assert texts == [f"name={RECORD.name}", "id=ABCDEFG", "version=1.2.3"]
    file.remove()
    assert not list(folder.iterdir())
    file.remove()


def test_what_a_killed_program_left_is_replaced(folder: Path) -> None:
    avahi.ServiceFile(Record("the old one", 1857), folder)
    file = avahi.ServiceFile(RECORD, folder)
    assert len(list(folder.iterdir())) == 1
    assert "the old one" not in file.path.read_text(encoding="utf-8")


def test_the_file_of_the_next_program_stays(folder: Path) -> None:
    file = avahi.ServiceFile(RECORD, folder)
    avahi.ServiceFile(Record("the next one", 1857), folder)
    file.remove()
    assert "the next one" in file.path.read_text(encoding="utf-8")


def test_avahi_must_run_and_its_folder_be_ours(tmp_path: Path, folder: Path, daemon: Path) -> None:
    assert avahi.can_announce(folder, daemon)
    assert not avahi.can_announce(tmp_path / "no folder", daemon)
    assert not avahi.can_announce(folder, tmp_path / "no socket")
    left_behind = tmp_path / "left behind"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left_behind))
    assert not avahi.can_announce(folder, left_behind)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_folder_that_we_may_not_write(folder: Path, daemon: Path) -> None:
    folder.chmod(0o555)
    assert not avahi.can_announce(folder, daemon)


def test_an_announcement_leaves_it_to_avahi(
    folder: Path, daemon: Path, until: Callable[..., None]
) -> None:
    with Announcement("car", 1857, "ABCDEFG", folder=folder, daemon=daemon) as announcement:
        until(lambda: announcement.way == "avahi")
        assert (folder / "pynet-1857.service").exists()
        assert not announcement.problem
    assert not list(folder.iterdir())
    assert not announcement.way
    announcement.close()
