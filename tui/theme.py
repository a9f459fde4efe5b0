"""Nexus' own looks: calm colours for dark and light terminals, and one without any colour.

The only place that knows colours. Painters name roles; a palette turns roles into styles.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tui.render.cells import Role


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles for every role, and for the marks of the cursor and of sections."""

    roles: dict[Role, Style]
    cursor: Style
    """Laid over the row under the cursor of the focused table."""
    rule: Style
    """Section lines."""
    focused: Style
    """Title of the focused section."""


def _palette(
    text: str,
    strong: str,
    dim: str,
    faint: str,
    ok: str,
    warn: str,
    bad: str,
    info: str,
    accent: str,
    badge: tuple[str, str],
    cursor: str,
    rule: str,
) -> Palette:
    return Palette(
        roles={
            Role.TEXT: Style(color=text),
            Role.STRONG: Style(color=strong, bold=True),
            Role.DIM: Style(color=dim),
            Role.FAINT: Style(color=faint),
            Role.OK: Style(color=ok),
            Role.WARN: Style(color=warn),
            Role.BAD: Style(color=bad, bold=True),
            Role.INFO: Style(color=info),
            Role.ACCENT: Style(color=accent),
            Role.BADGE: Style(color=badge[0], bgcolor=badge[1], bold=True),
            Role.HEAD: Style(color=dim),
        },
        cursor=Style(bgcolor=cursor),
        rule=Style(color=rule),
        focused=Style(color=accent, bold=True),
    )


DARK = _palette(
    text="#c3cad4",
    strong="#eef1f5",
    dim="#8792a1",
    faint="#566070",
    ok="#7fc98f",
    warn="#e3b660",
    bad="#ef7a76",
    info="#7ab6ea",
    accent="#5cc9ba",
    badge=("#0f1319", "#5cc9ba"),
    cursor="#223040",
    rule="#2c3543",
)
LIGHT = _palette(
    text="#2b323b",
    strong="#0b0f14",
    dim="#5b6673",
    faint="#98a2ad",
    ok="#1f7a3a",
    warn="#8a5a00",
    bad="#b3261e",
    info="#0b5fa5",
    accent="#0b7468",
    badge=("#ffffff", "#0b7468"),
    cursor="#d5e6f5",
    rule="#cfd6de",
)
MONO = Palette(
    roles={
        Role.TEXT: Style(),
        Role.STRONG: Style(bold=True),
        Role.DIM: Style(),
        Role.FAINT: Style(dim=True),
        Role.OK: Style(),
        Role.WARN: Style(bold=True),
        Role.BAD: Style(bold=True),
        Role.INFO: Style(),
        Role.ACCENT: Style(),
        Role.BADGE: Style(bold=True, reverse=True),
        Role.HEAD: Style(),
    },
    cursor=Style(reverse=True),
    rule=Style(dim=True),
    focused=Style(bold=True),
)

ANSI = Palette(
    roles={
        Role.TEXT: Style(),
        Role.STRONG: Style(bold=True),
        Role.DIM: Style(),
        Role.FAINT: Style(dim=True),
        Role.OK: Style(color="green"),
        Role.WARN: Style(color="yellow"),
        Role.BAD: Style(color="red", bold=True),
        Role.INFO: Style(color="blue"),
        Role.ACCENT: Style(color="cyan"),
        Role.BADGE: Style(bold=True, reverse=True),
        Role.HEAD: Style(dim=True),
    },
    cursor=Style(reverse=True),
    rule=Style(dim=True),
    focused=Style(color="cyan", bold=True),
)
"""The terminal's own sixteen colours. Greys of true colour would come out black on black there."""

PALETTES = {"nexus-dark": DARK, "nexus-light": LIGHT, "nexus-ansi": ANSI, "nexus-mono": MONO}


def palette_from(theme: Theme) -> Palette:
    """A palette in the colours of any of Textual's themes."""
    if theme.ansi:
        return ANSI
    found = theme.to_color_system().generate()
    ground, text = (Color.parse(found[name]) for name in ("background", "foreground"))

    def between(share: float) -> str:
        """From the text's colour towards the background's."""
        return text.blend(ground, share).hex

    return _palette(
        text=between(0.1),
        strong=text.hex,
        dim=between(0.35),
        faint=between(0.6),
        ok=found["text-success"],
        warn=found["text-warning"],
        bad=found["text-error"],
        info=found["text-secondary"],
        accent=found["text-primary"],
        badge=(found["background"], found["text-primary"]),
        cursor=ground.blend(Color.parse(found["primary"]), 0.25).hex,
        rule=between(0.8),
    )


def _in_terminal_colours(name: str) -> Theme:
    """A theme that leaves every colour to the terminal; what is told apart says its palette."""
    return Theme(
        name=name,
        ansi=True,
        primary="ansi_default",
        secondary="ansi_default",
        warning="ansi_default",
        error="ansi_default",
        success="ansi_default",
        accent="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables={
            **BUILTIN_THEMES["ansi-dark"].variables,
            "border": "ansi_default",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "block-cursor-foreground": "ansi_default",
            "block-cursor-background": "ansi_default",
            "block-cursor-text-style": "reverse",
        },
    )


THEMES = (
    Theme(
        name="nexus-dark",
        primary="#5cc9ba",
        secondary="#7ab6ea",
        accent="#5cc9ba",
        warning="#e3b660",
        error="#ef7a76",
        success="#7fc98f",
        foreground="#c3cad4",
        background="#0f1319",
        surface="#151b23",
        panel="#1b222c",
        dark=True,
        variables={
            "input-selection-background": "#2f4a63",
            "border": "#2c3543",
            "scrollbar": "#3a4657",
            "scrollbar-hover": "#4a586c",
            "scrollbar-active": "#5cc9ba",
            "scrollbar-background": "#1b222c",
            "scrollbar-background-hover": "#1b222c",
            "scrollbar-background-active": "#1b222c",
        },
    ),
    Theme(
        name="nexus-light",
        primary="#0b7468",
        secondary="#0b5fa5",
        accent="#0b7468",
        warning="#8a5a00",
        error="#b3261e",
        success="#1f7a3a",
        foreground="#2b323b",
        background="#fbfbf9",
        surface="#f2f3f1",
        panel="#e8ebe9",
        dark=False,
        variables={
            "input-selection-background": "#b5d3ee",
            "border": "#cfd6de",
            "scrollbar": "#c3cbd3",
            "scrollbar-hover": "#aab4be",
            "scrollbar-active": "#0b7468",
            "scrollbar-background": "#e8ebe9",
            "scrollbar-background-hover": "#e8ebe9",
            "scrollbar-background-active": "#e8ebe9",
        },
    ),
    _in_terminal_colours("nexus-ansi"),
    _in_terminal_colours("nexus-mono"),
)
