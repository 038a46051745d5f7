"""What docs/backup.md prints is true: its tables are the code's, its commands are run in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pynet.backup import Policy
from pynet.backup.backup import BACK_OFF
from pynet.backup.drain import PATIENCE
from pynet.backup.restored import DAYS
from pynet.backup.state import LOOKS
from pynet.backup.units import Skip
from pynet.cli.backup import EXITS
from pynet.cli.backup_options import _EXIT, policy_of
from pynet.cli.parser import build_parser
from tests.docs.pages import DOCS, Place, entries

PAGE = (DOCS / "backup.md").read_text()
PROSE = " ".join(PAGE.split())


def rows(head: str) -> list[list[str]]:
    lines = PAGE[PAGE.index(head) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def test_the_policy_is_that_of_the_code() -> None:
    written = {
        key.strip("`"): (default, option) for key, default, option, _ in rows("| key | default |")
    }
    defaults = Policy().to_dict()
    assert list(written) == list(defaults)
    for key, value in defaults.items():
        shown = ", ".join(f"`{one}`" for one in value) if isinstance(value, list) else str(value)
        assert written[key][0] == shown, key
    parse = build_parser().parse_args
    for key, (_, option) in written.items():
        if option and "PATTERN" not in option:
            policy = policy_of(
                parse(["backup", "plan", "car", "rec", *shlex.split(option.strip("`"))])
            )
            assert policy.to_dict()[key] == defaults[key], key


def test_every_reason_to_stay_is_explained() -> None:
    told = {word for row in rows("| reason |") for word in re.findall(r"`(\w+)`", row[0])}
    documented = set(re.findall(r'``"(\w+)"``', Skip.__doc__ or ""))
    assert told == documented | {"open"}


def test_exit_statuses_are_those_of_the_code() -> None:
    told = {int(row[0]) for row in rows("| exit status |")}
    assert told == {int(number) for number in re.findall(r"^  (\d+) ", _EXIT, re.MULTILINE)} | {2}
    assert told >= set(EXITS.values())


def test_commands_are_those_of_the_parser() -> None:
    told = [row[0].strip("`").split()[0] for row in rows("| command | does |")]
    assert told == ["plan", "run", "watch", "status", "history", "restore"]


def test_numbers_are_those_of_the_code() -> None:
    words = {2: "two", 3: "three", 20: "twenty"}
    for text in (
        f"when {words[LOOKS]} looks in a row",
        f"one above {Policy().urgent:.0%}".replace("%", " %"),
        f"up to {words[BACK_OFF]} times",
        f"After {words[PATIENCE]} removals without effect",
        f"alone for {DAYS} days",
        f"put back in the last {DAYS} days",
    ):
        assert text in PROSE, text


@pytest.mark.programs
def test_commands_print_what_the_page_says(tmp_path: Path) -> None:
    place = Place("backup.md", tmp_path)
    try:
        place.device()
        commands = [
            command
            for block in place.blocks
            if block.language == "console"
            for command, _ in entries(block.text)
        ]
        assert len(commands) == 5
        for command in commands:
            place.run(command)
        assert len(list((tmp_path / "backup/rover/recordings").rglob("*.jpg"))) == 12
        assert len(list((tmp_path / "recordings").rglob("*.jpg"))) == 10
    finally:
        place.close()
