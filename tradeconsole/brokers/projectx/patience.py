"""How long a hub waits before it connects again, and when it stops trying. Pure."""

import math
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
        self._can_be_cut = False
        self._cut_at = -math.inf

    def reset(self) -> None:
        """The user asked: begin anew."""
        self._failures = self._kicks = self._denials = 0

    def after(self, ended: HubEnded, lasted: float) -> float | None:
        """Seconds until the next attempt, after a connection that lasted so long; None: not before the user asks."""
        timings = self._timings
        self._can_be_cut = not isinstance(ended, HubKicked | HubDenied)
        if lasted >= timings.stable:
            self._failures = self._denials = 0
            self._cut_at = -math.inf
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

    def cut_short(self, now: float) -> bool:
        """The gateway gives a sign of life: whether that ends the pause at hand, and short ones follow.

        Only a pause that a plain failure brought, and only once in the longest of these pauses for as long as no
        connection lasts: a gateway that comes and goes is not to be hammered.
        """
        if not self._can_be_cut or now - self._cut_at < self._timings.reconnect[-1]:
            return False
        self._cut_at = now
        self._failures = 1
        return True

    def sentence(self, ended: HubEnded, pause: float | None) -> str:
        """What the user is told."""
        if pause is None:
            return f"{ended}; that happened {self._kicks} times, so {_STOPPED}"
        return f"{ended}; {'reconnecting' if pause < 1 else f'trying again in {pause:.0f} s'}"


def _step(pauses: tuple[float, ...], index: int) -> float:
    return pauses[min(index, len(pauses) - 1)]
