"""The figures of a session that quotes carry: open, high, low, volume, and the close before it."""

from tradeconsole.exchange.candle import TickBars


class SessionFigures:
    """Running figures of one trading day, prices in ticks.

    Args:
        end: of the trading day, in seconds since the epoch.
        previous_close: last price before the day; None if there was none.
    """

    __slots__ = ("end", "high", "low", "open", "previous_close", "volume")

    def __init__(self, end: int, previous_close: int | None) -> None:
        self.end = end
        self.previous_close = previous_close
        self.open: int | None = None
        self.high = self.low = self.volume = 0

    def add_bars(self, bars: TickBars) -> None:
        """Count whole bars of the day."""
        if bars:
            self._add(bars.open[0], max(bars.high), min(bars.low), sum(bars.volume))

    def add_print(self, price: int, size: int) -> None:
        """Count one print."""
        self._add(price, price, price, size)

    def _add(self, opening: int, high: int, low: int, volume: int) -> None:
        if self.open is None:
            self.open, self.high, self.low = opening, high, low
        else:
            self.high = max(self.high, high)
            self.low = min(self.low, low)
        self.volume += volume
