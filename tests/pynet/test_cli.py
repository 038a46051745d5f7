"""The command ``pynet``, in this process against a real Gateway, and as processes."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pynet
from pynet import Controller, Gateway, GatewayStopped, RemoteError, RemoteGateway
from pynet.cli import main
from pynet.cli.arguments import read_arguments, read_value
from pynet.cli.text import plain, show, show_lines, size

ROOT = Path(__file__).resolve().parents[2]

DEVICE = """
    import pynet

    gateway = pynet.Gateway(port=1, name="rover")


    @gateway.stream(policy="latest")
    def proximity(hz=100.0):
        number = 0
        while True:
            yield number
            number += 1
            pynet.sleep(1 / hz)
"""

posix_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there"
)


@pytest.fixture
def offered(gateway: Gateway) -> Gateway:
    """The Gateway of the other tests, with something of each kind."""

    @gateway.stream
    def count(until: int, step: int = 1) -> Iterator[int]:
        """Numbers, one after the other."""
        yield from range(0, until, step)

    @gateway.batch
    def echo(*args: Any, **kwargs: Any) -> list[Any]:
        return [list(args), kwargs]

    @gateway.batch
    def fails() -> None:
        raise ValueError("no such \x1b[31mwheel")

    @gateway.batch
    def nothing() -> None:
        """Does nothing."""

    @gateway.batch
    def chunks(size: int = 2) -> Iterator[list[int]]:
        yield [0] * size

    @gateway.sink(policy="latest")
    def drive(commands: Any, gear: int = 1) -> None:
        """Takes commands."""
        for _ in commands:
            continue

    return gateway


def pynet_process(*words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pynet", *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serving(target: str, folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``pynet serve`` as a process, and the address it tells."""
    with pynet_process("serve", target, "--port", "0", *words, cwd=folder) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                pytest.fail(process.communicate()[1])
            yield process, line.split(" listens on ")[1].split()[0]
        finally:
            process.kill()


def write_device(folder: Path, more: str = "", name: str = "device.py") -> None:
    (folder / name).write_text(textwrap.dedent(DEVICE) + textwrap.dedent(more))


# ---- what words mean ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3),
        ("-0.5", -0.5),
        ("0x10", 16),
        ("None", None),
        ("True", True),
        ("null", None),
        ("true", True),
        ("[1, 'a']", [1, "a"]),
        ('{"a": null}', {"a": None}),
        ("'3'", "3"),
        ("b'\\x00'", b"\0"),
        ("front", "front"),
        ("007", "007"),
        ("3or4", "3or4"),
        ("NaN", "NaN"),
        ("", ""),
        ("/dev/video0", "/dev/video0"),
        ("9" * 5000, "9" * 5000),
        ("(" * 500, "(" * 500),
    ],
)
def test_a_word_is_a_literal_json_or_text(word: str, value: Any) -> None:
    assert read_value(word) == value
    assert type(read_value(word)) is type(value)


def test_words_with_a_name_are_keyword_arguments() -> None:
    words = ["3", "name=front", "deep=[1, 2]", "empty=", "'a=b'", "1=2"]
    assert read_arguments(words) == (
        [3, "a=b", "1=2"],
        {"name": "front", "deep": [1, 2], "empty": ""},
    )


# ---- what values look like ---------------------------------------------------------------


@dataclass
class Reading:
    metres: float
    raw: bytes = b""


def test_values_fit_on_a_line() -> None:
    assert show(np.zeros((480, 640, 3), np.uint8)) == "<array 480x640x3 uint8, 900.0 KiB>"
    assert show(np.float32(0.5)) == "0.5"
    assert show(b"short") == "b'short'"
    assert show(bytes(5000)) == "<4.9 KiB of bytes, 00 00 00 00 00 00 00 00 ...>"
    assert show({"a": [1, (2.0, None)]}) == "{'a': [1, [2.0, None]]}"
    assert show(Reading(1.5)) == "Reading(metres=1.5, raw=b'')"
    assert show("two\nlines") == "'two\\nlines'"


def test_results_spread_over_lines() -> None:
    assert show_lines("two\nlines") == ["two", "lines"]
    assert show_lines({"a": "x", "long": 2}) == ["a     x", "long  2"]
    assert show_lines(Reading(1.5)) == ["Reading", "  metres  1.5", "  raw     b''"]
    assert show_lines([1, 2]) == ["[1, 2]"]
    assert len(show_lines(["x" * 60, "y" * 60])) == 2
    assert show_lines({}) == ["{}"]


def test_nothing_that_moves_the_cursor_reaches_the_terminal() -> None:
    assert show_lines("\x1b[2Jgone\r") == ["\\x1b[2Jgone\\r"]
    assert "\x1b" not in show({"\x1b[2J": "\x1b"})


def test_sizes_have_units() -> None:
    assert [size(n) for n in (0, 1023, 1024, 3 << 20)] == ["0 B", "1023 B", "1.0 KiB", "3.0 MiB"]


def test_json_says_everything() -> None:
    value = {
        1: np.arange(3),
        "b": b"\0\1",
        "nan": float("nan"),
        "t": dt.timedelta(seconds=2),
        "d": dt.date(2030, 1, 2),
        "r": [Reading(np.float32(0.5)), True, None],  # type: ignore[arg-type]
    }
    assert json.loads(json.dumps(plain(value))) == {
        "1": [0, 1, 2],
        "b": "AAE=",
        "nan": None,
        "t": 2.0,
        "d": "2030-01-02",
        "r": [{"metres": 0.5, "raw": ""}, True, None],
    }


# ---- the commands ------------------------------------------------------------------------


def test_ls_shows_a_table(offered: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", offered.address]) == 0
    title, head, *rows = capsys.readouterr().out.splitlines()
    assert title == f"bench at {offered.address}, pynet {pynet.__version__}"
    columns = [head.index(word) for word in ("NAME", "KIND", "ARGUMENTS", "WHAT")]
    cells = [
        [row[a:b].rstrip() for a, b in zip(columns, [*columns[1:], None], strict=True)]
        for row in rows
    ]
    assert ["chunks", "batch, yields", "(size: int = 2)", ""] in cells
    assert ["drive", "sink, latest", "(gear: int = 1)", "Takes commands."] in cells
    assert [row[0] for row in cells] == sorted(row[0] for row in cells)
    assert main(["ls", offered.address, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in listed] == [row[0] for row in cells]


def test_call_passes_arguments_and_prints_the_result(
    offered: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["3", "-1", "timeout=2", "--json", "text", "name=front"]
    assert main(["call", offered.address, "echo", *words]) == 0
    assert json.loads(capsys.readouterr().out) == [
        [3, -1, "text"],
        {"timeout": 2, "name": "front"},
    ]
    assert main(["call", offered.address, "echo", "--", "--json"]) == 0
    assert capsys.readouterr().out == "[['--json'], {}]\n"
    assert main(["call", offered.address, "nothing"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["call", "ADDRESS", "fails"], "ValueError: no such \\x1b[31mwheel"),
        (["call", "ADDRESS", "ecko"], "did you mean 'echo'?"),
        (["call", "ADDRESS", "nothing", "1"], "cannot be called like this"),
        (["call", "ADDRESS", "echo", "{1, 2}"], "cannot travel"),
        (["watch", "ADDRESS", "echo"], "echo is a batch"),
        (["ls", "127.0.0.1:1"], "nothing listens on 127.0.0.1:1"),
        (["ls", "127.0.0.1:1", "--import", "no.such"], "no.such cannot be imported"),
    ],
)
def test_an_error_is_one_sentence(
    words: list[str], sentence: str, offered: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([offered.address if word == "ADDRESS" else word for word in words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pynet: ")
    assert sentence in err
    assert "Traceback" not in err


def test_a_deadline_ends_a_call(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.batch(lambda: pynet.sleep(60), name="slow")
    assert main(["call", gateway.address, "slow", "--deadline", "0.05"]) == 1
    assert "slow gave no result in time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["ls"],
        ["ls", "car:99999"],
        ["ls", "car", "more", "most"],
        ["call", "car", "name", "--nope"],
        ["watch", "car", "name", "--count", "0"],
        ["ping", "car", "--timeout", "nan"],
        ["serve", "x:y", "--port", "70000"],
        ["--log-level", "loud", "ls", "car"],
    ],
)
def test_a_wrong_command_line_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: pynet" in capsys.readouterr().err


def test_watch_prints_a_line_for_each_item(
    offered: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", offered.address, "count", "9", "step=2", "--count", "3"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[2], line[3]) for line in lines] == [
        ("0", "ms", "0"),
        ("1", "ms", "2"),
        ("2", "ms", "4"),
    ]
    assert main(["watch", offered.address, "count", "2", "--json"]) == 0
    notes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(note["id"], note["gap"], note["value"]) for note in notes] == [(0, 0, 0), (1, 0, 1)]


def test_watch_counts_what_was_dropped(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    @gateway.stream(policy=pynet.keep_last(2))
    def burst() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(100_000)

    assert main(["watch", gateway.address, "burst", "--json"]) == 0
    notes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ids = [note["id"] for note in notes]
    gaps = [now - before - 1 for before, now in itertools.pairwise(ids)]
    assert [note["gap"] for note in notes[1:]] == gaps


def test_ping_and_stats(
    offered: Gateway, car: RemoteGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ping", offered.address, "--count", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"bench at {offered.address}, 2 pings:   min ")
    assert "median" in out
    assert "max" in out
    assert main(["ping", offered.address, "--count", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"count", "min", "median", "max"}

    with car.feed("drive", policy="latest"):
        assert main(["stats", offered.address]) == 0
        lines = capsys.readouterr().out.splitlines()
        figures = dict(line.split(maxsplit=1) for line in lines[: lines.index("")])
        assert figures["gateway"] == "bench"
        assert figures["handlers"] == "1"
        head, row = lines[lines.index("") + 1 :]
        assert head.split()[:4] == ["HANDLER", "CONTROLLER", "PEER", "RUNS"]
        assert row.split()[1] == "desk"
        assert row.split()[3:5] == ["drive", "running"]
        assert main(["stats", offered.address, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
    assert found["gateway"]["pool_size"] == 10
    assert [handler["subroutine"] for handler in found["handlers"]] == ["drive"]


def test_import_brings_the_classes(
    gateway: Gateway,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = "pynet_cli_shapes"
    (tmp_path / f"{module}.py").write_text(
        "import dataclasses, pynet\n"
        "@pynet.register\n@dataclasses.dataclass\nclass Shape:\n    corners: int\n"
    )
    code = f"import sys, {module} as m, pynet; g = pynet.Gateway(port=0)\n" + textwrap.dedent(
        """
        g.batch(lambda: m.Shape(3), name="shape")
        g.start()
        print(g.address, flush=True)
        sys.stdin.read()
        g.close()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as device:
        assert device.stdout is not None
        address = device.stdout.readline().strip()
        assert main(["call", address, "shape"]) == 1
        assert "--import MODULE" in capsys.readouterr().err
        assert main(["call", address, "shape", "--import", module]) == 0
        assert capsys.readouterr().out.splitlines() == ["Shape", "  corners  3"]
        device.communicate()
    monkeypatch.delitem(sys.modules, module)


# ---- processes ---------------------------------------------------------------------------


@posix_signals
@pytest.mark.parametrize(
    ("target", "number"),
    [("device:gateway", signal.SIGINT), ("device", signal.SIGTERM), ("sub/device.py:gateway", 15)],
)
def test_serve_until_a_signal(target: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write_device(tmp_path / "sub" if "/" in target else tmp_path)
    with serving(target, tmp_path) as (process, address), Controller() as controller:
        car = controller.connect(address)
        assert car.name == "rover"
        ended: list[Any] = []
        items: list[int] = []
        stream = car.stream("proximity", items.append, on_end=ended.append, reconnect=False)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        assert stream.wait(10)
    assert process.returncode == 0
    assert errors == ""
    assert len(ended) == 1


def test_serve_ends_when_a_controller_stops_it(tmp_path: Path) -> None:
    write_device(tmp_path)
    with serving("device:gateway", tmp_path) as (process, address), Controller() as controller:
        with contextlib.suppress(GatewayStopped):  # the farewell may overtake the answer
            controller.connect(address).stop_gateway()
        assert process.wait(20) == 0


@posix_signals
def test_watch_until_ctrl_c(tmp_path: Path) -> None:
    write_device(tmp_path)
    with (
        serving("device", tmp_path) as (_, address),
        pynet_process("watch", address, "proximity") as watch,
    ):
        assert watch.stdout is not None
        assert watch.stdout.readline().split()[0] == "0"
        watch.send_signal(signal.SIGINT)
        _, errors = watch.communicate(timeout=20)
    assert watch.returncode == 0
    assert errors == ""


@posix_signals
def test_a_reader_that_leaves_ends_watch(tmp_path: Path) -> None:
    write_device(tmp_path)
    with (
        serving("device", tmp_path) as (_, address),
        pynet_process("watch", address, "proximity") as watch,
    ):
        assert watch.stdout is not None
        assert watch.stdout.readline()
        watch.stdout.close()
        assert watch.wait(20) == 0
        assert watch.stderr is not None
        assert watch.stderr.read() == ""


@pytest.mark.parametrize(
    ("target", "more", "sentence"),
    [
        ("nowhere:gateway", "", "no module is called nowhere here"),
        ("nowhere.py:gateway", "", "there is no file nowhere.py"),
        ("device:engine", "", "engine in device does not exist"),
        ("device:proximity", "", "proximity in device is a function"),
        ("device", "second = pynet.Gateway()", "device has 2 Gateways; say which"),
        ("device", "gateway = None", "device has no Gateway;"),
        ("device", "import nowhere", "ModuleNotFoundError: No module named 'nowhere' ("),
        ("device", "1 / 0", "ZeroDivisionError: division by zero ("),
        ("device", "gateway = pynet.Gateway(port=0).start(); gateway.close()", "__main__"),
    ],
)
def test_what_cannot_be_served_is_said(
    target: str, more: str, sentence: str, tmp_path: Path
) -> None:
    write_device(tmp_path, more)
    with pynet_process("serve", target, cwd=tmp_path) as process:
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    assert sentence in errors
    assert "Traceback" not in errors


def test_plain_tcp_needs_the_same_consent_as_in_python(tmp_path: Path) -> None:
    write_device(tmp_path)
    plain = ("--host", "0.0.0.0", "--insecure")
    with pynet_process("serve", "device", *plain, cwd=tmp_path) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "would let anybody on the network in" in errors
    with (
        serving("device", tmp_path, *plain, "--allow-network") as (_, address),
        Controller(insecure=True) as controller,
    ):
        assert controller.connect(address.replace("0.0.0.0", "127.0.0.1")).name == "rover"


def test_debug_shows_the_traceback() -> None:
    with pynet_process("ls", "127.0.0.1:1", "--log-level", "debug") as process:
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    assert "Traceback" in errors
    assert errors.splitlines()[-1].startswith("pynet: nothing listens on 127.0.0.1:1")


def test_help_documents_arguments_and_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    for words, needed in (
        (["--help"], ["exit status: 0 all is well", "serve", "stats"]),
        (["call", "--help"], ["NAME=VALUE", "JSON"]),
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert all(part in out for part in needed)


def test_tracebacks_of_the_other_side_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Gateway(port=0, tracebacks=True) as gateway:
        gateway.batch(lambda: 1 / 0, name="divide")
        assert main(["call", gateway.address, "divide"]) == 1
        with Controller() as controller, pytest.raises(RemoteError):
            controller.connect(gateway.address).call("divide")
    assert len(capsys.readouterr().err.splitlines()) > 3
