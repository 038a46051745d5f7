"""The commands that a newcomer types."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("help", "demo", "demo-link", "test", "test-programs")
TARGETS += ("test-link", "check", "tour", "bench", "clean")

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or os.name != "posix", reason="there is no make"
)


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # These tests may run below a make of their own, which must not speak to the one tested.
    plain = {n: v for n, v in os.environ.items() if n not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        command,
        cwd=folder,
        env=plain | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that make takes for this repository."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return tmp_path


def test_make_alone_lists_the_targets() -> None:
    listed = run(ROOT, "make")
    assert listed.returncode == 0
    for target in TARGETS:
        assert f"make {target}" in listed.stdout


def test_a_first_demo_installs_and_a_second_only_starts(clone: Path) -> None:
    assert ".ci/install app" in run(clone, "make", "-n", "demo").stdout
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".installed-app").touch()
    assert run(clone, "make", "-n", "demo").stdout.split() == [".venv/bin/rcapp", "--demo"]


def test_new_needs_are_installed(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".installed-dev").touch()
    assert "install" not in run(clone, "make", "-n", "test").stdout
    later = (clone / ".venv" / ".installed-dev").stat().st_mtime + 10
    os.utime(clone / ".ci" / "constraints.txt", (later, later))
    assert ".ci/install dev" in run(clone, "make", "-n", "test").stdout


def test_an_unfit_python_is_refused_with_a_way_out() -> None:
    refused = run(ROOT, ".ci/find-python", PYTHON="/nowhere/python3")
    assert refused.returncode == 1
    assert "PYTHON=" in refused.stderr
    assert "python3-venv" in refused.stderr
