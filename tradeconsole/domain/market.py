"""What is observed of a market: quotes, ticks, bars and depth. Prices are floats on the tick grid."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

import msgspec

from tradeconsole.errors import InvalidRequest


class Aggressor(StrEnum):
    """Who crossed the spread."""

    BUY = "buy"
    SELL = "sell"
    NONE = ""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Top of the book and the session's figures; None where the venue has not said yet."""

    instrument_id: str
    time: datetime
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    bid_size: int | None = None
    ask_size: int | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    change: float | None = None
    change_percent: float | None = None
    volume: int | None = None

    @property
    def mid(self) -> float | None:
        if self.bid is None or self.ask is None:
            return self.last
        return (self.bid + self.ask) / 2


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One print on the tape; `size` in contracts."""

    instrument_id: str
    time: datetime
    price: float
    size: int
    aggressor: Aggressor = Aggressor.NONE


class DepthLevel(msgspec.Struct, frozen=True, gc=False):
    price: float
    size: int


class Depth(msgspec.Struct, frozen=True, gc=False):
    """The book, best level first on each side."""

    instrument_id: str
    time: datetime
    bids: tuple[DepthLevel, ...] = ()
    asks: tuple[DepthLevel, ...] = ()


class BarUnit(StrEnum):
    SECOND = "s"
    MINUTE = "m"
    HOUR = "h"
    DAY = "d"
    WEEK = "w"
    MONTH = "mo"


_UNIT_SECONDS = {
    BarUnit.SECOND: 1,
    BarUnit.MINUTE: 60,
    BarUnit.HOUR: 3600,
    BarUnit.DAY: 86_400,
    BarUnit.WEEK: 604_800,
    BarUnit.MONTH: 2_592_000,
}

_TIMEFRAME = re.compile(r"([0-9]{1,5})([a-z]+)")


class Timeframe(msgspec.Struct, frozen=True, gc=False):
    """Length of a bar: `5m`, `1h`, `1d`, `1mo`."""

    count: int
    unit: BarUnit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `15m`.

        Raises:
            InvalidRequest: not a positive number followed by s, m, h, d, w or mo.
        """
        parts = _TIMEFRAME.fullmatch(text.lower())
        if parts is None or int(parts[1]) == 0 or parts[2] not in set(BarUnit):
            raise InvalidRequest(
                f"'{text}' is not a timeframe: expected a number and s, m, h, d, w or mo, such as 5m"
            )
        return cls(int(parts[1]), BarUnit(parts[2]))

    def __str__(self) -> str:
        return f"{self.count}{self.unit.value}"

    @property
    def seconds(self) -> int:
        """Nominal length in seconds; months have 30 days."""
        return self.count * _UNIT_SECONDS[self.unit]

    @property
    def is_intraday(self) -> bool:
        return self.unit in {BarUnit.SECOND, BarUnit.MINUTE, BarUnit.HOUR}


class Bar(msgspec.Struct, frozen=True, gc=False):
    """Prices and volume of one interval; `time` is its start."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: int


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """Half-open interval of time [start, end), both aware UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class BarSeries:
    """Bars of one instrument and timeframe in columns, oldest first, strictly increasing in time.

    `time` holds seconds since the epoch of each bar's start. A series is never changed after it was handed
    out: `merged` and `between` make new ones.
    """

    __slots__ = ("close", "high", "low", "open", "time", "volume")

    def __init__(
        self,
        time: "array[int]",
        open_: "array[float]",
        high: "array[float]",
        low: "array[float]",
        close: "array[float]",
        volume: "array[int]",
    ) -> None:
        self.time, self.open, self.high, self.low, self.close, self.volume = (
            time,
            open_,
            high,
            low,
            close,
            volume,
        )

    @classmethod
    def empty(cls) -> Self:
        return cls(array("q"), array("d"), array("d"), array("d"), array("d"), array("q"))

    @classmethod
    def from_bars(cls, bars: Iterable[Bar]) -> Self:
        """Columns of bars in any order; of two bars with one start the later one wins."""
        by_time = {int(bar.time.timestamp()): bar for bar in bars}
        times = sorted(by_time)
        rows = [by_time[time] for time in times]
        return cls(
            array("q", times),
            array("d", [bar.open for bar in rows]),
            array("d", [bar.high for bar in rows]),
            array("d", [bar.low for bar in rows]),
            array("d", [bar.close for bar in rows]),
            array("q", [bar.volume for bar in rows]),
        )

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[Bar]:
        return (self.bar(index) for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BarSeries):
            return NotImplemented
        return self.columns() == other.columns()

    __hash__ = None  # type: ignore[assignment]

    def columns(
        self,
    ) -> tuple["array[int]", "array[float]", "array[float]", "array[float]", "array[float]", "array[int]"]:
        return self.time, self.open, self.high, self.low, self.close, self.volume

    def bar(self, index: int) -> Bar:
        """The bar at an index; negative indices count from the newest."""
        return Bar(
            datetime.fromtimestamp(self.time[index], UTC),
            self.open[index],
            self.high[index],
            self.low[index],
            self.close[index],
            self.volume[index],
        )

    def slice(self, start: int, stop: int) -> "BarSeries":
        return BarSeries(*(column[start:stop] for column in self.columns()))  # type: ignore[arg-type]

    def between(self, span: Span) -> "BarSeries":
        """Bars that start within [start, end)."""
        first = bisect_left(self.time, span.start.timestamp())
        return self.slice(first, bisect_left(self.time, span.end.timestamp(), lo=first))

    def tail(self, limit: int) -> "BarSeries":
        """The newest `limit` bars."""
        return self if limit >= len(self) else self.slice(len(self) - limit, len(self))

    def merged(self, newer: "BarSeries") -> "BarSeries":
        """Both series in one; where both have a bar, `newer` wins."""
        if not newer:
            return self
        # only where both have bars are they looked at one by one: a refreshed bar must not cost the whole chart
        first = bisect_left(self.time, newer.time[0])
        last = bisect_right(self.time, newer.time[-1])
        if first < last:
            newer = BarSeries.from_bars([*self.slice(first, last), *newer])
        return _joined(_joined(self.slice(0, first), newer), self.slice(last, len(self)))


def _joined(earlier: BarSeries, later: BarSeries) -> BarSeries:
    if not earlier or not later:
        return earlier or later
    return BarSeries(*(a + b for a, b in zip(earlier.columns(), later.columns(), strict=True)))  # type: ignore[operator]
