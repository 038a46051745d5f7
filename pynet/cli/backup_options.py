"""What ``pynet backup`` understands, and the policy that its options come to."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynet.cli.arguments import count, seconds
from pynet.errors import ConfigurationError

if TYPE_CHECKING:
    from pynet.backup import Policy

_HELP = """\
When the disk of ROOT is as full as --high, its oldest files move here, just as many as are
needed to bring it down to --low. Each is removed there only when it is here completely, on
the disk, under its final name, and was read back from this disk and compared."""

_EXIT = """\
exit status:
  0    done: the low mark is reached (plan: it would be)
  1    it failed, stderr says why; 2 the command line is wrong
  3    nothing to do, or nothing done because nobody has agreed yet
  4    exhausted: all that may move has, and it is not enough
  5    the disk here is as full as it may get
  6    done, but files that were to move stayed; stderr says which and why
  130  Ctrl-C or SIGTERM: nothing is lost, and the same command goes on. watch returns 0"""

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%?")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|m|h|d|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

Maker = Callable[..., argparse.ArgumentParser]


def add_backup(words: Any, command: Maker) -> None:
    """Add ``backup`` and its actions; ``command`` makes one of them."""
    from pynet.cli import backup, backup_history

    about: dict[str, Any] = {
        "description": _HELP,
        "epilog": _EXIT,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    parser = words.add_parser(
        "backup", help="move the oldest files here when a disk there is full", **about
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, purpose: str, *, host: bool = True) -> argparse.ArgumentParser:
        where = backup if host else backup_history
        made = command(actions, name, getattr(where, name), purpose, host=host)
        made.epilog = _EXIT
        if host:
            made.add_argument("root", metavar="ROOT", help="that is shared; pynet df lists them")
        made.add_argument(
            "--to", metavar="FOLDER", type=Path,
            help="of this machine (default: 'pynet backup' in your documents)",
        )  # fmt: skip
        made.add_argument("--json", action="store_true", help="print JSON")
        return made

    plan = action("plan", "show what would move and what stays, and why; nothing is moved")
    run = action("run", "move files until the low mark is reached")
    watch = action("watch", "look every so often, and run when it is time, until Ctrl-C")
    status = action("status", "show how full both disks are, and what is to be expected")
    history = action("history", "list what was moved here, from any device", host=False)
    restore = action("restore", "put files back to where they were; the copies here stay")
    for parser in (plan, run, watch, status):
        _add_policy(parser)
    for parser in (plan, run):
        parser.add_argument(
            "--below", action="store_true", help="even if the disk is not as full as --high"
        )
        parser.add_argument("--all", action="store_true", help="list every file")
    run.add_argument("--dry-run", action="store_true", help="the same as plan")
    for parser in (run, watch):
        parser.add_argument(
            "--yes", action="store_true", help="you agree that files of this root are moved"
        )
    for parser in (plan, run, watch, status, restore):
        parser.add_argument(
            "--store", metavar="URL",
            help="where files go on to from --to: s3://bucket/folder, sftp://user@host/folder or "
            "anything that fsspec can write (default: they stay in --to)",
        )  # fmt: skip
    for parser in (run, watch, restore):
        parser.add_argument(
            "--lanes", type=count, metavar="N",
            help="so many connections, 1 to 64, instead of as many, up to 8, as gain something",
        )  # fmt: skip
    watch.add_argument(
        "--interval", type=seconds, default=30.0, metavar="SECONDS",
        help="between two looks at the disk (default 30)",
    )  # fmt: skip
    history.add_argument("job", nargs="?", metavar="JOB", help="list its files, with digests")
    history.add_argument("--manifest", type=Path, metavar="FILE", help="write all of JOB, as JSON")
    history.add_argument(
        "--checksums", action="store_true",
        help="print what 'b3sum -c' reads in the folder of --to, for files up to 1 MiB",
    )  # fmt: skip
    restore.add_argument(
        "what", metavar="JOB|NAME",
        help="of the history: a job, a file or folder as it was called there, or JOB/NAME",
    )  # fmt: skip


def _add_policy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what moves, and when").add_argument
    add("--policy", type=Path, metavar="FILE.toml", help="settings; options here come first")
    add("--high", type=percent, metavar="PERCENT", help="full enough to begin (default 75)")
    add("--low", type=percent, metavar="PERCENT", help="empty enough to end (default 25)")
    add("--min-age", type=span, metavar="TIME", help="younger files stay: 90s, 10m, 2h (10m)")
    add("--keep-newest", type=_whole, metavar="N", help="so many of the newest stay (0)")
    add("--keep-days", type=_days, metavar="DAYS", help="what was changed in so many stays (0)")
    add("--protect", action="append", metavar="PATTERN",
        help="what stays, at any depth: '*.db', 'maps/**'; may be repeated")  # fmt: skip
    add("--group", action="append", metavar="PATTERN",
        help="folders that move as a whole or not at all: 'tub*'; may be repeated")  # fmt: skip
    add("--floor", type=floor, metavar="AMOUNT",
        help="what stays free here: 20GiB or 15%% (default: 10%%, at least 5GiB)")  # fmt: skip


# ---- what words mean ---------------------------------------------------------------------


def percent(text: str) -> float:
    """A share of a disk, for argparse."""
    found = _PERCENT.fullmatch(text)
    if found is None or Decimal(found[1]) > 100:
        raise argparse.ArgumentTypeError(f"{text} is no percentage; write 75 for example")
    return float(Decimal(found[1]) / 100)


def span(text: str) -> float:
    """A time in seconds, for argparse."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no time; write 90s, 10m, 2h or 3d")
    return float(found[1]) * _SECONDS[found[2]]


def floor(text: str) -> dict[str, Any]:
    """What stays free, as a policy has it, for argparse."""
    if text.endswith("%"):
        return {"floor_share": percent(text), "floor_bytes": 0}
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no amount; write 20GiB or 15% for example")
    power = " KMGT".index(found[2].upper() or " ")
    return {"floor_share": 0.0, "floor_bytes": int(float(found[1]) * 1024**power)}


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of files")
    return int(text)


def _days(text: str) -> float:
    return span(text if text.endswith("d") else f"{text}d") / 86400


def folder_of(options: argparse.Namespace) -> Path:
    """Where files of all devices go on this machine."""
    if options.to is not None:
        return Path(options.to)
    import platformdirs

    return Path(platformdirs.user_documents_dir()) / "pynet backup"


# ---- the policy --------------------------------------------------------------------------


def policy_of(options: argparse.Namespace, suggested: Mapping[str, Any] | None = None) -> Policy:
    """What the device suggests, the file says, and the options ask for; the latter come first.

    Raises:
        ConfigurationError: it cannot be; names the file, the key and what to do.
    """
    from pynet.backup import Policy

    values = _checked(suggested or {}, "what the device suggests")
    if options.policy is not None:
        values |= _read(options.policy)
    values = Policy().to_dict() | values
    for key in ("high", "low", "min_age", "keep_newest", "keep_days"):
        if getattr(options, key) is not None:
            values[key] = getattr(options, key)
    values["protect"] = [*values["protect"], *(options.protect or ())]
    values["groups"] = [*values["groups"], *(options.group or ())]
    values |= options.floor or {}
    return Policy.from_dict(values)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} is no TOML: {error}; a line is for example: high = 0.75"
        ) from error
    return _checked(values, str(path))


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    from pynet.backup import Policy

    try:
        Policy.from_dict(values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return dict(values)
