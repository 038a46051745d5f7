"""The simulated world in real time, behind the protocols of real hardware."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pi_agent.config import CameraConfig
from pi_agent.hardware.protocols import CameraError, Motion, Picture
from pi_agent.sim.renderer import Renderer
from pi_agent.sim.vehicle import CarState
from pi_agent.sim.world import World, battery_volts

logger = logging.getLogger(__name__)

PERIOD = 0.05
"""Seconds between two looks at the clock; cameras and sensors catch up exactly by themselves."""
LONGEST_GAP = 0.25
"""Seconds made up for after the process was suspended; the rest never happened."""


class WorldRunner:
    """Steps a world along the clock, from a thread of its own and whenever somebody looks.

    Args:
        world: from now on only this object touches it.
        clock: seconds, monotonic.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._clock = clock
        self._lock = threading.Lock()
        self._until = clock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pi-agent-world", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; may be called again."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def state(self) -> CarState:
        """The car at this moment."""
        with self._lock:
            self._catch_up()
            return self._world.state

    def drive(self, steer: float, throttle: float) -> None:
        """Sets the command in force from this moment on."""
        with self._lock:
            now = self._world.state
            if (now.steer, now.throttle) != (steer, throttle):
                self._catch_up()
                self._world.drive(steer, throttle)

    def renderer(self, width: int, height: int, seed: int) -> Renderer:
        """What draws pictures of this world; takes about a second."""
        return Renderer(self._world, width, height, seed)

    def motion(self) -> Motion:
        """Distance, speed and battery at this moment."""
        car = self.state()
        return Motion(car.distance, car.speed, battery_volts(car))

    def _catch_up(self) -> None:
        now = self._clock()
        self._world.step(min(max(0.0, now - self._until), LONGEST_GAP))
        self._until = now

    def _run(self) -> None:
        while not self._closing.wait(PERIOD):
            self.state()


class SimulatedCamera:
    """Pictures of the simulated world at a steady rate.

    The landscape is painted in a thread of its own meanwhile, as that takes about a
    second; pictures are drawn only when somebody reads.
    """

    def __init__(self, runner: WorldRunner, config: CameraConfig, seed: int) -> None:
        self._runner = runner
        self._config = config
        self._renderer: Renderer | None = None
        self._painting = threading.Thread(
            target=self._paint, args=(seed,), name="pi-agent-paint", daemon=True
        )
        self._painting.start()
        self._next = 0.0
        self._closed = threading.Event()

    @property
    def width(self) -> int:
        """Pixels."""
        return self._config.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._config.height

    @property
    def fps(self) -> float:
        """Pictures per second."""
        return self._config.fps

    def read(self) -> tuple[float, Picture]:
        """Waits for the next picture; see :class:`pi_agent.hardware.protocols.Camera`."""
        self._painting.join()
        wait = self._next - time.monotonic()
        if self._closed.wait(max(0.0, wait)):
            raise CameraError("The simulated camera was closed.")
        if self._renderer is None:
            raise CameraError("The landscape could not be painted; the log says why.")
        captured = time.monotonic()
        # A late picture moves the schedule instead of being followed by a hurried one.
        self._next = max(self._next + 1 / self._config.fps, captured + 0.5 / self._config.fps)
        return captured, self._renderer.render(self._runner.state())

    def close(self) -> None:
        """Ends a waiting read."""
        self._closed.set()
        self._painting.join()

    def _paint(self, seed: int) -> None:
        try:
            self._renderer = self._runner.renderer(self._config.width, self._config.height, seed)
        except Exception:
            logger.exception("The landscape could not be painted")
