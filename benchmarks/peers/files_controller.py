"""pynet: a Controller that transfers files, and perhaps drives meanwhile.

Orders, each answered; one that fails answers ``{"failed": ...}``:

- ``carry get|put WHAT TO LANES SECONDS`` transfers, for so long at most, and tells what it took;
  0 lanes: as many as it likes.
- ``begin get|put WHAT TO LANES`` begins to; ``progress`` tells how far it is; ``cancel`` ends it.
- ``backup WHAT TO`` moves all that is in a folder.
- ``feed LANES`` opens the drive feed, ``go COUNT HZ PATIENT`` sends commands as
  ``command_laptop`` does, and ``park`` closes the feed.
- ``first`` lets this process run before others, but not those that it has started by then.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

import pynet
from benchmarks.harness import answer, come_first, orders, say_failed, say_ready
from benchmarks.peers.command_laptop import go
from benchmarks.peers.commands.pynet import WARM


class Laptop:
    """One Controller, and what it does just now.

    Args:
        stack: for what is to be closed.
        address: of the Gateway.
        insecure: speak plain TCP.
    """

    def __init__(self, stack: contextlib.ExitStack, address: str, *, insecure: bool) -> None:
        controller = stack.enter_context(pynet.Controller(name="benchmark", insecure=insecure))
        self._car: Any = controller.connect(address, timeout=20)
        self._transfer: Any = None
        self._feed: Any = None

    # ---- files ----------------------------------------------------------------------------

    def _start(self, way: str, what: str, to: str, lanes: str, **wishes: Any) -> Any:
        return getattr(self._car, way)(what, to, lanes=int(lanes) or None, **wishes)

    def carry(self, way: str, what: str, to: str, lanes: str, limit: str) -> dict[str, Any]:
        """Transfer all of it, or what can be in this time."""
        counts = [0]
        begin = time.perf_counter()
        with self._start(
            way, what, to, lanes, callback=lambda now: counts.append(len(now.lanes))
        ) as transfer:
            try:
                report = transfer.wait(float(limit))
            except TimeoutError:
                progress = transfer.progress
                transfer.cancel()
                share = progress.bytes / progress.bytes_total
                return {"seconds": time.perf_counter() - begin, "share": share}
            seconds = time.perf_counter() - begin
        if report.problems:
            raise RuntimeError("; ".join(problem.text for problem in report.problems[:3]))
        return {
            "seconds": seconds,
            "share": 1.0,
            "lanes": next((count for count in reversed(counts) if count), 1),
            "log": list(report.lanes),
            "files": report.files,
            "sent_again": report.repeated,
        }

    def begin(self, way: str, what: str, to: str, lanes: str) -> dict[str, Any]:
        """Begin to transfer."""
        self._transfer = self._start(way, what, to, lanes)
        return {}

    def progress(self) -> dict[str, Any]:
        """Tell how far it is."""
        progress = self._transfer.progress
        return {
            "bytes": progress.bytes,
            "lanes": len(progress.lanes),
            "state": progress.state,
            "note": progress.note,
        }

    def cancel(self) -> dict[str, Any]:
        """End it, whether it is whole or not."""
        self._transfer.cancel()
        self._transfer.close()
        return {}

    def backup(self, root: str, to: str) -> dict[str, Any]:
        """Move all that is there, however empty the disk is."""
        from pynet.backup import Backup, Policy  # only here: the others begin sooner without

        policy = Policy(low=0.0, min_age=0, floor_share=0.0, floor_bytes=0)
        backup = Backup(self._car, root, to, policy)
        backup.agree()
        self._car.files.warm(2)
        begin = time.perf_counter()
        report = backup.run(below=True).wait()
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, "files": report.files, "verdict": report.verdict}

    # ---- driving --------------------------------------------------------------------------

    def feed(self, lanes: str) -> dict[str, Any]:
        """Open the drive feed, and wait until all its lanes have joined."""
        self._feed = self._car.feed("drive", policy="latest", lanes=int(lanes))
        patience = time.monotonic() + WARM
        while self._feed.lanes < int(lanes) and time.monotonic() < patience:
            time.sleep(0.02)
        return {}

    def go(self, count: str, hz: str, patient: str) -> dict[str, Any]:
        """Send commands."""
        return go(self._feed.send, int(count), float(hz), patient=patient == "1")

    def park(self) -> dict[str, Any]:
        """Close the drive feed."""
        self._feed.close()
        return {}

    def first(self) -> dict[str, Any]:
        """Run before others."""
        come_first()
        return {}


def main() -> None:
    """Obey until stdin ends."""
    address, options = sys.argv[1], json.loads(sys.argv[2])
    with contextlib.ExitStack() as stack:
        try:
            laptop = Laptop(stack, address, **options)
        except Exception as error:
            say_failed(error)
        say_ready()
        for word, *rest in orders():
            try:
                outcome = getattr(laptop, word)(*rest)
            except Exception as error:
                outcome = {"failed": f"{type(error).__name__}: {error}"}
            answer(outcome)


if __name__ == "__main__":
    main()
