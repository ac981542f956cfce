"""When a market is busy: how a day's variance and volume spread over its minutes, and the tables of chance."""

from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from math import exp, log, sqrt
from random import Random
from statistics import NormalDist
from typing import Final, NamedTuple

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.sessions import CHICAGO

MINUTES: Final = 1440
TABLE_BITS: Final = 12
_TABLE: Final = 1 << TABLE_BITS

_DAY_SESSION: Final = {
    ProductGroup.EQUITY_INDEX: (510, 900),
    ProductGroup.FX: (440, 840),
    ProductGroup.RATES: (440, 840),
    ProductGroup.ENERGY: (480, 810),
    ProductGroup.METALS: (440, 750),
    ProductGroup.GRAINS: (510, 800),
    ProductGroup.LIVESTOCK: (510, 785),
    ProductGroup.CRYPTO: (510, 900),
}
"""First and last minute of the day session in Chicago, as minutes after midnight."""
_LONDON: Final = 120
_DATA_RELEASE: Final = 450
_BREAK: Final = range(960, 1020)


class Shape(NamedTuple):
    """One entry per minute of a UTC day; `deviation` squared and `volume` sum to 1.

    `elapsed` is the share of the day's variance that lies behind at the end of each minute.
    """

    deviation: list[float]
    variance: list[float]
    elapsed: list[float]
    volume: list[float]


@cache
def shape(group: ProductGroup, offset: int) -> Shape:
    """The shape of a UTC day while Chicago's clock is `offset` minutes ahead of UTC (negative: behind)."""
    intensity = [_intensity(group, (minute + offset) % MINUTES) for minute in range(MINUTES)]
    total = sum(intensity)
    variance = [value / total for value in intensity]
    heavy = [value**1.25 for value in intensity]
    volume_total = sum(heavy)
    return Shape(
        deviation=[sqrt(share) for share in variance],
        variance=variance,
        elapsed=list(accumulate(variance)),
        volume=[value / volume_total for value in heavy],
    )


@cache
def chicago_offset(day: int) -> int:
    """Minutes from UTC to Chicago's clock at noon UTC of a day, counted since the epoch."""
    offset = datetime.fromtimestamp(day * 86_400 + 43_200, UTC).astimezone(CHICAGO).utcoffset()
    return round(offset.total_seconds() / 60) if offset is not None else 0


@cache
def shocks() -> list[float]:
    """Quantiles of a fat-tailed distribution with mean 0 and variance 1: mostly calm, now and then a jump."""
    normal = NormalDist()
    raw = [normal.inv_cdf((index + 0.5) / _TABLE) for index in range(_TABLE)]
    fat = [value * (0.8 + 0.12 * value * value) for value in raw]
    scale = sqrt(sum(value * value for value in fat) / _TABLE)
    return [value / scale for value in fat]


@cache
def waits() -> list[float]:
    """Quantiles of −2·ln(U), with which the extremes of a Brownian bridge are drawn."""
    return [-2.0 * log((index + 0.5) / _TABLE) for index in range(_TABLE)]


@cache
def surges() -> list[float]:
    """Lognormal factors around 1, in no order."""
    normal = NormalDist()
    values = [exp(0.5 * normal.inv_cdf((index + 0.5) / _TABLE) - 0.125) for index in range(_TABLE)]
    Random(0).shuffle(values)  # noqa: S311 - a fixed permutation
    return values


def _intensity(group: ProductGroup, minute: int) -> float:
    opening, closing = _DAY_SESSION[group]
    if minute in _BREAK:
        return 0.06
    night = 0.16 + 0.10 * exp(-(((minute - _LONDON - 60) / 90) ** 2)) + 0.05 * (minute >= 1080)
    if minute < opening:
        release = 0.6 * exp(-(minute - _DATA_RELEASE) / 8) if minute >= _DATA_RELEASE else 0.0
        return night + release + 0.25 * exp(-(opening - minute) / 25)
    if minute >= closing:
        return night + 0.5 * exp(-(minute - closing) / 12)
    middle = (opening + closing) / 2
    bowl = 0.5 * ((minute - middle) / (closing - middle)) ** 2
    return 0.75 + bowl + 1.9 * exp(-(minute - opening) / 18) + 0.9 * exp(-(closing - minute) / 10)
