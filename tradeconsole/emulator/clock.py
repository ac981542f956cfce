"""The emulator's time: the machine's own, or a replay's, at any speed, and it can be frozen and stepped."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class GatewayClock:
    """Aware UTC time that never runs backwards.

    Args:
        start: time shown at first; None follows the machine's clock.
        speed: emulated seconds per real second.
        frozen: stands at its start until it is stepped or resumed.
        source: seconds that drive it. `time.time` lets a market go on while the machine sleeps,
            `time.monotonic` lets a replay pause with it.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        frozen: bool = False,
        source: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._speed = speed
        self._anchor = (start or datetime.fromtimestamp(source(), UTC), source())
        self._latest = self._anchor[0]
        self._frozen = frozen
        self._skew = timedelta(0)

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def is_frozen(self) -> bool:
        return self._frozen

    def now(self) -> datetime:
        """The emulated time."""
        if not self._frozen:
            shown, since = self._anchor
            passed = (self._source() - since) * self._speed
            self._latest = max(self._latest, shown + timedelta(seconds=passed))
        return self._latest

    def seconds_until(self, moment: datetime) -> float | None:
        """Real seconds until the clock shows a moment (0 when it has passed); None while frozen."""
        if self._frozen:
            return None
        if moment <= self.now():
            return 0.0
        shown, since = self._anchor
        return max(0.0, (moment - shown).total_seconds() / self._speed - (self._source() - since))

    def freeze(self) -> None:
        """Stop at the present moment."""
        self.now()
        self._frozen = True

    def resume(self) -> None:
        """Run on from where the clock stands."""
        self._anchor = (self._latest, self._source())
        self._frozen = False

    def step(self, by: timedelta) -> datetime:
        """Move forward, frozen or not, and return the new time.

        Raises:
            ValueError: a step back.
        """
        if by < timedelta(0):
            raise ValueError("the clock cannot step back")
        self.skip_to(self.now() + by)
        return self._latest

    def skip_to(self, moment: datetime) -> None:
        """Jump to a later moment and run on from there; an earlier one changes nothing."""
        if moment > self.now():
            self._latest = moment
            self._anchor = (moment, self._source())

    def skew(self, by: timedelta) -> None:
        """Be so much ahead of what drives it, or behind: then it stands until that is true.

        Raises:
            ValueError: back, while it is frozen.
        """
        if self._frozen and by < self._skew:
            raise ValueError("a frozen clock cannot fall behind")
        by, self._skew = by - self._skew, by
        if by > timedelta(0):
            self.skip_to(self.now() + by)
        else:
            self.now()
            shown, since = self._anchor
            self._anchor = (shown + by, since)

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on.

        Raises:
            ValueError: not above zero.
        """
        if speed <= 0:
            raise ValueError("the speed must be above zero")
        self.now()
        self._anchor = (self._latest, self._source())
        self._speed = speed
