"""A close look at real files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pynet.backup.plan import Status, plan
from pynet.backup.policy import Policy
from pynet.backup.probe import Probe
from pynet.backup.units import Unit
from pynet.files.info import Usage
from pynet.files.selection import Selection
from pynet.files.tree import Tree


def test_a_real_folder_is_planned_with_a_look_at_each_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("a", "open", "marked", "kept/x", "link/y", "z"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10_000)
        os.utime(path, (1000, 1000))
    (root / "kept/.pynet-keep").touch()
    (root / "pointer").symlink_to("a")
    os.link(root / "link/y", root / "link/y2")
    try:
        os.setxattr(root / "marked", "user.pynet.keep", b"")
        marked = {b"marked": "protected"}
    except (OSError, AttributeError):
        marked = {}
    policy = Policy()
    with Tree(root) as tree, (root / "open").open("rb"):
        probe = Probe(tree, policy)
        usage = Usage(10**9, 1)
        made = plan(policy, usage, tree.scan(Selection.parse("")), 2e9, probe=probe.unit)
    opened = {b"open": "open"} if sys.platform == "linux" else {}
    moved = {step.unit.name for step in made.steps}
    assert moved == {b"a", b"open", b"marked", b"z"} - set(opened) - set(marked)
    assert {skip.name: skip.code for skip in made.skipped} == {
        **opened,
        **marked,
        b"kept/.pynet-keep": "kept",
        b"kept/x": "kept",
        b"link/y": "linked",
        b"link/y2": "linked",
        b"pointer": "link",
    }
    assert made.status is Status.EXHAUSTED


@pytest.mark.parametrize(
    ("name", "words"), [("a.db", "protected by"), ("sub/x", ".pynet-keep"), ("plain", "")]
)
def test_what_is_protected_by_now_is_found_in_the_last_moment(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.pynet-keep").touch()
    path = tmp_path / name
    path.write_bytes(b"x")
    with Tree(tmp_path) as tree:
        info = tree.info(name.encode())
        fd = tree.open(info.name)
        try:
            reason = Probe(tree, Policy()).protect(info, fd)
        finally:
            os.close(fd)
    assert words in reason
    assert bool(reason) == bool(words)


def test_what_went_meanwhile_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with Tree(tmp_path) as tree:
        info = tree.info(b"a")
        (tmp_path / "a").unlink()
        skip = Probe(tree, Policy()).unit(Unit(b"a", (info,)))
    assert skip is not None
    assert skip.code == "vanished"
