"""``pi-agent pair``, ``id`` and ``peers``: the words of ``pynet``, for the car of a file."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_agent.config import ConfigError, load_config

EXIT_USAGE = 2

HELP = """\
Shows a code; whoever types it into the app, or into `pynet pair` on a laptop, may use the car
from then on. The car may run meanwhile, or not."""


def acquaint(words: Sequence[str]) -> int:
    """Run one of the three; returns its exit status.

    Args:
        words: of the command line, from ``pair``, ``id`` or ``peers`` on.
    """
    from pynet.cli import main

    if words[0] != "pair":
        return main(words, "pi-agent")
    options, rest = _parser().parse_known_args(words[1:])
    try:
        known = _of_the_car(options.config)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    return main(["pair", "--serve", *known, *rest], "pi-agent")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pi-agent pair",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help="TOML file that describes the car")
    parser.epilog = (
        "and, as `pynet pair --serve`:  --role viewer|driver|owner (default driver)\n"
        "  --seconds N  --port N  --listen ADDRESS  --code-command COMMAND  --json"
    )
    return parser


def _of_the_car(file: Path | None) -> list[str]:
    """Where the car listens, and how it shows a code."""
    if file is None:
        return []
    config = load_config(file)
    words = ["--name", config.name, "--listen", config.gateway.host]
    words += ["--port", str(config.gateway.port)]
    if config.trust.code_command:
        words += ["--code-command", shlex.join(config.trust.code_command)]
    return words
