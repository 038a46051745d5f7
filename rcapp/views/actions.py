"""Every action of the app, made once and shared by menus, rail and buttons."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from rcapp.views import icons, theme


class Actions(QObject):
    """Holds the actions; whoever owns the behaviour connects to them.

    Args:
        parent: the window that the shortcuts work in.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._icons: list[tuple[QAction, str]] = []
        self.demo = self._make("&Demo car", "Ctrl+D", "car")
        self.connect_car = self._make("&Connect…", QKeySequence.StandardKey.Open, "link")
        self.disconnect_car = self._make("Dis&connect", "Ctrl+Shift+D", "unlink")
        self.quit = self._make("&Quit", "Ctrl+Q", "quit")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)

        self.drive_view = self._make("&Drive", "Ctrl+1", "drive", checkable=True)
        self.settings_view = self._make("&Settings", "Ctrl+,", "settings", checkable=True)
        self.settings_view.setMenuRole(QAction.MenuRole.PreferencesRole)
        self.files_view = self._make("F&iles", "Ctrl+2", "folder", checkable=True)
        views = QActionGroup(self)
        for action in (self.drive_view, self.files_view, self.settings_view):
            views.addAction(action)
        self.drive_view.setChecked(True)

        self.themes: dict[str, QAction] = {}
        group = QActionGroup(self)
        for name, text in theme_choices():
            action = self._make(text, "", "", checkable=True)
            action.setData(name)
            group.addAction(action)
            self.themes[name] = action
        self.full_screen = self._make("&Full screen", "F11", "fullscreen", checkable=True)
        self.fill_picture = self._make("Fill the place of the &picture", "", "", checkable=True)
        self.show_sensors = self._make("&Sensors", "Ctrl+Shift+S", "", checkable=True)
        self.show_events = self._make("&Events", "Ctrl+Shift+E", "", checkable=True)
        self.pause_plots = self._make("Pa&use plots", "P", "", checkable=True)
        self.reset_layout = self._make("&Reset layout", "", "panel")

        self.stop = self._make("&STOP", "Esc", "stop")
        # One letter would be taken from text fields: the Drive view handles those keys itself.
        self.take_wheel = self._make("&Take the wheel", "Ctrl+T", "drive")
        self.leave_wheel = self._make("&Let go of the wheel", "Ctrl+Shift+T", "unlink")
        self.force_wheel = self._make("Take the wheel by &force…", "", "warning")
        self.arm = self._make("&Arm", "Ctrl+Return", "check")
        self.disarm = self._make("&Disarm", "Ctrl+Backspace", "close")
        self.pair = self._make("&Pair with a car…", "Ctrl+P", "link")

        self.keys = self._make("&Keys", "F1", "keyboard")
        self.about = self._make("&About this app", "", "info")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        self.tint()

    def _make(
        self,
        text: str,
        keys: str | QKeySequence.StandardKey,
        icon: str,
        *,
        checkable: bool = False,
    ) -> QAction:
        made = QAction(text, self)
        if keys:
            made.setShortcut(QKeySequence(keys))
        made.setCheckable(checkable)
        if icon:
            self._icons.append((made, icon))
        return made

    def tint(self) -> None:
        """Draw the icons in the colours of the current theme."""
        for action, name in self._icons:
            action.setIcon(icons.icon(name))


def theme_choices() -> list[tuple[str, str]]:
    """(name, label) of every theme a person can choose."""
    return [(theme.SYSTEM, "As the system"), *((t.name, t.label) for t in theme.THEMES.values())]


def without_arguments(slot: Callable[[], object]) -> Callable[..., None]:
    """Some signals carry whether the action is checked, which is nothing to these slots."""

    def call(*_ignored: object) -> None:
        slot()

    return call
