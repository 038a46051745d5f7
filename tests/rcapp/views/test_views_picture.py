from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from rcapp.core.state import Frame, Link
from rcapp.views import theme
from rcapp.views.hud import HudPainter, HudState
from rcapp.views.picture import PictureView
from rcapp.views.tour_checks import over
from tests.rcapp.views.scenes import flat_frame

BLUE = (200, 120, 40)
LIVE = HudState(
    link=Link.LIVE,
    headline="LIVE",
    detail="frame age 31 ms · 30 fps",
    figures=(("Battery", "7.6 V"), ("Command", "11 ms")),
    speed=1.8,
    caption="driving · keyboard · limit 2.5 m/s",
    steer=0.34,
    throttle=0.42,
    car_steer=0.3,
    car_throttle=0.4,
)


@pytest.fixture
def painted() -> list[int]:
    return []


@pytest.fixture
def view(qtbot: QtBot, painted: list[int]) -> PictureView:
    made = PictureView(lambda frame: painted.append(frame.seq))
    qtbot.addWidget(made)
    made.resize(800, 480)
    made.show()
    return made


def middle(view: PictureView, x: float = 0.5, y: float = 0.35) -> QColor:
    image = view.grab().toImage()
    return image.pixelColor(int(x * image.width()), int(y * image.height()))


def test_a_frame_is_shown_in_its_colours_and_whole(view: PictureView) -> None:
    view.set_state(LIVE, stopped=False)
    view.set_frame(flat_frame(BLUE))
    assert middle(view).getRgb()[:3] == (40, 120, 200)
    # 640 x 480 in 800 x 480: bars of 80 at the sides, nothing of the picture cut off.
    assert view.picture_rect() == QRectF(80, 0, 640, 480)
    assert middle(view, x=0.05) == QColor(theme.current().picture)
    view.set_fill(True)
    assert middle(view, x=0.05).getRgb()[:3] == (40, 120, 200)


def test_each_frame_counts_as_painted_once(view: PictureView, painted: list[int]) -> None:
    view.set_state(LIVE, stopped=False)
    for seq in (1, 2, 3):
        view.set_frame(flat_frame(BLUE, seq))
        view.repaint()
        view.repaint()
    assert painted == [1, 2, 3]


def test_a_frame_that_was_overtaken_is_not_painted(
    view: PictureView, painted: list[int], qtbot: QtBot
) -> None:
    view.repaint()
    view.set_frame(flat_frame(BLUE, 1))
    view.set_frame(flat_frame(BLUE, 2))
    qtbot.waitUntil(lambda: painted != [])
    assert painted == [2]


def test_a_stale_picture_is_dimmed(view: PictureView) -> None:
    view.set_frame(flat_frame(BLUE))
    view.set_state(LIVE, stopped=False)
    before = middle(view).lightness()
    view.set_state(replace(LIVE, link=Link.STALE, headline="STALE 0.8 s"), stopped=False)
    dimmed = middle(view)
    assert dimmed.lightness() < 0.7 * before
    assert dimmed.saturation() > 40
    assert "STALE 0.8 s" in [text.text for text in view.hud.texts]
    assert "LIVE" not in [text.text for text in view.hud.texts]


@pytest.mark.parametrize("link", [Link.LOST, Link.RECONNECTING])
def test_a_lost_picture_is_grey_and_says_nothing_about_now(view: PictureView, link: Link) -> None:
    view.set_frame(flat_frame(BLUE))
    view.set_state(replace(LIVE, link=link, headline="LOST", figures=()), stopped=False)
    red, green, blue, _ = middle(view).getRgb()
    assert max(red, green, blue) - min(red, green, blue) < 8
    assert "1.8" not in [text.text for text in view.hud.texts]


def test_a_stopped_car_has_a_red_frame(view: PictureView) -> None:
    view.set_frame(flat_frame(BLUE))
    view.set_state(LIVE, stopped=True)
    image = view.grab().toImage()
    assert image.pixelColor(400, 2) == QColor(theme.current().stop)


def test_corners_are_round_and_leaving_forgets_the_picture(view: PictureView) -> None:
    view.set_state(LIVE, stopped=False)
    view.set_fill(True)
    view.set_frame(flat_frame(BLUE))
    assert view.grab().toImage().pixelColor(0, 0) == QColor(theme.current().ground)
    view.forget_frame()
    assert view.frame_shown is None
    assert middle(view, y=0.1) == QColor(theme.current().picture)


def test_the_array_outlives_the_call(view: PictureView) -> None:
    view.set_state(LIVE, stopped=False)
    frame: Frame | None = flat_frame(BLUE)
    view.set_frame(frame)
    del frame
    assert middle(view).getRgb()[:3] == (40, 120, 200)


Paint = Callable[[int, int, HudState], HudPainter]


@pytest.fixture
def paint() -> Paint:
    """Gives a function that paints figures and returns what painted them, always the same one."""
    hud = HudPainter()

    def draw(width: int, height: int, state: HudState) -> HudPainter:
        image = QImage(width, height, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        hud.paint(painter, QRectF(image.rect()), state)
        painter.end()
        return hud

    return draw


@pytest.mark.parametrize("size", [(340, 240), (560, 420), (926, 694), (1648, 1236), (900, 300)])
@pytest.mark.parametrize("hint", ["", "Click the picture to drive with the keys"])
def test_figures_never_overlap_and_stay_inside(
    size: tuple[int, int], hint: str, paint: Paint
) -> None:
    area = QRectF(0, 0, *size)
    for value in (-1.0, 0.0, 0.34, 1.0):
        state = replace(LIVE, hint=hint, steer=value, throttle=value, speed=-12.3)
        hud = paint(*size, state)
        assert len(hud.texts) >= 7
        for text in hud.texts:
            assert area.contains(text.rect), text
        for one, other in combinations(hud.texts, 2):
            assert not one.rect.intersects(other.rect), (one, other)


def test_figures_can_be_read_on_a_white_picture(paint: Paint) -> None:
    for link in Link:
        for text in paint(926, 694, replace(LIVE, link=link, hint="a hint")).texts:
            behind = over(text.behind, QColor("white"))
            assert theme.contrast(text.colour, behind) >= 4.5, text


def test_a_second_painting_draws_nothing_anew(paint: Paint) -> None:
    """Outlines are drawn once: drawing them for every frame took a third of a core."""
    kept = paint(926, 694, LIVE).sprites.made
    for _ in range(20):
        assert paint(926, 694, LIVE).sprites.made == kept
