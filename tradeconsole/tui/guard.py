"""Which key presses are deliberate: a key confirms only after the keyboard has rested."""


class KeyGuard:
    """Tells a deliberate key from a repeated, pasted or queued one by the rest before it.

    Args:
        quiet: seconds without any key that must come before a key counts.
        now: monotonic time at which the guard begins; a key pressed before it never counts.
    """

    def __init__(self, quiet: float, now: float) -> None:
        self._quiet = quiet
        self._last = now

    def accepts(self, time: float) -> bool:
        """Note a key pressed at a monotonic time; true if it was deliberate."""
        rested = time - self._last >= self._quiet
        self._last = max(self._last, time)
        return rested
