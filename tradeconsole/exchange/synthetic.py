"""A seeded market: minute bars as a pure function of seed, contract and time, made a day at a time.

Prices follow random bridges from two months down to a minute: Brownian between anchors that lie around the product's
price, so that it wanders as a market does and never drifts away. A day's minutes share its variance as busy and
quiet hours do, with fat tails, days that are livelier than others, and half hours that trend or revert. What
happens inside a minute comes from `path`.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from math import exp, sqrt
from random import Random
from typing import Final

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import BarUnit
from tradeconsole.exchange.candle import Candle, TickBars
from tradeconsole.exchange.catalogue import Catalogue, Contract, Product
from tradeconsole.exchange.days import from_us
from tradeconsole.exchange.shape import MINUTES, chicago_offset, shape, shocks, surges, waits

IsOpen = Callable[[ProductGroup, datetime], bool]
"""Whether a group trades at an aware time."""

_DAY: Final = 86_400
_SLOT: Final = 5  # sessions begin and end on whole five minutes
_BLOCK: Final = 64  # days between two anchors of the price
_WANDER: Final = 4.0  # daily deviations that anchors lie around the product's price
_TREND: Final = (-0.25, -0.1, 0.0, 0.0, 0.1, 0.3)  # what a minute keeps of the one before, by half hours
_PRINTS_PER_MINUTE: Final = 240
_LONGEST_CLOSE: Final = 15  # days to look for the next bar
_CACHED_DAYS: Final = 1024
_DEPTH_DAYS: Final = {
    BarUnit.SECOND: 2,
    BarUnit.MINUTE: 63,
    BarUnit.HOUR: 366,
    BarUnit.DAY: 366,
    BarUnit.WEEK: 366,
}


class SyntheticSource:
    """Minute bars of every product of the catalogue.

    Args:
        seed: the same seed gives the same market.
        is_open: when a group trades; None: always.
        volatility: scales every move; 0 is a market that stands still.
        activity: scales the number of prints and quotes, on average about 4 and 6 a second at 1.
    """

    length = 60

    def __init__(
        self,
        catalogue: Catalogue,
        seed: int,
        *,
        is_open: IsOpen | None = None,
        volatility: float = 1.0,
        activity: float = 1.0,
    ) -> None:
        self._catalogue = catalogue
        self._seed = seed
        self._is_open = is_open
        self._volatility = volatility
        self._activity = activity
        self._day = lru_cache(maxsize=_CACHED_DAYS)(self._make_day)
        self._level = lru_cache(maxsize=_CACHED_DAYS)(self._make_level)

    def serves(self, contract: Contract) -> bool:
        return contract.month.letter in contract.product.months

    def is_open(self, contract: Contract, time: int) -> bool:
        return self._open(contract.product.group, time)

    def bars(self, contract: Contract, start: int, end: int) -> TickBars:
        bars = TickBars.empty()
        for day in range(start // _DAY, -(-end // _DAY)):
            whole = self._day(contract.product.symbol, day)
            inside = start <= day * _DAY and (day + 1) * _DAY <= end
            bars.extend(whole if inside else whole.between(start, end))
        return bars

    def next_start(self, contract: Contract, time: int) -> int | None:
        for day in range(time // _DAY, time // _DAY + _LONGEST_CLOSE):
            starts = self._day(contract.product.symbol, day).time
            index = bisect_left(starts, time)
            if index < len(starts):
                return starts[index]
        return None

    def previous_close(self, contract: Contract, time: int) -> tuple[int, int] | None:
        for day in range(time // _DAY, time // _DAY - _LONGEST_CLOSE, -1):
            bars = self._day(contract.product.symbol, day)
            index = bisect_left(bars.time, time) - 1
            if index >= 0:
                return bars.time[index], bars.close[index]
        return None

    def prints(self, contract: Contract, candle: Candle) -> int:
        day, minute = divmod(candle.start // 60_000_000, MINUTES)
        share = shape(contract.product.group, chicago_offset(day)).volume[minute]
        busyness = min(2.5, max(0.3, sqrt(share * MINUTES)))
        return max(4, round(_PRINTS_PER_MINUTE * self._activity * busyness))

    def first_start(self, contract: Contract, unit: BarUnit, now: int) -> int:
        return now - _DEPTH_DAYS[unit] * _DAY

    def _open(self, group: ProductGroup, time: int) -> bool:
        return self._is_open is None or self._is_open(group, from_us(time * 1_000_000))

    def _make_day(self, symbol: str, day: int) -> TickBars:
        product = self._catalogue.product(symbol)
        leader = self._catalogue.product(product.follows) if product.follows else product
        form = shape(product.group, chicago_offset(day))
        rng = Random(f"{self._seed}/{leader.symbol}/{day}")  # noqa: S311 - a market, not a secret
        mood = exp(rng.gauss(0.0, 0.25))
        deviation = self._deviation(leader) * mood / product.tick_float
        first = self._level(leader.symbol, self._business_day(day)) / product.tick_float
        last = self._level(leader.symbol, self._business_day(day + 1)) / product.tick_float
        draws = array("H", rng.randbytes(6 * MINUTES))
        table = shocks()
        news = [table[draw >> 4] for draw in draws[:MINUTES]]
        steps = _steps(news, [deviation * share for share in form.deviation], rng)
        gap = last - first - sum(steps)
        closes = [
            round(first + walked + gap * elapsed)
            for walked, elapsed in zip(accumulate(steps), form.elapsed, strict=True)
        ]
        volume = product.volume * mood
        bars = _bars(
            day * _DAY,
            round(first),
            closes,
            [deviation * deviation * share for share in form.variance],
            [
                volume * share * (0.4 + 0.75 * abs(shock))
                for share, shock in zip(form.volume, news, strict=True)
            ],
            draws[MINUTES : 2 * MINUTES],
            draws[2 * MINUTES :],
        )
        return self._traded(bars, product.group, day)

    def _traded(self, bars: TickBars, group: ProductGroup, day: int) -> TickBars:
        """Only the minutes in which the market is open and something trades."""
        slots = [self._open(group, day * _DAY + slot * _SLOT * 60) for slot in range(MINUTES // _SLOT)]
        if all(slots) and min(bars.volume) > 0:
            return bars
        kept = TickBars.empty()
        for index, volume in enumerate(bars.volume):
            if volume > 0 and slots[index // _SLOT]:
                kept.append(
                    bars.time[index],
                    bars.open[index],
                    bars.high[index],
                    bars.low[index],
                    bars.close[index],
                    volume,
                )
        return kept

    def _business_day(self, day: int) -> int:
        """Count of days in which the price moves: where there are sessions, not those of weekends."""
        if self._is_open is None:
            return day
        weeks, weekday = divmod(day + 3, 7)
        return weeks * 5 + min(weekday, 5)

    def _deviation(self, leader: Product) -> float:
        """Standard deviation of a day, in price."""
        return leader.price * leader.volatility / 100 * self._volatility

    def _make_level(self, symbol: str, day: int) -> float:
        """Price at the start of a day: an anchor, or the middle of a bridge between two known days."""
        product = self._catalogue.product(symbol)
        chance = Random(f"{self._seed}/{symbol}/level/{day}").gauss(0.0, 1.0)  # noqa: S311 - a market
        if day % _BLOCK == 0:
            return product.price + chance * self._deviation(product) * _WANDER
        half = day & -day
        middle = (self._level(symbol, day - half) + self._level(symbol, day + half)) / 2
        return middle + chance * self._deviation(product) * sqrt(half / 2)


def _steps(news: list[float], deviations: list[float], rng: Random) -> list[float]:
    """Moves of each minute: its news, and in trending half hours some of the minute before, in others against it."""
    memory = [rng.choice(_TREND) for _ in range(MINUTES // 30)]
    before = [0.0, *news[:-1]]
    return [
        deviation * (now + memory[index // 30] * earlier)
        for index, (deviation, now, earlier) in enumerate(zip(deviations, news, before, strict=True))
    ]


def _bars(
    start: int,
    previous: int,
    closes: list[int],
    variances: list[float],
    volumes: list[float],
    highs: "array[int]",
    lows: "array[int]",
) -> TickBars:
    """Whole bars around a day's closes.

    A bar opens at the close before it, at times a tick away; its extremes are those of a Brownian bridge from
    open to close: (|c − o| + √((c − o)² + 2σ²·E)) / 2 beyond, E exponential.
    """
    wait, surge = waits(), surges()
    opens, tops, bottoms = array("q"), array("q"), array("q")
    for close, variance, up, down in zip(closes, variances, highs, lows, strict=True):
        jitter = (up & 15) - 7
        opening = previous + (jitter if variance and -1 <= jitter <= 1 else 0)
        span = abs(close - opening)
        square = span * span
        top, bottom = (opening, close) if opening > close else (close, opening)
        opens.append(opening)
        tops.append(top + int((sqrt(square + variance * wait[up >> 4]) - span) * 0.5))
        bottoms.append(bottom - int((sqrt(square + variance * wait[down >> 4]) - span) * 0.5))
        previous = close
    traded = array(
        "q",
        [
            int(volume * surge[(up ^ down) >> 4])
            for volume, up, down in zip(volumes, highs, lows, strict=True)
        ],
    )
    return TickBars(
        array("q", range(start, start + _DAY, 60)), opens, tops, bottoms, array("q", closes), traded
    )
