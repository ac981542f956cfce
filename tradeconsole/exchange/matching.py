"""Matching: what becomes of orders as quotes and prints come by and as their own delays run out; pure.

Resting limits fill at their price when the market is quoted or traded through it, stops become market orders when a
print or the far side of the quote reaches them, trailing stops follow the prints. A bracket's legs wait suspended,
become working at prices measured from the entry's fill and are sized to what has filled of it; when one fills, the
other can no longer fill and is cancelled a moment later, as is what is left of the entry. What the platform itself
keeps for a position (`position_pairs`) never closes more than is held.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.domain.orders import OrderStatus, OrderType
from tradeconsole.exchange.agenda import Agenda, Due, Duty
from tradeconsole.exchange.book import WorkingBook
from tradeconsole.exchange.catalogue import Catalogue
from tradeconsole.exchange.disturbances import Disturbances
from tradeconsole.exchange.position_pairs import PositionPairs
from tradeconsole.exchange.records import ExchangeOptions, OrderChanged, UserEvent, VenueOrder
from tradeconsole.exchange.settlement import Piece, Settlement, sweep
from tradeconsole.exchange.store import OPEN, Store

_STOPS: Final = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})


class Matcher:
    """Moves orders through their life. It emits what happens and notes in `touched` the contracts whose orders changed.

    `settled` are the accounts that had fills.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        agenda: Agenda,
        disturbances: Disturbances,
        options: ExchangeOptions,
        emit: Callable[[UserEvent], None],
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._agenda = agenda
        self._disturbances = disturbances
        self._options = options
        self._emit = emit
        self._settlement = Settlement(catalogue, store, options, emit)
        self._pairs = PositionPairs(catalogue, store, options)
        self._books: dict[str, WorkingBook] = {}
        self.quotes: dict[str, Quote] = {}
        self.halted: set[str] = set()
        self.touched: set[str] = set()
        self.settled: set[int] = set()

    def band(self, contract_id: str) -> tuple[float, float]:
        """Prices between which no order of a contract is touched."""
        orders = self._books.get(contract_id)
        return (orders.low, orders.high) if orders else (float("-inf"), float("inf"))

    # -- the market -----------------------------------------------------------------------------------------

    def take_quote(self, quote: Quote) -> None:
        """Match against a new quote."""
        self.quotes[quote.instrument_id] = quote
        self._match_quote(quote, quote.time)

    def take_print(self, tick: Tick) -> None:
        """Match against a print, and let trailing stops follow it."""
        orders = self._books.get(tick.instrument_id)
        quote = self.quotes.get(tick.instrument_id)
        if not orders or quote is None:
            return
        for order_id in orders.reached_by_print(tick.price):
            self._reached(self._store.orders[order_id], quote, tick.time, tick.size)
        for order_id, stop in orders.ratchet(tick.price):
            order = self._store.orders[order_id]
            price = self._catalogue.known(order.contract_id).product.owed(stop)
            self._put(msgspec.structs.replace(order, stop_price=price), tick.time)

    # -- commands -------------------------------------------------------------------------------------------

    def admit(self, order: VenueOrder, now: datetime) -> None:
        """Let a new entry work or wait for its match; it has been stored and told as pending."""
        if order.type is OrderType.MARKET or self._is_marketable(order):
            self._later(order, Duty.MATCH, self._options.latencies.fill, now)
        else:
            self._work(msgspec.structs.replace(order, status=OrderStatus.WORKING), now)

    def doom(self, order: VenueOrder, now: datetime) -> None:
        """Refuse a new entry a moment after it was taken."""
        self._later(order, Duty.REJECT, self._options.latencies.rejection, now)

    def change(self, order: VenueOrder, now: datetime) -> None:
        """Take over a working order's new size and prices."""
        self._work(msgspec.structs.replace(order, updated_at=now), now)
        if self._is_marketable(order):
            self._book_of(order).drop(order.id)
            self._later(order, Duty.MATCH, self._options.latencies.fill, now)

    def rest(self, order: VenueOrder, now: datetime) -> None:
        """Take over the prices of a leg that goes on waiting for its entry."""
        self._put(msgspec.structs.replace(order, updated_at=now), now)

    def cancel(self, order: VenueOrder, now: datetime) -> None:
        """Cancel an order, and its legs while they have nothing to protect."""
        self._finish(order, OrderStatus.CANCELLED, now)
        if order.filled == 0:
            for leg in self._store.legs(order.id):
                if leg.status in OPEN:
                    self._finish(leg, OrderStatus.CANCELLED, now)

    def end(self, order: VenueOrder, status: OrderStatus, now: datetime) -> None:
        """End an order, and nothing else, with a status of the venue's choice."""
        self._finish(order, status, now)

    def attend(self, due: Due) -> None:
        """Do what has come due."""
        order = self._store.orders[due.order_id]
        self.touched.add(order.contract_id)
        match due.duty:
            case Duty.MATCH:
                self._match(order, due.time)
            case Duty.ACTIVATE:
                self._activate(order, due.time)
            case Duty.UNWIND:
                self._unwind(order, due.time)
            case Duty.GUARD:
                self._guard(order, due.time)
            case Duty.REJECT if order.status is OrderStatus.PENDING:
                self._reject(order, due.time)
            case Duty.REJECT:
                pass
            case Duty.REPORT:
                self._emit(OrderChanged(due.time, order))

    def resume(self) -> None:
        """Take up the working orders of a store that was loaded."""
        await_match = {due.order_id for due, _ in self._agenda.entries() if due.duty is Duty.MATCH}
        for order in self._store.all_open_orders():
            working = order.status is OrderStatus.WORKING and order.id not in await_match
            if working and not self._store.is_retired(order):
                self._book_of(order).put(order)
            self.touched.add(order.contract_id)

    # -- duties ---------------------------------------------------------------------------------------------

    def _match(self, order: VenueOrder, time: datetime) -> None:
        if order.status not in {OrderStatus.PENDING, OrderStatus.WORKING} or self._store.is_retired(order):
            return
        if order.closes:
            order = self._limited_to_position(order)
            if order.remaining == 0:
                self._finish(self._store.orders[order.id], OrderStatus.CANCELLED, time)
                return
        quote = self.quotes.get(order.contract_id)
        tradable = quote is not None and order.contract_id not in self.halted
        at_market = order.type is OrderType.MARKET or (order.type in _STOPS and order.filled > 0)
        takes = at_market or self._is_marketable(order)
        slippage = self._options.slippage_ticks if order.type is OrderType.MARKET else 0
        pieces = self._sweep(order, quote, slippage) if quote is not None and tradable and takes else []
        if pieces:
            self._fill(order, pieces, time, resting=False)
        elif at_market and order.filled:
            self._finish(order, OrderStatus.CANCELLED, time)
        elif order.status is OrderStatus.WORKING:
            self._book_of(order).put(order)
        elif takes or not tradable:
            self._reject(order, time)
        else:
            self._work(msgspec.structs.replace(order, status=OrderStatus.WORKING), time)

    def _limited_to_position(self, order: VenueOrder) -> VenueOrder:
        """A closing order cut to what is left to close; it never opens a position."""
        position = self._store.position(order.account_id, order.contract_id)
        left = max(0, -position.size * order.side.sign) if position is not None else 0
        return msgspec.structs.replace(order, size=min(order.size, order.filled + left))

    def _reject(self, order: VenueOrder, time: datetime) -> None:
        self._finish(order, OrderStatus.REJECTED, time)
        for leg in self._store.legs(order.id):
            self._finish(leg, OrderStatus.REJECTED, time)

    def _activate(self, entry: VenueOrder, time: datetime) -> None:
        """Put legs to work, the take-profit first as the venue does, or size them to what has filled since."""
        for leg in reversed(self._store.legs(entry.id)):
            if leg.status is OrderStatus.SUSPENDED:
                self._work(self._awakened(leg, entry, time), time)
            elif leg.status is OrderStatus.WORKING and not self._store.is_retired(leg):
                size = entry.filled - sum(
                    other.filled for other in self._store.legs(entry.id) if other.id != leg.id
                )
                if size != leg.size:
                    self._work(msgspec.structs.replace(leg, size=size, updated_at=time), time)
        quote = self.quotes.get(entry.contract_id)
        if quote is None or entry.contract_id in self.halted:
            return
        for leg in self._store.legs(entry.id):
            if leg.id in self._book_of(leg) and self._is_marketable(leg):
                self._fill(leg, self._sweep(leg, quote, 0), time, resting=True)
        self._match_quote(quote, time)

    def _awakened(self, leg: VenueOrder, entry: VenueOrder, time: datetime) -> VenueOrder:
        product = self._catalogue.known(leg.contract_id).product
        ticks = leg.trail_distance or 0
        price = product.owed(entry.filled_price or 0) + ticks * product.tick
        trails = leg.type is OrderType.TRAILING_STOP
        own = leg.limit_price if leg.type is OrderType.LIMIT else leg.stop_price
        if own is not None and not trails:
            price = own
        return msgspec.structs.replace(
            leg,
            status=OrderStatus.WORKING,
            updated_at=time,
            size=entry.filled,
            limit_price=price if leg.type is OrderType.LIMIT else None,
            stop_price=None if leg.type is OrderType.LIMIT else price,
            trail_distance=abs(ticks) if trails else None,
            trail_price=abs(ticks) * product.tick if trails else None,
        )

    def _unwind(self, leg: VenueOrder, time: datetime) -> None:
        sibling = self._store.sibling(leg)
        if sibling is not None and sibling.status in OPEN:
            if leg.status is OrderStatus.FILLED:
                self._finish(sibling, OrderStatus.CANCELLED, time)
            else:
                self._put(msgspec.structs.replace(sibling, updated_at=time), time)
        entry = self._store.orders[leg.parent_id] if leg.parent_id is not None else None
        if entry is not None and entry.status in OPEN and leg.status is OrderStatus.FILLED:
            self._finish(entry, OrderStatus.CANCELLED, time)

    def _guard(self, order: VenueOrder, time: datetime) -> None:
        """Bring the platform's own stop and target in step with the position that a fill has changed."""
        for guard in self._pairs.working(order.account_id, order.contract_id):
            if self._store.is_retired(guard):
                self._finish(guard, OrderStatus.CANCELLED, time)
        for guard in self._pairs.due(order.account_id, order.contract_id, time):
            self._work(guard, time)
        quote = self.quotes.get(order.contract_id)
        if quote is not None:
            self._match_quote(quote, time)

    # -- filling --------------------------------------------------------------------------------------------

    def _match_quote(self, quote: Quote, time: datetime) -> None:
        orders = self._books.get(quote.instrument_id)
        if not orders:
            return
        bid = quote.bid if quote.bid is not None else float("-inf")
        ask = quote.ask if quote.ask is not None else float("inf")
        for order_id in orders.reached_by_quote(bid, ask):
            order = self._store.orders[order_id]
            shown = quote.ask_size if order.side.sign > 0 else quote.bid_size
            self._reached(order, quote, time, shown)

    def _reached(self, order: VenueOrder, quote: Quote, time: datetime, shown: int | None) -> None:
        """A quote or print has reached an order, which what came just before may have taken out of the book."""
        if order.id not in self._book_of(order) or order.contract_id in self.halted:
            return
        if order.type is OrderType.STOP_LIMIT and not order.triggered:
            triggered = msgspec.structs.replace(order, triggered=True)
            self._work(triggered, time)
            if self._is_marketable(triggered):
                self._fill(triggered, self._sweep(triggered, quote, 0), time, resting=True)
        elif order.type in _STOPS:
            pieces = self._sweep(order, quote, self._options.stop_slippage_ticks)
            if pieces:
                self._fill(order, pieces, time, resting=True)
        elif order.limit_price is not None:
            size = order.remaining
            if self._options.partial_fills and shown is not None:
                size = min(size, max(1, shown))
            self._fill(order, [(order.limit_price, size)], time, resting=True)

    def _fill(self, order: VenueOrder, pieces: list[Piece], time: datetime, *, resting: bool) -> None:
        pieces, pause = self._disturbances.portion(pieces)
        order = self._settlement.settle(order, pieces, time, resting=resting)
        self._note(order)
        self.settled.add(order.account_id)
        if pause is not None:
            self._book_of(order).drop(order.id)
            self._later(order, Duty.MATCH, pause / timedelta(milliseconds=1), time)
        elif order.status is OrderStatus.WORKING:
            self._book_of(order).put(order)
        self._follow_up(order, time)
        self._restrain(order, time)
        if order.closes and self._options.close_cancels_brackets:
            self._clear_legs(order, time)

    def _follow_up(self, order: VenueOrder, time: datetime) -> None:
        """What a fill sets in motion: the legs of an entry, the end of a leg's sibling."""
        latencies = self._options.latencies
        if self._store.legs(order.id):
            self._later(order, Duty.ACTIVATE, latencies.activation, time)
        if order.parent_id is None:
            return
        self._later(order, Duty.UNWIND, latencies.sibling_cancel, time)
        sibling = self._store.sibling(order)
        if order.status is OrderStatus.FILLED:
            for other in (sibling, self._store.orders[order.parent_id]):
                if other is not None:
                    self._book_of(other).drop(other.id)
        elif sibling is not None and sibling.status in OPEN:
            size = max(1, sibling.filled + order.remaining)
            self._store.put_order(msgspec.structs.replace(sibling, size=size))

    def _restrain(self, order: VenueOrder, time: datetime) -> None:
        """Let the platform's own orders close no more than is held from now on; they are told a moment later."""
        if not self._pairs.are_kept(order.account_id, order.contract_id):
            return
        for guard in self._pairs.working(order.account_id, order.contract_id):
            held = self._pairs.held(guard)
            if not held:
                self._book_of(guard).drop(guard.id)
            elif guard.remaining > held:
                self._store.put_order(msgspec.structs.replace(guard, size=guard.filled + held))
        is_open = self._store.position(order.account_id, order.contract_id) is not None
        latencies = self._options.latencies
        self._later(order, Duty.GUARD, latencies.activation if is_open else latencies.sibling_cancel, time)

    def _clear_legs(self, order: VenueOrder, time: datetime) -> None:
        if self._store.position(order.account_id, order.contract_id) is not None:
            return
        for other in self._store.open_orders(order.account_id):
            if other.parent_id is not None and other.contract_id == order.contract_id:
                self._finish(other, OrderStatus.CANCELLED, time)

    def _sweep(self, order: VenueOrder, quote: Quote, slippage: int) -> list[Piece]:
        product = self._catalogue.known(order.contract_id).product
        return sweep(order, quote, product, slippage, partial=self._options.partial_fills)

    # -- keeping --------------------------------------------------------------------------------------------

    def _is_marketable(self, order: VenueOrder) -> bool:
        quote = self.quotes.get(order.contract_id)
        waits = order.stop_price is not None and not order.triggered
        if quote is None or order.limit_price is None or waits:
            return False
        limit = float(order.limit_price)
        if order.side.sign > 0:
            return quote.ask is not None and quote.ask <= limit
        return quote.bid is not None and quote.bid >= limit

    def _work(self, order: VenueOrder, time: datetime) -> None:
        self._put(order, time)
        self._book_of(order).put(order)

    def _finish(self, order: VenueOrder, status: OrderStatus, time: datetime) -> None:
        self._put(msgspec.structs.replace(order, status=status, updated_at=time), time)

    def _put(self, order: VenueOrder, time: datetime) -> None:
        self._store.put_order(order)
        self._note(order)
        self._emit(OrderChanged(time, order))

    def _note(self, order: VenueOrder) -> None:
        self.touched.add(order.contract_id)
        if order.status not in OPEN:
            self._book_of(order).drop(order.id)

    def _later(self, order: VenueOrder, duty: Duty, milliseconds: float, now: datetime) -> None:
        self._agenda.add(now + timedelta(milliseconds=milliseconds), duty, order.id, order.contract_id)
        self.touched.add(order.contract_id)

    def _book_of(self, order: VenueOrder) -> WorkingBook:
        orders = self._books.get(order.contract_id)
        if orders is None:
            product = self._catalogue.known(order.contract_id).product
            orders = WorkingBook(product, self._options)
            self._books[order.contract_id] = orders
        return orders
