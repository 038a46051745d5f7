"""The strip below the top bar of every view while a connection is not safe."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from rcapp.views import theme
from rcapp.views.text import label

INSECURE = (
    "NOT ENCRYPTED · Anyone in this network can watch and drive this car. "
    "Start pi-agent and this app without the insecure option."
)


def insecure_banner() -> QLabel:
    """Loud on purpose, and nothing closes it."""
    made = label(INSECURE, weight=theme.SEMIBOLD, role="insecure", wrap=True)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setAccessibleName(INSECURE)
    made.hide()
    return made
