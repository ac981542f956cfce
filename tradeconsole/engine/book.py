"""The book: all trading state, changed by `apply` alone. Pure; what it derives is returned as further events."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    AccountChanged,
    AccountReported,
    ArmedChanged,
    BrokerPosition,
    CancelAsked,
    Channel,
    ChannelChanged,
    ChannelState,
    Event,
    FillBooked,
    FillReported,
    InstrumentResolved,
    NotificationRaised,
    OrderAccepted,
    OrderChanged,
    OrderDoubted,
    OrderFailed,
    OrderIntended,
    OrderRejected,
    OrderReported,
    OrderSent,
    PositionAdjusted,
    PositionChanged,
    PositionReported,
    QuoteReceived,
    RoundTripClosed,
    RoundTripVoided,
    StorageChanged,
    Synced,
    TickReceived,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.ledger import Ledger, restored
from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import Order, OrderStatus, can_move
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip, open_pnl
from tradeconsole.engine.reports import interrupted, merge_report, order_from_report, order_id_of, recollected
from tradeconsole.ports import Restored

Key = tuple[str, str]
"""Account id and instrument id: the identity of a position."""

NOTIFICATIONS_KEPT: Final = 300


class Book:
    """Everything known about accounts, orders, positions and prices at this moment."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self._reported: set[str] = set()
        self.instruments: dict[str, Instrument] = {}
        self.by_symbol: dict[str, Instrument] = {}
        self.quotes: dict[str, Quote] = {}
        self.orders: dict[str, Order] = {}
        self.open_orders: dict[str, Order] = {}
        self.order_ids: dict[Key, str] = {}
        self.ledgers: dict[Key, Ledger] = {}
        self.fills: dict[Key, Fill] = {}
        self.round_trips: dict[str, RoundTrip] = {}
        self.stated: dict[Key, BrokerPosition] = {}
        self.channels: dict[Channel, ChannelChanged] = {
            channel: ChannelChanged(channel, ChannelState.CONNECTING) for channel in Channel
        }
        self.armed: set[str] = set()
        self.synced: dict[str, Synced] = {}
        self.notifications: list[NotificationRaised] = []
        self.storage = StorageChanged(available=True)
        self.movements = 0
        """Fills booked and positions stated so far: whoever asks twice sees whether anything moved between."""
        self._waiting: dict[str, list[Fill]] = {}
        self._fills_of: dict[Key, list[Fill]] = {}
        self._day: tuple[tuple[str, datetime, int], Decimal, Decimal] | None = None
        self._appliers: dict[type, Callable[[Any], Iterable[Event]]] = {
            QuoteReceived: self._quote,
            TickReceived: self._tick,
            OrderReported: self._order_reported,
            FillReported: self._fill_reported,
            PositionReported: self._position_reported,
            AccountReported: self._account_reported,
            InstrumentResolved: self._instrument_resolved,
            ChannelChanged: self._channel_changed,
            OrderIntended: self._order_intended,
            OrderSent: self._order_sent,
            OrderAccepted: self._order_accepted,
            OrderFailed: self._order_failed,
            OrderRejected: self._order_rejected,
            OrderDoubted: self._order_doubted,
            CancelAsked: self._cancel_asked,
            PositionAdjusted: self._position_adjusted,
            ArmedChanged: self._armed_changed,
            Synced: self._synced,
            NotificationRaised: self._notification_raised,
            StorageChanged: self._storage_changed,
        }

    def apply(self, event: Event) -> Iterable[Event]:
        """Change the state by one event and return what follows from it."""
        applier = self._appliers.get(type(event))
        return applier(event) if applier else ()

    def restore(self, memory: Restored) -> None:
        """Take over what was remembered from before; facts already here are newer and stay."""
        for account in memory.accounts:
            self.accounts.setdefault(account.account_id, account)
        for instrument in memory.instruments:
            if instrument.instrument_id not in self.instruments:
                self._know(instrument)  # what its symbol means today is for the broker to say
        for order in memory.orders:
            told = self.orders.get(order.order_id)
            self._put(recollected(told, order) if told else interrupted(order))
        for trip in memory.round_trips:
            self.round_trips.setdefault(trip.round_trip_id, trip)
        known = {notice.notification_id for notice in self.notifications}
        self.notifications[:0] = [n for n in memory.notifications if n.notification_id not in known]
        self._restore_ledgers(memory)

    # -- questions ------------------------------------------------------------------------------------------

    def shown_accounts(self) -> list[Account]:
        """Accounts to offer: those that the broker has named, until it is asked those remembered."""
        named = [a for key, a in self.accounts.items() if key in self._reported] or self.accounts.values()
        return [account for account in named if account.is_visible]

    def position(self, account_id: str, instrument_id: str) -> Position | None:
        ledger = self.ledgers.get((account_id, instrument_id))
        return ledger.position if ledger else None

    def positions(self, account_id: str) -> Iterator[Position]:
        for (owner, _), ledger in self.ledgers.items():
            if owner == account_id and ledger.position:
                yield ledger.position

    def open_orders_of(self, account_id: str, instrument_id: str | None = None) -> list[Order]:
        return [
            order
            for order in self.open_orders.values()
            if order.account_id == account_id and instrument_id in (None, order.instrument_id)
        ]

    def price(self, instrument_id: str) -> float | None:
        """The price that positions are marked at: the last trade, else the middle of the spread."""
        quote = self.quotes.get(instrument_id)
        if quote is None:
            return None
        return quote.last if quote.last is not None else quote.mid

    def open_pnl(self, account_id: str) -> Decimal | None:
        """Unrealised P&L of an account; None while one of its positions has no price."""
        total = Decimal(0)
        for position in self.positions(account_id):
            if (price := self.price(position.instrument_id)) is None:
                return None
            total += open_pnl(position, price, self.instruments[position.instrument_id])
        return total

    def realised_since(self, account_id: str, start: datetime) -> tuple[Decimal, Decimal]:
        """Gross P&L and fees of an account's fills from `start` on."""
        asked = (account_id, start, self.movements)
        if self._day is None or self._day[0] != asked:
            # asked for in every picture, changed by fills alone
            gross = fees = Decimal(0)
            for (owner, _), fill in self.fills.items():
                if owner == account_id and fill.time >= start:
                    gross += self.realised(fill) or 0
                    fees += fill.fees
            self._day = (asked, gross, fees)
        return self._day[1], self._day[2]

    def fills_of(self, account_id: str, instrument_id: str) -> list[Fill]:
        """Fills of one account in one instrument, in order of arrival."""
        return self._fills_of.get((account_id, instrument_id), [])

    def realised(self, fill: Fill) -> Decimal | None:
        """Gross P&L that a fill realised: our arithmetic, else the broker's figure."""
        ledger = self.ledgers.get((fill.account_id, fill.instrument_id))
        ours = ledger.realised(fill.fill_id) if ledger else None
        return fill.gross_pnl if ours is None else ours

    @property
    def mismatches(self) -> list[Key]:
        """Positions whose size the broker states otherwise than the ledger sums."""
        return [key for key, stated in self.stated.items() if stated.size != self._size(key)]

    def _size(self, key: Key) -> int:
        ledger = self.ledgers.get(key)
        return ledger.size if ledger else 0

    # -- market ---------------------------------------------------------------------------------------------

    def _quote(self, event: QuoteReceived) -> Iterable[Event]:
        self.quotes[event.quote.instrument_id] = event.quote
        return ()

    def _tick(self, event: TickReceived) -> Iterable[Event]:
        tick = event.tick
        quote = self.quotes.get(tick.instrument_id)
        if quote is None:
            self.quotes[tick.instrument_id] = Quote(tick.instrument_id, tick.time, last=tick.price)
        elif quote.last != tick.price:
            self.quotes[tick.instrument_id] = msgspec.structs.replace(quote, last=tick.price)
        return ()

    def _instrument_resolved(self, event: InstrumentResolved) -> Iterable[Event]:
        if event.instrument.active:
            self.by_symbol[event.instrument.symbol] = event.instrument
        return self._know(event.instrument)

    def _know(self, instrument: Instrument) -> list[Event]:
        self.instruments[instrument.instrument_id] = instrument
        self.by_symbol[instrument.name] = instrument
        changes: list[Event] = []
        for fill in self._waiting.pop(instrument.instrument_id, []):
            changes += self._book_fill(fill)
        return changes

    def _channel_changed(self, event: ChannelChanged) -> Iterable[Event]:
        before = self.channels[event.channel].state
        self.channels[event.channel] = event
        if event.channel is not Channel.MARKET and not before is event.state is ChannelState.UP:
            self.synced.clear()  # also when it comes up: what was said meanwhile is not known yet
        return ()

    # -- orders ---------------------------------------------------------------------------------------------

    def _put(self, order: Order) -> Iterable[Event]:
        self.orders[order.order_id] = order
        if order.broker_order_id is not None:
            self.order_ids[order.account_id, order.broker_order_id] = order.order_id
        if order.status.is_open:
            self.open_orders[order.order_id] = order
        else:
            self.open_orders.pop(order.order_id, None)
        return (OrderChanged(order),)

    def _change(self, order_id: str, /, **changes: object) -> Iterable[Event]:
        order = self.orders.get(order_id)
        if order is None:
            return ()
        changed = msgspec.structs.replace(order, **changes)
        return self._put(changed) if changed != order else ()

    def _move(self, order_id: str, status: OrderStatus, /, **changes: object) -> Iterable[Event]:
        order = self.orders.get(order_id)
        if order is None or not can_move(order.status, status):
            return ()
        return self._change(order_id, status=status, **changes)

    def _order_intended(self, event: OrderIntended) -> Iterable[Event]:
        return self._put(event.order)

    def _order_sent(self, event: OrderSent) -> Iterable[Event]:
        return self._move(event.order_id, OrderStatus.SENT, sent_at=event.time, updated_at=event.time)

    def _order_accepted(self, event: OrderAccepted) -> Iterable[Event]:
        return self._change(event.order_id, broker_order_id=event.broker_order_id, acknowledged_at=event.time)

    def _order_failed(self, event: OrderFailed) -> Iterable[Event]:
        return self._move(event.order_id, OrderStatus.FAILED, reason=event.reason, updated_at=event.time)

    def _order_rejected(self, event: OrderRejected) -> Iterable[Event]:
        order = self.orders.get(event.order_id)
        if order is None:
            return ()
        broker_id = event.broker_order_id or order.broker_order_id
        changes = {"reason": event.reason, "broker_order_id": broker_id, "acknowledged_at": event.time}
        if order.status is OrderStatus.REJECTED:  # the stream was quicker, but it never says why
            return self._change(event.order_id, **changes)
        return self._move(event.order_id, OrderStatus.REJECTED, updated_at=event.time, **changes)

    def _order_doubted(self, event: OrderDoubted) -> Iterable[Event]:
        return self._move(event.order_id, OrderStatus.UNKNOWN, reason=event.reason, updated_at=event.time)

    def _cancel_asked(self, event: CancelAsked) -> Iterable[Event]:
        return self._change(event.order_id, cancel_by=event.by, cancel_asked_at=event.time)

    def _order_reported(self, event: OrderReported) -> Iterable[Event]:
        report = event.report
        order_id = order_id_of(report, self.order_ids)
        order = self.orders.get(order_id)
        parent = self.order_ids.get((report.account_id, report.parent_broker_id or ""))
        if order is None:
            held = self._size((report.account_id, report.instrument_id))
            return self._put(order_from_report(report, order_id, parent, held))
        merged = merge_report(order, report)
        if merged.parent_id is None and parent is not None:
            merged = msgspec.structs.replace(merged, parent_id=parent)
        return () if merged == order else self._put(merged)

    # -- fills and positions --------------------------------------------------------------------------------

    def _fill_reported(self, event: FillReported) -> Iterable[Event]:
        fill = event.fill
        if (fill.account_id, fill.fill_id) in self.fills:
            return ()
        if fill.instrument_id not in self.instruments:
            waiting = self._waiting.setdefault(fill.instrument_id, [])
            if all(fill.fill_id != other.fill_id for other in waiting):
                waiting.append(fill)
            return ()
        return self._book_fill(fill)

    def _book_fill(self, fill: Fill) -> list[Event]:
        order_id = self.order_ids.get((fill.account_id, fill.broker_order_id))
        if order_id is not None:
            fill = msgspec.structs.replace(fill, order_id=order_id)
        change = self._ledger((fill.account_id, fill.instrument_id)).book(fill)
        if change is None:
            return []
        self._keep_fill(fill)
        events: list[Event] = [FillBooked(fill, change.realised)]
        for key in change.voided:
            self.round_trips.pop(key, None)
            events.append(RoundTripVoided(fill.account_id, key))
        for trip in change.closed:
            self.round_trips[trip.round_trip_id] = trip
            events.append(RoundTripClosed(trip))
        events.append(PositionChanged(fill.account_id, fill.instrument_id, change.position))
        return events

    def _keep_fill(self, fill: Fill) -> None:
        self.fills[fill.account_id, fill.fill_id] = fill
        self._fills_of.setdefault((fill.account_id, fill.instrument_id), []).append(fill)
        self.movements += 1

    def _ledger(self, key: Key) -> Ledger:
        ledger = self.ledgers.get(key)
        if ledger is None:
            ledger = self.ledgers[key] = Ledger(self.instruments[key[1]])
        return ledger

    def _position_reported(self, event: PositionReported) -> Iterable[Event]:
        stated = event.position
        self.stated[stated.account_id, stated.instrument_id] = stated
        self.movements += 1
        return ()

    def _position_adjusted(self, event: PositionAdjusted) -> Iterable[Event]:
        stated = event.stated
        key = (stated.account_id, stated.instrument_id)
        if stated.instrument_id not in self.instruments:
            return ()
        self.stated[key] = stated
        return (PositionChanged(*key, self._ledger(key).adjust(stated)),)

    def _restore_ledgers(self, memory: Restored) -> None:
        remembered = {(p.account_id, p.instrument_id): p for p in memory.positions}
        fills: dict[Key, list[Fill]] = {}
        for fill in memory.fills:
            if (fill.account_id, fill.fill_id) not in self.fills:
                self._keep_fill(fill)
            fills.setdefault((fill.account_id, fill.instrument_id), []).append(fill)
        for key in remembered.keys() | fills.keys():
            if key[1] in self.instruments:
                late = self.ledgers.get(key)
                trips = [trip for trip in memory.round_trips if (trip.account_id, trip.instrument_id) == key]
                ledger = restored(self.instruments[key[1]], remembered.get(key), fills.get(key, []), trips)
                self.round_trips = ledger.newest_trips() | self.round_trips
                for fill in late.fills if late else ():
                    ledger.book(fill)
                self.ledgers[key] = ledger

    # -- account, safety, notes -----------------------------------------------------------------------------

    def _account_reported(self, event: AccountReported) -> Iterable[Event]:
        account = event.account
        self._reported.add(account.account_id)
        if self.accounts.get(account.account_id) == account:
            return ()
        self.accounts[account.account_id] = account
        return (AccountChanged(account),)

    def _armed_changed(self, event: ArmedChanged) -> Iterable[Event]:
        (self.armed.add if event.armed else self.armed.discard)(event.account_id)
        return ()

    def _synced(self, event: Synced) -> Iterable[Event]:
        self.synced[event.account_id] = event
        return ()

    def _notification_raised(self, event: NotificationRaised) -> Iterable[Event]:
        self.notifications.append(event)
        del self.notifications[:-NOTIFICATIONS_KEPT]
        return ()

    def _storage_changed(self, event: StorageChanged) -> Iterable[Event]:
        self.storage = event
        return ()
