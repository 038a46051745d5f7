"""What keys do: driving in the Drive view, STOP from everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

Key = Qt.Key

DRIVE_KEYS: dict[int, str] = {
    Key.Key_Left: "left",
    Key.Key_A: "left",
    Key.Key_Right: "right",
    Key.Key_D: "right",
    Key.Key_Up: "up",
    Key.Key_W: "up",
    Key.Key_Down: "down",
    Key.Key_S: "down",
}

WISH_KEYS: dict[int, str] = {
    Key.Key_T: "wheel",
    Key.Key_Y: "accept",
    Key.Key_N: "decline",
    Key.Key_Return: "arm",
    Key.Key_Enter: "arm",
    Key.Key_Backspace: "disarm",
}
"""What a person may ask of the car while the picture has the keys; held down they count once."""

_COMMAND_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)

KEY_HELP: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Drive", ("←", "→", "A", "D"), "steer; the wheels centre by themselves"),
    ("Drive", ("↑", "W"), "forward"),
    ("Drive", ("↓", "S"), "brake, then reverse"),
    ("Wheel", ("T",), "take the wheel, or ask whoever drives for it"),
    ("Wheel", ("Y", "N"), "hand it over to who asks, or keep it"),
    ("Wheel", ("Return",), "arm: the car may move, and STOP is cleared"),
    ("Wheel", ("Backspace",), "disarm"),
    ("Stop", ("Esc",), "STOP, everywhere, also in dialogs"),
    ("Stop", ("Space",), "STOP while the Drive view has the keys"),
    ("App", ("Ctrl", "D"), "demo car"),
    ("App", ("Ctrl", "O"), "connect to a car"),
    ("App", ("Ctrl", "1"), "Drive view"),
    ("App", ("Ctrl", "2"), "files: ← → with Ctrl copies to the other side"),
    ("App", ("Ctrl", ","), "settings"),
    ("App", ("P",), "pause the plots; nothing is lost meanwhile"),
    ("App", ("F11",), "full screen"),
    ("App", ("F1",), "this list"),
)
"""(group, keys, what they do), for the help screens."""


def is_command(event: QKeyEvent) -> bool:
    """The key is a part of a shortcut such as Ctrl+T."""
    return bool(event.modifiers() & _COMMAND_MODIFIERS)


class KeyboardTarget(Protocol):
    """What :class:`DriveKeys` needs of the app's core."""

    def press(self, name: str) -> None:
        """A direction is asked for."""

    def release(self, name: str) -> None:
        """It no longer is."""

    def release_all(self) -> None:
        """No direction is asked for."""


class DriveKeys:
    """Turns key events into directions; two keys of one direction count as one.

    Args:
        keyboard: where directions go.
    """

    def __init__(self, keyboard: KeyboardTarget) -> None:
        self._keyboard = keyboard
        self._held: dict[int, str] = {}

    @property
    def held(self) -> frozenset[str]:
        """Directions that are asked for now."""
        return frozenset(self._held.values())

    def press(self, event: QKeyEvent) -> bool:
        """Handle a key press; False when the key is none of ours."""
        name = DRIVE_KEYS.get(event.key())
        if name is None or event.modifiers() & _COMMAND_MODIFIERS:
            return False
        if not event.isAutoRepeat() and event.key() not in self._held:
            fresh = name not in self.held
            self._held[event.key()] = name
            if fresh:
                self._keyboard.press(name)
        return True

    def release(self, event: QKeyEvent) -> bool:
        """Handle a key release; False when the key is none of ours."""
        name = DRIVE_KEYS.get(event.key())
        if name is None:
            return False
        if not event.isAutoRepeat() and self._held.pop(event.key(), None) is not None:
            # The modifiers do not matter here: a key that was let go must never stay held.
            if name not in self.held:
                self._keyboard.release(name)
        return True

    def release_all(self) -> None:
        """Let go of everything, as when the focus goes away."""
        self._held.clear()
        self._keyboard.release_all()


class StopKeys(QObject):
    """Watches the whole app for the keys that stop the car.

    A shortcut would not do: a modal dialog blocks shortcuts of other windows, a text field
    or an open menu takes Escape for itself.

    Args:
        connected: whether there is a car to stop.
        stopped: whether it is stopped already.
        stop: stops it; the argument names the key.
        drive_view: Space stops while this, or a part of it, has the focus.
    """

    def __init__(
        self,
        *,
        connected: Callable[[], bool],
        stopped: Callable[[], bool],
        stop: Callable[[str], None],
        drive_view: QWidget,
    ) -> None:
        super().__init__()
        self._connected = connected
        self._stopped = stopped
        self._stop = stop
        self._drive_view = drive_view
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def close(self) -> None:
        """Watch no more."""
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take Escape and Space where they mean STOP; everything else goes its way."""
        kind = event.type()
        if kind not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        if not isinstance(event, QKeyEvent):
            return False
        why = self._meaning(event)
        if not why:
            return False
        event.accept()
        if kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            self._stop(why)
        return True

    def _meaning(self, event: QKeyEvent) -> str:
        if event.key() == Key.Key_Escape:
            if not self._connected():
                return ""
            popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            # Stopped already: now Escape may close what is open.
            return "" if popup is not None and self._stopped() else "Esc"
        if event.key() == Key.Key_Space and not event.modifiers() & _COMMAND_MODIFIERS:
            return "Space" if self._drive_has_focus() and self._connected() else ""
        return ""

    def _drive_has_focus(self) -> bool:
        if QApplication.activePopupWidget() or QApplication.activeModalWidget():
            return False
        focused = QApplication.focusWidget()
        view = self._drive_view
        return focused is not None and (focused is view or view.isAncestorOf(focused))
