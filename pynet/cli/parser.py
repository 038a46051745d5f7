"""The command line: which words there are, and what ``--help`` tells."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pynet._version import __version__
from pynet.cli import commands, discovering, filing, pairing, serving, trusting
from pynet.cli.arguments import address, count, port, seconds
from pynet.cli.backup_options import add_backup

_EPILOG = """\
exit status: 0 all is well, 1 it failed (stderr says why), 2 the command line is wrong,
6 some files did not travel (get and put), 130 Ctrl-C; watch and serve are meant to be
ended by Ctrl-C, so they return 0 then."""
_ARGUMENTS_HELP = """\
arguments: each is read as a Python literal or as JSON if it is one (3, -0.5, None, true,
[1, 2], {"a": 1}, 'text'), and as text otherwise. NAME=VALUE passes a keyword argument;
write "'a=b'" for a text with an equals sign, and -- before a text that begins with a dash."""

_GET_EXAMPLES = """\
examples:
  pynet get rover logs/2026-11 .             the folder 2026-11, into this one
  pynet get rover logs/2026-11/ november     what is in it, into november
  pynet get rover 'logs/**/*.csv' tables     every .csv at any depth; quoted, as it is the
                                             other machine that is to read it
  pynet get rover logs/ all --match '^drive-\\d+/'
"""
_PUT_EXAMPLES = """\
examples:
  pynet put rover route.json inbox           a file, into the root inbox
  pynet put rover maps inbox/2026            the folder maps, as inbox/2026/maps
  pynet put rover maps/ inbox/2026           what is in it
"""
_AFTERWARDS = """
pynet df HOST lists the roots, pynet ls HOST ROOT/FOLDER what is in them. What was cut off,
by Ctrl-C too, goes on where it was when the same command is given again.

exit status: 0 all of it is there, 1 it failed, 2 the command line is wrong, 6 some files did
not travel (stderr says which, and why), 130 Ctrl-C."""


def build_parser(program: str = "pynet") -> argparse.ArgumentParser:
    """Every command with its options; the function to run is left in ``run``."""
    parser = argparse.ArgumentParser(
        prog=program,
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
    serve.add_argument(
        "--announce", action="store_true", help="let the network find it, as discover does"
    )

    discover = _command(words, "discover", discovering.discover, "list the Gateways around")
    discover.add_argument("--seconds", type=seconds, default=3.0, help="to look around (default 3)")

    ls = _command(words, "ls", commands.ls, "list what a Gateway offers", host=True)
    ls.add_argument("folder", nargs="?", metavar="ROOT/FOLDER", help="list what is in this folder")
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
    for command in (discover, ls, call, watch, ping, stats):
        command.add_argument(
            "--json", action="store_true",
            help="print JSON, nothing shortened: arrays as lists, bytes as base64",
        )  # fmt: skip
    _add_files(words)
    add_backup(words, _command)
    _add_pair(words)
    _add_peers(words)
    return parser


def _add_files(words: Any) -> None:
    get = _command(words, "get", filing.get, "fetch files from a Gateway", host=True)
    put = _command(words, "put", filing.put, "send files to a Gateway", host=True)
    what = "a file, a folder or a pattern; a folder with a slash at its end is what is in it"
    get.add_argument("what", nargs="+", metavar="ROOT/WHAT", help=what)
    get.add_argument("to", metavar="FOLDER", help="of this machine; made if it is missing")
    put.add_argument("what", nargs="+", metavar="WHAT", help=f"of this machine: {what}")
    put.add_argument("to", metavar="ROOT/FOLDER", help="over there; made if it is missing")
    get.epilog, put.epilog = _GET_EXAMPLES + _AFTERWARDS, _PUT_EXAMPLES + _AFTERWARDS
    for command in (get, put):
        add = command.add_argument
        add("--dry-run", action="store_true", help="only list what would be sent")
        add("--match", metavar="REGEX", help="only files whose name, as it arrives, holds this")
        add("--lanes", type=count, metavar="N",
            help="so many connections, 1 to 64, instead of as many, up to 8, as gain something",
        )  # fmt: skip
        add("--conflict", choices=("keep", "overwrite", "skip"), default="keep",
            help="where another file has the name: keep both (default; the new one becomes "
            "'name (2)'), overwrite it, or skip; the same file is never sent again",
        )  # fmt: skip
        add("--json", action="store_true", help="print what came of it as JSON, and no progress")
    df = _command(words, "df", filing.df, "show what is shared, and how full disks are", host=True)
    df.add_argument("--json", action="store_true", help="print JSON")


def _add_pair(words: Any) -> None:
    pair = _command(words, "pair", pairing.pair, "become acquainted with another machine")
    pair.epilog = pairing.FULL_HELP
    add = pair.add_argument
    add("host", nargs="?", metavar="HOST", help="host, host:port (1857), or a pynet:// link")
    add("--serve", action="store_true", help="show a code here, for the other machine to ask for")
    add("--ssh", metavar="USER@HOST", help="let ssh show the code, and type nothing")
    add("--code", help="the code, instead of asking for it")
    add("--by-id", action="store_true", help="without a code: our id is in a file over there")
    add("--id", default="", help="device id that the other machine must have")
    add("--name", default="", help="what this machine is called there; its host name by default")
    add("--role", default="driver", choices=("viewer", "driver", "owner"),
        help="what who pairs may do (default driver); with --serve and --ssh")  # fmt: skip
    add("--seconds", type=seconds, default=300.0, help="that --serve waits (default 300)")
    add("--listen", default="0.0.0.0", metavar="ADDRESS",
        help="where the Gateway of --serve is, or is to be (default 0.0.0.0)")  # fmt: skip
    add("--port", type=port, help="of the Gateway (default 1857); 0 takes any free one")
    add("--code-command", metavar="COMMAND", help="run by --serve, with the code, for a display")
    add("--remote", default="pynet", metavar="COMMAND", help="how pynet is called over --ssh")
    add("--timeout", type=seconds, default=10.0, help="seconds to connect and pair (default 10)")
    add("--json", action="store_true", help="--serve prints one line of JSON at each change")


def _add_peers(words: Any) -> None:
    who = _command(words, "id", trusting.show_id, "print this machine's device id")
    who.add_argument("--qr", action="store_true", help="as a QR code, too")
    peers = _command(words, "peers", trusting.list_peers, "list, rename or revoke known machines")
    for command in (who, peers):
        command.add_argument("--json", action="store_true", help="print JSON")
    actions = peers.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="list them, as without an action")
    listing.add_argument("--json", action="store_true", help="print JSON")
    rename = actions.add_parser("rename", help="call one otherwise")
    role = actions.add_parser("role", help="let one do more or less here")
    revoke = actions.add_parser("revoke", help="know one no longer: it is thrown out at once")
    for action, run in (
        (rename, trusting.rename), (role, trusting.set_role), (revoke, trusting.revoke),
    ):  # fmt: skip
        action.set_defaults(run=run)
        action.add_argument("peer", metavar="PEER", help="its name, or the begin of its id")
    rename.add_argument("name", metavar="NAME", help="the new one")
    role.add_argument("role", choices=("none", "viewer", "driver", "owner"), help="from now on")


def _command(
    words: Any,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
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
