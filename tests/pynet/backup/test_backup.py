"""Whole backups: a real Gateway's file process, a small disk that is full, and this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pynet.backup import Plan
from pynet.errors import Busy, Cancelled, FilesError, NotShared
from pynet.files.info import shown
from tests.pynet.backup.conftest import MIB, Scene, ran

Until = Callable[..., None]


def planned(plan: Plan) -> list[str]:
    return [info.text for _, info in plan.files]


def reasons(plan: Plan) -> dict[str, str]:
    return {shown(skip.name): skip.code for skip in plan.skipped}


# ---- just enough -------------------------------------------------------------------------


@pytest.mark.parametrize("own_process", [True, False])
def test_a_full_disk_is_emptied_to_the_low_mark_oldest_first_as_planned(
    scene: Scene, own_process: bool
) -> None:
    names = scene.fill()
    backup = scene.backup(own_process)
    plan = backup.plan()
    assert planned(plan) == names[:18]
    assert scene.there() == names
    report = ran(backup.run())
    assert (report.verdict, report.files, report.bytes) == ("done", 18, 18 * MIB)
    assert report.kept == ()
    assert scene.here() == names[:18]
    assert scene.there() == names[18:]
    assert scene.share() <= 0.25 < scene.share() + MIB / report.after.capacity
    assert report.after.share <= 0.25 < report.before.share
    (job,) = backup.history()
    assert (job.id, job.owner, job.source, job.size) == (report.job, "rover", "rec", 18 * MIB)
    assert sorted(map(shown, job.entries)) == names[:18]
    assert {entry.outcome for entry in job.entries.values()} == {"removed"}


def test_below_the_high_mark_nothing_happens_unless_a_person_wants_it(scene: Scene) -> None:
    names = scene.fill(23)
    backup = scene.backup()
    assert planned(backup.plan()) == []
    report = ran(backup.run())
    assert (report.verdict, report.files, report.job) == ("idle", 0, "")
    assert scene.there() == names
    assert backup.history() == []
    assert len(planned(backup.plan(below=True))) == 15
    assert ran(backup.run(below=True)).files == 15
    assert scene.here() == names[:15]


def test_what_was_begun_goes_on_after_a_restart_until_the_low_mark(scene: Scene) -> None:
    names = scene.fill()
    scene.backup(protect=("day/*",))
    report = ran(scene.backup(protect=("day/*",)).run())
    assert (report.verdict, report.files) == ("exhausted", 0)
    for name in names[20:]:
        (scene.disk / name).unlink()
    backup = scene.backup()  # 62 % full: not enough to begin, too much to end
    assert backup.status().draining
    assert planned(backup.plan()) == names[:12]
    assert ran(backup.run()).files == 12
    assert not backup.status().draining
    assert ran(backup.run()).verdict == "idle"


def test_nothing_moves_before_a_person_has_agreed(scene: Scene) -> None:
    from pynet.backup import Backup

    names = scene.fill()
    backup = Backup(scene.car, "rec", scene.home)
    with pytest.raises(FilesError, match=r"nobody has agreed.*plan\(\)"):
        backup.run()
    assert not backup.status().agreed
    assert scene.there() == names
    with pytest.raises(NotShared, match="nothing is shared here as 'recordings'"):
        Backup(scene.car, "recordings", scene.home).plan()


# ---- what stays --------------------------------------------------------------------------


def test_what_stays_is_told_with_its_reason(scene: Scene) -> None:
    scene.fill(10)
    scene.write("notes.db", age=200_000)
    scene.write("young.bin", age=60)
    scene.write("tomorrow.bin", age=-86_400)
    scene.write("mine.bin", age=200_000)
    scene.write("kept/a.bin", age=200_000)
    scene.write("kept/.pynet-keep", 0)
    scene.write("two.bin", age=200_000)
    os.link(scene.disk / "two.bin", scene.disk / "names.bin")
    (scene.disk / "link.bin").symlink_to("two.bin")
    scene.write("open.bin", age=200_000)
    before = scene.there()
    backup = scene.backup(high=0.3, low=0.05, protect=("*.db*", "/mine.bin"))
    with (scene.disk / "open.bin").open("ab"):
        plan = backup.plan()
        assert reasons(plan).items() >= {
            "notes.db": "protected", "young.bin": "young", "tomorrow.bin": "future",
            "mine.bin": "protected", "kept/a.bin": "kept", "two.bin": "linked",
            "names.bin": "linked", "link.bin": "link", "open.bin": "open",
        }.items()  # fmt: skip
        assert any("dates in the future" in warning for warning in plan.warnings)
        report = ran(backup.run())
    assert report.verdict == "exhausted"
    assert report.lowest == pytest.approx(report.after.share, abs=0.01)
    assert scene.there() == [name for name in before if not name.startswith("day/")]


def test_what_comes_to_stay_after_the_plan_is_in_the_report(scene: Scene, until: Until) -> None:
    """A file that is opened while its receipt is on the way, and one that is changed."""
    names = scene.fill()
    backup = scene.backup()
    seen = threading.Event()
    opened = (scene.disk / names[3]).open("ab")
    with opened:
        # The plan of the run is made before the file is closed and opened anew.
        report = ran(backup.run(callback=lambda progress: progress.bytes and seen.set()))
    assert report.verdict == "done"
    assert names[3] in scene.there()
    assert scene.here() == [*names[:3], *names[4:19]]
    scene.nothing_is_lost()


def test_a_recording_moves_as_a_whole_or_not_at_all(scene: Scene) -> None:
    for number in range(6):
        for part in range(4):
            scene.write(f"tub{number}/{part}.jpg", MIB, 90_000 - 1000 * number - part)
    scene.write("tub1/lock.db", 10, 90_000)
    backup = scene.backup(groups=("tub*",), low=0.30)
    plan = backup.plan()
    assert [step.unit.name for step in plan.steps] == [b"tub0", b"tub2", b"tub3", b"tub4"]
    assert reasons(plan) == {"tub1": "protected"}
    assert ran(backup.run()).files == 16
    assert sorted({name.partition("/")[0] for name in scene.there()}) == ["tub1", "tub5"]
    assert not (scene.disk / "tub0").exists()
    assert len(scene.here()) == 16


# ---- both disks ---------------------------------------------------------------------------


def test_a_destination_that_may_not_take_more_gets_what_fits(
    scene: Scene, tmpfs: Callable[[int], Path]
) -> None:
    names = scene.fill()
    scene.home = tmpfs(16 * MIB)
    backup = scene.backup(floor_share=0.25)
    plan = backup.plan()
    assert (plan.status.value, planned(plan)) == ("destination full", names[: len(plan.steps)])
    report = ran(backup.run())
    assert report.verdict == "destination full"
    assert 8 <= report.files <= 12
    assert scene.here() == names[: report.files]
    assert scene.there() == names[report.files :]
    again = ran(backup.run())
    assert (again.verdict, again.files) == ("destination full", 0)


def test_a_destination_that_somebody_else_fills_meanwhile(
    scene: Scene, tmpfs: Callable[[int], Path]
) -> None:
    scene.fill()
    scene.home = tmpfs(32 * MIB)
    backup = scene.backup()
    other = scene.home / "other"

    def fill(_: object) -> None:
        status = os.statvfs(scene.home)
        with other.open("ab") as file:
            file.write(bytes(max(status.f_bavail * status.f_frsize - 6 * MIB, 0)))

    report = ran(backup.run(callback=fill))
    assert report.verdict == "destination full"
    assert report.files == len(scene.here()) < 18
    scene.nothing_is_lost()


def test_all_that_may_move_is_not_enough(scene: Scene) -> None:
    scene.fill(10)
    scene.write("system.db", 16 * MIB, 200_000)
    backup = scene.backup()
    plan = backup.plan()
    assert plan.status.value == "exhausted"
    assert plan.lowest == pytest.approx(0.5, abs=0.01)
    report = ran(backup.run())
    assert (report.verdict, report.files) == ("exhausted", 10)
    assert report.lowest == pytest.approx(0.5, abs=0.01)


# ---- names and devices --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["..", "a/b\\c", ".pynet-backup", ".pynet-incoming", "CON", "grün \U0001f697", "x" * 63]
)
def test_a_device_is_called_what_it_likes_and_stays_in_its_folder(
    disk: Path, tmp_path: Path, name: str
) -> None:
    from pynet import Controller, Gateway

    home = tmp_path / "home"
    with Gateway(port=0, name=name, insecure=True) as gateway, Controller(insecure=True) as desk:
        gateway.share("rec", disk, write=True)
        scene = Scene(disk, home, gateway, desk.connect(gateway.address))
        names = scene.fill()
        backup = scene.backup()
        assert ran(backup.run()).files == 18
        assert len(backup.history()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk0", "home"]
    (folder,) = [path for path in home.iterdir() if path.name not in (".pynet-backup",)]
    assert sorted(path.name for path in (folder / "rec" / "day").iterdir()) == [
        name.rpartition("/")[2] for name in names[:18]
    ]


# ---- cuts ----------------------------------------------------------------------------------


def test_it_is_paused_gone_on_with_cancelled_and_begun_again(scene: Scene, until: Until) -> None:
    names = scene.fill()
    backup = scene.backup()
    some = threading.Event()
    transfer = backup.run(callback=lambda progress: progress.files and some.set())
    assert some.wait(20)
    transfer.pause()
    until(lambda: transfer.state in ("paused", "done"))
    if transfer.state == "paused":
        transfer.resume()
        transfer.cancel()
    try:
        transfer.wait(20)
    except Cancelled:
        assert transfer.state == "cancelled"
    scene.nothing_is_lost()
    report = ran(backup.run())
    assert report.verdict in ("done", "idle")
    scene.nothing_is_lost()
    assert scene.there() == names[18:]
    assert scene.here() == names[:18]


def test_the_file_process_is_killed_in_the_middle_and_it_is_done_all_the_same(
    scene: Scene,
) -> None:
    names = scene.fill(260, MIB // 10)
    backup = scene.backup()
    process = scene.gateway._files
    assert process is not None
    killed = threading.Event()

    def kill(progress: object) -> None:
        if getattr(progress, "bytes", 0) > 3 * MIB and not killed.is_set():
            killed.set()
            os.kill(process.pid, signal.SIGKILL)

    report = ran(backup.run(callback=kill))
    assert killed.is_set()
    assert report.verdict == "done"
    assert report.files == len(scene.here())
    assert sorted(scene.here() + scene.there()) == names
    assert scene.share() <= 0.25
    scene.nothing_is_lost()


def test_two_at_a_time_are_refused_and_history_is_read_meanwhile(scene: Scene) -> None:
    scene.fill()
    backup = scene.backup()
    some, go_on = threading.Event(), threading.Event()

    def hold(progress: object) -> None:
        if getattr(progress, "files", 0):
            some.set()
            go_on.wait(20)

    transfer = backup.run(callback=hold)
    try:
        assert some.wait(20)
        assert [job.source for job in backup.history()] == ["rec"]
        with pytest.raises(Busy, match="another program"):
            ran(backup.run())
    finally:
        go_on.set()
    assert ran(transfer).verdict == "done"
