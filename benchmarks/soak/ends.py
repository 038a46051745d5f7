"""The two processes of the soak at the ends of a link, and what can be done to them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import Peer
from benchmarks.link import CAR, Link

PORT = 1857
DEVICE = "radio"
PATIENCE = 60.0
"""Seconds that an answer may take: opening many lanes over a bad link is not quick."""


class Ends:
    """A car and a laptop, and the link between them.

    Args:
        link: open.
        lanes: of the camera and of the commands.

    Attributes:
        handlers: size of the Gateway's pool.
    """

    def __init__(self, link: Link, lanes: int) -> None:
        self._link = link
        self.lanes = lanes
        # Twice: while a loss is noticed, a lane's old Handler and its new one exist side by side.
        self.handlers = 2 * (2 * lanes + 3)
        self._luck = random.Random(link.seed)
        self.car = self.start_car()
        try:
            self.laptop = self.start_laptop()
        except BaseException:
            self.car.close()
            raise

    # ---- processes ----------------------------------------------------------------------

    def start_car(self, ahead: float = 0.0) -> Peer:
        """Start a car whose clock is ahead of everybody else's."""
        prefix = self._link.command("car", [])
        if ahead:
            offset = str(int(ahead))
            prefix += ["unshare", "--time", "--monotonic", offset, "--boottime", offset]
            prefix += ["--fork", "--kill-child"]
        self.car = Peer(
            "soak_car", CAR, PORT, self.handlers, ahead, prefix=prefix, patience=PATIENCE
        )
        return self.car

    def start_laptop(self) -> Peer:
        """Start a laptop; it opens all flows."""
        self.laptop = Peer(
            "soak_laptop",
            f"{CAR}:{PORT}",
            self.lanes,
            prefix=self._link.command("laptop", []),
            patience=PATIENCE,
        )
        return self.laptop

    def signal(self, peer: Peer, number: signal.Signals) -> None:
        """Send a signal to a program; SIGKILL to what runs it in its place, which ends it."""
        os.kill(peer.pid if number == signal.SIGKILL else peer.facts["pid"], number)

    def close(self) -> None:
        """End both."""
        self.laptop.close()
        self.car.close()

    # ---- connections --------------------------------------------------------------------

    def connections(self) -> list[int]:
        """The laptop's ports with a connection to the car."""
        listed = self._at("laptop", "ss", "-tnH", "state", "established", "dst", CAR)
        return [int(line.split()[2].rpartition(":")[2]) for line in listed.splitlines()]

    def any_connection(self) -> int:
        """One of them, by luck."""
        return self._luck.choice(self.connections())

    def reset(self, port: int) -> None:
        """Tear down a connection: both ends are told."""
        self._at("laptop", "ss", "-K", "-tn", "sport", "=", f":{port}")

    def mute(self, port: int, muted: bool) -> None:
        """Swallow what the laptop sends over a connection, or no longer; nobody is told."""
        words = ("sport", str(port), "ipproto", "tcp", "blackhole")
        self._at("laptop", "ip", "rule", "add" if muted else "del", "pref", "50", *words)

    def cut(self, cut: bool) -> None:
        """Swallow everything both ways, or no longer; nobody is told."""
        for place in ("laptop", "car"):
            self._at(place, "ip", "rule", "add" if cut else "del", "pref", "60", "blackhole")

    def interface(self, up: bool) -> None:
        """Take the laptop's network away, or give it back."""
        self._at("laptop", "ip", "link", "set", DEVICE, "up" if up else "down")

    def _at(self, place: str, *command: str) -> str:
        done = self._link.run(
            place, command, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()}")
        return str(done.stdout)

    # ---- questions ----------------------------------------------------------------------

    def mark(self) -> None:
        """Begin to count anew at both ends."""
        self.laptop.ask("mark")
        self.car.ask("report")

    def flows(self) -> dict[str, dict[str, Any]]:
        """How the laptop's flows fare."""
        flows: dict[str, dict[str, Any]] = self.laptop.ask("report")["flows"]
        return flows

    def states(self) -> set[str]:
        """The states the laptop's flows say they are in."""
        return {flow["state"] for flow in self.flows().values()}


def until(condition: Callable[[], object], limit: float) -> float | None:
    """Wait for a condition; return the seconds it took, or None when it never came true."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > limit:
            return None
        time.sleep(0.05)
    return time.monotonic() - start
