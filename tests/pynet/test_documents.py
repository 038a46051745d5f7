"""What docs/ prints is true: tables are compared with the code, every example is run.

``python -m tests.pynet.test_documents`` writes the generated tables anew.

The examples of docs/tutorial.md, by the comment before the block:

=====================  =======================================================================
``<!-- NAME.py -->``   a piece of that file; ``device.py`` is served by ``pynet serve``
``<!-- laptop -->``    run here, one after the other, in one namespace; a text block that
                       follows is what it prints
``<!-- test_... -->``  a file that pytest runs
console blocks         each ``$`` line is run, the rest is its output; ``...`` is anything
sh blocks              the one that serves the device
=====================  =======================================================================
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pynet import DEFAULT_PORT, Limits
from pynet.errors import TRAVELLING
from pynet.policy import Policy, keep_last, latest, reliable
from pynet.wire.frames import HEADER, PREAMBLE, Kind
from pynet.wire.states import TABLE, Side
from tests.docs.pages import DOCS, ROOT, Block, blocks, environment, matches

PROTOCOL, TUTORIAL = DOCS / "protocol.md", DOCS / "tutorial.md"

# ---- docs/protocol.md --------------------------------------------------------------------


def states_table() -> str:
    lines = ["| state | the Controller may send | the Gateway may send |", "|---|---|---|"]
    for state, senders in TABLE.items():
        cells = [
            ", ".join(
                f"`{Kind(kind).name}`" + (f" → {after.name}" if after is not state else "")
                for kind, after in senders[side].items()
            )
            for side in (Side.CONTROLLER, Side.GATEWAY)
        ]
        lines.append(f"| {state.name} | {cells[0] or '-'} | {cells[1] or '-'} |")
    return "\n".join([*lines, "", "A kind without an arrow leaves the state as it is."])


def errors_table() -> str:
    lines = ["| class | meaning |", "|---|---|"]
    for name, cls in TRAVELLING.items():
        lines.append(f"| `{name}` | {(cls.__doc__ or '').partition(chr(10))[0]} |")
    return "\n".join(lines)


GENERATED = {"states": states_table, "errors": errors_table}


def section(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- generated: {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table that begins with that head."""
    start = text.index(head)
    lines = text[start:].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_tables_equal_the_code(name: str) -> None:
    found = section(name).search(PROTOCOL.read_text())
    assert found is not None
    assert found[0] == f"\n{GENERATED[name]()}\n\n"


def test_every_kind_is_listed() -> None:
    listed = rows(PROTOCOL.read_text(), "| number | kind |")
    assert [(int(row[0]), row[1]) for row in listed] == [(kind.value, kind.name) for kind in Kind]


def test_kinds_are_sent_by_whom_the_table_says() -> None:
    senders: dict[str, set[str]] = {}
    for sides in TABLE.values():
        for side, kinds in sides.items():
            for kind in kinds:
                senders.setdefault(Kind(kind).name, set()).add(side.value.capitalize())
    for _, kind, who, _ in rows(PROTOCOL.read_text(), "| number | kind |"):
        expected = senders.get(kind, {"Controller", "Gateway"})
        assert (
            who == expected.copy().pop() if len(expected) == 1 else who.startswith(("both", "the "))
        )


def test_the_header_is_as_the_code_packs_it() -> None:
    text = PROTOCOL.read_text()
    fields = [row for row in rows(text, "| offset | size |") if row[1].isdigit()]
    offset = 0
    for row in fields:
        assert int(row[0]) == offset
        offset += int(row[1])
    assert offset == HEADER.size
    code = {"1": "B", "2": "H", "4": "I", "8": "Q"}
    assert HEADER.format == ">" + "".join(code[row[1]] for row in fields)
    assert PREAMBLE[:6].hex(" ") in text


def test_numbers_are_those_of_the_code() -> None:
    text = PROTOCOL.read_text()
    names = re.findall(r"^\| `(pynet\.[\w.]+)` \| (\S+) \|", text, re.MULTILINE)
    assert names
    for name, value in names:
        module, _, attribute = name.rpartition(".")
        assert getattr(importlib.import_module(module), attribute) == float(value), name


def test_limits_are_the_defaults() -> None:
    listed = {row[0]: float(row[1]) for row in rows(PROTOCOL.read_text(), "| limit | default |")}
    assert listed == dataclasses.asdict(Limits())


def test_policies_are_what_is_sent() -> None:
    def described(policy: Policy) -> list[str]:
        return [str(part) for part in policy.pack()]

    listed = {row[0]: row[1:5] for row in rows(PROTOCOL.read_text(), "| policy | kind |")}
    assert listed["latest"] == described(latest)
    assert listed["reliable"] == described(reliable)
    assert described(keep_last(8)) == ["keep_last", "8", "8", "items"]
    assert described(keep_last(1))[2] == "2"


# ---- every document ----------------------------------------------------------------------


@pytest.mark.parametrize("document", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", ["architecture.md", "files.md", "protocol.md", "tutorial.md"])
def test_modules_that_are_named_exist(document: str) -> None:
    for name in re.findall(r"`((?:pynet|pi_agent|rcapp)/[\w/.]*)`", (DOCS / document).read_text()):
        assert (ROOT / name).exists() or (ROOT / f"{name}.py").exists(), name


# ---- docs/tutorial.md --------------------------------------------------------------------


class Place(NamedTuple):
    """A folder with the files of the tutorial, and the device that is served in it."""

    folder: Path
    address: str

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=environment(),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    for block in blocks(TUTORIAL):
        if block.label.endswith(".py"):
            with (tmp_path / block.label).open("a") as file:
                file.write(f"{block.text}\n\n")
    (serve,) = [block.text.split() for block in blocks(TUTORIAL) if block.language == "sh"]
    assert serve[0] == "pynet"
    with subprocess.Popen(
        [sys.executable, "-m", *serve, "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as device:
        try:
            assert device.stdout is not None
            line = device.stdout.readline()
            if not line:
                pytest.fail(device.communicate()[1])
            yield Place(tmp_path, line.split(" listens on ")[1].split()[0])
        finally:
            device.terminate()
            device.communicate(timeout=20)


def test_every_block_of_the_tutorial_is_of_a_kind_that_is_run() -> None:
    previous = Block("", "", "", 0)
    for block in blocks(TUTORIAL):
        where = f"tutorial.md, line {block.line}"
        if block.language == "python":
            assert block.label == "laptop" or block.label.endswith(".py"), where
        elif block.language == "text":
            assert previous.label == "laptop", where
        else:
            assert block.language in ("sh", "console"), where
        previous = block


def test_the_laptop_of_the_tutorial(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(place.folder)
    here = f"127.0.0.1:{DEFAULT_PORT}"
    namespace: dict[str, Any] = {"__name__": "laptop"}
    output, last = "", None
    try:
        for block in blocks(TUTORIAL):
            if block.label == "laptop":
                source = "\n" * block.line + block.text.replace(here, place.address)
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(compile(source, "docs/tutorial.md", "exec"), namespace)
                output, last = printed.getvalue(), block
            elif block.language == "text":
                assert last is not None
                assert output.strip() == block.text.strip(), f"tutorial.md, line {last.line}"
    finally:
        if "controller" in namespace:
            namespace["controller"].close()
        sys.modules.pop("telemetry", None)


def test_the_command_line_of_the_tutorial(place: Place) -> None:
    here = f"127.0.0.1:{DEFAULT_PORT}"
    (console,) = [block for block in blocks(TUTORIAL) if block.language == "console"]
    for entry in re.split(r"^\$ ", console.text, flags=re.MULTILINE)[1:]:
        line, _, expected = entry.replace(here, place.address).partition("\n")
        done = place.command(*shlex.split(line))
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert matches(expected, done.stdout), f"{line} printed:\n{done.stdout}"


def test_the_tests_of_the_tutorial_pass(place: Place) -> None:
    names = [block.label for block in blocks(TUTORIAL) if block.label.startswith("test_")]
    assert names
    done = place.command("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *names)
    assert done.returncode == 0, done.stdout


if __name__ == "__main__":
    written = PROTOCOL.read_text()
    for generated, make in GENERATED.items():
        table = f"\n{make()}\n\n"
        written = section(generated).sub(lambda _, table=table: table, written, count=1)
    PROTOCOL.write_text(written)
