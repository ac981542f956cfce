"""What the exchange remembers: accounts, orders, trades, positions, and the numbers it gives out."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tradeconsole.domain.orders import OrderStatus
from tradeconsole.exchange.records import VenueAccount, VenueOrder, VenuePosition, VenueTrade

OPEN: Final = frozenset({OrderStatus.PENDING, OrderStatus.WORKING, OrderStatus.SUSPENDED})
"""Statuses of orders that may still fill."""

_FIRST_ORDER: Final = 3_400_000_000
_FIRST_TRADE: Final = 3_000_000_000
_FIRST_POSITION: Final = 800_000_000


class Records(msgspec.Struct, frozen=True):
    """The store as it is kept on disk."""

    accounts: list[VenueAccount]
    orders: list[VenueOrder]
    trades: list[VenueTrade]
    positions: list[VenuePosition]
    numbers: tuple[int, int, int]


class Store:
    """Everything durable about accounts, with the indexes that questions need."""

    def __init__(self) -> None:
        self.accounts: dict[int, VenueAccount] = {}
        self.orders: dict[int, VenueOrder] = {}
        self.trades: dict[int, VenueTrade] = {}
        self._positions: dict[tuple[int, str], VenuePosition] = {}
        self._of_account: dict[int, list[int]] = {}
        self._trades_of: dict[int, list[int]] = {}
        self._open: dict[int, dict[int, None]] = {}
        self._legs: dict[int, list[int]] = {}
        self._guards: dict[int, list[int]] = {}
        self._tags: set[tuple[int, str]] = set()
        self._numbers = [_FIRST_ORDER, _FIRST_TRADE, _FIRST_POSITION]

    def next_order_id(self) -> int:
        return self._next(0)

    def next_trade_id(self) -> int:
        return self._next(1)

    def next_position_id(self) -> int:
        return self._next(2)

    def put_order(self, order: VenueOrder) -> None:
        """Add an order or replace it."""
        if order.id not in self.orders:
            self._of_account.setdefault(order.account_id, []).append(order.id)
            if order.tag is not None:
                self._tags.add((order.account_id, order.tag))
            if order.parent_id is not None:
                self._legs.setdefault(order.parent_id, []).append(order.id)
            if order.position_id is not None:
                self._guards.setdefault(order.position_id, []).append(order.id)
        self.orders[order.id] = order
        still_open = self._open.setdefault(order.account_id, {})
        if order.status in OPEN:
            still_open[order.id] = None
        else:
            still_open.pop(order.id, None)

    def put_trade(self, trade: VenueTrade) -> None:
        self.trades[trade.id] = trade
        self._trades_of.setdefault(trade.account_id, []).append(trade.id)

    def put_position(self, position: VenuePosition) -> None:
        """Replace a position; one with size 0 is gone."""
        key = (position.account_id, position.contract_id)
        if position.size:
            self._positions[key] = position
        else:
            self._positions.pop(key, None)

    def position(self, account_id: int, contract_id: str) -> VenuePosition | None:
        return self._positions.get((account_id, contract_id))

    def positions(self, account_id: int) -> list[VenuePosition]:
        return [position for (owner, _), position in self._positions.items() if owner == account_id]

    def orders_of(self, account_id: int) -> Iterator[VenueOrder]:
        """All orders of an account, oldest first."""
        return (self.orders[order_id] for order_id in self._of_account.get(account_id, ()))

    def trades_of(self, account_id: int) -> Iterator[VenueTrade]:
        """All trades of an account, newest first."""
        return (self.trades[trade_id] for trade_id in reversed(self._trades_of.get(account_id, ())))

    def open_orders(self, account_id: int) -> list[VenueOrder]:
        """Orders that may still fill, oldest first."""
        return [self.orders[order_id] for order_id in self._open.get(account_id, ())]

    def all_open_orders(self) -> Iterable[VenueOrder]:
        return (self.orders[order_id] for orders in self._open.values() for order_id in orders)

    def legs(self, parent_id: int) -> list[VenueOrder]:
        """Bracket legs of an entry, in order of their ids: the stop-loss before the take-profit."""
        return [self.orders[order_id] for order_id in self._legs.get(parent_id, ())]

    def guards(self, position_id: int) -> list[VenueOrder]:
        """Orders that the platform has made for a position, oldest first."""
        return [self.orders[order_id] for order_id in self._guards.get(position_id, ())]

    def sibling(self, leg: VenueOrder) -> VenueOrder | None:
        """The other leg of the same bracket."""
        if leg.parent_id is None:
            return None
        return next((other for other in self.legs(leg.parent_id) if other.id != leg.id), None)

    def is_retired(self, order: VenueOrder) -> bool:
        """Whether an order must not fill any more; its end is on the way.

        A leg of its bracket has filled, or the position is gone for which the platform made it.
        """
        if order.position_id is not None:
            position = self.position(order.account_id, order.contract_id)
            return position is None or position.id != order.position_id
        sibling = self.sibling(order)
        if sibling is not None and sibling.status is OrderStatus.FILLED:
            return True
        return any(leg.status is OrderStatus.FILLED for leg in self.legs(order.id))

    def is_tag_used(self, account_id: int, tag: str) -> bool:
        return (account_id, tag) in self._tags

    def records(self) -> Records:
        first, second, third = self._numbers
        return Records(
            list(self.accounts.values()),
            list(self.orders.values()),
            list(self.trades.values()),
            list(self._positions.values()),
            (first, second, third),
        )

    def load(self, records: Records) -> None:
        """Fill an empty store."""
        self.accounts.update((account.id, account) for account in records.accounts)
        for order in records.orders:
            self.put_order(order)
        for trade in records.trades:
            self.put_trade(trade)
        for position in records.positions:
            self.put_position(position)
        self._numbers[:] = records.numbers

    def _next(self, index: int) -> int:
        number = self._numbers[index]
        self._numbers[index] += 1
        return number
