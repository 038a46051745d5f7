"""What happens to the two, one scenario after the other, and what must be true after each."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.soak_car import HEARTBEAT, MAX_AGE
from benchmarks.soak.ends import Ends, until
from pynet.swarm.group import LINGER

RECOVERY = 25.0
"""Seconds for everything to be as it was."""

NOTICE = 4 * HEARTBEAT + 2.0
"""Seconds in which a silence must be told: four heartbeats, and room for a busy machine."""

MEMORY = 6.0
"""MB that either process may have grown since it had opened and closed everything as often as in
one scenario: what an allocator keeps for later comes with the first of them."""

UNTRUE = 0.1
"""Seconds that an age may be wrong; clocks are compared over the link, to half a round trip."""

LATE = 0.15
"""Seconds on top of its limit that a command may be old when it is obeyed."""

AHEAD = 100_000.0

NEXT = {
    "connecting": {"live"},
    "live": {"reconnecting", "closed"},
    "reconnecting": {"live", "closed"},
    "closed": set(),
}


@dataclass
class Outcome:
    """One scenario.

    Attributes:
        name: of it.
        faults: what was not as it must be, in words.
        notes: what happened, in words.
        figures: what both processes have after it.
    """

    name: str
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [*self.notes, *(f"{name} {value}" for name, value in self.figures.items())]
        verdict = "bad" if self.faults else "ok"
        line = f"{self.name:18} {verdict:4} {', '.join(told)}"
        return "\n".join([line, *(f"{'':18}      {fault}" for fault in self.faults)])


class Course:
    """Runs scenarios and compares what is left with what there was.

    Args:
        ends: both processes, running.
        quick: do everything once or a few times.
        outage: seconds that the long outage lasts.
    """

    def __init__(self, ends: Ends, *, quick: bool, outage: float) -> None:
        self._ends = ends
        self._often = 5 if quick else 100
        self._few = 2 if quick else 10
        self._outage = outage
        self._pause = 2.0 if quick else 5.0
        self.before: dict[str, Any] = {}

    @property
    def scenarios(self) -> dict[str, Callable[[Outcome], None]]:
        """All of them, by name, in the order in which they are run."""
        return {
            "start": self._start,
            "reconnects": self._reconnects,
            "lanes reset": self._resets,
            "lanes muted": self._mutes,
            "interface lost": self._interface,
            "outage": self._long_outage,
            "car suspended": self._car_suspended,
            "laptop suspended": self._laptop_suspended,
            "car restarted": self._car_restarted,
            "laptop restarted": self._laptop_restarted,
            "clock ahead": self._clock_ahead,
            "clock back": self._car_restarted,
        }

    def run_all(self, names: list[str], seconds: float) -> bool:
        """Run scenarios, again and again for so long; tell whether all were good.

        Args:
            names: of those to run; all if there are none.
            seconds: they begin anew until so many have passed; once at least.
        """
        end = time.monotonic() + seconds
        good = True
        while True:
            for name in self.scenarios:
                if not names or name in names or name == "start":
                    outcome = self.run(name)
                    good = good and not outcome.faults
                    print(outcome, flush=True)
            if time.monotonic() >= end:
                return good

    def run(self, name: str) -> Outcome:
        """Let a scenario happen, wait until all is well again, and look."""
        outcome = Outcome(name)
        self._ends.mark()
        try:
            self.scenarios[name](outcome)
            self._settle(outcome)
        except RuntimeError as error:
            outcome.faults.append(str(error))
        return outcome

    # ---- what must be true --------------------------------------------------------------

    def _settle(self, outcome: Outcome) -> None:
        """Wait until both have what they had, and everything works; then look."""
        wrong: list[str] = []

        def well() -> bool:
            wrong[:] = self._wrong()
            return not wrong

        took = until(well, RECOVERY)
        if took is None:
            outcome.faults += [f"after {RECOVERY:.0f} s: {fault}" for fault in wrong]
        after = self._belongings()
        self.before = self.before or after
        for name, value in after.items():
            before = self.before[name]
            outcome.figures[name] = value if value == before else f"{before} -> {value}"
            if name.endswith("MB") and value - before > MEMORY:
                outcome.faults.append(f"{name} grew from {before} to {value}")
        self._check_truth(outcome)

    def _wrong(self) -> list[str]:
        """What is not yet as it was before, in words."""
        self._ends.mark()
        time.sleep(0.5)
        wrong = []
        flows = self._ends.flows()
        for name, flow in flows.items():
            lanes = self._ends.lanes if name in ("camera", "drive") else 1
            if flow["state"] != "live" or flow["lanes"] != lanes:
                wrong.append(
                    f"{name} is {flow['state']} on {flow['lanes']} of {lanes} lanes: "
                    f"{flow['error']}"
                )
            elif name != "drive" and not flow["items"]:
                wrong.append(f"nothing comes from {name}")
        now = self._belongings()
        for name, value in now.items():
            if self.before and not name.endswith("MB") and value != self.before[name]:
                wrong.append(f"{name}: {value}, was {self.before[name]}")
        return wrong

    def _belongings(self) -> dict[str, Any]:
        asked = self._ends.laptop.ask("ask", RECOVERY)
        laptop, car = self._ends.laptop.ask("report"), self._ends.car.ask("report")
        return {
            "Handlers": asked["error"] or len(asked["handlers"]) - self._leaders(asked["handlers"]),
            "subroutines": car["running"],
            "laptop threads": laptop["threads"],
            "car threads": car["threads"],
            "laptop files": laptop["files"],
            "car files": car["files"],
            "laptop MB": round(laptop["memory"], 1),
            "car MB": round(car["memory"], 1),
        }

    def _leaders(self, serving: list[str]) -> int:
        """Handlers whose lane was lost, and replaced, while they run the swarm's function.

        One for each swarm, at most; it ends with the function.
        """
        swarms = ("camera", "drive") if self._ends.lanes > 1 else ()
        return sum(min(1, max(0, serving.count(name) - self._ends.lanes)) for name in swarms)

    def _check_truth(self, outcome: Outcome) -> None:
        """What the programs were told was true: states in order, ages, commands."""
        for name, flow in self._ends.flows().items():
            told = flow["told"]
            for one, other in itertools.pairwise(told):
                if other not in NEXT[one]:
                    outcome.faults.append(f"{name} was told {other} after {one}")
            if told[-1:] != [flow["state"]]:
                outcome.faults.append(f"{name} is {flow['state']}, and was told {told[-1:]}")

    def _watch(self, outcome: Outcome) -> None:
        """Ages now, and commands since the last mark."""
        # A clock can be read no better than to half the round trip that it was read by, and a
        # greeting may have lain in a stopped program; the heartbeats that follow tell more.
        time.sleep(3 * HEARTBEAT)
        self._ends.laptop.ask("mark")
        time.sleep(1.0)
        for name, flow in self._ends.flows().items():
            if flow["untrue"] > UNTRUE:
                outcome.faults.append(f"{name}: an age was wrong by {flow['untrue']:.2f} s")
        facts = self._ends.car.ask("report")
        if facts["backwards"]:
            outcome.faults.append(f"{facts['backwards']} commands came after newer ones")
        if facts["oldest"] > MAX_AGE + LATE:
            outcome.faults.append(f"a command was {facts['oldest']:.2f} s old")

    def _expect_states(self, outcome: Outcome, wanted: set[str], limit: float) -> None:
        took = until(lambda: self._ends.states() == wanted, limit)
        if took is None:
            states = {name: flow["state"] for name, flow in self._ends.flows().items()}
            outcome.faults.append(f"after {limit:.1f} s not all are {wanted}: {states}")
        else:
            outcome.notes.append(f"{'/'.join(wanted)} after {took:.1f} s")

    def _expect_alone(self, outcome: Outcome) -> None:
        """The car must notice that nobody is there, and end what ran for the laptop."""
        took = until(lambda: not self._ends.car.ask("report")["running"], NOTICE + LINGER)
        if took is None:
            outcome.faults.append("the car went on for a laptop that was not there")
        else:
            outcome.notes.append(f"all subroutines ended after {took:.1f} s")

    def _back(self, outcome: Outcome, since: float) -> None:
        self._expect_states(outcome, {"live"}, RECOVERY)
        outcome.notes.append(f"all back {time.monotonic() - since:.1f} s after its end")

    # ---- scenarios ----------------------------------------------------------------------

    def _start(self, outcome: Outcome) -> None:
        self._reconnects(outcome)
        self._wait_live(outcome)

    def _wait_live(self, outcome: Outcome) -> None:
        self._expect_states(outcome, {"live"}, RECOVERY)
        lanes = self._ends.lanes
        until(lambda: all(f["lanes"] in (1, lanes) for f in self._ends.flows().values()), RECOVERY)

    def _reconnects(self, outcome: Outcome) -> None:
        patience = 30.0 + 2.0 * self._often
        worked = self._ends.laptop.ask(f"again {self._often}", patience)
        outcome.notes.append(f"{worked} of {self._often} worked")
        if worked != self._often:
            outcome.faults.append(f"{self._often - worked} times not every flow brought something")

    def _resets(self, outcome: Outcome) -> None:
        slowest = 0.0
        for _ in range(self._often):
            self._ends.reset(self._ends.any_connection())
            took = until(lambda: self._ends.states() == {"live"}, RECOVERY)
            slowest = max(slowest, RECOVERY if took is None else took)
            time.sleep(0.2)
        self._tell_gaps(outcome, self._often)
        self._watch(outcome)
        if slowest >= RECOVERY:
            outcome.faults.append("a flow did not come back")

    def _mutes(self, outcome: Outcome) -> None:
        for _ in range(self._few):
            port = self._ends.any_connection()
            self._ends.mute(port, True)
            time.sleep(self._pause)
            self._ends.mute(port, False)
            time.sleep(0.5)
        self._tell_gaps(outcome, self._few)
        self._watch(outcome)

    def _tell_gaps(self, outcome: Outcome, times: int) -> None:
        flows = self._ends.flows()
        gap = flows["camera"]["gap"]
        outcome.notes.append(f"{times} times, camera silent for {gap * 1000:.0f} ms at most")

    def _interface(self, outcome: Outcome) -> None:
        self._cut(outcome, lambda cut: self._ends.interface(not cut), self._pause)

    def _long_outage(self, outcome: Outcome) -> None:
        self._cut(outcome, self._ends.cut, self._outage)

    def _cut(self, outcome: Outcome, cut: Callable[[bool], None], seconds: float) -> None:
        began = time.monotonic()
        cut(True)
        try:
            self._expect_states(outcome, {"reconnecting"}, NOTICE)
            self._ends.mark()
            while (left := began + seconds - time.monotonic()) > 0:
                time.sleep(min(5.0, left))
                if self._ends.states() != {"reconnecting"}:
                    outcome.faults.append(f"states in an outage: {self._ends.states()}")
                    break
            items = sum(flow["items"] for flow in self._ends.flows().values())
            if items:
                outcome.faults.append(f"{items} items came through an outage")
            grown = self._ends.laptop.ask("report")["memory"]
        finally:
            cut(False)
        outcome.notes.append(f"{time.monotonic() - began:.0f} s, laptop {grown:.1f} MB then")
        self._back(outcome, time.monotonic())
        self._watch(outcome)

    def _car_suspended(self, outcome: Outcome) -> None:
        self._ends.signal(self._ends.car, signal.SIGSTOP)
        try:
            self._expect_states(outcome, {"reconnecting"}, NOTICE)
            time.sleep(self._pause)
        finally:
            self._ends.signal(self._ends.car, signal.SIGCONT)
        self._back(outcome, time.monotonic())
        self._watch(outcome)  # what lay in its sockets meanwhile was too old to be obeyed

    def _laptop_suspended(self, outcome: Outcome) -> None:
        self._ends.signal(self._ends.laptop, signal.SIGSTOP)
        try:
            self._expect_alone(outcome)
            time.sleep(self._pause)
        finally:
            self._ends.signal(self._ends.laptop, signal.SIGCONT)
        self._back(outcome, time.monotonic())
        self._watch(outcome)

    def _car_restarted(self, outcome: Outcome) -> None:
        self._restart_car(outcome, 0.0)

    def _clock_ahead(self, outcome: Outcome) -> None:
        self._restart_car(outcome, AHEAD)

    def _restart_car(self, outcome: Outcome, ahead: float) -> None:
        self._ends.signal(self._ends.car, signal.SIGKILL)
        self._ends.car.close()
        self._expect_states(outcome, {"reconnecting"}, NOTICE)
        self._ends.start_car(ahead)
        self._back(outcome, time.monotonic())
        self._ends.mark()
        time.sleep(self._pause)
        self._watch(outcome)

    def _laptop_restarted(self, outcome: Outcome) -> None:
        self._ends.signal(self._ends.laptop, signal.SIGKILL)
        self._ends.laptop.close()
        self._expect_alone(outcome)
        self._ends.start_laptop()
        self._wait_live(outcome)
        self._watch(outcome)
