"""The command ``pynet``: serve a Gateway, and look at or use one from a terminal."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence

from pynet.cli.parser import build_parser
from pynet.cli.serving import import_module
from pynet.cli.text import printable
from pynet.errors import DecodeError, PynetError

log = logging.getLogger("pynet.cli")

EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None, program: str = "pynet") -> int:
    """Run the command; returns its exit status.

    Args:
        arguments: the words after its name; those of the process by default.
        program: its name, for another command that lends words of this one.
    """
    parser = build_parser(program)
    options, rest = parser.parse_known_args(arguments)
    # argparse takes what follows an option after the arguments for leftovers.
    if any(word.startswith("-") for word in rest) or (rest and "arguments" not in options):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.arguments += rest
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        for name in options.modules:
            import_module(name)
        status: int = options.run(options) or EXIT_OK
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as head does; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except PynetError as error:
        log.debug("it failed here:", exc_info=True)
        sentence = "\n".join(map(printable, str(error).split("\n")))
        if isinstance(error, DecodeError):
            sentence += " (--import MODULE imports the module that does)"
        sys.stderr.write(f"pynet: {sentence}\n")
        return EXIT_FAILED
    else:
        return status
    return EXIT_OK
