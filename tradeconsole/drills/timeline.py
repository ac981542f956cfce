"""What happened in a drill, in order: what the storm did, what the trader asked for, what the desk saw and did."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    FillBooked,
    NotificationRaised,
    OrderChanged,
    PositionAdjusted,
    RoundTripClosed,
    Severity,
    StorageChanged,
    Synced,
)
from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import Order, OrderRole, OrderStatus, Side
from tradeconsole.engine.engine import Engine


class Who(StrEnum):
    STORM = "storm"
    TRADER = "trader"
    DESK = "desk"


class Moment(msgspec.Struct, frozen=True):
    """One line: milliseconds since the drill began, who, and what."""

    ms: int
    who: Who
    what: str


_ROLES: Final = {
    OrderRole.ENTRY: "order",
    OrderRole.EXIT: "exit",
    OrderRole.STOP_LOSS: "stop",
    OrderRole.TAKE_PROFIT: "target",
}
_CHANNELS: Final = {
    Channel.ORDERS: "orders",
    Channel.ACCOUNT: "account stream",
    Channel.MARKET: "market data",
}
_TOLD_AS_CHANNELS: Final = ("Order channel", "Account stream", "Market data")
"""Notices that only repeat a channel's change."""


class Timeline:
    """Collects moments.

    Args:
        elapsed: seconds since the drill began.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._statuses: dict[str, OrderStatus] = {}
        self._account_id = ""
        self._is_synced = False
        self._stored: bool | None = None
        self.moments: list[Moment] = []

    def note(self, who: Who, what: str) -> None:
        """Add a line."""
        self.moments.append(Moment(round(self._elapsed() * 1000), who, what))

    def watch(self, engine: Engine, account_id: str, *, database: bool) -> None:
        """Tell of an account's events from now on; of the engine's database only if it is meant to have one."""
        bus = engine.bus
        self._engine = engine
        self._account_id = account_id
        self._is_synced = False
        bus.subscribe(self._order, OrderChanged)
        bus.subscribe(self._fill, FillBooked)
        bus.subscribe(self._trip, RoundTripClosed)
        bus.subscribe(self._channel, ChannelChanged)
        bus.subscribe(self._sync, Synced)
        bus.subscribe(self._adjusted, PositionAdjusted)
        bus.subscribe(self._notice, NotificationRaised)
        if database:
            bus.subscribe(self._storage, StorageChanged)

    def _desk(self, what: str) -> None:
        self.note(Who.DESK, what)

    def _order(self, event: OrderChanged) -> None:
        order = event.order
        if self._statuses.get(order.order_id) is order.status:
            return
        self._statuses[order.order_id] = order.status
        if order.status is OrderStatus.INTENDED:
            return
        reason = f": {order.reason}" if order.reason and order.status is not OrderStatus.FILLED else ""
        self._desk(f"{self._words(order)} is {order.status}{reason}")

    def _words(self, order: Order) -> str:
        price = "" if order.price is None else f" @ {self._price(order.instrument_id, order.price)}"
        return f"{_ROLES[order.role]} {order.side} {order.size} {self._name(order.instrument_id)}{price}"

    def _name(self, instrument_id: str) -> str:
        instrument = self._engine.book.instruments.get(instrument_id)
        return instrument.name if instrument else instrument_id

    def _price(self, instrument_id: str, price: Decimal) -> str:
        instrument = self._engine.book.instruments.get(instrument_id)
        return instrument.format(price) if instrument else str(price)

    def _fill(self, event: FillBooked) -> None:
        fill = event.fill
        verb = "bought" if fill.side is Side.BUY else "sold"
        held = self._engine.book.position(fill.account_id, fill.instrument_id)
        now = f"holds {held.size:+d}" if held else "flat"
        price = self._price(fill.instrument_id, fill.price)
        self._desk(f"books a fill: {verb} {fill.size} {self._name(fill.instrument_id)} @ {price}, {now}")

    def _trip(self, event: RoundTripClosed) -> None:
        self._desk(f"round trip closed: net {event.round_trip.net_pnl:+.2f}")

    def _channel(self, event: ChannelChanged) -> None:
        if event.channel is Channel.ACCOUNT and event.state is not ChannelState.UP:
            self._is_synced = False
        reason = f": {event.reason}" if event.reason else ""
        self._desk(f"{_CHANNELS[event.channel]} {event.state}{reason}")

    def _sync(self, event: Synced) -> None:
        if event.account_id != self._account_id:
            return
        for difference in event.differences:
            self._desk(f"records say: {difference}")
        if not self._is_synced:
            self._is_synced = True
            self._desk("reconciled with the broker's records")

    def _adjusted(self, event: PositionAdjusted) -> None:
        self._desk(f"position adjusted: {event.reason}")

    def _notice(self, event: NotificationRaised) -> None:
        told_already = event.title.startswith(_TOLD_AS_CHANNELS)
        if (event.severity is Severity.ERROR and not told_already) or event.title == "Flat":
            self._desk(f"tells: {event.title}" + (f" ({event.detail})" if event.detail else ""))

    def _storage(self, event: StorageChanged) -> None:
        if event.available is not self._stored:
            self._stored = event.available
            words = (
                "back" if event.available else f"away, {count(event.pending, 'record')} waiting in the spool"
            )
            self._desk(f"database {words}")
