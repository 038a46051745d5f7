"""A machine's identity: made once, for its owner's eyes, with a name that can be read out."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import ConfigurationError
from pynet.trust.identity import (
    KEY_FILE,
    LETTERS,
    Identity,
    check_character,
    device_id,
    load_identity,
    read_device_id,
)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return load_identity(tmp_path_factory.mktemp("config"), "desk")


def test_it_is_made_once(tmp_path: Path) -> None:
    first = load_identity(tmp_path / "new" / "folder")
    assert load_identity(tmp_path / "new" / "folder") == first
    assert load_identity(tmp_path / "another").id != first.id
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [KEY_FILE]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = load_identity(tmp_path).path
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_identity(tmp_path)


def test_two_programs_that_start_at_once_get_the_same(tmp_path: Path) -> None:
    ids: list[str] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        ids.append(load_identity(tmp_path).id)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"identity\.pem holds no key"):
        load_identity(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot be kept in"):
        load_identity(tmp_path / "file" / "folder")


def test_an_id_is_read_as_people_write_it(identity: Identity) -> None:
    shown = device_id(identity.certificate)
    assert len(shown.split("-")) == 8
    for written in (shown, shown.lower(), shown.replace("-", ""), f" {shown.replace('-', ' ')} "):
        assert read_device_id(written) == shown
    for wrong in ("", "ABC", shown[:-1], shown + "A", shown.replace("-", "!")):
        with pytest.raises(ConfigurationError, match="no device id"):
            read_device_id(wrong)


def test_each_wrong_character_is_noticed(identity: Identity) -> None:
    shown = identity.id
    for place, letter in enumerate(shown):
        if letter == "-":
            continue
        other = LETTERS[(LETTERS.index(letter) + 1) % 32]
        with pytest.raises(ConfigurationError):
            read_device_id(shown[:place] + other + shown[place + 1 :])


@given(st.text(LETTERS, min_size=13, max_size=13), st.integers(0, 12), st.sampled_from(LETTERS))
def test_the_check_character_changes_with_each_character(
    text: str, place: int, letter: str
) -> None:
    changed = text[:place] + letter + text[place + 1 :]
    assert (check_character(changed) == check_character(text)) == (changed == text)
