"""Settings: who this computer is, and the machines that it knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from rcapp.core.acquaintances import Acquaintances
from rcapp.core.pairing import own_name
from rcapp.views import theme
from rcapp.views.car_list import ROLE_WORDS
from rcapp.views.pairing_dialog import copy_text, grouped_id, id_label
from rcapp.views.text import ElidedLabel, label, set_text
from rcapp.views.words import ago

if TYPE_CHECKING:
    from pynet.trust.peers import Peer

SAID = 1500
"""Milliseconds for which a button says that it has done something."""

SURE = 4000
"""Milliseconds in which a second click confirms the first."""


def small_button(text: str) -> QPushButton:
    """A button in a line of settings."""
    made = QPushButton(text)
    made.setFont(theme.font(theme.BODY, theme.MEDIUM))
    made.setAutoDefault(False)
    return made


class OwnIdentity(QWidget):
    """The device id of this computer, to be read out or copied, and what cars call it."""

    name_chosen = Signal(str)

    def __init__(self, acquaintances: Acquaintances) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._acquaintances = acquaintances
        self.id = id_label()
        self.copy = small_button("Copy")
        self.copy.setAccessibleName("Copy the device id of this computer")
        self.copy.clicked.connect(self._copy)
        self.trouble = label("", role="bad", wrap=True)
        self.name = QLineEdit()
        self.name.setMaxLength(64)
        self.name.setPlaceholderText(own_name())
        self.name.setAccessibleName("What cars call this computer")
        self.name.editingFinished.connect(self._named)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.id)
        line.addWidget(self.copy)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.trouble)
        column.addWidget(
            label(
                "Nobody else can have this id. An owner may put it into a car's file to let this "
                "computer in without a code.",
                size=theme.LABEL,
                role="secondary",
                wrap=True,
            )
        )
        self.refresh()

    def refresh(self) -> None:
        """Show it as soon as it has been read."""
        own = self._acquaintances.own_id
        set_text(self.id, grouped_id(own) if own else "–")
        self.copy.setEnabled(bool(own))
        set_text(self.trouble, self._acquaintances.error)
        self.trouble.setVisible(bool(self._acquaintances.error))

    def show_name(self, name: str) -> None:
        """Show what cars call this computer; empty for its own name."""
        if not self.name.hasFocus():
            self.name.setText(name)

    def _named(self) -> None:
        self.name_chosen.emit(self.name.text().strip())

    def _copy(self) -> None:
        copy_text(self._acquaintances.own_id)
        self.copy.setText("Copied")
        QTimer.singleShot(SAID, self.copy, lambda: self.copy.setText("Copy"))


class PeerRow(QWidget):
    """One machine: its name, which can be changed, what it is, and a button that forgets it."""

    renamed = Signal(object, str)
    forgotten = Signal(object)

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self.setObjectName("plain")
        self.peer = peer
        self._shown = ElidedLabel(peer.name, size=theme.TITLE, weight=theme.SEMIBOLD)
        self.edit = QLineEdit(peer.name)
        self.edit.setMaxLength(64)
        self.edit.setAccessibleName(f"New name of {peer.name}")
        self.edit.returnPressed.connect(self._save)
        self.edit.hide()
        self._what = ElidedLabel(particulars(peer, time.time()), size=theme.LABEL, role="secondary")
        self.rename = small_button("Rename")
        self.rename.setAccessibleName(f"Rename {peer.name}")
        self.rename.clicked.connect(self._rename)
        self.forget = small_button("Revoke")
        self.forget.setAccessibleName(f"Revoke {peer.name}")
        self.forget.setToolTip("This computer knows it no longer; its connections end at once.")
        self.forget.clicked.connect(self._forget)
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(SURE)
        self._sure.timeout.connect(lambda: self.forget.setText("Revoke"))
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._shown)
        words.addWidget(self.edit)
        words.addWidget(self._what)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addLayout(words, 1)
        row.addWidget(self.rename)
        row.addWidget(self.forget)

    def _rename(self) -> None:
        if self.edit.isHidden():
            self._shown.hide()
            self.edit.show()
            self.edit.selectAll()
            self.edit.setFocus()
            self.rename.setText("Save")
        else:
            self._save()

    def _save(self) -> None:
        name = self.edit.text().strip()
        self.edit.hide()
        self._shown.show()
        self.rename.setText("Rename")
        if name and name != self.peer.name:
            self._shown.setText(name)
            self.renamed.emit(self.peer, name)

    def _forget(self) -> None:
        """The second click within a few seconds does it: there is no way back but pairing."""
        if self._sure.isActive():
            self.forgotten.emit(self.peer)
        else:
            self.forget.setText("Really revoke?")
            self._sure.start()


class PeerList(QWidget):
    """The machines that this computer knows."""

    renamed = Signal(object, str)
    forgotten = Signal(object)
    pair_wanted = Signal()

    def __init__(self, acquaintances: Acquaintances) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._acquaintances = acquaintances
        self._known: tuple[Peer, ...] | None = None
        self.rows: list[PeerRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._none = label(
            "None yet. A car that is paired shows up here.", role="secondary", wrap=True
        )
        self._column.addWidget(self._none)
        self.pair = small_button("Pair with a car…")
        self.pair.clicked.connect(self.pair_wanted)
        foot = QHBoxLayout()
        foot.addWidget(self.pair)
        foot.addStretch(1)
        self._column.addLayout(foot)
        self.refresh()

    def refresh(self) -> None:
        """Show whom this computer knows now."""
        known = self._acquaintances.peers()
        if known == self._known:
            return
        self._known = known
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self.rows = [PeerRow(peer) for peer in known]
        for index, row in enumerate(self.rows):
            row.renamed.connect(self.renamed)
            row.forgotten.connect(self.forgotten)
            self._column.insertWidget(index, row)
        self._none.setVisible(not known)


def particulars(peer: Peer, now: float) -> str:
    """What is known of a machine.

    Args:
        peer: the machine.
        now: wall clock seconds.
    """
    words = [peer.id[:7]]
    granted = ROLE_WORDS.get(peer.granted.word)
    if granted:
        words.append(granted)
    if peer.role.word in ROLE_WORDS:
        words.append(f"{peer.role.word} here")
    if peer.address:
        words.append(peer.address)
    if peer.since:
        words.append(f"paired {ago(now - peer.since)}")
    return " · ".join(words)
