"""What time it is at the venue, as its own stamps show it; a replayed market lives in another year."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_STEP: Final = timedelta(milliseconds=250)


class VenueTime:
    """The newest stamp of the venue, and what has passed since.

    An HTTP answer is stamped when it is sent: its time always counts. A market event may be old, as the first
    quote on a weekend is: its time counts only when it is later than everything heard before.
    """

    def __init__(self, observe_time: Callable[[datetime], None]) -> None:
        self._observe_time = observe_time
        self._newest: datetime | None = None
        self._heard = 0.0

    def now(self) -> datetime:
        """Aware UTC; this machine's clock until the venue has shown its own."""
        if self._newest is None:
            return datetime.now(UTC)
        return self._newest + timedelta(seconds=time.monotonic() - self._heard)

    def answered(self, stamp: datetime) -> None:
        """An HTTP answer carried this time."""
        self._newest, self._heard = stamp, time.monotonic()
        self._observe_time(stamp)

    def happened(self, stamp: datetime) -> None:
        """A market event carried this time."""
        if self._newest is not None and stamp - self._newest >= _STEP:
            self.answered(stamp)
