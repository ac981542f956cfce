"""Supervision of accounts under a plan: what the firm does as equity moves and as the day goes by; pure."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec

from tradeconsole.exchange.account_rules import (
    Boundary,
    Verdict,
    is_window_closed,
    judge,
    next_boundary,
    next_day,
    opening,
)
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.desk import OrderDesk
from tradeconsole.exchange.market import Market
from tradeconsole.exchange.records import AccountChanged, UserEvent, VenueAccount
from tradeconsole.exchange.store import Store


class Supervisor:
    """Closes and blocks accounts as their plans say. Equity is cash and positions at the last price (unverified)."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        market: Market,
        desk: OrderDesk,
        emit: Callable[[UserEvent], None],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._market = market
        self._desk = desk
        self._emit = emit

    def enrol(self, account: VenueAccount) -> VenueAccount:
        """A new account as it is kept: one with a plan stands at its beginning."""
        if account.plan is None or account.standing is not None:
            return account
        return msgspec.structs.replace(account, standing=opening(account.plan, account.balance))

    def next_time(self, now: datetime) -> datetime | None:
        """When the firm next acts by the clock; None: there is nobody to supervise."""
        return next_boundary(now)[0] if any(True for _ in self._supervised()) else None

    def follows(self, contract_id: str) -> bool:
        """Whether every price of a contract matters to an account."""
        return any(
            self._store.position(account.id, contract_id) is not None for account in self._supervised()
        )

    def take_price(self, contract_id: str, now: datetime) -> None:
        """Judge those who hold a contract whose price has moved, and close what a blocked account still holds."""
        for account in list(self._supervised()):
            if self._store.position(account.id, contract_id) is None:
                continue
            blocked = account.standing is not None and account.standing.is_blocked
            if blocked or is_window_closed(now):
                self._desk.liquidate(account.id, now)
            else:
                self._judge(account, now)

    def review(self, account_ids: set[int], now: datetime) -> None:
        """Judge those who had fills."""
        for account_id in sorted(account_ids):
            account = self._store.accounts[account_id]
            if account.standing is not None and not account.standing.is_blocked:
                self._judge(account, now)

    def attend(self, boundary: Boundary, now: datetime) -> None:
        """Do what the firm does at a moment of the day."""
        for account in list(self._supervised()):
            if boundary is Boundary.ROLL:
                self._roll(account, now)
            else:
                self._desk.liquidate(account.id, now)

    def equity(self, account: VenueAccount) -> Decimal:
        """Cash and what open positions are worth."""
        equity = account.balance
        for position in self._store.positions(account.id):
            product = self._catalogue.known(position.contract_id).product
            quote = self._market.quote(position.contract_id)
            last = position.average_price if quote is None or quote.last is None else product.owed(quote.last)
            equity += last * product.point_value * position.size - position.cost
        return equity

    def _supervised(self) -> list[VenueAccount]:
        return [account for account in self._store.accounts.values() if account.plan is not None]

    def _judge(self, account: VenueAccount, now: datetime) -> None:
        if account.plan is None or account.standing is None:
            return
        verdict = judge(account.plan, account.standing, self.equity(account))
        if verdict is Verdict.FINE:
            return
        standing = msgspec.structs.replace(
            account.standing,
            breached=account.standing.breached or verdict is Verdict.BREACHED,
            day_over=account.standing.day_over or verdict is Verdict.DAY_OVER,
        )
        self._put(msgspec.structs.replace(account, standing=standing, can_trade=False), now)
        self._desk.liquidate(account.id, now)

    def _roll(self, account: VenueAccount, now: datetime) -> None:
        if account.plan is None or account.standing is None:
            return
        before = account.standing
        standing = next_day(account.plan, before, account.balance)
        freed = before.day_over and not standing.breached
        changed = msgspec.structs.replace(account, standing=standing, can_trade=account.can_trade or freed)
        if freed:
            self._put(changed, now)
        else:
            self._store.accounts[account.id] = changed

    def _put(self, account: VenueAccount, now: datetime) -> None:
        self._store.accounts[account.id] = account
        self._emit(AccountChanged(now, account))
