"""The agent in this process, a Controller beside it: real sockets, real hardware classes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pynet
from pi_agent.agent import Agent
from pi_agent.config import CameraConfig, Config, GatewayConfig
from pi_agent.lease import Person
from pynet.rc.messages import CameraFrame, DriveCommand, SensorSample
from pynet.rc.video import Decoder
from tests.pi_agent.driving import Driver, Waiting

cv2 = pytest.importorskip("cv2")

SMALL = CameraConfig(width=160, height=120, fps=60.0)
SEEING = Config(gateway=GatewayConfig(port=0), camera=SMALL)
CONFIG = replace(SEEING, camera=CameraConfig(source="none"))
with_camera = pytest.mark.parametrize("agent", [SEEING], indirect=True)


@pytest.fixture
def agent(request: pytest.FixtureRequest) -> Iterator[Agent]:
    """A running agent, without a camera unless the test is marked ``with_camera``."""
    with Agent(getattr(request, "param", CONFIG)) as running:
        yield running


@pytest.fixture
def car(agent: Agent) -> Iterator[pynet.RemoteGateway]:
    with pynet.Controller(name="laptop") as controller:
        yield controller.connect(agent.address, timeout=10)


@with_camera
def test_it_describes_itself(car: pynet.RemoteGateway) -> None:
    description = car.call("describe")
    assert description.name == "Rover-1"
    assert description.simulated
    assert description.drivetrain == "simulated"
    assert description.speed_limit == 2.5
    assert description.command_timeout == 0.25
    (camera,) = description.cameras
    assert (camera.name, camera.width, camera.height, camera.fps) == ("front", 160, 120, 60.0)
    assert [sensor.name for sensor in description.sensors] == [
        "distance",
        "speed",
        "yaw_rate",
        "acceleration",
        "battery",
    ]


@with_camera
def test_the_camera_sends_pictures_that_grow_newer(car: pynet.RemoteGateway) -> None:
    frames = Waiting()
    with car.stream("camera", frames, name="front"):
        frames.until(lambda frame: frame.seq >= 3)
    first: CameraFrame = frames.items[0]
    assert (first.width, first.height, first.codec) == (160, 120, "jpeg")
    picture = cv2.imdecode(np.frombuffer(first.data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (120, 160, 3)
    taken = [frame.captured for frame in frames.items]
    assert taken == sorted(taken)
    assert 0 <= time.monotonic() - taken[-1] < 20


@with_camera
def test_the_driver_gets_h264_without_a_gap_over_many_lanes(car: pynet.RemoteGateway) -> None:
    (info,) = car.call("describe").cameras
    if "h264" not in info.codecs:
        pytest.skip("PyAV is not installed")
    frames = Waiting()
    with car.stream(
        "camera", frames, codec="h264", driver=True, policy=pynet.paced(4), lanes=8
    ) as client:
        frames.until_count(20)
        assert client.lanes >= 1
    decoder = Decoder()
    pictures = [decoder.decode(frame) for frame in frames.items]
    assert all(picture is not None and picture.shape == (120, 160, 4) for picture in pictures)
    assert [frame.index for frame in frames.items] == list(range(len(pictures)))


@with_camera
def test_two_viewers_share_one_camera(agent: Agent) -> None:
    with (
        pynet.Controller(name="one") as one,
        pynet.Controller(name="other") as other,
    ):
        views = [Waiting(), Waiting()]
        clients = [
            controller.connect(agent.address, timeout=10).stream("camera", view)
            for controller, view in zip((one, other), views, strict=True)
        ]
        for view in views:
            view.until(lambda frame: frame.seq >= 5)
        taken = agent.report()["frames"]
        for client in clients:
            client.close()
        assert max(frame.seq for view in views for frame in view.items) <= taken + 5


@with_camera
def test_without_viewers_nothing_is_drawn(agent: Agent, car: pynet.RemoteGateway) -> None:
    frames = Waiting()
    with car.stream("camera", frames):
        frames.until(lambda frame: True)
    status = Waiting()
    with car.stream("status", status):
        at_rest = [-1, agent.report()["frames"]]
        while at_rest[-1] != at_rest[-2]:
            status.items.clear()
            status.until_count(6)
            at_rest.append(agent.report()["frames"])


def test_every_sensor_streams_at_its_rate(car: pynet.RemoteGateway) -> None:
    for info in car.call("describe").sensors:
        samples = Waiting()
        with car.stream("sensor", samples, name=info.name, hz=100.0):
            samples.until_count(3)
        sample: SensorSample = samples.items[0]
        assert sample.name == info.name
        assert len(sample.values) == len(info.series)
        assert samples.items[1].time > sample.time


@pytest.mark.parametrize(
    ("subroutine", "arguments", "text"),
    [
        ("camera", {"name": "rear"}, "There is no camera 'rear'; there is front."),
        (
            "sensor",
            {"name": "sonar"},
            "There is no sensor 'sonar'; there is distance, speed, yaw_rate, acceleration, battery",
        ),
        ("sensor", {"name": "speed", "hz": "fast"}, "hz must be a number"),
    ],
)
@with_camera
def test_what_is_not_there_is_told(
    car: pynet.RemoteGateway, subroutine: str, arguments: dict[str, Any], text: str
) -> None:
    ended: list[Exception | None] = []
    over = threading.Event()

    def on_end(error: Exception | None) -> None:
        ended.append(error)
        over.set()

    with car.stream(subroutine, lambda _: None, on_end=on_end, **arguments):
        assert over.wait(10)
    (error,) = ended
    assert isinstance(error, pynet.RemoteError)
    assert text in str(error)


def test_driving_moves_the_car_and_silence_stops_it(car: pynet.RemoteGateway) -> None:
    with Driver(car).drives(0.5, 0.1) as driver:
        moving = driver.until(lambda s: s.stage == "ready" and s.distance > 0.3)
        assert moving.driver == "laptop"
        assert (moving.steer, moving.throttle) == (0.1, 0.5)
        assert moving.speed > 0
        assert moving.battery is not None
        assert moving.accepted > 0
        assert moving.last_seq > 0
        assert (moving.causes, moving.refusals) == ((), ())
        before = moving.failsafe_trips
        driver.fall_silent()
        neutral = driver.until(lambda s: s.stage == "neutral")
        assert neutral.throttle == 0.0
        assert neutral.failsafe_trips >= before + 1
        assert "No fresh command" in neutral.reason
        disarmed = driver.until(lambda s: s.stage == "disarmed" and s.driver == "")
        assert "the wheel is free" in disarmed.reason
        driver.until(lambda s: s.speed == 0.0)


def test_a_car_at_rest_wants_the_lease_and_arm_first(car: pynet.RemoteGateway) -> None:
    with Driver(car) as driver:
        driver.command = (0.0, 0.5)
        first = driver.until(lambda s: s.refused > 5)
        assert (first.stage, first.accepted, first.distance) == ("disarmed", 0, 0.0)
        assert next(refusal.number for refusal in first.refusals) == 1
        answer = car.call("arm")
        assert not answer.armed
        assert answer.refusals[0].sentence == "Nobody, or somebody else, may drive."
        driver.lease()
        driver.until(lambda s: [r.number for r in s.refusals] == [4])
        refused = car.call("arm")
        assert [r.remedy for r in refused.refusals] == ["Let go of it."]
        assert driver.until(lambda s: True).distance == 0.0


def test_stop_is_for_everybody_and_only_the_driver_ends_it(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    with pynet.Controller(name="viewer") as controller, Driver(car).drives(0.4) as driver:
        viewer = controller.connect(agent.address, timeout=10)
        viewer.call("stop", "A viewer pressed Esc")
        stopped = driver.until(lambda s: s.stage == "stopped")
        assert (stopped.throttle, stopped.reason) == (0.0, "A viewer pressed Esc")
        refused = driver.until(lambda s: s.refused > stopped.refused)
        assert refused.accepted == stopped.accepted
        assert [r.number for r in viewer.call("arm").refusals] == [1]
        assert 4 in [r.number for r in car.call("arm").refusals]
        threading.Event().wait(0.6)  # not a key that is held
        driver.arm()
        driver.until(lambda s: s.stage == "ready" and s.causes == ())
        driver.command = (0.0, 0.3)
        driver.until(lambda s: s.throttle == 0.3)


def test_anybody_may_disarm(agent: Agent, car: pynet.RemoteGateway) -> None:
    with pynet.Controller(name="viewer") as controller, Driver(car).drives() as driver:
        controller.connect(agent.address, timeout=10).call("disarm")
        disarmed = driver.until(lambda s: s.stage == "disarmed")
        assert (disarmed.throttle, disarmed.driver) == (0.0, "laptop")
        assert "disarmed by hand" in disarmed.reason


def test_handing_over(agent: Agent, car: pynet.RemoteGateway) -> None:
    with pynet.Controller(name="Ben") as controller, Driver(car).drives() as ann:
        other = controller.connect(agent.address, timeout=10)
        with Driver(other) as ben:
            ben.epoch = ann.epoch  # a forged one
            ben.command = (0.0, 1.0)
            before = ann.until(lambda s: s.driver == "laptop")
            ben.until(lambda s: s.refused > before.refused + 5)
            assert agent.status().throttle == 0.5
            with pytest.raises(pynet.RemoteError, match="not offered to you"):
                other.call("lease_take")
            asked = other.call("lease_request")
            assert not asked.granted
            assert "laptop drives this car now" in asked.message
            seen = ann.until(lambda s: s.lease.request == "Ben")
            with pytest.raises(pynet.RemoteError, match="Only laptop"):
                other.call("lease_answer", seen.lease.request_id, True)
            car.call("lease_answer", seen.lease.request_id, True)
            offered = ben.until(lambda s: s.lease.offer_to == "Ben")
            assert 0 < offered.lease.offer_left <= 10
            assert offered.throttle == 0.5  # until it is taken
            taken = other.call("lease_take")
            assert taken.epoch > ann.epoch
            # The motors' process hears of it a moment later.
            between = ben.until(lambda s: s.lease.epoch == taken.epoch and s.stage == "disarmed")
            assert (between.driver, between.throttle) == ("Ben", 0.0)
            ben.epoch = taken.epoch
            ben.arm()
            ben.command = (0.0, 0.25)
            ben.until(lambda s: s.throttle == 0.25)
            assert agent.status().throttle == 0.25  # Ann still holds her stick at 0.5
            other.call("lease_release")
            free = ann.until(lambda s: s.driver == "" and s.stage == "disarmed")
            assert free.throttle == 0.0


def test_an_owner_takes_the_car_and_everybody_sees_why(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    with pynet.Controller(name="Ben") as controller, Driver(car).drives() as driver:
        other = controller.connect(agent.address, timeout=10)
        with pytest.raises(pynet.RemoteError, match="Say why"):
            other.call("lease_force", "")
        assert other.call("lease_force", "a child on the track").granted
        seen = driver.until(lambda s: s.driver == "Ben" and s.stage == "disarmed")
        assert seen.lease.forced_reason == "Ben took the car from laptop: a child on the track"
        assert seen.throttle == 0.0
        assert "a child on the track" in seen.reason


def test_a_driver_who_closes_leaves_a_neutral_car_and_then_no_driver(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    status = Waiting()
    with car.stream("status", status):
        with Driver(car).drives():
            pass
        status.until(lambda s: s.stage == "neutral" and "connection is gone" in s.reason)
        status.until(lambda s: s.stage == "disarmed" and s.driver == "")


def test_the_black_box_tells_what_happened(
    agent: Agent, car: pynet.RemoteGateway, tmp_path: Path
) -> None:
    with Driver(car).drives() as driver:
        driver.fall_silent()
        driver.until(lambda s: s.stage == "disarmed")
        changes = car.call("black_box", 50)
    assert next((c.before, c.after) for c in changes if c.before != c.after) == (
        "disarmed",
        "ready",
    )
    neutral = next(c for c in changes if c.after == "neutral")
    assert 0.25 <= neutral.silent < 1.0
    assert neutral.commands[-1][2] == 0.5
    assert changes[-1].after == "disarmed"
    assert len(car.call("black_box", 1)) == 1


def test_a_pilot_drives_under_its_persons_lease(car: pynet.RemoteGateway) -> None:
    with Driver(car).drives(0.0) as driver:
        driver.changes = {"pilot": 1, "frame_age": 0.05, "throttle": 0.3}
        assert driver.until(lambda s: s.throttle == 0.3).pilot == 1
        driver.changes = {"pilot": 1, "frame_age": 0.25, "throttle": 0.3}
        failed = driver.until(lambda s: s.stage == "neutral")
        assert "pilot failed" in " ".join(failed.causes)


@pytest.mark.parametrize(
    "bad",
    [
        {"seq": "x"},
        {"seq": True},
        {"seq": -1},
        {"epoch": None},
        {"epoch": 1.5},
        {"steer": "left"},
        {"steer": True},
        {"throttle": None},
        {"throttle": 10**400},
        {"input_age": -1.0},
        {"pilot": 2**40},
    ],
)
def test_what_is_no_command_is_refused(agent: Agent, bad: dict[str, Any]) -> None:
    person = Person("s", "laptop")
    assert agent.helm.request(person).granted
    epoch = agent.helm.lease().epoch
    values: dict[str, Any] = {"seq": 1, "steer": 0.0, "throttle": 0.0, "time": 0.0, "epoch": epoch}
    now = time.monotonic()
    assert agent.helm.command(person, DriveCommand(**values), 0.0, now)
    assert not agent.helm.command(person, DriveCommand(**(values | bad)), 0.0, now)
    assert not agent.helm.command(person, {"seq": 1}, 0.0, now)
    assert not agent.helm.command(Person("t", "laptop"), DriveCommand(**values), 0.0, now)


def test_an_agent_that_cannot_be_made_leaves_nothing_behind() -> None:
    beyond = replace(SEEING, gateway=GatewayConfig(host="192.0.2.1", port=0, insecure=True))
    with pytest.raises(pynet.ConfigurationError, match="anybody on the network"):
        Agent(beyond)


def test_a_film_is_a_camera_too(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 25, (80, 60))
    for shade in (50, 200):
        writer.write(np.full((60, 80, 3), shade, dtype=np.uint8))
    writer.release()
    frames = Waiting()
    with (
        Agent(replace(CONFIG, camera=CameraConfig(source=str(film)))) as agent,
        pynet.Controller(name="laptop") as controller,
    ):
        car = controller.connect(agent.address, timeout=10)
        (camera,) = car.call("describe").cameras
        assert (camera.width, camera.height, camera.fps) == (80, 60, 25.0)
        with car.stream("camera", frames):
            frames.until(lambda frame: frame.seq >= 4)
    assert (frames.items[0].width, frames.items[0].height) == (80, 60)


def test_closing_is_neutral_and_may_be_repeated() -> None:
    agent = Agent(CONFIG)
    agent.start()
    with pynet.Controller(name="laptop") as controller:
        driver = Driver(controller.connect(agent.address, timeout=10)).drives()
        agent.close()
        assert agent.report()["throttle"] == 0.0
        driver.fall_silent()
    agent.close()


def test_a_port_that_is_taken_leaves_nothing_behind(agent: Agent) -> None:
    taken = replace(CONFIG, gateway=GatewayConfig(port=agent.port))
    second = Agent(taken)
    with pytest.raises((pynet.PynetError, OSError), match=str(agent.port)):
        second.start()


def test_an_agent_that_never_started_can_be_closed() -> None:
    Agent(CONFIG).close()
