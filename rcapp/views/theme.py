"""Colours, type and spacing: every view takes them from here and from nowhere else.

Three sets carry the same names: dark, light and high contrast. Text reaches 4.5:1 on the
surface it stands on in all of them; :func:`text_pairs` lists the pairs so that a test and
the tour can prove it.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

FAMILY = "Inter"
SPEED, STRONG, TITLE, BODY, LABEL, SMALL = 54, 17, 15, 13, 12, 11
REGULAR, MEDIUM = QFont.Weight.Normal, QFont.Weight.Medium
SEMIBOLD, BOLD = QFont.Weight.DemiBold, QFont.Weight.Bold

GAP = 16
RADIUS_CARD = 10
RADIUS_CONTROL = 8
CONTROL_HEIGHT = 34
RAIL_WIDTH = 72
BAR_HEIGHT = 56


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours, as ``#RRGGBB``.

    Attributes:
        name: what settings store.
        label: what a person reads.
        dark: True where light text stands on dark surfaces.
        ground, bar, card, rail, field: surfaces.
        line, field_line: separators, borders of controls.
        hover: a control or menu row under the pointer.
        text, secondary: figures and titles; labels and units.
        accent, selected: what is chosen, and the surface behind it.
        action, on_action: the one primary button of a view, and its text.
        good, warn, bad: live, degraded, lost; readable as text on every surface.
        good_fill, warn_fill, bad_fill: chips behind such text.
        stop, stop_hover, on_stop: the STOP button and the frame of a stopped car.
        picture: what surrounds a camera picture that does not fill its place.
        grid: lines of a plot.
        series: colours of a plot's lines, in this order.
    """

    name: str
    label: str
    dark: bool
    ground: str
    bar: str
    card: str
    rail: str
    field: str
    line: str
    field_line: str
    hover: str
    text: str
    secondary: str
    accent: str
    selected: str
    action: str
    action_hover: str
    on_action: str
    good: str
    warn: str
    bad: str
    good_fill: str
    warn_fill: str
    bad_fill: str
    stop: str
    stop_hover: str
    on_stop: str
    picture: str
    grid: str
    series: tuple[str, ...]


DARK = Theme(
    name="dark",
    label="Dark",
    dark=True,
    ground="#0F1419",
    bar="#151C23",
    card="#151C23",
    rail="#12181E",
    field="#1B242D",
    line="#232D37",
    field_line="#2D3843",
    hover="#22303C",
    text="#E6EDF3",
    secondary="#9AA7B4",
    accent="#5AB0F6",
    selected="#18334D",
    action="#1F6FEB",
    action_hover="#1A64D8",
    on_action="#FFFFFF",
    good="#3DD68C",
    warn="#F5B83D",
    bad="#FF6369",
    good_fill="#10331F",
    warn_fill="#33270F",
    bad_fill="#3A1A1D",
    stop="#D63B40",
    stop_hover="#C22F34",
    on_stop="#FFFFFF",
    picture="#0A0E12",
    grid="#232D37",
    series=("#5AB0F6", "#F5B83D", "#7BD88F", "#B392F0", "#E6EDF3"),
)

LIGHT = Theme(
    name="light",
    label="Light",
    dark=False,
    ground="#E9EDF1",
    bar="#FFFFFF",
    card="#FFFFFF",
    rail="#F6F8FA",
    field="#F3F6F8",
    line="#DCE2E8",
    field_line="#C6D0D9",
    hover="#E4EAF0",
    text="#16202A",
    secondary="#51606E",
    accent="#0B63CE",
    selected="#DCEBFB",
    action="#0B63CE",
    action_hover="#0955B2",
    on_action="#FFFFFF",
    good="#0B6E3D",
    warn="#805200",
    bad="#B4232A",
    good_fill="#DDF3E6",
    warn_fill="#FBEFD5",
    bad_fill="#FCE3E4",
    stop="#D0312D",
    stop_hover="#B92823",
    on_stop="#FFFFFF",
    picture="#10161C",
    grid="#E3E8ED",
    series=("#0B63CE", "#A05A00", "#1B7F3B", "#7A3FC4", "#16202A"),
)

CONTRAST = Theme(
    name="contrast",
    label="High contrast",
    dark=True,
    ground="#000000",
    bar="#000000",
    card="#000000",
    rail="#000000",
    field="#0B0F13",
    line="#8A98A5",
    field_line="#B7C3CE",
    hover="#22303C",
    text="#FFFFFF",
    secondary="#DCE4EB",
    accent="#7CC4FF",
    selected="#123A5E",
    action="#0F5FD6",
    action_hover="#0B4FB5",
    on_action="#FFFFFF",
    good="#5CF2A6",
    warn="#FFD24D",
    bad="#FF8A8F",
    good_fill="#00301A",
    warn_fill="#332500",
    bad_fill="#400A0D",
    stop="#C9252B",
    stop_hover="#AC1B20",
    on_stop="#FFFFFF",
    picture="#000000",
    grid="#3A4650",
    series=("#7CC4FF", "#FFD24D", "#8CF0A4", "#CDB4FF", "#FFFFFF"),
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST)}
SYSTEM = "system"

_current = DARK


def current() -> Theme:
    """The theme the app shows now."""
    return _current


def theme_named(name: str) -> Theme:
    """The set called ``name``; ``"system"`` follows the desktop, anything unknown is dark."""
    if name == SYSTEM:
        light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return THEMES.get(name, DARK)


def text_pairs(theme: Theme) -> list[tuple[str, str, str]]:
    """Every (what, text colour, surface colour) that the views use."""
    surfaces = {n: getattr(theme, n) for n in ("ground", "bar", "card", "rail", "field", "hover")}
    pairs = [
        (f"{ink} on {name}", getattr(theme, ink), surface)
        for name, surface in surfaces.items()
        for ink in ("text", "secondary")
    ]
    pairs += [
        (f"{ink} on {name}", getattr(theme, ink), surfaces[name])
        for name in ("card", "bar")
        for ink in ("accent", "good", "warn", "bad")
    ]
    pairs += [(f"series {i} on card", colour, theme.card) for i, colour in enumerate(theme.series)]
    pairs += [
        ("accent on selected", theme.accent, theme.selected),
        ("text on selected", theme.text, theme.selected),
        ("good on its fill", theme.good, theme.good_fill),
        ("warn on its fill", theme.warn, theme.warn_fill),
        ("bad on its fill", theme.bad, theme.bad_fill),
        ("text of the primary button", theme.on_action, theme.action),
        ("text of the primary button, hover", theme.on_action, theme.action_hover),
        ("text of STOP", theme.on_stop, theme.stop),
        ("text of STOP, hover", theme.on_stop, theme.stop_hover),
    ]
    return pairs


def contrast(first: str | QColor, second: str | QColor) -> float:
    """Contrast of two colours, 1 to 21, as WCAG 2 defines it (relative luminance, 1.4.3)."""
    lighter, darker = sorted((_luminance(QColor(first)), _luminance(QColor(second))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(p) for p in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def font(size: int, weight: QFont.Weight = REGULAR) -> QFont:
    """The app's typeface in ``size`` pixels, with figures of equal width so none dances."""
    made = QFont(FAMILY)
    made.setPixelSize(size)
    made.setWeight(weight)
    made.setFeature(QFont.Tag("tnum"), 1)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made


def code_font(size: int) -> QFont:
    """Letters of equal width, for what is compared letter by letter."""
    made = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    made.setPixelSize(size)
    return made


def palette(theme: Theme) -> QPalette:
    """What Fusion needs to draw the parts that no style rule covers."""
    role = QPalette.ColorRole
    made = QPalette()
    for name, value in {
        role.Window: theme.ground,
        role.WindowText: theme.text,
        role.Base: theme.field,
        role.AlternateBase: theme.card,
        role.Text: theme.text,
        role.Button: theme.field,
        role.ButtonText: theme.text,
        role.BrightText: theme.bad,
        role.Highlight: theme.action,
        role.HighlightedText: theme.on_action,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.ToolTipBase: theme.field,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.secondary,
        role.Mid: theme.line,
        role.Light: theme.hover,
        role.Dark: theme.line,
    }.items():
        made.setColor(name, QColor(value))
    for name in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.secondary))
    return made


def apply(app: QApplication, theme: Theme) -> None:
    """Show the whole app in ``theme``; every widget gets a PaletteChange event."""
    from rcapp.views.stylesheet import stylesheet

    global _current
    _current = theme
    app.setFont(font(BODY))
    app.setPalette(palette(theme))
    app.setStyleSheet(stylesheet(theme))
