"""Every program in docs/tutorials/ runs, and does what its page says: also when things go wrong."""

from __future__ import annotations

import filecmp
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Place, blocks, entries

pytestmark = pytest.mark.programs

PAGES = sorted((DOCS / "tutorials").glob("*.md"))
Open = Callable[[str], Place]


@pytest.fixture
def tutorial(tmp_path: Path) -> Iterator[Open]:
    """Opens a page by name."""
    opened: list[Place] = []

    def open_page(page: str) -> Place:
        opened.append(Place(f"tutorials/{page}", tmp_path))
        return opened[-1]

    yield open_page
    for place in opened:
        place.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_run(page: Path) -> None:
    found = blocks(page)
    programs = {block.label for block in found if block.language == "python"}
    assert {"device.py", "laptop.py"} <= programs
    for block in found:
        where = f"{page.name}, line {block.line}"
        if block.language == "console":
            for line, _ in entries(block.text):
                command, name, *_ = shlex.split(line)
                assert command == "pynet" or (command == "python3" and name in programs), where
        else:
            assert block.language == "python", where
            assert block.label.endswith(".py"), where


# ---- stream.md ---------------------------------------------------------------------------


def test_a_generator_is_pushed_to_a_callback(tutorial: Open) -> None:
    place = tutorial("stream.md")
    device = place.device()
    place.run("python3 laptop.py")
    device.until("sensor on\nsensor off\n")
    device.stop()
    assert (device.status, device.text) == (0, "sensor on\nsensor off\n")


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_stream_outlives_its_device(tutorial: Open, way: str) -> None:
    place = tutorial("stream.md")
    device = place.device()
    laptop = place.start("laptop.py")
    laptop.until(r"\n3: ")
    getattr(device, way)()
    laptop.until("reconnecting\n")
    device = place.device()
    place.check("python3 laptop.py", laptop.wait(), 1)
    device.until("sensor off\n")


def test_a_stream_without_a_device_says_so(tutorial: Open) -> None:
    place = tutorial("stream.md")
    laptop = place.start("laptop.py")
    assert f"nothing listens on 127.0.0.1:{place.port}; start the Gateway there" in laptop.wait()


# ---- batches.md --------------------------------------------------------------------------


def test_batches_are_pulled_and_learnt_from(tutorial: Open) -> None:
    place = tutorial("batches.md")
    place.device()
    place.run("python3 laptop.py")


def test_batches_go_on_after_a_loss(tutorial: Open) -> None:
    place = tutorial("batches.md")
    device = place.device()
    patient = place.start("patient.py")
    patient.until("there are 300")
    device.stop()
    patient.until("are here: ")
    place.device()
    place.check("python3 patient.py", patient.wait())


# ---- send.md -----------------------------------------------------------------------------


def test_data_is_sent_into_functions(tutorial: Open) -> None:
    place = tutorial("send.md")
    device = place.device()
    place.run("python3 laptop.py")
    device.until("throttle 0.0\n")
    place.check("python3 device.py", device.text)
    rows = (place.folder / "run-1.csv").read_text().splitlines()
    assert (len(rows), rows[-1]) == (1000, "999,99.9")


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_a_function_hears_that_its_laptop_is_gone(tutorial: Open, way: str) -> None:
    place = tutorial("send.md")
    device = place.device()
    source = (place.folder / "laptop.py").read_text()
    endless = source.replace("in range(1000)", "in iter(int, 1)")
    assert endless != source
    (place.folder / "laptop.py").write_text(endless)
    laptop = place.start("laptop.py")
    table = place.folder / "run-1.csv"
    place.until(lambda: table.exists() and table.stat().st_size > 0)
    getattr(laptop, way)()
    told = device.until(r"run-1: \d+ rows, (.*)\n")
    if way == "kill":
        place.check("python3 device.py", device.text, 1)
    assert (told[1] == "complete") == (way == "stop")


# ---- files.md ----------------------------------------------------------------------------


@pytest.fixture
def files(tutorial: Open) -> Place:
    place = tutorial("files.md")
    place.device()
    return place


def test_files_are_fetched_and_sent(files: Place) -> None:
    files.run("python3 laptop.py")
    for name in ("000.csv", "499.csv"):
        there, here = files.folder / "logs" / name, files.folder / "tables" / name
        assert here.read_bytes() == there.read_bytes()
    assert (files.folder / "inbox" / "checked" / "007.csv").read_bytes()
    for block in files.blocks:
        for command, _ in entries(block.text) if block.language == "console" else ():
            if command.startswith("pynet"):
                files.run(command)
    assert len(list((files.folder / "some").glob("*.csv"))) == 10


def test_a_transfer_is_paused_and_goes_on_after_a_kill(files: Place) -> None:
    films = files.folder / "films"
    laptop = files.start("large.py")
    laptop.until("paused")
    # Some of it is durable, and noted to be: a line of its own for each leaf of 1 MiB.
    files.until(lambda: any(j.stat().st_size > 600 for j in films.rglob("*.journal")))
    laptop.kill()
    assert not (films / "camera.bin").exists()
    laptop = files.start("large.py")
    laptop.until("paused")
    laptop.enter("")
    files.check("python3 large.py", laptop.wait(), 1)
    found = re.search(r"(\d+) of 167 MB", laptop.text)
    assert found is not None
    assert int(found[1]) < 167
    assert filecmp.cmp(films / "camera.bin", files.folder / "logs" / "camera.bin", shallow=False)
    assert [path.name for path in films.iterdir()] == ["camera.bin"]


def test_a_transfer_goes_on_after_its_device_was_gone(tutorial: Open) -> None:
    place = tutorial("files.md")
    device = place.device()
    laptop = place.start("large.py")
    laptop.until("paused")
    device.stop()
    place.device()
    laptop.enter("")
    place.check("python3 large.py", laptop.wait(), 0)
    there, here = (place.folder / name / "camera.bin" for name in ("logs", "films"))
    assert filecmp.cmp(here, there, shallow=False)


# ---- backup.md ---------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_full_device_is_emptied_once_a_person_has_agreed(tutorial: Open) -> None:
    place = tutorial("backup.md")
    place.device()
    there, here = place.folder / "recordings", place.folder / "from the car/rover/recordings"
    before = contents(there)
    for number, answer in enumerate(("yes", "no")):
        laptop = place.start("laptop.py")
        laptop.enter(answer)
        printed = laptop.wait().replace("move them? ", f"move them? {answer}\n")
        place.check("python3 laptop.py", printed, number)
    assert len(contents(here)) == 14
    assert contents(here) | contents(there) == before
    for block in place.blocks:
        for command, _ in entries(block.text) if block.language == "console" else ():
            if command.startswith("pynet"):
                place.run(command)
    assert (there / "drive-03.bin").read_bytes() == before["drive-03.bin"]


def test_a_device_that_fills_up_again_is_emptied_by_itself(tutorial: Open) -> None:
    place = tutorial("backup.md")
    device = place.device()
    laptop = place.start("laptop.py")
    laptop.enter("yes")
    laptop.wait()
    (place.folder / "watch.py").write_text(
        (place.folder / "watch.py").read_text().replace("interval=5", "interval=0.1")
    )
    device.stop()
    there, here = place.folder / "recordings", place.folder / "from the car/rover/recordings"
    for path in here.iterdir():
        shutil.copy2(path, there)
    before = contents(there)
    place.device()
    watch = place.start("watch.py")
    watch.until("done: 14 files moved, 24% full\n")
    watch.stop()
    assert contents(here) | contents(there) == before
    assert len(contents(there)) == 7
