"""Servers that files can be stored on, as processes of their own: sshd, and one that is like S3."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@dataclass(frozen=True)
class Server:
    """One that runs.

    Attributes:
        url: under which tests may store.
        environ: what fsspec's libraries have to find in the environment.
        process: it.
    """

    url: str
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None


@contextlib.contextmanager
def sftp(folder: Path) -> Iterator[Server]:
    """OpenSSH's, for whoever runs the tests; it serves the whole disk."""
    assert SSHD is not None
    for name in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    options = f'{{"key_filename": "{folder}/user", "look_for_keys": false, "allow_agent": false}}'
    with started([SSHD, "-D", "-e", "-f", str(folder / "config")], folder / "log", port) as process:
        yield Server(
            f"sftp://{user()}@127.0.0.1:{port}{folder}/stored", {"FSSPEC_SFTP": options}, process
        )


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[Server]:
    """One like S3, with a bucket."""
    port = free_port()
    command = [sys.executable, "-c", _S3, str(port)]
    environ = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with started(command, folder / "log", port) as process:
        yield Server("s3://bucket/stored", environ, process)


_S3 = """
import sys
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import main
s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket("bucket", "us-east-1")
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@contextlib.contextmanager
def started(command: list[str], log: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server, as soon as somebody answers at its port."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def user() -> str:
    import getpass

    return getpass.getuser()
