"""Announces a Gateway, or looks around: each line of output is the list as JSON, or a problem.

Usage: ``neighbour.py announce NAME PORT ID`` or ``neighbour.py look``. It ends with its input.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from typing import Any

from pynet.discovery import Announcement, Browser, Found


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Problems(logging.Handler):
    """Tells what the log tells."""

    def emit(self, record: logging.LogRecord) -> None:
        say({"problem": record.getMessage()})


def tell(found: tuple[Found, ...]) -> None:
    say({"found": [dataclasses.asdict(one) for one in found]})


logging.getLogger("pynet.discovery").addHandler(Problems(logging.WARNING))
if sys.argv[1] == "announce":
    with Announcement(sys.argv[2], int(sys.argv[3]), sys.argv[4]):
        sys.stdin.read()
else:
    with Browser(tell):
        sys.stdin.read()
