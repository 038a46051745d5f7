"""The app and a simulated car at the two ends of an emulated link.

    python -m benchmarks.demo wifi-bad [--seconds N] [--output DIR]

With a display a window opens, to drive the car over bad Wi-Fi by hand. With --seconds, or without a
display, the app drives by script off screen. It leaves pictures of its window and two reports:
demo.json of the app, and link.json of what the car and the link say.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.harness import ROOT
from benchmarks.link import CAR, PROFILES, Link, LinkError
from benchmarks.video import source
from rcapp.cli import SCRIPTED_SECONDS, has_display
from rcapp.core.demo_report import complaints

PORT = 1857
ADDRESS = f"{CAR}:{PORT}"
POLL = 0.25
HOLD = 4.0
"""Seconds after which the link's clock is set back while nobody drives: before any outage."""
AGENT_END = 5.0
INTERRUPTED = 130

LATE_COMMANDS = 50
"""What the car may take after the last status that the app saw: 1 s of commands. Over a bad link a
status is late, and the app writes its report before it leaves."""

CONFIG = f"""\
name = "Link car"

[gateway]
host = "{CAR}"
port = {PORT}
allow_network = true
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the demo over a link; return its exit status."""
    options = _parser().parse_args(words)
    seconds = options.seconds
    if seconds is None and not has_display(sys.platform, os.environ):
        seconds = SCRIPTED_SECONDS
        print(f"There is no display: the app drives itself off screen for {seconds:.0f} s.")
    output = (options.output or Path("build") / f"demo-{options.profile}").absolute()
    output.mkdir(parents=True, exist_ok=True)

    def leave(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    link = Link(options.profile, seed=options.seed, congestion=options.congestion)
    with tempfile.TemporaryDirectory(prefix="pynet-demo-") as folder, link:
        demo = LinkDemo(link, Path(folder), output, clip=options.clip)
        try:
            code = demo.run(seconds)
        except KeyboardInterrupt:
            return INTERRUPTED
        except LinkError as error:
            print(error, file=sys.stderr)
            return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo",
        description="Drive a simulated car over an emulated link. Needs root.",
    )
    parser.add_argument("profile", choices=PROFILES, metavar="PROFILE", help=", ".join(PROFILES))
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="drive by script off screen for so long"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: build/demo-PROFILE")
    parser.add_argument(
        "--clip",
        action="store_true",
        help="the camera shows the film of `benchmarks video`; needs the extra bench",
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that chance decides")
    parser.add_argument("--congestion", metavar="NAME", help="TCP's congestion control, as bbr")
    return parser


class LinkDemo:
    """The two programs of one demo.

    Args:
        link: an open one.
        folder: for what nobody wants to keep, the app's settings among it.
        output: for pictures and reports.
        clip: the camera shows the film that `benchmarks video` sends, not the simulated road,
            so that the ages can be compared.
    """

    def __init__(self, link: Link, folder: Path, output: Path, *, clip: bool = False) -> None:
        self._link = link
        self._folder = folder
        self._output = output
        self._clip = clip
        self._agent_report = folder / "agent.json"

    def run(self, seconds: float | None) -> int:
        """Drive, by script for `seconds` or by hand; return the app's exit status, or 1."""
        agent = self._start_agent()
        app = self._start_app(seconds)
        before = self._wait_for_driving(app)
        app.wait()
        link = self._link.statistics
        agent.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            agent.wait(AGENT_END)
        after = self._read_agent()
        lasted = after.get("wall_seconds", 0.0) - before.get("wall_seconds", 0.0)
        spent = after.get("cpu_seconds", 0.0) - before.get("cpu_seconds", 0.0)
        facts = {
            "profile": self._link.profile.name,
            "seed": self._link.seed,
            "agent": after,
            "agent_cpu_percent": round(100.0 * spent / lasted, 1) if lasted > 0 else None,
            "link": link.as_json(),
        }
        (self._output / "link.json").write_text(json.dumps(facts, indent=2) + "\n")
        return app.returncode or (0 if seconds is None else self._compare(after))

    def _start_agent(self) -> subprocess.Popen[str]:
        config = self._folder / "car.toml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "pi_agent", "--sim", "--config", str(config)]
        command += ["--report", str(self._agent_report), "--parent", str(os.getpid())]
        if self._clip:
            command += ["--camera", str(_write_clip(self._folder))]
        agent: subprocess.Popen[str] = self._link.popen(
            "car", command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert agent.stdout is not None
        with agent.stdout:
            if not agent.stdout.readline():
                raise LinkError("The simulated car did not start; it has said why.")
        return agent

    def _start_app(self, seconds: float | None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "rcapp", "--connect", ADDRESS]
        command += ["--config", str(self._folder / "rcapp.toml"), "--output", str(self._output)]
        if seconds is not None:
            command += ["--offscreen-seconds", str(seconds)]
        # What the app remembers of this car, which nobody can reach later, is not for keeping.
        homes = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        environment = os.environ | dict.fromkeys(homes, str(self._folder))
        return self._link.popen(
            "laptop", command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
        )

    def _wait_for_driving(self, app: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Hold the link's clock at its start until the car is driven; return the car's report.

        Programs start as slowly as they like: outages come when there is somebody to notice.
        """
        pause = threading.Event()
        while app.poll() is None:
            report = self._read_agent()
            if report.get("accepted"):
                self._link.restart_clock()
                return report
            if self._link.statistics.seconds > HOLD:
                self._link.restart_clock()
            pause.wait(POLL)
        return {}

    def _read_agent(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._agent_report.read_text()))
        except FileNotFoundError:
            return {}

    def _compare(self, agent: dict[str, Any]) -> int:
        """Hold the app's report against the car's own; return 1 if they differ."""
        found = json.loads((self._output / "demo.json").read_text())
        wrong = complaints(found, agent, accepted_slack=LATE_COMMANDS)
        for sentence in wrong:
            print(sentence, file=sys.stderr)
        if not wrong:
            print(_summary(self._link.profile.name, found))
        return 1 if wrong else 0


def _write_clip(folder: Path) -> Path:
    """The pictures of `benchmarks video` as a film."""
    import cv2

    path = folder / "clip.avi"
    size = (source.WIDTH, source.HEIGHT)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), source.FPS, size)
    for picture in source.pictures():
        writer.write(picture)
    writer.release()
    return path


def _summary(profile: str, found: dict[str, Any]) -> str:
    return (
        f"{profile}: on display {found['picture_age_ms_p50']:.0f}/"
        f"{found['picture_age_ms_p99']:.0f} ms old (p50/p99), when painted "
        f"{found['frame_age_ms_p50']:.0f}/{found['frame_age_ms_p99']:.0f} ms; {found['codec']} "
        f"over {found['camera_lanes']} lanes, commands over {found['drive_lanes']}; "
        "the car's own figures agree."
    )


if __name__ == "__main__":
    sys.exit(main())
