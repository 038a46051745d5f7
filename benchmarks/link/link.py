"""A link that is there for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.link import system
from benchmarks.link.errors import LinkError
from benchmarks.link.profiles import PROFILES, Profile
from benchmarks.link.statistics import Statistics

LAPTOP = "10.86.0.1"
CAR = "10.86.0.2"
"""Their addresses, the same in every link: no link knows of another."""

PLACES = {"laptop": LAPTOP, "car": CAR}
DEVICE = "radio"
KIND_END = 3.0

_numbers = itertools.count(1)


class Link:
    """Two network namespaces, ``laptop`` and ``car``, joined by an emulated link.

    The link exists between :meth:`open` and :meth:`close`, or within a ``with`` block. What was
    started in its namespaces is ended with it, also if this process is killed. Needs root.

    Args:
        profile: one of :data:`PROFILES` by its name, or another.
        seed: the same seed gives the same bursts at the same times, and the same luck to the
            n-th packet.
        congestion: TCP's congestion control at both ends, such as "bbr"; the system's if None.
        changes: what differs from the profile, as for :meth:`Profile.changed`.

    Raises:
        ValueError: there is no such profile, or a change cannot be.
    """

    def __init__(
        self,
        profile: str | Profile,
        *,
        seed: int = 1,
        congestion: str | None = None,
        **changes: Any,
    ) -> None:
        if isinstance(profile, str):
            if profile not in PROFILES:
                raise ValueError(f"no link is called {profile!r}; there are {', '.join(PROFILES)}")
            profile = PROFILES[profile]
        self.profile = profile.changed(**changes)
        self.seed = seed
        self.congestion = congestion
        number = next(_numbers)
        self.spaces = {place: system.space_name(place, number) for place in PLACES}
        self._lock = threading.Lock()
        self._forwarder: subprocess.Popen[str] | None = None
        self._started: list[subprocess.Popen[Any]] = []
        self._last: Statistics | None = None

    # ---- life ---------------------------------------------------------------------------

    def open(self) -> Link:
        """Make it.

        Raises:
            LinkError: it cannot be made here; the message says why.
        """
        if (reason := system.why_not()) is not None:
            raise LinkError(reason)
        system.remove_stale_spaces()
        program = system.forwarder()
        try:
            for name in self.spaces.values():
                system.make_space(name)
            self._forwarder = self._start_forwarder(program)
            for place, address in PLACES.items():
                system.set_address(self.spaces[place], DEVICE, address)
                if self.congestion is not None:
                    system.set_congestion_control(self.spaces[place], DEVICE, self.congestion)
            self.restart_clock()
        except BaseException:
            self.close()
            raise
        return self

    def _start_forwarder(self, program: Path) -> subprocess.Popen[str]:
        cleaner = [sys.executable, "-m", "benchmarks.link.cleaner", *self.spaces.values()]
        forwarder = subprocess.Popen(
            [
                str(program),
                *(str(system.SPACES / self.spaces[place]) for place in PLACES),
                DEVICE,
                str(self.seed),
                self.profile.up.settings(),
                self.profile.down.settings(),
                *cleaner,
            ],
            cwd=system.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the commands at its ends.
            start_new_session=True,
        )
        assert forwarder.stdout is not None
        if forwarder.stdout.readline() != "ready\n":
            _end(forwarder)
            raise LinkError("The link's forwarder did not start; it has said why.")
        return forwarder

    def close(self) -> None:
        """End what runs at its ends, and remove it. May be called twice."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
        for process in self._started:
            try:
                process.wait(KIND_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()
        if self._forwarder is not None:
            with contextlib.suppress(LinkError):
                self._last = self._ask("q")
            _end(self._forwarder)
            self._forwarder = None
        for name in self.spaces.values():
            system.remove_space(name)

    def __enter__(self) -> Link:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- its ends -----------------------------------------------------------------------

    def command(self, place: str, command: Sequence[str]) -> list[str]:
        """Return the command that runs `command` in ``laptop`` or ``car``."""
        if place not in self.spaces:
            raise ValueError(f"a link has no {place!r}; it has a laptop and a car")
        return ["ip", "netns", "exec", self.spaces[place], *command]

    def popen(self, place: str, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a command at one end; it is ended with the link.

        Args:
            place: ``laptop`` or ``car``.
            command: the program and its arguments. It finds the addresses of both ends in its
                environment, as LINK_LAPTOP and LINK_CAR.
            options: as for subprocess.Popen.
        """
        options["env"] = _environment(options.get("env"))
        process = subprocess.Popen(self.command(place, command), **options)
        self._started.append(process)
        return process

    def run(
        self, place: str, command: Sequence[str], **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run a command at one end and wait for it; arguments as for :meth:`popen`."""
        options["env"] = _environment(options.get("env"))
        return subprocess.run(self.command(place, command), check=False, **options)

    # ---- its clock ----------------------------------------------------------------------

    def restart_clock(self) -> Statistics:
        """Begin again: outages, bursts and luck come as they did after the last start.

        Packets under way stay so. The statistics begin again, too.

        Returns:
            Those until now.
        """
        return self._ask("r")

    @property
    def statistics(self) -> Statistics:
        """Since the clock was started; those of the end once the link is closed.

        Raises:
            LinkError: it was never open, or has failed.
        """
        if self._forwarder is not None:
            return self._ask("s")
        if self._last is None:
            raise LinkError("This link has no statistics: it was not open, or failed.")
        return self._last

    def _ask(self, order: str) -> Statistics:
        if self._forwarder is None:
            raise LinkError("This link is not open.")
        with self._lock:
            assert self._forwarder.stdin is not None
            assert self._forwarder.stdout is not None
            try:
                self._forwarder.stdin.write(order)
                self._forwarder.stdin.flush()
                return Statistics.parse(self._forwarder.stdout.readline())
            except (OSError, ValueError) as error:
                raise LinkError("The link's forwarder has ended; nothing passes any more.") from (
                    error
                )


def _end(forwarder: subprocess.Popen[str]) -> None:
    # Killed first, for the end of its input would make a cleaner of it.
    if forwarder.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            forwarder.wait(1.0)
    forwarder.kill()
    forwarder.wait()
    for pipe in (forwarder.stdin, forwarder.stdout):
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    return {**(os.environ if given is None else given), "LINK_LAPTOP": LAPTOP, "LINK_CAR": CAR}
