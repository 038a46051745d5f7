"""The motors' process, real: what becomes of the motors when something around it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.security.pin_log import PinLog
from pi_agent.actuators import Actuators, Plan
from pi_agent.config import Config, DrivetrainConfig, HBridgeConfig
from pi_agent.failsafe import frames, rules
from pi_agent.failsafe.machine import Change, Command
from pi_agent.hardware.errors import HardwareError
from tests.pi_agent.driving import LIMIT, alive

posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process and go on")
linux = pytest.mark.skipif(sys.platform != "linux", reason="motors on pins are Linux's")

BRIDGE = HBridgeConfig(enable=22)
ENABLE, LEFT = 22, 9


class Rig:
    """A motors' process and a driver who sends it commands while ``driving`` is set."""

    def __init__(self, plan: Plan) -> None:
        self.outputs: list[tuple[float, float, bool]] = []
        self.changes: list[Change] = []
        self.came = threading.Condition()
        self.throttle = 0.0
        self.epoch = 0
        self.actuators = Actuators(plan, on_output=self._output, on_change=self._change)
        self._seq = 0
        self._ended = threading.Event()
        self.driving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rig")

    def __enter__(self) -> Rig:
        self.actuators.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.driving.set()
        self._thread.join()
        self.actuators.close()

    def _output(self, *output: Any) -> None:
        with self.came:
            self.outputs.append(output)
            self.came.notify_all()

    def _change(self, change: Change) -> None:
        with self.came:
            self.changes.append(change)
            self.came.notify_all()

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            self.driving.wait()
            self._seq += 1
            now = time.monotonic()
            self.actuators.send(Command(self.epoch, self._seq, now, 0.0, 0.25, self.throttle))

    def until(self, wanted: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + LIMIT
        pause = threading.Event()
        while not (found := wanted()):
            assert time.monotonic() < deadline, vars(self)
            pause.wait(0.005)
        return found

    @property
    def stage(self) -> str:
        return rules.STAGES[self.actuators.state.stage]

    def arm(self) -> None:
        self.throttle = 0.0
        self.driving.set()
        while self.until(lambda: self.actuators.state.refusals == 0) and (
            bits := self.actuators.arm(self.epoch)
        ):
            assert bits & ~(rules.KEY_HELD | rules.NO_COMMANDS | rules.YOUNG_LINK) == 0
            threading.Event().wait(0.6)

    def drive(self, throttle: float = 0.5) -> Rig:
        """A new lease, armed, and motors that turn."""
        self.epoch += 1
        self.actuators.set_epoch(self.epoch)
        self.arm()
        self.throttle = throttle
        self.until(lambda: self.actuators.state.throttle == throttle)
        return self

    def cut(self) -> None:
        self.driving.clear()


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(Plan()) as running:
        yield running


def test_it_starts_disarmed_and_small(rig: Rig) -> None:
    state = rig.actuators.state
    assert (rig.stage, state.throttle, state.flags) == ("disarmed", 0.0, 0)
    assert state.causes == rules.STARTED
    if sys.platform == "linux":
        check_size(rig.actuators.pid, 25_000)


def check_size(pid: int | None, limit: int) -> None:
    """Little memory (kB), and nothing heavy was imported."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident < limit, "the motors' process has grown: what does it import?"
    libraries = Path(f"/proc/{pid}/maps").read_text()
    for heavy in ("numpy", "cv2", "_ssl", "cryptography", "msgpack", "_cffi"):
        assert heavy not in libraries


def test_commands_reach_the_motors_and_a_cut_stops_them(rig: Rig) -> None:
    rig.drive(0.5)
    assert rig.outputs[-1] == (0.25, 0.5, True)
    rig.cut()
    rig.until(lambda: rig.stage == "disarmed")
    stages = [rules.STAGES[change.after] for change in rig.changes]
    assert stages[-3:] == ["degraded", "neutral", "disarmed"] or stages[-1] == "disarmed"
    state = rig.actuators.state
    assert state.neutral_written - state.accepted_at >= 0.25
    assert state.lost_epoch == rig.epoch
    rig.until(lambda: rig.outputs[-1] == (0.0, 0.0, False))
    assert (0.25, 0.0, False) in rig.outputs  # the steering was held for a moment


def test_the_stick_held_at_full_moves_nothing_after_a_cut(rig: Rig) -> None:
    rig.drive(1.0)
    rig.cut()
    rig.until(lambda: rig.stage == "neutral")
    at = len(rig.outputs)
    rig.driving.set()
    rig.until(lambda: rig.actuators.state.refused > 60)
    assert all(throttle == 0.0 for _, throttle, _ in rig.outputs[at:])


@posix
def test_its_death_is_neutral_and_a_new_one_starts_disarmed(rig: Rig) -> None:
    rig.drive()
    accepted, pid = rig.actuators.state.accepted, rig.actuators.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    rig.until(lambda: rig.outputs[-1] == (0.0, 0.0, False))
    rig.until(lambda: rig.actuators.pid not in (None, pid) and rig.actuators.running)
    assert rig.stage == "disarmed"
    assert rig.actuators.state.accepted >= accepted
    at = len(rig.outputs)
    rig.until(lambda: rig.actuators.state.refused > 30)  # the stick is still held
    assert all(throttle == 0.0 for _, throttle, _ in rig.outputs[at:])
    died = next(change for change in rig.changes if change.causes == rules.STARTED)
    assert (rules.STAGES[died.before], rules.STAGES[died.after]) == ("ready", "disarmed")
    rig.arm()
    rig.throttle = 0.3
    rig.until(lambda: rig.actuators.state.throttle == 0.3)


@posix
def test_stop_stays_latched_over_its_death(rig: Rig) -> None:
    rig.drive()
    assert rig.actuators.stop()
    assert rig.outputs[-1][1:] == (0.0, False)
    pid = rig.actuators.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    rig.until(lambda: rig.actuators.pid not in (None, pid) and rig.actuators.running)
    rig.until(lambda: rig.stage == "stopped")
    rig.arm()
    assert rig.stage == "ready"


@posix
def test_one_that_hangs_is_ended(rig: Rig) -> None:
    rig.drive()
    pid = rig.actuators.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    rig.until(lambda: rig.outputs[-1] == (0.0, 0.0, False))
    assert not rig.actuators.stop()  # it cannot answer, and says so
    rig.until(lambda: rig.actuators.pid not in (None, pid) and rig.actuators.running)
    rig.until(lambda: rig.stage == "stopped")
    assert not alive(pid)


@posix
def test_sigterm_is_an_orderly_end_and_ctrl_c_is_not_for_it(rig: Rig) -> None:
    rig.drive()
    pid = rig.actuators.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGHUP)
    assert rig.actuators.disarm()
    rig.until(lambda: rig.stage == "disarmed")
    assert rig.actuators.pid == pid
    os.kill(pid, signal.SIGTERM)
    rig.until(lambda: rig.actuators.pid not in (None, pid) and rig.actuators.running)


def test_garbage_in_the_pipe_disarms_and_is_not_obeyed(rig: Rig) -> None:
    rig.drive()
    rig.actuators._write(os.urandom(1000))
    rig.until(lambda: rig.actuators.state.causes & rules.GARBAGE)
    assert rig.stage == "disarmed"
    assert rig.outputs[-1][1] == 0.0
    rig.arm()
    assert rig.stage == "ready"


def test_closing_twice_and_without_a_start_is_fine() -> None:
    actuators = Actuators(Plan())
    actuators.close()
    actuators.close()


# --- with pins ------------------------------------------------------------------------------

AGENT = """
import sys, time
from pi_agent.actuators import Actuators, Plan
from pi_agent.failsafe.machine import Command
plan = Plan("hbridge", 0.25, sys.argv[1], sys.argv[2])
with Actuators(plan) as actuators:
    actuators.set_epoch(1)
    seq, throttle, print_at = 0, 0.0, 0
    while True:
        seq += 1
        actuators.send(Command(1, seq, time.monotonic(), 0.0, 0.0, throttle))
        if not throttle and not actuators.state.refusals and actuators.arm(1) == 0:
            throttle = 0.5
            print(actuators.pid, flush=True)
        time.sleep(0.02)
"""


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PinLog:
    pytest.importorskip("gpiozero")
    log = PinLog(tmp_path / "pins.txt")
    for name, value in log.environment().items():
        monkeypatch.setenv(name, value)
    return log


@pytest.fixture
def plan() -> Plan:
    return Plan.of(Config(drivetrain=DrivetrainConfig("hbridge", hbridge=BRIDGE)))


@contextlib.contextmanager
def agent(plan: Plan) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that drives, and the process of its motors."""
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, plan.claim, plan.text],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    motors = 0
    try:
        assert process.stdout is not None
        motors = int(process.stdout.readline())
        yield process, motors
    finally:
        process.kill()
        process.communicate()
        deadline = time.monotonic() + LIMIT
        while motors and alive(motors) and time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(motors, signal.SIGTERM)
            threading.Event().wait(0.02)


def still(levels: dict[int, float]) -> bool:
    return all(levels[pin] == 0.0 for pin in (*BRIDGE.left, *BRIDGE.right))


@linux
def test_the_pins_follow_and_the_enable_line_falls_after_the_bridge_has_braked(
    pins: PinLog, plan: Plan
) -> None:
    with Rig(plan) as rig:
        assert pins.now()[ENABLE] == 0.0
        check_size(rig.actuators.pid, 45_000)
        rig.drive(0.5)
        pins.until(lambda now: (now[ENABLE], now[LEFT]) == (1.0, 0.75))
        assert rig.actuators.stop()
        assert still(pins.now())
        pins.until(lambda now: now[ENABLE] == 0.0)
    assert still(pins.now())
    levels = pins.read()
    up = max(level.time for level in levels if level.pin == ENABLE and level.value)
    later = [level for level in levels if level.time > up and not level.value]
    stopped, fell = (
        min(level.time for level in later if level.pin == pin) for pin in (LEFT, ENABLE)
    )
    # The second counts from the decision, a moment before the pin falls.
    assert fell - stopped >= rules.POWER_AFTER - 0.05


@linux
def test_kill_9_of_the_agent_is_neutral_and_the_pins_stay_held(pins: PinLog, plan: Plan) -> None:
    with agent(plan) as (process, motors):
        pins.until(lambda now: now[LEFT] == 0.5)
        process.kill()
        pins.until(still)
        pins.until(lambda now: now[ENABLE] == 0.0)
        assert alive(motors)
        # A new agent gets the pins from it, and the old one ends first.
        with Rig(plan) as rig:
            assert not alive(motors)
            last_of_old = max(level.time for level in pins.read() if level.pid == motors)
            first_of_new = min(level.time for level in pins.read() if level.pid != motors)
            assert last_of_old < first_of_new
            rig.drive(0.5)


HEIR = """
import subprocess, sys
import pi_agent.actuators as module
real = subprocess.Popen
class Popen(real):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        # Another child, which has the other end of the orders, and lives on.
        fd = self.stdin.fileno()
        self.heir = real([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[fd],
                         stdout=subprocess.DEVNULL)
        print(self.heir.pid, flush=True)
module.subprocess.Popen = Popen
"""


@linux
def test_the_agents_end_is_seen_though_another_child_keeps_the_pipe_open(
    pins: PinLog, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "AGENT", HEIR + AGENT)
    try:
        with agent(plan) as (process, heir):
            pins.until(lambda now: now.get(LEFT) == 0.5)
            process.kill()
            pins.until(still)
            assert alive(heir)
            # It knows that its agent is gone, or it would not give its pins up.
            with Rig(plan) as rig:
                rig.drive()
    finally:
        for pid in {level.pid for level in pins.read()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@linux
def test_an_agent_that_stalls_is_silence(pins: PinLog, plan: Plan) -> None:
    with agent(plan) as (process, _):
        pins.until(lambda now: now[LEFT] == 0.5)
        process.send_signal(signal.SIGSTOP)
        pins.until(still)
        process.send_signal(signal.SIGCONT)
        count = len(pins.read())
        with pytest.raises(AssertionError):
            # It goes on sending its stick at half; nothing moves, because it must arm again.
            _until_within(1.0, lambda: any(level.value for level in pins.read()[count:]))


def _until_within(seconds: float, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came true")


@linux
def test_two_never_write_the_same_pins(pins: PinLog, plan: Plan) -> None:
    with Rig(plan) as rig:
        other = Actuators(plan)
        with pytest.raises(HardwareError, match="Another pi-agent drives these motors"):
            other.start()
        other.close()
        rig.drive(0.3)
        assert {level.pid for level in pins.read()} == {rig.actuators.pid}


@linux
def test_the_death_of_the_motors_process_drops_the_enable_line(pins: PinLog, plan: Plan) -> None:
    with Rig(plan) as rig:
        rig.drive()
        pid = rig.actuators.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        # The kernel lets the line go at once where it is told to; in any case the new process
        # pulls it down before it touches another pin.
        rig.until(lambda: rig.actuators.pid not in (None, pid) and rig.actuators.running)
        first = [level for level in pins.read() if level.pid == rig.actuators.pid]
        assert (first[0].pin, first[0].value) == (ENABLE, 0.0)
        assert not any(level.value for level in first)


@linux
def test_pins_that_cannot_be_used_are_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gpiozero")
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nonsense")
    actuators = Actuators(plan)
    with pytest.raises(HardwareError, match="cannot be used"):
        actuators.start()
    actuators.close()


def test_orders_come_through_a_relay_where_pipes_cannot_be_waited_for() -> None:
    from pi_agent.failsafe import relay

    read, write = os.pipe()
    through = relay.relay(read)
    frame = frames.pack_order(frames.STOP, 0, 3)
    os.write(write, frame)
    assert relay._kept[-1].recv(1000) == frame
    os.close(write)
    assert relay._kept[-1].recv(1000) == b""
    assert through == relay._kept[-1].fileno()
    relay._kept.pop().close()
    os.close(read)
