"""The field for a pairing code: eight digits in two groups, typed or pasted."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLineEdit

from rcapp.core.pairing import DIGITS, Invitation, read_invitation
from rcapp.views import theme

LONGEST_PASTE = 300


class CodeEdit(QLineEdit):
    """Shows digits as ``1234 5678``, whatever is typed between them."""

    code_changed = Signal()
    link_pasted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("code")
        made = theme.font(30, theme.SEMIBOLD)
        made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 3.0)
        self.setFont(made)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setPlaceholderText("0000 0000")
        self.setInputMethodHints(Qt.InputMethodHint.ImhDigitsOnly)
        self.setFixedHeight(60)
        self.setAccessibleName("Code that the car shows, eight digits")
        # A pasted link is longer than a code; what is no digit is dropped anyway.
        self.setMaxLength(LONGEST_PASTE)
        self.textEdited.connect(self._edited)

    def sizeHint(self) -> QSize:
        """Room for the code and some air."""
        return QSize(300, 60)

    @property
    def invitation(self) -> Invitation:
        """What is in the field."""
        return read_invitation(self.text())

    def clear_code(self) -> None:
        """Empty it for another try."""
        self.clear()
        self.code_changed.emit()

    def _edited(self, text: str) -> None:
        read = read_invitation(text)
        before = sum(letter.isdigit() for letter in text[: self.cursorPosition()])
        self.setText(read.grouped)
        # The cursor stays behind the digit it was behind, though a space may have come between.
        behind = min(before, DIGITS)
        at_end = bool(read.address) or behind >= len(read.code)
        self.setCursorPosition(len(read.grouped) if at_end else behind + (1 if behind > 4 else 0))
        if read.address:
            self.link_pasted.emit(read)
        self.code_changed.emit()
