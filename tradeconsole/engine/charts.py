"""One live chart: closed bars from history, the bar in the making from prints."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from tradeconsole.domain.instruments import Instrument, ProductGroup
from tradeconsole.domain.market import Bar, BarSeries, BarUnit, Span, Tick, Timeframe
from tradeconsole.domain.sessions import Calendar
from tradeconsole.engine.bars import BarBuilder, bar_start, combine
from tradeconsole.engine.history import History

_MINUTE: Final = Timeframe(1, BarUnit.MINUTE)
_SECOND: Final = Timeframe(1, BarUnit.SECOND)
_MOST_DAYS: Final = 366 * 3
SETTLE: Final = timedelta(seconds=1.5)
"""How long after a bar's close the broker's history can be trusted to have it."""


def span_of(bars: int, timeframe: Timeframe, calendar: Calendar, group: ProductGroup, end: datetime) -> Span:
    """The span before `end` in which a market that trades all its sessions makes that many bars."""
    if not timeframe.is_intraday:
        return Span(end - timedelta(seconds=timeframe.seconds * bars * 3 // 2) - timedelta(days=7), end)
    needed = timedelta(seconds=timeframe.seconds * bars)
    day = calendar.trading_day(group, end)
    start = end
    for _ in range(_MOST_DAYS):
        for session in calendar.sessions(group, day, day):
            if session.open < end:
                opened = min(session.close, end) - session.open
                start = max(session.open, session.open + opened - needed)
                needed -= opened
        if needed <= timedelta():
            break
        day -= timedelta(days=1)
    return Span(start, end)


class ChartFeed:
    """Bars of one instrument and timeframe for whoever draws them.

    `series` is the same object until a bar closes or history arrives.
    """

    def __init__(
        self, instrument: Instrument, timeframe: Timeframe, calendar: Calendar, history: History
    ) -> None:
        self.instrument = instrument
        self.timeframe = timeframe
        self.loading = False
        self.complete = False
        self.note = ""
        self._calendar = calendar
        self._history = history
        self._wanted = 0
        self._builder = BarBuilder(self._start_of)
        self._shown: tuple[BarSeries, int, BarSeries] | None = None

    @property
    def live(self) -> Bar | None:
        """The bar in the making."""
        return self._builder.bar

    @property
    def series(self) -> BarSeries:
        """The newest wanted closed bars, oldest first."""
        bars = self._history.in_memory(self.instrument.instrument_id, self.timeframe)
        shown = self._shown
        if shown is None or shown[0] is not bars or shown[1] != self._wanted:
            shown = self._shown = (bars, self._wanted, bars.tail(self._wanted))
        return shown[2]

    def want(self, bars: int) -> bool:
        """Ask for at least that many closed bars; True if more have to be loaded."""
        if bars <= self._wanted or self.complete:
            return False
        self._wanted = bars
        return True

    def add(self, tick: Tick) -> Bar | None:
        """Count a print; returns the bar that it closed."""
        closed = self._builder.add(tick)
        if closed is not None:
            one = BarSeries.from_bars([closed])
            self._history.add_provisional(self.instrument.instrument_id, self.timeframe, one)
        return closed

    async def load(self, now: datetime, on_progress: Callable[[], None]) -> None:
        """Load the wanted bars and seed the bar in the making.

        Raises:
            BrokerError: some of it could not be had.
        """
        self.loading, self.note = True, ""
        wanted, before = self._wanted, self.series
        # the venue needs a moment to finish a bar; one asked for too early would be taken for missing
        end = self._start_of(now - SETTLE)
        try:
            span = span_of(wanted, self.timeframe, self._calendar, self.instrument.group, end)
            await self._history.get(self.instrument.instrument_id, self.timeframe, span, on_progress)
            await self._seed(self._start_of(now), now)
            grown = not before or not self.series or self.series.time[0] < before.time[0]
            self.complete = len(self.series) < wanted and not grown
        finally:
            self.loading = False

    async def refresh(self, closed: datetime, now: datetime) -> None:
        """Replace the bar that started at `closed`, its predecessor and later closed ones by the broker's.

        Raises:
            BrokerError: the broker's bars could not be had.
        """
        span = Span(self._start_of(closed - timedelta(seconds=1)), self._start_of(now))
        if span.start < span.end:
            await self._history.refresh(self.instrument.instrument_id, self.timeframe, span)

    def _start_of(self, time: datetime) -> datetime:
        return bar_start(time, self.timeframe, self._calendar, self.instrument.group)

    async def _seed(self, start: datetime, now: datetime) -> None:
        minute, second = now.replace(second=0, microsecond=0), now.replace(microsecond=0)
        parts: list[Bar] = []
        if self.timeframe.seconds > _MINUTE.seconds and start < minute:
            parts += await self._history.get(self.instrument.instrument_id, _MINUTE, Span(start, minute))
        seconds = Span(max(start, minute), second)
        if seconds.start < seconds.end:
            parts += await self._history.get(self.instrument.instrument_id, _SECOND, seconds)
        live = self._builder.bar
        bar = combine(parts, start)
        if bar is not None and (live is None or live.time <= start):
            self._builder.seed(bar, second)
