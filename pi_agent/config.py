"""What one TOML file says about a car, as frozen dataclasses.

:func:`load_config` reads and checks the file; every problem names the file, the
line, the value, what is allowed and what to do. docs/car.md explains each key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path

from pi_agent.config_reader import ConfigError, Table, read_file
from pi_agent.hardware.hbridge_config import HBridgeConfig
from pi_agent.roots import FilesConfig, read_files
from pynet.errors import ConfigurationError
from pynet.trust.identity import read_device_id
from pynet.trust.peers import LONGEST_NAME, clean_name

__all__ = [
    "SENSOR_NAMES",
    "CameraConfig",
    "Config",
    "ConfigError",
    "DrivetrainConfig",
    "FailsafeConfig",
    "FilesConfig",
    "GatewayConfig",
    "HBridgeConfig",
    "PeerConfig",
    "SensorConfig",
    "SimulatorConfig",
    "TrustConfig",
    "example_text",
    "load_config",
    "show",
]

SENSOR_NAMES = ("distance", "speed", "yaw_rate", "acceleration", "battery")
"""The sensors of the simulated car."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Where the car listens.

    Attributes:
        host: address to bind.
        port: 0 to 65535; 0 takes any free one.
        pool_size: how many connections at once; a live feed takes one to eight.
        insecure: True for plain TCP: no encryption, and nobody proves who they are.
        allow_network: True to do so on another address than this machine's own.
        announce: tell the network by mDNS that the car is here, if it listens beyond this machine.
    """

    host: str = "127.0.0.1"
    port: int = 1857
    pool_size: int = 128
    insecure: bool = False
    allow_network: bool = False
    announce: bool = True


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """A machine that needs no code.

    Attributes:
        name: what it is called here.
        id: what `pynet id` prints there.
        role: ``"viewer"``, ``"driver"`` or ``"owner"``.
    """

    name: str
    id: str
    role: str = "driver"


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """Who may come in.

    Attributes:
        code_command: program and arguments that show a pairing code, which is added to them.
        peer: machines that need no code.
    """

    code_command: tuple[str, ...] = ()
    peer: tuple[PeerConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class DrivetrainConfig:
    """What moves the car.

    Attributes:
        kind: ``"simulated"`` or ``"hbridge"``.
        speed_limit: m/s that the car reaches at full throttle, 0 when unknown.
        hbridge: pins and limits of an H-bridge.
    """

    kind: str = "simulated"
    speed_limit: float = 0.0
    hbridge: HBridgeConfig = field(default_factory=HBridgeConfig)


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """The camera called ``front``.

    Attributes:
        source: ``"auto"``, ``"simulator"``, ``"none"``, a video file or a device.
        width, height: pixels.
        fps: pictures per second.
        codec: ``"auto"`` (the best one that the other side can show), ``"h264"`` or ``"jpeg"``.
        quality: of the best JPEG pictures, 30 to 95.
        max_bitrate, min_bitrate: of H.264 at full size and rate, Mbit/s.
    """

    source: str = "auto"
    width: int = 640
    height: int = 480
    fps: float = 30.0
    codec: str = "auto"
    quality: int = 80
    max_bitrate: float = 4.0
    min_bitrate: float = 0.4


@dataclass(frozen=True, slots=True)
class SensorConfig:
    """What the file changes about one sensor; None keeps the sensor's own value."""

    enabled: bool = True
    hz: float | None = None
    alarm_below: float | None = None
    alarm_above: float | None = None


@dataclass(frozen=True, slots=True)
class FailsafeConfig:
    """What the car does by itself.

    Attributes:
        command_timeout: seconds without a fresh command until the throttle is neutral.
        battery_low: volts below which the car cannot be armed; 0 for any.
        black_box: file that keeps every transition, ``"auto"`` or ``"none"``.
    """

    command_timeout: float = 0.25
    battery_low: float = 0.0
    black_box: str = "auto"


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The world of the simulated car.

    Attributes:
        seed: of landscape, textures and noise.
        track: a builtin track or a TOML file.
    """

    seed: int = 1
    track: str = "meadow"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything about one car."""

    name: str = "Rover-1"
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    trust: TrustConfig = field(default_factory=TrustConfig)
    drivetrain: DrivetrainConfig = field(default_factory=DrivetrainConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    sensors: dict[str, SensorConfig] = field(default_factory=dict)
    failsafe: FailsafeConfig = field(default_factory=FailsafeConfig)
    simulator: SimulatorConfig = field(default_factory=SimulatorConfig)
    files: tuple[FilesConfig, ...] = (FilesConfig(),)


def load_config(path: str | Path, *, look: bool = False) -> Config:
    """Reads and checks a file.

    Args:
        path: of it; relative paths in it start from its folder.
        look: whether its folders are there is checked, too.

    Raises:
        ConfigError: with all problems of the file at once.
    """
    top = read_file(Path(path))
    config = Config(
        name=top.text("name", Config().name, longest=64),
        gateway=_gateway(top.table("gateway")),
        trust=_trust(top.table("trust")),
        drivetrain=_drivetrain(top.table("drivetrain")),
        camera=_camera(top.table("camera")),
        sensors=_sensors(top.table("sensors")),
        failsafe=_failsafe(top.table("failsafe")),
        simulator=_simulator(top.table("simulator")),
        files=_files(top, Path(path).parent, look),
    )
    _check_together(config, top)
    top.finish()
    return config


def example_text() -> str:
    """The commented sample file that comes with the program."""
    return (
        resources.files("pi_agent")
        .joinpath("data", "config.example.toml")
        .read_text(encoding="utf-8")
    )


def show(config: Config) -> str:
    """The configuration as TOML, with every default filled in."""
    return "\n".join(_lines(config, "")) + "\n"


def _gateway(table: Table) -> GatewayConfig:
    default = GatewayConfig()
    return GatewayConfig(
        host=table.text("host", default.host),
        port=table.whole("port", default.port, 0, 65535),
        pool_size=table.whole("pool_size", default.pool_size, 8, 1024),
        insecure=table.flag("insecure", default.insecure),
        allow_network=table.flag("allow_network", default.allow_network),
        announce=table.flag("announce", default.announce),
    )


def _trust(table: Table) -> TrustConfig:
    peers = []
    for part in table.tables("peer"):
        peer = PeerConfig(
            name=part.text("name", "", longest=LONGEST_NAME),
            id=part.text("id", "", longest=80),
            role=part.choice("role", "driver", ("viewer", "driver", "owner")),
        )
        for key, value, check in (("name", peer.name, clean_name), ("id", peer.id, read_device_id)):
            try:
                check(value)
            except ConfigurationError as error:
                if value:
                    part.problem(key, "cannot be", str(error))
        peers.append(peer)
    return TrustConfig(table.words("code_command"), tuple(peers))


def _drivetrain(table: Table) -> DrivetrainConfig:
    default = HBridgeConfig()
    kind = table.choice("kind", "simulated", ("simulated", "hbridge"))
    hbridge = HBridgeConfig(
        left=table.pins("left", default.left),
        right=table.pins("right", default.right),
        invert_left=table.flag("invert_left", default.invert_left),
        invert_right=table.flag("invert_right", default.invert_right),
        limit=table.number("limit", default.limit, 0.1, 1.0, ""),
        trim=table.number("trim", default.trim, -0.5, 0.5, ""),
        frequency=table.whole("frequency", default.frequency, 20, 10000),
        enable=table.whole_or_none("enable", 0, 27),
    )
    if len({*hbridge.left, *hbridge.right}) < 4:
        table.problem("right", "shares a pin with left", "give each of the four its own pin")
    if hbridge.enable in {*hbridge.left, *hbridge.right}:
        table.problem("enable", "is a pin of a motor, too", "give it a pin of its own")
    return DrivetrainConfig(kind, table.number("speed_limit", 0.0, 0.0, 30.0, "m/s"), hbridge)


def _camera(table: Table) -> CameraConfig:
    default = CameraConfig()
    return CameraConfig(
        source=table.text("source", default.source),
        width=table.whole("width", default.width, 160, 1920),
        height=table.whole("height", default.height, 120, 1080),
        fps=table.number("fps", default.fps, 1, 90, "pictures per second"),
        codec=table.choice("codec", default.codec, ("auto", "h264", "jpeg")),
        quality=table.whole("quality", default.quality, 30, 95),
        max_bitrate=table.number("max_bitrate", default.max_bitrate, 0.2, 50.0, "Mbit/s"),
        min_bitrate=table.number("min_bitrate", default.min_bitrate, 0.1, 50.0, "Mbit/s"),
    )


def _sensors(table: Table) -> dict[str, SensorConfig]:
    sensors = {}
    for name in table.names():
        if name not in SENSOR_NAMES:
            table.problem(name, "is no sensor of this car", f"use {', '.join(SENSOR_NAMES)}")
        part = table.table(name)
        sensors[name] = SensorConfig(
            enabled=part.flag("enabled", True),
            hz=part.number_or_none("hz", 1.0, 100.0, "per second"),
            alarm_below=part.number_or_none("alarm_below", -1e6, 1e6, ""),
            alarm_above=part.number_or_none("alarm_above", -1e6, 1e6, ""),
        )
    return sensors


def _failsafe(table: Table) -> FailsafeConfig:
    default = FailsafeConfig()
    return FailsafeConfig(
        command_timeout=table.number("command_timeout", default.command_timeout, 0.15, 0.5, "s"),
        battery_low=table.number("battery_low", default.battery_low, 0.0, 100.0, "V"),
        black_box=table.text("black_box", default.black_box),
    )


def _simulator(table: Table) -> SimulatorConfig:
    default = SimulatorConfig()
    return SimulatorConfig(
        seed=table.whole("seed", default.seed, 0, 2**31 - 1),
        track=table.text("track", default.track),
    )


def _files(top: Table, base: Path, look: bool) -> tuple[FilesConfig, ...]:
    if "files" not in top.names():
        return Config().files
    return read_files(top.tables("files"), base, look)


def _check_together(config: Config, top: Table) -> None:
    """What single values cannot tell."""
    if config.camera.min_bitrate > config.camera.max_bitrate:
        top.table("camera").problem(
            "min_bitrate", "is above max_bitrate", f"use at most {config.camera.max_bitrate:g}"
        )
    gateway = config.gateway
    if gateway.insecure and gateway.host not in LOOPBACK and not gateway.allow_network:
        top.table("gateway").problem(
            "insecure",
            "would let anybody in the network drive the car",
            'remove it, or keep host = "127.0.0.1"',
        )
    if config.drivetrain.kind == "hbridge":
        if config.camera.source == "simulator":
            top.table("camera").problem(
                "source",
                "would show a simulated road to the driver of a real car",
                'use a device such as "/dev/video0", or "none"',
            )
        if config.sensors:
            top.table("sensors").problem(
                next(iter(config.sensors)),
                "belongs to the simulated car",
                'remove it, or set kind = "simulated" in [drivetrain]',
            )


def _lines(value: object, prefix: str) -> list[str]:
    """The lines of one table: plain values first, then the tables inside."""
    if isinstance(value, dict):
        entries = list(value.items())
    else:
        assert is_dataclass(value)
        entries = [(entry.name, getattr(value, entry.name)) for entry in fields(value)]
    plain, inner = [], []
    for key, entry in entries:
        if key == "hbridge":
            plain += _lines(entry, prefix) if getattr(value, "kind", "") == "hbridge" else []
        elif isinstance(entry, tuple) and entry and is_dataclass(entry[0]):
            for part in entry:
                inner += ["", f"[[{prefix}{key}]]", *_lines(part, f"{prefix}{key}.")]
        elif is_dataclass(entry) or isinstance(entry, dict):
            name = f"{prefix}{key}"
            body = _lines(entry, f"{name}.")
            head = [f"[{name}]"] if body and not body[0].startswith("[") and body[0] else []
            inner += ["", *head, *body] if head else body
        elif entry is not None:
            plain.append(f"{key} = {_toml(entry)}")
    return plain + inner


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = re.sub(r'(["\\])', r"\\\1", value)
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return repr(value)
