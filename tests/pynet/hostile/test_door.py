"""The door itself, when the machine can take no more."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.security.intruders import STRANGERS, TRAITORS, Intruder, Target
from pynet import Controller, Gateway, Limits
from pynet.io.lane import Lane
from pynet.trust.identity import KEY_FILE, load_identity
from pynet.trust.store import Trust
from pynet.wire.frames import PREAMBLE

resource = pytest.importorskip("resource", reason="limits of open files are POSIX's")


@contextmanager
def no_free_descriptors() -> Iterator[None]:
    """Let no more files be opened."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.open(os.devnull, os.O_RDONLY)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_free_descriptors_it_waits_and_says_so_once(
    gateway: Gateway, until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    gateway.batch(lambda: 1, name="one")
    with socket.socket() as caller:
        with no_free_descriptors():
            caller.connect((gateway.host, gateway.port))
            caller.sendall(PREAMBLE)
            until(lambda: "cannot accept a connection" in caplog.text)
            door = gateway._door
            looked = door._looked_at
            until(lambda: door._looked_at > looked)  # it has tried several times meanwhile
        assert caplog.text.count("cannot accept a connection") == 1
        with Controller() as controller:
            assert controller.connect(gateway.address, timeout=5).call("one") == 1
        caller.settimeout(10)
        assert caller.recv(100), "who came first was told that TLS is wanted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("door")


def lanes() -> int:
    return sum(isinstance(thing, Lane) for thing in gc.get_objects())


@pytest.mark.parametrize(
    "intruder", STRANGERS + TRAITORS, ids=lambda intruder: str(intruder.__name__)
)
def test_what_an_intruder_cost_is_free_at_once(
    folder: Path, intruder: Intruder, until: Callable[..., None]
) -> None:
    """A lane with TLS is 30 KB; a flood of them must not wait for the garbage collector."""
    foreign = load_identity(folder / "foreign").path
    limits = Limits(greeting_time=0.3)
    with Gateway(port=0, limits=limits, trust=Trust(folder / "house")) as gateway:
        gc.collect()
        gc.disable()
        try:
            before = lanes()
            for _ in range(3):
                intruder(Target(gateway.port, "127.0.0.1", foreign, folder / "house" / KEY_FILE))
            until(lambda: not gateway._door.greeting)
            until(lambda: lanes() == before)
        finally:
            gc.enable()
