"""Whether the engine still turns and the screen keeps up: pure watches over heartbeats and timers."""

SILENT_AFTER = 2.0
"""Seconds without a new engine heartbeat before the header says so; frames bring one every second."""

LATE_AFTER = 0.5
"""Seconds a timer may fire late before the screen admits that it lags."""


class HeartbeatWatch:
    """Measures for how long the engine's heartbeat has stood still; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._beat: int | None = None
        self._since = now

    def observe(self, beat: int, now: float) -> None:
        """Take note of the newest heartbeat count."""
        if beat != self._beat:
            self._beat = beat
            self._since = now

    def silence(self, now: float) -> float | None:
        """Seconds of silence if that is worth saying; None while the engine turns or has not begun."""
        if self._beat is None:
            return None
        quiet = now - self._since
        return quiet if quiet >= SILENT_AFTER else None


class LagWatch:
    """Measures how late a periodic timer fires, which is how far the screen is behind."""

    def __init__(self, period: float, now: float) -> None:
        self._period = period
        self._due = now + period

    def tick(self, now: float) -> float | None:
        """Note that the timer fired; seconds of lag if that is worth saying."""
        late = now - self._due
        self._due = now + self._period
        return late if late >= LATE_AFTER else None
