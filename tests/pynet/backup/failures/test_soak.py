"""Class 23, and an independent judge: many files, random kills, and what rsync says of a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pynet.files.hashing import LEAF
from tests.pynet.backup.failures.bench import Bench, Made
from tests.pynet.backup.failures.conftest import ROOT, Disks
from tests.pynet.backup.failures.zygote import ROOT as TOP


@pytest.mark.programs
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes to kill in /proc")
def test_a_short_soak(tmp_path: Path) -> None:
    """``make soak`` is the long one."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.files.soak", "--seconds", "3", "--place", str(tmp_path)],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was lost" in done.stdout


def differences(ours: Path, theirs: Path, other: Path | None = None) -> list[str]:
    """What rsync would send: everything is read, and times and modes count."""
    command = ["rsync", "-rtpnc", "--out-format=%n", f"{ours}/", f"{theirs}/"]
    if other is not None:
        command.insert(1, f"--compare-dest={other}")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.endswith("/")]


@pytest.mark.skipif(shutil.which("rsync") is None, reason="there is no rsync to judge")
def test_rsync_finds_no_difference(benches: Made, disks: Disks, tmp_path: Path) -> None:
    """Over the files that this Python itself was installed with."""
    library = Path(os.__file__).parent
    source = tmp_path / "reference"
    shutil.copytree(
        library,
        source,
        ignore=shutil.ignore_patterns("site-packages", "test", "tests", "config-*", "idlelib"),
    )
    disk = disks.tmpfs(300 * LEAF) if ROOT else tmp_path
    bench: Bench = benches(disk=disk, destination=tmp_path / "laptop")
    bench.whole, bench.policy = False, {**bench.policy, "high": 0.02, "low": 0.01}
    shutil.copytree(source, bench.root, dirs_exist_ok=True)
    count = sum(len(names) for _, _, names in os.walk(source))
    assert count > 300
    moved = 0
    for _ in range(5):  # on a disk that others write to, a run may say that nothing becomes free
        report = bench.move(group=256)
        moved += report["files"]
        if report["verdict"] != "held elsewhere":
            break
    assert differences(source, bench.copies, bench.root) == []
    assert differences(bench.copies, source) == []
    assert moved > 0.9 * count
    bench.check_tidy()
