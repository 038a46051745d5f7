"""Many-to-many, in processes of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pynet import Controller

DEVICE = """
import sys, pynet
gateway = pynet.Gateway(port=0, name=sys.argv[1])
gateway.batch(lambda: sys.argv[1], name="who")
@gateway.stream
def count(n):
    for number in range(n):
        yield [sys.argv[1], number]
gateway.start()
print(gateway.address, flush=True)
gateway.serve()
"""

LAPTOP = """
import sys, pynet
with pynet.Controller(name=sys.argv[1]) as controller:
    cars = [controller.connect(address) for address in sys.argv[2:]]
    got = {car.call("who"): [] for car in cars}
    streams = [car.stream("count", lambda item: got[item[0]].append(item[1]), 5000) for car in cars]
    for stream in streams:
        assert stream.wait(30)
    for name, items in got.items():
        assert items == list(range(5000)), (name, len(items))
    print(*sorted(got), len(controller.handlers()))
"""


@contextlib.contextmanager
def device(name: str) -> Iterator[str]:
    """A Gateway in a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", DEVICE, name], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def laptop(name: str, *addresses: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LAPTOP, name, *addresses],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(120)
def test_two_controllers_on_one_gateway_and_one_on_two() -> None:
    with device("left") as left, device("right") as right:
        people = [laptop("anna", left), laptop("ben", left, right)]
        results = [person.communicate(timeout=60) for person in people]
        assert [error for _, error in results] == ["", ""]
        assert [text.split()[:-1] for text, _ in results] == [["left"], ["left", "right"]]
        with Controller() as controller:
            assert controller.connect(left).call("who") == "left"


FORK = """
import os, sys, pynet
with pynet.Controller() as controller:
    assert controller.connect(sys.argv[1]).call("who") == "left"
    child = os.fork()
    if child == 0:  # as a data loader's worker does
        mine = pynet.Controller()
        answer = mine.connect(sys.argv[1]).call("who")
        mine.close()
        os._exit(0 if answer == "left" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert controller.connect(sys.argv[1]).call("who") == "left"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_connects_on_its_own() -> None:
    with device("left") as left:
        done = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, left],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
