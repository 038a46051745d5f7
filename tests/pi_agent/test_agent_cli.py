from __future__ import annotations

from pathlib import Path

import pytest

from pi_agent import __version__
from pi_agent.cli import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pi-agent {__version__}\n"


def test_check_prints_the_resolved_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "car.toml"
    file.write_text('name = "Bee"\n', encoding="utf-8")
    assert main(["check", "--config", str(file), "--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith('name = "Bee"\n')
    assert "port = 0\n" in out
    assert "command_timeout = 0.25\n" in out
    assert err == "The configuration is good.\n"


def test_check_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "car.toml"
    file.write_text("[failsafe]\ncommand_timeout = 2\n", encoding="utf-8")
    assert main(["check", "--config", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{file}:2: [failsafe] command_timeout = 2 is above 0.5; use 0.15 to 0.5 s." in err


def test_without_a_car_it_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Say --sim for a simulated car" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--sim", f"--port={port}"])
    assert ended.value.code == 2
    assert "use 0 to 65535" in capsys.readouterr().err


def test_a_camera_that_is_not_there_ends_the_agent_with_a_sentence(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--sim", "--port", "0", "--camera", "/no/such/video.mp4"]) == 1
    assert "There is no camera or video at '/no/such/video.mp4'" in caplog.text
    assert capsys.readouterr().out == ""


def test_plain_tcp_beyond_this_machine_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "car.toml"
    file.write_text('[gateway]\nhost = "0.0.0.0"\ninsecure = true\n', encoding="utf-8")
    assert main(["--sim", "--config", str(file)]) == 2
    captured = capsys.readouterr()
    assert "anybody in the network" in captured.err
    assert captured.out == ""


def test_pairing_for_a_car_whose_file_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "car.toml"
    file.write_text("[gateway]\nport = -1\n", encoding="utf-8")
    assert main(["pair", "--config", str(file)]) == 2
    assert "port = -1 is below 0" in capsys.readouterr().err


def test_id_and_peers_are_those_of_pynet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["id"]) == 0
    assert capsys.readouterr().out.startswith("id      ")
    with pytest.raises(SystemExit):
        main(["peers", "rename"])
    assert capsys.readouterr().err.startswith("usage: pi-agent peers rename")
