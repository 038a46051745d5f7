"""A car's Gateway and a desk that do not know each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Gateway, Role, Trust
from pynet.trust import reception
from pynet.trust.window import PairingWindow


@pytest.fixture
def trust(tmp_path: Path) -> Callable[[str], Trust]:
    """Machines by their names, each with a folder of its own."""
    machines: dict[str, Trust] = {}

    def machine(name: str) -> Trust:
        if name not in machines:
            machines[name] = Trust(tmp_path / name, name)
        return machines[name]

    return machine


@pytest.fixture
def desk(trust: Callable[[str], Trust]) -> Trust:
    return trust("desk")


@pytest.fixture
def rover(trust: Callable[[str], Trust]) -> Iterator[Gateway]:
    """Runs on a free port."""
    with Gateway(port=0, name="rover", trust=trust("car"), heartbeat=0.1) as gateway:

        @gateway.batch(role="driver")
        def horn() -> str:
            return "toot"

        yield gateway


@pytest.fixture
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who fails is heard again soon."""
    monkeypatch.setattr(reception, "REST", 0.05)


@pytest.fixture
def window(rover: Gateway) -> Iterator[PairingWindow]:
    with rover.open_pairing(Role.DRIVER) as window:
        yield window
