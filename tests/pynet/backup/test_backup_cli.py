"""``pynet backup`` against a real Gateway's file process and a small disk that is full."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet import Gateway
from pynet.backup import Policy
from pynet.cli import main
from pynet.cli.backup_options import folder_of, percent, policy_of, span
from pynet.cli.parser import build_parser
from pynet.errors import ConfigurationError
from tests.pynet.backup.conftest import MIB, Scene

ROOT = Path(__file__).resolve().parents[3]
Capture = pytest.CaptureFixture[str]
FLOOR = ("--floor", "0B")

terminals = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")


class Command:
    """``pynet backup ACTION HOST rec --to FOLDER ...``, in this process."""

    def __init__(self, scene: Scene, capture: Capture) -> None:
        self._scene = scene
        self._capture = capture

    def words(self, action: str, *more: str) -> list[str]:
        host = () if action == "history" else (self._scene.gateway.address, "rec")
        floor = FLOOR if action in ("plan", "run", "watch", "status") else ()
        return ["backup", action, *host, *more, "--to", str(self._scene.home), *floor]

    def __call__(self, action: str, *more: str) -> tuple[int, str, str]:
        """Exit status, output, errors."""
        status = main(self.words(action, *more))
        return status, *self._capture.readouterr()

    def json(self, action: str, *more: str) -> Any:
        _, out, _ = self(action, *more, "--json")
        return json.loads(out)


@pytest.fixture
def backup(scene: Scene, capsys: Capture) -> Command:
    return Command(scene, capsys)


# ---- words -------------------------------------------------------------------------------


def parsed(*words: str) -> argparse.Namespace:
    return build_parser().parse_args(["backup", "plan", "car", "rec", *words])


def test_options_are_a_policy(tmp_path: Path) -> None:
    assert policy_of(parsed()) == Policy()
    policy = policy_of(
        parsed(
            "--high", "80", "--low=30%", "--min-age", "2h", "--keep-newest", "5", "--keep-days",
            "1.5", "--protect", "maps/**", "--protect=*.csv", "--group", "tub*", "--floor", "20GiB",
        )
    )  # fmt: skip
    assert policy == Policy(
        high=0.8, low=0.3, min_age=7200.0, keep_newest=5, keep_days=1.5,
        protect=(*Policy().protect, "maps/**", "*.csv"), groups=("tub*",),
        floor_bytes=20 << 30, floor_share=0.0,
    )  # fmt: skip
    file = tmp_path / "backup.toml"
    file.write_text('high = 0.9\nprotect = ["*.db"]\ngroups = ["tub*"]\n')
    policy = policy_of(parsed("--policy", str(file), "--protect", "x", "--floor", "15%"))
    assert policy == Policy(
        high=0.9, protect=("*.db", "x"), groups=("tub*",), floor_share=0.15, floor_bytes=0
    )
    assert [span(text) for text in ("90", "90s", "10m", "2h", "3d")] == [
        90, 90, 600, 7200, 259_200,
    ]  # fmt: skip
    assert percent("74.99") == 0.7499


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hihg = 0.8", "backup: nothing is called hihg; did you mean high?"),
        ("high = 80", "backup: high = 80 must be from 0.01 to 1; write 75 % as 0.75"),
        ("high = 0.2", "backup: low = 0.25 must be below high = 0.2; lower it, to 0.07"),
        ('protect = "*.db"', 'must be a list of patterns; write ["*.db", "keep/**"]'),
        ("high", "is no TOML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_wrong_policy_is_told_with_file_key_and_remedy(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    file = tmp_path / "backup.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        policy_of(parsed("--policy", str(file)))
    assert str(file) in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--high", "750"], "750 is no percentage"),
        (["--min-age", "long"], "long is no time; write 90s, 10m, 2h or 3d"),
        (["--floor", "much"], "much is no amount; write 20GiB or 15% for example"),
        (["--keep-newest", "-1"], "-1 is no number of files"),
    ],
)
def test_wrong_words_are_refused(words: list[str], sentence: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)
    assert sentence in capsys.readouterr().err


def test_files_go_to_the_documents_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_documents_dir", lambda: str(tmp_path))
    assert folder_of(parsed()) == tmp_path / "pynet backup"
    assert folder_of(parsed("--to", "x")) == Path("x")


def test_help_tells_the_exit_statuses(capsys: Capture) -> None:
    for action in ("plan", "run", "watch", "status", "history", "restore"):
        with pytest.raises(SystemExit):
            main(["backup", action, "--help"])
        assert "6    done, but files that were to move stayed" in capsys.readouterr().out


# ---- plan and run ------------------------------------------------------------------------


def test_a_plan_tells_what_moves_what_stays_and_moves_nothing(
    scene: Scene, backup: Command
) -> None:
    names = scene.fill(24)
    for number in range(6):
        scene.write(f"maps/{number}.db", MIB // 4, 200_000)
    scene.write("system.db", MIB, 200_000)
    status, out, errors = backup("plan", "--high", "70")
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0] == ("rec is 82.8 % full, 26.5 MiB of 32.0 MiB; files move at 70 %, until 25 %")
    assert lines[1] == f"to {scene.home}/rover/rec"
    assert re.split(" {2,}", lines[3]) == ["NAME", "AGE", "SIZE", "THEN"]
    assert re.split(" {2,}", lines[4]) == [names[0], "27:46 h", "1.0 MiB", "79.7 %"]
    assert "19 files, 19.0 MiB; then it is 23.4 % full" in lines
    assert "  protected: 7, 2.5 MiB on the disk" in lines
    assert "    maps/0.db: protected by '*.db*'" in lines
    assert "    ... 4 more, which --all lists" in lines
    assert scene.there() == sorted([*names, "system.db", *[f"maps/{n}.db" for n in range(6)]])
    assert len(backup("plan", "--all", "--high", "70")[1].splitlines()) == len(lines) + 3
    found = backup.json("plan")
    assert [file["name"] for file in found["files"]] == names[:19]
    assert {(one["code"], one["name"]) for one in found["stays"]} >= {("protected", "system.db")}
    assert found["status"] == "ready"
    assert found["to"] == f"{scene.home}/rover/rec"


def test_the_policy_that_a_car_suggests_is_taken_unless_told_otherwise(
    scene: Scene, backup: Command
) -> None:
    suggested: dict[str, Any] = {"high": 0.6, "low": 0.5, "groups": ["tub*"]}

    @scene.gateway.batch
    def backup_policy(root: str) -> dict[str, Any]:
        return suggested if root == "rec" else {}

    found = backup.json("status")["policy"]
    assert (found["high"], found["low"], found["groups"]) == (0.6, 0.5, ["tub*"])
    found = backup.json("status", "--low", "40", "--group", "day*")["policy"]
    assert (found["high"], found["low"], found["groups"]) == (0.6, 0.4, ["tub*", "day*"])
    suggested["hihg"] = 1
    status, _, errors = backup("plan")
    assert status == 1
    assert "what the device suggests: backup: nothing is called hihg; did you mean high?" in errors


def test_a_long_plan_is_shortened_and_groups_are_one_row(scene: Scene, backup: Command) -> None:
    for group in range(30):
        for part in range(2):
            scene.write(f"tub{group:02}/{part}.jpg", MIB * 4 // 10, 90_000 - 100 * group)
    _, out, _ = backup("plan", "--group", "tub*", "--low", "5")
    assert "tub00/ (2 files)" in out
    assert "... 4 more (--all)" in out
    assert len(re.findall(r"^tub", out, re.MULTILINE)) == 25


def test_nothing_to_do_and_what_cannot_be_reached_have_exit_statuses(
    scene: Scene, backup: Command, tmpfs: Callable[[int], Path]
) -> None:
    scene.fill(10)
    status, out, _ = backup("plan")
    assert (status, out.splitlines()[-1]) == (3, "nothing has to move")
    scene.write("system.db", 16 * MIB, 200_000)
    status, out, _ = backup("plan")
    assert status == 4
    assert "25 % cannot be reached: lowest 50.0 %; 0 B lie outside the root" in out
    status, out, _ = backup("run", "--yes")
    assert status == 4
    assert "10 files, 10.0 MiB moved in" in out
    assert "25 % cannot be reached: all that may move has" in out
    (scene.disk / "system.db").unlink()
    scene.content.clear()
    scene.fill(first=100)
    scene.home = tmpfs(4 * MIB)
    status, out, _ = backup("plan")
    assert status == 5
    assert "25 % cannot be reached now: the disk here is to keep nothing free (--floor)" in out
    status, out, _ = backup("run", "--yes")
    assert status == 5
    assert "25 % was not reached: the disk here is as full as it may get" in out
    scene.nothing_is_lost()


def test_the_first_run_wants_a_yes_and_the_next_none(scene: Scene, backup: Command) -> None:
    names = scene.fill()
    status, out, errors = backup("run")
    assert status == 3
    assert "18 files, 18.0 MiB; then it is 25.0 % full" in out
    assert "nothing was moved, because nobody has agreed to it yet" in errors
    assert "--yes" in errors
    assert scene.there() == names
    assert backup("run", "--dry-run")[0] == 0
    assert scene.there() == names
    status, out, errors = backup("run", "--yes")
    assert (status, errors) == (0, "")
    assert re.fullmatch(
        r"18 files, 18\.0 MiB moved in \d+ s; rec was 81\.2 % full and is 25\.0 % "
        r"\(job [0-9a-f]{16}\)\n",
        out,
    )
    assert scene.here() == names[:18]
    status, out, _ = backup("run")
    assert (status, out) == (3, "nothing had to move: rec is 25.0 % full\n")
    scene.fill(18, first=100)
    assert "at the last run's rate" in backup("plan")[1]
    found = backup.json("run")
    assert (found["verdict"], found["files"], found["kept"]) == ("done", 18, [])
    assert backup("run", "--below", "--low", "20")[0] == 0


def test_files_that_stay_are_told_and_make_it_partial(
    scene: Scene, backup: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pynet.backup.report import BackupReport
    from pynet.cli import backup as commands
    from pynet.files.info import Problem, Usage

    usage = Usage(25, 75)
    kept = (Problem(b"a\x1b.bin", "open", "it is open in another program"),)
    report = BackupReport("j" * 16, "done", 3, 30, 30, Usage(80, 20), usage, 0.1, kept, 1.0)
    monkeypatch.setattr(commands, "follow", lambda transfer, shows: transfer.close() or report)
    scene.fill(2)
    status, out, errors = backup("run", "--yes")
    assert status == 6
    assert out.startswith("3 files, 30 B moved in 1 s; rec was 80.0 % full and is 25.0 %")
    assert errors == "pynet: a\\x1b.bin: it is open in another program\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["plan", "HOST", "nope"], "nothing is shared here as 'nope'; shared with you: 'rec'"),
        (["run", "HOST", "rec", "--lanes", "65"], "lanes=65 is not within 1 to 64"),
        (["watch", "HOST", "rec"], "nobody has agreed yet that files of rec are moved"),
        (["restore", "HOST", "rec", "a"], "'a' is neither a job nor a file that was moved"),
        (["history", "abcdef"], "no job is called 'abcdef'"),
        (["history", "--checksums"], "say of which job"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    scene: Scene, capsys: Capture, words: list[str], sentence: str
) -> None:
    words = [{"HOST": scene.gateway.address}.get(word, word) for word in words]
    assert main(["backup", *words, "--to", str(scene.home)]) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert sentence in errors
    assert len(errors.splitlines()) == 1


# ---- status, history, restore ------------------------------------------------------------


def test_status_history_and_restore(scene: Scene, backup: Command, tmp_path: Path) -> None:
    assert backup("history")[1] == f"nothing was moved to {scene.home} yet\n"
    names = scene.fill(25)
    scene.write("large", 2 * MIB, 300_000)
    _, out, _ = backup("status")
    assert "rec is 84.4 % full, 27.0 MiB of 32.0 MiB; above 75 %" in out
    assert "nothing is moved: nobody has agreed yet" in out
    backup("run", "--yes")
    _, out, _ = backup("status")
    assert "files move at 75 %" in out
    assert "a person has agreed" in out
    found = backup.json("status")
    assert (found["draining"], found["agreed"], found["root"]) == (False, True, "rec")

    head, row = backup("history")[1].splitlines()
    assert re.split(" {2,}", head) == ["JOB", "WHEN", "OF", "FILES", "BYTES", "WHERE"]
    job, _, of, files, amount, where = re.split(" {2,}", row)
    assert (of, files, amount, where) == (
        "rover rec", "18", "19.0 MiB", f"{scene.home}/rover/rec",
    )  # fmt: skip
    assert backup.json("history")[0]["job"] == job
    lines = backup("history", job[:8])[1].splitlines()
    assert len(lines) == 19
    cells = next(re.split(" {2,}", line) for line in lines if line.startswith(names[0]))
    assert cells[0::5] == [names[0], f"rover/rec/{names[0]}"]
    assert cells[3] == "removed"
    assert re.fullmatch("blake3:[0-9a-f]{64}", cells[4])

    manifest = tmp_path / "manifest.json"
    assert backup("history", job, "--manifest", str(manifest)) == (0, "", "")
    assert len(json.loads(manifest.read_text())["files"]) == 18
    assert backup.json("history", job) == json.loads(manifest.read_text())
    status, _, errors = backup("history", job, "--manifest", str(tmp_path / "no" / "x"))
    assert (status, "cannot be written: No such file" in errors) == (1, True)
    done = subprocess.run(
        [sys.executable, "-m", "pynet", *backup.words("history", job, "--checksums")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=True,
    )  # fmt: skip
    assert b"pynet: 1 file above 1 MiB left out" in done.stderr
    sums = dict(reversed(line.split("  ")) for line in done.stdout.decode().splitlines())
    assert sums[f"rover/rec/{names[0]}"] == cells[4].removeprefix("blake3:")
    if shutil.which("b3sum"):
        subprocess.run(["b3sum", "-c"], input=done.stdout, cwd=scene.home, check=True)

    status, out, errors = backup("restore", names[0])
    assert (status, out, errors) == (0, "1 file, 1.0 MiB put back into rec\n", "")
    (scene.home / "rover/rec" / names[1]).unlink()
    status, out, errors = backup("restore", job)
    assert status == 6
    assert "17 files, 18.0 MiB put back into rec" in out
    assert f"the copy rover/rec/{names[1]} is not here any more" in errors
    found = backup.json("restore", f"{job}/{names[1]}")
    assert [problem["code"] for problem in found["problems"]] == ["vanished"]


# ---- processes ---------------------------------------------------------------------------


@contextlib.contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "pynet", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


@terminals
@pytest.mark.parametrize("answer", ["y", "", "no"])
def test_on_a_terminal_a_person_is_asked_once(scene: Scene, backup: Command, answer: str) -> None:
    import pty

    names = scene.fill()
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pynet", *backup.words("run")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=slave, stdout=slave, stderr=slave,
    ) as running:  # fmt: skip
        os.close(slave)
        text = ""
        with contextlib.suppress(OSError):  # nobody writes any more: so Linux says it
            while some := os.read(master, 65536).decode():
                text += some
                if text.endswith("[y/N] "):
                    os.write(master, f"{answer}\n".encode())
                    text += "\n"
        os.close(master)
    assert text.index("18 files, 18.0 MiB") < text.index("Move them, and files of rec from now on?")
    if answer == "y":
        assert running.returncode == 0
        assert "100 %" in text
        assert "18 files, 18.0 MiB moved in" in text
        assert backup("run")[0] == 3
    else:
        assert running.returncode == 3
        assert "nothing was moved" in text
        assert scene.there() == names


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_loses_nothing_and_goes_on(
    scene: Scene, backup: Command, number: signal.Signals
) -> None:
    scene.fill(2600, MIB // 100)
    backup("run", "--high", "99.9", "--yes")
    with process(*backup.words("run", "--lanes", "1")) as running:
        while running.poll() is None and not scene.here():
            continue
        running.send_signal(number)
        _, errors = running.communicate(timeout=20)
    assert running.returncode in (130, 0)
    if running.returncode == 130:
        assert re.fullmatch(r"pynet: stopped; \d+ files? moved, nothing is lost, .*\n", errors)
    scene.nothing_is_lost()
    assert backup("run")[0] in (0, 3)
    scene.nothing_is_lost()
    assert scene.share() <= 0.25


@pytest.mark.parametrize("as_json", [False, True])
def test_watch_waits_for_a_device_that_is_away_and_ends_with_a_signal(
    scene: Scene, backup: Command, as_json: bool
) -> None:
    scene.fill()
    address = scene.gateway.address
    scene.gateway.close()
    words = backup.words("watch", "--yes", "--interval", "0.05", *["--json"] * as_json)
    with process(*words) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        first = running.stdout.readline() if as_json else running.stderr.readline()
        assert "nothing listens on" in first
        with Gateway(port=int(address.rpartition(":")[2]), name="rover") as gateway:
            gateway.share("rec", scene.disk, write=True)
            line = ""
            while "moved" not in line and '"run"' not in line:
                line = running.stdout.readline()
                assert line
            if as_json:
                assert json.loads(line)["verdict"] == "done"
            else:
                assert line.startswith("18 files, 18.0 MiB moved")
            running.terminate()
            running.communicate(timeout=20)
    assert running.returncode == 0
    assert len(scene.here()) == 18
