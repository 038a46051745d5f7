"""Transfers for real, of next to nothing; how fast they are is for benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.files.contenders import Carry, Contender, Used, chosen
from benchmarks.files.contenders.http import ARIA2_8, PYTHON_HTTP
from benchmarks.files.contenders.pipes import CP, TAR
from benchmarks.files.contenders.raw import raw
from benchmarks.files.contenders.rsync import RSYNC
from benchmarks.files.contenders.ssh import RSYNC_SSH, SCP_AES
from benchmarks.files.contest import Contest, Goal, verdict
from benchmarks.files.ends import Ends
from benchmarks.files.meter import Meter
from benchmarks.files.moves import moved
from benchmarks.files.processes import Failed, Program, timed
from benchmarks.files.room import difference, landed
from benchmarks.files.sets import MIB, Work, large, small
from benchmarks.harness import Report, Target

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts as Linux does")

PEERS = (RSYNC, SCP_AES, RSYNC_SSH, TAR, CP, ARIA2_8, PYTHON_HTTP)
RAW = (raw(1), raw(3), raw(3, warm=True), raw(2, congestion="reno"))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    source = small(tmp_path, "x", 130).source
    (source / "empty").touch()
    (source / "large.bin").write_bytes(os.urandom(3 * MIB + 5))
    (source / "deep" / "er").mkdir(parents=True)
    (source / "deep" / "er" / "middling.bin").write_bytes(os.urandom(300_000))
    return Work.of("some", source)


def quiet_report(**settings: object) -> Report:
    return Report("files.x", busy_before=0.0, **settings)


@pytest.mark.parametrize("contender", [*RAW, *PEERS], ids=lambda one: one.name)
def test_contenders_carry_a_tree(contender: Contender, tmp_path: Path, work: Work) -> None:
    if reason := contender.why_not():
        pytest.skip(reason)
    contest = Contest(quiet_report(), work, 30.0)
    contest.run([contender], Ends(tmp_path), 2)
    assert contest.failed == {}
    assert [used.stopped for used in contest.used[contender.name]] == [False, False]


def test_the_congestion_control_that_sent_is_told(tmp_path: Path, work: Work) -> None:
    contest = Contest(quiet_report(), work, 30.0)
    contest.run([raw(2, congestion="reno")], Ends(tmp_path))
    assert contest.used["raw-2-reno"][0].facts == {"congestion": ["reno"]}


# ---- sets --------------------------------------------------------------------------------------


def test_sets_are_the_same_each_time(tmp_path: Path) -> None:
    rooms = [tmp_path / name for name in ("one", "other")]
    for room in rooms:
        room.mkdir()
        assert small(room, "x", 120).files == 120
        assert large(room, "x", MIB + 3).bytes == MIB + 3
    assert difference(*rooms) is None
    assert all(1 << 10 <= path.stat().st_size <= 16 << 10 for path in rooms[0].rglob("*.dat"))


def test_a_difference_is_found(tmp_path: Path, work: Work) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(work.source, copy)
    assert difference(work.source, copy) is None
    (copy / "large.bin").write_bytes((work.source / "large.bin").read_bytes()[:-1] + b"!")
    assert difference(work.source, copy) == "large.bin has another content"
    (copy / "empty").unlink()
    assert difference(work.source, copy) == "1 files are at one end only, such as empty"


def test_what_was_moved_may_lie_deeper(tmp_path: Path, work: Work) -> None:
    target = tmp_path / "target"
    shutil.copytree(work.source, target / "car" / "recordings")
    assert moved(work.source, target) is None
    shutil.rmtree(target / "car" / "recordings" / "000")
    assert moved(work.source, target) is not None


def test_holes_have_not_landed(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(10 * MIB)
        file.write(bytes(MIB))
    assert landed(tmp_path) == MIB


# ---- programs ----------------------------------------------------------------------------------


def test_a_command_that_takes_too_long_is_stopped_with_its_children() -> None:
    done = timed(["sh", "-c", "sleep 600 & echo $!; wait"], 0.3)
    assert done.stopped
    state = Path(f"/proc/{int(done.said)}/stat")
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        os.sched_yield()


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(Failed, match="sh failed: no luck"):
        timed(["sh", "-c", "echo first; echo no luck >&2; exit 3"], 30.0)


def test_a_program_that_does_not_listen_says_why() -> None:
    with pytest.raises(Failed, match="sh does not listen: no port"):
        Program(["sh", "-c", "echo no port; exit 1"], 9)


def test_processor_time_counts_that_of_children() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    script = f'{sys.executable} -c "{burn}"; echo done; exec cat /dev/zero > /dev/null'
    with Program(["sh", "-c", script], None) as running:
        while running.cpu < 0.2:
            assert not running.has_ended()


# ---- contests ----------------------------------------------------------------------------------


def by_half(stopped: bool) -> Contender:
    @contextlib.contextmanager
    def opener(_: Ends) -> Iterator[Carry]:
        def carry(source: Path, target: Path, limit: float) -> Used:
            name = "large.bin"
            content = (source / name).read_bytes()
            (target / name).write_bytes(content[: len(content) // 2])
            return Used(limit, 0.1, 0.2, stopped)

        yield carry

    return Contender("half", opener)


def test_the_time_of_what_was_stopped_is_computed(tmp_path: Path) -> None:
    contest = Contest(quiet_report(), large(tmp_path, "x", 2 * MIB), 10.0)
    contest.run([by_half(stopped=True)], Ends(tmp_path))
    assert contest.figures()["half"]["seconds"] == pytest.approx(20.0)
    assert contest.used["half"][0].facts == {"stopped_at": 10.0}


def test_who_loses_bytes_is_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = quiet_report()
    contest = Contest(report, large(tmp_path, "large", 2 * MIB), 10.0)
    contest.run([by_half(stopped=False), CP, Contender("no", by_half(True).opener, ("no-such",))],
                Ends(tmp_path), 2)  # fmt: skip
    contest.tell([Goal("cp", "seconds", Target(0.0, of_ratio=False), "half")], ["seconds"])
    told = {figure["of"]: figure for figure in report.figures}
    assert told["half (large)"]["missing"] == "what came differs: large.bin has another content"
    assert told["no (large)"]["missing"] == "not installed: no-such"
    assert told["cp"]["ok"] is False
    assert "MISSED" in capsys.readouterr().err


def test_verdicts_name_whom_they_are_beside() -> None:
    figures = {"pynet": {"seconds": 1.1}, "rsync": {"seconds": 1.0}}
    goal = Goal("pynet", "seconds", Target(1.3), "rsync")
    assert verdict(goal, figures) == "seconds 1.10 x (<= 1.3 x rsync): met"
    assert "not measured" in verdict(Goal("pynet", "lanes", Target(2, of_ratio=False)), figures)


def test_only_names_contenders() -> None:
    assert chosen(PEERS, quiet_report(only=("cp", "nobody"))) == (CP,)
    with pytest.raises(ValueError, match="none of nobody takes part"):
        chosen(PEERS, quiet_report(only=("nobody",)))


def test_a_meter_finds_the_full_rate_again() -> None:
    meter = Meter("lo", os.getpid())
    # 100 bytes a second for 10 s, then nothing for 2 s, then as before.
    for tenth in range(200):
        moved_until = min(tenth, 100) + max(0, tenth - 120)
        meter._samples.append((tenth / 10, 10 * moved_until))
    assert meter.rate(2.0, 8.0) == pytest.approx(100.0)
    assert meter.seconds_until(100.0, 10.0, 19.0) == pytest.approx(1.9, abs=0.06)
    assert meter.seconds_until(200.0, 10.0, 19.0) == 9.0
