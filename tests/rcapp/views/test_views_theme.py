from __future__ import annotations

import gc
import re
import sys

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFontInfo, QFontMetricsF

from rcapp.views import assets, icons, theme, words
from rcapp.views.stylesheet import stylesheet

THEMES = list(theme.THEMES.values())


@pytest.mark.parametrize("shown", THEMES, ids=lambda t: t.name)
def test_text_can_be_read_in_every_theme(shown: theme.Theme) -> None:
    weak = [
        (what, round(theme.contrast(ink, surface), 2))
        for what, ink, surface in theme.text_pairs(shown)
        if theme.contrast(ink, surface) < 4.5
    ]
    assert not weak


@pytest.mark.parametrize("shown", THEMES, ids=lambda t: t.name)
def test_the_style_sheet_has_no_hole(shown: theme.Theme) -> None:
    sheet = stylesheet(shown)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_the_bundled_typeface_is_used_and_its_figures_are_equally_wide() -> None:
    made = theme.font(theme.SPEED, theme.BOLD)
    assert QFontInfo(made).family() == "Inter"
    metrics = QFontMetricsF(made)
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("0000")
    assert "SIL OPEN FONT LICENSE" in assets.font_licence().upper()


def test_an_unknown_theme_is_dark_and_system_is_one_of_two() -> None:
    assert theme.theme_named("nonsense") is theme.DARK
    assert theme.theme_named("system") in (theme.DARK, theme.LIGHT)


def test_every_icon_is_drawn_in_the_colour_asked_for() -> None:
    for path in (assets.assets_dir() / "icons").glob("*.svg"):
        if path.stem == "app":
            continue
        image = icons.pixmap(path.stem, "#ff0000", 32).toImage()
        painted = [
            image.pixelColor(x, y) for x in range(32) for y in range(32) if image.pixel(x, y) >> 24
        ]
        assert painted, path.stem
        assert all(c.green() == c.blue() == 0 for c in painted if c.alpha() > 200), path.stem


def test_words() -> None:
    assert words.milliseconds(0.0314) == "31 ms"
    assert words.milliseconds(0.0002) == "<1 ms"
    assert words.milliseconds(1.26) == "1.3 s"
    assert words.milliseconds(None) == "–"
    assert words.old(0.83) == "0.8 s"
    assert words.duration(185) == "3 min 05 s"
    assert words.duration(7800) == "2 h 10 min"
    assert words.signed(0.341) == "+0.34"
    assert words.signed(-0.001) == "0.00"
    assert words.figure(-0.04, 1) == "0.0"
    assert re.fullmatch(r"\d\d:\d\d:\d\d", words.clock(0.0))


class Sender(QObject):
    sent = Signal()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="True and None live for ever there")
def test_emitting_signals_does_not_use_up_true() -> None:
    """PySide6 6.12.0 dropped a reference to True at each emit and ended Python 3.11."""
    sender = Sender()
    seen: list[int] = []
    sender.sent.connect(lambda: seen.append(1))
    gc.collect()
    before = sys.getrefcount(True), sys.getrefcount(None)
    for _ in range(5000):
        sender.sent.emit()
    after = sys.getrefcount(True), sys.getrefcount(None)
    assert len(seen) == 5000
    assert after[0] >= before[0] - 50
    assert after[1] >= before[1] - 50
