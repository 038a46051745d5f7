"""The whole agent: hardware, failsafe and Gateway in one object."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pynet
from pi_agent import __version__
from pi_agent.black_box import BlackBox
from pi_agent.broadcast import CameraBroadcaster
from pi_agent.car import Car, build_car
from pi_agent.checks import Checks
from pi_agent.config import Config
from pi_agent.failsafe import rules
from pi_agent.hardware.protocols import Sensor
from pi_agent.helm import Helm
from pi_agent.report import Reporter
from pi_agent.roots import FilesConfig, prepared
from pi_agent.subroutines import Subroutines
from pi_agent.video import CameraVideo, offered
from pynet.rc.messages import CarDescription, CarStatus
from pynet.trust.display import CodeCommand
from pynet.trust.store import Placed

logger = logging.getLogger(__name__)


class Agent:
    """One car on the network.

    Args:
        config: what the car is.
        report: where to leave the report, or None.

    Raises:
        HardwareError: a part of the car cannot be used; from :meth:`start` for its motors.
        pynet.PynetError: from :meth:`start`, e.g. when the port is taken.
        OSError: from :meth:`start`, if the report cannot be written.
    """

    def __init__(self, config: Config, report: Path | None = None) -> None:
        self._config = config
        self._started = time.monotonic()
        self._cpu_before = time.process_time()
        self._running = False
        self._car = build_car(config)
        self._cameras: dict[str, CameraVideo] = {}
        try:
            self._cameras |= _cameras(self._car, config)
            sensors: dict[str, Sensor] = {s.info.name: s for s in self._car.sensors}
            self.description = self._describe(sensors)
            self._gateway = self._make_gateway()
        except BaseException:
            for camera in self._cameras.values():
                camera.close()
            self._car.close()
            raise
        box = BlackBox(_black_box_file(config))
        checks = Checks(lambda: self._car.motion().battery, config.failsafe.battery_low)
        self.helm = Helm(self._car.plan, self._car.follow, box, checks.refusals)
        Subroutines(
            self.description,
            self._cameras,
            sensors,
            self.helm,
            box.read,
            self.status,
            config.files,
        ).register(self._gateway)
        self._reporter = Reporter(report, self.report) if report is not None else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the car listens, ``host:port``."""
        host = self._config.gateway.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def port(self) -> int:
        """The port it listens on; after :meth:`start` the real one, if any was asked for."""
        return int(self._gateway.port)

    def start(self) -> None:
        """Starts everything; the network last, so that nobody meets half a car."""
        self._running = True
        try:
            self._car.start()
            self.helm.start()
            for camera in self._cameras.values():
                camera.start()
            self._gateway.start()
            if self._reporter is not None:
                self._reporter.start()
        except BaseException:
            self.close()
            raise
        logger.info("%s listens on %s", self._config.name, self.address)

    def close(self) -> None:
        """Neutral first, then everything else; may be called again."""
        self.helm.close()
        self._gateway.close()
        for camera in self._cameras.values():
            camera.close()
        if self._reporter is not None:
            self._reporter.close()
        self._car.close()
        if self._running:
            logger.info("%s is closed", self._config.name)
        self._running = False

    def status(self) -> CarStatus:
        """What the car does now."""
        # Stamped first: who compares it with a STOP must not take what was read before for newer.
        now = time.monotonic()
        state, helm = self.helm.state, self.helm
        motion = self._car.motion()
        stage = rules.STAGES[state.stage]
        return CarStatus(
            time=now,
            stage=stage,
            armed=stage in ("ready", "degraded", "neutral"),
            causes=helm.causes(state.causes),
            refusals=helm.refusals(),
            lease=helm.lease(),
            steer=state.steer,
            throttle=state.throttle,
            accepted=state.accepted,
            refused=helm.refused,
            last_seq=state.last_seq,
            failsafe_trips=state.trips,
            distance=motion.distance,
            speed=motion.speed,
            battery=motion.battery,
            pilot=state.pilot,
        )

    def report(self) -> dict[str, Any]:
        """What the agent did since it started.

        ``neutral_at`` is when the motors were last given a neutral throttle after another one,
        in seconds of this machine's monotonic clock, or null before they ever moved.
        ``accepted_at`` is when the last command that counted was heard.
        """
        state, helm = self.helm.state, self.helm
        return {
            "accepted": state.accepted,
            "refused": helm.refused,
            "failsafe_trips": state.trips,
            "distance_m": round(self._car.motion().distance, 3),
            "frames": sum(camera.frames for camera in self._cameras.values()),
            "stage": rules.STAGES[state.stage],
            "driver": helm.lease().driver,
            "last_seq": state.last_seq,
            "cpu_seconds": round(time.process_time() - self._cpu_before, 3),
            "wall_seconds": round(time.monotonic() - self._started, 3),
            "neutral_at": state.neutral_written or None,
            "accepted_at": state.accepted_at or None,
            "throttle": state.throttle,
            "steer": state.steer,
            "motors_pid": helm.actuators.pid,
        }

    def _describe(self, sensors: dict[str, Sensor]) -> CarDescription:
        return CarDescription(
            name=self._config.name,
            simulated=self._car.simulated,
            version=__version__,
            drivetrain=self._config.drivetrain.kind,
            speed_limit=self._car.speed_limit,
            command_timeout=self._config.failsafe.command_timeout,
            cameras=tuple(camera.info for camera in self._cameras.values()),
            sensors=tuple(sensor.info for sensor in sensors.values()),
        )

    def _make_gateway(self) -> pynet.Gateway:
        config, trust = self._config.gateway, self._config.trust
        placed = [Placed.of(peer.name, peer.id, peer.role) for peer in trust.peer]
        gateway = pynet.Gateway(
            config.host,
            config.port,
            pool_size=config.pool_size,
            name=self._config.name,
            insecure=config.insecure,
            allow_network=config.allow_network,
            trust=None if config.insecure else pynet.Trust(name=self._config.name, placed=placed),
            announce=config.announce,
        )
        if trust.code_command:
            gateway.on_pairing = CodeCommand(trust.code_command)
        for root in self._config.files:
            _share(gateway, root)
        return gateway


def _share(gateway: pynet.Gateway, root: FilesConfig) -> None:
    """Share a folder, if it can be used; a car drives without it too."""
    try:
        folder = prepared(root)
    except pynet.ConfigurationError as error:
        logger.warning("%s is not shared: %s", root.name, error)
        return
    gateway.share(root.name, folder, write=root.write, role=root.role, quota=root.quota)
    logger.info("shares %s: %s, for %s", root.name, folder, root.role)


def _black_box_file(config: Config) -> Path | None:
    """Where transitions are kept; beside the logs of the person by default."""
    chosen = config.failsafe.black_box
    if chosen == "none":
        return None
    if chosen != "auto":
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_state_path("pi-agent", appauthor=False) / "black-box.jsonl"


def _cameras(car: Car, config: Config) -> dict[str, CameraVideo]:
    if car.open_camera is None:
        return {}
    codecs = offered(config.camera.codec)
    broadcaster = CameraBroadcaster("front", car.open_camera)
    return {"front": CameraVideo(broadcaster, config.camera, codecs)}
