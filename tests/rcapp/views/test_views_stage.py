from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from rcapp.core.state import Link, Snapshot
from rcapp.views.picture import PictureView
from rcapp.views.stage import Stage, stop_words
from rcapp.views.topbar import TopBar, state_word
from tests.rcapp.views import scenes


@pytest.fixture
def stage(qtbot: QtBot) -> Stage:
    made = Stage(PictureView(), "rcapp")
    qtbot.addWidget(made)
    made.resize(660, 500)
    made.show()
    return made


def show(stage: Stage, snap: Snapshot, *, note: str = "", starting: bool = False) -> None:
    stage.show_snapshot(snap, note=note, starting=starting, has_keys=True)


def words(panel: QWidget) -> str:
    return "\n".join(x.text() for x in panel.findChildren(QLabel) if not x.isHidden())


def panels(stage: Stage) -> list[str]:
    named = {
        "welcome": stage.welcome,
        "connecting": stage.connecting,
        "lost": stage.lost,
        "stopped": stage.stopped,
    }
    return [name for name, panel in named.items() if panel.isVisible()]


def test_each_state_has_its_panel(stage: Stage) -> None:
    for snap, expected in (
        (scenes.IDLE, ["welcome"]),
        (scenes.CONNECTING, ["connecting"]),
        (scenes.LIVE, []),
        (scenes.STALE, []),
        (scenes.STOPPED, ["stopped"]),
        (scenes.lost(), ["lost"]),
        (replace(scenes.lost(), link=Link.RECONNECTING, retry_in=None), ["lost"]),
        (scenes.IDLE, ["welcome"]),
    ):
        show(stage, snap)
        assert panels(stage) == expected


def test_the_welcome_offers_the_demo_car_first_then_cars_used_before(stage: Stage) -> None:
    stage.welcome.show_recent(("car.local:1857", "10.0.0.7:1857"))
    show(stage, scenes.IDLE, note="The simulated car did not start.")
    assert "The simulated car did not start." in words(stage.welcome)
    assert stage.welcome.demo.isEnabled()
    show(stage, scenes.IDLE, starting=True)
    assert not stage.welcome.demo.isEnabled()
    assert "Starting" in stage.welcome.demo.text()


def test_the_welcome_connects(stage: Stage, qtbot: QtBot) -> None:
    show(stage, scenes.IDLE)
    with qtbot.waitSignal(stage.connect_wanted) as asked:
        qtbot.keyClicks(stage.welcome.address, " car.local ")
        qtbot.keyClick(stage.welcome.address, Qt.Key.Key_Return)
    assert asked.args == ["car.local"]
    with qtbot.waitSignal(stage.demo_wanted):
        qtbot.mouseClick(stage.welcome.demo, Qt.MouseButton.LeftButton)


def test_a_recent_car_is_one_click_away(stage: Stage, qtbot: QtBot) -> None:
    stage.welcome.show_recent(("car.local:1857",))
    show(stage, scenes.IDLE)
    button = next(
        b for b in stage.welcome.findChildren(type(stage.cancel)) if b.text() == "car.local:1857"
    )
    with qtbot.waitSignal(stage.connect_wanted) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == ["car.local:1857"]


def test_connecting_says_why_it_takes_long_and_when_it_tries_again(stage: Stage) -> None:
    show(stage, scenes.CONNECTING)
    said = words(stage.connecting)
    assert "192.168.1.20:1857" in said
    assert "Check that the car is on" in said
    assert "Next try in 2 s." in said


def test_lost_says_what_happened_when_what_the_car_does_and_when_it_tries(stage: Stage) -> None:
    show(stage, scenes.lost(5.0))
    said = words(stage.lost)
    assert "Lost the link to Rover-1" in said
    assert "broke off" in said
    assert "5 s ago" in said, "when it was heard, not when that was noticed"
    assert "neutral 250 ms after the last command" in said
    assert "Next try in 2 s." in said
    show(stage, replace(scenes.lost(), stop_pressed=True))
    assert "STOP reaches it" in words(stage.lost)


def test_an_old_status_does_not_say_what_the_car_does_now(stage: Stage) -> None:
    show(stage, scenes.STALE)
    assert "driving · keyboard · limit 2.5 m/s" in hints(stage)
    show(stage, replace(scenes.STALE, status_age=0.8))
    said = hints(stage)
    assert "–" in said
    assert "last heard 0.8 s ago · keyboard · limit 2.5 m/s" in said
    assert not {"1.8", "Command"} & set(said)


def test_stopped_says_who_and_how_to_clear(stage: Stage, qtbot: QtBot) -> None:
    show(stage, scenes.STOPPED)
    assert "You pressed Esc" in words(stage.stopped)
    assert "then clear it" in words(stage.stopped)
    with qtbot.waitSignal(stage.clear_wanted):
        qtbot.mouseClick(stage.clear, Qt.MouseButton.LeftButton)
    other = stop_words("Space", "laptop-2")
    show(stage, replace(scenes.STOPPED, stop_reason=other))
    assert "laptop-2 pressed Space" in words(stage.stopped)
    show(stage, replace(scenes.LIVE, stop_pressed=True, stop_reason=""))
    assert "Telling the car" in words(stage.stopped)
    assert not stage.clear.isEnabled()


def test_a_panel_fits_a_small_window_with_long_words(stage: Stage) -> None:
    stage.resize(330, 300)
    show(stage, replace(scenes.lost(), error="What happened is a long story. " * 4))
    assert stage.rect().contains(stage.lost.geometry())


def hints(stage: Stage) -> list[str]:
    stage.picture.set_frame(scenes.flat_frame((90, 90, 90)))
    stage.picture.repaint()
    return [text.text for text in stage.picture.hud.texts]


def test_the_picture_says_when_keys_do_not_drive_or_another_does(stage: Stage) -> None:
    stage.show_snapshot(scenes.QUIET, note="", starting=False, has_keys=False)
    assert any("Click the picture" in text for text in hints(stage))
    other = replace(scenes.STATUS, driver="laptop-2")
    stage.show_snapshot(replace(scenes.QUIET, status=other), note="", starting=False, has_keys=True)
    assert "laptop-2 drives" in hints(stage)
    trouble = replace(scenes.LIVE, error="Somebody else drives.")
    stage.show_snapshot(trouble, note="", starting=False, has_keys=True)
    assert "Somebody else drives." in hints(stage)
    held = replace(scenes.LIVE, must_let_go=True, throttle=0.0)
    stage.show_snapshot(held, note="", starting=False, has_keys=True)
    assert "Let go of the throttle once to drive on" in hints(stage)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: scenes.IDLE, "NO CAR"),
        (lambda: scenes.CONNECTING, "CONNECTING"),
        (lambda: scenes.LIVE, "LIVE"),
        (lambda: scenes.STALE, "STALE 0.8 s"),
        (lambda: scenes.STOPPED, "STOPPED"),
        (scenes.lost, "LOST"),
        (lambda: replace(scenes.lost(), link=Link.RECONNECTING), "RECONNECTING"),
        (lambda: replace(scenes.lost(), stop_pressed=True), "STOPPED"),
    ],
)
def test_the_top_bar_names_the_state(
    make: Callable[[], Snapshot], word: str, window: QWidget
) -> None:
    snap = make()
    assert state_word(snap)[0] == word
    bar = window.findChild(TopBar)
    bar.show_snapshot(snap)
    assert bar.state.word == word
    assert bar.stop.isVisible()
    assert bar.stop.isEnabled()


def test_the_top_bar_shows_figures_only_while_they_are_true(window: QWidget) -> None:
    bar = window.findChild(TopBar)
    bar.show_snapshot(scenes.LIVE)
    shown = (bar.age.value, bar.command.value, bar.rate.value, bar.battery.value)
    assert shown == ("21 ms", "11 ms", "30 fps", "7.6 V")
    bar.show_snapshot(replace(scenes.STALE, status_age=0.8))
    assert (bar.command.value, bar.battery.value) == ("–", "–")
    bar.show_snapshot(scenes.lost())
    assert bar.age.value == "5.0 s"
    assert bar.command.value == "–"
