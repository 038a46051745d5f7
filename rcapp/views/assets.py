"""Where fonts and icons are, and how they are loaded."""

from __future__ import annotations

import functools
import logging
import sys
from pathlib import Path

from PySide6.QtGui import QFontDatabase

log = logging.getLogger("rcapp.views")

FONT_WEIGHTS = ("Regular", "Medium", "SemiBold", "Bold")


@functools.cache
def assets_dir() -> Path:
    """The folder with ``fonts`` and ``icons``.

    It lies beside the package in a checkout (and an editable installation), and under
    ``share/pynet-rc`` of the environment where the built distribution is installed.

    Raises:
        FileNotFoundError: neither place has it; the installation is damaged.
    """
    beside = Path(__file__).resolve().parents[2] / "assets"
    installed = Path(sys.prefix) / "share" / "pynet-rc" / "assets"
    for place in (beside, installed):
        if (place / "icons").is_dir():
            return place
    raise FileNotFoundError(
        f"The app's icons and fonts are missing: neither {beside} nor {installed} exists. "
        "Install the app again."
    )


def load_fonts() -> None:
    """Make the bundled typeface known to Qt; the system's own is used where that fails."""
    for weight in FONT_WEIGHTS:
        path = assets_dir() / "fonts" / f"Inter-{weight}.otf"
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            log.warning("The font %s could not be loaded; a font of the system is used.", path)


def font_licence() -> str:
    """The text of the licence that the bundled typeface is under."""
    return (assets_dir() / "fonts" / "OFL.txt").read_text(encoding="utf-8")
