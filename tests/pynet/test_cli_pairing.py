"""Becoming acquainted from a terminal: every side is a process with a config folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet import (
    ConfigurationError,
    ConnectError,
    ConnectionLost,
    Controller,
    Forbidden,
    Gateway,
    PairingError,
    Role,
    Trust,
)
from pynet.cli import main
from pynet.cli.signs import large, qr
from pynet.trust import pair
from pynet.trust.link import Link
from pynet.trust.ssh import pair_over_ssh
from pynet.trust.store import Placed

ROOT = Path(__file__).resolve().parents[2]

DEVICE = """
    import pynet

    gateway = pynet.Gateway(name="rover")


    @gateway.stream(policy="latest", role="viewer")
    def numbers():
        number = 0
        while True:
            yield number
            number += 1
            pynet.sleep(0.01)
"""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the ssh of this test is a script")


class Machine:
    """A config folder, and the commands that a person gives there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {"PYNET_CONFIG": str(folder), "PYTHONPATH": str(ROOT)}

    @property
    def trust(self) -> Trust:
        return Trust(self.folder)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pynet", *words],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"stdin": subprocess.DEVNULL, **more},
        )

    def run(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        with self.start(*words, stdin=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(typed, timeout=50)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def says(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def car(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "car")


@pytest.fixture
def desk(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "desk")


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def served(car: Machine, tmp_path: Path) -> Iterator[str]:
    """``pynet serve`` on the car, and its port."""
    (tmp_path / "device.py").write_text(textwrap.dedent(DEVICE))
    words = ("serve", "device.py", "--host", "127.0.0.1", "--port", "0")
    with ended(car.start(*words, cwd=tmp_path)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " listens on " in line, process.communicate()[1]
        yield line.split(" listens on ")[1].split()[0].rpartition(":")[2]


@contextlib.contextmanager
def window(car: Machine, port: str, *words: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """``pynet pair --serve`` as a process, and what it shows."""
    more = ("--listen", "127.0.0.1", "--port", port, "--json", *words)
    with ended(car.start("pair", "--serve", *more)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=50)
    return process.returncode, out, err


# ---- the whole way ------------------------------------------------------------------------


def test_from_empty_folders_to_a_name_that_just_works_and_out_again(
    car: Machine, desk: Machine, served: str
) -> None:
    refused = desk.run("ls", f"127.0.0.1:{served}")
    assert refused.returncode == 1
    assert "pair" in refused.stderr

    with window(car, served, "--role", "viewer") as (process, shown):
        assert (shown["name"], shown["role"], shown["state"]) == ("rover", "viewer", "open")
        assert shown["id"] == car.trust.identity.id
        told = desk.says("pair", shown["link"], "--name", "Anna")
        assert "rover is known now, and lets this machine in as viewer" in told
        assert shown["id"] in told
        status, out, err = outcome(process)
    assert status == 0, err
    assert json.loads(out)["peer"] == {"name": "Anna", "id": desk.trust.identity.id}
    assert "Anna is known now, as viewer" in err

    assert "numbers" in desk.says("ls", "rover")
    with ended(desk.start("watch", "rover", "numbers")) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline()
        assert "Anna is not known here any more" in car.says("peers", "revoke", "Anna")
        _, err = watching.communicate(timeout=50)
        assert watching.returncode == 1
        assert "does not know this machine" in err
    assert desk.run("ls", "rover").returncode == 1


def test_another_role_is_taken_at_once_by_what_runs(
    car: Machine, desk: Machine, served: str, until: Callable[..., None]
) -> None:
    with window(car, served, "--role", "owner") as (process, shown):
        desk.says("pair", f"127.0.0.1:{served}", "--code", shown["code"])
        assert outcome(process)[0] == 0
    with Controller(trust=desk.trust) as controller:
        gateway = controller.connect(f"127.0.0.1:{served}")
        assert gateway.ask("pairing")["state"] == "paired"
        car.says("peers", "role", desk.trust.identity.id[:10], "viewer")

        def forbidden() -> bool:
            with contextlib.suppress(ConnectionLost):  # once, when the change is seen
                try:
                    gateway.ask("pairing")
                except Forbidden:
                    return True
            return False

        until(forbidden)
        with pytest.raises(Forbidden, match="only an owner"):
            gateway.ask("open_pairing", "owner", 10)
        with pytest.raises(Forbidden, match="only an owner"):
            gateway.stop_gateway()


def test_a_person_types_the_code(car: Machine, desk: Machine, served: str) -> None:
    with window(car, served) as (process, shown):
        code = shown["code"]
        done = desk.run("pair", f"127.0.0.1:{served}", typed=f"{code[:4]} {code[4:]}\n")
        assert done.returncode == 0, done.stderr
        assert "Code that the other machine shows" in done.stderr
        assert outcome(process)[0] == 0


@posix_only
def test_a_person_at_a_terminal_may_try_again(car: Machine, desk: Machine, served: str) -> None:
    import pty

    keyboard, terminal = pty.openpty()
    with (
        window(car, served) as (process, shown),
        ended(desk.start("pair", f"127.0.0.1:{served}", stdin=terminal)) as asking,
    ):
        os.close(terminal)
        assert asking.stderr is not None
        wrong = f"{(int(shown['code']) + 1) % 10**8:08d}"
        os.write(keyboard, f"{wrong}\n".encode())
        assert "2 more" in asking.stderr.readline()
        os.write(keyboard, f"{shown['code']}\n".encode())
        assert outcome(asking)[0] == 0
        assert outcome(process)[0] == 0
    os.close(keyboard)


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_gives_up_leaves_no_window_open(
    car: Machine, served: str, number: signal.Signals
) -> None:
    with window(car, served) as (process, _):
        process.send_signal(number)
        assert outcome(process)[0] == 130
    with Controller(trust=car.trust) as controller:
        assert controller.connect(f"127.0.0.1:{served}").ask("pairing")["state"] == "closed"


def test_wrong_codes_end_the_command_and_then_the_window(
    car: Machine, desk: Machine, served: str
) -> None:
    with window(car, served) as (process, shown):
        wrong = f"{(int(shown['code']) + 1) % 10**8:08d}"
        for _ in range(3):
            done = desk.run("pair", f"127.0.0.1:{served}", "--code", wrong)
            assert done.returncode == 1
            assert "not the code that is shown" in done.stderr
        status, out, err = outcome(process)
    assert status == 1
    assert json.loads(out)["state"] == "struck"
    assert "three wrong codes" in err


def test_a_link_to_another_machine_is_noticed(car: Machine, desk: Machine, served: str) -> None:
    with window(car, served) as (_, shown):
        right = Link.read(shown["link"])
        wrong = Link(right.host, right.port, desk.trust.identity.id, right.code)
        done = desk.run("pair", str(wrong))
        assert done.returncode == 1
        assert "another machine answers there than should" in done.stderr
        desk.says("pair", str(right))


def test_without_a_gateway_it_opens_one_for_as_long_as_it_takes(
    car: Machine, desk: Machine
) -> None:
    with window(car, "0", "--name", "bare board") as (process, shown):
        assert shown["name"] == "bare board"
        assert "bare board is known now" in desk.says("pair", shown["link"])
        assert outcome(process)[0] == 0
    done = desk.run("pair", shown["link"])
    assert "nothing listens" in done.stderr


def test_a_window_that_nobody_uses_ends_with_a_failure(car: Machine) -> None:
    with window(car, "0", "--seconds", "0.3") as (process, _):
        status, out, err = outcome(process)
    assert status == 1
    assert json.loads(out) == {"state": "closed", "peer": None}
    assert "nobody has paired" in err


def test_a_second_window_takes_the_place_of_the_first(
    car: Machine, desk: Machine, served: str
) -> None:
    with window(car, served) as (_, first), window(car, served) as (_, second):
        assert first["code"] != second["code"]
        desk.says("pair", second["link"])


def test_the_gateway_of_somebody_else_is_left_alone(desk: Machine, served: str) -> None:
    done = desk.run("pair", "--serve", "--listen", "127.0.0.1", "--port", served)
    assert done.returncode == 1
    assert "does not take this for its own machine" in done.stderr
    assert "PYNET_CONFIG" in done.stderr


def test_a_program_of_the_persons_own_shows_the_code(
    car: Machine, desk: Machine, tmp_path: Path
) -> None:
    log = tmp_path / "shown"
    script = (
        "import os, sys; out = open(sys.argv[1], 'a');"
        "out.write(sys.argv[2] + '/' + os.environ['PYNET_CODE'] + chr(10))"
    )
    command = shlex.join([sys.executable, "-c", script, str(log)])
    with window(car, "0", "--code-command", command, "--role", "owner") as (process, shown):
        desk.says("pair", shown["link"])
        assert outcome(process)[0] == 0
    assert log.read_text().splitlines()[-1] == "/"
    assert set(log.read_text().splitlines()) <= {f"{shown['code']}/{shown['code']}", "/"}


def test_a_picture_of_the_code_for_people(car: Machine, desk: Machine) -> None:
    words = ("pair", "--serve", "--listen", "127.0.0.1", "--port", "0", "--seconds", "0.5")
    done = car.run(*words)
    code = done.stdout.split("code    ")[1][:9].replace(" ", "")
    assert large(code) in done.stdout
    assert "there   pynet pair 127.0.0.1:" in done.stdout
    assert "listens on this machine only" in done.stderr


def test_nothing_or_too_much_said(desk: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["pair"], ["pair", "rover", "--serve"]):
        assert main(words) == 1
        assert "say one of" in capsys.readouterr().err


def test_an_id_in_the_settings_and_a_name_that_is_paired_again(
    tmp_path: Path, desk: Machine
) -> None:
    placed = [Placed.of("Anna", desk.trust.identity.id, "viewer")]
    with Gateway(port=0, name="rover", trust=Trust(tmp_path / "car", placed=placed)) as gateway:
        gateway.batch(lambda: "toot", name="horn", role="viewer")
        told = desk.says("pair", gateway.address, "--by-id")
        assert "rover is known now, and lets this machine in as viewer" in told
        assert "compare the id" in told
        assert desk.says("call", "rover", "horn") == "toot\n"
        with gateway.open_pairing(Role.OWNER) as again:
            told = desk.says("pair", "rover", "--code", again.code)
        assert "as owner" in told


# ---- over ssh -----------------------------------------------------------------------------


@pytest.fixture
def ssh(car: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``ssh`` that is on this machine already: it runs what it is told as the car."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ssh"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/log\n'
        'if [ "$1" = -G ]; then echo "user pi"; echo "hostname 127.0.0.1"; exit; fi\n'
        'if [ "$1" = nobody@car ]; then echo "Permission denied (publickey)." >&2; exit 255; fi\n'
        'echo "Welcome to the car"\n'
        f"export PYNET_CONFIG={shlex.quote(str(car.folder))}\n"
        'exec sh -c "$2"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return folder


REMOTE = shlex.join([sys.executable, "-m", "pynet"])


@posix_only
def test_who_may_log_in_types_nothing(car: Machine, desk: Machine, served: str, ssh: Path) -> None:
    told = desk_with_ssh(desk, ssh).says(
        "pair", "--ssh", "pi@car", "--port", served, "--remote", REMOTE, "--role", "owner"
    )
    assert "rover is known now, and lets this machine in as owner" in told
    (known,) = car.trust.peers.all()
    assert (known.id, known.role) == (desk.trust.identity.id, Role.OWNER)
    assert "-G pi@car" in (ssh / "log").read_text()


def desk_with_ssh(desk: Machine, ssh: Path) -> Machine:
    desk.env["PATH"] = f"{ssh}{os.pathsep}{desk.env['PATH']}"
    return desk


@posix_only
def test_ssh_that_does_not_get_in_says_so(ssh: Path, desk: Machine) -> None:
    with pytest.raises(ConnectError, match="Permission denied"):
        pair_over_ssh("nobody@car", trust=desk.trust)


@posix_only
def test_a_machine_without_pynet_says_so(ssh: Path, desk: Machine) -> None:
    with pytest.raises(ConnectError, match="--remote"):
        pair_over_ssh("pi@car", trust=desk.trust, command="/nowhere/pynet")


@posix_only
def test_a_machine_that_stays_silent_is_given_up(ssh: Path, desk: Machine) -> None:
    with pytest.raises(ConnectError, match="no code came"):
        pair_over_ssh("pi@car", trust=desk.trust, command="exec sleep 60 #", timeout=0.5)


@posix_only
def test_another_release_over_there_says_so(ssh: Path, desk: Machine) -> None:
    with pytest.raises(PairingError, match="same release"):
        pair_over_ssh("pi@car", trust=desk.trust, command="echo '{}' #")


@pytest.mark.parametrize("target", ["", "-oProxyCommand=evil"])
def test_ssh_gets_no_options_from_a_name(target: str, desk: Machine) -> None:
    with pytest.raises(ConfigurationError, match="is no machine for ssh"):
        pair_over_ssh(target, trust=desk.trust)


# ---- the peers ----------------------------------------------------------------------------


@pytest.fixture
def acquainted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trust]:
    """This process is a desk that has paired with a Gateway called rover."""
    monkeypatch.setenv("PYNET_CONFIG", str(tmp_path / "here"))
    here = Trust()
    with Gateway(port=0, name="rover", trust=Trust(tmp_path / "there")) as gateway:
        gateway.batch(lambda: "toot", name="horn", role="viewer")
        with gateway.open_pairing(Role.DRIVER) as window:
            pair("127.0.0.1", gateway.port, window.code, trust=here, name="desk")
        yield here


def test_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYNET_CONFIG", str(tmp_path / "new"))
    assert main(["id", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"id": Trust().identity.id, "folder": str(tmp_path / "new")}
    assert main(["id", "--qr"]) == 0
    out = capsys.readouterr().out
    assert shown["id"] in out
    assert qr(shown["id"]) in out


def test_a_name_that_was_paired_is_an_address(
    acquainted: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "rover", "horn"]) == 0
    assert capsys.readouterr().out == "toot\n"


def test_peers_are_listed_renamed_and_revoked(
    acquainted: Trust, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["peers"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "MAY", "HERE", "WE", "MAY", "THERE", "SINCE", "ADDRESS", "ID"]
    assert row.split()[:3] == ["rover", "none", "driver"]
    assert main(["peers", "rename", "rover", "red car"]) == 0
    assert main(["peers", "role", "red car", "viewer"]) == 0
    capsys.readouterr()
    assert main(["peers", "list", "--json"]) == 0
    (peer,) = json.loads(capsys.readouterr().out)
    assert (peer["name"], peer["role"], peer["granted"]) == ("red car", "viewer", "driver")
    assert main(["peers", "revoke", peer["id"][:9].lower()]) == 0
    capsys.readouterr()
    assert main(["peers", "list"]) == 0
    assert "no other machine is known" in capsys.readouterr().err
    assert main(["peers", "revoke", "red car"]) == 1
    assert "no peer is called 'red car'" in capsys.readouterr().err


# ---- what is shown ------------------------------------------------------------------------


def test_large_digits_are_all_different_and_equally_wide() -> None:
    shapes = {tuple(line[:3] for line in large(f"{digit}" * 8).split("\n")) for digit in range(10)}
    assert len(shapes) == 10
    assert {len(line) for line in large("01234567").split("\n")} == {8 * 3 + 6 * 2 + 6}


def test_a_terminal_without_blocks_gets_plain_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert large("12345678") == "1234 5678"
    assert qr("anything") == ""


@pytest.mark.parametrize(
    "link",
    [
        Link("car.local", 1857),
        Link("192.168.1.20", 1858, code="00000001"),
        Link("fe80::1%eth0", 1857, code="12345678"),
    ],
)
def test_links_are_read_as_they_were_written(link: Link) -> None:
    assert Link.read(str(link)) == link


@pytest.mark.parametrize(
    "text",
    [
        "http://car.local:1857",
        "pynet://",
        "pynet://car.local",
        "pynet://car.local:99999",
        "pynet://car.local:1857?code=12",
        "pynet://car.local:1857?id=ABC",
        "pynet://[::1:1857",
        "pynet://a b:1857",
        "pynet://car:1857?&&",
    ],
)
def test_a_link_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Link.read(text)
