"""Supervision of accounts under a plan: what the firm does as equity moves and as the day goes by; pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from math import inf

import msgspec

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.exchange.account_rules import (
    Boundary,
    Verdict,
    is_window_closed,
    judge,
    next_boundary,
    next_day,
    opening,
    room,
)
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.desk import OrderDesk
from tradeconsole.exchange.firm_hours import FirmHours
from tradeconsole.exchange.market import Market
from tradeconsole.exchange.records import AccountChanged, UserEvent, VenueAccount, VenuePosition
from tradeconsole.exchange.store import Store

Band = tuple[float, float]
"""Prices between which a contract changes nothing for an account: judged again at or below the first, or above the second."""


class Supervisor:
    """Closes and blocks accounts as their plans say. Equity is cash and positions at the last price (unverified)."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        market: Market,
        desk: OrderDesk,
        hours: FirmHours,
        emit: Callable[[UserEvent], None],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._market = market
        self._desk = desk
        self._hours = hours
        self._emit = emit
        self._boundary: tuple[datetime, Boundary] | None = None
        self._early: dict[str, datetime] = {}
        self._bands: dict[str, dict[int, Band]] = {}
        self.stale: set[str] = set()
        """Contracts whose band has changed since the last look."""

    def enrol(self, account: VenueAccount) -> VenueAccount:
        """A new account as it is kept: one with a plan stands at its beginning."""
        if account.plan is None or account.standing is not None:
            return account
        return msgspec.structs.replace(account, standing=opening(account.plan, account.balance))

    def resume(self, now: datetime) -> None:
        """Take up the accounts of a store that was loaded."""
        self._measure(self._supervised(), now)

    def band(self, contract_id: str) -> Band:
        """Prices between which nobody needs to be judged."""
        bands = self._bands.get(contract_id, {}).values()
        return max((low for low, _ in bands), default=-inf), min((high for _, high in bands), default=inf)

    # -- by the clock -------------------------------------------------------------------------------------

    def next_time(self, now: datetime) -> datetime | None:
        """When the firm next acts by the clock; None: there is nobody to supervise."""
        accounts = self._supervised()
        self._boundary = next_boundary(now) if accounts else None
        # what rests now may be held by then
        concerned: set[str] = set()
        for account in accounts:
            concerned.update(position.contract_id for position in self._positions(account))
            concerned.update(order.contract_id for order in self._store.open_orders(account.id))
        self._early = {
            contract_id: moment
            for contract_id in concerned
            if (moment := self._hours.early_close(contract_id, now)) is not None and moment > now
        }
        moments = [*self._early.values(), *([self._boundary[0]] if self._boundary else [])]
        return min(moments, default=None)

    def attend(self, now: datetime) -> None:
        """Do what the firm does at a moment of the day, as `next_time` has found it."""
        boundary = self._boundary[1] if self._boundary is not None and self._boundary[0] == now else None
        closing = {contract_id for contract_id, moment in self._early.items() if moment == now}
        if boundary is None and not closing:
            return
        for account in self._supervised():
            if boundary is Boundary.ROLL:
                self._roll(account, now)
            elif boundary is not None:
                self._desk.liquidate(account.id, now)
            for contract_id in sorted(closing):
                self._desk.liquidate(account.id, now, contract_id)
        self._measure(self._supervised(), now)

    # -- by price and fill --------------------------------------------------------------------------------

    def take_price(self, event: Quote | Tick) -> None:
        """Judge those for whom the price of a contract has gone far enough."""
        bands = self._bands.get(event.instrument_id)
        if not bands:
            return
        if isinstance(event, Tick):
            low = high = event.price
        else:
            low = inf if event.ask is None else event.ask
            high = -inf if event.bid is None else event.bid
        reached = [
            account_id for account_id, (below, above) in bands.items() if low <= below or high >= above
        ]
        if reached:
            self.review(reached, event.time)

    def review(self, account_ids: Iterable[int], now: datetime) -> None:
        """Judge accounts, close what blocked ones still hold, and measure how far prices may go."""
        accounts = [self._store.accounts[account_id] for account_id in sorted(account_ids)]
        supervised = [account for account in accounts if account.standing is not None]
        for account in supervised:
            blocked = account.standing is not None and account.standing.is_blocked
            if blocked or is_window_closed(now):
                self._desk.liquidate(account.id, now)
            else:
                self._judge(account, now)
        self._measure((self._store.accounts[account.id] for account in supervised), now)

    def equity(self, account: VenueAccount) -> Decimal:
        """Cash and what open positions are worth."""
        return account.balance + sum(
            (self._last(position) * self._point(position) * position.size - position.cost)
            for position in self._positions(account)
        )

    # -- inside -------------------------------------------------------------------------------------------

    def _supervised(self) -> list[VenueAccount]:
        return [account for account in self._store.accounts.values() if account.plan is not None]

    def _positions(self, account: VenueAccount) -> list[VenuePosition]:
        return self._store.positions(account.id)

    def _last(self, position: VenuePosition) -> Decimal:
        quote = self._market.quote(position.contract_id)
        if quote is None or quote.last is None:
            return position.average_price
        return self._catalogue.known(position.contract_id).product.owed(quote.last)

    def _point(self, position: VenuePosition) -> Decimal:
        return self._catalogue.known(position.contract_id).product.point_value

    def _judge(self, account: VenueAccount, now: datetime) -> None:
        if account.plan is None or account.standing is None:
            return
        verdict = judge(account.plan, account.standing, self.equity(account))
        if verdict is Verdict.FINE:
            return
        standing = msgspec.structs.replace(
            account.standing,
            breached=verdict is Verdict.BREACHED,
            day_over=verdict is Verdict.DAY_OVER,
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

    def _measure(self, accounts: Iterable[VenueAccount], now: datetime) -> None:
        """Find out anew how far prices may go before accounts are judged again.

        What an account may still lose is shared out among its positions: while each stays within its share, all of
        them together cannot reach a limit.
        """
        for account in accounts:
            for contract_id, bands in self._bands.items():
                if bands.pop(account.id, None) is not None:
                    self.stale.add(contract_id)
            positions = self._positions(account)
            for position in positions:
                band = self._band_of(account, position, len(positions), now)
                self._bands.setdefault(position.contract_id, {})[account.id] = band
                self.stale.add(position.contract_id)

    def _band_of(self, account: VenueAccount, position: VenuePosition, shares: int, now: datetime) -> Band:
        if account.plan is None or account.standing is None:
            return -inf, inf
        if account.standing.is_blocked or is_window_closed(now):
            return inf, -inf
        left = room(account.plan, account.standing, self.equity(account))
        if left is None:
            return -inf, inf
        # half a tick sooner: sums of floats must not hide a price that lies exactly on the limit
        tick = self._catalogue.known(position.contract_id).product.tick
        distance = float(left / shares / abs(position.size) / self._point(position) - tick / 2)
        last = float(self._last(position))
        return (last - distance, inf) if position.size > 0 else (-inf, last + distance)
