"""A small car behind a real Gateway, and a session that notes what it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import pynet
from pynet.rc.messages import (
    ArmAnswer,
    CameraFrame,
    CameraInfo,
    CarDescription,
    CarStatus,
    DriveCommand,
    Lease,
    LeaseAnswer,
    Refusal,
    SensorInfo,
    SensorSample,
)
from rcapp.core.session import CarSession, Frame, Link, Snapshot
from tests.rcapp.core.jpeg import encode_jpeg

PATIENCE = 20.0


class SmallCar:
    """As much of a car as a session needs; everything is in a test's hands."""

    def __init__(self, port: int = 0, *, pool_size: int = 32, camera: bool = True) -> None:
        self.gateway = pynet.Gateway(port=port, pool_size=pool_size, name="small car")
        self.camera_on = threading.Event()
        self.camera_on.set()
        self.wheel_wanted, self.answers = threading.Event(), threading.Event()
        self.answers.set()
        self.broken: dict[str, Exception] = {}
        self.lock = threading.Lock()
        self.commands: list[DriveCommand] = []
        self.stopped = ""
        self.tells_of_stop = True
        self.armed = False
        self.lease = Lease()
        self.refusals: tuple[Refusal, ...] = ()
        self.forced: list[str] = []
        self.description: Any = CarDescription(
            name="Small car",
            simulated=True,
            version="1",
            drivetrain="none",
            speed_limit=2.0,
            command_timeout=0.25,
            cameras=(CameraInfo("front", 64, 48, 50.0),) if camera else (),
            sensors=(SensorInfo("distance", "Distance", "m", ("L", "R"), 0.0, 4.0, hz=50.0),),
        )
        image = np.zeros((48, 64, 3), np.uint8)
        image[:, :, 2] = 255
        self._jpeg = encode_jpeg(image)
        for register, function in (
            (self.gateway.batch, self.describe),
            (self.gateway.batch, self.stop),
            (self.gateway.batch, self.arm),
            (self.gateway.batch, self.disarm),
            (self.gateway.batch, self.lease_request),
            (self.gateway.batch, self.lease_release),
            (self.gateway.batch, self.lease_force),
        ):
            register(function)
        self.gateway.stream(self.camera, policy="latest")
        self.gateway.stream(self.sensor, policy=pynet.keep_last(8))
        self.gateway.stream(self.status, policy="latest")
        self.gateway.sink(self.drive, policy="latest", max_age=0.2, silence=0.25)
        self.gateway.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.gateway.port}"

    def _check(self, what: str) -> None:
        if what in self.broken:
            raise self.broken[what]

    def describe(self) -> Any:
        return self.description

    def camera(self, name: str = "front") -> Iterator[CameraFrame]:
        seq = 0
        while True:
            self._check("camera")
            if self.camera_on.is_set():
                seq += 1
                yield CameraFrame(seq, time.monotonic(), 64, 48, "jpeg", self._jpeg)
            pynet.sleep(0.02)

    def sensor(self, name: str, hz: float | None = None) -> Iterator[SensorSample]:
        while True:
            self._check("sensor")
            yield SensorSample(name, time.monotonic(), (1.0, 2.0))
            pynet.sleep(0.02)

    def status(self) -> Iterator[CarStatus]:
        while True:
            with self.lock:
                newest = self.commands[-1] if self.commands else None
                stopped = self.stopped if self.tells_of_stop else ""
                stage = "stopped" if stopped else "ready" if self.armed else "disarmed"
                status = CarStatus(
                    time=time.monotonic(),
                    stage=stage,
                    armed=stage == "ready",
                    causes=(stopped,) if stopped else (),
                    refusals=self.refusals,
                    lease=self.lease,
                    steer=newest.steer if newest else 0.0,
                    throttle=newest.throttle if newest else 0.0,
                    accepted=len(self.commands),
                    refused=0,
                    last_seq=newest.seq if newest else -1,
                    failsafe_trips=0,
                    distance=0.0,
                    speed=0.0,
                    battery=None,
                )
            yield status
            pynet.sleep(0.02)

    def drive(self, commands: Any) -> None:
        for command in commands:
            self._check("drive")
            if command is not pynet.SILENCE:
                with self.lock:
                    self.commands.append(command)

    def stop(self, reason: str = "") -> None:
        self._check("stop")
        with self.lock:
            self.stopped = f"{_caller().name} pressed STOP."
            self.armed = False

    def arm(self) -> ArmAnswer:
        self._check("arm")
        with self.lock:
            if self.refusals:
                return ArmAnswer(False, self.refusals)
            self.stopped = ""
            self.armed = True
        return ArmAnswer(True)

    def disarm(self) -> None:
        with self.lock:
            self.armed = False

    def lease_request(self) -> LeaseAnswer:
        self._check("lease_request")
        self.wheel_wanted.set()
        assert self.answers.wait(PATIENCE)
        with self.lock:
            if self.lease.driver:
                self.lease = replace(self.lease, request="tester", request_id=1, request_left=9.0)
                return LeaseAnswer(False, 0, f"{self.lease.driver} was asked.")
            epoch = self.lease.epoch + 1
            self.lease = Lease(epoch, _caller().name, _caller().session)
        return LeaseAnswer(True, epoch, "You drive.")

    def lease_release(self) -> None:
        with self.lock:
            self.lease = Lease(self.lease.epoch + 1)
            self.armed = False

    def lease_force(self, reason: str) -> LeaseAnswer:
        self.forced.append(reason)
        with self.lock:
            self.lease = Lease(self.lease.epoch)
        return self.lease_request()

    def close(self) -> None:
        self.gateway.close()


def _caller() -> pynet.Caller:
    caller = pynet.caller()
    assert caller is not None
    return caller


class Watched(CarSession):
    """A session that a test can wait on, woken as the GUI is."""

    def __init__(self) -> None:
        self.woken = threading.Condition()
        self.seen: list[Frame] = []
        super().__init__(name="tester", on_wake=self._woke)

    def _woke(self) -> None:
        with self.woken:
            self.woken.notify_all()

    def until(self, true: Callable[[Snapshot], object], tick: bool = False) -> Snapshot:
        """Wait for a snapshot of which ``true`` holds, painting and driving as the GUI does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if tick:
                self.drive.tick()
            frame = self.take_frame()
            if frame is not None:
                self.seen.append(frame)
                self.painted(frame)
                self.painted(frame)  # a window painted again is no second picture
            snapshot = self.snapshot()
            if true(snapshot):
                return snapshot
            assert time.monotonic() < deadline, f"never came true; at the end: {snapshot}"
            with self.woken:
                self.woken.wait(0.02)

    def texts(self) -> list[str]:
        return [event.text for event in self.events.since(0)]


def drive_off(session: Watched) -> None:
    """Take the wheel, arm and hold the throttle."""
    session.drive.set_keyboard_active(True)
    session.until(is_live, tick=True)
    session.seat.ask_for_wheel()
    session.until(lambda now: now.wheel.yours and now.sending, tick=True)
    session.seat.arm()
    session.until(lambda now: now.armed, tick=True)
    session.drive.keyboard.press("up")


def is_live(snapshot: Snapshot) -> bool:
    return snapshot.link is Link.LIVE
