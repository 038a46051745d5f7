"""What docs/files.md prints is true: its programs and commands are run, in their order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pynet import Gateway
from pynet.cli.bar import line
from pynet.cli.filing import EXIT_PARTIAL
from pynet.files import hashing, incoming, lanecount, messages, part, sending, work
from pynet.files.client import PATIENCE
from pynet.files.progress import Progress, Report
from pynet.files.service import register
from pynet.files.shares import Shares
from pynet.files.transfer import Transfer
from tests.docs.pages import DOCS, Place, entries

PAGE = (DOCS / "files.md").read_text()
PROSE = " ".join(PAGE.split())


@pytest.mark.programs
def test_commands_print_what_the_page_says(tmp_path: Path) -> None:
    place = Place("files.md", tmp_path)
    try:
        place.device()
        seen: dict[str, int] = {}
        for block in place.blocks:
            for command, _ in entries(block.text) if block.language == "console" else ():
                place.run(command, seen.setdefault(command, 0))
                seen[command] += 1
        assert len(seen) == 6
        came = sorted(
            str(p.relative_to(tmp_path / "inbox")) for p in tmp_path.glob("inbox/**/*.csv")
        )
        assert came == ["checked/2026-11/drive.csv", "checked/2026-11/raw/imu.csv"]
    finally:
        place.close()


def test_the_line_is_what_a_terminal_shows() -> None:
    progress = Progress("running", 212, 308, 137 << 20, 310 << 20, True, 91e6, 2.2)
    assert f"\n{line(progress, 79)}\n" in PAGE


def test_names_of_attributes_are_those_of_the_code() -> None:
    for kind in (Progress, Report):
        (row,) = [row for row in PAGE.splitlines() if all(f"`{n}`" in row for n in fields(kind))]
        assert row.startswith("| `")
    for name in re.findall(r"`(\w+)\([\w=]*\)`", PAGE):
        assert hasattr(Transfer, name), name


def fields(kind: type) -> list[str]:
    return list(kind.__dataclass_fields__)  # type: ignore[attr-defined]


def test_numbers_are_those_of_the_code() -> None:
    mib = 1024 * 1024
    for number, text in (
        (EXIT_PARTIAL, "| {} | some files did not travel"),
        (messages.SMALL // 1024, "a file larger than {} KiB goes on"),
        (part.SYNC_BYTES // mib, "durable each {} MiB or each second"),
        (2 * part.SYNC_BYTES // mib, "at most {} MiB of what was written"),
        (work.WINDOW // mib, "and {} MiB that were on their way"),
        (int(PATIENCE), "it is `reconnecting`, for {} s"),
        (lanecount.SHORT_JOB // mib, "Up to {} MiB over a long way"),
        (int(1000 * lanecount.LONG_WAY), "two over a way of {} ms"),
        (int(lanecount.DOUBT), "doubted after {} s"),
        (int(lanecount.LOOK_AGAIN), "at most after {} s"),
        (sending.AT_A_TIME, "what it finds, {} at a time"),
        (work.PACK // 1024, "small files ({} KiB or"),
        (work.MOST_IN_PACK, "or {} of them)"),
        (hashing.LEAF // mib, "the *leaves* ({} MiB)"),
    ):
        assert text.format(number) in PROSE, text
    assert part.SYNC_SECONDS == 1.0
    assert incoming.KEPT_FOR == 7 * 24 * 3600
    assert (lanecount.FIRST_NEAR, lanecount.FIRST_FAR, lanecount.MOST) == (1, 2, 8)
    assert lanecount.WORTH == 0.1


def test_the_messages_of_the_protocol_are_those_of_the_code() -> None:
    table = (DOCS / "protocol.md").read_text().split("| word | said by | followed by |")[1]
    told = re.findall(r"^\| `(\w+)` \| ([\w ]+) \| ", table.partition("\n\n")[0], re.MULTILINE)
    source = Path(messages.__file__).read_text()
    found = re.findall(
        r'^[A-Z]+ = "(\w+)"\n"""(Source|Destination|Controller):', source, re.MULTILINE
    )
    assert [(word, who.capitalize()) for word, who in told] == found
    heads = re.findall(r"^\| `\[(\d), ", (DOCS / "protocol.md").read_text(), re.MULTILINE)
    assert list(map(int, heads)) == [messages.PIECE_FRAME, messages.PACK_FRAME]


def test_the_subroutines_of_the_protocol_are_those_of_the_code() -> None:
    with Gateway(port=0, insecure=True) as gateway:
        register(gateway, Shares())
        offered = [(row["name"], _kind(row)) for row in gateway.registry.describe()]
    table = (DOCS / "protocol.md").read_text()
    assert sorted(offered) == sorted(
        re.findall(r"^\| `(files\.\w+)` \| ([\w, ]+) \|", table, re.MULTILINE)
    )


def _kind(row: dict[str, Any]) -> str:
    return "batch, yields" if row.get("yields") else str(row["kind"])
