"""Where the two ends of a transfer are: on this machine, or at the ends of an emulated link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.link import Link
from benchmarks.link.link import PLACES


@dataclass(frozen=True)
class Ends:
    """Both ends of a transfer.

    Attributes:
        room: the folder that all files of a benchmark are in, also keys and settings.
        link: between them; None if both are on this machine.
        source: where files come from, ``car`` or ``laptop``.
        sink: where they go to.
        space: a network namespace that both are in, where there is no link.
    """

    room: Path
    link: Link | None = None
    source: str = "car"
    sink: str = "laptop"
    space: str | None = None

    def host(self, place: str) -> str:
        """Return the address of one place."""
        return "127.0.0.1" if self.link is None else PLACES[place]

    def command(self, place: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs another at one place."""
        if self.link is not None:
            return self.link.command(place, command)
        alone = [] if self.space is None else ["ip", "netns", "exec", self.space]
        return [*alone, *command]

    def folder(self, name: str) -> Path:
        """Return a folder for what is no part of a transfer, such as keys."""
        folder = self.room / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
