"""Settlement of fills: what an order gets from a quote, how it is booked, and in which order it is told."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.exchange.catalogue import Catalogue, Product
from tradeconsole.exchange.netting import Booking, Execution, book, plain
from tradeconsole.exchange.records import (
    AccountChanged,
    ExchangeOptions,
    OrderChanged,
    PositionChanged,
    TradeReported,
    UserEvent,
    VenueOrder,
    VenuePosition,
    VenueTrade,
)
from tradeconsole.exchange.store import Store

Piece = tuple[Decimal, int]
"""price and size of a part of a fill"""

_SWEPT_LEVELS: Final = 10
_FINEST_PRICE: Final = Decimal("0.000000001")


def sweep(order: VenueOrder, quote: Quote, product: Product, slippage: int, *, partial: bool) -> list[Piece]:
    """What an order that takes liquidity gets, best price first and never worse than its limit.

    With partial fills, every tick further into the book is taken to show as much as the best price, and what is left
    of a market order after ten ticks fills at the last.
    """
    sign = order.side.sign
    best, shown = (quote.ask, quote.ask_size) if sign > 0 else (quote.bid, quote.bid_size)
    if best is None:
        return []
    price = product.owed(best) + sign * slippage * product.tick
    size = order.remaining
    if not partial or not shown:
        return [(price, size)]
    limit = order.limit_price
    pieces: list[Piece] = []
    while size and (limit is None or (limit - price) * sign >= 0) and len(pieces) < _SWEPT_LEVELS:
        taken = min(size, shown)
        pieces.append((price, taken))
        size -= taken
        price += sign * product.tick
    if size and limit is None:
        last, taken = pieces.pop()
        pieces.append((last, taken + size))
    return pieces


class Settlement:
    """Books fills in the store and emits what they did."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        options: ExchangeOptions,
        emit: Callable[[UserEvent], None],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._options = options
        self._emit = emit

    def settle(self, order: VenueOrder, pieces: list[Piece], time: datetime, *, resting: bool) -> VenueOrder:
        """Book the pieces of one fill; the order as it stands after."""
        trades: list[VenueTrade] = []
        positions: dict[int, VenuePosition] = {}
        money = (order.filled_price or Decimal(0)) * order.filled
        filled = order.filled
        for price, size in pieces:
            booking = self._book(order, price, size, time)
            trades.extend(booking.trades)
            positions.update((position.id, position) for position in booking.positions)
            money += price * size
            filled += size
        order = msgspec.structs.replace(
            order,
            filled=filled,
            filled_price=plain((money / filled).quantize(_FINEST_PRICE)),
            status=OrderStatus.FILLED if filled >= order.size else OrderStatus.WORKING,
        )
        self._store.put_order(order)
        self._tell(order, trades, list(positions.values()), time, resting=resting)
        return order

    def _book(self, order: VenueOrder, price: Decimal, size: int, time: datetime) -> Booking:
        store = self._store
        booking = book(
            store.accounts[order.account_id],
            store.position(order.account_id, order.contract_id),
            self._catalogue.known(order.contract_id),
            Execution(order.account_id, order.id, order.side, size, price, time),
            store.next_trade_id,
            store.next_position_id,
            self._options.lot_matching,
        )
        for trade in booking.trades:
            store.put_trade(trade)
        for position in booking.positions:
            store.put_position(position)
        store.accounts[order.account_id] = booking.account
        return booking

    def _tell(
        self,
        order: VenueOrder,
        trades: list[VenueTrade],
        positions: list[VenuePosition],
        time: datetime,
        *,
        resting: bool,
    ) -> None:
        """Resting orders are told before their trades, orders that took liquidity after, as the venue does."""
        if resting:
            self._emit(OrderChanged(time, order))
        for trade in trades:
            self._emit(TradeReported(time, trade))
        if self._options.repeat_entry_trades:
            for position in positions:
                for trade_id in position.opening_trades if position.size == 0 else ():
                    self._emit(TradeReported(time, self._store.trades[trade_id], again=True))
        if not resting:
            self._emit(OrderChanged(time, order))
        for position in positions:
            self._emit(PositionChanged(time, position))
        account = self._store.accounts[order.account_id]
        for _ in range(2 if self._options.repeat_account_events else 1):
            self._emit(AccountChanged(time, account))
