"""Request budgets of the gateway: exact sliding windows per user."""

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Budget(StrEnum):
    """Endpoint groups that share a window."""

    HISTORY = "history"
    OTHER = "other"


WINDOWS: Final = {Budget.HISTORY: (50, 30.0), Budget.OTHER: (200, 60.0)}
"""Requests and seconds of each group (gateway documentation, "Rate limits")."""


class RequestBudgets:
    """Counts requests in the machine's time: a replay at 60× grants no 60-fold budget."""

    def __init__(self, *, enforced: bool = True, seconds: Callable[[], float] = time.monotonic) -> None:
        self._enforced = enforced
        self._seconds = seconds
        self._spent: dict[tuple[str, Budget], deque[float]] = {}

    def admit(self, user: str, budget: Budget) -> float | None:
        """Count one request; None when it may pass, otherwise the seconds until one may."""
        if not self._enforced:
            return None
        limit, window = WINDOWS[budget]
        now = self._seconds()
        spent = self._spent.setdefault((user, budget), deque())
        while spent and spent[0] <= now - window:
            spent.popleft()
        if len(spent) >= limit:
            return spent[0] + window - now
        spent.append(now)
        return None

    def used(self, user: str, budget: Budget) -> int:
        """Requests that still count against a user's window."""
        oldest = self._seconds() - WINDOWS[budget][1]
        return sum(1 for at in self._spent.get((user, budget), ()) if at > oldest)
