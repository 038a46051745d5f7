"""What a crash leaves behind; each crash in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import logging, os, sys, threading
from pathlib import Path
from rcapp.core.crash import CrashGuard
guard = CrashGuard(Path(sys.argv[1]), level="info", version="9.9")
logging.getLogger("rcapp.test").info("started well")
"""


def run(folder: Path, rest: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START + rest, str(folder)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def note(folder: Path) -> str:
    """What the next start says of the last run."""
    done = run(folder, "print(guard.note); guard.close(); guard.close()")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_run_that_ends_well_leaves_only_its_log(tmp_path: Path) -> None:
    assert note(tmp_path) == ""
    assert note(tmp_path) == ""
    assert [file.name for file in tmp_path.iterdir()] == ["rcapp.log"]
    assert "started well" in (tmp_path / "rcapp.log").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("end", "trace"),
    [
        ("import faulthandler; faulthandler._sigsegv()", "Segmentation fault"),
        ("os.abort()", "Aborted"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "rcapp 9.9"),
    ],
)
def test_a_crash_is_told_at_the_next_start(tmp_path: Path, end: str, trace: str) -> None:
    assert run(tmp_path, end).returncode < 0
    told = note(tmp_path)
    assert "ended unexpectedly" in told
    (crash,) = tmp_path.glob("crash-*.txt")
    assert str(crash) in told
    assert trace in crash.read_text()
    assert note(tmp_path) == "", "it is told once"


def test_an_error_nobody_caught_is_in_the_log(tmp_path: Path) -> None:
    done = run(tmp_path, "raise RuntimeError('the roof fell in')")
    assert done.returncode == 1
    assert "the roof fell in" in done.stderr
    log = (tmp_path / "rcapp.log").read_text()
    assert "CRITICAL" in log
    assert "the roof fell in" in log


def test_an_error_in_a_with_block_is_logged_and_passed_on(tmp_path: Path) -> None:
    done = run(tmp_path, "with guard:\n    raise RuntimeError('inside')")
    assert done.returncode == 1
    assert "inside" in (tmp_path / "rcapp.log").read_text()
    assert not list(tmp_path.glob("running-*"))


def test_an_error_in_a_thread_is_in_the_log(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "def fall(): raise RuntimeError('thread fell')\n"
        "t = threading.Thread(target=fall, name='rcapp-x'); t.start(); t.join(); guard.close()",
    )
    assert done.returncode == 0
    log = (tmp_path / "rcapp.log").read_text()
    assert "thread rcapp-x" in log
    assert "thread fell" in log


def test_a_second_app_is_no_crash(tmp_path: Path) -> None:
    code = START + "print('up', flush=True); sys.stdin.read(); guard.close()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "up\n"
        assert note(tmp_path) == ""
        assert list(tmp_path.glob("running-*"))
        first.communicate(input="", timeout=20)
    assert first.returncode == 0
    assert not list(tmp_path.glob("running-*"))


def test_only_the_newest_crashes_are_kept(tmp_path: Path) -> None:
    for number in range(9):
        old = tmp_path / f"running-{100000 + number}.txt"
        old.write_text("old")
        os.utime(old, (1e9 + number, 1e9 + number))
    assert note(tmp_path)
    assert len(list(tmp_path.glob("crash-*.txt"))) == 5
