"""The whole path of one contract's price: any moment and any bar of it, past or to come."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from math import sqrt
from typing import Final
from zlib import crc32

from tradeconsole.exchange.candle import Candle, TickBars
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.days import day_end, day_start
from tradeconsole.exchange.figures import SessionFigures
from tradeconsole.exchange.ladder import LEVELS
from tradeconsole.exchange.market import BarSource
from tradeconsole.exchange.path import Step, closing_quote, walk

Move = tuple[int, int]
"""time (µs) and ticks of a shift of the price that lasts."""

_MICROSECONDS: Final = 1_000_000


class ContractPath:
    """Pure look-ups over a source's bars. A move shifts all that comes after it and shows as a print of one lot.

    Args:
        seed: of the market; with the contract it decides the steps inside the bars.
        moves: in order of time; `move` adds to them.
        levels: of the book per side.
    """

    def __init__(
        self,
        contract: Contract,
        source: BarSource,
        seed: int,
        moves: Iterable[Move] = (),
        *,
        levels: int = LEVELS,
    ) -> None:
        self.levels = levels
        self.contract = contract
        self.source = source
        self.seed = crc32(f"{seed}/{contract.id}".encode())
        self.display = max(2, round(sqrt(contract.product.volume) / 60))
        self.moves: list[Move] = list(moves)

    def move(self, time: int, ticks: int) -> None:
        """Shift the price from a moment on, not before the last move."""
        self.moves.append((time, ticks))

    def candle(self, time: int) -> Candle | None:
        """The bar that contains a moment (µs), else the next one; as the source has it."""
        source = self.source
        start = source.next_start(self.contract, time // _MICROSECONDS - source.length + 1)
        if start is None:
            return None
        return source.bars(self.contract, start, start + 1).candle(0, source.length)

    def extremes(self, candle: Candle) -> tuple[int, int]:
        """Lowest and highest price of one of the source's bars; a little wider where a move came inside it."""
        before, after = self._shift(candle.start), self._shift(candle.end)
        margin = 0 if before == after else 2
        return candle.low + min(before, after) - margin, candle.high + max(before, after) + margin

    def steps(self, candle: Candle) -> Iterator[Step]:
        """The steps of one of the source's bars."""
        opening = self._opening(candle.start)
        last = opening[5] if opening else candle.open
        shift = self._shift(candle.start)
        steps = walk(
            candle,
            self.seed,
            self.source.prints(self.contract, candle),
            self.display,
            last - shift,
        )
        inside = [move for move in self.moves if candle.start <= move[0] < candle.end]
        if not inside and not shift:
            return steps
        return _moved(steps, shift, inside, opening)

    def state(self, time: int) -> Step | None:
        """The last step at or before a moment; None before the first price."""
        candle = self.candle(time)
        if candle is None or candle.start > time:
            return self._opening(time + 1)
        state = None
        for step in self.steps(candle):
            if step[0] > time:
                break
            state = step
        return state or self._opening(candle.start)

    def bars(self, start: int, end: int) -> TickBars:
        """Whole bars of the source's length that start within [start, end), in seconds."""
        bars = self.source.bars(self.contract, start, end)
        if not self.moves:
            return bars
        for index in range(bisect_left(bars.time, self.moves[0][0] // _MICROSECONDS + 1), len(bars)):
            shift = self._shift(bars.time[index] * _MICROSECONDS)
            for column in (bars.open, bars.high, bars.low, bars.close):
                column[index] += shift
        for time, _ in self.moves:
            self._remake(bars, time)
        return bars

    def begun(self, time: int) -> TickBars:
        """What there is at a moment (µs) of the bar that contains it: one bar or none."""
        made = TickBars.empty()
        candle = self.candle(time)
        if candle is not None and candle.start <= time:
            _fold(made, candle.start // _MICROSECONDS, self.steps(candle), time)
        return made

    def fine_bars(self, start: int, end: int, length: int, until: int) -> TickBars:
        """Bars of any length in seconds, made from the prints up to a moment (µs)."""
        made = TickBars.empty()
        raw = self.source.bars(self.contract, start - self.source.length + 1, end)
        for index in range(len(raw)):
            for step in self.steps(raw.candle(index, self.source.length)):
                if step[0] > until:
                    break
                second = step[0] // _MICROSECONDS
                if step[7] and start <= second < end:
                    _count(made, second - second % length, step[5], step[6])
        return made

    def prints(self, start: int, end: int, limit: int, until: int) -> list[Step]:
        """The newest `limit` prints within [start, end) (seconds) and up to a moment (µs), oldest first."""
        raw = self.source.bars(self.contract, start - self.source.length + 1, end)
        found: list[Step] = []
        for index in range(len(raw) - 1, -1, -1):
            inside = [
                step
                for step in self.steps(raw.candle(index, self.source.length))
                if step[7] and start <= step[0] // _MICROSECONDS < end and step[0] <= until
            ]
            found = inside + found
            if len(found) >= limit:
                break
        return found[-limit:]

    def figures(self, time: int) -> SessionFigures:
        """Figures of the trading day that contains a moment (µs), up to and including it."""
        begun = self.begun(time)
        whole_until = time // _MICROSECONDS - self.source.length + 1
        figures = self._figures(time // _MICROSECONDS, begun.time[0] if begun else whole_until)
        figures.add_bars(begun)
        return figures

    def figures_before(self, time: int) -> SessionFigures:
        """Figures of the trading day in which a bar starts (µs), up to that bar."""
        return self._figures(time // _MICROSECONDS, time // _MICROSECONDS)

    def _figures(self, second: int, until: int) -> SessionFigures:
        start = day_start(second)
        before = self._opening(start * _MICROSECONDS)
        figures = SessionFigures(day_end(second), before[5] if before else None)
        figures.add_bars(self.bars(start, until))
        return figures

    def profile(self, time: int) -> dict[int, int]:
        """Volume at each price of the trading day so far; whole bars count as spread evenly over their range."""
        second = time // _MICROSECONDS
        candle = self.candle(time)
        inside = candle is not None and candle.start <= time
        until = candle.start // _MICROSECONDS if candle and inside else second - self.source.length + 1
        volumes: dict[int, int] = {}
        bars = self.bars(day_start(second), until)
        for low, high, volume in zip(bars.low, bars.high, bars.volume, strict=True):
            share, rest = divmod(volume, high - low + 1)
            for price in range(low, high + 1):
                volumes[price] = volumes.get(price, 0) + share + (price - low < rest)
        for step in self.steps(candle) if candle and inside else ():
            if step[0] > time:
                break
            if step[7]:
                volumes[step[5]] = volumes.get(step[5], 0) + step[6]
        return {price: volume for price, volume in volumes.items() if volume}

    def _shift(self, time: int) -> int:
        return sum(ticks for moved_at, ticks in self.moves if moved_at < time)

    def _opening(self, time: int) -> Step | None:
        """What stands before the first step of the bar at a moment: the quote that the bar before left behind."""
        before = self.source.previous_close(self.contract, -(-time // _MICROSECONDS))
        if before is None:
            return None
        start, close = before
        shift = self._shift(time)
        bid, ask = closing_quote(self.seed, start * _MICROSECONDS, close)
        size = self.display
        return time, bid + shift, ask + shift, size, size, close + shift, 0, 0

    def _remake(self, bars: TickBars, time: int) -> None:
        """Compute again the bar within which a move came."""
        index = bisect_left(bars.time, time // _MICROSECONDS + 1) - 1
        if index < 0 or time >= (bars.time[index] + self.source.length) * _MICROSECONDS:
            return
        candle = self.candle(time)
        made = TickBars.empty()
        if candle is not None:
            _fold(made, bars.time[index], self.steps(candle), candle.end)
            bars.open[index], bars.high[index] = made.open[0], made.high[0]
            bars.low[index], bars.close[index] = made.low[0], made.close[0]
            bars.volume[index] = made.volume[0]


def _moved(steps: Iterator[Step], shift: int, moves: list[Move], state: Step | None) -> Iterator[Step]:
    waiting = list(moves)
    for time, bid, ask, bid_size, ask_size, last, size, side in steps:
        while waiting and waiting[0][0] < time:
            yield from (made := _move_steps(waiting[0], state))
            shift += waiting.pop(0)[1]
            state = made[-1] if made else state
        state = (time, bid + shift, ask + shift, bid_size, ask_size, last + shift, size, side)
        yield state
    for move in waiting:
        yield from (made := _move_steps(move, state))
        state = made[-1] if made else state


def _move_steps(move: Move, state: Step | None) -> list[Step]:
    """Quote and print of a move; the print is as far from the last one as the quote moves."""
    if state is None:
        return []
    time, ticks = move
    _, bid, ask, bid_size, ask_size, last, _, _ = state
    side = 1 if last >= ask else -1
    return [
        (time, bid + ticks, ask + ticks, bid_size, ask_size, last, 0, 0),
        (time, bid + ticks, ask + ticks, bid_size, ask_size, last + ticks, 1, side),
    ]


def _fold(bars: TickBars, start: int, steps: Iterable[Step], until: int) -> None:
    """Add the bar that the prints up to a moment make."""
    for step in steps:
        if step[0] > until:
            return
        if step[7]:
            _count(bars, start, step[5], step[6])


def _count(bars: TickBars, start: int, price: int, size: int) -> None:
    if not bars or bars.time[-1] != start:
        bars.append(start, price, price, price, price, size)
        return
    bars.high[-1] = max(bars.high[-1], price)
    bars.low[-1] = min(bars.low[-1], price)
    bars.close[-1] = price
    bars.volume[-1] += size
