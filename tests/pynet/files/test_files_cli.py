"""``pynet get``, ``put``, ``df`` and ``ls ROOT/FOLDER`` against a real Gateway's file process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet import Gateway
from pynet.cli import main
from pynet.cli.bar import line, shortened
from pynet.cli.text import amounts, duration, size
from pynet.files.hashing import LEAF
from pynet.files.progress import LaneProgress, Progress
from pynet.testing import CuttableLink

ROOT = Path(__file__).resolve().parents[3]
MOST = 32 * LEAF
Capture = pytest.CaptureFixture[str]

terminals = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """What is shared, with something of each kind."""
    folder = tmp_path / "there"
    (folder / "2026-11" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "2026-11" / "drive.csv").write_bytes(bytes(300_000))
    (folder / "2026-11" / "deep" / "a.txt").write_bytes(b"hi\n")
    (folder / "big.bin").write_bytes(os.urandom(3 * LEAF))
    return folder


@pytest.fixture
def gateway(there: Path, tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "inbox").mkdir()
    with Gateway(port=0, name="bench", heartbeat=0.1) as gateway:
        gateway.share("logs", there)
        gateway.share("inbox", tmp_path / "inbox", write=True)
        yield gateway


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# ---- looking -----------------------------------------------------------------------------


def test_df_tells_roots_and_how_full_disks_are(gateway: Gateway, capsys: Capture) -> None:
    assert main(["df", gateway.address]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "ROOT"
    assert [re.split(" {2,}", row)[:2] for row in rows] == [
        ["inbox", "read and write"],
        ["logs", "read"],
    ]
    assert main(["df", gateway.address, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["write"]) for row in found] == [("inbox", True), ("logs", False)]
    usage = found[0]["usage"]
    assert found[0]["share"] == usage["used"] / (usage["used"] + usage["available"])


def test_ls_lists_a_folder_and_says_what_does_not_travel(
    gateway: Gateway, there: Path, capsys: Capture
) -> None:
    (there / "link").symlink_to("big.bin")
    os.mkfifo(there / "pipe")
    assert main(["ls", gateway.address, "logs"]) == 0
    assert [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()] == [
        "- 2026-11/",
        "- empty/",
        "3.0 MiB big.bin",
        "0 B link (link, does not travel)",
        "0 B pipe (device, pipe or socket, does not travel)",
    ]
    assert main(["ls", gateway.address, "logs/2026-11/", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["kind"], row["size"]) for row in found] == [
        ("deep", "folder", 0),
        ("drive.csv", "file", 300_000),
    ]
    assert found[1]["mtime_ns"] == (there / "2026-11" / "drive.csv").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ls", "HOST", "logs/nowhere"], "logs/nowhere cannot be listed: No such file"),
        (["ls", "HOST", "nope"], "shared with you: 'inbox', 'logs'"),
        (["get", "HOST", "nope/x", "HERE"], "nothing is shared here as 'nope'"),
        (["get", "HOST", "logs/../x", "HERE"], "no part may be empty, '.' or '..'"),
        (["get", "HOST", "logs/", "HERE", "--lanes", "65"], "lanes=65 is not within 1 to 64"),
        (["get", "HOST", "logs/", "HERE", "--match", "("], "is no regular expression"),
        (["put", "HOST", "HERE", "logs"], "'logs' is shared for reading only"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    gateway: Gateway, tmp_path: Path, capsys: Capture, words: list[str], sentence: str
) -> None:
    words = [{"HOST": gateway.address, "HERE": str(tmp_path)}.get(word, word) for word in words]
    assert main(words) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert sentence in errors
    assert errors.startswith("pynet: ")
    assert len(errors.splitlines()) == 1


# ---- transfers ---------------------------------------------------------------------------


def test_get_fetches_and_a_second_time_has_it_all(
    gateway: Gateway, there: Path, tmp_path: Path, capsys: Capture
) -> None:
    here = tmp_path / "here"
    words = ["get", gateway.address, "logs/2026-11", "logs/big.bin", str(here)]
    assert main(words) == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    assert re.fullmatch(
        r"3 files, 3\.3 MiB: 3\.3 MiB sent in \d+\.\d s, \d+\.\d [KM]iB/s\n", out
    ), out
    assert names(here) == ["2026-11/deep/a.txt", "2026-11/drive.csv", "big.bin"]
    assert (here / "big.bin").read_bytes() == (there / "big.bin").read_bytes()
    assert main(words) == 0
    assert capsys.readouterr().out == "3 files, 3.3 MiB: all of it was there already\n"


def test_json_tells_everything_and_a_link_makes_it_partial(
    gateway: Gateway, there: Path, tmp_path: Path, capsys: Capture
) -> None:
    (there / "2026-11" / "link").symlink_to("/etc")
    words = ["get", gateway.address, "logs/2026-11", str(tmp_path / "here")]
    assert main([*words, "--json"]) == 6
    out, errors = capsys.readouterr()
    found = json.loads(out)
    assert (found["files"], found["bytes"], found["arrived"]) == (2, 300_003, 300_003)
    assert found["problems"] == [
        {"name": "2026-11/link", "code": "link",
         "text": "2026-11/link is a link; links are not followed"},
    ]  # fmt: skip
    assert errors == ""
    (there / "2026-11" / "more.txt").write_bytes(b"1")
    assert main(words) == 6
    out, errors = capsys.readouterr()
    assert out.startswith("3 files, 293.0 KiB: 1 B sent in ")
    assert out.endswith(", 2 files were there already\n")
    assert errors == "pynet: 2026-11/link is a link; links are not followed\n"


def test_what_is_not_there_is_told(gateway: Gateway, tmp_path: Path, capsys: Capture) -> None:
    assert main(["get", gateway.address, "logs/nowhere", str(tmp_path / "here")]) == 6
    assert capsys.readouterr().err == "pynet: there is no nowhere\n"


def test_match_and_conflict_are_passed_on(
    gateway: Gateway, tmp_path: Path, capsys: Capture
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "a.txt").write_bytes(b"another")
    words = ["get", gateway.address, "logs/2026-11/deep/", str(here), "--match", r"\.txt$"]
    assert main([*words, "--conflict", "skip"]) == 6
    assert "conflicts are skipped" in capsys.readouterr().err
    assert main(words) == 0
    assert names(here) == ["a (2).txt", "a.txt"]
    assert main([*words, "--conflict", "overwrite"]) == 0
    assert (here / "a.txt").read_bytes() == b"hi\n"


def test_put_sends(gateway: Gateway, there: Path, tmp_path: Path, capsys: Capture) -> None:
    inbox = tmp_path / "inbox"
    assert main(["put", gateway.address, str(there / "2026-11"), "inbox/a"]) == 0
    assert capsys.readouterr().out.startswith("2 files, 293.0 KiB: 293.0 KiB sent in ")
    assert main(["put", gateway.address, str(there / "2026-11") + "/", "inbox/b"]) == 0
    assert names(inbox) == [
        "a/2026-11/deep/a.txt", "a/2026-11/drive.csv", "b/deep/a.txt", "b/drive.csv",
    ]  # fmt: skip


def test_a_dry_run_changes_nothing(
    gateway: Gateway, there: Path, tmp_path: Path, capsys: Capture
) -> None:
    here, inbox = tmp_path / "here", tmp_path / "inbox"
    (there / "2026-11" / "link").symlink_to("/etc")
    assert main(["get", gateway.address, "logs/2026-11", str(here), "--dry-run"]) == 0
    assert [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()] == [
        "3 B 2026-11/deep/a.txt",
        "293.0 KiB 2026-11/drive.csv",
        "2 files, 293.0 KiB; nothing was sent",
    ]
    assert not here.exists()
    words = ["put", gateway.address, str(there / "2026-11"), "inbox", "--dry-run"]
    assert main(words) == 0
    out, errors = capsys.readouterr()
    assert out.splitlines()[-1] == "2 files, 293.0 KiB; nothing was sent"
    assert errors == "pynet: 2026-11/link is a link; links are not followed\n"
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"name": "2026-11/deep/a.txt", "size": 3},
        {"name": "2026-11/drive.csv", "size": 300_000},
    ]
    assert names(inbox) == []


def test_help_has_examples_and_exit_statuses(capsys: Capture) -> None:
    for word in ("get", "put"):
        with pytest.raises(SystemExit) as ended:
            main([word, "--help"])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert f"pynet {word} rover " in out
        assert "6 some files did" in out
        assert max(map(len, out.splitlines())) <= 100


# ---- in a terminal -----------------------------------------------------------------------


class Terminal:
    """``pynet`` with stderr on a pseudo terminal."""

    def __init__(self, columns: int, *words: str) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pynet", *words],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
        )
        os.close(slave)
        self.text = ""

    def read(self) -> bool:
        """Some more; False at the end."""
        try:
            some = os.read(self._master, 65536)
        except OSError:  # nobody writes any more: so Linux says it
            return False
        self.text += some.decode()
        return bool(some)

    def finish(self) -> tuple[int, str]:
        """Exit status and output."""
        while self.read():
            pass
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._master)


@pytest.fixture
def slow(gateway: Gateway, there: Path) -> Iterator[CuttableLink]:
    """A way to a large file that carries 20 to 40 MB/s over each connection."""
    (there / "large.bin").write_bytes(os.urandom(LEAF) * (MOST // LEAF))
    with CuttableLink(gateway.port, delay=0.1) as link:
        yield link


PART = (
    r"\[[#.]{12}\] (...|[ \d]{3}) %"
    r"(  \d+(\.\d)?( of \d+\.\d)? ([KMG]i)?B)?"
    r"(  \d+(\.\d)? ([KMG]i)?B/s)?"
    r"(  (\d+ s|\d+:\d\d min) left)?"
    r"(  \d+(/\d+)? files?)?"
    r"(  \d lanes?)?"
)


@terminals
def test_the_line_in_a_terminal_is_whole_words(
    slow: CuttableLink, there: Path, tmp_path: Path
) -> None:
    here = str(tmp_path / "here")
    with Terminal(80, "get", slow.address, "logs/large.bin", here, "--lanes", "1") as terminal:
        status, out = terminal.finish()
        shown = terminal.text.rstrip("\r\n").split("\r")
    assert (status, out.startswith("1 file, 32.0 MiB: 32.0 MiB sent in ")) == (0, True)
    assert shown[0] == ""
    lines = [text.rstrip() for text in shown[1:]]
    assert {len(text) for text in shown[1:]} == {79}
    for text in lines:
        assert text == "looking for what there is" or re.fullmatch(PART, text), text
    assert any(" left  0/1 files  1 lane" in text for text in lines), lines
    assert lines[-1] == "[############] 100 %  32.0 MiB  1 file"


@terminals
def test_ctrl_c_says_how_to_go_on_and_so_it_goes_on(
    slow: CuttableLink, gateway: Gateway, there: Path, tmp_path: Path, capsys: Capture
) -> None:
    here = str(tmp_path / "here")
    words = ["get", slow.address, "logs/large.bin", here, "--lanes", "1"]
    with Terminal(80, *words) as terminal:
        while not re.search(r"\] +[1-9]\d? %", terminal.text):
            assert terminal.read(), terminal.text
        terminal.process.send_signal(signal.SIGINT)
        status, out = terminal.finish()
        last = terminal.text.splitlines()[-1]
    assert (status, out) == (130, "")
    found = re.fullmatch(
        r"pynet: stopped at (\d+\.\d) of 32\.0 MiB; the same command goes on from there", last
    )
    assert found is not None, terminal.text
    assert names(tmp_path / "here") == [
        name for name in names(tmp_path / "here") if name.startswith(".pynet-incoming/")
    ]
    assert main(["get", gateway.address, "logs/large.bin", here, "--json"]) == 0
    arrived = json.loads(capsys.readouterr().out)["arrived"]
    assert 0 < arrived <= MOST - (float(found[1]) - 0.1) * LEAF
    assert (tmp_path / "here" / "large.bin").read_bytes() == (there / "large.bin").read_bytes()


# ---- the line itself ---------------------------------------------------------------------


def at(state: str, **more: Any) -> Progress:
    return Progress(
        state, 212, 308, 137 << 20, 310 << 20, True, 91e6, 2.2,
        tuple(LaneProgress(number, 0, 0.0) for number in range(4)),
    ) if not more else Progress(state, **more)  # fmt: skip


LOST = Progress(
    "reconnecting", 9, 12, 5 << 20, 9 << 20, True,
    note="127.0.0.1:1857 was not heard of for 2 s; it is called again",
)  # fmt: skip


@pytest.mark.parametrize(
    ("progress", "width", "text"),
    [
        (at("running"), 79, ("[#####.......]  44 %  137.0 of 310.0 MiB  86.8 MiB/s  2 s left  "
                             "212/308 files")),
        (at("running"), 60, "[#####.......]  44 %  137.0 of 310.0 MiB  86.8 MiB/s"),
        (at("running"), 30, "[#####.......]  44 %"),
        (at("running"), 120, ("[############................]  44 %  137.0 of 310.0 MiB  "
                              "86.8 MiB/s  2 s left  212/308 files  4 lanes")),
        (at("paused"), 79, "[#####.......]  44 %  137.0 of 310.0 MiB  paused  212/308 files"),
        (at("failed"), 79, "[#####.......]  44 %  137.0 of 310.0 MiB  failed  212/308 files"),
        (at("listing", files=0), 79, "looking for what there is"),
        (at("running", files=3, files_total=5, bytes=9, bytes_total=90), 79,
         "[............] ... %  9 of 90 B  0 B/s  3/5 files"),
        (at("running", files_total=2, total_known=True), 79,
         "[............]   0 %  0 of 0 B  0 B/s  0/2 files"),
        (at("done", files=308, bytes=5 << 40), 79, "[############] 100 %  5.0 TiB  308 files"),
        (LOST, 79, ("[######......]  55 %  5.0 of 9.0 MiB  reconnecting  127.0.0.1:1857 was "
                   "not...")),
        (LOST, 200, ("[###############.............]  55 %  5.0 of 9.0 MiB  reconnecting  "
                     "127.0.0.1:1857 was not heard of for 2 s; it is called again")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_left_out_as_a_whole(
    progress: Progress, width: int, text: str
) -> None:
    assert line(progress, width) == text
    assert len(text) <= width


def test_sentences_are_cut_after_a_word() -> None:
    assert shortened("two words", 9) == "two words"
    assert shortened("two words", 8) == "two..."
    assert shortened("word", 3) == ""


def test_amounts_have_no_four_digits() -> None:
    counts = (0, 1023, 1024, 1023 * 1024, 3 << 20, (1 << 30) - 1, 7 << 40)
    assert [size(n) for n in counts] == [
        "0 B", "1023 B", "1.0 KiB", "1.0 MiB", "3.0 MiB", "1.0 GiB", "7.0 TiB",
    ]  # fmt: skip
    assert amounts(1 << 20, 1 << 30) == "0.0 of 1.0 GiB"


def test_times_are_as_exact_as_anybody_wants() -> None:
    assert [duration(s) for s in (0.4, 59.4, 59.6, 3599, 3600, 90_000, 1e6)] == [
        "0 s", "59 s", "1:00 min", "59:59 min", "1:00 h", "25:00 h", "11 days",
    ]  # fmt: skip
