"""What may be shared, and who sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pynet import Gateway
from pynet.errors import ConfigurationError, Forbidden, NotShared
from pynet.files.shares import Share, Shares
from pynet.trust.peers import Role


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".x", "a/b", "a\\b", "a\0", "a\n", " a", "a ", "a*", "c:", "x" * 65]
)
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="name of a share"):
        Share.of(name, tmp_path)


@pytest.mark.parametrize("name", ["a", "recordings", "SD card", "Fahrten über Land", "x" * 64])
def test_names_that_can(name: str, tmp_path: Path) -> None:
    share = Share.of(name, str(tmp_path), True, "viewer")
    assert share == Share(name, tmp_path.resolve(), True, Role.VIEWER)
    assert Share.unpack(share.pack()) == share


def test_only_folders_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(ConfigurationError, match="no such folder"):
            Share.of("a", path)
    with pytest.raises(ConfigurationError, match="role"):
        Share.of("a", tmp_path, role="everybody")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    assert Share.of("a", tmp_path / "link").path == tmp_path.resolve()


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "a\udcff"
    folder.mkdir()
    share = Share.of("a", folder)
    assert Share.unpack(share.pack()) == share


def test_who_sees_what(tmp_path: Path) -> None:
    shares = Shares()
    assert not len(shares)
    for name, role in (("o", "owner"), ("v", "viewer"), ("d", "driver")):
        shares.add(Share.of(name, tmp_path, name == "d", role))
    with pytest.raises(ConfigurationError, match="already"):
        shares.add(Share.of("o", tmp_path))
    assert [share.name for share in shares.all()] == ["d", "o", "v"]
    assert [share.name for share in shares.visible(Role.NONE)] == []
    assert [share.name for share in shares.visible(Role.VIEWER)] == ["v"]
    assert [share.name for share in shares.visible(Role.DRIVER)] == ["d", "v"]
    assert shares.find("v", Role.VIEWER).name == "v"
    with pytest.raises(NotShared, match="'v'"):
        shares.find("o", Role.VIEWER)
    with pytest.raises(NotShared, match="nothing"):
        shares.find("o", Role.NONE)
    with pytest.raises(Forbidden, match="reading"):
        shares.find("v", Role.OWNER, write=True)
    assert shares.find("d", Role.DRIVER, write=True).write


def test_a_gateway_takes_no_nonsense(tmp_path: Path) -> None:
    gateway = Gateway(port=0, insecure=True)
    gateway.share("a", tmp_path)
    with pytest.raises(ConfigurationError, match="already"):
        gateway.share("a", tmp_path)
    with pytest.raises(ConfigurationError):
        gateway.share("b/c", tmp_path)
