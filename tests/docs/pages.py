"""Pages of docs/ as tests see them: their code blocks, and a folder in which those are run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LONGEST = 40.0
"""Seconds for anything that a page's program does."""


class Block(NamedTuple):
    """One code block of a page; ``label`` is the comment before it."""

    label: str
    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    fence = re.compile(r"(?:<!-- (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [
        Block(found[1] or "", found[2], found[3], text.count("\n", 0, found.start(3)))
        for found in fence.finditer(text)
    ]


def entries(console: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with what it prints."""
    parts = re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def matches(expected: str, output: str) -> bool:
    """Equal, where ``...`` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip("\n").split("..."))
    return re.fullmatch(pattern, output.strip("\n"), re.DOTALL) is not None


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


class Program:
    """A program of a page that runs. One thread reads what it prints, errors too.

    Attributes:
        text: what it has printed so far.
    """

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.words = words
        self.text = ""
        self._more = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._thread = threading.Thread(target=self._read, name="pynet-docs-reader", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self.text += line
                self._more.notify_all()
        with self._more:
            self.text += "\0"
            self._more.notify_all()

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed what matches."""

        def found() -> bool:
            return re.search(pattern, self.text) is not None or self.text.endswith("\0")

        with self._more:
            self._more.wait_for(found, LONGEST)
            match = re.search(pattern, self.text)
            assert match is not None, f"{self.words} did not print {pattern!r}, but:\n{self.text}"
            return match

    def enter(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Press Ctrl-C, and wait for the end."""
        self._process.send_signal(signal.SIGINT)
        self.wait()

    def kill(self) -> None:
        """Take its power away."""
        self._process.kill()
        self.wait()

    def wait(self) -> str:
        """Wait for the end; what it printed in all."""
        self._process.wait(LONGEST)
        self._thread.join()
        self.text = self.text.rstrip("\0")
        return self.text

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Place:
    """A folder with the programs of one page; they meet at a free port of this machine.

    Args:
        page: below docs/.
        folder: for its files.
    """

    def __init__(self, page: str, folder: Path) -> None:
        self.folder = folder
        self.blocks = blocks(DOCS / page)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._programs: list[Program] = []
        for block in self.blocks:
            if block.label.endswith((".py", ".toml")):
                (folder / block.label).write_text(self.here(block.text))

    def here(self, text: str) -> str:
        """A text of the page with the port of this test."""
        return text.replace("1857", str(self.port))

    def start(self, *words: str) -> Program:
        """Start a program: ``device.py``, or ``-m pynet get ...``."""
        program = Program(self.folder, list(words))
        self._programs.append(program)
        return program

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to be so."""
        deadline = time.monotonic() + LONGEST
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            threading.Event().wait(0.02)

    def device(self, name: str = "device.py") -> Program:
        """Start the device's program, and wait until it listens."""
        program = self.start(name)

        def listens() -> bool:
            assert program.status is None, program.wait()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                return False
            return True

        self.until(listens)
        return program

    def shown(self, command: str) -> Iterator[str]:
        """What the page says that a command prints, each time it is given."""
        for block in self.blocks:
            if block.language == "console":
                for line, output in entries(block.text):
                    if line == command:
                        yield self.here(output)

    def check(self, command: str, output: str, time: int = 0) -> None:
        """Compare what a command printed with what the page says that it does."""
        expected = list(self.shown(command))[time]
        assert matches(expected, output), f"{command} printed:\n{output}\nand not:\n{expected}"

    def run(self, command: str, time: int = 0) -> str:
        """Run a command of the page to its end and compare what it prints."""
        words = shlex.split(self.here(command))
        program = self.start(*(words[1:] if words[0] == "python3" else ["-m", *words]))
        output = program.wait()
        self.check(command, output, time)
        return output

    def close(self) -> None:
        for program in reversed(self._programs):
            program.close()
