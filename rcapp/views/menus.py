"""The menu bar and the menu of cars, from the shared actions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar

from rcapp.views import icons
from rcapp.views.actions import Actions


def fill_menu_bar(bar: QMenuBar, actions: Actions) -> None:
    """File, View, Car, Help."""
    _add(
        bar, "&File", actions.demo, actions.connect_car, actions.disconnect_car, None, actions.quit
    )
    view = _add(bar, "&View", actions.drive_view, actions.settings_view, None)
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
    _add(bar, "&Car", actions.stop, actions.clear_stop)
    _add(bar, "&Help", actions.keys, None, actions.about)


def _add(bar: QMenuBar, title: str, *actions: QAction | None) -> QMenu:
    menu = bar.addMenu(title)
    for action in actions:
        if action is None:
            menu.addSeparator()
        else:
            menu.addAction(action)
    return menu


class CarsMenu(QMenu):
    """Demo car, cars used before, connect, disconnect.

    Args:
        actions: the shared actions.
        recent: gives the addresses of cars used before, newest first.
        chosen: called with the address the person chose.
    """

    def __init__(
        self,
        actions: Actions,
        recent: Callable[[], tuple[str, ...]],
        chosen: Callable[[str], None],
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
        addresses = self._recent()
        for address in addresses[:6]:
            action = self.addAction(icons.icon("history"), address)
            action.triggered.connect(lambda _checked=False, at=address: self._chosen(at))
        if addresses:
            self.addSeparator()
        self.addAction(self._actions.connect_car)
        self.addAction(self._actions.disconnect_car)
