"""The menu bar and the menu of cars, from the shared actions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from rcapp.core.cars import KnownCar
from rcapp.views import icons
from rcapp.views.actions import Actions


def fill_menu_bar(bar: QMenuBar, actions: Actions) -> None:
    """File, View, Car, Help."""
    _add(
        bar,
        "&File",
        actions.demo,
        actions.connect_car,
        actions.pair,
        actions.disconnect_car,
        None,
        actions.quit,
    )
    view = _add(bar, "&View", actions.drive_view, actions.files_view, actions.settings_view, None)
    themes = view.addMenu("&Colours")
    for action in actions.themes.values():
        themes.addAction(action)
    panels = view.addMenu("&Panels")
    panels.addAction(actions.show_sensors)
    panels.addAction(actions.show_events)
    view.addAction(actions.fill_picture)
    view.addAction(actions.pause_plots)
    view.addSeparator()
    view.addAction(actions.full_screen)
    view.addAction(actions.reset_layout)
    _add(
        bar,
        "&Car",
        actions.stop,
        None,
        actions.arm,
        actions.disarm,
        None,
        actions.take_wheel,
        actions.leave_wheel,
        actions.force_wheel,
    )
    _add(bar, "&Help", actions.keys, None, actions.about)


def _add(bar: QMenuBar, title: str, *actions: QAction | None) -> QMenu:
    menu = bar.addMenu(title)
    for action in actions:
        if action is None:
            menu.addSeparator()
        else:
            menu.addAction(action)
    return menu


def wheel_menu(actions: Actions) -> QMenu:
    """What the driver chip opens."""
    menu = QMenu("Wheel")
    for action in (actions.take_wheel, actions.leave_wheel, actions.force_wheel):
        menu.addAction(action)
    menu.addSeparator()
    menu.addAction(actions.arm)
    menu.addAction(actions.disarm)
    return menu


class CarsMenu(QMenu):
    """Demo car, cars used before, connect, pair, disconnect.

    Args:
        actions: the shared actions.
        recent: gives the cars used before, newest first.
        chosen: called with the car the person chose.
    """

    def __init__(
        self,
        actions: Actions,
        recent: Callable[[], tuple[KnownCar, ...]],
        chosen: Callable[[KnownCar], None],
    ) -> None:
        super().__init__("Cars")
        self._actions = actions
        self._recent = recent
        self._chosen = chosen
        self.aboutToShow.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        self.addAction(self._actions.demo)
        self.addSeparator()
        cars = self._recent()
        for car in cars[:6]:
            text = f"{car.name} · {car.address}" if car.name else car.address
            action = self.addAction(icons.icon("history"), text.replace("&", "&&"))
            action.triggered.connect(lambda _checked=False, one=car: self._chosen(one))
        if cars:
            self.addSeparator()
        self.addAction(self._actions.connect_car)
        self.addAction(self._actions.pair)
        self.addAction(self._actions.disconnect_car)
