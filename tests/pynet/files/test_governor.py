"""A transfer beside a live feed stands back, and goes on when the feed is over."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, RemoteGateway
from pynet.bulk import LiveDelays
from pynet.files.governor import Governor
from pynet.files.hashing import LEAF
from pynet.files.progress import Progress
from pynet.files.transfer import Transfer

Until = Callable[..., None]


@pytest.fixture
def car(tmp_path: Path) -> Iterator[RemoteGateway]:
    (tmp_path / "there").mkdir()
    with Gateway(port=0, insecure=True, heartbeat=0.1) as gateway:
        gateway.share("logs", tmp_path / "there", write=True)

        @gateway.sink(policy="latest")
        def drive(commands):
            for _ in commands:
                pass

        with Controller(insecure=True, heartbeat=0.1) as controller:
            yield controller.connect(gateway.address)


@pytest.mark.parametrize("own_process", [True, False])
@pytest.mark.parametrize("direction", ["get", "put"])
def test_a_transfer_is_paced_while_somebody_drives(
    car: RemoteGateway, tmp_path: Path, until: Until, own_process: bool, direction: str
):
    there, here = tmp_path / "there", tmp_path / "here"
    here.mkdir()
    source, target = (there, here) if direction == "get" else (here, there)
    (source / "large").write_bytes(os.urandom(LEAF) * 96)
    driving = threading.Event()

    def steer() -> None:
        with car.feed("drive") as feed:
            while not driving.wait(0.01):
                feed.send({"steer": 0.0})

    thread = threading.Thread(target=steer)
    thread.start()
    try:
        if direction == "get":
            transfer = car.files.get("logs/large", here, own_process=own_process)
        else:
            transfer = car.files.put(here / "large", "logs", own_process=own_process)
        until(lambda: car.files.governor.rate < math.inf)
    finally:
        driving.set()
        thread.join()
    until(lambda: transfer.progress.over or car.files.governor.rate == math.inf)
    transfer.wait(30)
    assert (target / "large").read_bytes() == (source / "large").read_bytes()


class Recorder:
    """Keeps the rates it is given."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.told = threading.Event()

    def pace(self, rate: float) -> None:
        self.rates.append(rate)
        self.told.set()

    def pause(self, paused: bool) -> None: ...

    def cancel(self) -> None: ...


def test_transfers_share_the_rate_and_the_thread_ends_with_the_last(until: Until):
    delays = LiveDelays()
    governor = Governor(delays)
    transfers, recorders = [], []
    for number in range(2):
        transfer: Transfer[None] = Transfer(f"{number}")
        recorders.append(Recorder())
        transfer.begin(recorders[-1])
        transfer.tell(Progress("running", rate=4e6))
        transfers.append(transfer)
    stop = threading.Event()

    def drive() -> None:
        import time

        while not stop.wait(0.005):
            delays.report("drive", 0.004, time.monotonic())

    thread = threading.Thread(target=drive)
    thread.start()
    until(lambda: delays.reading(0.0) is not None)
    for transfer in transfers:
        governor.watch(transfer)
    until(lambda: governor.rate < math.inf)
    for recorder in recorders:
        assert recorder.told.wait(5)
        assert recorder.rates[0] < math.inf
    stop.set()
    thread.join()
    for transfer in transfers:
        transfer.end(None, None)
    until(lambda: not any(t.name == "pynet-files-governor" for t in threading.enumerate()))
    governor.close()
