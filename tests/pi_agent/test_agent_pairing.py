"""A car that runs is paired with, and thrown out of, from other processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import AuthenticationError, Controller, Role, Trust
from pynet.trust import pair

ROOT = Path(__file__).parents[2]


def pi_agent(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pi_agent", *words],
        env=os.environ | {"PYNET_CONFIG": str(folder), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def running(folder: Path, file: Path) -> Iterator[int]:
    """A simulated car as a process; its port."""
    with pi_agent(folder, "--sim", "--config", str(file), "--camera", "none") as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("pi-agent ready on "), process.communicate()[1]
            yield int(line.rpartition(":")[2])
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def desk(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "desk")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_running_car_is_paired_with_by_a_code(tmp_path: Path, desk: Trust) -> None:
    shown = tmp_path / "shown"
    file = tmp_path / "car.toml"
    program = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    command = json.dumps([sys.executable, "-c", program, str(shown)])
    file.write_text(
        f'name = "Bee"\n[gateway]\nport = {free_port()}\n[trust]\ncode_command = {command}\n'
    )
    folder = tmp_path / "car"
    with running(folder, file) as port:
        with pytest.raises(AuthenticationError), Controller(trust=desk) as controller:
            controller.connect(("127.0.0.1", port))
        with pi_agent(folder, "pair", "--config", str(file), "--json") as window:
            assert window.stdout is not None
            said = json.loads(window.stdout.readline())
            # Pairing ends the program that shows the code, which may not have begun yet.
            until(lambda: shown.exists() and said["code"] in shown.read_text())
            peer = pair("127.0.0.1", port, said["code"], trust=desk)
            assert (peer.name, peer.granted) == ("Bee", Role.DRIVER)
            _, err = window.communicate(timeout=50)
            assert window.returncode == 0, err
        with Controller(trust=desk) as controller:
            assert controller.connect(("127.0.0.1", port)).name == "Bee"
    # The car's own program has shown it, and only that one.
    assert sorted(shown.read_text().splitlines()) == ["", said["code"]]


def test_a_laptop_whose_id_is_in_the_cars_file_needs_no_code(tmp_path: Path, desk: Trust) -> None:
    file = tmp_path / "car.toml"
    text = f'[gateway]\nport = 0\n[[trust.peer]]\nname = "Anna"\nid = "{desk.identity.id}"\n'
    folder = tmp_path / "car"
    file.write_text(text)
    with running(folder, file) as port:
        assert pair("127.0.0.1", port, None, trust=desk).granted is Role.DRIVER
        with Controller(trust=desk) as controller:
            assert controller.connect(("127.0.0.1", port)).ping() > 0
    file.write_text("[gateway]\nport = 0\n")
    with (
        running(folder, file) as port,
        Controller(trust=desk) as controller,
        pytest.raises(AuthenticationError, match="not in the settings"),
    ):
        controller.connect(("127.0.0.1", port))
