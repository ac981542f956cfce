"""Bars from prints, as they happen. Pure: time comes from the prints and from the caller."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Bar, BarUnit, Tick, Timeframe
from tradeconsole.domain.sessions import Calendar


def bar_start(time: datetime, timeframe: Timeframe, calendar: Calendar, group: ProductGroup) -> datetime:
    """Start of the bar that contains a time.

    Intraday bars are aligned to the epoch, which for whole hours is also Chicago's clock; days, weeks and months
    start with the trading day (17:00 Chicago), weeks with the one of Monday's trade date, months with their first
    (unverified: one source for days, none for weeks and months).
    """
    if timeframe.is_intraday:
        length = timeframe.seconds
        return datetime.fromtimestamp(int(time.timestamp()) // length * length, UTC)
    start = calendar.day_start(group, time)
    if timeframe.unit is BarUnit.DAY:
        return start
    date = calendar.trading_day(group, time)
    if timeframe.unit is BarUnit.WEEK:
        return start - timedelta(days=date.weekday())
    sessions = calendar.sessions(group, date.replace(day=1), date)
    return calendar.day_start(group, sessions[0].open) if sessions else start


class BarBuilder:
    """One bar after another out of prints.

    `start_of` maps a time to the start of its bar. Prints older than the bar in the making are counted as
    late and left out: history, fetched after each close, has the truth.
    """

    def __init__(self, start_of: Callable[[datetime], datetime]) -> None:
        self._start_of = start_of
        self._bar: Bar | None = None
        self._seeded_until: datetime | None = None
        self._next: datetime | None = None
        self.late = 0

    @property
    def bar(self) -> Bar | None:
        """The bar in the making."""
        return self._bar

    def seed(self, bar: Bar, until: datetime) -> None:
        """Start with what history knows of the present bar; prints before `until` are in it already."""
        self._bar, self._seeded_until, self._next = bar, until, None

    def add(self, tick: Tick) -> Bar | None:
        """Count a print; returns the bar that it closed, if it opened a new one."""
        if self._seeded_until is not None:
            if tick.time < self._seeded_until:
                return None
            self._seeded_until = None
        bar = self._bar
        if bar is not None and bar.time <= tick.time and self._is_same(bar, tick.time):
            price = tick.price
            self._bar = Bar(
                bar.time,
                bar.open,
                max(bar.high, price),
                min(bar.low, price),
                price,
                bar.volume + tick.size,
            )
            return None
        start = self._start_of(tick.time)
        if bar is not None and start < bar.time:
            self.late += 1
            return None
        self._bar = Bar(start, tick.price, tick.price, tick.price, tick.price, tick.size)
        self._next = None
        return bar

    def _is_same(self, bar: Bar, time: datetime) -> bool:
        # the end of the bar is not known in closed form for days, so the last time seen inside it is kept
        if self._next is not None and time <= self._next:
            return True
        if self._start_of(time) != bar.time:
            return False
        self._next = time
        return True


def combine(bars: list[Bar], start: datetime) -> Bar | None:
    """Several bars as one that starts at `start`; None of none."""
    if not bars:
        return None
    return Bar(
        start,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum(bar.volume for bar in bars),
    )
