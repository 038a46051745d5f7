"""Lets tests and benchmarks see the pins of a motors' process, from outside and after its death.

Python loads this at start where this folder is on PYTHONPATH. Each change of a pin in software
becomes one line of the file that PINS_FILE names: time, process, pin, state.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

if os.environ.get("PINS_FILE") and "hbridge" in sys.orig_argv:
    from gpiozero.pins.mock import MockPin

    _file = os.open(os.environ["PINS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    _change = MockPin._change_state

    def _note(pin: Any, value: float) -> Any:
        changed = _change(pin, value)
        line = f"{time.monotonic():.6f} {os.getpid()} {pin.info.name[4:]} {float(value):.3f}\n"
        os.write(_file, line.encode())
        return changed

    MockPin._change_state = _note
