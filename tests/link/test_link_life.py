"""Links come and go: nothing is left of them, whichever way their owner ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.link import CAR, LAPTOP, Link, LinkError, system

pytestmark = pytest.mark.link

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 15.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.02)


def spaces_of(pid: int) -> list[str]:
    return sorted(path.name for path in system.SPACES.glob(f"{system.PREFIX}-{pid}-*"))


def forwarders_of(pid: int) -> list[int]:
    """Return the processes that carry packets for links of a process."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if f"{system.PREFIX}-{pid}-" in _read(path) and "/forwarder-" in _read(path)
    ]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def command_line() -> Iterator[subprocess.Popen[str]]:
    """A link of another process, with a shell at each end that tells its number."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.link", "wifi-bad"),
            *("--car", "sh -c 'echo $$; exec sleep 1000'"),
            *("--", "sh", "-c", "echo $$; sleep 1000; true"),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        yield process
        process.kill()
        process.wait()


def test_the_end_of_a_block_removes_everything() -> None:
    with Link("lan") as link:
        sleeper = link.popen("car", ["sh", "-c", "sleep 1000 & wait"])
        assert len(spaces_of(os.getpid())) == 2
        assert len(forwarders_of(os.getpid())) == 1
    assert sleeper.returncode is not None
    assert spaces_of(os.getpid()) == []
    assert forwarders_of(os.getpid()) == []
    link.close()


def test_an_error_in_a_block_removes_everything() -> None:
    with pytest.raises(ZeroDivisionError), Link("lan"):
        _ = 1 / 0
    assert spaces_of(os.getpid()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_its_owner_is_ended_nothing_is_left(
    number: int, command_line: subprocess.Popen[str]
) -> None:
    assert command_line.stdout is not None
    shells = [int(command_line.stdout.readline()) for _ in range(2)]
    carriers = forwarders_of(command_line.pid)
    assert len(carriers) == 1
    command_line.send_signal(number)
    assert command_line.wait(LIMIT) != 0
    until(lambda: spaces_of(command_line.pid) == [])
    until(lambda: all(is_gone(pid) for pid in shells + carriers))


def test_what_is_left_of_the_dead_is_removed_by_the_next_link(
    command_line: subprocess.Popen[str],
) -> None:
    assert command_line.stdout is not None
    shells = [int(command_line.stdout.readline()) for _ in range(2)]
    # Without its forwarder nobody is left who could tidy up.
    for pid in forwarders_of(command_line.pid):
        os.kill(pid, signal.SIGKILL)
    command_line.kill()
    command_line.wait()
    assert len(spaces_of(command_line.pid)) == 2
    with Link("lan"):
        assert spaces_of(command_line.pid) == []
    until(lambda: all(is_gone(pid) for pid in shells))


def test_two_links_do_not_know_of_each_other() -> None:
    with Link("lan") as one, Link("wifi-edge") as other:
        assert not set(one.spaces.values()) & set(other.spaces.values())
        listener = "import socket; server = socket.create_server(('', 4711)); print('up'); input()"
        server = one.popen(
            "car",
            [sys.executable, "-uc", listener],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        with server.stdin, server.stdout:
            assert server.stdout.readline() == "up\n"
            dial = f"import socket; socket.create_connection(('{CAR}', 4711), 10)"
            command = [sys.executable, "-c", dial]
            assert one.run("laptop", command).returncode == 0
            refused = other.run("laptop", command, capture_output=True, text=True)
        assert "ConnectionRefusedError" in refused.stderr


def test_links_may_be_opened_by_several_threads_at_once() -> None:
    def sent_by(seed: int) -> int:
        with Link("lan", seed=seed) as link:
            greeting = f"import socket; socket.socket(type=2).sendto(b'', ('{CAR}', {seed}))"
            link.run("laptop", [sys.executable, "-c", greeting])
            return link.statistics.up.sent

    with ThreadPoolExecutor(4, thread_name_prefix="link-test") as pool:
        assert list(pool.map(sent_by, range(1, 5))) == [1, 1, 1, 1]
    assert spaces_of(os.getpid()) == []


def test_a_link_leads_nowhere_else() -> None:
    with Link("lan") as link:
        routes = link.run("laptop", ["ip", "route"], capture_output=True, text=True).stdout
        devices = link.run("car", ["ip", "-br", "link"], capture_output=True, text=True).stdout
    assert [line.split()[0] for line in routes.splitlines()] == [f"{LAPTOP[:-1]}0/30"]
    names = {line.split()[0] for line in devices.splitlines()}
    assert {"lo", "radio"} <= names
    # Some kernels put tunnels that are down into every namespace.
    assert all("UP" not in line.split()[1] for line in devices.splitlines() if "radio" not in line)


def test_commands_find_the_addresses_and_give_their_status() -> None:
    with Link("lan") as link:
        told = link.run(
            "laptop",
            ["sh", "-c", "echo $LINK_LAPTOP $LINK_CAR $OWN; exit 7"],
            env=os.environ | {"OWN": "kept"},
            capture_output=True,
            text=True,
        )
    assert told.returncode == 7
    assert told.stdout.split() == [LAPTOP, CAR, "kept"]


CONGESTION = """
import socket, sys
server = socket.create_server((sys.argv[1], 0)) if sys.argv[2] == "serve" else None
if server:
    print(server.getsockname()[1], flush=True)
    connection, _ = server.accept()
else:
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).decode().strip("\\0"))
"""


def test_both_ends_have_the_congestion_control_that_was_asked_for() -> None:
    program = [sys.executable, "-c", CONGESTION, CAR]
    known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
    for control in known:
        with Link("lan", congestion=control) as link:
            car = link.popen("car", [*program, "serve"], stdout=subprocess.PIPE, text=True)
            with car.stdout:
                port = car.stdout.readline().strip()
                told = link.run("laptop", [*program, port], capture_output=True, text=True)
                assert (told.stdout.strip(), car.stdout.readline().strip()) == (control, control)
    with (
        pytest.raises(LinkError, match="Congestion control 'hope'"),
        Link("lan", congestion="hope"),
    ):
        pass
    assert spaces_of(os.getpid()) == []


def test_a_link_whose_forwarder_died_says_so() -> None:
    with Link("lan") as link:
        for pid in forwarders_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(LinkError, match="nothing passes"):
            link.restart_clock()
    with pytest.raises(LinkError, match="no statistics"):
        _ = link.statistics


def test_without_a_compiler_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LinkError, match="C compiler"):
        system.forwarder(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_forwarder_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = system.forwarder(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert system.forwarder(tmp_path) == program
    assert list(tmp_path.iterdir()) == [program]


def test_statistics_are_written_to_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.link", "lan", "--rate", "5"),
            *("--stats", tmp_path / "s.json", "--", "sh", "-c", "exit 3"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 3, done.stderr
    assert done.stderr.splitlines()[0].startswith("lan up: 0 packets, 0 lost (none)")
    assert '"profile": "lan"' in (tmp_path / "s.json").read_text()
