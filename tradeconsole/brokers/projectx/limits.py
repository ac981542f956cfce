"""The request budget: an exact sliding log, shared by everyone and handed out by urgency.

The gateway allows so many requests in any window of so many seconds. A log of the moments at which requests left
is the only count that never lets more through. Part of the budget is kept for the urgent: reading history can
spend most of it, but never what a cancel may need in the next second.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count
from typing import Final

from tradeconsole.ports import Budget


class Urgency(IntEnum):
    """Who goes first; first come, first served among equals."""

    CANCEL = 0  # cancel, close, flatten
    ORDER = 1  # place, modify
    QUERY = 2
    HISTORY = 3


SHARE: Final = {Urgency.CANCEL: 1.0, Urgency.ORDER: 0.85, Urgency.QUERY: 0.72, Urgency.HISTORY: 0.63}
"""How much of the window each urgency may fill; the rest is kept for the more urgent.

Only the way out may go to the gateway's own limit: for all else a margin is left, because other programs of the same user
count too, and what we count when it leaves is counted there when it arrives.
"""


class SlidingLog:
    """Moments at which requests left, in seconds of a clock that only grows. Pure."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit = limit
        self.window = window
        self._sent: deque[float] = deque()

    def used(self, now: float) -> int:
        """Requests within the window that ends now."""
        while self._sent and self._sent[0] <= now - self.window:
            self._sent.popleft()
        return len(self._sent)

    def delay(self, now: float, allowed: int) -> float:
        """Seconds until fewer than `allowed` requests are in the window; 0 if one may go now."""
        over = self.used(now) - allowed
        return 0.0 if over < 0 else max(0.0, self._sent[over] + self.window - now)

    def add(self, now: float) -> None:
        self._sent.append(now)

    def remove(self, sent: float) -> None:
        """Give back what was taken at that moment but not used."""
        with suppress(ValueError):  # long ago, and forgotten
            self._sent.remove(sent)


class RateLimiter:
    """Hands the slots of one budget to waiting requests, the most urgent first."""

    def __init__(
        self,
        name: str,
        limit: int,
        window: float,
        monotonic: Callable[[], float],
        shares: dict[Urgency, float] = SHARE,
    ) -> None:
        self.name = name
        self._log = SlidingLog(limit, window)
        self._monotonic = monotonic
        self._allowed = {urgency: max(1, round(limit * share)) for urgency, share in shares.items()}
        self._waiting: list[tuple[Urgency, int, asyncio.Future[float]]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None
        self._blocked_until = 0.0

    @property
    def budget(self) -> Budget:
        return Budget(self.name, self._log.used(self._monotonic()), self._log.limit, self._log.window)

    def take(self, urgency: Urgency) -> float | None:
        """Take a slot if that needs no waiting and overtakes nobody: the slot, which is its moment, or None."""
        if (self._waiting and self._waiting[0][0] <= urgency) or self._wait(urgency) > 0:
            return None
        now = self._monotonic()
        self._log.add(now)
        return now

    async def acquire(self, urgency: Urgency) -> float:
        """Wait for a slot, and take it. A cancelled waiter takes none."""
        loop = asyncio.get_running_loop()
        slot: asyncio.Future[float] = loop.create_future()
        heappush(self._waiting, (urgency, next(self._order), slot))
        self._grant()
        try:
            return await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self.give_back(slot.result())  # granted in the same turn of the loop
            raise

    def give_back(self, slot: float) -> None:
        """The request of this slot never left."""
        self._log.remove(slot)
        self._grant()

    def hold(self, seconds: float) -> None:
        """The gateway says that the budget is spent: let only the most urgent through for a while."""
        self._blocked_until = max(self._blocked_until, self._monotonic() + seconds)

    def _grant(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            urgency, _, slot = self._waiting[0]
            if slot.done():
                heappop(self._waiting)
                continue
            now = self._monotonic()
            wait = self._wait(urgency)
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._grant)
                return
            heappop(self._waiting)
            self._log.add(now)
            slot.set_result(now)

    def _wait(self, urgency: Urgency) -> float:
        now = self._monotonic()
        wait = self._log.delay(now, self._allowed[urgency])
        return wait if urgency is Urgency.CANCEL else max(wait, self._blocked_until - now)
