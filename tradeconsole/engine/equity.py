"""Equity over the session: balance plus open P&L, sampled for the curve."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from tradeconsole.engine.book import Book
from tradeconsole.errors import StorageError
from tradeconsole.ports import EquityPoint, Journal

KEPT: Final = 5000


class EquityCurve:
    """Points per account, oldest first. Unchanged equity is not written again, unknown equity not at all."""

    def __init__(self, book: Book, journal: Journal) -> None:
        self._book = book
        self._journal = journal
        self._points: dict[str, deque[tuple[datetime, Decimal]]] = {}

    def restore(self, points: Iterable[tuple[str, datetime, Decimal]]) -> None:
        """Put remembered points before those sampled since."""
        older: dict[str, list[tuple[datetime, Decimal]]] = {}
        for account_id, time, equity in points:
            older.setdefault(account_id, []).append((time, equity))
        for account_id, past in older.items():
            self._points[account_id] = deque([*sorted(past), *self._points.get(account_id, ())], maxlen=KEPT)

    def sample(self, now: datetime) -> None:
        """Take a point of each account whose equity has changed."""
        for account in self._book.shown_accounts():
            open_pnl = self._book.open_pnl(account.account_id)
            if open_pnl is None:
                continue
            equity = account.balance + open_pnl
            points = self._points.setdefault(account.account_id, deque(maxlen=KEPT))
            if points and points[-1][1] == equity:
                continue
            points.append((now, equity))
            try:
                self._journal.append(EquityPoint(account.account_id, now, equity))
            except StorageError:
                # the recorder tells the user of an unwritable spool; a curve may have holes
                continue

    def since(self, account_id: str, start: datetime) -> list[tuple[datetime, Decimal]]:
        """Points from `start` on."""
        return [(time, value) for time, value in self._points.get(account_id, ()) if time >= start]
