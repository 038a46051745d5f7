"""The person's settings: one TOML file that may be edited by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the app remembers between runs, window layout excepted.

    Attributes:
        theme: ``"dark"``, ``"light"`` or ``"system"``.
        last_address: ``host:port`` connected to last, or empty.
        recent_cars: addresses connected to, newest first.
        connect_at_start: connect to ``last_address`` when the app opens.
        gamepad_dead_zone: radius ignored around the centre, 0 to 0.5.
        gamepad_expo: 0 is linear, 1 is cubic.
        plot_seconds: how far back plots reach, 5 to 60.
    """

    theme: str = "dark"
    last_address: str = ""
    recent_cars: tuple[str, ...] = ()
    connect_at_start: bool = False
    gamepad_dead_zone: float = 0.1
    gamepad_expo: float = 0.3
    plot_seconds: float = 30.0

    def with_car(self, address: str) -> Settings:
        """These settings with ``address`` as the newest car."""
        raise NotImplementedError


def default_path() -> Path:
    """Where the person's settings live on this system."""
    raise NotImplementedError


def load(path: Path) -> tuple[Settings, str]:
    """Read settings; never fails.

    Returns:
        The settings, and a sentence for the person when the file was broken (defaults are
        used then and the broken file is kept beside it), else an empty string.
    """
    return Settings(), ""


def save(settings: Settings, path: Path) -> None:
    """Write settings atomically, keeping the person's comments and unknown keys."""
