"""Both ends of a move as processes of their own: the device that has files, the laptop they go to.

Each gets one order, plain values, and runs in a process that :mod:`zygote` has made.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - another user may not read where it is
import itertools
import json
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from pynet import Controller, Gateway
from pynet.backup import Backup, Policy, arrival, mark
from pynet.backup.arrival import receipt
from pynet.errors import PynetError
from pynet.files import durable, locality, part, removal, sending, settle, system
from pynet.files.info import Usage, shown
from pynet.files.settle import Settler
from pynet.files.source import SourceFile
from pynet.files.tree import Tree


def device(order: dict[str, Any]) -> None:
    """Share ``folder`` as ``rec`` until SIGTERM; its address goes through the pipe ``tell``.

    Files are served on threads of this process, so that what kills the one kills the other; with
    ``own_process`` in a process of its own, as usual.
    """
    begin(order)
    if not order.get("own_process"):
        sys.frozen = True  # as in a program packed into one file, which can start no interpreter
    insecure = not order.get("tls")
    with Gateway(
        port=order.get("port", 0), name="car", insecure=insecure, heartbeat=0.1
    ) as gateway:
        gateway.share("rec", order["folder"], write=True)
        Path(order["tell"]).write_text(gateway.address + "\n")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            signal.pause()


def laptop(order: dict[str, Any]) -> None:
    """Run a backup from ``address`` into ``destination``; what comes of it goes to ``result``."""
    begin(order)
    # Small files and few of them are to pass all that large ones and many do.
    part.SYNC_BYTES = 1024 * 1024
    settle_few(order.get("group", 3))
    result: dict[str, Any] = {}
    try:
        insecure = not order.get("tls")
        with Controller(name="desk", insecure=insecure, heartbeat=0.1) as controller:
            car = controller.connect(order["address"], timeout=5)
            backup = Backup(
                car,
                "rec",
                order["destination"],
                Policy.from_dict(order["policy"]),
                lanes=order.get("lanes"),
                patience=order["patience"],
                own_process=bool(order.get("own_process")),
                store=order.get("store"),
            )
            backup.agree()
            transfer = backup.run(below=True)
            if order.get("cancel"):
                signal.signal(signal.SIGTERM, lambda *_: transfer.cancel())
            if "tell" in order:
                Path(order["tell"]).write_text("runs\n")
            report = transfer.wait()
        result = {
            "verdict": report.verdict,
            "files": report.files,
            "bytes": report.bytes,
            "lowest": report.lowest,
            "share": report.after.share,
            "kept": {shown(one.name): [one.code, one.text] for one in report.kept},
        }
    except PynetError as error:
        result = {"error": type(error).__name__, "text": str(error)}
    draft = Path(order["result"]).with_suffix(".draft")
    draft.write_text(json.dumps(result))
    draft.replace(order["result"])


def settle_few(most: int) -> None:
    """Let groups be of so many files, however quickly they come."""
    durable.GROUP, durable.PATIENCE = most, 0.02
    settle_all = Settler.settle

    def some(self: Settler) -> Any:
        with self._lock:
            self._queue, rest = self._queue[:most], self._queue[most:]
        try:
            return settle_all(self)
        finally:
            with self._lock:
                self._queue = rest + self._queue

    Settler.settle = some  # type: ignore[method-assign]


def hold(at: str, number: int, reached: str, go: str) -> None:
    """Stop when a place is passed for the n-th time, say so in one pipe, and wait for the other.

    Places are those of ``crash_point``, and ``read``: a leaf or a file was read at the source.
    """
    passed = itertools.count(1)

    def pass_by(kind: str) -> None:
        if kind == at and next(passed) == number:
            Path(reached).write_text("here\n")
            Path(go).read_text()

    def wrapped(function: Any, kind: str) -> Any:
        def call(*args: Any) -> Any:
            value = function(*args)
            pass_by(kind)
            return value

        return call

    removal.crash_point = settle.crash_point = pass_by  # type: ignore[assignment]
    sending.read_small = wrapped(sending.read_small, "read")  # type: ignore[assignment]
    SourceFile.read = wrapped(SourceFile.read, "read")  # type: ignore[method-assign]


def spoil(call: str, number: int, code: int) -> None:
    """Let the n-th call of one of the system's functions, and all after it, fail."""
    module = system if call == "sync_all" else os
    function = getattr(module, call)
    passed = itertools.count(1)

    def spoilt(*args: Any, **named: Any) -> Any:
        if next(passed) >= number:
            raise OSError(code, os.strerror(code))
        return function(*args, **named)

    setattr(module, call, spoilt)


def begin(order: dict[str, Any]) -> None:
    """In any of them, first of all."""
    logging.basicConfig(
        level=logging.INFO, format="%(relativeCreated)6d %(threadName)s %(message)s"
    )
    if "user" in order:
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    if "hold" in order:
        hold(*order["hold"])
    if "clock" in order:
        now = time.time
        time.time = lambda: now() + order["clock"]
    if "store" in order:
        from tests.pynet.backup.store import faulty

        faulty.register(*order.get("fault_of_store", ()))
    if order.get("unmarked"):
        mark.MARK = b".pynet-incoming/"  # no scan looks there
    if order.get("far"):
        locality.LOCAL = frozenset()
    if order.get("renumbered"):
        # Over a network a file has other numbers than on the disk where it lies.
        arrival.receipt = lambda number, entry: receipt(number, replace(entry, device=1))
    if "fault" in order:
        spoil(*order["fault"])
    if order.get("blind"):
        # It believes that there is room, so that it is the disk that says there is none.
        Tree.usage = lambda self: Usage(0, 2**50)  # type: ignore[method-assign,assignment]
