"""Colour roles: what a colour means, apart from which theme paints it."""

from collections.abc import Mapping
from datetime import tzinfo
from enum import IntEnum, auto
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color, ColorParseError

from tradeconsole.domain.events import Severity


class Role(IntEnum):
    """What a piece of text is; its number indexes a `Styles` tuple."""

    TEXT = 0
    STRONG = auto()
    MUTED = auto()
    FAINT = auto()
    ACCENT = auto()
    UP = auto()
    DOWN = auto()
    GOOD = auto()
    WARN = auto()
    BAD = auto()
    ALARM = auto()  # must not be overlooked: reversed
    DOUBT = auto()  # an outcome nobody knows yet: amber, reversed
    FLASH_UP = auto()
    FLASH_DOWN = auto()
    CANDLE_UP = auto()
    CANDLE_DOWN = auto()
    VOLUME_UP = auto()
    VOLUME_DOWN = auto()
    ENTRY = auto()
    STOP = auto()
    TARGET = auto()
    AVERAGE = auto()
    TAG_UP = auto()  # reversed price tags on the axis
    TAG_DOWN = auto()
    TAG_ENTRY = auto()
    TAG_STOP = auto()
    TAG_TARGET = auto()
    TAG_AVERAGE = auto()
    TAG_CURSOR = auto()


Styles = tuple[Style, ...]
"""One style per role, in the order of `Role`."""

LOUD: Final = frozenset({Role.ALARM, Role.DOUBT})
"""Roles that nobody must overlook."""

REVERSED: Final = LOUD | {role for role in Role if role.name.startswith(("FLASH_", "TAG_"))}
"""Roles that paint the background of their text."""

UNDIMMED: Final = LOUD | {Role.BAD}
"""Roles that keep their colour when a row is dimmed."""

SEVERITY_ROLES: Final = {
    Severity.INFO: Role.MUTED,
    Severity.SUCCESS: Role.GOOD,
    Severity.WARNING: Role.WARN,
    Severity.ERROR: Role.BAD,
}


class Colors(msgspec.Struct, frozen=True, kw_only=True):
    """The colours that the roles are made of, in any notation that Textual reads.

    The default pair for up and down, teal and orange, is told apart with every common colour blindness.
    """

    foreground: str = "#e0e0e0"
    background: str = "#121212"
    accent: str = "#4fc3f7"
    up: str = "#26a69a"
    down: str = "#ff9843"
    good: str = "#26a69a"
    warn: str = "#ffca28"
    bad: str = "#ff6b6b"
    target: str = "#81c784"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """All that drawing depends on besides its data.

    `ascii_only`: no box drawing. `monochrome`: up and down differ in shape, not only in colour. `motion`:
    changed values may flash. `zone`: the exchange's zone, in which times are written.
    """

    colors: Colors = Colors()
    ascii_only: bool = False
    monochrome: bool = False
    motion: bool = True
    zone: tzinfo


@cache
def default_look() -> Look:
    """Dark, in colour, moving, times of Chicago."""
    return Look(zone=ZoneInfo("America/Chicago"))


def colors_of(variables: Mapping[str, str]) -> Colors:
    """The colours of a Textual theme.

    Args:
        variables: the theme's CSS variables (`App.theme_variables`). A theme may set `trade-up`, `trade-down`
            and `trade-target`; our own serve where not.
    """
    default = Colors()
    chosen = {
        "foreground": variables.get("foreground"),
        "background": variables.get("background"),
        "accent": variables.get("accent"),
        "up": variables.get("trade-up"),
        "down": variables.get("trade-down"),
        "good": variables.get("trade-up"),
        "warn": variables.get("warning"),
        "bad": variables.get("text-error") or variables.get("error"),
        "target": variables.get("trade-target"),
    }
    return msgspec.structs.replace(default, **{k: v for k, v in chosen.items() if v and _is_color(v)})


def styles_of(colors: Colors, background: RichColor | None = None) -> Styles:
    """A style for every role on one background; None leaves the background to whatever is behind."""
    base = Color.parse(colors.background)
    text = Color.parse(colors.foreground)
    up, down = Color.parse(colors.up), Color.parse(colors.down)
    on = Style(bgcolor=background)

    def plain(color: Color, *, bold: bool = False) -> Style:
        return on + Style(color=color.rich_color, bold=bold or None)

    def faded(color: Color, share: float) -> Style:
        if color.ansi is not None or base.ansi is not None:
            return on + Style(color=color.rich_color, dim=True)
        return plain(color.blend(base, share))

    def tag(color: Color) -> Style:
        return Style(color=color.rich_color, bgcolor=base.rich_color, reverse=True, bold=True)

    named = {name: Color.parse(value) for name, value in msgspec.structs.asdict(colors).items()}
    styles = {
        Role.TEXT: plain(text),
        Role.STRONG: plain(text, bold=True),
        Role.MUTED: faded(text, 0.42),
        Role.FAINT: faded(text, 0.74),
        Role.ACCENT: plain(named["accent"], bold=True),
        Role.UP: plain(up),
        Role.DOWN: plain(down),
        Role.GOOD: plain(named["good"]),
        Role.WARN: plain(named["warn"]),
        Role.BAD: plain(named["bad"], bold=True),
        Role.ALARM: tag(named["bad"]),
        Role.DOUBT: tag(named["warn"]),
        Role.FLASH_UP: tag(up),
        Role.FLASH_DOWN: tag(down),
        Role.CANDLE_UP: plain(up),
        Role.CANDLE_DOWN: plain(down),
        Role.VOLUME_UP: faded(up, 0.5),
        Role.VOLUME_DOWN: faded(down, 0.5),
        Role.ENTRY: plain(named["accent"]),
        Role.STOP: plain(named["bad"]),
        Role.TARGET: plain(named["target"]),
        Role.AVERAGE: plain(text),
        Role.TAG_UP: tag(up),
        Role.TAG_DOWN: tag(down),
        Role.TAG_ENTRY: tag(named["accent"]),
        Role.TAG_STOP: tag(named["bad"]),
        Role.TAG_TARGET: tag(named["target"]),
        Role.TAG_AVERAGE: tag(text),
        Role.TAG_CURSOR: tag(named["warn"]),
    }
    return tuple(styles[role] for role in Role)


def _is_color(text: str) -> bool:
    try:
        Color.parse(text)
    except ColorParseError:
        return False
    return not text.startswith("auto")
