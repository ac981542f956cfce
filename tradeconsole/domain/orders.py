"""Orders and their life cycle, as a table of the moves that are legal."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop-limit"
    TRAILING_STOP = "trailing-stop"
    JOIN_BID = "join-bid"
    JOIN_ASK = "join-ask"


class OrderStatus(StrEnum):
    """Where an order stands; the comment says who knows of it."""

    INTENDED = "intended"  # written down here, not yet sent
    SENT = "sent"  # on the wire, no answer yet
    UNKNOWN = "unknown"  # may or may not be at the broker
    PENDING = "pending"  # the broker has it, not yet working
    SUSPENDED = "suspended"  # bracket leg that waits for its entry
    WORKING = "working"
    CANCELLING = "cancelling"  # the broker confirmed that it is trying
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"  # by the broker
    FAILED = "failed"  # certainly never reached the broker

    @property
    def is_final(self) -> bool:
        return self in FINAL

    @property
    def is_open(self) -> bool:
        """May still fill: counts against limits."""
        return self not in FINAL


FINAL: Final = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.FAILED}
)

_AT_BROKER: Final = frozenset(
    {
        OrderStatus.PENDING,
        OrderStatus.SUSPENDED,
        OrderStatus.WORKING,
        OrderStatus.CANCELLING,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
    }
)

LEGAL_MOVES: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.INTENDED: frozenset({OrderStatus.SENT, OrderStatus.FAILED, OrderStatus.UNKNOWN}) | _AT_BROKER,
    # the hub may tell the whole story before the HTTP reply is read
    OrderStatus.SENT: frozenset({OrderStatus.UNKNOWN, OrderStatus.FAILED}) | _AT_BROKER,
    OrderStatus.UNKNOWN: frozenset({OrderStatus.FAILED}) | _AT_BROKER,
    OrderStatus.PENDING: _AT_BROKER - {OrderStatus.PENDING},
    OrderStatus.SUSPENDED: _AT_BROKER - {OrderStatus.SUSPENDED},
    OrderStatus.WORKING: frozenset(
        {
            OrderStatus.CANCELLING,
            OrderStatus.FILLED,
            OrderStatus.CANCELLED,
            OrderStatus.EXPIRED,
            OrderStatus.REJECTED,  # accepted first, refused by the exchange after
        }
    ),
    OrderStatus.CANCELLING: frozenset(
        {
            OrderStatus.WORKING,  # the broker could not cancel it
            OrderStatus.FILLED,  # the fill won the race
            OrderStatus.CANCELLED,
            OrderStatus.EXPIRED,
        }
    ),
    OrderStatus.CANCELLED: frozenset({OrderStatus.FILLED}),  # the fill crossed the cancel on the way
    OrderStatus.EXPIRED: frozenset(
        {OrderStatus.FILLED, OrderStatus.WORKING}
    ),  # GTC orders "expire" between sessions
    OrderStatus.FILLED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.FAILED: _AT_BROKER,  # the broker's records prove us wrong
}


def can_move(current: OrderStatus, wanted: OrderStatus) -> bool:
    """Whether an order may go from one status to another; a move to itself is not one."""
    return wanted in LEGAL_MOVES[current]


class OrderRole(StrEnum):
    ENTRY = "entry"
    STOP_LOSS = "stop-loss"
    TAKE_PROFIT = "take-profit"
    EXIT = "exit"  # sent by us to close


class CancelBy(StrEnum):
    """Who asked for an order to be cancelled."""

    HAND = "hand"  # the user, in this console
    RENEWAL = "renewal"  # the engine, to place it anew
    UNKNOWN = "unknown"  # it had been cancelled when we first heard of it


class Bracket(msgspec.Struct, frozen=True, gc=False):
    """Protection that travels with an entry, in whole ticks away from the fill, always positive."""

    stop_ticks: int | None = None
    target_ticks: int | None = None
    trailing: bool = False

    def __bool__(self) -> bool:
        return self.stop_ticks is not None or self.target_ticks is not None


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a broker needs to place an order.

    `tag` is our order id and travels in the broker's tag. A trailing stop carries its distance in ticks and
    the last price it was measured from.
    """

    account_id: str
    instrument_id: str
    side: Side
    type: OrderType
    size: int
    tag: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_ticks: int | None = None
    reference_price: Decimal | None = None
    bracket: Bracket | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order as we know it. `order_id` is ours and doubles as the broker's tag; `size` in contracts."""

    order_id: str
    account_id: str
    instrument_id: str
    side: Side
    type: OrderType
    size: int
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    role: OrderRole = OrderRole.ENTRY
    origin: str = "hand"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_ticks: int | None = None
    bracket: Bracket | None = None
    engine_bracket: bool = False
    """Its bracket is kept by the engine, not by the broker: so of the entry, of its stop and of its target."""
    filled: int = 0
    average_price: Decimal | None = None
    broker_order_id: str | None = None
    parent_id: str | None = None
    replaces: str | None = None
    """The order that the broker refused for its bracket, and in whose place this one went out without it."""
    cancel_by: CancelBy | None = None
    """Who of us has asked for its cancel, as long as nothing shows that it took no effect."""
    cancel_asked_at: datetime | None = None
    reason: str | None = None
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None

    @property
    def remaining(self) -> int:
        return self.size - self.filled

    @property
    def price(self) -> Decimal | None:
        """The price that a trader would move: the stop of stop orders, the limit of the rest."""
        return self.stop_price if self.stop_price is not None else self.limit_price


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The broker's word on one of its orders at one moment.

    `tag` is what we sent with it; None for orders made elsewhere. `parent_broker_id` links bracket legs.
    """

    broker_order_id: str
    account_id: str
    instrument_id: str
    side: Side
    type: OrderType
    size: int
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    filled: int = 0
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_ticks: int | None = None
    tag: str | None = None
    role: OrderRole | None = None
    parent_broker_id: str | None = None
    reason: str | None = None
