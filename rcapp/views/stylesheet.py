"""The one style sheet, generated from a theme. Fonts are set in code, colours and shapes here."""

from __future__ import annotations

from string import Template

from rcapp.views.theme import CONTROL_HEIGHT, RADIUS_CARD, RADIUS_CONTROL, Theme

_RULES = Template("""
QMainWindow, QWidget#page { background: $ground; }
QDialog { background: $card; border: 1px solid $field_line; }
QMainWindow::separator { background: transparent; width: 16px; height: 16px; }
QWidget { color: $text; }
QLabel { background: transparent; }
QToolTip { background: $field; color: $text; border: 1px solid $field_line; padding: 5px 8px; }

QMenuBar { background: $bar; color: $secondary; padding: 2px 8px; spacing: 2px; }
QMenuBar::item { background: transparent; padding: 5px 10px; border-radius: 6px; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $hover; color: $text; }
QMenu { background: $card; color: $text; border: 1px solid $field_line; padding: 6px; }
QMenu::item { padding: 8px 28px 8px 12px; border-radius: 6px; min-width: 150px; }
QMenu::item:selected { background: $hover; color: $text; }
QMenu::item:disabled { color: $secondary; }
QMenu::icon { padding-left: 10px; }
QMenu::separator { height: 1px; background: $line; margin: 6px 8px; }

QLabel[role="secondary"] { color: $secondary; }
QLabel[role="accent"] { color: $accent; }
QLabel[role="good"] { color: $good; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="bad"] { color: $bad; }
QLabel[role="key"] { background: $field; border: 1px solid $field_line; border-radius: 5px;
    padding: 2px 8px; }

QLabel[role="insecure"] { background: $stop; color: $on_stop; padding: 9px 16px; }

QFrame[card="true"] { background: $card; border-radius: ${radius}px; }
QFrame[panel="true"] { background: $card; border: 1px solid $field_line; border-radius: 12px; }
QFrame[panel="stop"] { background: $card; border: 2px solid $stop; border-radius: 12px; }
QFrame[panel="ask"] { background: $card; border: 2px solid $warn; border-radius: 12px; }
QFrame[rule="true"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QFrame[chip="secondary"] { background: $field; border: 1px solid $field_line;
    border-radius: ${control_radius}px; }
QFrame[chip="good"] { background: $good_fill; border: 1px solid $good;
    border-radius: ${control_radius}px; }
QFrame[chip="warn"] { background: $warn_fill; border: 1px solid $warn;
    border-radius: ${control_radius}px; }
QFrame[chip="bad"] { background: $bad_fill; border: 1px solid $bad;
    border-radius: ${control_radius}px; }
QWidget#topBar { background: $bar; border-bottom: 1px solid $line; }
QWidget#rail { background: $rail; }
QWidget#dockHead { background: $card; border-top-left-radius: ${radius}px;
    border-top-right-radius: ${radius}px; }
QWidget#dockBody { background: $card; border-bottom-left-radius: ${radius}px;
    border-bottom-right-radius: ${radius}px; }
QWidget#plain, QScrollArea, QScrollArea > QWidget > QWidget#plain { background: transparent;
    border: none; }

QPushButton, QToolButton#chip { background: $field; color: $text;
    border: 1px solid $field_line; border-radius: ${control_radius}px; padding: 0 14px;
    min-height: ${inner_height}px; }
QPushButton[large="true"] { min-height: 42px; }
QPushButton:hover, QToolButton#chip:hover { background: $hover; }
QPushButton:pressed, QToolButton#chip:pressed { background: $selected; }
QPushButton:focus, QToolButton#chip:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $secondary; background: $card; }
QPushButton[kind="primary"] { background: $action; color: $on_action; border-color: $action; }
QPushButton[kind="primary"]:hover { background: $action_hover; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $field; color: $secondary;
    border-color: $field_line; }
QPushButton#stop { background: $stop; color: $on_stop; border: 1px solid $stop; }
QPushButton#stop:hover, QPushButton#stop:pressed { background: $stop_hover; }
QPushButton#stop:focus { border: 2px solid $text; }
QToolButton#chip { padding: 0; }
QToolButton#chip::menu-indicator { image: none; width: 0; }

QPushButton[segment="true"] { background: transparent; border: 1px solid transparent;
    color: $secondary; padding: 0 12px; }
QPushButton[segment="true"]:hover { background: $hover; color: $text; }
QPushButton[segment="true"]:checked { background: $selected; color: $text; }
QPushButton[segment="true"]:focus { border: 1px solid $accent; }
QFrame#segments { background: $field; border: 1px solid $field_line; border-radius: 10px; }

QToolButton[rail="true"] { background: transparent; color: $secondary; border: none;
    border-radius: ${control_radius}px; padding: 6px 0 4px 0; }
QToolButton[rail="true"]:hover { background: $hover; color: $text; }
QToolButton[rail="true"]:checked { background: $selected; color: $text; }
QToolButton[rail="true"]:focus { border: 1px solid $accent; }
QToolButton[flat="true"] { background: transparent; border: 1px solid transparent;
    border-radius: 6px; padding: 0; }
QToolButton[flat="true"]:hover { background: $hover; }
QToolButton[flat="true"]:focus { border: 1px solid $accent; }

QPushButton[row="true"] { background: transparent; border: 1px solid transparent;
    text-align: left; padding: 0 8px; margin: 0 -8px; }
QPushButton[row="true"]:hover { background: $hover; }
QPushButton[row="true"]:focus { border: 1px solid $accent; }

QPushButton[car="true"] { background: transparent; border: 1px solid transparent; padding: 0;
    min-height: 50px; }
QPushButton[car="true"]:hover { background: $hover; }
QPushButton[car="true"]:focus { border: 1px solid $accent; }

QLineEdit { background: $field; color: $text; border: 1px solid $field_line;
    border-radius: ${control_radius}px; padding: 0 12px; min-height: ${inner_height}px;
    selection-background-color: $action; selection-color: $on_action;
    placeholder-text-color: $secondary; }
QLineEdit:focus { border: 1px solid $accent; }
QSpinBox { background: $field; color: $text; border: 1px solid $field_line;
    border-radius: ${control_radius}px; min-height: ${inner_height}px;
    selection-background-color: $action; selection-color: $on_action; }
QSpinBox > QLineEdit { background: transparent; border: none; padding: 0; min-height: 0; }
QSpinBox::up-button, QSpinBox::down-button { width: 1px; border: none; }
QSpinBox::up-arrow, QSpinBox::down-arrow { width: 0; height: 0; }
QSpinBox:focus { border: 1px solid $accent; }
QLineEdit[wrong="true"] { border: 1px solid $warn; }
QLineEdit:read-only { color: $secondary; }
QProgressBar { background: $field_line; border: none; border-radius: 2px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QTextEdit, QPlainTextEdit { background: $field; color: $text; border: 1px solid $field_line;
    border-radius: ${control_radius}px; padding: 8px; selection-background-color: $action;
    selection-color: $on_action; }

QSlider { min-height: 32px; background: transparent; }
QSlider::groove:horizontal { height: 4px; background: $field_line; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 16px; height: 16px; margin: -6px 0;
    border-radius: 8px; }
QSlider::handle:horizontal:focus { background: $accent; }

QTableView { background: transparent; border: none; outline: none; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: transparent; color: $secondary; border: none;
    border-bottom: 1px solid $line; padding: 0 10px; }
QHeaderView::section:hover { color: $text; }
QToolButton[crumb="true"] { background: transparent; border: 1px solid transparent;
    border-radius: 5px; padding: 0 4px; color: $secondary; }
QToolButton[crumb="true"]:hover { background: $hover; color: $text; }
QToolButton[crumb="true"]:focus { border: 1px solid $accent; }
QPushButton[link="true"] { background: transparent; border: none; color: $accent; padding: 0;
    min-height: 18px; text-align: left; }
QPushButton[link="true"]:hover, QPushButton[link="true"]:focus { text-decoration: underline; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: $field_line; border-radius: 3px; min-height: 28px;
    min-width: 28px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def stylesheet(theme: Theme) -> str:
    """The rules of every widget, in the colours of ``theme``."""
    names = {n: getattr(theme, n) for n in theme.__slots__ if isinstance(getattr(theme, n), str)}
    sheet = _RULES.substitute(
        names,
        radius=RADIUS_CARD,
        control_radius=RADIUS_CONTROL,
        inner_height=CONTROL_HEIGHT - 2,
    )
    if theme.name == "contrast":
        # Surfaces are all black there: lines tell them apart.
        sheet += f'QFrame[card="true"] {{ border: 1px solid {theme.line}; }}'
        line = f"border: 1px solid {theme.line};"
        sheet += f"QWidget#dockHead {{ {line} border-bottom: none; }}"
        sheet += f"QWidget#dockBody {{ {line} border-top: none; }}"
        sheet += f"QWidget#rail {{ border-right: 1px solid {theme.line}; }}"
    return sheet
