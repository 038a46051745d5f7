"""Gamepads through SDL, polled by the GUI timer. Without SDL there are simply none.

Left stick steers; the right trigger drives forward, the left one backward. SDL
needs no window and no video system for this. Everything happens on the thread
that calls :meth:`Gamepad.poll` first.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import warnings
from types import ModuleType
from typing import Any

logger = logging.getLogger("rcapp.gamepad")

DEAD_ZONE = 0.1
"""Radius around the centre that counts as centre: worn sticks rest within 0.08."""

TRIGGER_DEAD_ZONE = 0.03
"""Travel of a trigger that counts as untouched."""

EXPO = 0.3
"""Share of the cubic curve: finer steering near the centre, still full lock at the end."""

_FULL = 32767.0

_HINTS = {
    # A pad goes on driving while another window has the focus: it is in the person's hands.
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
    # Ctrl-C belongs to the app.
    "SDL_NO_SIGNAL_HANDLERS": "1",
}
_WINDOWS_HINTS = {
    # Without a message pump of SDL's own, Xbox pads would show their triggers only.
    "SDL_JOYSTICK_THREAD": "1",
}


def radial(x: float, y: float, dead_zone: float) -> tuple[float, float]:
    """Take a round dead zone out of a stick's position, without a step at its rim."""
    radius = math.hypot(x, y)
    if radius <= dead_zone:
        return 0.0, 0.0
    scale = min(1.0, (radius - dead_zone) / (1.0 - dead_zone)) / radius
    return x * scale, y * scale


def expo(value: float, share: float) -> float:
    """Mix a linear and a cubic curve; -1, 0 and 1 stay where they are."""
    return (1.0 - share) * value + share * value**3


def trigger(value: float, dead_zone: float = TRIGGER_DEAD_ZONE) -> float:
    """Travel of a trigger, 0 to 1, without its dead zone."""
    return max(0.0, min(1.0, (value - dead_zone) / (1.0 - dead_zone)))


def load_sdl() -> ModuleType:
    """Import PySDL2.

    Raises:
        ImportError: when it or the SDL2 library is missing.
    """
    hints = _HINTS | (_WINDOWS_HINTS if sys.platform == "win32" else {})
    for name, value in hints.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # pysdl2-dll announces itself by a warning.
        warnings.simplefilter("ignore")
        import sdl2

    module: ModuleType = sdl2
    return module


class Gamepad:
    """The first gamepad that is plugged in; another one takes its place when it goes.

    Args:
        dead_zone: radius ignored around the stick's centre, 0 to below 1.
        expo: 0 is linear, 1 is cubic.

    Attributes:
        reason: why no gamepad can be used on this machine; empty when they can.
        dead_zone, expo: may be changed at any time on the polling thread.
    """

    def __init__(self, *, dead_zone: float = DEAD_ZONE, expo: float = EXPO) -> None:
        self.reason = ""
        self.dead_zone = dead_zone
        self.expo = expo
        self._sdl: Any = None
        self._opened = False
        self._event: Any = None
        self._pad: Any = None
        self._instance = -1
        self._name = ""

    @property
    def name(self) -> str:
        """What the pad calls itself, or empty."""
        return self._name

    @property
    def connected(self) -> bool:
        """A pad is plugged in."""
        return self._pad is not None

    def open(self) -> bool:
        """Start SDL; True when gamepads can be used. :meth:`poll` does it when nobody did."""
        if self._opened:
            return self._sdl is not None
        self._opened = True
        try:
            sdl = load_sdl()
        except (ImportError, OSError) as error:
            self.reason = f"Gamepads need SDL2, which is not installed here ({error})."
            logger.info("%s", self.reason)
            return False
        if sdl.SDL_InitSubSystem(sdl.SDL_INIT_GAMECONTROLLER) != 0:
            detail = sdl.SDL_GetError().decode(errors="replace")
            self.reason = f"Gamepads cannot be used: SDL did not start ({detail})."
            logger.warning("%s", self.reason)
            return False
        self._sdl = sdl
        self._event = sdl.SDL_Event()
        self._take_first()
        return True

    def poll(self) -> None:
        """Read what happened since the last call; about 2 us."""
        if self._sdl is None and not self.open():
            return
        sdl, event = self._sdl, self._event
        changed = False
        while sdl.SDL_PollEvent(event):
            if event.type == sdl.SDL_CONTROLLERDEVICEADDED:
                changed = True
            elif event.type == sdl.SDL_CONTROLLERDEVICEREMOVED:
                changed = True
                if event.cdevice.which == self._instance:
                    self._let_go()
        if changed and self._pad is None:
            self._take_first()

    def sample(self) -> tuple[float, float] | None:
        """``(steer, throttle)``, each -1 to 1, or None when no pad is there."""
        if self._pad is None:
            return None
        sdl = self._sdl
        if not sdl.SDL_GameControllerGetAttached(self._pad):
            return None
        x = self._axis(sdl.SDL_CONTROLLER_AXIS_LEFTX)
        y = self._axis(sdl.SDL_CONTROLLER_AXIS_LEFTY)
        forward = trigger(self._axis(sdl.SDL_CONTROLLER_AXIS_TRIGGERRIGHT))
        backward = trigger(self._axis(sdl.SDL_CONTROLLER_AXIS_TRIGGERLEFT))
        steer = expo(radial(x, y, self.dead_zone)[0], self.expo)
        return steer, forward - backward

    def close(self) -> None:
        """Let SDL go; twice is fine."""
        self._let_go()
        if self._sdl is not None:
            self._sdl.SDL_QuitSubSystem(self._sdl.SDL_INIT_GAMECONTROLLER)
            self._sdl = None
        self._opened = True

    def _axis(self, axis: int) -> float:
        raw: int = self._sdl.SDL_GameControllerGetAxis(self._pad, axis)
        return max(-1.0, raw / _FULL)

    def _take_first(self) -> None:
        sdl = self._sdl
        for index in range(sdl.SDL_NumJoysticks()):
            if not sdl.SDL_IsGameController(index):
                continue
            pad = sdl.SDL_GameControllerOpen(index)
            if not pad:
                continue
            self._pad = pad
            self._instance = sdl.SDL_JoystickInstanceID(sdl.SDL_GameControllerGetJoystick(pad))
            name = sdl.SDL_GameControllerName(pad)
            self._name = name.decode(errors="replace") if name else "Gamepad"
            logger.info("gamepad %s", self._name)
            return

    def _let_go(self) -> None:
        if self._pad is not None:
            self._sdl.SDL_GameControllerClose(self._pad)
            logger.info("gamepad %s is gone", self._name)
        self._pad = None
        self._instance = -1
        self._name = ""
