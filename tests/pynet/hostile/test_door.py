"""The door itself, when the machine can take no more."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pynet import Controller, Gateway
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
