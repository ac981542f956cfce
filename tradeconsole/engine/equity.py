"""Equity of an account, and its curve over the session."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from tradeconsole.domain.ledger import Ledger
from tradeconsole.engine.book import Book
from tradeconsole.errors import StorageError
from tradeconsole.ports import EquityPoint, Journal

KEPT: Final = 5000


def equity_of(book: Book, account_id: str) -> Decimal | None:
    """Balance plus what open positions would bring; None where one of them has no price.

    The broker may match lots otherwise than we do (whether by average or oldest first is not known of the gateway): what
    it has put into the balance for a part that was closed is counted as it did.
    """
    account, open_pnl = book.accounts.get(account_id), book.open_pnl(account_id)
    if open_pnl is None:
        return None
    apart = sum(
        (
            _apart(ledger)
            for (owner, _), ledger in book.ledgers.items()
            if owner == account_id and ledger.size
        ),
        Decimal(0),
    )
    return (account.balance if account else Decimal(0)) + open_pnl + apart


def _apart(ledger: Ledger) -> Decimal:
    """How much more of an open position we have realised than the broker has."""
    held, total = ledger.size, Decimal(0)
    for fill in reversed(ledger.fills):
        ours = ledger.realised(fill.fill_id)
        before = held - fill.size * fill.side.sign
        if before * ledger.size <= 0:
            # it was opened here
            break
        if ours is not None and fill.gross_pnl is not None:
            total += ours - fill.gross_pnl
        held = before
    return total


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
            equity = equity_of(self._book, account.account_id)
            if equity is None:
                continue
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
