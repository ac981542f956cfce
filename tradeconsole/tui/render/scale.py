"""Axes: prices to rows in half cells with labels on the tick grid, times to columns with labels at round times."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from tradeconsole.domain.sessions import ROLL
from tradeconsole.tui.render.numbers import local_time

_NICE = (1.0, 2.0, 2.5, 5.0)
_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720)
DAY = 86_400
_SESSION_LEAD = timedelta(hours=24 - ROLL.hour)  # a trading day begins in the evening before


class PriceScale(msgspec.Struct, frozen=True, gc=False):
    """Prices from `high` at the top to `low` at the bottom over `rows` cells, two steps per cell."""

    low: float
    high: float
    rows: int

    def half(self, price: float) -> int:
        """Half cells below the top edge; outside 0 … 2·rows − 1 the price is off the picture."""
        return round((self.high - price) / (self.high - self.low) * (2 * self.rows - 1))

    def row(self, price: float) -> int:
        """The cell row of a price."""
        return self.half(price) // 2

    def price(self, row: int) -> float:
        """The price in the middle of a cell row."""
        return self.high - (2 * row + 0.5) / max(2 * self.rows - 1, 1) * (self.high - self.low)

    def shows(self, price: float) -> bool:
        return self.low <= price <= self.high


def fit_prices(low: float, high: float, rows: int, tick: float) -> PriceScale:
    """A scale that holds a range of prices, widened to round prices so that it rests while they move a little."""
    span = max(high - low, 4 * tick)
    middle = (high + low) / 2
    low, high = min(low, middle - span / 2), max(high, middle + span / 2)
    step = label_step(span, 4 * rows, tick)
    bottom = _floor(low - tick / 2, step)
    top = -_floor(-(high + tick / 2), step)
    return PriceScale(bottom, top, rows)


def label_step(span: float, rows: int, tick: float) -> float:
    """Distance between price labels: a round number of ticks that leaves at least four rows between two labels."""
    wanted = span / max(rows / 4, 1)
    return next(step for step in _steps(tick) if step >= wanted * 0.999)


def price_labels(scale: PriceScale, tick: float, decimals: int) -> list[tuple[int, float]]:
    """Rows of the price axis that carry a label, top first, with prices exactly on the tick grid."""
    step = label_step(scale.high - scale.low, scale.rows, tick)
    labels = []
    count = int(_floor(scale.high, step) / step + 0.5)
    while (value := round(count * step, decimals)) >= scale.low:
        if (row := scale.row(value)) < scale.rows:
            labels.append((row, value))
        count -= 1
    return labels


def _steps(tick: float) -> Iterator[float]:
    """Round steps that are whole ticks, rising: decimal ones on a decimal grid, powers of two below a point else."""
    if not _is_round(tick):
        step = tick
        while step < 1:
            yield step
            step *= 2
    exponent = math.floor(math.log10(tick) + 1e-9)
    while True:
        for nice in _NICE:
            step = nice * 10.0**exponent
            if step >= tick * 0.999 and abs(step / tick - round(step / tick)) < 1e-6:
                yield step
        exponent += 1


def _is_round(tick: float) -> bool:
    exponent = math.floor(math.log10(tick) + 1e-9)
    return any(abs(tick / (nice * 10.0**exponent) - 1) < 1e-9 for nice in _NICE)


def _floor(value: float, step: float) -> float:
    return math.floor(value / step + 1e-9) * step


class TimeMark(NamedTuple):
    """A label under the chart; `boundary` marks the first bar of a trading day, a month or a year."""

    bar: int
    text: str
    boundary: bool


def time_marks(times: Sequence[int], seconds: int, slot: int, zone: tzinfo) -> list[TimeMark]:
    """Labels for bars that start at `times` (seconds since the epoch), at most one per bar, not yet thinned.

    Args:
        seconds: length of a bar.
        slot: columns per bar.
        zone: the exchange's zone, in which trading days roll and hours are round.
    """
    if not times:
        return []
    if seconds >= DAY:
        return _date_marks([trading_day(time, zone) for time in times])
    local = [local_time(time, zone) for time in times]
    bars_apart = max(9 // slot, 1)
    step = next((m for m in _MINUTES if m * 60 >= seconds * bars_apart), _MINUTES[-1])
    days = [time.toordinal() + (time.hour >= ROLL.hour) for time in local]
    marks = []
    for index in range(1, len(local)):
        now, before = local[index], local[index - 1]
        if days[index] != days[index - 1]:
            marks.append(TimeMark(index, _day_name(days[index]), boundary=True))
        elif (now.hour * 60 + now.minute) // step != (before.hour * 60 + before.minute) // step:
            marks.append(TimeMark(index, now.strftime("%H:%M"), boundary=False))
    if not any(mark.boundary for mark in marks):
        marks.append(TimeMark(0, _day_name(days[0]), boundary=True))
    return marks


def _day_name(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%a %d")


def trading_day(time: float, zone: tzinfo) -> date:
    """The trading day of a daily bar, whether the venue stamps it at the session's start or at midnight."""
    return (local_time(time, zone) + _SESSION_LEAD).date()


def _date_marks(days: Sequence[date]) -> list[TimeMark]:
    marks = []
    for index in range(1, len(days)):
        now, before = days[index], days[index - 1]
        if now.year != before.year:
            marks.append(TimeMark(index, now.strftime("%Y"), boundary=True))
        elif now.month != before.month:
            marks.append(TimeMark(index, now.strftime("%b"), boundary=True))
        elif now.isocalendar().week != before.isocalendar().week:
            marks.append(TimeMark(index, now.strftime("%d"), boundary=False))
    if not any(mark.boundary for mark in marks):
        marks.append(TimeMark(0, days[0].strftime("%b %Y"), boundary=True))
    return marks


def thinned(marks: Sequence[TimeMark], slot: int, width: int) -> list[tuple[int, TimeMark]]:
    """Marks that fit side by side, with the column each begins in; boundaries take their place first."""
    taken: list[tuple[int, int]] = []
    placed = []
    for mark in sorted(marks, key=lambda mark: (not mark.boundary, mark.bar)):
        start = mark.bar * slot
        end = start + len(mark.text)
        if end <= width and all(end + 2 <= left or right + 2 <= start for left, right in taken):
            taken.append((start, end))
            placed.append((start, mark))
    return sorted(placed)
