"""Puts the parts of a car together as its configuration says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi_agent.actuators import Plan
from pi_agent.config import CameraConfig, Config
from pi_agent.hardware.protocols import Camera, HardwareError, Motion, Sensor


@dataclass(frozen=True, slots=True)
class Car:
    """The parts of one car.

    Attributes:
        simulated: True for a car in software.
        plan: how the process that owns its motors is started.
        follow: told what the motors get; only a simulated car does something with it.
        open_camera: opens its camera, or None without one.
        sensors: what it measures.
        motion: tells how it moves.
        speed_limit: m/s at full throttle, 0 when unknown.
        start: lets its own threads run.
        close: frees everything; the motors' process must have ended.
    """

    simulated: bool
    plan: Plan
    follow: Callable[[float, float, bool], None]
    open_camera: Callable[[], Camera] | None
    sensors: tuple[Sensor, ...]
    motion: Callable[[], Motion]
    speed_limit: float
    start: Callable[[], None]
    close: Callable[[], None]


def build_car(config: Config) -> Car:
    """Opens the hardware, or makes a simulated world.

    Raises:
        HardwareError: a part cannot be used.
    """
    if config.drivetrain.kind == "hbridge":
        return _real(config)
    return _simulated(config)


def _real(config: Config) -> Car:
    return Car(
        simulated=False,
        plan=Plan.of(config),
        follow=lambda _steer, _throttle, _live: None,
        open_camera=_video(config.camera),
        sensors=(),
        motion=Motion,
        speed_limit=config.drivetrain.speed_limit,
        start=lambda: None,
        close=lambda: None,
    )


def _simulated(config: Config) -> Car:
    from pi_agent.sim.runner import SimulatedCamera, WorldRunner
    from pi_agent.sim.sensors import simulated_sensors
    from pi_agent.sim.track import TrackError, load_track
    from pi_agent.sim.vehicle import TOP_SPEED
    from pi_agent.sim.world import World

    try:
        track = load_track(config.simulator.track)
    except TrackError as error:
        raise HardwareError(str(error)) from error
    seed = config.simulator.seed
    world = World(track, seed)
    runner = WorldRunner(world)

    def open_simulator() -> Camera:
        return SimulatedCamera(runner, config.camera, seed)

    drawn = config.camera.source in ("auto", "simulator")
    return Car(
        simulated=True,
        plan=Plan.of(config),
        follow=lambda steer, throttle, _live: runner.drive(steer, throttle),
        open_camera=open_simulator if drawn else _video(config.camera),
        sensors=simulated_sensors(world, runner.state, config.sensors, seed),
        motion=runner.motion,
        speed_limit=TOP_SPEED,
        start=runner.start,
        close=runner.close,
    )


def _video(config: CameraConfig) -> Callable[[], Camera] | None:
    if config.source in ("auto", "none"):
        return None

    def open_source() -> Camera:
        from pi_agent.hardware.video import open_video

        return open_video(config)

    return open_source
