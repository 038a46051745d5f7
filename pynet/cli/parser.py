"""The command line: which words there are, and what ``--help`` tells."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pynet._version import __version__
from pynet.cli import commands, serving
from pynet.cli.arguments import address, count, port, seconds

_EPILOG = """\
exit status: 0 all is well, 1 it failed (stderr says why), 2 the command line is wrong,
130 Ctrl-C; watch and serve are meant to be ended by Ctrl-C, so they return 0 then."""
_ARGUMENTS_HELP = """\
arguments: each is read as a Python literal or as JSON if it is one (3, -0.5, None, true,
[1, 2], {"a": 1}, 'text'), and as text otherwise. NAME=VALUE passes a keyword argument;
write "'a=b'" for a text with an equals sign, and -- before a text that begins with a dash."""


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options; the function to run is left in ``run``."""
    parser = argparse.ArgumentParser(
        prog="pynet",
        description="Serve a Gateway, or look at and use one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pynet {__version__}")
    _add_log_level(parser, "warning")
    words = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = _command(words, "serve", serving.serve, "offer the functions of a module")
    serve.add_argument(
        "target",
        metavar="MODULE:GATEWAY",
        help="a module in this folder, or a .py file, and the name of its Gateway; "
        "the name may be left out if there is one only",
    )
    serve.add_argument("--host", help="listen here, instead of where the Gateway says")
    serve.add_argument("--port", type=port, help="listen on this port; 0 takes any free one")
    serve.add_argument("--insecure", action="store_true", help="speak plain TCP, unencrypted")
    serve.add_argument(
        "--allow-network", action="store_true", help="allow plain TCP beyond this machine"
    )

    ls = _command(words, "ls", commands.ls, "list what a Gateway offers", host=True)
    call = _command(words, "call", commands.call, "call a function and print its result", host=True)
    call.add_argument("--deadline", type=seconds, help="seconds after which to give up")
    watch = _command(words, "watch", commands.watch, "print the items of a stream", host=True)
    watch.add_argument("--count", type=count, help="end after so many items")
    for command in (call, watch):
        command.add_argument("name", metavar="NAME", help="of the subroutine")
        command.add_argument("arguments", metavar="ARGUMENT", nargs="*", help="for it")
        command.epilog = _ARGUMENTS_HELP
    ping = _command(words, "ping", commands.ping, "measure the round trip to a Gateway", host=True)
    ping.add_argument("--count", type=count, default=10, help="how often (default 10)")
    stats = _command(words, "stats", commands.stats, "show a Gateway and its Handlers", host=True)
    for command in (ls, call, watch, ping, stats):
        command.add_argument(
            "--json", action="store_true",
            help="print JSON, nothing shortened: arrays as lists, bytes as base64",
        )  # fmt: skip
    return parser


def _command(
    words: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    purpose: str,
    *,
    host: bool = False,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    if host:
        parser.add_argument(
            "host", type=address, metavar="HOST", help="host or host:port (1857) of the Gateway"
        )
        parser.add_argument(
            "--timeout", type=seconds, default=5.0, help="seconds to connect (default 5)"
        )
        parser.add_argument(
            "--insecure", action="store_true", help="the Gateway speaks plain TCP, unencrypted"
        )
    parser.add_argument(
        "--import", dest="modules", action="append", default=[], metavar="MODULE",
        help="import this first, for the classes that it registers; may be repeated",
    )  # fmt: skip
    # Without a default, or it would win over the option before the command.
    _add_log_level(parser, argparse.SUPPRESS)
    return parser


def _add_log_level(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=default,
        help="how much to tell on stderr (default warning); debug adds tracebacks",
    )
