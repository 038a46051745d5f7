"""Says what has ended on the desktop, while the person looks elsewhere."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from rcapp.views import icons

SECONDS = 8

KINDS = {
    "good": QSystemTrayIcon.MessageIcon.Information,
    "info": QSystemTrayIcon.MessageIcon.Information,
    "warn": QSystemTrayIcon.MessageIcon.Warning,
    "bad": QSystemTrayIcon.MessageIcon.Critical,
}


class DesktopNotices:
    """Shows a message of the desktop where there is one; nothing happens elsewhere.

    Args:
        window: while it is in front, its own lists say enough.
    """

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def say(self, level: str, text: str) -> bool:
        """Show a sentence; False when there was no need, or no way.

        Args:
            level: as of an event.
            text: what has happened.
        """
        if self._window.isActiveWindow() or QApplication.activeModalWidget() is not None:
            return False
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            return False
        if self._tray is None:
            self._tray = QSystemTrayIcon(icons.app_icon(), self._window)
        # An icon that stays would be one more thing to be asked about: it goes with the message.
        self._tray.show()
        self._tray.showMessage("rcapp", text, KINDS[level], SECONDS * 1000)
        return True

    def close(self) -> None:
        """Leave nothing in the tray. Twice is fine."""
        if self._tray is not None:
            self._tray.hide()
            self._tray = None
