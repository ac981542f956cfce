"""The time of a drill: both the desk's clock and the gateway's can be moved on at once, and the desk's be wrong."""

import time
from datetime import UTC, datetime, timedelta

from tradeconsole.engine.clock import VenueClock


class StageClock(VenueClock):
    """The desk's clock.

    Args:
        skew: seconds by which it is ahead of the gateway's (behind, if negative).
    """

    def __init__(self, skew: float = 0.0) -> None:
        super().__init__()
        self._skew = timedelta(seconds=skew)
        self._started = time.monotonic()
        self.skipped = 0.0
        """Seconds that were skipped so far."""

    def now(self) -> datetime:
        return datetime.now(UTC) + self._skew + timedelta(seconds=self.skipped)

    def observe(self, stamp: datetime) -> None:
        self.skew = stamp - self.now()

    def move_on(self, seconds: float) -> None:
        """Skip some time."""
        self.skipped += seconds

    def set_skew(self, seconds: float) -> None:
        """Set the desk's clock anew, so many seconds ahead of the gateway's."""
        self._skew = timedelta(seconds=seconds)

    @property
    def elapsed(self) -> float:
        """Seconds since the drill began, skipped ones included."""
        return time.monotonic() - self._started + self.skipped
