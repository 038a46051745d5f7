"""The command line: a command at one end of a link, perhaps another at the other."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.link.errors import LinkError
from benchmarks.link.link import CAR, LAPTOP, Link
from benchmarks.link.profiles import PROFILES, WAYS, Burst, Outage, Profile

INTERRUPTED = 130


def burst(text: str) -> Burst:
    """Read ``EVERY,LENGTH,INSIDE`` in ms, ms and %."""
    try:
        every, length, inside = (float(word) for word in text.split(","))
        return Burst(every, length, inside)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no burst such as 600,15,60: ms from one to the next, ms that it lasts, "
            "% lost inside"
        ) from error


def outage(text: str) -> Outage:
    """Read ``AT+LENGTH`` in seconds."""
    try:
        at, length = (float(word) for word in text.split("+"))
        return Outage(at, length)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no outage such as 5+3: seconds until it begins, seconds that it lasts"
        ) from error


# Attribute of a Way -> option, its type, its metavar, its help.
CHANGES: dict[str, tuple[str, Callable[[str], Any], str, str]] = {
    "delay": ("delay", float, "MS", "one-way delay"),
    "jitter": ("jitter", float, "MS", "the delay is off by up to so much"),
    "loss": ("loss", float, "PERCENT", "packets lost, each by itself"),
    "burst": ("burst", burst, "EVERY,LENGTH,INSIDE", "loss in bursts: ms, ms, %%"),
    "rate": ("rate", float, "MBIT", "Mbit/s of IP packets; 0: no limit"),
    "queue": ("queue", float, "MS", "the longest wait for the air"),
    "outages": ("outage", outage, "AT+LENGTH", "nothing passes, in s; may be repeated"),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.link",
        usage="%(prog)s PROFILE [options] -- CMD... | --list",
        description="Run CMD on a laptop that reaches a car over an emulated link only.",
        epilog=f"Commands find the addresses as LINK_LAPTOP ({LAPTOP}) and LINK_CAR ({CAR}) in "
        "their environment. Needs root. The exit status is that of CMD.",
    )
    result.add_argument("profile", nargs="?", metavar="PROFILE", help="--list tells them")
    result.add_argument("--list", action="store_true", help="print the profiles")
    result.add_argument("--car", metavar="CMD", help="start this on the car before CMD")
    result.add_argument("--seed", type=int, default=1, help="of all that chance decides")
    result.add_argument("--congestion", metavar="NAME", help="TCP's congestion control, as bbr")
    result.add_argument("--stats", type=Path, metavar="FILE", help="write statistics as JSON")
    for way, title in (
        ("", "instead of the profile's, both ways"),
        ("up", "from the laptop to the car only"),
        ("down", "from the car to the laptop only"),
    ):
        group = result.add_argument_group(title)
        for attribute, (option, kind, metavar, about) in CHANGES.items():
            group.add_argument(
                f"--{way}-{option}" if way else f"--{option}",
                dest=f"{way}_{attribute}" if way else attribute,
                type=kind,
                metavar=metavar,
                help=about,
                action="append" if attribute == "outages" else "store",
            )
    return result


def changes_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was said on the command line that differs from the profile."""
    names = [*CHANGES, *(f"{way}_{name}" for way in WAYS for name in CHANGES)]
    said = {name: value for name in names if (value := getattr(options, name)) is not None}
    return {
        name: tuple(value) if name.endswith("outages") else value for name, value in said.items()
    }


def table() -> str:
    """Return the profiles as a table."""
    lines = [f"{'':10} {'RTT':>7} {'jitter':>8} {'loss each way':>22} {'rate':>12} {'queue':>7}"]
    lines += [_row(profile) for profile in PROFILES.values()]
    return "\n".join(lines)


def _row(profile: Profile) -> str:
    way, back = profile.up, profile.down
    bursts = f" ({way.burst.loss:g} in bursts)" if way.burst else ""
    loss = f"{way.loss + (way.burst.loss if way.burst else 0):g} %{bursts}"
    return (
        f"{profile.name:10} {way.delay + back.delay:4g} ms +-{way.jitter + back.jitter:3g} ms "
        f"{loss:>22} {way.rate:5g} Mbit/s {way.queue:4g} ms  {profile.about}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit status."""
    words = list(sys.argv[1:] if words is None else words)
    cut = words.index("--") if "--" in words else len(words)
    reader = parser()
    options = reader.parse_args(words[:cut])
    command = words[cut + 1 :]
    if options.list:
        print(table())
        return 0
    if options.profile is None or not command:
        reader.error("give a profile, then -- and a command; --list tells the profiles")
    try:
        link = Link(
            options.profile,
            seed=options.seed,
            congestion=options.congestion,
            **changes_of(options),
        )
    except ValueError as error:
        reader.error(str(error))
    try:
        return _carry(link, command, options.car, options.stats)
    except (LinkError, OSError) as error:
        print(f"{reader.prog}: {error}", file=sys.stderr)
        return 1


def _carry(link: Link, command: list[str], car: str | None, stats: Path | None) -> int:
    def leave(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        with link:
            if car is not None:
                link.popen("car", shlex.split(car), stdin=subprocess.DEVNULL)
            status = link.popen("laptop", command).wait()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except SystemExit as left:
        status = int(left.code or 0)
    result = link.statistics
    for name, way in (("up", result.up), ("down", result.down)):
        print(f"{link.profile.name} {name}: {way}", file=sys.stderr)
    if stats is not None:
        facts = {"profile": link.profile.name, "seed": link.seed, **result.as_json()}
        stats.write_text(json.dumps(facts, indent=2) + "\n")
    return status if status >= 0 else 128 - status
