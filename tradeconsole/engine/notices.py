"""The feed: what the user is told of what happened, one sentence each, repeats folded."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    FillBooked,
    NotificationRaised,
    OrderChanged,
    OrderDoubted,
    RoundTripClosed,
    Severity,
    StorageChanged,
    Synced,
)
from tradeconsole.domain.notation import shown, shown_signed
from tradeconsole.domain.orders import Order, OrderStatus, Side
from tradeconsole.domain.portfolio import Fill
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus

NEWS: Final = timedelta(hours=12)
"""What happened longer ago is history: an order that filled overnight is told in the morning, last week's is not."""

_CHANNEL_NAMES = {
    Channel.ORDERS: "Order channel",
    Channel.ACCOUNT: "Account stream",
    Channel.MARKET: "Market data",
}

_CHANNEL_SEVERITY = {
    ChannelState.UP: Severity.SUCCESS,
    ChannelState.CONNECTING: Severity.INFO,
    ChannelState.STALE: Severity.WARNING,
    ChannelState.DOWN: Severity.ERROR,
    ChannelState.KICKED: Severity.ERROR,
}


class Notices:
    """Raises notifications from events. Only what happens now is news: history found again is not."""

    def __init__(self, bus: Bus, book: Book, now: Callable[[], datetime]) -> None:
        self._bus = bus
        self._book = book
        self._now = now
        self._channels: dict[Channel, ChannelState] = {}
        self._statuses: dict[str, OrderStatus] = {}
        self._storage = True
        self._differences: dict[str, tuple[str, ...]] = {}
        bus.subscribe(self._fill, FillBooked)
        bus.subscribe(self._order, OrderChanged)
        bus.subscribe(self._doubt, OrderDoubted)
        bus.subscribe(self._round_trip, RoundTripClosed)
        bus.subscribe(self._channel, ChannelChanged)
        bus.subscribe(self._stored, StorageChanged)
        bus.subscribe(self._synced, Synced)

    def remember(self) -> None:
        """Take the book's orders as known, so that only what changes from here on is told."""
        self._statuses.update({order_id: order.status for order_id, order in self._book.orders.items()})

    def raise_(
        self,
        severity: Severity,
        title: str,
        detail: str = "",
        *,
        key: str = "",
        account_id: str | None = None,
    ) -> None:
        """Put one line into the feed."""
        self._bus.publish(
            NotificationRaised(
                notification_id=f"{self._now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}",
                time=self._now(),
                severity=severity,
                title=title,
                detail=detail,
                key=key or title,
                account_id=account_id,
            )
        )

    def _name(self, instrument_id: str) -> str:
        instrument = self._book.instruments.get(instrument_id)
        return instrument.name if instrument else instrument_id

    def _fill(self, event: FillBooked) -> None:
        fill = event.fill
        if self._now() - fill.time > NEWS:
            return
        detail = f"fees {shown(fill.fees, 2)}"
        if event.realised:
            detail = f"gross {shown_signed(event.realised, 2)}, {detail}"
        self.raise_(Severity.SUCCESS, f"Filled: {self._fill_words(fill)}", detail, account_id=fill.account_id)

    def _fill_words(self, fill: Fill) -> str:
        verb = "bought" if fill.side is Side.BUY else "sold"
        instrument = self._book.instruments.get(fill.instrument_id)
        price = instrument.format(fill.price) if instrument else str(fill.price)
        return f"{verb} {fill.size} {self._name(fill.instrument_id)} @ {price}"

    def _order(self, event: OrderChanged) -> None:
        order = event.order
        before = self._statuses.get(order.order_id)
        self._statuses[order.order_id] = order.status
        if order.status is before:
            return
        words = self._order_words(order)
        if order.status is OrderStatus.REJECTED and before is not None:
            reason = order.reason or "the broker gave no reason"
            self.raise_(Severity.ERROR, f"Rejected: {words}", reason, account_id=order.account_id)
        elif order.status is OrderStatus.FAILED:
            self.raise_(Severity.ERROR, f"Not sent: {words}", order.reason or "", account_id=order.account_id)
        elif before is OrderStatus.UNKNOWN:
            detail = "settled from the broker's records"
            self.raise_(
                Severity.SUCCESS,
                f"Known again: {words} is {order.status}",
                detail,
                account_id=order.account_id,
            )
        elif order.status in {OrderStatus.CANCELLED, OrderStatus.EXPIRED} and before is not None:
            self.raise_(Severity.INFO, f"{order.status.capitalize()}: {words}", account_id=order.account_id)

    def _order_words(self, order: Order) -> str:
        instrument = self._book.instruments.get(order.instrument_id)
        price = (
            f" {instrument.format(order.price) if instrument else order.price}"
            if order.price is not None
            else ""
        )
        return f"{order.side} {order.size} {self._name(order.instrument_id)} {order.type}{price}"

    def _doubt(self, event: OrderDoubted) -> None:
        order = self._book.orders.get(event.order_id)
        if order is None or order.status is not OrderStatus.UNKNOWN:
            return
        self.raise_(
            Severity.WARNING,
            f"Unknown: {self._order_words(order)}",
            f"{event.reason}; it is not sent again, the broker's records will tell",
            account_id=order.account_id,
        )

    def _round_trip(self, event: RoundTripClosed) -> None:
        trip = event.round_trip
        if self._now() - trip.closed_at > NEWS:
            return
        words = "long" if trip.side is Side.BUY else "short"
        severity = Severity.SUCCESS if trip.net_pnl >= 0 else Severity.WARNING
        self.raise_(
            severity,
            f"Round trip: {words} {trip.size} {self._name(trip.instrument_id)}, net {shown_signed(trip.net_pnl, 2)}",
            f"gross {shown_signed(trip.gross_pnl, 2)}, fees {shown(trip.fees, 2)}",
            account_id=trip.account_id,
        )

    def _channel(self, event: ChannelChanged) -> None:
        before = self._channels.get(event.channel)
        self._channels[event.channel] = event.state
        if before is event.state or event.state is ChannelState.CONNECTING:
            return
        name = _CHANNEL_NAMES[event.channel]
        self.raise_(
            _CHANNEL_SEVERITY[event.state],
            f"{name} {event.state}",
            event.reason,
            key=f"channel.{event.channel}",
        )

    def _stored(self, event: StorageChanged) -> None:
        if event.available and event.reason:
            self.raise_(Severity.ERROR, "Storage refused a record", event.reason)
        if event.available is self._storage:
            return
        self._storage = event.available
        if event.available:
            self.raise_(Severity.SUCCESS, "Storage is back", "everything written meanwhile is being stored")
        else:
            detail = f"{event.reason}; records are kept in the spool, nothing is lost"
            self.raise_(Severity.WARNING, "Storage is away", detail)

    def _synced(self, event: Synced) -> None:
        if event.differences and event.differences != self._differences.get(event.account_id):
            detail = "; ".join(event.differences)
            self.raise_(Severity.WARNING, "Differs from the broker", detail, account_id=event.account_id)
        self._differences[event.account_id] = event.differences
