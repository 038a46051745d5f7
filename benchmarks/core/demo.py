"""The demo as a person starts it, off screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness import ROOT, Report, Target

LIMIT = 120.0


def measure(report: Report) -> None:
    """The whole demo: pictures, their age from capture to paint, and what both programs use."""
    facts, usage = run_demo()
    report.keep("demo", facts)
    report.keep("cpu", usage)

    def figure(metric: str, value: float, unit: str, limit: float, at_least: bool = False) -> None:
        target = Target(limit, at_least=at_least, of_ratio=False)
        report.figure(metric, value, unit, target=target)

    # A picture that was due in the last moment is not painted any more: 1 % is left to that.
    figure("pictures_painted", facts["frames_painted"] / facts["seconds"], "fps", 29.7, True)
    figure("frame_age_p50", facts["frame_age_ms_p50"], "ms", 20.0)
    figure("frame_age_p99", facts["frame_age_ms_p99"], "ms", 50.0)
    figure("agent_cpu", usage["agent_percent"], "% of a core", 60.0)
    figure("app_cpu", usage["app_percent"], "% of a core", 40.0)


def run_demo() -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the demo in an empty folder; return what it says of itself, and its processor time."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    environment |= {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="pynet-demo-") as folder:
        environment |= {"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        command = [sys.executable, "-m", "rcapp", "--demo"]
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr
        ) as app:
            usage = watch(app)
        if app.returncode != 0:
            raise RuntimeError(f"the demo ended with {app.returncode}")
        facts: dict[str, Any] = json.loads((Path(folder) / "build" / "demo.json").read_text())
    return facts, usage


def watch(app: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Read the processor time of the app and its child twice a second until the app ends.

    The first five seconds, in which both start, do not count.
    """
    process = psutil.Process(app.pid)
    samples: list[tuple[float, float, float]] = []
    deadline = time.monotonic() + LIMIT
    while app.poll() is None:
        if time.monotonic() > deadline:
            app.kill()
            raise TimeoutError("the demo did not end")
        try:
            agents = process.children(recursive=True)
            samples.append((time.monotonic(), spent(process), sum(map(spent, agents))))
        except psutil.Error:
            break
        time.sleep(0.5)
    app.wait()
    steady = [s for s in samples if s[0] > samples[0][0] + 5.0 and s[2] > 0]
    (start, app_start, agent_start), (end, app_end, agent_end) = steady[0], steady[-1]
    return {
        "samples": samples,
        "app_percent": 100 * (app_end - app_start) / (end - start),
        "agent_percent": 100 * (agent_end - agent_start) / (end - start),
    }


def spent(process: psutil.Process) -> float:
    """Return the processor seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
