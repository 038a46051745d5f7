"""Where the window and its panels were, from one run to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from rcapp.views.drive_view import DriveView


class WindowLayout:
    """Remembers the place of a window, of its panels, and how the picture fills its place.

    Args:
        path: of the file; None to remember nothing.
        window: the window.
        drive: the view with the panels.
        fill: the action that is checked while the picture fills its place.
    """

    def __init__(
        self, path: Path | None, window: QMainWindow, drive: DriveView, fill: QAction
    ) -> None:
        self._path = path
        self._window, self._drive, self._fill = window, drive, fill

    def restore(self) -> None:
        """Put everything where it was; what cannot be read is as at first."""
        store = self._store()
        geometry = store.value("geometry") if store else None
        known = isinstance(geometry, QByteArray) and self._window.restoreGeometry(geometry)
        if not known:
            self._window.resize(_first_size(self._window.screen().availableGeometry().size()))
        if store:
            panels = store.value("panels")
            self._drive.restore_layout(panels if isinstance(panels, QByteArray) else QByteArray())
            self._fill.setChecked(store.value("fill", "false") == "true")

    def save(self) -> None:
        """Remember where everything is."""
        store = self._store()
        if store is None:
            return
        store.setValue("geometry", self._window.saveGeometry())
        store.setValue("panels", self._drive.save_layout())
        store.setValue("fill", "true" if self._fill.isChecked() else "false")
        store.sync()

    def _store(self) -> QSettings | None:
        if self._path is None:
            return None
        return QSettings(str(self._path), QSettings.Format.IniFormat)


def _first_size(screen: QSize) -> QSize:
    return QSize(min(1440, screen.width() - 40), min(900, screen.height() - 60))
