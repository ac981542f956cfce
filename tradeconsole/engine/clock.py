"""The engine's clock: local time, or the venue's where the venue lives in another time (a replay)."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

SAME_TIME: Final = timedelta(minutes=10)
"""Venue and local clock that differ by less are the same time, apart from skew."""


class VenueClock:
    """Aware UTC time at the venue.

    A venue whose stamps lie far from local time (a replayed market) sets the time: its newest stamp, plus what
    has passed here since. Otherwise the local clock is right, and `skew` says how far the venue's differs.
    """

    def __init__(self) -> None:
        self.skew = timedelta()
        self._anchor: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        if self._anchor is None:
            return datetime.now(UTC)
        stamp, at = self._anchor
        return stamp + timedelta(seconds=time.monotonic() - at)

    def monotonic(self) -> float:
        return time.monotonic()

    def observe(self, stamp: datetime) -> None:
        """Take note of a time that the venue wrote on something just received."""
        self.skew = stamp - datetime.now(UTC)
        if abs(self.skew) < SAME_TIME:
            self._anchor = None
        elif self._anchor is None or stamp > self.now() or self.now() - stamp > SAME_TIME:
            self._anchor = (stamp, time.monotonic())

    @property
    def is_elsewhere(self) -> bool:
        """Whether the venue lives in another time than this machine."""
        return self._anchor is not None
