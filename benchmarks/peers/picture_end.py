"""One end of one contender, a process in one of a link's namespaces.

Order ``start BEGIN FROM TO``: picture 0 exists at BEGIN, monotonic time; what is measured goes
from FROM to TO, seconds after it. Answered at TO, by the car with ``{"cpu": %}`` of a core, by
the laptop with that and ``{"arrivals": [[at, number, psnr], ...]}`` as well.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import (
    PICTURES_FIRST,
    answer,
    come_first,
    orders,
    say_failed,
    say_ready,
    stand_back,
)
from benchmarks.video.contenders import ALL
from benchmarks.video.screen import Screen
from benchmarks.video.source import Source

PATIENCE = 15.0
"""Seconds for a contender to reach its other end."""


class Stage:
    """Runs one of the two functions of a contender in a thread, and knows how it went."""

    def __init__(self, name: str, place: str, thing: Source | Screen) -> None:
        self._name, self._place, self._thing = name, place, thing
        self.problem = ""
        self._settled = threading.Event()
        self._ready = False

    def begin(self) -> bool:
        """Start it; True when it is ready."""
        threading.Thread(target=self._run, name=f"bench-{self._place}", daemon=True).start()
        if not self._settled.wait(PATIENCE):
            self.problem = f"the {self._place} was not ready after {PATIENCE:g} s"
        return self._ready

    def _run(self) -> None:
        contender = ALL[self._name]
        try:
            module = importlib.import_module(f"benchmarks.video.contenders.{contender.module}")
            run: Callable[..., None] = getattr(module, self._place)
            run(self._thing, self._be_ready, **contender.options)
        except BaseException as error:
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            self._settled.set()

    def _be_ready(self) -> None:
        self._ready = True
        self._settled.set()


def load_between(begin: float, end: float) -> float:
    """Wait until `end`, monotonic time; return the % of a core that this process used."""
    time.sleep(max(0.0, begin - time.monotonic()))
    used = time.process_time()
    time.sleep(max(0.0, end - time.monotonic()))
    return (time.process_time() - used) / (end - begin) * 100.0


def main() -> None:
    """Obey until stdin ends."""
    import cv2

    # As cars and apps have it: several threads for one small picture wait for each other.
    cv2.setNumThreads(1)
    place, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    thing = Source() if place == "car" else Screen(seconds)
    stage = Stage(name, place, thing)
    if not stage.begin():
        say_failed(RuntimeError(stage.problem or f"the {place} ended at once"))
    come_first(PICTURES_FIRST)
    say_ready()
    for order in orders():
        begin, first, last = (float(word) for word in order[1:])
        if isinstance(thing, Source):
            thing.start(begin, last)
        result: dict[str, Any] = {"cpu": load_between(begin + first, begin + last)}
        stand_back()
        if isinstance(thing, Screen):
            arrivals = thing.arrivals(begin)
            result["arrivals"] = [(round(a.at, 5), a.number, a.psnr) for a in arrivals]
        answer(result | {"problem": stage.problem})


if __name__ == "__main__":
    main()
