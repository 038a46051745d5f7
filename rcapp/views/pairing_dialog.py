"""Pairing with a car: the code that it shows, what comes of it, and who it is then."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from rcapp.core.acquaintances import Acquaintances
from rcapp.core.pairing import Invitation, PairingFacts, PairingState, PairingTask, own_name
from rcapp.core.sentences import AddressError, parse_address
from rcapp.views import icons, theme
from rcapp.views.code_edit import CodeEdit
from rcapp.views.dialogs import AppDialog, dialog_button
from rcapp.views.text import label, set_text

LOOK = 100
"""Milliseconds between two looks at the attempt."""

WIDTH = 480
COMMAND = "pi-agent pair"
GRANTED = {
    "viewer": "This computer may watch its camera and sensors, and press STOP.",
    "driver": "This computer may drive it.",
    "owner": "This computer may drive it, take the wheel from others, and manage it.",
}


class PairingDialog(AppDialog):
    """Asks for the code that a car shows, and tries it.

    Args:
        acquaintances: where the car will be known.
        parent: the window it belongs to.
        name: of the car; empty when it is not known.
        address: ``host:port`` of the car; the person is asked for it when empty.
        car_id: full device id that the car must have; empty for any.
        called: what the car is to call this computer; empty for the computer's own name.
    """

    paired = Signal(str, object)
    """``host:port`` and the new peer."""

    connect_wanted = Signal(str, str)
    """``host:port`` and device id."""

    name_chosen = Signal(str)

    def __init__(
        self,
        acquaintances: Acquaintances,
        parent: QWidget,
        *,
        name: str = "",
        address: str = "",
        car_id: str = "",
        called: str = "",
        task: PairingTask | None = None,
    ) -> None:
        super().__init__(f"Pair with {name or address or 'a car'}", parent)
        self.setFixedWidth(WIDTH)
        self._car_name = name
        self._car_id = car_id
        self._shown = PairingFacts()
        self.task = task or PairingTask(acquaintances, lambda: None)
        self._asking = self._ask_page(address, called)
        self.done_page = self._done_page()
        self.done_page.hide()
        self.column.addWidget(self._asking)
        self.column.addWidget(self.done_page)
        self.pair = dialog_button("Pair", primary=True)
        self.pair.clicked.connect(self.try_code)
        self.cancel = dialog_button("Cancel")
        self.cancel.clicked.connect(self.reject)
        self.drive = dialog_button("Connect", primary=True)
        self.drive.clicked.connect(self._connect)
        self.add_buttons(self.cancel, self.pair, self.drive)
        self.drive.hide()
        self.pair.setDefault(True)  # the last one made is it otherwise, hidden or not
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self._changed()
        (self.code if address else self.address).setFocus()

    # What it is made of.

    def _ask_page(self, address: str, called: str) -> QWidget:
        page, column = _page()
        column.addWidget(label("On the car, run this. It shows a code of eight digits.", wrap=True))
        column.addLayout(_command_row())
        column.addSpacing(4)
        self._address_name = label("Address", size=theme.LABEL, role="secondary")
        self.address = QLineEdit(address)
        self.address.setPlaceholderText("car.local or 192.168.1.20:1857")
        self.address.setAccessibleName("Address of the car")
        self.address.textChanged.connect(self._changed)
        column.addWidget(self._address_name)
        column.addWidget(self.address)
        for part in (self._address_name, self.address):
            part.setVisible(not address)
        column.addWidget(label("Code", size=theme.LABEL, role="secondary"))
        self.code = CodeEdit()
        self.code.code_changed.connect(self._changed)
        self.code.link_pasted.connect(self._take_link)
        column.addWidget(self.code)
        self._said = label("", weight=theme.MEDIUM, wrap=True)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(4)
        column.addWidget(self._progress)
        column.addWidget(self._said)
        column.addSpacing(2)
        column.addWidget(label("The car calls this computer", size=theme.LABEL, role="secondary"))
        self.called = QLineEdit(called or own_name())
        self.called.setMaxLength(64)
        self.called.setAccessibleName("What the car calls this computer")
        self.called.textChanged.connect(self._changed)
        column.addWidget(self.called)
        return page

    def _done_page(self) -> QWidget:
        page, column = _page()
        head = QHBoxLayout()
        head.setSpacing(12)
        mark = QLabel()
        mark.setPixmap(icons.pixmap("check", theme.current().good, 28, 2.0))
        self._done_role = label("", size=theme.TITLE, weight=theme.MEDIUM, wrap=True)
        head.addWidget(mark)
        head.addWidget(self._done_role, 1)
        column.addLayout(head)
        column.addSpacing(6)
        column.addWidget(label("Its device id", size=theme.LABEL, role="secondary"))
        self._done_id = id_label()
        column.addWidget(self._done_id)
        column.addWidget(
            label(
                "The car prints the same with pi-agent id, should you wish to compare.",
                size=theme.LABEL,
                role="secondary",
                wrap=True,
            )
        )
        column.addStretch(1)
        return page

    @property
    def said(self) -> str:
        """What is said of the last code."""
        return self._said.text() if self._said.isVisibleTo(self) else ""

    # What the person does.

    def try_code(self) -> None:
        """Try what is in the field."""
        if not self.pair.isEnabled():
            return
        self._timer.start()
        self.name_chosen.emit(self.called.text().strip())
        code = self.code.invitation.code
        self.task.begin(self.address.text(), code, self.called.text().strip(), self._car_id)
        self.look()

    def _take_link(self, read: Invitation) -> None:
        """A link says where the car is, too, and who it must be."""
        self.address.setText(read.address)
        self._car_id = read.id or self._car_id
        for part in (self._address_name, self.address):
            part.show()

    def _connect(self) -> None:
        peer = self.task.facts.peer
        self.connect_wanted.emit(self._where(), peer.id if peer is not None else "")
        self.accept()

    def _where(self) -> str:
        try:
            return parse_address(self.address.text())
        except AddressError:
            return ""

    def _changed(self) -> None:
        """What is typed differs: what was said of the last code is about another one."""
        if self._shown.state is PairingState.FAILED:
            self.task.reset()
        self.look()

    def hideEvent(self, event: QHideEvent) -> None:
        """The person left: what still comes is told to nobody."""
        super().hideEvent(event)
        self._timer.stop()
        self.task.close()

    # What comes of it.

    def look(self) -> None:
        """Show where the attempt stands."""
        facts = self.task.facts
        asking = facts.state is PairingState.ASKING
        whole = self.code.invitation.whole and bool(self._where())
        named = bool(self.called.text().strip())
        self.pair.setEnabled(whole and named and not asking)
        self.pair.setText("Pairing…" if asking else "Pair")
        for field in (self.code, self.address, self.called):
            field.setReadOnly(asking)
        self._progress.setVisible(asking)
        if facts is self._shown:
            return
        self._shown = facts
        if facts.state is PairingState.DONE:
            self._show_done(facts)
            return
        failed = facts.state is PairingState.FAILED
        words = f"Asking {self._car_name or self._where()}…" if asking else facts.sentence
        set_text(self._said, words)
        self._said.setProperty("role", "bad" if failed else "secondary")
        self._said.style().unpolish(self._said)
        self._said.style().polish(self._said)
        self._said.setVisible(bool(words))
        if failed:
            self.code.setFocus()
            self.code.selectAll()
        self.adjustSize()

    def _show_done(self, facts: PairingFacts) -> None:
        peer = facts.peer
        assert peer is not None
        self._timer.stop()
        set_text(self._done_role, GRANTED.get(peer.granted.word, "It lets this computer in."))
        set_text(self._done_id, grouped_id(peer.id))
        self.setWindowTitle("Paired")
        self._title.setText(f"Paired with {peer.name}")
        self._asking.hide()
        self.done_page.show()
        self.pair.hide()
        self.cancel.setText("Close")
        self.drive.show()
        self.drive.setDefault(True)
        self.drive.setFocus()
        self.adjustSize()
        self.paired.emit(self._where(), peer)


def _page() -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    page.setObjectName("plain")
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    return page, column


def _command_row() -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    shown = label(COMMAND, size=theme.TITLE, weight=theme.SEMIBOLD, role="key")
    shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    row.addWidget(shown)
    row.addWidget(label("The code is good for 5 minutes.", size=theme.LABEL, role="secondary"))
    row.addStretch(1)
    return row


def id_label() -> QLabel:
    """A label for a device id: two lines of four groups, which can be selected."""
    made = label("", size=theme.TITLE, weight=theme.MEDIUM)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setFont(theme.code_font(theme.TITLE))
    return made


def grouped_id(car_id: str) -> str:
    """A device id in two lines, to be read out."""
    groups = car_id.split("-")
    return "\n".join("-".join(groups[start : start + 4]) for start in range(0, len(groups), 4))


def copy_text(text: str) -> None:
    """Put ``text`` on the clipboard."""
    QGuiApplication.clipboard().setText(text)
