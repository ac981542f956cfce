"""Which bars a chart shows: zoom levels, bars merged into one column, scrolling that stays on its bar."""

from bisect import bisect_left, bisect_right
from typing import Final

import msgspec

from tradeconsole.domain.market import BarSeries
from tradeconsole.views.models import LiveBar


class Zoom(msgspec.Struct, frozen=True, gc=False):
    """One zoom level: columns per candle with its gap, columns of its body, bars merged into one candle."""

    slot: int
    body: int
    merge: int


ZOOMS: Final = (
    Zoom(1, 1, 20),
    Zoom(1, 1, 10),
    Zoom(1, 1, 5),
    Zoom(1, 1, 2),
    Zoom(1, 1, 1),
    Zoom(2, 1, 1),
    Zoom(4, 3, 1),
    Zoom(6, 5, 1),
)
DEFAULT_ZOOM: Final = 5


class Candle(msgspec.Struct, frozen=True, gc=False):
    """What one column shows: a bar, or several in a row. `time` is its start in seconds since the epoch."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    live: bool = False

    @property
    def rose(self) -> bool:
        """Closed at or above its open."""
        return self.close >= self.open


class Series:
    """Closed bars and the live one as one row of candles, merged by `merge` along fixed borders of time.

    The borders are multiples of `merge × seconds` since the epoch, so that merged candles do not change when
    older bars arrive.
    """

    __slots__ = ("_bars", "_live", "_step")

    def __init__(self, bars: BarSeries, live: LiveBar | None, *, seconds: int, merge: int = 1) -> None:
        if live is not None and len(bars) and int(live.time) < bars.time[-1]:
            live = None
        self._bars, self._live = bars, live
        self._step = seconds * merge if merge > 1 else 0

    @property
    def newest(self) -> int | None:
        """Start of the newest candle; None without any."""
        if self._live is not None:
            return self._border(int(self._live.time))
        return self._border(self._bars.time[-1]) if len(self._bars) else None

    def window(self, end: int | None, count: int) -> list[Candle]:
        """Up to `count` candles, oldest first, the last of them being the one that holds `end`.

        `end` None means the newest; between two bars, the older one.
        """
        candles: list[Candle] = []
        times = self._bars.time
        live = self._live
        stop = len(times)
        if live is not None and (end is None or end >= self._border(int(live.time))):
            start = bisect_left(times, self._border(int(live.time)))
            candles.append(self._candle(start, stop, live))
            stop = start
        elif end is not None:
            stop = self._after(end)
        while stop > 0 and len(candles) < count:
            start = bisect_left(times, self._border(times[stop - 1]), 0, stop)
            candles.append(self._candle(start, stop, None))
            stop = start
        candles.reverse()
        return candles

    def older_than(self, time: int) -> int:
        """Closed bars before a time: how far the user can still scroll without asking for more."""
        return bisect_left(self._bars.time, time)

    def scrolled(self, end: int | None, by: int, room: int) -> int | None:
        """The window's end after scrolling `by` candles, negative to older ones; None once it follows the newest.

        Stops where the oldest candle would leave the left edge of a picture with `room` candles.
        """
        if by < 0:
            older = self.window(end, 1 - by)
            if not older:
                return None
            end = older[0].time
            if (held := len(self.window(end, room))) < room:
                return self._forward(end, room - held)
            return end
        return None if end is None else self._forward(end, by)

    def stepped(self, time: int, by: int) -> int:
        """Start of the candle that is `by` candles from the one that holds a time, as far as there are any."""
        if by > 0:
            ahead = self._forward(time, by)
            return ahead if ahead is not None else self.newest or time
        back = self.window(time, 1 - by)
        return back[0].time if back else time

    def _forward(self, end: int, by: int) -> int | None:
        times, newest = self._bars.time, self.newest
        for _ in range(by):
            index = self._after(end)
            if index >= len(times):
                return None
            end = self._border(times[index])
        return None if newest is None or end >= newest else end

    def _after(self, time: int) -> int:
        """Index of the first closed bar after the candle that holds a time."""
        if self._step:
            return bisect_left(self._bars.time, self._border(time) + self._step)
        return bisect_right(self._bars.time, time)

    def _border(self, time: int) -> int:
        return time // self._step * self._step if self._step else time

    def _candle(self, start: int, stop: int, live: LiveBar | None) -> Candle:
        bars = self._bars
        if live is not None and stop > start and bars.time[stop - 1] == int(live.time):
            stop -= 1
        if stop - start == 1 and live is None:
            return Candle(
                self._border(bars.time[start]),
                bars.open[start],
                bars.high[start],
                bars.low[start],
                bars.close[start],
                bars.volume[start],
            )
        highs, lows = list(bars.high[start:stop]), list(bars.low[start:stop])
        volume = sum(bars.volume[start:stop])
        if live is not None:
            highs.append(live.high)
            lows.append(live.low)
            volume += live.volume
        closed = stop > start
        first = bars.time[start] if closed or live is None else int(live.time)
        return Candle(
            self._border(first),
            bars.open[start] if closed or live is None else live.open,
            max(highs),
            min(lows),
            bars.close[stop - 1] if live is None else live.close,
            volume,
            live is not None,
        )
