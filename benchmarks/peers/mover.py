"""Either end of a move, for the soak: ``device PORT FOLDER`` or ``laptop PORT FOLDER``."""

from __future__ import annotations

import json
import signal
import sys

from pynet import Controller, Gateway
from pynet.backup import Backup, Policy
from pynet.errors import PynetError

RULES = Policy(min_age=0.0, floor_share=0.0, floor_bytes=0, high=0.02, low=0.01)
"""All that may move has to."""

HEARTBEAT = 0.3
PATIENCE = 5.0  # seconds without the device after which a run fails, and is begun again


def device(port: int, folder: str) -> None:
    """Share the folder until SIGTERM."""
    with Gateway(port=port, name="car", insecure=True, heartbeat=HEARTBEAT) as gateway:
        gateway.share("rec", folder, write=True)
        signal.sigwait({signal.SIGTERM})


def laptop(port: int, folder: str) -> None:
    """One run; a line of JSON says what came of it."""
    told: dict[str, object] = {}
    try:
        with Controller(name="desk", insecure=True, heartbeat=HEARTBEAT) as controller:
            car = controller.connect(f"127.0.0.1:{port}", timeout=PATIENCE)
            backup = Backup(car, "rec", folder, RULES, patience=PATIENCE)
            backup.agree()
            report = backup.run(below=True).wait()
            told = {"verdict": report.verdict, "files": report.files}
    except PynetError as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    {"device": device, "laptop": laptop}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
