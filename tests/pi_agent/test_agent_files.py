"""What a car shares: as its file says, as its folders allow, and to whom."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pi_agent.agent import Agent
from pi_agent.cli import main
from pi_agent.config import (
    CameraConfig,
    Config,
    ConfigError,
    FilesConfig,
    GatewayConfig,
    PeerConfig,
    TrustConfig,
    load_config,
    show,
)
from pynet import Controller, RemoteGateway, Trust
from pynet.backup import Backup, Policy
from pynet.errors import Forbidden, NotShared
from pynet.trust import pair

CONFIG = Config(gateway=GatewayConfig(port=0), camera=CameraConfig(source="none"))

AWAY = "is no disk that is mounted; mount it there, or remove disk"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Trust:
    """Another machine."""
    return Trust(tmp_path / "desk")


def sharing(*files: FilesConfig) -> Config:
    return replace(CONFIG, files=files)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that may be read only, by whomever the tests run as."""
    folder = tmp_path / "ro"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o555)
        yield folder
        return
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


# ---- what the file says -----------------------------------------------------------------


def problems(folder: Path, text: str, *, look: bool = False) -> list[str]:
    file = folder / "car.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, look=look)
    return [problem.removeprefix(str(file)) for problem in caught.value.problems]


def test_folders_are_read_from_the_file_on_and_shown_again(tmp_path: Path) -> None:
    file = tmp_path / "car.toml"
    file.write_text(
        """
        [[files]]
        name = "a"
        path = "sub/folder"
        quota = "1.5 GiB"
        [files.backup]
        high = 0.5
        protect = ["keep/**"]
        [[files]]
        name = "b"
        path = "~/b"
        disk = "/"
        role = "driver"
        write = true
        backup = { keep_days = 2 }
        [[files]]
        name = "c"
        role = "viewer"
        quota = 2000000
        """
    )
    config = load_config(file)
    assert config.files == (
        FilesConfig(
            "a",
            str(tmp_path / "sub/folder"),
            quota=3 * 2**29,
            backup=Policy(high=0.5, protect=("keep/**",)),
        ),
        FilesConfig(
            "b", str(Path("~/b").expanduser()), True, "driver", None, "/", Policy(keep_days=2)
        ),
        FilesConfig("c", "auto", False, "viewer", 2_000_000),
    )
    file.write_text(show(config))
    assert load_config(file) == config


def test_a_car_may_share_nothing(tmp_path: Path) -> None:
    file = tmp_path / "car.toml"
    file.write_text("files = []\n")
    config = load_config(file)
    assert config.files == ()
    file.write_text(show(config))
    assert load_config(file) == config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'a/b'", ":2: [files.1] name = 'a/b' cannot be the name of a folder; use a word"),
        ("path = 'x'", ":1: [files.1] name is no text; write 1 to"),
        ("name = 'a'\nrole = 'boss'", ":3: [files.1] role = 'boss' is none of the kinds; use"),
        (
            "name = 'a'\nrole = 'viewer'\nwrite = true",
            ":4: [files.1] write = True would let everybody who may watch remove files; remove it,",
        ),
        (
            "name = 'a'\nquota = '8 apples'",
            ":3: [files.1] quota = '8 apples' is no size; write \"5",
        ),
        ("name = 'a'\nquota = true", ':3: [files.1] quota = True is no size; write "500 MB"'),
        (
            "name = 'a'\nquota = '12 kB'",
            ':3: [files.1] quota = \'12 kB\' is too little; use "1 MB" to "1000 TB".',
        ),
        ("name = 'a'\npath = '~nobody-here/x'", ":3: [files.1] path = '~nobody-here/x' is in the"),
        (
            "name = 'a'\nbackup = 3",
            ":3: [files.1] backup = 3 must be a table; write [files.backup]",
        ),
        (
            "name = 'a'\n[files.backup]\nhigh = 75",
            ":4: [files.1.backup] high = 75 cannot be; high = 75 must be from 0.01 to 1;",
        ),
        (
            "name = 'a'\n[files.backup]\nhigh = 0.2\nlow = 0.3",
            ":5: [files.1.backup] low = 0.3 cannot be; low = 0.3 must be below high = 0.2;",
        ),
        (
            "name = 'a'\nbackup = { kep_newest = 3 }",
            ":3: [files.1.backup] kep_newest = 3 is not known here; write keep_newest if you",
        ),
        (
            "name = 'a'\n[[files]]\nname = 'a'",
            ":4: [files.2] name = 'a' is taken by another folder; give each its own.",
        ),
        (
            "name = 'a'\npath = 'x'\n[[files]]\nname = 'b'\npath = 'y/../x'",
            ":6: [files.2] path = 'y/../x' is shared as 'a' already; share it once.",
        ),
        (
            "name = 'a'\npath = 'x'\n[[files]]\nname = 'b'\npath = 'x/y'",
            ":6: [files.2] path = 'x/y' lies inside ",
        ),
        (
            "name = 'a'\npath = 'x'\n[[files]]\nname = 'b'\npath = '.'",
            ":6: [files.2] path = '.' holds ",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(tmp_path, f"[[files]]\n{text}\n")
    assert problem.startswith(expected)


def test_the_first_of_two_folders_keeps_its_lines(tmp_path: Path) -> None:
    text = "[[files]]\nname = 'a'\n[files.backup]\nhigh = 3\n"
    text += "[[files]]\nname = 'b'\n[files.backup]\nhigh = 4\n"
    first, second = problems(tmp_path, text)
    assert first.startswith(":4: [files.1.backup] high = 3")
    assert second.startswith(":8: [files.2.backup] high = 4")


# ---- what is there ----------------------------------------------------------------------


def test_check_tells_which_folders_cannot_be_used(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / "car.toml"
    file.write_text(
        f"""
[[files]]
name = "a"
path = "nowhere"
[[files]]
name = "b"
path = "file"
[[files]]
name = "c"
path = "root"
disk = "{root}"
[[files]]
name = "d"
path = "{root.parent}/desk"
disk = "/proc"
"""
    )
    (tmp_path / "desk").mkdir()
    assert main(["check", "--config", str(file)]) == 2
    told = [line.removeprefix(str(file)) for line in capsys.readouterr().err.splitlines()]
    desk, nowhere = tmp_path / "desk", tmp_path / "nowhere"
    disk = repr(str(root))
    disk = disk if len(disk) <= 60 else f"{disk[:57]}..."  # as all long values are shown
    assert told == [
        f":4: [files.1] path = 'nowhere' is not there; make the folder: mkdir -p {nowhere}.",
        ":7: [files.2] path = 'file' is no folder; write the folder that it lies in.",
        f":11: [files.3] disk = {disk} {AWAY}.",
        f":15: [files.4] disk = '/proc' is another disk than that of {desk}; correct disk or path.",
    ]
    assert len(load_config(file).files) == 4, "the car drives all the same"


def test_a_folder_that_cannot_be_written(tmp_path: Path, read_only: Path) -> None:
    text = "[[files]]\nname = 'a'\npath = 'ro'\n"
    (problem,) = problems(tmp_path, text, look=True)
    assert problem == (
        ":3: [files.1] path = 'ro' cannot be written by this user; "
        f"sudo chown $USER {read_only}, or use write = false."
    )
    file = tmp_path / "car.toml"
    file.write_text(text + "write = false\n")
    load_config(file, look=True)


def test_the_private_key_is_not_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYNET_CONFIG", str(tmp_path / "deep/down"))
    (problem,) = problems(tmp_path, "[[files]]\nname = 'a'\npath = '.'\n", look=True)
    assert "holds this machine's private key; share a folder of its own." in problem


# ---- what is shared ---------------------------------------------------------------------


def roots(car: RemoteGateway) -> dict[str, bool]:
    return {row["name"]: row["write"] for row in car.files.roots()}


def test_a_car_shares_recordings(tmp_path: Path) -> None:
    with Agent(CONFIG) as agent, Controller(name="laptop") as controller:
        car = controller.connect(agent.address, timeout=10)
        assert roots(car) == {"recordings": True}
        (tmp_path / "a").write_bytes(b"x" * 100_000)
        car.files.put(tmp_path / "a", "recordings/b", own_process=False).wait(30)
        here = CONFIG.files[0].folder / "b/a"
        assert here.stat().st_size == 100_000
        here.unlink()
        assert car.call("backup_policy", "recordings") == {}


def test_each_sees_what_is_for_it(root: Path, desk: Trust) -> None:
    for name in "vdo":
        (root / name).mkdir()
        (root / name / "file").touch()
    policy = Policy(high=0.6, keep_newest=2)
    config = sharing(
        FilesConfig("v", str(root / "v"), False, "viewer", backup=policy),
        FilesConfig("d", str(root / "d"), True, "driver"),
        FilesConfig("o", str(root / "o"), backup=policy),
    )
    trusted = TrustConfig(peer=(PeerConfig("Anna", desk.identity.id, "driver"),))
    with Agent(replace(config, trust=trusted)) as agent:
        pair("127.0.0.1", agent.port, None, trust=desk)
        with Controller(trust=desk) as controller:
            car = controller.connect(agent.address, timeout=10)
            assert roots(car) == {"v": False, "d": True}
            assert Policy.from_dict(car.call("backup_policy", "v")) == policy
            assert car.call("backup_policy", "d") == {}
            with pytest.raises(NotShared, match="nothing shared as 'o'; there is v, d"):
                car.call("backup_policy", "o")
            with pytest.raises(NotShared, match="'o'"):
                car.files.look("o")
            with pytest.raises(Forbidden, match="reading only"):
                car.files.put(root / "d", "v", own_process=False).wait(30)
        with Controller(name="laptop") as controller:
            assert roots(controller.connect(agent.address, timeout=10)).keys() == {"v", "d", "o"}


def test_what_cannot_be_shared_does_not_keep_the_car_from_driving(
    tmp_path: Path, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = sharing(
        FilesConfig("gone", str(tmp_path / "gone")),
        FilesConfig("stick", str(root), disk=str(root)),
        FilesConfig("good", str(root), quota=2_000_000),
    )
    caplog.set_level(logging.INFO, "pi_agent")
    with Agent(config) as agent, Controller(name="laptop") as controller:
        car = controller.connect(agent.address, timeout=10)
        assert roots(car) == {"good": True}
        assert car.files.usage("good").capacity == 2_000_000
        assert car.call("describe").name == "Rover-1"
    told = [one.getMessage() for one in caplog.records if one.name == "pi_agent.agent"]
    gone = tmp_path / "gone"
    assert told[:3] == [
        f"gone is not shared: {gone} is not there; make the folder: mkdir -p {gone}",
        f"stick is not shared: {root} {AWAY}",
        f"shares good: {root}, for owner",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="counts what this system allocates")
def test_a_full_folder_is_emptied_as_the_car_suggests(root: Path, tmp_path: Path) -> None:
    for number in range(20):
        path = root / f"{number:02}.bin"
        path.write_bytes(os.urandom(81_920))
        os.utime(path, (1e9 + number, 1e9 + number))
    config = sharing(
        FilesConfig(
            "r", str(root), quota=2_000_000, backup=Policy(low=0.5, floor_bytes=0, floor_share=0.0)
        )
    )
    with Agent(config) as agent, Controller(name="laptop") as controller:
        car = controller.connect(agent.address, timeout=10)
        policy = Policy.from_dict(car.call("backup_policy", "r"))
        backup = Backup(car, "r", tmp_path / "laptop", policy, own_process=False)
        backup.agree()
        report = backup.run().wait(60)
    assert (report.verdict, report.files) == ("done", 8)
    assert sorted(path.name for path in root.glob("*.bin"))[0] == "08.bin"
