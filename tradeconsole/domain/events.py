"""What has happened: frozen facts, named in the past tense. The book applies them, subscribers read them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Bar, Depth, Quote, Tick, Timeframe
from tradeconsole.domain.orders import CancelBy, Order, OrderReport
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.domain.workspace import Workspace


class Channel(StrEnum):
    """Independent ways to and from a broker, each with its own health."""

    ORDERS = "orders"  # request and reply
    ACCOUNT = "account"  # the stream of our orders, fills, positions
    MARKET = "market"  # the stream of quotes, ticks, depth


class ChannelState(StrEnum):
    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"  # connected but silent
    DOWN = "down"
    KICKED = "kicked"  # another session of the same user took over


class Severity(StrEnum):
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class BrokerPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The broker's own statement of a position; `size` is signed, 0 when flat."""

    account_id: str
    instrument_id: str
    size: int
    average_price: Decimal
    opened_at: datetime
    position_id: str = ""


# -- told by a broker adapter ---------------------------------------------------------------------------------


class QuoteReceived(msgspec.Struct, frozen=True, gc=False):
    quote: Quote


class TickReceived(msgspec.Struct, frozen=True, gc=False):
    tick: Tick


class DepthReceived(msgspec.Struct, frozen=True, gc=False):
    depth: Depth


class OrderReported(msgspec.Struct, frozen=True, gc=False):
    report: OrderReport


class FillReported(msgspec.Struct, frozen=True, gc=False):
    fill: Fill


class PositionReported(msgspec.Struct, frozen=True, gc=False):
    position: BrokerPosition


class AccountReported(msgspec.Struct, frozen=True, gc=False):
    account: Account


class InstrumentResolved(msgspec.Struct, frozen=True, gc=False):
    instrument: Instrument


class ChannelChanged(msgspec.Struct, frozen=True, gc=False):
    """A channel's health changed; `reason` is a sentence for the user."""

    channel: Channel
    state: ChannelState
    reason: str = ""


# -- told by the engine ---------------------------------------------------------------------------------------


class OrderIntended(msgspec.Struct, frozen=True, gc=False):
    """We wrote down that we are about to send this order."""

    order: Order


class OrderSent(msgspec.Struct, frozen=True, gc=False):
    order_id: str
    time: datetime


class OrderAccepted(msgspec.Struct, frozen=True, gc=False):
    """The broker took the order and gave it an id; its own events move it on."""

    order_id: str
    broker_order_id: str
    time: datetime


class OrderFailed(msgspec.Struct, frozen=True, gc=False):
    """The order certainly did not reach the broker."""

    order_id: str
    reason: str
    time: datetime


class OrderRejected(msgspec.Struct, frozen=True, gc=False):
    """The broker's reply to the request said no; `reason` is its text, which its stream never repeats."""

    order_id: str
    reason: str
    time: datetime
    broker_order_id: str | None = None


class OrderDoubted(msgspec.Struct, frozen=True, gc=False):
    """No reply: only the broker's records can settle what became of the order."""

    order_id: str
    reason: str
    time: datetime


class CancelAsked(msgspec.Struct, frozen=True, gc=False):
    """A cancel is about to be sent; `by` None takes it back, because it certainly took no effect."""

    order_id: str
    by: CancelBy | None
    time: datetime | None


class OrderChanged(msgspec.Struct, frozen=True, gc=False):
    """The book's view of an order after any of the above."""

    order: Order


class FillBooked(msgspec.Struct, frozen=True, gc=False):
    """A fill entered the book for the first time; `realised` is gross."""

    fill: Fill
    realised: Decimal


class PositionChanged(msgspec.Struct, frozen=True, gc=False):
    """The position after a change; None when flat."""

    account_id: str
    instrument_id: str
    position: Position | None


class PositionAdjusted(msgspec.Struct, frozen=True, gc=False):
    """The broker's position replaced ours, because its fills are not to be had any more."""

    stated: BrokerPosition
    reason: str


class RoundTripClosed(msgspec.Struct, frozen=True, gc=False):
    round_trip: RoundTrip


class RoundTripVoided(msgspec.Struct, frozen=True, gc=False):
    """A late fill showed that this round trip did not happen as booked; its true form follows."""

    account_id: str
    round_trip_id: str


class AccountChanged(msgspec.Struct, frozen=True, gc=False):
    account: Account


class BarClosed(msgspec.Struct, frozen=True, gc=False):
    instrument_id: str
    timeframe: Timeframe
    bar: Bar


class NotificationRaised(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something the user should know; `key` lets repeats fold into one."""

    notification_id: str
    time: datetime
    severity: Severity
    title: str
    detail: str = ""
    key: str = ""
    account_id: str | None = None


class ArmedChanged(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    armed: bool
    reason: str = ""


class Synced(msgspec.Struct, frozen=True, gc=False):
    """The book agrees with the broker's records as of this time; `differences` lists what could not be settled."""

    account_id: str
    time: datetime
    differences: tuple[str, ...] = ()


class StorageChanged(msgspec.Struct, frozen=True, gc=False):
    """PostgreSQL came or went; `pending` is the number of records waiting in the spool."""

    available: bool
    reason: str = ""
    pending: int = 0


class ChartLoaded(msgspec.Struct, frozen=True, gc=False):
    """More or better closed bars of a watched chart are in memory."""

    instrument_id: str
    timeframe: Timeframe


class HeartbeatPassed(msgspec.Struct, frozen=True, gc=False):
    """The engine's loop turned; `count` only grows."""

    count: int


BrokerEvent = (
    QuoteReceived
    | TickReceived
    | DepthReceived
    | OrderReported
    | FillReported
    | PositionReported
    | AccountReported
    | InstrumentResolved
    | ChannelChanged
)


class WorkspaceChanged(msgspec.Struct, frozen=True, gc=False):
    """The user chose another account, or changed the watchlist."""

    workspace: Workspace


EngineEvent = (
    OrderIntended
    | OrderSent
    | OrderAccepted
    | OrderFailed
    | OrderRejected
    | OrderDoubted
    | CancelAsked
    | OrderChanged
    | FillBooked
    | PositionChanged
    | PositionAdjusted
    | RoundTripClosed
    | RoundTripVoided
    | AccountChanged
    | BarClosed
    | NotificationRaised
    | ArmedChanged
    | Synced
    | StorageChanged
    | ChartLoaded
    | HeartbeatPassed
    | WorkspaceChanged
)

Event = BrokerEvent | EngineEvent
