"""What the command line asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Answer of the command line, handed to ``rcapp.views.app.run``.

    Attributes:
        demo: start a simulated car and connect to it.
        connect: ``host:port`` to connect to at once, or None.
        insecure: speak plain TCP with cars that do, instead of TLS.
        config: settings file to use instead of the person's own, or None.
        log_level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        scripted_seconds: drive by script off screen for so long, then leave; None for a person.
            The car of ``connect`` is driven, or a simulated one.
        output: folder for ``demo.json`` and the pictures of the window.
        crash_note: a sentence about the last run when it crashed, else empty.
        started: local monotonic time at which the program started.
    """

    demo: bool = False
    connect: str | None = None
    insecure: bool = False
    config: Path | None = None
    log_level: str = "info"
    scripted_seconds: float | None = None
    output: Path = Path("build")
    crash_note: str = ""
    started: float = field(default_factory=time.monotonic)
