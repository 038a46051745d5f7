"""The window: joins the session to the views, and the person to the session."""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QThreadPool, QTimer
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rcapp.core import crash
from rcapp.core import settings as settings_file
from rcapp.core.acquaintances import Acquaintances
from rcapp.core.car_finder import Browse, CarFinder
from rcapp.core.gamepad import Gamepad
from rcapp.core.pairing import own_name
from rcapp.core.session import CarSession
from rcapp.core.settings import Settings
from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Holder
from rcapp.views import icons, theme
from rcapp.views.actions import Actions, without_arguments
from rcapp.views.banner import insecure_banner
from rcapp.views.bridge import WakeBridge
from rcapp.views.demo import DemoKeeper
from rcapp.views.dialogs import AboutDialog, AppDialog, KeysDialog
from rcapp.views.drive_view import DriveView
from rcapp.views.files.files_view import FilesView
from rcapp.views.garage import Garage
from rcapp.views.keys import StopKeys
from rcapp.views.menus import CarsMenu, fill_menu_bar, wheel_menu
from rcapp.views.rail import Rail
from rcapp.views.settings_view import SettingsView
from rcapp.views.topbar import TopBar, urgent
from rcapp.views.wheel_control import WheelControl
from rcapp.views.window_layout import WindowLayout

log = logging.getLogger("rcapp.views")

TICK = 20
"""Milliseconds between two samples of the inputs; everything else hangs on the same timer."""

SHOW_EVERY, PLOT_EVERY, SLOW_EVERY = 2, 5, 10
"""Ticks between two looks at the snapshot (25 Hz), the plots (10 Hz: half a minute on 360
pixels moves by one pixel in that time), the top bar's figures and the gamepad (5 Hz)."""


class MainWindow(QMainWindow):
    """Everything on the screen, for one car.

    Args:
        settings: the person's settings.
        settings_path: where changes of them are written; None to write nothing.
        layout_path: where window and panels are remembered; None to remember nothing.
        note: a sentence to show before the first connection, such as a broken settings file.
        insecure: connect without encryption, except to the demo car.
        acquaintances: who this computer is, and whom it knows; the platform's by default.
        browse: listens for cars that announce themselves; by mDNS by default.

    Attributes:
        session: the car.
        garage: which cars there are.
        demo: the simulated car, if any.
        snapshot: what the views show now.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        settings_path: Path | None = None,
        layout_path: Path | None = None,
        note: str = "",
        insecure: bool = False,
        acquaintances: Acquaintances | None = None,
        browse: Browse | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("rcapp")
        self.setWindowIcon(icons.app_icon())
        self.setMinimumSize(1000, 640)
        self.settings = settings or Settings()
        self._settings_path = settings_path
        self._note = note
        self._insecure = insecure
        self._take_wheel = False
        self._ticks = 0
        self._closed = False
        self._dialog_open = False
        self._car_id = ""
        self._mode: tuple[object, ...] = ()
        self._writer = QThreadPool()
        self._writer.setMaxThreadCount(1)
        self._warmer = threading.Thread(target=self._warm_up, name="rcapp-import", daemon=True)
        self._bridge = WakeBridge()
        self._bridge.woken.connect(self._woken)
        known = acquaintances or Acquaintances()
        name = self.settings.name or own_name()
        self.session = CarSession(name=name, on_wake=self._bridge.wake, acquaintances=known)
        self.garage = Garage(known, self._writer, self, CarFinder(known, browse))
        self.snapshot: Snapshot = self.session.snapshot()
        self.gamepad: Gamepad | None = None
        self.demo = DemoKeeper(self._demo_ready)
        self._build()
        self._connect_actions()
        self._stop_keys = StopKeys(
            connected=lambda: self.session.snapshot().link is not Link.IDLE,
            stopped=self._is_stopped,
            stop=self._stop_by,
            drive_view=self.drive,
        )
        self._layout = WindowLayout(layout_path, self, self.drive, self.actions_.fill_picture)
        self._layout.restore()
        self._show_settings()
        # Return starts the demo car on the first screen; a car takes the focus to the picture.
        self.drive.stage.welcome.demo.setFocus()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self.tick)
        self._timer.start()
        QTimer.singleShot(0, self, self._after_first_show)

    def _build(self) -> None:
        self.actions_ = Actions(self)
        fill_menu_bar(self.menuBar(), self.actions_)
        self.cars_menu = CarsMenu(
            self.actions_, lambda: self.settings.cars, self.garage.choose_known
        )
        self.wheel_menu = wheel_menu(self.actions_)
        self.bar = TopBar(self.cars_menu, self.wheel_menu)
        self.banner: QLabel = insecure_banner()
        self.rail = Rail(
            [("drive", self.actions_.drive_view), ("folder", self.actions_.files_view)],
            [("settings", self.actions_.settings_view)],
        )
        self.drive = DriveView(self.session, self.garage.finder)
        self.settings_view = SettingsView(self._places(), self.session.acquaintances)
        self.wheel = WheelControl(self.session.seat, self.actions_, self.drive, self)
        self.pages = QStackedWidget()
        self.files = FilesView(self.session, kept=self._places()[0][1].parent / "backup")
        self.files.car_wanted.connect(self.show_drive)
        for page in (self.drive, self.files, self.settings_view):
            self.pages.addWidget(page)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.rail)
        body.addWidget(self.pages, 1)
        host = QWidget()
        column = QVBoxLayout(host)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.banner)
        column.addLayout(body, 1)
        self.setCentralWidget(host)
        # Actions without a place in a menu bar that is hidden (full screen) keep their keys.
        self.addActions(self.actions_.findChildren(type(self.actions_.stop)))

    def _places(self) -> list[tuple[str, Path]]:
        settings = self._settings_path or settings_file.default_path()
        return [("Settings", settings), ("Logs", crash.default_folder() / "rcapp.log")]

    def _connect_actions(self) -> None:
        actions, stage = self.actions_, self.drive.stage
        for signal, slot in (
            (actions.demo.triggered, self.start_demo),
            (actions.connect_car.triggered, self.garage.ask_which),
            (actions.pair.triggered, self.garage.pair),
            (self.settings_view.peers.pair_wanted, self.garage.pair),
            (self.wheel.drive_view_wanted, self.show_drive),
            (self.garage.demo_wanted, self.start_demo),
            (actions.disconnect_car.triggered, self.leave_car),
            (actions.quit.triggered, self.close),
            (actions.drive_view.triggered, self.show_drive),
            (actions.files_view.triggered, self.show_files),
            (actions.settings_view.triggered, self.show_settings_page),
            (actions.stop.triggered, self.press_stop),
            (actions.keys.triggered, self.show_keys),
            (actions.about.triggered, self.show_about),
            (actions.reset_layout.triggered, self.drive.reset_layout),
            (stage.demo_wanted, self.start_demo),
            (stage.disconnect_wanted, self.leave_car),
            (stage.retry_wanted, self.try_again),
            (stage.pair_wanted, self.pair_this_car),
            (self.bar.stop.clicked, self.press_stop),
        ):
            signal.connect(without_arguments(slot))
        stage.connect_wanted.connect(self.connect_to)
        stage.car_wanted.connect(self.garage.choose)
        stage.forget_wanted.connect(self.garage.forget)
        self.garage.connect_wanted.connect(self.connect_to)
        self.garage.settings_wanted.connect(self._settings_changed)
        self.garage.trouble.connect(lambda text: self.session.events.add("bad", text))
        for opener in (self.garage, self.wheel):
            opener.opened.connect(self._open)
        self.settings_view.peers.renamed.connect(self.garage.rename)
        self.settings_view.peers.forgotten.connect(self.garage.revoke)
        actions.full_screen.toggled.connect(self._full_screen)
        actions.fill_picture.toggled.connect(self.drive.picture.set_fill)
        for action, dock in (
            (actions.show_sensors, self.drive.sensors_dock),
            (actions.show_events, self.drive.events_dock),
        ):
            action.setChecked(not dock.isHidden())
            action.triggered.connect(lambda on, panel=dock: panel.setVisible(on))
            # Not toggleViewAction: that is unchecked whenever another view is shown.
            dock.visibilityChanged.connect(
                lambda _shown, of=action, panel=dock: of.setChecked(not panel.isHidden())
            )
        for name, action in actions.themes.items():
            action.triggered.connect(lambda _checked=False, chosen=name: self.set_theme(chosen))
        self.settings_view.changed.connect(self._settings_changed)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)
        app.styleHints().colorSchemeChanged.connect(self._system_colours_changed)

    # What the person can do.

    def start_demo(self) -> None:
        """Start the simulated car and connect to it when it is ready."""
        self._note = ""
        self.session.disconnect()
        self.show_drive()
        self.demo.start()

    def connect_to(self, address: str, car_id: str = "") -> None:
        """Connect to ``host:port`` or ``host``; only to the car with this id, if one is given."""
        self._note = ""
        self._take_wheel = False
        self._car_id = car_id
        self.demo.forget_error()
        self.demo.leave()
        self.show_drive()
        self.session.connect(address, car_id, insecure=self._insecure)

    def _demo_ready(self, address: str) -> None:
        """The demo car is nobody else's: whoever started it wants to drive it."""
        self._take_wheel = True
        self._car_id = ""
        self.session.connect(address)

    def pair_this_car(self) -> None:
        """Pair with the car that does not let us in."""
        snap = self.session.snapshot()
        name = "" if snap.car is None else snap.car.name
        self.session.disconnect()
        self.garage.pair(name, snap.address)

    def try_again(self) -> None:
        """Try the lost car at once instead of waiting."""
        snap = self.session.snapshot()
        self.session.connect(snap.address, self._car_id, insecure=snap.insecure)

    def leave_car(self) -> None:
        """Disconnect; a demo car ends."""
        self.session.disconnect()
        self.demo.leave()
        self.drive.picture.setFocus()

    def press_stop(self) -> None:
        """STOP by the mouse or the menu."""
        if self.session.snapshot().link is not Link.IDLE:
            self._stop_by("the STOP button")

    def _stop_by(self, what: str) -> None:
        self.session.stop(what)

    def show_keys(self) -> None:
        """Open the list of keys."""
        self._open(KeysDialog(self))

    def show_about(self) -> None:
        """Open versions and licences."""
        self._open(AboutDialog(self))

    def _open(self, dialog: AppDialog) -> None:
        self.drive.keys.release_all()
        self.session.drive.set_keyboard_active(False)
        dialog.finished.connect(without_arguments(self._dialog_closed))
        self._dialog_open = True
        dialog.open()

    def _dialog_closed(self) -> None:
        """Give the keys back where they were."""
        self._dialog_open = False
        if not self._closed:
            self.activateWindow()
            if self.pages.currentWidget() is self.drive:
                self.drive.picture.setFocus()

    def show_drive(self) -> None:
        """Go to the Drive view; the keys drive."""
        self.actions_.drive_view.setChecked(True)
        self.pages.setCurrentWidget(self.drive)
        self.drive.picture.setFocus()

    def show_files(self) -> None:
        """Go to the files; the keys no longer drive."""
        self._leave_drive(self.actions_.files_view, self.files)
        self.files.take_focus()

    def show_settings_page(self) -> None:
        """Go to the settings; the keys no longer drive."""
        self._leave_drive(self.actions_.settings_view, self.settings_view)

    def _leave_drive(self, action: QAction, page: QWidget) -> None:
        action.setChecked(True)
        self.pages.setCurrentWidget(page)
        page.setFocus()
        self._hand_over_keys()

    def set_theme(self, name: str) -> None:
        """Show another set of colours and remember it."""
        self._settings_changed(replace(self.settings, theme=name))

    def _full_screen(self, on: bool) -> None:
        self.menuBar().setVisible(not on)
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    # What happens by itself.

    def _after_first_show(self) -> None:
        """What would delay the first sight of the window."""
        if not self._closed and self.gamepad is None:
            self.gamepad = Gamepad(
                dead_zone=self.settings.gamepad_dead_zone, expo=self.settings.gamepad_expo
            )
            self.session.drive.set_gamepad(self.gamepad)
            self._warmer.start()
            # pyqtgraph, which takes a third of a second, while nobody waits for it.
            importlib.import_module("rcapp.views.plots")

    def _warm_up(self) -> None:
        """What the first connection needs: OpenCV alone takes longer than a picture may."""
        importlib.import_module("rcapp.core.intake")
        importlib.import_module("rcapp.core.line")
        with contextlib.suppress(Exception):  # said where it matters
            self.session.acquaintances.trust()

    def _woken(self) -> None:
        """A network thread has something: show the newest picture."""
        self._bridge.taken()
        frame = self.session.take_frame()
        if frame is not None and not self._closed:
            self.drive.picture.set_frame(frame)

    def tick(self) -> None:
        """One beat of the window; each part comes as often as it is worth."""
        now = time.monotonic()
        self._ticks += 1
        self._hand_over_keys()
        self.session.drive.tick(now)
        self.demo.poll()
        if self._ticks % SHOW_EVERY == 0:
            self.show_now(now)
        if self._ticks % PLOT_EVERY == 0 and not self.actions_.pause_plots.isChecked():
            self.drive.sensors.refresh(now)
        if self._ticks % SLOW_EVERY == 0:
            idle = self.snapshot.link is Link.IDLE and self.pages.currentWidget() is self.drive
            self.garage.tend((idle and not self.demo.starting) or self._dialog_open)
            self.settings_view.refresh(self.session.drive, self.gamepad)

    def show_now(self, now: float) -> None:
        """Take a snapshot and show it."""
        self.snapshot = snap = self.session.snapshot(now)
        if self._ticks % SLOW_EVERY == 0 or urgent(snap) != self._mode:
            self._mode = urgent(snap)
            self.bar.show_snapshot(snap)
        self.drive.stage.show_snapshot(
            snap,
            note=self.demo.error or self._note,
            starting=self.demo.starting,
            has_keys=self.drive.has_keys(),
        )
        self.drive.sensors.show_series(self.session.series, self.settings.plot_seconds)
        self.drive.sensors.make_next()
        paused = self.actions_.pause_plots.isChecked()
        self.drive.sensors_dock.show_note(
            "paused · P goes on"
            if paused
            else f"last {self.settings.plot_seconds:.0f} s · P pauses"
        )
        self.drive.events.follow(self.session.events)
        connected = snap.link is not Link.IDLE
        self.actions_.disconnect_car.setEnabled(connected or self.demo.starting)
        self.actions_.stop.setEnabled(connected)
        self.banner.setVisible(connected and snap.insecure)
        self.wheel.show_snapshot(snap)
        self.files.show_snapshot(snap, now)
        demo = self.demo.car
        self.garage.note(snap, None if demo is None else demo.address)
        if self._take_wheel and snap.link is Link.LIVE and snap.wheel.holder is Holder.NOBODY:
            self._take_wheel = False
            self.session.seat.ask_for_wheel()

    def _is_stopped(self) -> bool:
        snap = self.session.snapshot()
        return snap.stopped or snap.stop_pressed

    def _hand_over_keys(self) -> None:
        """The keyboard drives only while its keys reach the picture."""
        has_keys = self.drive.has_keys()
        if not has_keys and self.drive.keys.held:
            self.drive.keys.release_all()
        self.session.drive.set_keyboard_active(has_keys)

    def _focus_changed(self, _old: QWidget | None, _new: QWidget | None) -> None:
        if not self._closed:
            self._hand_over_keys()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the activation of the window and the theme."""
        super().changeEvent(event)
        if not hasattr(self, "_timer") or self._closed:
            return
        if event.type() == QEvent.Type.ActivationChange:
            self._hand_over_keys()
        elif event.type() == QEvent.Type.PaletteChange:
            self.actions_.tint()

    def _system_colours_changed(self) -> None:
        """The desktop went from light to dark, or back."""
        app = QApplication.instance()
        if not self._closed and self.settings.theme == theme.SYSTEM:
            assert isinstance(app, QApplication)
            theme.apply(app, theme.theme_named(theme.SYSTEM))

    # Settings and layout.

    def _settings_changed(self, settings: Settings) -> None:
        old, self.settings = self.settings, settings
        if settings != old and self._settings_path is not None:
            path = self._settings_path
            self._writer.start(lambda: settings_file.save(settings, path))
        if settings.theme != old.theme:
            app = QApplication.instance()
            assert isinstance(app, QApplication)
            theme.apply(app, theme.theme_named(settings.theme))
        self._show_settings()

    def _show_settings(self) -> None:
        settings = self.settings
        self.settings_view.show_settings(settings)
        self.garage.show_settings(settings)
        if settings.theme in self.actions_.themes:
            self.actions_.themes[settings.theme].setChecked(True)
        if self.gamepad is not None:
            self.gamepad.dead_zone = settings.gamepad_dead_zone
            self.gamepad.expo = settings.gamepad_expo

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing behind: car told, threads joined, layout remembered."""
        if not self._closed:
            self._closed = True
            self._timer.stop()
            self._stop_keys.close()
            self._layout.save()
            self.session.drive.set_keyboard_active(False)
            self.demo.leave()
            self.files.leave()
            self.session.close()
            self.demo.close()
            self.garage.close()
            if self.gamepad is not None:
                self.gamepad.close()
            self._writer.waitForDone()
            if self._warmer.ident is not None:
                self._warmer.join()
        super().closeEvent(event)
