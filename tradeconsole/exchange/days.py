"""Buckets of time: the trading day and week of Chicago, and the interval that a bar belongs to."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from tradeconsole.domain.market import BarUnit, Timeframe
from tradeconsole.domain.sessions import CHICAGO

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_OPENING_HOUR: Final = 17
"""Trading days begin at 17:00 in Chicago, on the evening before."""


def to_us(time: datetime) -> int:
    """Microseconds since the epoch.

    Raises:
        TypeError: the time is naive.
    """
    return (time - EPOCH) // _MICROSECOND


def from_us(time: int) -> datetime:
    """An aware UTC time from microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=time)


def day_start(time: int) -> int:
    """Start of the trading day that contains a moment; both in seconds since the epoch."""
    return _day(time // 3600)[0]


def day_end(time: int) -> int:
    """End of the trading day that contains a moment; both in seconds since the epoch."""
    return _day(time // 3600)[1]


def week_start(time: int) -> int:
    """Start of the trading week (Sunday 17:00 in Chicago) that contains a moment, in seconds since the epoch."""
    local = datetime.fromtimestamp(day_start(time), CHICAGO)
    sunday = local - timedelta(days=(local.weekday() + 1) % 7)
    return int(sunday.timestamp())


def bucket_start(time: int, timeframe: Timeframe) -> int:
    """Start of the bar that contains a moment, in seconds since the epoch.

    Intraday bars count from the epoch, that is from midnight UTC; several days or weeks from its first one.
    """
    if timeframe.is_intraday:
        return time - time % timeframe.seconds
    start, length = (day_start, 86_400) if timeframe.unit is BarUnit.DAY else (week_start, 604_800)
    first = start(time)
    surplus = round((first - start(length)) / length) % timeframe.count
    return start(first - surplus * length + length // 2) if surplus else first


def bucket_end(start: int, timeframe: Timeframe) -> int:
    """End of the bar that starts then, in seconds since the epoch."""
    if timeframe.is_intraday:
        return start + timeframe.seconds
    # half a day further, so that an hour more or less of daylight saving cannot matter
    return bucket_start(start + timeframe.seconds + 43_200, timeframe)


@lru_cache(maxsize=4096)
def _day(hour: int) -> tuple[int, int]:
    local = datetime.fromtimestamp(hour * 3600, CHICAGO)
    opening = local.replace(hour=_OPENING_HOUR, minute=0)
    if local.hour < _OPENING_HOUR:
        opening -= timedelta(days=1)
    return int(opening.timestamp()), int((opening + timedelta(days=1)).timestamp())
