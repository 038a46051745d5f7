"""Jobs in a real worker process, and on threads of this one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynet import Controller, Gateway
from pynet.errors import (
    Busy,
    Closed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    EncodeError,
    NoSpace,
    NotShared,
    PynetError,
    RemoteError,
    UnknownSubroutine,
)
from pynet.files import child, jobs, worker
from pynet.files.info import Usage
from pynet.files.way import Way
from pynet.files.worker import Worker

ROOT = Path(__file__).resolve().parents[4]
METHODS = "tests.pynet.files.processes.methods"
Until = Callable[..., None]


@pytest.fixture(params=["process", "threads"])
def own_process(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "process")


@pytest.fixture
def crew(own_process: bool) -> Iterator[Worker]:
    with Worker(METHODS, own_process=own_process) as crew:
        yield crew


@pytest.fixture
def child_crew() -> Iterator[Worker]:
    with Worker(METHODS) as crew:
        yield crew


def test_calls_return_what_the_function_does(crew: Worker, own_process: bool) -> None:
    assert crew.pid is None
    assert crew.call("same", 1, [b"\xff", "x"], {"a": None}) == [1, [b"\xff", "x"], {"a": None}]
    assert crew.call("same", bytes(3_000_000)) == [bytes(3_000_000)]
    assert crew.call("usage", Usage(1, 2, 3)) == Usage(1, 2, 3)
    pid, niceness = crew.call("about")
    assert (pid == os.getpid()) is not own_process
    if own_process:
        assert pid == crew.pid
        assert niceness >= min(19, os.getpriority(os.PRIO_PROCESS, 0) + child.NICENESS)
    assert "pynet-job-threads-5" in crew.call("threads")


def test_events_come_in_their_order(crew: Worker) -> None:
    events: list[Any] = []
    job = crew.open("count", 5000, on_event=events.append)
    assert job.result(30) == 5000
    assert job.done
    assert events == list(range(5000))


def test_what_is_said_is_heard(crew: Worker) -> None:
    events: list[Any] = []
    job = crew.open("converse", on_event=events.append)
    for value in ("pause", {"rate": 1.5}, "enough"):
        job.say(value)
    assert job.result(10) == ["pause", {"rate": 1.5}, "enough"]
    assert events == [["heard", value] for value in job.result()]
    job.say("too late")
    job.cancel()
    with pytest.raises(EncodeError):
        job.say(object())


def test_a_listener_misses_nothing(crew: Worker) -> None:
    ready = threading.Event()
    job = crew.open("listen", 4, on_event=lambda _: ready.set())
    assert ready.wait(10)
    for value in ("go", 1, 2, "fail", 3, 4):
        job.say(value)
    heard = job.result(10)
    assert heard[-2:] == [3, 4]
    assert heard[:2] == [1, 2]


def test_cancelling_is_up_to_the_function(crew: Worker) -> None:
    waiting = threading.Event()
    job = crew.open("wait", on_event=lambda _: waiting.set())
    assert waiting.wait(10)
    with pytest.raises(DeadlineExceeded, match="wait"):
        job.result(0.01)
    job.cancel()
    assert job.result(10) == "cancelled"
    with pytest.raises(DeadlineExceeded):
        crew.call("wait", timeout=0.01)


@pytest.mark.parametrize(
    ("how", "kind", "text"),
    [
        ("space", NoSpace, "full"),
        ("connect", ConnectError, "nobody"),
        ("busy", Busy, "later"),
        ("remote", RemoteError, "KeyError: 'x'"),
        ("other", RemoteError, "ValueError: a half"),
    ],
)
def test_errors_arrive_as_what_they_are(
    crew: Worker, how: str, kind: type[PynetError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        crew.call("fail", how)
    assert type(caught.value) is kind
    if how == "other":
        assert isinstance(caught.value, RemoteError)
        assert "in fail" in str(caught.value.traceback)


def test_what_cannot_be(crew: Worker) -> None:
    with pytest.raises(UnknownSubroutine, match="nothing"):
        crew.call("nothing")
    with pytest.raises(EncodeError):
        crew.call("same", object())
    with pytest.raises(EncodeError):
        crew.call("unpackable")
    with pytest.raises(RemoteError, match="TypeError"):
        crew.call("count")
    assert crew.call("same") == []


def test_a_listener_of_events_that_raises_harms_nobody(
    crew: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    job = crew.open("count", 3, on_event=lambda event: 1 / event)
    assert job.result(10) == 3
    assert "division by zero" in caplog.text


def test_many_jobs_at_once(crew: Worker) -> None:
    jobs = [crew.open("count", number) for number in range(50)]
    assert [job.result(30) for job in jobs] == list(range(50))


def test_closing_cancels_what_runs(crew: Worker) -> None:
    waiting = threading.Event()
    job = crew.open("wait", on_event=lambda _: waiting.set())
    assert waiting.wait(10)
    crew.close()
    crew.close()
    assert job.result(0) == "cancelled"
    for act in (crew.start, lambda: crew.call("same")):
        with pytest.raises(Closed):
            act()


def test_closing_at_once(own_process: bool) -> None:
    with Worker(METHODS, own_process=own_process):
        pass
    with Worker(METHODS, own_process=own_process) as crew:
        crew.start()
        crew.start()
    with Worker(METHODS, own_process=own_process) as crew:
        job = crew.open("same", 1)
    assert job.done


# ---- the process -------------------------------------------------------------------------


def test_jobs_of_a_killed_process_are_lost_and_another_starts(
    child_crew: Worker, caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    job = child_crew.open("wait")
    with pytest.raises(ConnectionLost, match="start the transfer again"):
        child_crew.call("die")
    with pytest.raises(ConnectionLost):
        job.result(5)
    job.say("to nobody")
    job.cancel()
    assert child_crew.call("same", 1) == [1]
    until(lambda: "the next transfer starts another" in caplog.text)


def test_a_process_that_hangs_is_killed(
    child_crew: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "GRACE", 0.05)
    monkeypatch.setattr(worker, "PATIENCE", 0.05)
    hanging = threading.Event()
    job = child_crew.open("hang", on_event=lambda _: hanging.set())
    assert hanging.wait(10)
    child_crew.close()
    with pytest.raises(Closed):
        job.result(0)
    assert "is killed" in caplog.text


def test_a_process_that_cannot_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(module: str, sock: socket.socket) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(child, "start", refuse)
    with Worker(METHODS) as crew, pytest.raises(ConnectionLost):
        crew.call("same")
    assert "no more processes" in caplog.text


def test_a_provider_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with Worker("tests.nothing.of.that.name") as crew, pytest.raises(ConnectionLost):
        crew.call("same")
    assert "ModuleNotFoundError" in capfd.readouterr().err


PARENT = """
import sys
from pynet.files.worker import Worker
with Worker(sys.argv[1]) as crew:
    crew.call("same")
    print(crew.pid, flush=True)
    sys.stdin.read()
"""


def test_it_does_not_outlive_its_parent(until: Until) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, METHODS],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait(20)
        until(lambda: gone(pid))


def gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        return "\nState:\tZ" in status.read_text()
    except OSError:
        return True


def test_errors_of_pynet_only_come_into_being_by_name() -> None:
    for name in ("PynetError", "dataclass", "nothing", "TRAVELLING", ""):
        made = jobs.read_error([name, "text", None])
        assert (type(made) is PynetError) == (name == "PynetError")
    assert isinstance(jobs.read_error(["NotShared", "text", "trace"]), NotShared)


# ---- its own way to a Gateway ------------------------------------------------------------


@pytest.mark.parametrize("insecure", [False, True])
def test_a_job_has_a_connection_of_its_own(
    child_crew: Worker, insecure: bool, tmp_path: Path
) -> None:
    with (
        Gateway(port=0, name="bench", insecure=insecure) as gateway,
        Controller(insecure=insecure) as controller,
    ):
        way = Way.of(controller.connect(gateway.address))
        with pytest.raises(NotShared):
            child_crew.call("roots", way)
        gateway.share("here", tmp_path)
        assert child_crew.call("roots", way) == ["bench", ["here"]]
