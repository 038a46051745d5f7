"""docs/car.md must stay true: its keys, its sample and its programs."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pi_agent.agent import Agent
from pi_agent.config import CameraConfig, Config, FilesConfig, GatewayConfig, load_config, show
from pi_agent.sim.track import load_track
from pynet.backup import Policy

PAGE = Path(__file__).parents[2] / "docs" / "car.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def test_every_key_of_the_configuration_is_explained(page: str) -> None:
    keys = re.findall(r"^(\w+) = ", show(Config()), flags=re.MULTILINE)
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_every_key_of_shared_folders_is_explained(page: str) -> None:
    keys = [entry.name for cls in (FilesConfig, Policy) for entry in fields(cls)]
    keys.remove("backup")
    assert [key for key in keys if f"`{key}`" not in page] == []
    assert "`[files.backup]`" in page


def test_the_shared_folders_of_the_page_can_be_read(page: str, tmp_path: Path) -> None:
    (text,) = [block for block in blocks(page, "toml") if "[[files]]" in block]
    file = tmp_path / "car.toml"
    file.write_text(text, encoding="utf-8")
    recordings, music = load_config(file).files
    assert recordings.quota == 8 * 10**9
    assert recordings.backup == Policy(keep_newest=3, groups=("tub-*",))
    assert (recordings.write, music.write, music.role) == (True, False, "viewer")


def test_the_track_of_the_page_can_be_driven(page: str, tmp_path: Path) -> None:
    (text,) = [block for block in blocks(page, "toml") if "points" in block]
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    track = load_track(str(file))
    assert track.length > 20
    assert len(track.objects) == 3


def test_the_first_program_drives(page: str) -> None:
    (program,) = [block for block in blocks(page, "python") if "controller.connect" in block]
    config = Config(gateway=GatewayConfig(port=0), camera=CameraConfig(source="none"))
    with Agent(config) as agent:
        program = program.replace("127.0.0.1:1857", agent.address)
        exec(compile(program, "docs/car.md", "exec"), {})
        assert agent.status().distance > 0.5


def test_the_program_without_a_network_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block for block in blocks(page, "python") if "world.step" in block]
    names: dict[str, Any] = {}
    exec(compile(program, "docs/car.md", "exec"), names)
    x, speed, off_road = capsys.readouterr().out.split()
    assert float(x) > 0.5
    assert float(speed) > 0.5
    assert off_road == "False"
