"""The dialog that asks which car: those in the network, those used before, or an address."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from rcapp.core.cars import CarEntry
from rcapp.views import icons, theme
from rcapp.views.car_list import CarList
from rcapp.views.dialogs import AppDialog, dialog_button
from rcapp.views.text import label

MOST_LIST = 280


class ConnectDialog(AppDialog):
    """Shows the list of cars and takes an address.

    Args:
        entries, silence: see :class:`~rcapp.views.car_list.CarList`.
        parent: the window it belongs to.
    """

    connect_wanted = Signal(str)
    car_wanted = Signal(object)
    forget_wanted = Signal(str)
    demo_wanted = Signal()

    def __init__(
        self,
        entries: Callable[[], tuple[CarEntry, ...]],
        silence: Callable[[], str],
        parent: QWidget,
    ) -> None:
        super().__init__("Connect to a car", parent)
        self.setFixedWidth(520)
        self.cars = CarList(entries, silence)
        self.cars.chosen.connect(self._chosen)
        self.cars.forgotten.connect(self.forget_wanted)
        self.cars.resized.connect(self._fit_list)
        self.column.addWidget(self.cars)
        self.column.addWidget(
            label("Address of a car", size=theme.LABEL, weight=theme.MEDIUM, role="secondary")
        )
        self.address = QLineEdit()
        self.address.setPlaceholderText("car.local or 192.168.1.20:1857")
        self.address.setAccessibleName("Address of the car")
        self.address.textChanged.connect(self._changed)
        self.column.addWidget(self.address)
        self.column.addWidget(
            label(
                "A name or number of the car's computer. The port is 1857 unless you add another.",
                size=theme.LABEL,
                role="secondary",
                wrap=True,
            )
        )
        self.ok = dialog_button("Connect", primary=True)
        self.ok.clicked.connect(self._accepted)
        demo = dialog_button("Demo car")
        demo.setIcon(icons.icon("car"))
        demo.clicked.connect(self._demo)
        cancel = dialog_button("Cancel")
        cancel.clicked.connect(self.reject)
        self.add_buttons(demo, cancel, self.ok)
        self._fit_list()
        self._changed()
        self.address.setFocus()

    def _fit_list(self) -> None:
        inner = self.width() - 56
        self.cars.setFixedHeight(min(MOST_LIST, max(24, self.cars.wanted_height(inner))))
        self.adjustSize()

    def _changed(self) -> None:
        self.ok.setEnabled(bool(self.address.text().strip()))

    def _chosen(self, entry: CarEntry) -> None:
        self.accept()
        self.car_wanted.emit(entry)

    def _accepted(self) -> None:
        self.connect_wanted.emit(self.address.text().strip())
        self.accept()

    def _demo(self) -> None:
        self.demo_wanted.emit()
        self.accept()
