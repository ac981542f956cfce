"""Bars in whole ticks, as the exchange's markets compute with them."""

from array import array
from bisect import bisect_left
from typing import NamedTuple, Self


class Candle(NamedTuple):
    """One bar: `start` and `end` in microseconds since the epoch, prices in ticks, volume in contracts."""

    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class TickBars:
    """Columns of bars, oldest first: `time` is the start in seconds since the epoch, prices are in ticks."""

    __slots__ = ("close", "high", "low", "open", "time", "volume")

    def __init__(
        self,
        time: "array[int]",
        open_: "array[int]",
        high: "array[int]",
        low: "array[int]",
        close: "array[int]",
        volume: "array[int]",
    ) -> None:
        self.time, self.open, self.high = time, open_, high
        self.low, self.close, self.volume = low, close, volume

    @classmethod
    def empty(cls) -> Self:
        return cls(*(array("q") for _ in range(6)))

    def __len__(self) -> int:
        return len(self.time)

    def append(self, time: int, open_: int, high: int, low: int, close: int, volume: int) -> None:
        self.time.append(time)
        self.open.append(open_)
        self.high.append(high)
        self.low.append(low)
        self.close.append(close)
        self.volume.append(volume)

    def extend(self, other: "TickBars") -> None:
        self.time.extend(other.time)
        self.open.extend(other.open)
        self.high.extend(other.high)
        self.low.extend(other.low)
        self.close.extend(other.close)
        self.volume.extend(other.volume)

    def between(self, start: int, end: int) -> "TickBars":
        """A copy of the bars that start within [start, end), in seconds."""
        first = bisect_left(self.time, start)
        last = bisect_left(self.time, end, lo=first)
        return TickBars(
            self.time[first:last],
            self.open[first:last],
            self.high[first:last],
            self.low[first:last],
            self.close[first:last],
            self.volume[first:last],
        )

    def candle(self, index: int, length: int) -> Candle:
        """One bar that lasts `length` seconds."""
        start = self.time[index]
        return Candle(
            start * 1_000_000,
            (start + length) * 1_000_000,
            self.open[index],
            self.high[index],
            self.low[index],
            self.close[index],
            self.volume[index],
        )
