"""How long a hub waits before it connects again, and when it stops trying. Pure."""

from typing import Final

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub_connection import HubDenied, HubEnded, HubKicked

_STOPPED: Final = "nothing more is tried until you reconcile"


class Patience:
    """Counts failures, and takeovers by other sessions, of one hub.

    Two programs that both reconnect at once throw each other out for ever. So each takeover is answered with a longer
    pause, and after the last one with none at all: then the user has to ask.
    """

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._failures = 0
        self._kicks = 0
        self._denials = 0

    def reset(self) -> None:
        """The user asked: begin anew."""
        self._failures = self._kicks = self._denials = 0

    def after(self, ended: HubEnded, lasted: float) -> float | None:
        """Seconds until the next attempt, after a connection that lasted so long; None: not before the user asks."""
        timings = self._timings
        if lasted >= timings.stable:
            self._failures = self._denials = 0
        if lasted >= timings.kicked[-1]:
            self._kicks = 0
        match ended:
            case HubKicked():
                self._kicks += 1
                return timings.kicked[self._kicks - 1] if self._kicks <= len(timings.kicked) else None
            case HubDenied():
                self._denials += 1
                return _step(timings.kicked, self._denials - 1)
            case _:
                self._failures += 1
                return _step(timings.reconnect, self._failures - 1)

    def sentence(self, ended: HubEnded, pause: float | None) -> str:
        """What the user is told."""
        if pause is None:
            return f"{ended}; that happened {self._kicks} times, so {_STOPPED}"
        return f"{ended}; {'reconnecting' if pause < 1 else f'trying again in {pause:.0f} s'}"


def _step(pauses: tuple[float, ...], index: int) -> float:
    return pauses[min(index, len(pauses) - 1)]
