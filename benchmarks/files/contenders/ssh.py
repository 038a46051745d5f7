"""scp, and rsync over ssh: an sshd of our own with keys of its own, on a port of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.files.contenders import Carry, Contender, Used, program
from benchmarks.files.contenders.rsync import fetch
from benchmarks.files.ends import Ends
from benchmarks.files.processes import Program, free_port, timed

# A daemon started by root will not go on without it; that of the system makes it, too.
EMPTY = Path("/run/sshd")
SFTP = Path("/usr/lib/openssh/sftp-server")
AES = ("-c", "aes256-gcm@openssh.com")
NEEDS = ("sshd", "ssh", "ssh-keygen")

Copy = Callable[[Ends, Sequence[str], int, Path, Path], list[str]]
"""The client's command: ends, options of ssh, port, source and target."""


@contextlib.contextmanager
def over_ssh(ends: Ends, copy: Copy, cipher: Sequence[str] = ()) -> Iterator[Carry]:
    """Serve; each transfer is a client of its own, which connects first."""
    keys, port = keys_in(ends), free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(empty_folder())
        command = ends.command(ends.source, daemon(ends, keys, port))
        server = stack.enter_context(Program(command, port))

        def carry(source: Path, target: Path, limit: float) -> Used:
            before = server.cpu
            options = [*client_options(keys), *cipher]
            done = timed(copy(ends, options, port, source, target), limit)
            server.settle()
            return Used(done.seconds, server.cpu - before, done.cpu, done.stopped)

        yield carry


def scp(ends: Ends, options: Sequence[str], port: int, source: Path, target: Path) -> list[str]:
    """Return scp's command."""
    where = f"{getpass.getuser()}@{ends.host(ends.source)}:{source}/."
    return ends.command(ends.sink, ["scp", "-rpq", "-P", str(port), *options, where, str(target)])


def rsync(ends: Ends, options: Sequence[str], port: int, source: Path, target: Path) -> list[str]:
    """Return rsync's command."""
    where = f"{getpass.getuser()}@{ends.host(ends.source)}:{source}/"
    return fetch(ends, where, target, "-e", " ".join(["ssh", "-p", str(port), *options]))


def keys_in(ends: Ends) -> Path:
    """Return the folder with the keys of both ends; make it, if there is none yet."""
    keys = ends.folder("ssh")
    for name in ("host", "user"):
        if not (keys / name).exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return keys


def daemon(ends: Ends, keys: Path, port: int) -> list[str]:
    """Return the command of a daemon that lets in who has the key, and nobody else."""
    settings = {
        "ListenAddress": ends.host(ends.source),
        "HostKey": keys / "host",
        "AuthorizedKeysFile": keys / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": f"sftp {SFTP if SFTP.exists() else 'internal-sftp'}",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    # It starts itself anew for each client, and asks for its full name because of that.
    return [program("sshd") or "sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port), *options]


def client_options(keys: Path) -> list[str]:
    """Return the options of ssh that keep it from all that a person has set up."""
    return [
        *("-F", "/dev/null", "-i", str(keys / "user"), "-o", "IdentitiesOnly=yes"),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
        *("-o", "LogLevel=ERROR"),
    ]


@contextlib.contextmanager
def empty_folder() -> Iterator[None]:
    """Let the folder be there that the daemon wants; remove it again if it was not."""
    if EMPTY.exists() or os.geteuid() != 0:
        yield
        return
    EMPTY.mkdir(mode=0o755)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            EMPTY.rmdir()


SCP = Contender("scp", partial(over_ssh, copy=scp), (*NEEDS, "scp"))
SCP_AES = Contender("scp-aes-gcm", partial(over_ssh, copy=scp, cipher=AES), (*NEEDS, "scp"))
RSYNC_SSH = Contender("rsync-ssh", partial(over_ssh, copy=rsync), (*NEEDS, "rsync"))
RSYNC_SSH_AES = Contender(
    "rsync-ssh-aes-gcm", partial(over_ssh, copy=rsync, cipher=AES), (*NEEDS, "rsync")
)
