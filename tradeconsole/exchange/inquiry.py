"""What can be asked of the exchange: accounts, orders, trades, positions and the market as of what was reached; pure."""

from datetime import datetime

from tradeconsole.domain.market import BarSeries, Depth, Quote, Tick, Timeframe
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.exchange.market import Market
from tradeconsole.exchange.matching import Matcher
from tradeconsole.exchange.records import VenueAccount, VenueOrder, VenuePosition, VenueTrade
from tradeconsole.exchange.store import Store


class Inquiry:
    """Questions; none of them lets time pass."""

    _market: Market
    _matcher: Matcher
    _now: datetime
    _store: Store

    @property
    def now(self) -> datetime:
        """How far the exchange has gone."""
        return self._now

    def accounts(self, user: str) -> list[VenueAccount]:
        """Accounts of a user, in the order in which they were opened."""
        return [account for account in self._store.accounts.values() if account.user == user]

    def account(self, account_id: int) -> VenueAccount | None:
        return self._store.accounts.get(account_id)

    @property
    def highest_account_id(self) -> int:
        """The largest id that any account has; 0 without accounts."""
        return max(self._store.accounts, default=0)

    def order(self, account_id: int, order_id: int) -> VenueOrder | None:
        order = self._store.orders.get(order_id)
        return order if order is not None and order.account_id == account_id else None

    def orders(
        self, account_id: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[VenueOrder]:
        """Orders created within [start, end], oldest first."""
        return [order for order in self._store.orders_of(account_id) if _within(order.created_at, start, end)]

    def orders_in(self, account_id: int, statuses: frozenset[OrderStatus]) -> list[VenueOrder]:
        """Orders with one of these statuses, oldest first."""
        return [order for order in self._store.orders_of(account_id) if order.status in statuses]

    def trades(
        self, account_id: int, start: datetime | None = None, end: datetime | None = None
    ) -> list[VenueTrade]:
        """Trades within [start, end], newest first."""
        return [trade for trade in self._store.trades_of(account_id) if _within(trade.created_at, start, end)]

    def positions(self, account_id: int) -> list[VenuePosition]:
        """Open positions, oldest first."""
        return sorted(self._store.positions(account_id), key=lambda position: position.id)

    def serves(self, contract_id: str) -> bool:
        """Whether the market has prices for the contract; the queries below raise `InvalidRequest` otherwise."""
        return self._market.serves(contract_id)

    def is_open(self, contract_id: str) -> bool:
        """Whether the contract trades now."""
        return contract_id not in self._matcher.halted and self._market.is_open(contract_id, self._now)

    def quote(self, contract_id: str) -> Quote | None:
        """Top of the book and the session's figures; None before the first price."""
        return self._market.quote(contract_id)

    def depth(self, contract_id: str) -> Depth:
        """Ten levels per side."""
        return self._market.depth(contract_id)

    def profile(self, contract_id: str) -> list[tuple[float, int]]:
        """Volume traded at each price in the session so far, lowest price first."""
        return self._market.profile(contract_id)

    def bars(
        self,
        contract_id: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        limit: int,
        *,
        include_partial: bool = False,
    ) -> BarSeries:
        """See `Market.bars`: oldest first."""
        return self._market.bars(contract_id, timeframe, start, end, limit, include_partial=include_partial)

    def prints(self, contract_id: str, start: datetime, end: datetime, limit: int) -> list[Tick]:
        """See `Market.prints`: oldest first."""
        return self._market.prints(contract_id, start, end, limit)


def _within(time: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or time >= start) and (end is None or time <= end)
