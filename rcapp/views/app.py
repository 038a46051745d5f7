"""Starts the window and leaves with its exit code."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

import platformdirs
from PySide6.QtCore import QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from rcapp.core import settings as settings_file
from rcapp.core.options import Options
from rcapp.views import icons, theme
from rcapp.views.assets import load_fonts
from rcapp.views.main_window import MainWindow

log = logging.getLogger("rcapp.views")
qt_log = logging.getLogger("rcapp.qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def _log_qt(kind: QtMsgType, _context: object, message: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", message)


def make_app(theme_name: str) -> QApplication:
    """The QApplication in the app's look; one that exists already is dressed anew."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication([sys.argv[0]])
    app.setApplicationName("rcapp")
    app.setApplicationDisplayName("rcapp")
    app.setDesktopFileName("rcapp")
    app.setStyle("Fusion")
    app.setWindowIcon(icons.app_icon())
    load_fonts()
    theme.apply(app, theme.theme_named(theme_name))
    return app


def layout_path() -> Path:
    """Where window and panels are remembered."""
    return Path(platformdirs.user_state_dir("rcapp", appauthor=False)) / "window.ini"


def run(options: Options) -> int:
    """Show the app until the person leaves it; returns the exit code."""
    if options.scripted_seconds is not None:
        from rcapp.views.scripted import run_scripted

        return run_scripted(options)
    qInstallMessageHandler(_log_qt)
    path = options.config or settings_file.default_path()
    settings, note = settings_file.load(path)
    app = make_app(settings.theme)
    window = MainWindow(
        settings,
        settings_path=path,
        layout_path=layout_path(),
        note=" ".join(part for part in (options.crash_note, note) if part),
        insecure=options.insecure,
    )
    window.show()
    if options.connect:
        window.connect_to(options.connect)
    elif options.demo:
        window.start_demo()
    elif settings.connect_at_start and settings.cars:
        window.garage.choose_known(settings.cars[0])
    # Ctrl-C in the terminal closes the window as its cross does; the window's timer gives
    # Python its turn to notice.
    signal.signal(signal.SIGINT, lambda *_: QTimer.singleShot(0, window.close))
    signal.signal(signal.SIGTERM, lambda *_: QTimer.singleShot(0, window.close))
    code = app.exec()
    window.close()
    return code
