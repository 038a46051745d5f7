"""Whole backups: a real Gateway's file process, a small disk that is full, and this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynet import Controller, Gateway, Role, Trust
from pynet.backup import Backup, BackupReport, Plan, Status
from pynet.backup.place import Place, kind_of_disk
from pynet.backup.restored import DAYS, Restored, staying
from pynet.backup.state import LOOKS
from pynet.errors import Busy, Cancelled, FilesError, NotShared
from pynet.files.info import shown
from pynet.files.progress import Progress
from pynet.trust.peers import Peer, now
from tests.pynet.backup.conftest import MIB, Scene, ran

Until = Callable[..., None]


def planned(plan: Plan) -> list[str]:
    return [info.text for _, info in plan.files]


def reasons(plan: Plan) -> dict[str, str]:
    return {shown(skip.name): skip.code for skip in plan.skipped}


class Held:
    """A callback that stops the run's thread when a condition holds, until it is let go."""

    def __init__(self, condition: Callable[[Progress], bool]) -> None:
        self._condition = condition
        self._there, self._go_on = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> None:
        if self._condition(progress) or progress.over:
            self._there.set()
            self._go_on.wait(20)

    def wait(self) -> None:
        assert self._there.wait(20)

    def let_go(self) -> None:
        self._go_on.set()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()


@contextlib.contextmanager
def another_rover(folder: Path, disk: Path, home: Path) -> Iterator[Scene]:
    """A device of the same name that is another machine, and knows this laptop."""
    car, desk = Trust(folder / "car", "rover"), Trust(folder / "desk", "desk")
    desk.peers.add(Peer("rover", Role.OWNER, car.identity.certificate, now()))
    car.peers.add(Peer("desk", Role.OWNER, desk.identity.certificate, now()))
    with (
        Gateway(port=0, name="rover", trust=car, heartbeat=0.1) as gateway,
        Controller(name="desk", trust=desk, heartbeat=0.1) as controller,
    ):
        gateway.share("rec", disk, write=True)
        yield Scene(disk, home, gateway, controller.connect(gateway.address, timeout=5))


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


def test_what_a_disk_is_that_cannot_have_large_files() -> None:
    mounts = (
        "22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        "30 1 8:17 / /media/stick rw - vfat /dev/sdb1 rw,fmask=0022\nodd\n"
    )
    assert kind_of_disk(os.makedev(8, 17), mounts) == "vfat"
    assert kind_of_disk(os.makedev(0, 21), mounts) == "sysfs"
    assert kind_of_disk(os.makedev(8, 1), mounts) == ""


def test_the_kind_of_the_disk_here_is_known(tmpfs: Callable[[int], Path]) -> None:
    disk = tmpfs(MIB)
    mounts = Path("/proc/self/mountinfo").read_text()
    assert kind_of_disk(disk.stat().st_dev, mounts) == "tmpfs"
    assert Place(disk, "rover", "rec").largest() is None


# ---- cuts ----------------------------------------------------------------------------------


def test_it_is_paused_gone_on_with_cancelled_and_begun_again(scene: Scene, until: Until) -> None:
    names = scene.fill()
    backup = scene.backup()
    with Held(lambda progress: progress.state == "listing") as held:
        transfer = backup.run(callback=held)
        held.wait()
        transfer.pause()
        held.let_go()
        until(lambda: transfer.state == "paused")
        assert scene.there() == names
        transfer.cancel()
        with pytest.raises(Cancelled):
            transfer.wait(20)
    assert transfer.state == "cancelled"
    with Held(lambda progress: progress.files > 0) as held:
        transfer = backup.run(callback=held)
        transfer.pause()
        transfer.resume()
        held.wait()
        transfer.cancel()
        held.let_go()
        with contextlib.suppress(Cancelled):  # if there was something left to be cancelled
            transfer.wait(20)
    scene.nothing_is_lost()
    assert ran(backup.run()).verdict in ("done", "idle")
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


def test_what_had_arrived_when_it_was_cancelled_does_not_come_again(scene: Scene) -> None:
    names = scene.fill()
    backup = scene.backup()
    with Held(lambda progress: bool(scene.here())) as held:
        transfer = backup.run(callback=held)
        held.wait()
        transfer.cancel()
        held.let_go()
        with contextlib.suppress(Cancelled):  # if there was something left to be cancelled
            transfer.wait(20)
    ran(backup.run())
    moved = [name for job in backup.history() for name in job.entries]
    assert len(moved) == len(set(moved)) == 18
    outcomes = {entry.outcome for job in backup.history() for entry in job.entries.values()}
    assert outcomes == {"removed"}
    assert scene.there() == names[18:]


@pytest.mark.parametrize("own_process", [True, False])
def test_history_is_read_while_a_run_is_under_way_and_a_second_run_is_refused(
    scene: Scene, own_process: bool, until: Until
) -> None:
    scene.fill()
    backup = scene.backup(own_process)
    with Held(lambda progress: progress.state == "listing") as held:
        transfer = backup.run(callback=held)
        transfer.pause()
        held.let_go()
        until(lambda: transfer.state == "paused")
        assert [job.source for job in backup.history()] == ["rec"]
        with pytest.raises(Busy, match="another program"):
            ran(scene.backup().run())
        transfer.resume()
        assert ran(transfer).verdict == "done"
    assert (transfer.state, transfer.progress.files) == ("done", 18)
    scene.nothing_is_lost()


def test_a_device_that_is_full_to_the_last_byte_is_emptied(scene: Scene) -> None:
    names = scene.fill(31)
    with (scene.disk / "log").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert scene.share() == 1.0
    plan = scene.backup().plan()
    report = ran(scene.backup(protect=("log",)).run())
    assert plan.steps
    assert report.verdict == "done"
    assert scene.here() == names[: report.files]
    scene.nothing_is_lost()


# ---- back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("own_process", [True, False])
def test_files_are_put_back_as_they_were_and_the_copies_stay(
    scene: Scene, own_process: bool
) -> None:
    names = scene.fill()
    (scene.disk / names[0]).chmod(0o640)
    (scene.disk / names[1]).chmod(0o400)
    before = [(scene.disk / name).stat() for name in names]
    backup = scene.backup(own_process)
    job = ran(backup.run()).job
    moved = scene.here()
    report = backup.restore(job).wait(40)
    assert (report.files, report.problems) == (18, ())
    assert scene.there() == names
    assert scene.here() == moved
    for name, old in zip(names, before, strict=True):
        new = (scene.disk / name).stat()
        assert (new.st_mtime_ns, new.st_mode) == (old.st_mtime_ns, old.st_mode), name


def test_what_was_put_back_is_not_moved_again_at_once(scene: Scene) -> None:
    names = scene.fill()
    backup = scene.backup(low=0.5)
    assert ran(backup.run()).files == 10
    backup.restore("day/000.bin").wait(40)
    scene.fill(9, first=100)
    plan = backup.plan()
    assert reasons(plan) == {"day/000.bin": "stays"}
    assert "put back in the last 7 days" in plan.skipped[0].text
    assert planned(plan)[0] == names[10]
    ran(backup.run())
    assert scene.there()[0] == "day/000.bin"


def test_after_a_week_it_may_move_again(tmp_path: Path) -> None:
    restored = Restored(tmp_path / "restored.json")
    odd = b"no\xff\xfeutf8/a.bin"
    restored.add([odd, b"b"])
    assert set(staying(restored.names())) == {odd, b"no\xff\xfeutf8/a (2).bin", b"b", b"b (2)"}
    kept = json.loads(restored.path.read_text())
    kept["b"] -= DAYS * 86400 + 1
    kept["b (2)"] += DAYS * 86400 + 60  # by a clock that was wrong
    restored.path.write_text(json.dumps(kept))
    assert set(staying(restored.names())) == {odd, b"no\xff\xfeutf8/a (2).bin"}
    restored.path.write_text("[1]")
    assert staying(restored.names()) == {}


def test_a_file_is_put_back_beside_another_that_has_its_name_now(scene: Scene) -> None:
    names = scene.fill()
    backup = scene.backup()
    ran(backup.run())
    old = scene.content[names[0]]
    scene.write(names[0], 100, 50)
    new = scene.content.pop(names[0])
    backup.restore(names[0]).wait(40)
    assert (scene.disk / names[0]).read_bytes() == new
    assert (scene.disk / "day/000 (2).bin").read_bytes() == old
    backup.restore(names[0]).wait(40)  # and a second time changes nothing
    assert [name for name in scene.there() if "000" in name] == ["day/000 (2).bin", names[0]]


def test_what_is_put_back_is_chosen_by_job_name_or_folder(scene: Scene) -> None:
    scene.write("a/1", MIB, 90_000)
    scene.write("a/2", MIB, 80_000)
    scene.write("b/1", 24 * MIB, 70_000)
    backup = scene.backup()
    job = ran(backup.run()).job
    assert scene.there() == []
    backup.restore(f"{job[:6]}/a/2").wait(40)
    assert scene.there() == ["a/2"]
    backup.restore("a").wait(40)
    assert scene.there() == ["a/1", "a/2"]
    for nothing in ("c", "a/", f"{job}/c", "", "/"):
        if nothing != "a/":
            with pytest.raises(FilesError, match="neither a job nor a file"):
                backup.restore(nothing)
    report = backup.restore(f"{job}").wait(40)
    assert (report.files, scene.there()) == (3, ["a/1", "a/2", "b/1"])


def test_a_copy_that_is_spoilt_or_gone_is_not_put_back(scene: Scene) -> None:
    names = scene.fill(22)
    scene.write("large", 4 * MIB, 200_000)
    backup = scene.backup()
    ran(backup.run())
    home = scene.home / "rover/rec"
    (home / names[0]).unlink()
    for spoilt in (names[1], "large"):
        status = (home / spoilt).stat()
        with (home / spoilt).open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"?")
        os.utime(home / spoilt, ns=(status.st_atime_ns, status.st_mtime_ns))
    (home / names[2]).write_bytes(b"shorter")
    report = backup.restore(backup.history()[0].id).wait(40)
    assert sorted(problem.code for problem in report.problems) == ["io", "io", "io", "vanished"]
    assert sum("is not what came" in problem.text for problem in report.problems) == 3
    assert not {names[0], names[1], names[2], "large"} & set(scene.there())
    assert names[3] in scene.there()


def test_two_devices_of_one_name_share_a_folder_and_nothing_else(
    scene: Scene, tmpfs: Callable[[int], Path], tmp_path: Path
) -> None:
    scene.fill()
    first = scene.backup()
    ran(first.run())
    with another_rover(tmp_path, tmpfs(32 * MIB), scene.home) as other:
        names = other.fill()
        second = Backup(other.car, "rec", other.home, first.policy, own_process=False)
        assert not second.status().agreed
        second.agree()
        assert ran(second.run()).files == 18
        here = scene.home / "rover/rec"
        for name in names[:18]:
            assert (here / name).read_bytes() == scene.content[name]
            assert (here / name.replace(".", " (2).")).read_bytes() == other.content[name]
        assert len(first.history()) == len(second.history()) == 2
        second.restore(names[0]).wait(40)
        assert (other.disk / names[0]).read_bytes() == other.content[names[0]]
    assert names[0] not in scene.there()


# ---- now and then --------------------------------------------------------------------------


def test_watch_waits_for_the_device_and_runs_when_it_is_time(scene: Scene, tmp_path: Path) -> None:
    names = scene.fill()
    backup = scene.backup()
    backup.status()
    scene.gateway.close()
    stop = threading.Event()
    seen = []
    came = backup.watch(0.05, stop=stop, on_status=seen.append)
    assert isinstance(next(came), ConnectionError)
    assert seen == []
    with Gateway(port=int(scene.gateway.address.rpartition(":")[2]), name="rover") as gateway:
        gateway.share("rec", scene.disk, write=True)
        report = next(one for one in came if isinstance(one, BackupReport))
        assert (report.verdict, report.files) == ("done", 18)
        assert seen[-1].usage.share >= 0.75
        assert len([one for one in seen if one.usage.share >= 0.75]) >= LOOKS
        stop.set()
        assert list(came) == []
    assert scene.there() == names[18:]


def test_watch_asks_no_more_often_than_makes_sense_and_moves_nothing_unasked(
    scene: Scene,
) -> None:
    scene.fill()
    backup = scene.backup(protect=("day/*",))
    looks, runs = [], []
    stop = threading.Event()
    for came in backup.watch(0.005, stop=stop, on_status=looks.append):
        runs.append(came)
        if len(runs) == 3:
            stop.set()
    assert [one.verdict for one in runs if isinstance(one, BackupReport)] == ["exhausted"] * 3
    assert len(looks) == LOOKS + 2
    unasked = Backup(scene.car, "rec", scene.home / "other", backup.policy, own_process=False)
    stop.clear()
    seen: list[Status] = []

    def look(status: Status) -> None:
        seen.append(status)
        if len(seen) == 4:
            stop.set()

    assert list(unasked.watch(0.005, stop=stop, on_status=look)) == []
    assert not any(status.agreed for status in seen)


def test_watch_is_ended_in_the_middle_of_a_run(scene: Scene) -> None:
    scene.fill()
    backup = scene.backup(urgent=0.8)
    stop = threading.Event()
    for _ in backup.watch(0.01, stop=stop, on_status=lambda _: stop.set()):
        pass
    scene.nothing_is_lost()
