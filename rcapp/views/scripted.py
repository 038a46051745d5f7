"""Driving without a screen: the real window, driven by a script through real key events."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QPixmap

from rcapp.core.demo_drive import DemoRun
from rcapp.core.options import Options
from rcapp.core.settings import Settings
from rcapp.views.main_window import MainWindow

log = logging.getLogger("rcapp.views")

PERIOD = 30
SIZE = (1440, 900)
KEYS = {
    "left": Qt.Key.Key_Left,
    "right": Qt.Key.Key_Right,
    "up": Qt.Key.Key_Up,
    "down": Qt.Key.Key_Down,
    "wheel": Qt.Key.Key_T,
    "arm": Qt.Key.Key_Return,
}


def send_key(window: MainWindow, key: Qt.Key, kind: QEvent.Type, *, repeat: bool = False) -> None:
    """Give the window's platform window a key event, as the display server would."""
    handle = window.windowHandle()
    event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, "", repeat)
    QCoreApplication.sendEvent(handle, event)


def run_scripted(options: Options) -> int:
    """Drive for ``options.scripted_seconds``; leave pictures and a report.

    The car is that of ``options.connect``, or a demo car.
    """
    from rcapp.views.app import make_app

    app = make_app("dark")
    window = MainWindow(Settings(), insecure=options.insecure)
    window.resize(*SIZE)
    window.show()
    window.activateWindow()
    if options.connect:
        window.connect_to(options.connect)
    else:
        window.start_demo()
    # Written to disk only after the drive: packing a picture would hold up the keys.
    pictures: list[tuple[Path, QPixmap]] = []
    run = DemoRun(
        window.session,
        window.demo.car,
        lambda name: send_key(window, KEYS[name], QEvent.Type.KeyPress),
        lambda name: send_key(window, KEYS[name], QEvent.Type.KeyRelease),
        seconds=options.scripted_seconds or 20.0,
        output=options.output,
        save_picture=lambda path: pictures.append((path, window.grab())),
        started=options.started,
    )
    result: list[int] = []

    def beat() -> None:
        if result or not run.tick():
            return
        for path, picture in pictures:
            picture.save(str(path))
        code, sentence = run.finish()
        result.append(code)
        sys.stdout.write(sentence + "\n")
        window.close()
        app.exit(code)

    timer = QTimer(window)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(beat)
    timer.start(PERIOD)
    app.exec()
    window.close()
    return result[0] if result else 1
