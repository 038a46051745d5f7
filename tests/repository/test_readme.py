"""The first example that a reader tries runs as it is printed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PORT = 1857
START_LIMIT = 20.0


def example(name: str) -> str:
    """Return the Python block that follows the comment ``<!-- example: NAME -->``."""
    readme = (ROOT / "README.md").read_text()
    found = re.search(rf"<!-- example: {name} -->\s*```python\n(.*?)^```$", readme, re.S | re.M)
    assert found is not None, f"README.md has no example for the {name}"
    return found[1]


def answers() -> bool:
    """Tell whether somebody listens on the port of the example."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def wait_until_it_listens(device: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not answers():
        assert device.poll() is None, device.communicate()[1]
        assert time.monotonic() < deadline, "the device never listened"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_the_first_example_runs_as_printed(tmp_path: Path) -> None:
    device_code, laptop_code = example("device"), example("laptop")
    assert device_code.rstrip().endswith("gateway.serve()")
    if answers():
        pytest.skip(f"port {PORT} of this machine is taken")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    (tmp_path / "device.py").write_text(device_code)
    (tmp_path / "laptop.py").write_text(laptop_code)
    with subprocess.Popen(
        [sys.executable, "device.py"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as device:
        try:
            wait_until_it_listens(device)
            laptop = subprocess.run(
                [sys.executable, "laptop.py"],
                cwd=tmp_path,
                env=environment,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=30,
            )
            device.send_signal(signal.SIGINT)
            _, errors = device.communicate(timeout=10)
        finally:
            device.kill()
    assert laptop.returncode == 0, laptop.stderr
    assert laptop.stdout.strip(), "the example should show something"
    assert device.returncode == 0, errors
    assert "Traceback" not in laptop.stderr + errors
