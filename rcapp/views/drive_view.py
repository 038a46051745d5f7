"""The Drive view: the picture in the middle, movable panels around it, keys that drive."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from rcapp.core.session import CarSession
from rcapp.views import theme
from rcapp.views.dock import PanelDock
from rcapp.views.events import EventsPanel
from rcapp.views.keys import WISH_KEYS, DriveKeys, is_command
from rcapp.views.panels import CarSource
from rcapp.views.picture import PictureView
from rcapp.views.sensors import SensorsPanel
from rcapp.views.stage import Stage

LAYOUT_VERSION = 1
"""Grows when panels are renamed or added, so that an older stored layout is not used."""

SENSORS_MIN, SENSORS_SHARE = 290, 0.42
EVENTS_HEIGHT = 78


class DriveView(QMainWindow):
    """Everything needed to drive, on one page.

    A main window inside the main window: panels then belong to this view, and are neither
    seen nor placed in the others.

    Args:
        session: the car.
        cars: gives the list of cars.

    Attributes:
        own_layout: the app shares out the room; False once the person has placed the panels.
    """

    wished = Signal(str)
    """A key of :data:`~rcapp.views.keys.WISH_KEYS` was pressed."""

    def __init__(self, session: CarSession, cars: CarSource) -> None:
        super().__init__(None, Qt.WindowType.Widget)
        self.setObjectName("page")
        self._session = session
        self.own_layout = True
        self.keys = DriveKeys(session.drive.keyboard)
        self.picture = PictureView(session.painted)
        self.stage = Stage(self.picture, cars)
        self.sensors = SensorsPanel()
        self.events = EventsPanel()
        self.sensors_dock = PanelDock("Sensors", "sensors", self.sensors)
        self.events_dock = PanelDock("Events", "events", self.events)
        self.setCentralWidget(self.stage)
        self.setContentsMargins(theme.GAP, theme.GAP, theme.GAP, theme.GAP)
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks)
        # A click on the ground around the panels gives the picture the keys.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.reset_layout()

    def reset_layout(self) -> None:
        """Put the panels where they were at first."""
        self.own_layout = True
        for dock, area in (
            (self.sensors_dock, Qt.DockWidgetArea.RightDockWidgetArea),
            (self.events_dock, Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            self.addDockWidget(area, dock)
            dock.show()
        self._share_room()
        QTimer.singleShot(0, self, self._share_room)

    def save_layout(self) -> QByteArray:
        """Where the panels are; empty while that is left to the app."""
        return QByteArray() if self.own_layout else self.saveState(LAYOUT_VERSION)

    def restore_layout(self, state: QByteArray) -> None:
        """Put the panels where the person had them; does nothing with an unfit state."""
        if not state.isEmpty() and self.restoreState(state, LAYOUT_VERSION):
            self.own_layout = False

    def _share_room(self) -> None:
        """Give the sensors what a whole 4:3 picture leaves over."""
        if not self.own_layout:
            return
        self.resizeDocks([self.events_dock], [EVENTS_HEIGHT], Qt.Orientation.Vertical)
        inner = self.width() - 3 * theme.GAP
        events = EVENTS_HEIGHT + theme.GAP if not self.events_dock.isHidden() else 0
        height = self.height() - 2 * theme.GAP - events
        spare = inner - round(height * 4 / 3)
        wanted = max(SENSORS_MIN, min(spare, int(inner * SENSORS_SHARE)))
        self.resizeDocks([self.sensors_dock], [wanted], Qt.Orientation.Horizontal)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room anew, unless the person has placed the panels."""
        super().resizeEvent(event)
        self._share_room()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press here is on a separator or the ground: the person arranges the panels."""
        self.own_layout = False
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keys belong to the picture."""
        super().focusInEvent(event)
        self.picture.setFocus()

    def has_keys(self) -> bool:
        """Key presses reach the picture, and nothing lies over it."""
        return (
            self.picture.hasFocus()
            and self.isActiveWindow()
            and QApplication.activeModalWidget() is None
            and QApplication.activePopupWidget() is None
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Drive, while the picture has the focus."""
        wish = WISH_KEYS.get(event.key(), "")
        if not self.picture.hasFocus():
            super().keyPressEvent(event)
        elif wish and not is_command(event):
            if not event.isAutoRepeat():
                self.wished.emit(wish)
        elif not self.keys.press(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go of a direction."""
        if not self.keys.release(event):
            super().keyReleaseEvent(event)

    def panels(self) -> tuple[QWidget, ...]:
        """The movable panels."""
        return (self.sensors_dock, self.events_dock)
