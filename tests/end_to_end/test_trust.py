"""The whole story of trust with real programs: pairing, a drive, a hand-over, STOP, and the end.

All the while somebody listens on the wire.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import until

pytestmark = pytest.mark.programs

CLEAR_WORDS = (
    *(b"PYNET\0", b"purpose", b"describe", b"lease", b"throttle", b"steer", b"camera"),
    *(b"DriveCommand", b"CameraFrame", b"Anna", b"Bert", b"JFIF"),
)


class Program:
    """A process that is talked to by lines."""

    def __init__(self, *words: str, config: Path, **options: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYNET_CONFIG": str(config)},
            **options,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def tell(self, *order: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.tell("look")["status"] or {})

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate()


class Wiretap:
    """Keeps all that goes over loopback to and from one TCP port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024 * 1024)
        self._socket.bind(("lo", 0))
        self._over, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, name="wiretap")
        self.heard: dict[tuple[int, int], bytearray] = {}
        self._thread.start()

    def of_port(self, port: int) -> dict[tuple[int, int], bytearray]:
        return {ports: data for ports, data in self.heard.items() if port in ports and data}

    def close(self) -> None:
        self._end.close()
        self._thread.join()
        self._socket.close()
        self._over.close()

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._over, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                packet, address = self._socket.recvfrom(1 << 17)
                if address[2] == socket.PACKET_OUTGOING:  # each comes twice on loopback
                    continue
                ip = packet[14:]
                tcp = ip[4 * (ip[0] & 15) : struct.unpack_from(">H", ip, 2)[0]]
                if ip[9] == socket.IPPROTO_TCP:
                    ports = struct.unpack_from(">HH", tcp)
                    self.heard.setdefault(ports, bytearray()).extend(tcp[4 * (tcp[12] >> 4) :])


@pytest.fixture
def wiretap() -> Iterator[Wiretap]:
    try:
        tap = Wiretap()
    except (AttributeError, PermissionError) as error:
        pytest.skip(f"only root on Linux may listen on the wire: {error}")
    yield tap
    tap.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    running: list[Program] = []

    def begin(*words: str, config: str) -> Program:
        running.append(Program(*words, config=tmp_path / config))
        return running[-1]

    yield begin
    for program in reversed(running):
        program.close()


def drive_off(person: Program) -> None:
    """Arm with the throttle let go, then go, until the car moves."""
    person.tell("hold", 0.0, 0.0)

    def armed() -> bool:
        until(lambda: not person.status["refusals"], "a car that can be armed")
        if person.tell("call", "arm")["armed"]:
            return True
        # What comes within half a second is taken for a key that is held down.
        threading.Event().wait(0.7)
        return False

    until(armed, "an armed car")
    person.tell("hold", 0.1, 0.5)
    until(lambda: person.status["throttle"] > 0.3, "throttle")


def test_the_whole_story(start: Callable[..., Program], wiretap: Wiretap, tmp_path: Path) -> None:
    agent = start("-m", "pi_agent", "--sim", "--port", "0", "--name", "Rover", config="car")
    ready = re.fullmatch(r"pi-agent ready on (\S+)\n", agent.line())
    assert ready
    address, port = ready[1], int(ready[1].rsplit(":", 1)[1])
    anna, bert, carla = (
        start("-m", "tests.end_to_end.person", config=name) for name in ("anna", "bert", "carla")
    )

    assert anna.tell("connect", address)["error"] == "UnknownMachine"
    for person, name, role in ((anna, "Anna", "owner"), (bert, "Bert", "driver")):
        window = start(
            *("-m", "pi_agent", "pair", "--port", str(port), "--role", role, "--json"),
            config="car",
        )
        code = until(lambda window=window: re.search(r'"code": "(\d{8})"', window.line()), "a code")
        if person is bert:  # types it wrongly first
            wrong = f"{(int(code[1]) + 1) % 10**8:08d}"
            assert person.tell("pair", address, wrong, name)["error"] == "WrongCode"
        assert person.tell("pair", address, code[1], name) == role
        assert window.process.wait(30) == 0
    assert carla.tell("pair", address, "12345678", "Carla")["error"] == "PairingError"

    for person in (anna, bert):
        assert person.tell("connect", address) == "Rover"
        until(lambda person=person: person.tell("look")["pictures"] > 3, "pictures")
    assert carla.tell("connect", address)["error"] == "UnknownMachine"

    # Anna drives, Bert only watches, whatever he does.
    assert anna.tell("call", "lease_request")["granted"]
    drive_off(anna)
    bert.tell("hold", -1.0, -1.0)
    assert not bert.tell("call", "arm")["armed"]
    until(lambda: bert.status["distance"] > 0.5, "a moving car")
    assert (anna.status["throttle"], bert.status["lease"]["driver"]) == (0.5, "Anna")

    # He asks, she accepts, he takes it; the car is neutral in between.
    assert not bert.tell("call", "lease_request")["granted"]
    request = until(lambda: anna.status["lease"]["request_id"], "the request")
    assert anna.status["lease"]["request"] == "Bert"
    anna.tell("call", "lease_answer", request, True)
    until(lambda: bert.status["lease"]["offer_to"] == "Bert", "the offer")
    assert bert.tell("call", "lease_take")["granted"]
    until(lambda: anna.status["lease"]["driver"] == "Bert", "the new driver")
    until(lambda: not anna.status["armed"], "a disarmed car")
    assert anna.status["throttle"] == 0.0
    drive_off(bert)
    assert anna.tell("call", "arm")["armed"] is False

    # Anyone may stop it, and it stays stopped.
    anna.tell("call", "stop")
    until(lambda: bert.status["stage"] == "stopped", "STOP")
    assert bert.status["throttle"] == 0.0
    assert "Anna" in bert.status["causes"][0]
    drive_off(bert)

    # Bert is thrown out while he drives: no throttle, no lease, no picture any more.
    done = subprocess.run(
        [sys.executable, "-m", "pi_agent", "peers", "revoke", "Bert"],
        env=os.environ | {"PYNET_CONFIG": str(tmp_path / "car")},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    until(lambda: anna.status["throttle"] == 0.0, "neutral")
    until(lambda: not anna.status["lease"]["driver"], "a free lease")
    assert bert.tell("call", "lease_request")["error"] in ("AuthenticationError", "ConnectionLost")
    assert bert.tell("connect", address)["error"] == "AuthenticationError"
    assert anna.tell("call", "describe")["name"] == "Rover"

    heard = wiretap.of_port(port)
    assert sum(map(len, heard.values())) > 100_000
    for ports, data in heard.items():
        clear = data.removeprefix(b"PYNET-PAIR-1\n") if ports[1] == port else data
        found = [word for word in CLEAR_WORDS if word in clear]
        assert not found, (ports, found)
