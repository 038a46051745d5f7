"""The person's settings: one TOML file that may be edited by hand.

Reading never fails: what cannot be used is replaced by its default and said in
a sentence. Writing keeps the person's comments and the keys of other versions.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from rcapp.core.cars import MOST_REMEMBERED, KnownCar, forget, remember

logger = logging.getLogger("rcapp.settings")

SCHEMA_VERSION = 1
"""Grows when a key changes its meaning."""

THEMES = ("dark", "light", "contrast", "system")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the app remembers between runs, window layout excepted.

    Attributes:
        theme: ``"dark"``, ``"light"``, ``"contrast"`` or ``"system"``.
        name: what cars call this computer when it is paired; empty for the computer's own name.
        cars: those used before, newest first.
        connect_at_start: connect to the newest of them when the app opens.
        gamepad_dead_zone: radius ignored around the centre, 0 to 0.5.
        gamepad_expo: 0 is linear, 1 is cubic.
        plot_seconds: how far back plots reach, 5 to 60.
    """

    theme: str = "dark"
    name: str = ""
    cars: tuple[KnownCar, ...] = ()
    connect_at_start: bool = False
    gamepad_dead_zone: float = 0.1
    gamepad_expo: float = 0.3
    plot_seconds: float = 30.0

    @property
    def last_address(self) -> str:
        """``host:port`` connected to last, or empty."""
        return self.cars[0].address if self.cars else ""

    def with_car(self, car: KnownCar) -> Settings:
        """These settings with ``car`` as the newest."""
        return dataclasses.replace(self, cars=remember(self.cars, car))

    def without_car(self, address: str) -> Settings:
        """These settings without the car at ``address``."""
        return dataclasses.replace(self, cars=forget(self.cars, address))


def _theme(value: Any) -> str:
    if value not in THEMES:
        raise ValueError(f"must be one of {', '.join(THEMES)}")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text in quotes")
    return value


def _cars(value: Any) -> tuple[KnownCar, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of cars, each under [[cars.known]]")
    return tuple(_car(entry) for entry in value[:MOST_REMEMBERED])


def _car(entry: Any) -> KnownCar:
    if isinstance(entry, str):
        return KnownCar(entry)
    if not isinstance(entry, dict) or not isinstance(entry.get("address"), str):
        raise ValueError("needs an address for each car")
    texts = {key: str(entry.get(key, "")) for key in ("name", "id", "role")}
    seen = entry.get("seen", 0)
    known = isinstance(seen, int | float) and not isinstance(seen, bool)
    return KnownCar(entry["address"], seen=float(seen) if known else 0.0, **texts)


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _number(low: float, high: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("must be a number")
        if not low <= value <= high:
            raise ValueError(f"must lie between {low:g} and {high:g}")
        return float(value)

    return check


# Field of Settings -> table and key in the file, and what turns the file's value into the field's.
_PLACES: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "theme": ("look", "theme", _theme),
    "plot_seconds": ("look", "plot_seconds", _number(5, 60)),
    "name": ("pairing", "name", _text),
    "cars": ("cars", "known", _cars),
    "connect_at_start": ("cars", "connect_at_start", _yes_no),
    "gamepad_dead_zone": ("gamepad", "dead_zone", _number(0, 0.5)),
    "gamepad_expo": ("gamepad", "expo", _number(0, 1)),
}

_EARLIER = {("cars", "known"): "recent"}
"""Keys of earlier versions, which are read where the new one is not there."""


def default_path() -> Path:
    """Where the person's settings live on this system."""
    return Path(platformdirs.user_config_dir("rcapp", appauthor=False)) / "config.toml"


def load(path: Path) -> tuple[Settings, str]:
    """Read settings; never fails.

    Returns:
        The settings, and sentences for the person when something in the file could not be
        used, else an empty string. A file that is no TOML is kept beside it under another name.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return (
            Settings(),
            f"The settings in {path} cannot be read ({error.strerror}); using defaults.",
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        kept = _keep_aside(path, "broken")
        return Settings(), (
            f"The settings file has a mistake ({error}), so defaults are used. "
            f"Your file is kept as {kept}."
        )
    values, complaints = _read(tables)
    version = tables.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        complaints.append("they were written by a newer version of this app")
    if not complaints:
        return Settings(**values), ""
    return Settings(**values), f"Settings in {path.name}: {'; '.join(complaints)}."


def _read(tables: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for field, (table, key, check) in _PLACES.items():
        section = tables.get(table, {})
        if not isinstance(section, dict):
            continue
        if key not in section:
            key = _EARLIER.get((table, key), key)
        if key not in section:
            continue
        try:
            values[field] = check(section[key])
        except ValueError as error:
            complaints.append(f"{table}.{key} {error}, the default is used")
    return values, complaints


def _keep_aside(path: Path, what: str) -> Path:
    """Move a file out of the way, so that writing settings does not destroy it."""
    aside = path.with_name(f"{path.name}.{what}-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        os.replace(path, aside)
    except OSError as error:
        logger.warning("cannot move %s aside: %s", path, error)
        return path
    return aside


def save(settings: Settings, path: Path) -> None:
    """Write settings: the old file or the new one is there at any moment, never half of one.

    Raises:
        OSError: when the folder cannot be written.
    """
    document = _existing(path)
    document["schema_version"] = SCHEMA_VERSION
    for field, (table, key, _) in _PLACES.items():
        section = document.get(table)
        if not isinstance(section, Table):
            section = tomlkit.table()
            document[table] = section
        value = _as_toml(getattr(settings, field))
        if section.get(key) != value:
            section[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_atomically(path, tomlkit.dumps(document))


def _as_toml(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    cars = tomlkit.aot()
    for car in value:
        table = tomlkit.table()
        table.update({key: given for key, given in dataclasses.asdict(car).items() if given})
        cars.append(table)
    return cars


def _existing(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        logger.warning("settings in %s are written anew: %s", path, error)
    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of rcapp. Comments and unknown keys are kept."))
    return document


def _write_atomically(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def reset(path: Path) -> Path | None:
    """Start from defaults; returns where the old settings are kept, if there were any."""
    return _keep_aside(path, "old") if path.exists() else None
