"""What a link needs of the system: the right to make one, namespaces, a compiled forwarder."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.link.errors import LinkError

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "link"
SOURCE = Path(__file__).with_name("forwarder.c")
SPACES = Path("/run/netns")
PREFIX = "pynet-link"
TUN = "/dev/net/tun"
# The numbers of CAP_NET_ADMIN and CAP_SYS_ADMIN: what root of a container often has not.
CAPABILITIES = (12, 21)
END_LIMIT = 5.0

_trials = itertools.count(1)


def why_not() -> str | None:
    """Return why no link can be made here, as a sentence; None if one can."""
    if not sys.platform.startswith("linux"):
        return "Emulated links need Linux."
    if os.geteuid() != 0 or not _may_administer():
        return "Emulated links need root, with the right to make network namespaces."
    if shutil.which("ip") is None:
        return "Emulated links need the program ip (package iproute2)."
    if shutil.which("cc") is None:
        return "Emulated links need a C compiler named cc (package gcc or build-essential)."
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as error:
        return f"Emulated links need {TUN}: {error.strerror}."
    return _why_no_namespace()


def _may_administer() -> bool:
    with open("/proc/self/status") as status:
        held = next((int(line.split()[1], 16) for line in status if line.startswith("CapEff:")), 0)
    return all(held >> number & 1 for number in CAPABILITIES)


def _why_no_namespace() -> str | None:
    # Containers differ in what they refuse: only a trial tells.
    name = space_name("trial", next(_trials))
    try:
        make_space(name)
    except LinkError as error:
        return f"Emulated links need network namespaces. {error}"
    finally:
        remove_space(name)
    return None


# ---- the forwarder ----------------------------------------------------------------------------


def forwarder(folder: Path = CACHE) -> Path:
    """Return the program that carries the packets; compile it if that was not done yet.

    Raises:
        LinkError: there is no compiler, or it failed.
    """
    source = SOURCE.read_bytes()
    program = folder / f"forwarder-{hashlib.sha256(source).hexdigest()[:16]}"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    # Under a name of its own first: another process may do the same right now.
    descriptor, unfinished = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    try:
        _run("cc", "-O2", "-Wall", "-o", unfinished, str(SOURCE), "-lm", needs="a C compiler (gcc)")
        os.chmod(unfinished, 0o755)
        os.replace(unfinished, program)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
    return program


# ---- namespaces -------------------------------------------------------------------------------


def space_name(place: str, number: int) -> str:
    """Return a name for a namespace that no other process uses, and that tells whose it is."""
    pid = os.getpid()
    return f"{PREFIX}-{pid}-{_born(pid)}-{number}-{place}"


def make_space(name: str) -> None:
    """Make a namespace that leads nowhere."""
    _run("ip", "netns", "add", name)
    # Neighbours that nobody asked for, and memories of earlier connections, would make one
    # measurement differ from the next.
    quiet = """
        for name in all default; do
            file=/proc/sys/net/ipv6/conf/$name/disable_ipv6
            [ ! -e $file ] || echo 1 > $file
        done
        echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save
    """
    _run("ip", "-n", name, "link", "set", "lo", "up")
    _run("ip", "netns", "exec", name, "sh", "-c", quiet)


def set_address(name: str, device: str, address: str) -> None:
    """Bring up the device in a namespace."""
    _run("ip", "-n", name, "addr", "add", f"{address}/30", "dev", device)
    _run("ip", "-n", name, "link", "set", device, "mtu", "1500", "txqueuelen", "4000", "up")


def set_congestion_control(name: str, device: str, control: str) -> None:
    """Choose TCP's congestion control for all connections over the device in a namespace.

    Raises:
        LinkError: the kernel does not have it.
    """
    # The route asks for it, because the setting of a namespace takes only what is on a list
    # that belongs to the whole machine. It holds for connections made and taken.
    change = 'ip route change $(ip route show dev "$1") dev "$1" congctl "$2"'
    try:
        _run("ip", "netns", "exec", name, "sh", "-c", change, "sh", device, control)
    except LinkError as error:
        known = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
        raise LinkError(
            f"Congestion control {control!r} is not to be had here, only {', '.join(known)}."
        ) from error


def remove_space(name: str) -> None:
    """End every process in a namespace and remove it, if it is there."""
    deadline = time.monotonic() + END_LIMIT
    while (SPACES / name).exists() and time.monotonic() < deadline:
        listed = subprocess.run(
            ["ip", "netns", "pids", name], check=False, capture_output=True, text=True
        )
        pids = [int(word) for word in listed.stdout.split()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not pids:
            break
        time.sleep(0.02)
    if (SPACES / name).exists():
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def remove_stale_spaces() -> None:
    """Remove what processes left behind that are dead now."""
    for path in SPACES.glob(f"{PREFIX}-*"):
        owner, born = path.name.removeprefix(f"{PREFIX}-").split("-")[:2]
        if _born(int(owner)) != int(born):
            remove_space(path.name)


def _born(pid: int) -> int | None:
    """Return when a process began, in ticks since boot: another with its number began later."""
    try:
        # The name of the program, in brackets, may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return None


def _run(*command: str, needs: str | None = None) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise LinkError(f"A link needs {needs or command[0]}, which is not here.") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"status {done.returncode}"
        raise LinkError(f"`{shlex.join(command)}` failed: {said}")
