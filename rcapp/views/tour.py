"""Walks through every screen by mouse and key, takes pictures, and judges them.

``python -m rcapp.views.tour [OUTDIR]`` writes PNGs and ends with 1 when text is cut, overlaps
or is too weak, or when a screen does not come. The car is the real demo car: it is held to
make the picture stale, and killed to lose the link.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton, QScrollArea, QWidget

from pynet.trust.store import FOLDER
from rcapp.core.cars import KnownCar
from rcapp.core.settings import Settings
from rcapp.core.state import Link
from rcapp.views import theme
from rcapp.views.app import make_app
from rcapp.views.main_window import MainWindow
from rcapp.views.pairing_dialog import PairingDialog
from rcapp.views.scripted import send_key
from rcapp.views.tour_cars import Friend, OwnCar, air
from rcapp.views.tour_checks import check_theme, check_window
from rcapp.views.tour_files import FilesTour

SIZES = (QSize(1280, 720), QSize(2560, 1440))
SMALLEST = QSize(1000, 640)
PATIENCE = 20.0
AGAIN = 0.8
"""Seconds between two presses of a key that asks the car for something."""

SILENT_ADDRESS = "127.0.0.1:9"
NAME = "Ben's laptop"
KNOWN = (
    KnownCar("garage.local:1857", "Großmutters schneller Überlandwagen mit Anhänger", seen=1.7e9),
    KnownCar("127.0.0.1:9", "Rover-1", "ABCDEFG-HIJKLMN", "driver", 1.7e9),
)
Key = Qt.Key


class TourError(Exception):
    """A screen did not come."""


class Tour:
    """One walk at one size in one theme.

    Args:
        out: where pictures go.
        size: of the window.
        shown: the theme.

    Attributes:
        found: what is wrong with the screens so far.
    """

    def __init__(self, out: Path, size: QSize, shown: theme.Theme) -> None:
        self.found: list[str] = []
        self._tapped_at = 0.0
        self._out = out
        self._label = f"{size.width()}x{size.height()}-{shown.name}"
        self._app = make_app(shown.name)
        settings = Settings(theme=shown.name, cars=KNOWN)
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        home = Path(self._folder.name)
        # The Files tab begins in the person's own folder.
        os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
        # The demo car must have the same identity as the window that starts it.
        os.environ[FOLDER] = str(home / "laptop")
        self.home = home
        self.window = MainWindow(
            settings,
            settings_path=home / "rcapp" / "settings.toml",
            browse=air,
        )
        self.window.resize(size)

    def walk(self) -> None:
        """Every screen, one after the other."""
        window = self.window
        window.show()
        window.activateWindow()
        self.until("the window", window.isActiveWindow)
        try:
            self._no_car()
            self._files_without_car()
            self._other_people()
            self._drive()
            self._dialogs()
            self._files()
            self._settings()
            self._late()
        except TourError as error:
            self.found.append(f"{self._label}: {error}")
        finally:
            self._resume()
            window.close()
            window.deleteLater()
            self._app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            self._folder.cleanup()

    def _no_car(self) -> None:
        stage = self.window.drive.stage
        self.until("the welcome", stage.welcome.isVisible)
        self.until("the list", lambda: len(stage.welcome.cars.rows) > len(KNOWN))
        self.until("an answer", lambda: "No answer" in stage.welcome.cars.rows[-1].accessibleName())
        self.shot("01-cars")
        field = stage.welcome.address
        QTest.mouseClick(field, Qt.MouseButton.LeftButton)
        QTest.keyClicks(field, SILENT_ADDRESS)
        QTest.keyClick(field, Key.Key_Return)
        self.until("a refusal", lambda: bool(self.window.snapshot.error))
        self.until("the panel", stage.connecting.isVisible)
        self.shot("02-connecting")
        self.click(stage.cancel)
        self.until("the welcome", stage.welcome.isVisible)

    def _other_people(self) -> None:
        """A car of its own identity: pairing, watching, handing over, being thrown out."""
        with OwnCar(self.home / "car") as car, Friend(self.home / "friend") as friend:
            self._pair(car)
            self._hand_over(car, friend)
            car.run("peers", "revoke", NAME)
            stage = self.window.drive.stage
            self.until("the refusal", lambda: self.window.snapshot.can_be_paired)
            self.until("a way back", lambda: stage.pair_again.isVisible() or stage.pair.isVisible())
            self.shot("12-revoked")
            self.window.leave_car()
        self.until("the welcome", stage.welcome.isVisible)

    def _pair(self, car: OwnCar) -> None:
        window, stage = self.window, self.window.drive.stage
        window.connect_to(car.address)
        self.until("the stranger", stage.pair.isVisible)
        self.shot("03-not-paired")
        self.click(stage.pair)
        self.until("the dialog", lambda: isinstance(QApplication.activeModalWidget(), QDialog))
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, PairingDialog)
        dialog.called.setText(NAME)
        self.shot("04-pairing", dialog)
        with car.shows_code() as code:
            QTest.keyClicks(dialog.code, f"{(int(code) + 1) % 10**8:08d}")
            QTest.keyClick(dialog.code, Key.Key_Return)
            self.until("the wrong code", lambda: "more tries" in dialog.said)
            self.shot("05-wrong-code", dialog)
            QTest.keyClicks(dialog.code, code)
            QTest.keyClick(dialog.code, Key.Key_Return)
            self.until("the pairing", dialog.done_page.isVisible)
        self.shot("06-paired", dialog)
        self.click(dialog.drive)
        self.until("the car", lambda: window.snapshot.link is Link.LIVE)

    def _hand_over(self, car: OwnCar, friend: Friend) -> None:
        window, bar = self.window, self.window.drive.stage.wheel_bar
        self.until("a free wheel", lambda: bar.words.primary == "Take the wheel · T")
        self.shot("07-nobody-drives")
        friend.join(car)
        friend.seat.ask_for_wheel()
        self.until("the other driver", lambda: bar.words.text.endswith("you watch"))
        self.shot("08-watching")
        window.drive.picture.setFocus()
        self._tap(Key.Key_T)
        self.until("the request", lambda: window.snapshot.wheel.asking)
        self.shot("09-asking")
        self.until("our request", lambda: bool(friend.session.snapshot().wheel.request))
        friend.seat.answer_request(True)
        self.until("the offer", lambda: window.snapshot.wheel.offered)
        self.shot("10-offered")
        self._tap(Key.Key_T)
        self.until("the wheel", lambda: window.snapshot.wheel.yours)
        # Who still believes to have the wheel asks for nothing.
        self.until("the friend", lambda: not friend.session.snapshot().wheel.yours)
        friend.seat.ask_for_wheel()
        self.until("the request", lambda: bool(window.snapshot.wheel.request))
        self.shot("11-asked")

    def _tap(self, key: Qt.Key) -> None:
        self._tapped_at = time.monotonic()
        send_key(self.window, key, QEvent.Type.KeyPress)
        send_key(self.window, key, QEvent.Type.KeyRelease)

    def _drive(self) -> None:
        stage, window = self.window.drive.stage, self.window
        self.click(stage.welcome.demo)
        self.until("the demo car", lambda: window.snapshot.link is Link.LIVE)
        self.until("the wheel", lambda: window.snapshot.wheel.yours)
        window.drive.picture.setFocus()
        send_key(window, Key.Key_W, QEvent.Type.KeyPress)
        self.until("a reason", lambda: window.snapshot.throttle_held and stage.disarmed.isVisible())
        self.shot("13-not-yet")
        send_key(window, Key.Key_W, QEvent.Type.KeyRelease)
        self.until("disarmed", lambda: self._seated() and stage.disarmed.arm.isEnabled())
        self.shot("14-disarmed")
        self.until("armed", self._armed)
        self.until("the plots", lambda: bool(window.drive.sensors.plots))
        self.click(window.drive.picture)
        send_key(window, Key.Key_Right, QEvent.Type.KeyPress)
        self.until("speed", self._moves)
        self._wait(1.2)
        self.shot("15-live")
        for key in (Key.Key_Right, Key.Key_W):
            send_key(window, key, QEvent.Type.KeyRelease)
        QTest.keyClick(window.drive.picture, Key.Key_Escape)
        self.until("STOP", lambda: window.snapshot.stop_took is not None)
        self.until("a way out", lambda: self._seated() and stage.stopped.arm.isEnabled())
        self.shot("16-stopped")
        self.until("STOP cleared", self._armed)

    def _seated(self) -> bool:
        """Take the wheel again: judging a picture takes so long that the car gives it away."""
        wheel = self.window.snapshot.wheel
        if not wheel.yours and time.monotonic() - self._tapped_at > AGAIN:
            self._tap(Key.Key_T)
        return wheel.yours

    def _armed(self) -> bool:
        """Arm, as often as that takes."""
        now, stage = self.window.snapshot, self.window.drive.stage
        ready = stage.disarmed.arm.isEnabled() or stage.stopped.arm.isEnabled()
        late = time.monotonic() - self._tapped_at > AGAIN
        if self._seated() and not now.armed and ready and late:
            self._tap(Key.Key_Return)
        return now.armed

    def _moves(self) -> bool:
        """Hold the throttle; a machine that stalled wants it let go once."""
        now = self.window.snapshot
        if not self._armed():
            return False
        let_go = now.stage == "neutral" or now.must_let_go
        if ("up" in self.window.drive.keys.held) == let_go:
            kind = QEvent.Type.KeyRelease if let_go else QEvent.Type.KeyPress
            send_key(self.window, Key.Key_W, kind)
        return self._speed() > 0.4

    def _speed(self) -> float:
        status = self.window.snapshot.status
        return 0.0 if status is None else abs(status.speed)

    def _dialogs(self) -> None:
        window = self.window
        QTest.keyClick(window, Key.Key_O, Qt.KeyboardModifier.ControlModifier)
        self._dialog("17-connect", "Cancel")
        QTest.keyClick(window, Key.Key_F1)
        self._dialog("18-keys", "Close")
        bar = window.menuBar()
        help_menu = bar.actions()[-1]
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(help_menu).center())
        self.until("the menu", lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        self._choose(window.actions_.about)
        self._dialog("19-about", "Close")
        self._menu("20-view-menu", bar.actions()[1])
        QTimer.singleShot(400, self._cars_menu_seen)
        QTest.mouseClick(window.bar.car, Qt.MouseButton.LeftButton)

    def _cars_menu_seen(self) -> None:
        self.shot("21-cars-menu", QApplication.activePopupWidget())
        self.window.cars_menu.close()

    def _menu(self, name: str, action: QAction) -> None:
        bar = self.window.menuBar()
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.actionGeometry(action).center())
        self.until("the menu", lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        popup = QApplication.activePopupWidget()
        self.shot(name, popup)
        if popup is not None:
            popup.close()

    def _choose(self, action: QAction) -> None:
        popup = QApplication.activePopupWidget()
        assert isinstance(popup, QMenu)
        place = popup.actionGeometry(action).center()
        QTest.mouseClick(popup, Qt.MouseButton.LeftButton, pos=place)

    def _dialog(self, name: str, leave_by: str) -> None:
        self.until(name, lambda: isinstance(QApplication.activeModalWidget(), QDialog))
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        self._wait(0.1)
        self.shot(name, dialog)
        button = next(b for b in dialog.findChildren(QPushButton) if b.text() == leave_by)
        self.click(button)
        self.until("the dialog gone", lambda: QApplication.activeModalWidget() is None)
        self.until("the window again", self.window.isActiveWindow)

    def _files_without_car(self) -> None:
        FilesTour(self).without_car("26-files-nocar")
        self.click(self.window.rail.buttons[0][1])

    def _files(self) -> None:
        """The demo car's files: its small disk is nearly full."""
        files = FilesTour(self)
        files.enter("recordings")
        view = self.window.files
        days = [row.name for row in view.station.car.view.shown.rows if row.name[0].isdigit()]
        files.empty("27-files-empty", "exchange")
        files.transfer("28-files-transfer", days[:2], files.over)
        files.review("29-files-review")
        files.moving("30-files-moving", files.over)
        files.policy("31-files-policy")
        files.history("32-files-history")
        self.click(self.window.rail.buttons[0][1])

    def _settings(self) -> None:
        window = self.window
        rail = [button for _, button in window.rail.buttons]
        self.click(rail[-1])
        self.until("the settings", window.settings_view.isVisible)
        self._wait(0.3)
        self.shot("22-settings")
        scroll = window.settings_view.findChild(QScrollArea)
        assert isinstance(scroll, QScrollArea)
        bar = scroll.verticalScrollBar()
        if bar.maximum() > 0:
            bar.setValue(bar.maximum())
            self.shot("23-settings-end")
        self.click(rail[0])
        self.until("the Drive view", window.drive.isVisible)

    def _late(self) -> None:
        window = self.window
        car = window.demo.car
        assert car is not None
        if hasattr(signal, "SIGSTOP"):
            os.kill(car.pid, signal.SIGSTOP)
            self.until("a stale picture", lambda: window.snapshot.link is Link.STALE)
            self.until("its age", lambda: (window.snapshot.picture_age or 0.0) > 0.8)
            self.shot("24-stale")
            self._resume()
            self.until("live again", lambda: window.snapshot.link is Link.LIVE)
        car.kill()
        gone = (Link.LOST, Link.RECONNECTING)
        self.until("the loss", lambda: window.snapshot.link in gone)
        self.until("a countdown", lambda: window.snapshot.retry_in is not None)
        self.shot("25-lost")
        self.click(window.drive.stage.leave)
        self.until("no car", lambda: window.snapshot.link is Link.IDLE)

    def _resume(self) -> None:
        car = self.window.demo.car
        if car is not None and hasattr(signal, "SIGCONT"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(car.pid, signal.SIGCONT)

    def click(self, widget: QWidget) -> None:
        """Press the mouse on it."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        self._app.processEvents()

    def until(self, what: str, there: Callable[[], bool]) -> None:
        """Wait for something.

        Raises:
            TourError: it did not come.
        """
        end = time.monotonic() + PATIENCE
        while not there():
            if time.monotonic() > end:
                raise TourError(f"{what} did not come within {PATIENCE:.0f} s")
            QTest.qWait(15)

    def _wait(self, seconds: float) -> None:
        QTest.qWait(int(seconds * 1000))

    def shot(self, name: str, front: QWidget | None = None) -> None:
        """Take a picture of the window, with ``front`` where it lies over it, and check both."""
        self._wait(0.12)
        self.window.grab()  # lays out what has changed since, which the next one shows
        pixmap = self.window.grab()
        target = self.window if front is None else front
        if front is None:
            image = pixmap.toImage()
        else:
            over = front.grab()
            image = over.toImage()
            _put(pixmap, over, front, self.window)
        path = self._out / f"{self._label}-{name}.png"
        pixmap.save(str(path))
        self.found += [f"{path.name}: {one}" for one in check_window(target, image)]


def _put(onto: QPixmap, picture: QPixmap, front: QWidget, window: QWidget) -> None:
    """Show a dialog or menu over the window, as the screen does."""
    place = front.mapToGlobal(QPoint(0, 0)) - window.mapToGlobal(QPoint(0, 0))
    if isinstance(front, QDialog):
        place = QPoint(
            (onto.width() - picture.width()) // 2, (onto.height() - picture.height()) // 2
        )
    painter = QPainter(onto)
    painter.drawPixmap(place, picture)
    painter.end()


def main(arguments: list[str]) -> int:
    """Walk at both sizes in both themes; returns the exit code."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    out = Path(arguments[0]) if arguments else Path("build") / "tour"
    out.mkdir(parents=True, exist_ok=True)
    found = [line for shown in theme.THEMES.values() for line in check_theme(shown)]
    walks = [(size, shown) for size in SIZES for shown in (theme.DARK, theme.LIGHT)]
    walks.append((SMALLEST, theme.CONTRAST))
    for size, shown in walks:
        tour = Tour(out, size, shown)
        tour.walk()
        found += tour.found
    for line in found:
        sys.stdout.write(line + "\n")
    pictures = len(list(out.glob("*.png")))
    sys.stdout.write(f"{pictures} pictures in {out}, {len(found)} faults\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
