"""``pynet ls``, ``call``, ``watch``, ``ping`` and ``stats``."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

from pynet.cli.arguments import read_arguments
from pynet.cli.connecting import connected
from pynet.cli.filing import list_folder
from pynet.cli.text import (
    aligned,
    fitting,
    milliseconds,
    plain,
    print_json,
    print_table,
    printable,
    show,
    show_lines,
    size,
)


def ls(options: argparse.Namespace) -> None:
    """List what a Gateway offers, or what is in one of its folders."""
    with connected(options) as gateway:
        if options.folder is not None:
            list_folder(gateway, options)
            return
        rows = gateway.subroutines()
    if options.json:
        print_json(rows)
        return
    print(printable(f"{gateway.name} at {gateway.address}, pynet {gateway.version}"))
    table = [(row["name"], _kind(row), row["signature"], row["doc"]) for row in rows]
    print_table(("NAME", "KIND", "ARGUMENTS", "WHAT IT DOES"), table)


def _kind(row: Mapping[str, Any]) -> str:
    if row["kind"] == "batch":
        return "batch, yields" if row["yields"] else "batch"
    return f"{row['kind']}, {row['policy']}"


def call(options: argparse.Namespace) -> None:
    """Call a function and print its result."""
    positional, named = read_arguments(options.arguments)
    with connected(options) as gateway:
        result = gateway.call(options.name, *positional, timeout=options.deadline, arguments=named)
    if options.json:
        print_json(result)
    elif result is not None:
        print("\n".join(show_lines(result)))


def watch(options: argparse.Namespace) -> None:
    """Print the items of a stream until it ends, or Ctrl-C."""
    positional, named = read_arguments(options.arguments)

    def on_state(state: str) -> None:
        if state == "reconnecting":
            sys.stderr.write(f"pynet: {options.host} was lost; trying again\n")

    with contextlib.suppress(KeyboardInterrupt), connected(options) as gateway:
        client = gateway.stream(options.name, None, *positional, on_state=on_state, arguments=named)
        with client:
            for number, item in enumerate(client, 1):
                info = client.info
                assert info is not None
                if options.json:
                    note = {"id": info.id, "age": info.age, "gap": info.gap, "value": item}
                    print(json.dumps(plain(note)))
                else:
                    gap = f"({info.gap} dropped) " if info.gap else ""
                    line = f"{info.id:>7} {milliseconds(info.age):>11}  {gap}{show(item)}"
                    print(fitting(line))
                sys.stdout.flush()
                if number == options.count:
                    break


def ping(options: argparse.Namespace) -> None:
    """Measure the round trip to a Gateway."""
    with connected(options) as gateway:
        trips = []
        for number in range(options.count):
            if number:
                time.sleep(0.05)
            trips.append(gateway.ping())
    figures = {"min": min(trips), "median": statistics.median(trips), "max": max(trips)}
    if options.json:
        print_json({"count": len(trips), **figures})
        return
    text = "   ".join(f"{name} {milliseconds(value)}" for name, value in figures.items())
    print(printable(f"{gateway.name} at {gateway.address}, {len(trips)} pings:   {text}"))


def stats(options: argparse.Namespace) -> None:
    """Show a Gateway and all its Handlers."""
    with connected(options) as gateway:
        figures, handlers = gateway.stats(), gateway.handlers(everyone=True)
    if options.json:
        print_json({"gateway": figures, "handlers": handlers})
        return
    shown = {**figures, "seconds": f"{figures['seconds']:.0f}"}
    print("\n".join(aligned(shown)))
    table = [
        (
            str(row["id"]), row["name"], row["peer"], row["subroutine"] or "-", row["state"],
            f"{row['seconds']:.0f}", str(row["calls"]), str(row["items"]), str(row["dropped"]),
            size(row["bytes_sent"]), size(row["bytes_received"]),
        )
        for row in handlers
    ]  # fmt: skip
    heads = "HANDLER CONTROLLER PEER RUNS STATE SECONDS CALLS ITEMS DROPPED SENT RECEIVED"
    print()
    print_table(tuple(heads.split()), table)
