"""Colour themes: a colour-blind safe default, high contrast, and grey; every role also has a word or a symbol."""

from typing import Final

from textual.theme import Theme

DEFAULT: Final = "tradeconsole"

ROLES: Final = {
    "trade-up": "#2fc4b2",  # teal and orange differ for every common kind of colour blindness
    "trade-down": "#ff9248",
    "account-practice": "#58a6ff",
    "account-evaluation": "#b392f0",
    "account-funded": "#f2c94c",
    "account-live": "#ff4d5e",
    "account-text": "#0b0f14",
    "trade-target": "#81c784",
    "armed": "#ffb000",
    "danger-one": "#f2c94c",
    "danger-two": "#ff9248",
    "danger-typed": "#ff4d5e",
    "faint": "#7d8896",
    "line": "#2b3440",
    "key": "#58a6ff",
}

_CONTRAST: Final = ROLES | {
    "trade-up": "#00ffd5",
    "trade-down": "#ffa03a",
    "account-practice": "#7cc4ff",
    "account-evaluation": "#d9b8ff",
    "account-funded": "#ffe14d",
    "account-live": "#ff6b78",
    "account-text": "#000000",
    "trade-target": "#a5f0a8",
    "armed": "#ffd000",
    "danger-one": "#ffe14d",
    "danger-two": "#ffa03a",
    "danger-typed": "#ff6b78",
    "faint": "#c8c8c8",
    "line": "#9a9a9a",
    "key": "#7cc4ff",
}

_GREY: Final = dict.fromkeys(ROLES, "#d0d0d0") | {
    "account-text": "#101010",
    "faint": "#9a9a9a",
    "line": "#5a5a5a",
    "armed": "#ffffff",
    "account-live": "#ffffff",
}

THEMES: Final = (
    Theme(
        name=DEFAULT,
        primary="#58a6ff",
        secondary="#2fc4b2",
        accent="#b392f0",
        warning="#f2c94c",
        error="#ff5c6c",
        success="#2fc4b2",
        foreground="#d7dde5",
        background="#0b0f14",
        surface="#10161d",
        panel="#18202a",
        dark=True,
        variables=ROLES,
    ),
    Theme(
        name="tradeconsole-contrast",
        primary="#7cc4ff",
        secondary="#00ffd5",
        accent="#d9b8ff",
        warning="#ffe14d",
        error="#ff6b78",
        success="#00ffd5",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        dark=True,
        variables=_CONTRAST,
    ),
    Theme(
        name="tradeconsole-grey",
        primary="#d0d0d0",
        secondary="#b0b0b0",
        accent="#d0d0d0",
        warning="#e0e0e0",
        error="#ffffff",
        success="#d0d0d0",
        foreground="#d0d0d0",
        background="#0a0a0a",
        surface="#101010",
        panel="#202020",
        dark=True,
        variables=_GREY,
    ),
)

NO_COLOR_THEME: Final = "tradeconsole-grey"
