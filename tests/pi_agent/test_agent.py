"""The agent in this process, a Controller beside it: real sockets, real hardware classes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pynet
from pi_agent.agent import Agent
from pi_agent.config import CameraConfig, Config, GatewayConfig
from pynet.rc.messages import CameraFrame, CarStatus, DriveCommand, SensorSample
from pynet.rc.video import Decoder

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


class Waiting:
    """Keeps what a stream brings, and waits until something that is wanted came."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._came = threading.Condition()

    def __call__(self, item: Any) -> None:
        with self._came:
            self.items.append(item)
            self._came.notify_all()

    def until_count(self, count: int) -> None:
        with self._came:
            assert self._came.wait_for(lambda: len(self.items) >= count, 20)

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        with self._came:
            seen = 0

            def there() -> bool:
                nonlocal seen
                while seen < len(self.items):
                    if wanted(self.items[seen]):
                        return True
                    seen += 1
                return False

            assert self._came.wait_for(there, 20), f"never came; last: {self.items[-1:]}"
            return self.items[seen]


class Driver:
    """Sends the same command fifty times a second, with a growing sequence."""

    def __init__(self, car: pynet.RemoteGateway, **options: Any) -> None:
        self._feed = car.feed("drive", policy="latest", **options)
        self.command = (0.0, 0.0)
        self._seq = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="driver")
        self._thread.start()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.fall_silent()
        self._feed.close()

    def fall_silent(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            self._seq += 1
            self._feed.send(DriveCommand(self._seq, *self.command, time.monotonic()))


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
    status = Waiting()
    with car.stream("status", status), Driver(car) as driver:
        driver.command = (0.1, 0.5)
        moving: CarStatus = status.until(lambda s: s.state == "driving" and s.distance > 0.3)
        assert moving.driver == "laptop"
        assert (moving.steer, moving.throttle) == (0.1, 0.5)
        assert moving.speed > 0
        assert moving.battery is not None
        assert moving.accepted > 0
        assert moving.last_seq > 0
        driver.fall_silent()
        neutral: CarStatus = status.until(lambda s: s.state == "neutral")
        assert neutral.throttle == 0.0
        assert neutral.failsafe_trips == 1
        assert "No fresh command" in neutral.reason
        status.until(lambda s: s.state == "neutral" and s.speed == 0.0)


def test_stop_is_for_everybody_and_clearing_needs_neutral(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    status = Waiting()
    with (
        pynet.Controller(name="viewer") as controller,
        car.stream("status", status),
        Driver(car) as driver,
    ):
        viewer = controller.connect(agent.address, timeout=10)
        driver.command = (0.0, 0.4)
        status.until(lambda s: s.throttle == 0.4)
        viewer.call("stop", "A viewer pressed Esc")
        stopped: CarStatus = status.until(lambda s: s.state == "stopped")
        assert (stopped.throttle, stopped.reason) == (0.0, "A viewer pressed Esc")
        refused: CarStatus = status.until(lambda s: s.refused > stopped.refused)
        assert refused.accepted == stopped.accepted
        with pytest.raises(pynet.RemoteError, match=r"laptop holds the throttle at \+0.40"):
            viewer.call("clear_stop")
        driver.command = (0.0, 0.0)
        status.until(lambda s: s.refused > refused.refused + 5)
        viewer.call("clear_stop")
        status.items.clear()
        status.until(lambda s: s.state == "driving")
        driver.command = (0.0, 0.3)
        status.until(lambda s: s.throttle == 0.3)


def test_a_second_driver_is_refused_while_the_first_is_fresh(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    status = Waiting()
    with pynet.Controller(name="Ben") as controller, car.stream("status", status):
        other = controller.connect(agent.address, timeout=10)
        with Driver(car):
            status.until(lambda s: s.driver == "laptop" and s.state == "driving")
            over = threading.Event()

            def on_state(state: str) -> None:
                if state == "closed":
                    over.set()

            refused = other.feed("drive", policy="latest", on_state=on_state)
            refused.send(DriveCommand(1, 0.0, 1.0, time.monotonic()))
            assert over.wait(10)
            with pytest.raises(pynet.RemoteError, match="laptop drives this car now"):
                refused.send(DriveCommand(2, 0.0, 1.0, time.monotonic()))
            refused.close()
            assert agent.status().driver == "laptop"
            assert agent.status().throttle == 0.0
        status.items.clear()
        status.until(lambda s: s.driver == "")
        with Driver(other):
            status.until(lambda s: s.driver == "Ben" and s.state == "driving")


def test_an_open_feed_without_commands_keeps_nobody_from_driving(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    status = Waiting()
    with pynet.Controller(name="Ben") as controller, car.stream("status", status):
        idle = controller.connect(agent.address, timeout=10).feed("drive", policy="latest")
        with Driver(car):
            status.until(lambda s: s.driver == "laptop" and s.state == "driving")
        # Ben's feed was there all the time; his turn comes with his first command.
        deadline = time.monotonic() + 20
        while agent.status().driver != "Ben" and time.monotonic() < deadline:
            idle.send(DriveCommand(1, 0.0, 0.0, time.monotonic()))
            threading.Event().wait(0.02)
        assert agent.status().driver == "Ben"
        idle.close()


def test_a_driver_who_fell_silent_can_drive_again_after_somebody_else(
    agent: Agent, car: pynet.RemoteGateway
) -> None:
    status = Waiting()
    with pynet.Controller(name="Ben") as controller, car.stream("status", status):
        other = controller.connect(agent.address, timeout=10)
        feed = car.feed("drive", policy="latest")
        feed.send(DriveCommand(1, 0.0, 0.0, time.monotonic()))
        status.until(lambda s: s.driver == "laptop")
        with Driver(other):
            status.until(lambda s: s.driver == "Ben" and s.state == "driving")
        status.items.clear()
        status.until(lambda s: s.driver == "")
        deadline = time.monotonic() + 20
        seq = 1
        while agent.status().driver != "laptop" and time.monotonic() < deadline:
            seq += 1
            feed.send(DriveCommand(seq, 0.0, 0.0, time.monotonic()))
            threading.Event().wait(0.02)
        assert agent.status().driver == "laptop"
        feed.close()


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
        driver = Driver(controller.connect(agent.address, timeout=10))
        driver.command = (0.0, 0.5)
        while agent.status().throttle == 0.0:
            threading.Event().wait(0.005)
        agent.close()
        assert agent.report()["state"] in ("neutral", "idle")
        driver.fall_silent()
    agent.close()


def test_a_port_that_is_taken_leaves_nothing_behind(agent: Agent) -> None:
    taken = replace(CONFIG, gateway=GatewayConfig(port=agent.port))
    second = Agent(taken)
    with pytest.raises((pynet.PynetError, OSError), match=str(agent.port)):
        second.start()


def test_an_agent_that_never_started_can_be_closed() -> None:
    Agent(CONFIG).close()
