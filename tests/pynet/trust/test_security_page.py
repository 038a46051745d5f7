"""docs/security.md tells what the code does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from pynet import Role
from pynet.cli.parser import build_parser
from pynet.trust import pairing
from pynet.trust.identity import KEY_FILE
from pynet.trust.peers import PEERS_FILE

PAGE = Path(__file__).parents[3] / "docs" / "security.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def rows(page: str, head: str) -> list[list[str]]:
    lines = page[page.index(head) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_limits_are_those_of_the_code(page: str) -> None:
    for name, value, _ in rows(page, "| limit | value |"):
        module, _, constant = name.strip("`").rpartition(".")
        assert str(getattr(importlib.import_module(module), constant)) == value, name


def test_messages_are_those_of_the_code(page: str) -> None:
    told = [tuple(row) for row in rows(page, "| step | from |")]
    table = re.findall(
        r"^(\d|any) +(asker|asked) +(.+?)$", pairing.__doc__ or "", flags=re.MULTILINE
    )
    assert told == [(step, side, fields.replace("``", "`")) for step, side, fields in table]


def test_roles_and_files_are_all_there(page: str) -> None:
    assert [row[0].strip("`") for row in rows(page, "| role | may |")] == [r.word for r in Role]
    files = {row[0].strip("`") for row in rows(page, "| file | mode |")}
    assert files == {KEY_FILE, PEERS_FILE, f"{PEERS_FILE}.lock"}


def test_every_command_of_the_page_is_understood(page: str) -> None:
    import shlex

    commands = re.findall(r"`(pynet (?:id|pair|peers)\b[^`]*)`", page)
    for block in re.findall(r"```(?:console|sh)\n(.*?)```", page, flags=re.DOTALL):
        commands += [line.partition("#")[0] for line in block.splitlines() if "pynet " in line[:6]]
    assert len(commands) > 10
    for command in commands:
        words = shlex.split(command)[1:]
        if words == ["peers", "revoke"]:
            words.append("Anna")
        build_parser().parse_args(words)
