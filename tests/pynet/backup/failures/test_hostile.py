"""Class 22: an end that lies. Nothing goes that was not received, nothing is made elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pynet import Controller, Gateway
from pynet.backup.arrival import Arrival
from pynet.backup.sheet import pack_files
from pynet.backup.words import FAILED, HAVE, KEPT, REMOVED, SETTLED
from pynet.errors import PynetError, RemoteProtocolError, TalkEnded
from pynet.files.hashing import LEAF, hasher
from pynet.files.info import FILE, FileInfo
from pynet.files.landing import Landing
from pynet.files.ledger import Ledger
from pynet.files.messages import (
    ALL,
    DROP,
    FILES,
    HOLES,
    PACK_FRAME,
    PIECE_FRAME,
    WANT,
    pack_info,
)
from pynet.files.receipts import told
from pynet.files.tree import Tree
from pynet.talk import ClientTalk, Said, open_talk
from tests.pynet.backup.failures.bench import Bench, tree_of

POLICY = {"min_age": 0.0, "floor_share": 0.0, "floor_bytes": 0, "high": 0.02, "low": 0.01}
BLAKE = hasher("blake3")


# ---- a laptop that lies ----------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    for number in range(4):
        (folder / f"f{number}").write_bytes(bytes([number]) * 1000)
    (folder / "large").write_bytes(os.urandom(2 * LEAF))
    return folder


@pytest.fixture
def liar(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Liar]:
    monkeypatch.setattr("sys.frozen", True, raising=False)  # serve files on threads of this process
    with (
        Gateway(port=0, name="car", insecure=True, heartbeat=0.2) as gateway,
        Controller(name="desk", insecure=True, heartbeat=0.2) as controller,
    ):
        gateway.share("rec", root, write=True)
        yield Liar(controller.connect(gateway.address, timeout=5), root)


class Liar:
    """A laptop that says what it likes over a real connection."""

    def __init__(self, car: Any, root: Path) -> None:
        self.lanes = car.files.engine.lanes
        self.root = root
        with Tree(root) as tree:
            self.infos = [tree.info(name.encode()) for name in sorted(os.listdir(root))]

    @contextlib.contextmanager
    def move(self, infos: list[FileInfo] | None = None, **other: Any) -> Iterator[ClientTalk]:
        """A move of these; what comes is not taken."""
        work = {
            "policy": POLICY, "files": pack_files(infos or self.infos), "units": [], **other,
        }  # fmt: skip
        with self.talk("backup.move", "token", "rec", "0123456789abcdef-1", work) as talk:
            yield talk

    @contextlib.contextmanager
    def talk(self, name: str, *args: Any) -> Iterator[ClientTalk]:
        lane = self.lanes.borrow()
        try:
            with open_talk(lane, name, *args) as talk:
                yield talk
        finally:
            self.lanes.give_back(lane)

    def frames(self, control: ClientTalk, wants: list[Any]) -> dict[int, bytes]:
        """What the device sends when these are wanted: digests of what is small."""
        control.say([WANT, wants])
        found: dict[int, bytes] = {}
        with self.talk("files.lane", "token", 0) as lane:
            while len(found) < len(wants):
                said = lane.hear(5)
                assert said is not None
                assert said.value[0] == PACK_FRAME
                found |= dict(zip(said.value[1], said.value[3], strict=True))
        return found

    def receipt(self, number: int, root: bytes, **other: Any) -> list[Any]:
        info = self.infos[number]
        row = {
            "number": number, "root": root, "name": b"x", "device": 1, "inode": 1,
            "told": told(info.name, info.size, info.mtime_ns, info.mode),
        }  # fmt: skip
        return list({**row, **other}.values())

    def outcomes(self, talk: ClientTalk) -> dict[int, str]:
        """What the device says of its files next."""
        while True:
            said = talk.hear(5)
            assert said is not None
            if said.value[0] == REMOVED:
                return {row[0]: row[2] for row in said.value[1]}

    def left(self) -> list[str]:
        return sorted(name for name in os.listdir(self.root) if name[0] != ".")


def test_receipts_for_files_that_were_never_sent(liar: Liar) -> None:
    with liar.move() as talk:
        rows = [liar.receipt(n, BLAKE((liar.root / f"f{n}").read_bytes())) for n in range(4)]
        talk.say([SETTLED, rows])
        assert set(liar.outcomes(talk).values()) == {"refused"}
    assert len(liar.left()) == 5


def test_receipts_with_digests_of_something_else(liar: Liar) -> None:
    with liar.move() as talk:
        digests = liar.frames(talk, [0, 1, 2, 3])
        rows = [liar.receipt(0, b""), liar.receipt(1, digests[2]), liar.receipt(2, bytes(32)),
                liar.receipt(3, digests[3], told=0)]  # fmt: skip
        talk.say([SETTLED, rows])
        assert liar.outcomes(talk) == {0: "damaged", 1: "damaged", 2: "damaged", 3: "refused"}
    assert len(liar.left()) == 5


def test_a_receipt_counts_once_and_not_for_a_file_that_was_made_anew(liar: Liar) -> None:
    with liar.move() as talk:
        digests = liar.frames(talk, [0])
        row = liar.receipt(0, digests[0])
        talk.say([SETTLED, [row]])
        assert liar.outcomes(talk) == {0: "removed"}
        (liar.root / "f0").write_bytes(bytes(1000))
        talk.say([SETTLED, [row, row]])
        assert set(liar.outcomes(talk).values()) == {"refused"}
    with liar.move(liar.infos[1:]) as talk:  # and not in another move
        talk.say([SETTLED, [row]])
        assert set(liar.outcomes(talk).values()) == {"refused"}
    assert len(liar.left()) == 5


@pytest.mark.parametrize(
    "message",
    [
        [SETTLED, [[2**63, bytes(32), b"x", 1, 1, 0]]],
        [SETTLED, [[-1, bytes(32), b"x", 1, 1, 0]]],
        [SETTLED, [[0]]],
        [SETTLED, [["0", bytes(32), b"x", 1, 1, 0]]],
        [SETTLED, [[0, None, b"x", 1, 1, 0]]],
        [SETTLED, 7],
        [SETTLED],
        [FAILED, 7],
        [FAILED, [[]]],
        [WANT, [[4, [[0, 2**62]]]]],
        [WANT, [[4, [[-1, 1]]]]],
        [WANT, [2**40]],
        [WANT, [-1]],
        [KEPT, 1, 2],
        ["nonsense"],
        [],
        7,
    ],
)
def test_nonsense(liar: Liar, message: Any) -> None:
    with liar.move() as talk, contextlib.suppress(PynetError):
        talk.say(message)
        while talk.hear(0.2) is not None:
            pass
    assert len(liar.left()) == 5


@pytest.mark.parametrize(
    "units",
    [[[0, 2**62, b"x"]], [[-5, 3, b"x"]], [[0, 6, b"x"]], [[0, 0, b"x"]], [[0, 1, 7]], [7], 7],
)
def test_groups_that_cannot_be(liar: Liar, units: Any) -> None:
    with liar.move(units=units) as talk, pytest.raises(PynetError):
        talk.hear(5)
    assert len(liar.left()) == 5


@pytest.mark.parametrize(
    "name", [b"../outside", b"/etc/passwd", b".pynet-incoming/x", b"a/../../outside", b"link/x"]
)
def test_files_from_elsewhere(liar: Liar, tmp_path: Path, name: bytes) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    (liar.root / "link").symlink_to(tmp_path)
    info = replace(FileInfo.of(name, os.stat(tmp_path / "outside")), name=name)
    with liar.move([info]) as talk, contextlib.suppress(PynetError):
        talk.say([WANT, [0]])
        with liar.talk("files.lane", "token", 0) as lane:
            said = lane.hear(1)
            assert said is None or not said.body
        talk.say(
            [SETTLED, [[0, BLAKE(b"secret"), b"x", 1, 1, told(name, 6, info.mtime_ns, 0o644)]]]
        )
        while talk.hear(0.2) is not None:
            pass
    assert (tmp_path / "outside").exists()


@pytest.mark.parametrize("job", ["../../x", "", "x" * 100, "0123456789abcdef/../../y", 7])
def test_jobs_that_are_none(liar: Liar, job: Any, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    work = {"policy": POLICY, "files": pack_files(liar.infos), "units": []}
    with (
        liar.talk("backup.move", "token", "rec", job, work) as talk,
        pytest.raises(PynetError),
    ):
        talk.hear(5)
    assert sorted(path for path in tmp_path.rglob("*") if ".pynet" not in path.name) == before


@pytest.mark.parametrize("lie", ["nothing", "others", "damaged", "nonsense", "gone"])
def test_what_it_says_of_a_move_that_was_cut_off(bench: Bench, lie: str) -> None:
    device = bench.device("RECEIPT:1")
    laptop = bench.laptop().child
    device.wait()
    laptop.end()
    bench.device()
    with Controller(name="desk", insecure=True, heartbeat=0.2) as controller:
        lanes = controller.connect(bench.address, timeout=5).files.engine.lanes
        lane = lanes.borrow()
        with open_talk(lane, "backup.recover", "rec") as talk, contextlib.suppress(PynetError):
            said = talk.hear(5)
            while said is not None:
                if said.value[0] == HAVE:
                    rows = [[one[0], one[2], b"x", 1, 1, 0] for one in said.value[2]]
                    other = {
                        "nothing": [], "others": [[n[0] + 1, *n[1:]] for n in rows],
                        "damaged": [[n[0], bytes(32), *n[2:]] for n in rows],
                        "nonsense": [7],
                    }  # fmt: skip
                    if lie == "gone":
                        break
                    talk.say([SETTLED, other[lie]])
                else:
                    talk.say([KEPT])
                said = talk.hear(5)
        lanes.give_back(lane)
    bench.check()
    assert tree_of(bench.root).keys() == bench.originals.keys()
    for child in bench.children:
        child.end()
    bench.check_over(bench.move())


# ---- a device that lies ----------------------------------------------------------------------


class Lane:
    """A lane over which these frames come."""

    def __init__(self, frames: list[tuple[list[Any], bytes]]) -> None:
        self.frames = frames

    def hear(self, timeout: float | None = None) -> Said:
        if not self.frames:
            raise TalkEnded("the other end has nothing more to say")
        head, body = self.frames.pop(0)
        return Said(head, memoryview(body) if body else None)


PLANNED = [
    FileInfo(b"a", FILE, 100, 10**18, 0o644),
    FileInfo(b"b", FILE, 3 * LEAF, 10**18, 0o644),
    FileInfo(b"c", FILE, 1, 10**18, 0o644),
]


@pytest.fixture
def arriving(tmp_path: Path) -> Iterator[Callable[[], Arrival]]:
    """The laptop's end of a move of three files."""
    said: list[Any] = []
    with Tree(tmp_path / "laptop", create=True) as tree, Ledger(tmp_path / "l", tree) as ledger:
        ledger.begin("job", "car", "", "rec")
        landing = Landing(tree, b"car/rec", algorithm="blake3", durable=True)
        arrival = Arrival(landing, said.append, "blake3", ledger, "job", PLANNED)
        arrival.said = said  # type: ignore[attr-defined]
        try:
            yield lambda: arrival
        finally:
            arrival.close()
            names = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
            allowed = {Path("l/ledger"), Path("laptop/car/rec/a"), Path("laptop/car/rec/c")}
            assert names - allowed == set()


def entries(*changed: tuple[int, dict[str, Any]]) -> list[Any]:
    infos = list(PLANNED)
    for number, other in changed:
        infos[number] = replace(infos[number], **other)
    return [pack_info(info, info.name) for info in infos]


@pytest.mark.parametrize(
    "message",
    [
        [FILES, 3, [pack_info(PLANNED[0], b"d")]],
        [FILES, -1, [pack_info(PLANNED[0], b"a")]],
        [FILES, 2**62, [pack_info(PLANNED[0], b"a")]],
        [FILES, 0, entries() * 3_000_000],
        [FILES, 0, [[b"a", False, 2**63, 0, 0]]],
        [FILES, 0, [[b"a", False, -1, 0, 0]]],
        [FILES, 0, [["a", False, 1, 0, 0]]],
        [FILES, 0, [7]],
        [FILES, 0, 7],
        [HOLES, 1, [[0, 2**60]], True],
        [HOLES, 1, [[-1, 1]], False],
        [REMOVED, [[0]]],
        [REMOVED, 7],
        [DROP],
        ["nonsense"],
        [],
    ],
)
def test_nonsense_from_a_device(arriving: Callable[[], Arrival], message: Any) -> None:
    arrival = arriving()
    if message[:1] == [HOLES]:
        arrival.on_message([FILES, 0, entries()])
    with pytest.raises(RemoteProtocolError):
        arrival.on_message(message)


def test_a_file_that_is_told_of_twice(arriving: Callable[[], Arrival]) -> None:
    arrival = arriving()
    arrival.on_message([FILES, 0, entries()])
    with pytest.raises(RemoteProtocolError):
        arrival.on_message([FILES, 0, entries()])


@pytest.mark.parametrize(
    "other",
    [{"name": b"../a"}, {"name": b"/a"}, {"name": b"b"}, {"size": 2**62}, {"size": 99},
     {"mtime_ns": 7}, {"mode": 0o777}],
)  # fmt: skip
def test_what_is_told_is_not_what_was_planned(
    arriving: Callable[[], Arrival], other: dict[str, Any]
) -> None:
    arrival = arriving()
    arrival.on_message([FILES, 0, entries((0, other))])
    assert [FAILED, [0]] in arrival.said  # type: ignore[attr-defined]
    arrival.on_message([ALL, 3, 0])
    arrival.run_lane(0, Lane([pack([0], [bytes(100)])]))  # type: ignore[arg-type]
    assert arrival.problems[0].code in ("damaged", "name")


def pack(ids: list[int], bodies: list[bytes]) -> tuple[list[Any], bytes]:
    sizes, digests = [len(body) for body in bodies], [BLAKE(body) for body in bodies]
    return [PACK_FRAME, ids, sizes, digests], b"".join(bodies)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ([PACK_FRAME, [0], [2**63], [b""]], b"x"),
        ([PACK_FRAME, [0, 2], [-1, 2], [b"", b""]], b"x"),
        ([PACK_FRAME, [0], [1, 1], [b""]], b"xx"),
        ([PACK_FRAME, [0], [99], [BLAKE(bytes(99))]], bytes(99)),
        ([PACK_FRAME], b""),
        ([PIECE_FRAME, 1, 2**60, 0, bytes(32), True], b"x"),
        ([PIECE_FRAME, 1, 0, 2**63, bytes(32), True], b"x"),
        ([PIECE_FRAME, 1, 0, LEAF - 1, bytes(32), True], b"xx"),
        ([PIECE_FRAME, 1, -1, 0, bytes(32), True], b"x"),
        ([PIECE_FRAME, 1, 0, -1, bytes(32), True], b"x"),
        ([PIECE_FRAME], b"x"),
        ([7], b"x"),
        ([], b""),
        (7, b""),
    ],
)
def test_frames_that_cannot_be(arriving: Callable[[], Arrival], head: Any, body: bytes) -> None:
    arrival = arriving()
    arrival.on_message([FILES, 0, entries()])
    with pytest.raises(RemoteProtocolError):
        arrival.run_lane(0, Lane([(head, body)]))  # type: ignore[arg-type]


def test_frames_that_nobody_asked_for_are_nothing(arriving: Callable[[], Arrival]) -> None:
    arrival = arriving()
    arrival.on_message([FILES, 0, entries()])
    wrong = ([PACK_FRAME, [0], [100], [bytes(32)]], bytes(100))
    frames = [pack([7], [b"x"]), pack([2**70], [b"x"]), wrong, pack([2], [b"x"]), pack([2], [b"y"])]
    arrival.run_lane(0, Lane(frames))  # type: ignore[arg-type]
    assert [WANT, [0]] in arrival.said  # type: ignore[attr-defined]
