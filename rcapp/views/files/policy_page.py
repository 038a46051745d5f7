"""The rules of the backup, each with what speaks against it, and all of them in one sentence."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from rcapp.core.files.desk_view import DeskView
from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.storage import Storage
from rcapp.views import theme
from rcapp.views.controls import Segments
from rcapp.views.files.gauge import StorageGauge
from rcapp.views.files.page import Page, button, card, plain
from rcapp.views.text import label, set_role, set_text

COLUMN = 820


class PolicyPage(Page):
    """Edits a policy; nothing holds before it is saved.

    Attributes:
        save: keeps the rules.
        draft: what the fields say now.
        says: field -> the label below it that complains or warns.
    """

    saved = Signal(object)
    here_wanted = Signal()
    """Use the folder that this laptop's side shows."""

    def __init__(self) -> None:
        super().__init__("Backup policy")
        self._policy = BackupPolicy()
        self._storage = Storage()
        self._loading = False
        self.says: dict[str, QLabel] = {}
        self.reset = button("Undo changes")
        self.reset.clicked.connect(lambda: self._show(self._policy))
        self.save = button("Save policy", primary=True)
        self.save.clicked.connect(self._save)
        self.tools.addWidget(self.reset)
        self.tools.addWidget(self.save)
        cards = QVBoxLayout()
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(theme.GAP)
        for made in (self._marks(), self._stays(), self._place()):
            cards.addWidget(made)
        cards.addStretch(1)
        inner = plain(cards)
        inner.setMaximumWidth(COLUMN)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addStretch(1)
        middle.addWidget(inner, 100)
        middle.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(plain(middle))
        self.column.addWidget(scroll, 1)

    # The fields.

    def _marks(self) -> QFrame:
        frame, column = card(margins=(20, 16, 20, 16))
        column.addWidget(label("When, and how much", size=theme.TITLE, weight=theme.SEMIBOLD))
        self.sentence = label("", size=theme.BODY, role="secondary", wrap=True)
        column.addWidget(self.sentence)
        self.gauge = StorageGauge()
        column.addSpacing(4)
        column.addWidget(self.gauge)
        grid = _grid()
        self.root = QHBoxLayout()
        self.root.setContentsMargins(0, 0, 0, 0)
        self._roots: tuple[str, ...] = ()
        self._chosen_root = ""
        self.root_choice: Segments | None = None
        self._row(grid, "Folder of the car", plain(self.root))
        self.high = self._spin("Start when the car is this full", 5, 98, " %")
        self.low = self._spin("Stop when the car is this full", 1, 97, " %")
        self._row(grid, "Start at", self.high, "high")
        self._row(grid, "Stop at", self.low, "low")
        column.addLayout(grid)
        return frame

    def _stays(self) -> QFrame:
        frame, column = card(margins=(20, 16, 20, 16))
        column.addWidget(label("What always stays", size=theme.TITLE, weight=theme.SEMIBOLD))
        grid = _grid()
        self.min_age = self._spin("Files changed within so many minutes stay", 0, 100_000, " min")
        self.keep_days = self._spin("Files of the last so many days stay", 0, 3650, " days")
        self.keep_newest = self._spin("So many of the newest files stay", 0, 1_000_000, " files")
        self._row(grid, "Changed in the last", self.min_age, "min_age")
        self._row(grid, "Of the last", self.keep_days, "keep_days")
        self._row(grid, "The newest", self.keep_newest, "keep_newest")
        self.protect = QPlainTextEdit()
        self.protect.setPlaceholderText("calibration*\nmaps/**")
        self.protect.setAccessibleName("Files that match these patterns stay, one a line")
        self.protect.setFont(theme.font(theme.BODY))
        self.protect.setFixedHeight(84)
        self.protect.setTabChangesFocus(True)
        self.protect.textChanged.connect(self._changed)
        self._row(grid, "That match\n(one pattern a line)", self.protect, "protect")
        self.groups = QLineEdit()
        self.groups.setPlaceholderText("recordings/*")
        self.groups.setAccessibleName("Folders that move as a whole, or not at all")
        self.groups.setToolTip("Folders that move as a whole or not at all, such as recordings")
        self.groups.setFont(theme.font(theme.BODY))
        self.groups.textChanged.connect(self._changed)
        self._row(grid, "Folders that move whole", self.groups, "groups")
        column.addLayout(grid)
        return frame

    def _place(self) -> QFrame:
        frame, column = card(margins=(20, 16, 20, 16))
        column.addWidget(label("Where they go", size=theme.TITLE, weight=theme.SEMIBOLD))
        grid = _grid()
        self.destination = QLineEdit()
        self.destination.setAccessibleName("Folder of this laptop")
        self.destination.setFont(theme.font(theme.BODY))
        self.destination.textChanged.connect(self._changed)
        self.here = button("Use the folder shown")
        self.here.setToolTip("The folder that This laptop shows on the Files page")
        self.here.clicked.connect(self.here_wanted)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self.destination, 1)
        row.addWidget(self.here)
        self._row(grid, "Folder", plain(row), "destination")
        self.floor_share = self._spin("Share of this laptop's disk that stays free", 0, 90, " %")
        self.floor_size = self._spin("Gigabytes of this laptop that stay free", 0, 10_000, " GB")
        self._row(grid, "Stays free, at least", _side_by_side(self.floor_share, self.floor_size))
        column.addLayout(grid)
        return frame

    def _spin(self, name: str, low: int, high: int, unit: str) -> QSpinBox:
        made = QSpinBox()
        made.setRange(low, high)
        made.setSuffix(unit)
        made.setAccessibleName(name)
        made.setToolTip(name)
        made.setFont(theme.font(theme.BODY))
        made.setFixedWidth(130)
        made.lineEdit().setTextMargins(10, 0, 4, 0)
        made.valueChanged.connect(self._changed)
        return made

    def _row(self, grid: QGridLayout, name: str, control: QWidget, field: str = "") -> None:
        row = grid.rowCount()
        tall = isinstance(control, QPlainTextEdit)
        side = Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter
        named = label(name, size=theme.BODY, role="secondary", wrap=True)
        grid.addWidget(named, row, 0, side)
        if isinstance(control, QSpinBox) and field:
            said = label("", size=theme.LABEL, wrap=True)
            line = QHBoxLayout()
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(14)
            line.addWidget(control)
            line.addWidget(said, 1)
            grid.addWidget(_SpinRow(line), row, 1)
            self.says[field] = said
            return
        grid.addWidget(control, row, 1)
        if field:
            said = label("", size=theme.LABEL, wrap=True)
            grid.addWidget(said, row + 1, 1)
            self.says[field] = said

    # What it shows.

    def show_desk(self, desk: DeskView) -> None:
        """Show the rules of the car that is connected, unless they are being edited."""
        source = "" if desk.kept.own else " · as the car suggests, until you change it"
        whose = f"For {desk.car_name}{source}" if desk.car_id else "No car is connected"
        set_text(self.subtitle, whose)
        self._storage = desk.storage
        self._show_roots(tuple(root.name for root in desk.roots if root.writable), desk.root)
        if desk.policy != self._policy:
            self._policy = desk.policy
            self._show(desk.policy)
        self._judge()

    def _show_roots(self, names: tuple[str, ...], root: str) -> None:
        """Offer the folders that may be emptied; one of them is chosen."""
        if names == self._roots:
            return
        self._roots = names
        while (item := self.root.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        self.root_choice = Segments([(name, name) for name in names], "Folder of the car")
        self.root_choice.choose(root)
        self.root_choice.chosen.connect(self._root_chosen)
        self.root.addWidget(self.root_choice)
        self.root.addStretch(1)

    def _root_chosen(self, name: str) -> None:
        self._chosen_root = name
        self._judge()

    @property
    def draft(self) -> BackupPolicy:
        """What the fields say."""
        lines = self.protect.toPlainText().splitlines()
        return replace(
            self._policy,
            high=_percent(self.high, self._policy.high),
            low=_percent(self.low, self._policy.low),
            min_age=_kept(self.min_age, self._policy.min_age, 60.0),
            keep_days=_kept(self.keep_days, self._policy.keep_days, 1.0),
            keep_newest=self.keep_newest.value(),
            protect=tuple(line.strip() for line in lines if line.strip()),
            root=self._chosen_root,
            groups=tuple(part.strip() for part in self.groups.text().split(",") if part.strip()),
            destination=self.destination.text().strip(),
            floor_share=_percent(self.floor_share, self._policy.floor_share),
            floor_bytes=int(_kept(self.floor_size, self._policy.floor_bytes, 1e9)),
        )

    def use_folder(self, folder: str) -> None:
        """Move files there."""
        self.destination.setText(folder)

    def _show(self, policy: BackupPolicy) -> None:
        self._loading = True
        self._chosen_root = policy.root
        if self.root_choice is not None and policy.root:
            self.root_choice.choose(policy.root)
        self.high.setValue(round(policy.high * 100))
        self.low.setValue(round(policy.low * 100))
        self.min_age.setValue(round(policy.min_age / 60))
        self.keep_days.setValue(round(policy.keep_days))
        self.keep_newest.setValue(policy.keep_newest)
        self.protect.setPlainText("\n".join(policy.protect))
        self.groups.setText(", ".join(policy.groups))
        self.destination.setText(policy.destination)
        self.floor_share.setValue(round(policy.floor_share * 100))
        self.floor_size.setValue(round(policy.floor_bytes / 1e9))
        self._loading = False
        self._judge()

    def _changed(self, *_ignored: object) -> None:
        if not self._loading:
            self._judge()

    def _judge(self) -> None:
        """Say what speaks against the fields, and what they mean."""
        draft = self.draft
        wrong, notes = draft.complaints(), draft.notes()
        for field, said in self.says.items():
            text = wrong.get(field) or notes.get(field, "")
            set_text(said, text)
            set_role(said, "bad" if field in wrong else "warn")
            said.setVisible(bool(text) or isinstance(said.parent(), _SpinRow))
        marks = draft if not {"high", "low"} & wrong.keys() else self._policy
        sentence = "This policy cannot be saved yet." if wrong else draft.sentence()
        set_text(self.sentence, sentence)
        set_role(self.sentence, "bad" if wrong else "secondary")
        self.gauge.show_storage(replace(self._storage, high=marks.high, low=marks.low))
        changed = draft != self._policy
        self.save.setEnabled(changed and not wrong)
        self.reset.setEnabled(changed)

    def _save(self) -> None:
        draft = self.draft
        if not draft.complaints():
            self.saved.emit(draft)


class _SpinRow(QWidget):
    """A figure and what there is to say about it, which keeps its place while it says nothing."""

    def __init__(self, line: QHBoxLayout) -> None:
        super().__init__()
        self.setObjectName("plain")
        self.setLayout(line)


def _grid() -> QGridLayout:
    made = QGridLayout()
    made.setContentsMargins(0, 6, 0, 0)
    made.setHorizontalSpacing(20)
    made.setVerticalSpacing(8)
    made.setColumnMinimumWidth(0, 164)
    made.setColumnStretch(1, 1)
    return made


def _side_by_side(*parts: QWidget) -> QWidget:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(10)
    for number, part in enumerate(parts):
        if number:
            row.addWidget(label("and", size=theme.BODY, role="secondary"))
        row.addWidget(part)
    row.addStretch(1)
    return plain(row)


def _percent(field: QSpinBox, before: float) -> float:
    return _kept(field, before, 0.01)


def _kept(field: QSpinBox, before: float, unit: float) -> float:
    """What a field says; what it cannot show to the last digit stays while it is not touched."""
    same = field.value() == round(before / unit)
    return before if same else round(field.value() * unit, 6)
