"""What lies over the picture when there is something to say or to choose."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from rcapp.core.cars import CarEntry
from rcapp.views import icons, theme
from rcapp.views.car_list import ROW, CarList
from rcapp.views.text import label, rule, set_text


class CarSource(Protocol):
    """What gives the list of cars, as :class:`rcapp.core.car_finder.CarFinder` does."""

    def entries(self) -> tuple[CarEntry, ...]:
        """The cars as they stand now."""

    @property
    def silence(self) -> str:
        """Why there are none, or too few, as far as that can be known."""


class PanelButton(QPushButton):
    """A button over the picture: Return presses it, because Space means STOP there."""

    def __init__(self, text: str, *, primary: bool = False, icon: str = "") -> None:
        super().__init__(text)
        self._icon_name = icon
        self._primary = primary
        self.setFont(theme.font(theme.BODY, theme.SEMIBOLD))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(18, 18))
        if primary:
            self.setProperty("kind", "primary")
        self._tint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press on Return as well."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _tint(self) -> None:
        if self._icon_name:
            colours = theme.current()
            ink = colours.on_action if self._primary else colours.secondary
            self.setIcon(icons.icon(self._icon_name, ink))

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icon anew when the theme changes."""
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_icon_name"):
            self._tint()
        super().changeEvent(event)


class MessagePanel(QFrame):
    """A title, sentences, and buttons in a row.

    Args:
        title: the first line.
        kind: ``"true"`` for an ordinary panel, ``"stop"`` for the red one.
        role: colour of the title.

    Attributes:
        lines: the sentences below the title.
    """

    WIDTH = 440

    def __init__(self, title: str, *, kind: str = "true", role: str = "") -> None:
        super().__init__()
        self.setProperty("panel", kind)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(self.WIDTH)
        self._title = label(title, size=20, weight=theme.BOLD, role=role, wrap=True)
        self.lines: list[QLabel] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(24, 20, 24, 22)
        self._layout.setSpacing(8)
        self._layout.addWidget(self._title)
        self._layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetMinimumSize)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return belongs to the field or button that has it: below a panel it would arm the car."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    def add_line(self, text: str = "", *, role: str = "", strong: bool = False) -> QLabel:
        """A sentence below the others."""
        made = label(
            text,
            size=theme.BODY,
            weight=theme.MEDIUM if strong else theme.REGULAR,
            role=role,
            wrap=True,
        )
        self.lines.append(made)
        self._layout.addWidget(made)
        return made

    def add_buttons(self, *buttons: QPushButton) -> None:
        """Buttons in a row, the first at the left."""
        row = QHBoxLayout()
        row.setSpacing(10)
        row.setContentsMargins(0, 10, 0, 0)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        self._layout.addLayout(row)

    def say(self, title: str, *lines: str) -> None:
        """Change the words; an empty line takes no room."""
        set_text(self._title, title)
        for shown, text in zip(self.lines, lines, strict=True):
            set_text(shown, text)
            shown.setVisible(bool(text))

    def fit(self, width: int, height: int) -> None:
        """Take the size that the words need, inside ``width`` x ``height``."""
        wanted = min(self.WIDTH, width - 32)
        self.setFixedWidth(wanted)
        self._layout.activate()  # or the height before would be the least
        self.resize(wanted, min(self._layout.totalHeightForWidth(wanted), height - 16))


class WelcomePanel(MessagePanel):
    """No car yet: the demo car first, then the list of cars, then an address.

    Args:
        cars: gives the list.
    """

    WIDTH = 520

    demo_wanted = Signal()
    connect_wanted = Signal(str)
    car_wanted = Signal(object)
    forget_wanted = Signal(str)

    def __init__(self, cars: CarSource) -> None:
        super().__init__("Drive a car")
        self._error = self.add_line(role="bad", strong=True)
        self._error.hide()
        self.demo = PanelButton("Demo car", primary=True, icon="car")
        self.demo.setProperty("large", True)
        self.demo.clicked.connect(self.demo_wanted)
        self._layout.addSpacing(4)
        self._layout.addWidget(self.demo)
        self._layout.addWidget(
            label(
                "A simulated car on this computer. It needs nothing else.",
                size=theme.LABEL,
                role="secondary",
                wrap=True,
            )
        )
        self._layout.addSpacing(4)
        self._layout.addWidget(rule())
        self.cars = CarList(cars.entries, lambda: cars.silence)
        self.cars.setFixedHeight(ROW)
        self.cars.chosen.connect(self.car_wanted)
        self.cars.forgotten.connect(self.forget_wanted)
        self._layout.addWidget(self.cars)
        self._layout.addWidget(label("Address of a car", size=theme.LABEL, role="secondary"))
        self._layout.addLayout(self._address_row())

    def _address_row(self) -> QHBoxLayout:
        self.address = QLineEdit()
        self.address.setPlaceholderText("car.local or 192.168.1.20:1857")
        self.address.setAccessibleName("Address of a car")
        self.address.returnPressed.connect(self._address_entered)
        self.connect_button = PanelButton("Connect", icon="link")
        self.connect_button.clicked.connect(self._address_entered)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.address, 1)
        row.addWidget(self.connect_button)
        return row

    def show_state(self, error: str, *, starting: bool) -> None:
        """Say why the last try failed, and whether the demo car is on its way."""
        set_text(self._error, error)
        self._error.setVisible(bool(error))
        self.demo.setEnabled(not starting)
        self.demo.setText("Starting the demo car…" if starting else "Demo car")

    def fit(self, width: int, height: int) -> None:
        """Take the room there is; a long list of cars scrolls."""
        wanted = min(self.WIDTH, width - 32)
        inner = wanted - 48
        listed = self.cars.wanted_height(inner)
        others = self._layout.totalHeightForWidth(wanted) - self.cars.minimumHeight()
        room = height - 16 - others
        self.cars.setFixedHeight(min(listed, max(room, min(listed, ROW))))
        super().fit(width, height)

    def _address_entered(self) -> None:
        text = self.address.text().strip()
        if text:
            self.connect_wanted.emit(text)
        else:
            self.address.setFocus()
