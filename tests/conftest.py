"""What every test may rely on: no screen, no network beyond this machine, nothing left behind."""

from __future__ import annotations

import atexit
import contextlib
import gc
import ipaddress
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Qt and gpiozero read these when they are first imported, so before any test module is.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("GPIOZERO_PIN_FACTORY", "mock")

# The tests' machine has an identity of its own, for itself and the programs it starts.
os.environ["PYNET_CONFIG"] = tempfile.mkdtemp(prefix="pynet-tests-")
atexit.register(shutil.rmtree, os.environ["PYNET_CONFIG"], ignore_errors=True)

# A shell that starts the tests in the background makes them, and all their children, deaf to
# Ctrl-C; some tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

OURS = ("pynet", "rcapp", "pi-agent")
SHUTDOWN_LIMIT = 5.0

# Opened once by libraries and kept for the life of the process: Qt's event dispatchers, random
# numbers, a resource tracker of multiprocessing, the fonts of the system.
KEPT_TARGETS = ("anon_inode:[eventfd]", "/dev/", "/proc/", "/sys/", "/usr/", "/var/cache/")


@dataclass(frozen=True)
class Belongings:
    """What this process owns at one moment.

    Attributes:
        threads: those that would hold up its end, and those of our programs.
        children: process id -> command line.
        files: open descriptor -> what it is open on.
    """

    threads: frozenset[threading.Thread]
    children: dict[int, str]
    files: dict[int, str]

    @classmethod
    def now(cls) -> Belongings:
        """Look around."""
        threads = frozenset(
            thread
            for thread in threading.enumerate()
            if thread.is_alive()
            and thread is not threading.main_thread()
            and (not thread.daemon or thread.name.startswith(OURS))
        )
        return cls(threads, _children(), _open_files())

    def left_over_since(self, before: Belongings) -> list[str]:
        """Name what is here now and was not before; an empty list is what a test should leave."""
        found = [f"thread {thread.name!r}" for thread in self.threads - before.threads]
        found += [
            f"process {pid} ({command})"
            for pid, command in self.children.items()
            if pid not in before.children
        ]
        new = {fd: target for fd, target in self.files.items() if before.files.get(fd) != target}
        # A descriptor that took the place of another is not one more.
        if len(self.files) > len(before.files):
            found += [f"descriptor {fd} ({target})" for fd, target in new.items()]
        return found


def _children() -> dict[int, str]:
    """Return the child processes of this one, where the system tells (Linux)."""
    found: dict[int, str] = {}
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in map(int, listing.read_text().split()):
                found[pid] = _command(pid)
    return {pid: command for pid, command in found.items() if "resource_tracker" not in command}


def _command(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "gone"
    return command.replace(b"\0", b" ").decode(errors="replace").strip() or "ended, not waited for"


def _open_files() -> dict[int, str]:
    """Return the descriptors that a test can be blamed for, where the system tells (Linux)."""
    found: dict[int, str] = {}
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return found
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            target = os.readlink(f"{folder}/{name}")
            if not target.startswith(KEPT_TARGETS):
                found[int(name)] = target
    return found


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays: some tests run it, over all the modules each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads, child processes or open descriptors."""
    if {"qapp", "qtbot"} & set(request.fixturenames):
        # The application lives as long as the process, whichever test is the first to want it.
        request.getfixturevalue("qapp")
    before = Belongings.now()
    yield
    left = Belongings.now().left_over_since(before)
    deadline = time.monotonic() + SHUTDOWN_LIMIT
    while left and time.monotonic() < deadline:
        gc.collect()
        for thread in Belongings.now().threads - before.threads:
            thread.join(0.05)
        time.sleep(0.01)
        left = Belongings.now().left_over_since(before)
    if left:
        pytest.fail("left behind: " + ", ".join(left), pytrace=False)


def _is_near(address: object) -> bool:
    """Tell whether a socket address lies on this machine."""
    if not isinstance(address, tuple):
        return True  # a path: the socket of another process here
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse to connect anywhere but to this machine."""

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: object) -> Any:
            if not _is_near(address):
                raise AssertionError(f"a test connects to {address!r}; only loopback is allowed")
            return method(self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(autouse=True, scope="session")
def home_of_nobody() -> Iterator[None]:
    """Keep the person's own settings, recordings and logs out of reach."""
    with (
        tempfile.TemporaryDirectory(prefix="pynet-test-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, os.path.join(folder, name.lower()))
        if "XDG_RUNTIME_DIR" not in os.environ:  # Qt warns without one
            patch.setenv("XDG_RUNTIME_DIR", folder)
        yield
