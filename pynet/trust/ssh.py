"""Pairing without typing: who may log in to a machine by ssh lets it show itself the code."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any

from pynet.errors import ConfigurationError, ConnectError, PairingError
from pynet.trust.asking import pair
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust

SECONDS = 60
"""For which the window there is open: nobody types."""

FAREWELL = 10.0
"""Seconds that the command there has to end."""

NOT_FOUND = 127
"""What a shell says of a command that it does not find."""

LOOPBACK = ("127.", "::1", "localhost")


def pair_over_ssh(
    target: str,
    *,
    trust: Trust | None = None,
    port: int | None = None,
    role: Role = Role.DRIVER,
    name: str = "",
    command: str = "pynet",
    timeout: float = 120.0,
) -> Peer:
    """Open a window on a machine by ssh, and pair with it by the code that it shows. Blocks.

    ssh has proved which machine that is, so that its id is known before anything is said.

    Args:
        target: ``user@host`` or a name from ``~/.ssh/config``.
        trust: who this machine is, and whom it knows; what the platform's folder holds by default.
        port: of its Gateway; what pynet listens on by default.
        role: what this machine may do there.
        name: what this machine calls itself there; its host name by default.
        command: how pynet is called there, e.g. ``/home/pi/.venv/bin/pynet``; read by its shell.
        timeout: seconds until ssh must have logged in and shown a code; a person may have to type.

    Raises:
        ConnectError: ssh cannot log in there, or there is no pynet.
        PairingError, ConfigurationError: as :func:`~pynet.trust.asking.pair`.
    """
    if not target or target.startswith("-"):
        raise ConfigurationError(f"{target!r} is no machine for ssh; write it as pi@car.local")
    words = ["pair", "--serve", "--json", "--role", role.word, "--seconds", str(SECONDS)]
    if port is not None:
        words += ["--port", str(port)]
    host = _host_of(target)
    with _running(["ssh", target, f"{command} {shlex.join(words)}"], timeout) as (process, said):
        window = _first_line(process, said, target)
        if _near(window["host"]) and not _near(host):
            raise PairingError(
                f"the Gateway of {target} listens on {window['host']} only, where nobody else can "
                "reach it; let it listen on 0.0.0.0 there"
            )
        return pair(
            host,
            window["port"],
            window["code"],
            trust=trust,
            name=name,
            expect=window["id"],
        )


def _host_of(target: str) -> str:
    """What ssh's own settings say a name stands for."""
    plain = target.rpartition("@")[2]
    try:
        done = subprocess.run(
            ["ssh", "-G", target],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except OSError as error:
        raise ConnectError(f"ssh cannot be run on this machine: {error}; install it") from error
    except subprocess.TimeoutExpired:
        return plain
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        if key == "hostname" and value.strip():
            return value.strip()
    return plain


@contextlib.contextmanager
def _running(
    command: list[str], timeout: float
) -> Iterator[tuple[subprocess.Popen[str], IO[bytes]]]:
    """A program, and the file of what it says on stderr; it is ended when nobody needs it."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True
        )
        watch = threading.Timer(timeout, process.terminate)
        watch.name = "pynet-ssh-watch"
        watch.start()
        try:
            with process:
                try:
                    yield process, said
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(FAREWELL)
                finally:
                    process.terminate()
        finally:
            watch.cancel()
            watch.join()


def _first_line(process: subprocess.Popen[str], said: IO[bytes], target: str) -> dict[str, Any]:
    """What the window there is; greetings of the machine before it are not ours."""
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            continue
        try:
            fields = json.loads(line)
            return {
                "code": str(fields["code"]),
                "id": str(fields["id"]),
                "host": str(fields["host"]),
                "port": int(fields["port"]),
            }
        except (ValueError, KeyError, TypeError) as error:
            raise PairingError(
                f"pynet on {target} says what is not understood here; install the same release"
            ) from error
    status = process.wait()
    said.seek(0)
    last = said.read()[-2000:].decode(errors="replace").strip().splitlines()[-1:]
    remedy = (
        "; tell where it is, as in --remote /home/pi/.venv/bin/pynet" if status == NOT_FOUND else ""
    )
    raise ConnectError(f"no code came from {target}: {''.join(last) or 'it is silent'}{remedy}")


def _near(host: str) -> bool:
    return host.startswith(LOOPBACK)
