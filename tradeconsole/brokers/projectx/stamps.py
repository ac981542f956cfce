"""The venue's clock, as its own stamps show it; a replayed market lives in another year."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

_STEP: Final = timedelta(milliseconds=250)


class VenueStamps:
    """Passes on times that tell what time it is at the venue.

    An HTTP answer is stamped when it is sent: its time always counts. A market event may be old, as the first
    quote on a weekend is: its time counts only when it is later than everything heard before.
    """

    def __init__(self, observe_time: Callable[[datetime], None]) -> None:
        self._observe_time = observe_time
        self._newest: datetime | None = None

    def answered(self, stamp: datetime) -> None:
        """An HTTP answer carried this time."""
        self._newest = stamp
        self._observe_time(stamp)

    def happened(self, stamp: datetime) -> None:
        """A market event carried this time."""
        if self._newest is not None and stamp - self._newest >= _STEP:
            self.answered(stamp)
