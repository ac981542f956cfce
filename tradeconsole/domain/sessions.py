"""Trading sessions: when products trade, and to which trading day a moment belongs. Pure, all times aware."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Span
from tradeconsole.domain.session_hours import Hours, HoursTable, load_hours
from tradeconsole.errors import ConfigError

CHICAGO: Final = ZoneInfo("America/Chicago")
"""The exchange's zone."""

ROLL: Final = time(17)
"""When a trading day begins in Chicago, on the evening before its date."""

_DAY: Final = timedelta(days=1)
_LOOK_AHEAD_DAYS: Final = 15


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One trading session; all times UTC.

    `halts` are breaks inside [open, close), in order. `note` names a holiday or an early close.
    """

    trade_date: date
    open: datetime
    close: datetime
    halts: tuple[Span, ...] = ()
    note: str = ""


class Calendar(Protocol):
    """When groups of products trade. Every method refuses naive times with `ValueError`."""

    @property
    def name(self) -> str:
        """What to call it on screen: `CME`, `DEMO 24/7`."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which traders read its clock."""

    def is_open(self, group: ProductGroup, time: datetime) -> bool:
        """Whether the group trades at that moment; well below a microsecond, it is on the order road."""

    def session_at(self, group: ProductGroup, time: datetime) -> Session | None:
        """The session that contains the moment, breaks inside it included; None between sessions."""

    def next_change(self, group: ProductGroup, time: datetime) -> datetime | None:
        """When `is_open` next changes (UTC), breaks included; None if it never does."""

    def trading_day(self, group: ProductGroup, time: datetime) -> date:
        """Trade date of the trading day that contains the moment, or of the last one before it."""

    def day_start(self, group: ProductGroup, time: datetime) -> datetime:
        """Start (UTC) of that trading day: 17:00 Chicago, from which the day's P&L counts."""

    def sessions(self, group: ProductGroup, first: date, last: date) -> tuple[Session, ...]:
        """Sessions with trade dates from `first` to `last`, both included, oldest first."""


def load_calendar(name: str, override: Path | None = None) -> Calendar:
    """The calendar `cme` or `continuous`; `override` is a local file laid over the shipped CME hours.

    Raises:
        ConfigError: no such calendar, or the local file is wrong.
    """
    match name:
        case "cme":
            return CmeCalendar(load_hours(override))
        case "continuous":
            return ContinuousCalendar()
        case _:
            raise ConfigError(f"'{name}' is not a calendar: expected cme or continuous")


class ContinuousCalendar:
    """The demo market: always open, every day a trading day that begins at 17:00 Chicago."""

    name: Final = "DEMO 24/7"
    zone: Final = CHICAGO

    def is_open(self, group: ProductGroup, time: datetime) -> bool:
        _require_aware(time)
        return True

    def session_at(self, group: ProductGroup, time: datetime) -> Session:
        return _whole_day(_roll_date(time))

    def next_change(self, group: ProductGroup, time: datetime) -> None:
        _require_aware(time)

    def trading_day(self, group: ProductGroup, time: datetime) -> date:
        return _roll_date(time)

    def day_start(self, group: ProductGroup, time: datetime) -> datetime:
        return _utc(_roll_date(time) - _DAY, ROLL)

    def sessions(self, group: ProductGroup, first: date, last: date) -> tuple[Session, ...]:
        return tuple(_whole_day(day) for day in _days(first, last))


class _Stretch(msgspec.Struct, frozen=True, gc=False):
    """A stretch of time [start, end) without a change; `end` is None if no session follows for days."""

    start: datetime
    end: datetime | None
    is_open: bool
    session: Session | None


class CmeCalendar:
    """Product groups of CME Globex: weekly hours, breaks, holidays and early closes from a table.

    After the last day of the table the weekly hours go on, and sessions say so in their note.
    """

    name: Final = "CME"
    zone: Final = CHICAGO

    def __init__(self, table: HoursTable) -> None:
        self._table = table
        self._hours: dict[ProductGroup, tuple[Hours, ...]] = {
            group: tuple(row for row in table.hours if group in row.groups) for group in ProductGroup
        }
        self._sessions: dict[tuple[ProductGroup, date], Session | None] = {}
        self._present: dict[ProductGroup, _Stretch] = {}

    def is_open(self, group: ProductGroup, time: datetime) -> bool:
        return self._stretch(group, time).is_open

    def session_at(self, group: ProductGroup, time: datetime) -> Session | None:
        return self._stretch(group, time).session

    def next_change(self, group: ProductGroup, time: datetime) -> datetime | None:
        stretch = self._stretch(group, time)
        was_open, end = stretch.is_open, stretch.end
        while end is not None:
            stretch = self._find(group, end)
            if stretch.is_open != was_open:
                return end
            end = stretch.end
        return None

    def trading_day(self, group: ProductGroup, time: datetime) -> date:
        session = self._stretch(group, time).session
        if session is not None:
            return session.trade_date
        rolled = _roll_date(time)
        for back in range(_LOOK_AHEAD_DAYS):
            day = rolled - back * _DAY
            if self._session(group, day) is not None:
                return day
        return rolled

    def day_start(self, group: ProductGroup, time: datetime) -> datetime:
        day = self.trading_day(group, time)
        start = _utc(day - _DAY, ROLL)
        session = self._session(group, day)
        return start if session is None else min(start, session.open)

    def sessions(self, group: ProductGroup, first: date, last: date) -> tuple[Session, ...]:
        found = (self._session(group, day) for day in _days(first, last))
        return tuple(session for session in found if session is not None)

    def _stretch(self, group: ProductGroup, time: datetime) -> _Stretch:
        _require_aware(time)
        known = self._present.get(group)
        if known is not None and known.end is not None and known.start <= time < known.end:
            return known
        found = self._present[group] = self._find(group, time)
        return found

    def _find(self, group: ProductGroup, time: datetime) -> _Stretch:
        """The stretch from `time` to the next edge of a session or break."""
        today = time.astimezone(CHICAGO).date()
        for day in _days(today, today + _LOOK_AHEAD_DAYS * _DAY):
            session = self._session(group, day)
            if session is None or session.close <= time:
                continue
            if time < session.open:
                return _Stretch(time, session.open, False, None)
            return _inside(session, time)
        return _Stretch(time, None, False, None)

    def _session(self, group: ProductGroup, day: date) -> Session | None:
        key = (group, day)
        if key not in self._sessions:
            self._sessions[key] = self._build(group, day)
        return self._sessions[key]

    def _build(self, group: ProductGroup, day: date) -> Session | None:
        rows = [row for row in self._hours[group] if row.since <= day and day.isoweekday() in row.weekdays]
        if not rows:
            return None
        hours = rows[-1]
        opens, closes = _utc(day - hours.days_before * _DAY, hours.open), _utc(day, hours.close)
        note = ""
        special = self._table.days.get(day)
        if special is not None:
            pattern = self._table.patterns[special.pattern]
            if group in pattern.closed:
                return None
            if group in pattern.open:
                opens, note = _utc(day, pattern.open[group]), special.note
            if group in pattern.close:
                closes, note = _utc(day, pattern.close[group]), special.note
        elif day > self._table.last:
            note = f"holidays after {self._table.last:%Y-%m-%d} are not known"
        halts = (Span(_utc(day, start), _utc(day, end)) for start, end in hours.halts)
        inside = tuple(halt for halt in halts if opens < halt.start and halt.end < closes)
        return Session(trade_date=day, open=opens, close=closes, halts=inside, note=note)


def _inside(session: Session, time: datetime) -> _Stretch:
    start = session.open
    for halt in session.halts:
        if time < halt.start:
            return _Stretch(start, halt.start, True, session)
        if time < halt.end:
            return _Stretch(halt.start, halt.end, False, session)
        start = halt.end
    return _Stretch(start, session.close, True, session)


def _whole_day(day: date) -> Session:
    return Session(trade_date=day, open=_utc(day - _DAY, ROLL), close=_utc(day, ROLL))


def _roll_date(moment: datetime) -> date:
    """The date of the 17:00-to-17:00 day in Chicago that contains a moment."""
    _require_aware(moment)
    local = moment.astimezone(CHICAGO)
    return local.date() + _DAY if local.time() >= ROLL else local.date()


def _utc(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, CHICAGO).astimezone(UTC)


def _days(first: date, last: date) -> Iterator[date]:
    return (date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1))


def _require_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: times must be aware")
