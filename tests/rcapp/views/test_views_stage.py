from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from rcapp.core.cars import Bond, CarEntry, Reach
from rcapp.core.state import Link, Snapshot
from rcapp.core.wheel import Wheel
from rcapp.views.picture import PictureView
from rcapp.views.stage import Stage
from rcapp.views.topbar import TopBar, driver_words, state_word
from rcapp.views.wheel_bar import bar_words
from tests.rcapp.views import scenes


class Cars:
    """A list of cars in a test's hands."""

    def __init__(self) -> None:
        self.listed: tuple[CarEntry, ...] = ()
        self.silence = ""

    def entries(self) -> tuple[CarEntry, ...]:
        return self.listed


@pytest.fixture
def cars() -> Cars:
    return Cars()


@pytest.fixture
def stage(qtbot: QtBot, cars: Cars) -> Stage:
    made = Stage(PictureView(), cars)
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
        "disarmed": stage.disarmed,
    }
    return [name for name, panel in named.items() if panel.isVisible()]


def test_each_state_has_its_panel(stage: Stage) -> None:
    for snap, expected in (
        (scenes.IDLE, ["welcome"]),
        (scenes.CONNECTING, ["connecting"]),
        (scenes.LIVE, []),
        (scenes.STALE, []),
        (scenes.STOPPED, ["stopped"]),
        (scenes.DISARMED, ["disarmed"]),
        (scenes.HAND_OVER["nobody"], []),
        (scenes.lost(), ["lost"]),
        (replace(scenes.lost(), link=Link.RECONNECTING, retry_in=None), ["lost"]),
        (scenes.IDLE, ["welcome"]),
    ):
        show(stage, snap)
        assert panels(stage) == expected


def test_the_welcome_offers_the_demo_car_first_then_cars_used_before(stage: Stage) -> None:
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


READY = CarEntry("Rover", "10.0.0.7:1857", "ABCDEFG", True, True, Reach.HERE, Bond.PAIRED, "driver")


def test_the_list_says_how_each_car_stands(stage: Stage, cars: Cars, qtbot: QtBot) -> None:
    cars.listed = (
        READY,
        replace(READY, name="New", remembered=False, bond=Bond.UNPAIRED, role=""),
        replace(READY, name="Away", found=False, reach=Reach.SILENT, seen=1.0),
        replace(READY, name="Odd", bond=Bond.CHANGED),
        replace(READY, name="Wrong", reach=Reach.STRANGE),
        replace(READY, name="Typed", found=False, reach=Reach.UNKNOWN, bond=Bond.UNKNOWN, role=""),
    )
    show(stage, scenes.IDLE)
    stage.welcome.cars.refresh()
    rows = stage.welcome.cars.rows
    said = [row.accessibleName() for row in rows]
    for text, part in zip(
        said,
        (
            "you may drive: Ready",
            "found in this network: Needs pairing",
            "years ago: No answer",
            "Another certificate",
            "Not this car",
            "Asking…",
        ),
        strict=True,
    ):
        assert part in text
    assert not rows[1].forget.isVisible(), "there is nothing to forget"
    with qtbot.waitSignal(stage.car_wanted) as asked:
        qtbot.mouseClick(rows[0], Qt.MouseButton.LeftButton)
    assert asked.args == [READY]
    with qtbot.waitSignal(stage.car_wanted):
        rows[1].setFocus()
        qtbot.keyClick(rows[1], Qt.Key.Key_Return)
    with qtbot.waitSignal(stage.forget_wanted) as forgotten:
        qtbot.mouseClick(rows[0].forget, Qt.MouseButton.LeftButton)
    assert forgotten.args == ["10.0.0.7:1857"]


def test_an_empty_list_says_what_can_be_done(stage: Stage, cars: Cars) -> None:
    show(stage, scenes.IDLE)
    assert stage.welcome.cars.note == "Looking for cars in this network…"
    cars.silence = "No car announces itself. Type its address."
    stage.welcome.cars.refresh()
    assert stage.welcome.cars.note == cars.silence


def test_a_long_list_scrolls_in_a_small_window(stage: Stage, cars: Cars) -> None:
    stage.resize(560, 420)
    cars.listed = tuple(replace(READY, name=f"Car {n}", address=f"c{n}:1857") for n in range(12))
    stage.welcome.cars.refresh()
    show(stage, scenes.IDLE)
    show(stage, scenes.IDLE)
    assert stage.rect().contains(stage.welcome.geometry())
    assert stage.welcome.cars.height() >= 52
    assert stage.welcome.cars.verticalScrollBar().maximum() > 0


def test_an_unpaired_car_offers_pairing(stage: Stage, qtbot: QtBot) -> None:
    unpaired = replace(scenes.CONNECTING, can_be_paired=True, error="They do not know each other.")
    show(stage, unpaired)
    assert "Not paired with 192.168.1.20:1857" in words(stage.connecting)
    with qtbot.waitSignal(stage.pair_wanted):
        qtbot.mouseClick(stage.pair, Qt.MouseButton.LeftButton)
    show(stage, scenes.CONNECTING)
    assert not stage.pair.isVisible()
    show(stage, replace(scenes.lost(), can_be_paired=True))
    assert stage.pair_again.isVisible()
    assert not stage.retry.isVisible()


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
    assert "you drive · armed · keyboard · limit 2.5 m/s" in hints(stage)
    show(stage, replace(scenes.STALE, status_age=0.8))
    said = hints(stage)
    assert "–" in said
    assert "you drive · last heard 0.8 s ago · keyboard · limit 2.5 m/s" in said
    assert not {"1.8", "Command"} & set(said)


def test_stopped_says_who_and_how_to_clear(stage: Stage, qtbot: QtBot) -> None:
    show(stage, scenes.STANDING["stopped-yours"])
    said = words(stage.stopped)
    assert "You pressed Esc." in said
    assert "The car acknowledged it after 23 ms." in said
    assert "Arming clears it." in said
    assert not stage.stopped.arm.isEnabled(), "it would be refused"
    assert stage.stopped.refusals.shown == scenes.REFUSALS
    show(stage, scenes.STOPPED)
    assert "Anna pressed STOP." in words(stage.stopped)
    with qtbot.waitSignal(stage.arm_wanted):
        qtbot.mouseClick(stage.stopped.arm, Qt.MouseButton.LeftButton)
    show(stage, scenes.STANDING["stopped-anna"])
    assert "Only Anna's laptop can clear it" in words(stage.stopped)
    assert not stage.stopped.arm.isVisible()
    show(stage, scenes.STANDING["stopped-nobody"])
    assert "Take the wheel, then arm" in words(stage.stopped)
    show(stage, scenes.STANDING["stopping"])
    assert "Telling the car" in words(stage.stopped)
    assert not stage.stopped.arm.isEnabled()


def test_disarmed_says_why_and_what_to_do(stage: Stage, qtbot: QtBot) -> None:
    show(stage, scenes.STANDING["disarmed-refused"])
    said = words(stage.disarmed)
    assert "Whose turn it is to drive has changed." in said
    for refusal in scenes.REFUSALS:
        assert {str(refusal.number), refusal.sentence, refusal.remedy} <= set(said.split("\n"))
    assert not stage.disarmed.arm.isEnabled()
    show(stage, scenes.DISARMED)
    assert "Ready." in words(stage.disarmed)
    assert not stage.disarmed.refusals.isVisible()
    with qtbot.waitSignal(stage.arm_wanted):
        qtbot.mouseClick(stage.disarmed.arm, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(stage.leave_wheel_wanted):
        qtbot.mouseClick(stage.disarmed.leave, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("name", "text", "left", "buttons"),
    [
        ("nobody", "Nobody drives", "", ("Take the wheel · T", "", "")),
        ("viewer", "Anna's laptop drives · you watch", "", ("", "", "")),
        ("watching", "Anna's laptop drives · you watch", "", ("", "Ask for the wheel · T", "")),
        (
            "watching-owner",
            "Anna's laptop drives · you watch",
            "",
            ("", "Ask for the wheel · T", "Take it by force…"),
        ),
        ("asking", "You have asked Anna's laptop for the wheel", "8 s", ("", "", "")),
        ("offered", "Anna's laptop offers you the wheel", "9 s", ("Take it · T", "", "")),
        (
            "asked",
            "Anna's laptop asks for the wheel",
            "9 s",
            ("", "Hand over · Y", "Keep it · N"),
        ),
        ("offering", "The wheel is offered to Anna's laptop", "", ("", "", "")),
    ],
)
def test_the_strip_says_who_drives_and_what_can_be_done(
    stage: Stage, name: str, text: str, left: str, buttons: tuple[str, str, str]
) -> None:
    show(stage, scenes.HAND_OVER[name])
    shown = stage.wheel_bar.words
    assert (shown.text, shown.left) == (text, left)
    assert (shown.primary, shown.secondary, shown.third) == buttons
    assert stage.wheel_bar.isVisible()
    assert stage.rect().contains(stage.wheel_bar.geometry())


def test_the_strip_leaves_who_simply_drives_alone(stage: Stage) -> None:
    show(stage, scenes.LIVE)
    assert not stage.wheel_bar.isVisible()
    assert bar_words(scenes.lost()).text == ""
    refused = replace(scenes.LIVE, reply="Not armed: 8 The battery is low.")
    assert bar_words(refused).text == refused.reply


def test_the_strip_forwards_what_is_clicked(stage: Stage, qtbot: QtBot) -> None:
    bar = stage.wheel_bar
    for name, button, signal in (
        ("nobody", bar.primary, stage.take_wanted),
        ("offered", bar.primary, stage.take_wanted),
        ("watching", bar.secondary, stage.take_wanted),
        ("watching-owner", bar.third, bar.force_wanted),
        ("asked", bar.secondary, bar.accept_wanted),
        ("asked", bar.third, bar.decline_wanted),
    ):
        show(stage, scenes.HAND_OVER[name])
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    show(stage, replace(scenes.HAND_OVER["nobody"], ordering="lease_request"))
    assert not bar.primary.isEnabled(), "it is being asked"


def test_a_long_name_leaves_room_for_what_is_said_of_it(stage: Stage) -> None:
    stage.resize(560, 420)
    show(stage, scenes.HAND_OVER["watching-long"])
    bar = stage.wheel_bar
    assert bar.words.text.endswith("… drives · you watch")
    assert stage.rect().contains(bar.geometry())
    for button in (bar.secondary, bar.third):
        assert button.width() >= button.sizeHint().width()


def test_who_watches_has_no_controls(stage: Stage) -> None:
    show(stage, replace(scenes.WATCHING, steer=0.9, throttle=0.9))
    state = stage.picture.state
    assert (state.steer, state.throttle) == (0.34, 0.42), "what the car does"
    show(stage, scenes.LIVE)
    assert "Click the picture" not in " ".join(hints(stage))


def test_a_panel_fits_a_small_window_with_long_words(stage: Stage) -> None:
    stage.resize(330, 300)
    show(stage, replace(scenes.lost(), error="What happened is a long story. " * 4))
    assert stage.rect().contains(stage.lost.geometry())


def hints(stage: Stage) -> list[str]:
    stage.picture.set_frame(scenes.flat_frame((90, 90, 90)))
    stage.picture.repaint()
    return [text.text for text in stage.picture.hud.texts]


def test_the_picture_says_when_keys_do_not_drive(stage: Stage) -> None:
    stage.show_snapshot(scenes.QUIET, note="", starting=False, has_keys=False)
    assert any("Click the picture" in text for text in hints(stage))
    stage.show_snapshot(scenes.WATCHING, note="", starting=False, has_keys=False)
    assert not any("Click the picture" in text for text in hints(stage))
    trouble = replace(scenes.LIVE, error="The camera is unplugged.")
    stage.show_snapshot(trouble, note="", starting=False, has_keys=True)
    assert "The camera is unplugged." in hints(stage)
    held = replace(scenes.LIVE, must_let_go=True, throttle=0.0)
    stage.show_snapshot(held, note="", starting=False, has_keys=True)
    assert "Let go of the throttle once to drive on" in hints(stage)
    neutral = replace(scenes.LIVE, status=replace(scenes.STATUS, stage="neutral"))
    stage.show_snapshot(neutral, note="", starting=False, has_keys=True)
    assert "Let go of the throttle once to drive on" in hints(stage)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: scenes.IDLE, "NO CAR"),
        (lambda: scenes.CONNECTING, "CONNECTING"),
        (lambda: scenes.LIVE, "ARMED"),
        (lambda: scenes.DISARMED, "DISARMED"),
        (lambda: replace(scenes.LIVE, status=replace(scenes.STATUS, stage="neutral")), "NEUTRAL"),
        (lambda: replace(scenes.LIVE, status=None), "LIVE"),
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


def test_the_top_bar_always_says_who_drives() -> None:
    assert driver_words(scenes.LIVE) == ("You drive", "keyboard", "good")
    assert driver_words(scenes.QUIET) == ("You drive", "no input", "good")
    assert driver_words(scenes.WATCHING) == ("Anna's laptop drives", "", "accent")
    assert driver_words(scenes.HAND_OVER["asking"])[1] == "you have asked"
    assert driver_words(scenes.HAND_OVER["offered"])[1] == "offered to you"
    assert driver_words(scenes.HAND_OVER["asked"]) == ("You drive", "Anna's laptop asks", "warn")
    assert driver_words(scenes.HAND_OVER["nobody"])[0] == "Nobody drives"
    assert driver_words(scenes.IDLE)[0] == "Nobody drives"
    unheard = replace(scenes.lost(), wheel=Wheel())
    assert driver_words(unheard)[0] == "Driver unknown"


@pytest.mark.parametrize("width", [1000, 1100, 1280])
def test_who_drives_is_seen_at_every_width(window: QWidget, width: int) -> None:
    bar = window.findChild(TopBar)
    window.resize(width, 700)
    for snap in (*scenes.HAND_OVER.values(), *scenes.STANDING.values()):
        bar.show_snapshot(snap)
        bar.layout().activate()
        assert bar.driver.isVisible()
        assert bar.driver.width() >= 150
        assert bar.stop.geometry().right() <= bar.width()
