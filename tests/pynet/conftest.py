"""A real Gateway and a real Controller on loopback, for every test of pynet that wants them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pynet import Controller, Gateway, RemoteGateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Running on a free port, with room for ten pairs."""
    with Gateway(port=0, pool_size=10, name="bench", heartbeat=0.1) as gateway:
        yield gateway


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller(name="desk", heartbeat=0.1) as controller:
        yield controller


@pytest.fixture
def car(gateway: Gateway, controller: Controller) -> RemoteGateway:
    """The Gateway as the Controller sees it."""
    return controller.connect(gateway.address, timeout=3)


def until(condition: Callable[[], object], limit: float = 5.0) -> None:
    """Wait for a condition; fail after a generous limit."""
    deadline = time.monotonic() + limit
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        pause.wait(0.005)


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., None]:
    return until
