"""Trading hours as data: weekly hours by product group, and the days that differ from them."""

import tomllib
from datetime import date, time
from pathlib import Path
from typing import Final, Self

import msgspec

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.errors import ConfigError

_SHIPPED: Final = Path(__file__).with_name("cme_calendar.toml")
_MONDAY_TO_FRIDAY: Final = (1, 2, 3, 4, 5)


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Regular hours of some groups from a trade date on; clock times of the exchange's zone.

    `open` lies `days_before` days before the trade date, `close` on it. `halts` are pairs of clock times on the
    trade date. `weekdays` are ISO numbers, Monday 1.
    """

    groups: tuple[ProductGroup, ...]
    since: date
    open: time
    close: time
    days_before: int = 1
    weekdays: tuple[int, ...] = _MONDAY_TO_FRIDAY
    halts: tuple[tuple[time, time], ...] = ()


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a day differs: early closes, late opens (on the trade date itself), groups that do not trade."""

    close: dict[ProductGroup, time] = {}
    open: dict[ProductGroup, time] = {}
    closed: tuple[ProductGroup, ...] = ()


class SpecialDay(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A trade date that differs; `note` is for the user."""

    pattern: str
    note: str


class HoursTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar file. Special days are known from `first` to `last`."""

    version: str = ""
    first: date = date.min
    last: date = date.min
    hours: tuple[Hours, ...] = ()
    patterns: dict[str, Pattern] = {}
    days: dict[date, SpecialDay] = {}

    def overridden(self, other: "HoursTable") -> "HoursTable":
        """This table with the rows of another laid over it."""
        return HoursTable(
            version=f"{self.version} + {other.version or 'local'}",
            first=self.first,
            last=max(self.last, other.last),
            hours=self.hours + other.hours,
            patterns=self.patterns | other.patterns,
            days=self.days | other.days,
        )

    def checked(self, source: Path) -> Self:
        """The table itself, if its parts fit together.

        Raises:
            ConfigError: a day names a pattern that does not exist.
        """
        for day, special in self.days.items():
            if special.pattern not in self.patterns:
                raise ConfigError(
                    f"{source}: day {day} names the pattern '{special.pattern}', which is not there"
                )
        return self


def load_hours(override: Path | None = None) -> HoursTable:
    """The shipped CME table, with the rows of a local file of the same form laid over it.

    Raises:
        ConfigError: the local file cannot be read or is wrong; the message names file and place.
    """
    table = _read(_SHIPPED)
    if override is None:
        return table.checked(_SHIPPED)
    return table.overridden(_read(override)).checked(override)


def _read(path: Path) -> HoursTable:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), HoursTable)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: not a calendar file: {error}") from error
