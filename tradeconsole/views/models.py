"""View-models: ready-to-draw facts, the same for terminal, browser and CLI. Frozen; built by `views.build`."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.events import Channel, ChannelState, Severity
from tradeconsole.domain.market import BarSeries
from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType, Side


class View(BaseModel):
    """Root of all view-models."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ChannelView(View):
    channel: Channel
    state: ChannelState
    reason: str = ""
    age: float | None = None
    """Seconds since anything was received on it."""


class AccountChoice(View):
    account_id: str
    name: str
    kind: AccountKind
    balance: Decimal
    can_trade: bool


class SessionView(View):
    """The market's session for the watched instrument."""

    calendar: str
    """`CME`, `DEMO 24/7`, or `REPLAY` with the date that is replayed."""
    is_open: bool
    clock: datetime
    """Venue time, in the exchange's zone."""
    changes_at: datetime | None = None
    """When it closes (if open) or opens (if closed), in the exchange's zone."""
    note: str = ""
    """Holiday or early close, if any."""


class BudgetView(View):
    """How much of a broker's request budget is used; `window` in seconds."""

    name: str
    used: int
    limit: int
    window: float


class HeaderView(View):
    """What every screen shows on top."""

    profile: str
    broker: str
    account: AccountChoice | None = None
    accounts: tuple[AccountChoice, ...] = ()
    channels: tuple[ChannelView, ...] = ()
    open_pnl: Decimal | None = Decimal(0)
    """None while a position has no price, or while nobody knows of one but it may be there."""
    day_pnl: Decimal | None = Decimal(0)
    """Realised net since the session's start plus open."""
    session: SessionView
    armed: bool = False
    synced: bool = False
    """The book agrees with the broker's records."""
    heartbeat: int = 0
    """Engine loop turns; a screen that sees it stand still says so."""
    data_age: float | None = None
    """Seconds since the newest quote of the watched instrument."""
    storage: Literal["ok", "spooling", "off"] = "ok"
    storage_note: str = ""
    scarce: tuple[BudgetView, ...] = ()
    """Request budgets that are nearly used up."""
    unread: int = 0


class EquityView(View):
    """Equity over the session, oldest first: seconds since the epoch, and money."""

    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


class DashboardView(View):
    """Figures of the selected account for the current session."""

    balance: Decimal = Decimal(0)
    equity: Decimal | None = Decimal(0)
    open_pnl: Decimal | None = Decimal(0)
    day_pnl: Decimal | None = Decimal(0)
    """As in the header: realised net plus open."""
    realised_gross: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    realised_net: Decimal = Decimal(0)
    trades: int = 0
    """Round trips closed."""
    wins: int = 0
    losses: int = 0
    best: Decimal | None = None
    worst: Decimal | None = None
    contracts: int = 0
    """Contracts held, all instruments, sides not netted."""
    working_orders: int = 0
    unknown_orders: int = 0
    curve: EquityView = EquityView()
    proven: bool = True
    """Whether the broker's records have been read: until then what is nought here may be more."""


class WatchRow(View):
    instrument_id: str
    symbol: str
    name: str
    decimals: int
    last: float | None = None
    bid: float | None = None
    ask: float | None = None
    change: float | None = None
    change_percent: float | None = None
    volume: int | None = None
    age: float | None = None
    stale: bool = False


class PositionRow(View):
    account_id: str
    instrument_id: str
    symbol: str
    name: str
    decimals: int
    size: int
    """Signed."""
    average_price: Decimal
    last: float | None
    open_pnl: Decimal | None
    open_ticks: float | None
    fees: Decimal
    opened_at: datetime
    protected: int
    """Contracts covered by working stops."""
    protection: str
    """Which stop covers it and who keeps it, or `UNPROTECTED`."""
    enforcer: str = ""
    """Who keeps its stops in step: `broker`, `engine`, `broker+engine`; empty without stops."""
    confirmed_at: datetime | None = None
    """When the broker last confirmed those stops."""
    proven: bool = True
    """Whether the broker's records have been read: until then a stop that is not here may well be there."""
    stale: bool = False


class OrderRow(View):
    order_id: str
    broker_order_id: str | None
    account_id: str
    instrument_id: str
    symbol: str
    name: str
    decimals: int
    side: Side
    type: OrderType
    role: OrderRole
    size: int
    filled: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    average_price: Decimal | None
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    trail: str = ""
    """The echo: `sent 14:31:02.114 → ack 41 ms → working`."""
    reason: str = ""
    origin: str = ""
    parent_id: str | None = None
    replaced_by: str | None = None
    """The order that went out in place of this refused one: the broker took no bracket, so the engine keeps it."""
    is_open: bool = True
    can_move: bool = False
    can_cancel: bool = False
    doubt_seconds: float | None = None
    """How long it has been unknown."""

    @property
    def price(self) -> Decimal | None:
        return self.stop_price if self.stop_price is not None else self.limit_price


class FillRow(View):
    fill_id: str
    order_id: str | None
    instrument_id: str
    name: str
    decimals: int
    side: Side
    size: int
    price: Decimal
    time: datetime
    fees: Decimal
    realised: Decimal | None


class RoundTripRow(View):
    round_trip_id: str
    instrument_id: str
    name: str
    decimals: int
    side: Side
    size: int
    entry_price: Decimal
    exit_price: Decimal
    opened_at: datetime
    closed_at: datetime
    gross_pnl: Decimal
    fees: Decimal
    net_pnl: Decimal


class NotificationRow(View):
    notification_id: str
    time: datetime
    severity: Severity
    title: str
    detail: str
    count: int = 1
    read: bool = False


class ChartOrder(View):
    """A working order to draw across the chart."""

    order_id: str
    price: float
    label: str
    side: Side
    role: OrderRole


class ChartFill(View):
    """One of our executions to mark on its bar."""

    time: float
    price: float
    side: Side
    size: int


class LiveBar(View):
    time: float
    open: float
    high: float
    low: float
    close: float
    volume: int


class ChartView(View):
    """A chart: closed bars by reference, the bar in the making, and our own marks.

    `bars` is the same object from frame to frame until a bar closes or history arrives.
    """

    instrument_id: str
    symbol: str
    name: str
    timeframe: str
    decimals: int
    tick: float
    bars: BarSeries
    live: LiveBar | None = None
    orders: tuple[ChartOrder, ...] = ()
    fills: tuple[ChartFill, ...] = ()
    average_price: float | None = None
    position: int = 0
    loading: bool = False
    complete: bool = False
    """No older bars are to be had."""
    note: str = ""


class TicketView(View):
    """What the order ticket needs to know about the watched instrument."""

    instrument_id: str
    symbol: str
    name: str
    description: str
    decimals: int
    tick_size: Decimal
    tick_value: Decimal
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    position: int = 0
    max_size: int
    can_trade: bool = False
    blocked: str = ""
    """Why orders that add risk would be refused now; empty if they would not."""
    order_types: tuple[OrderType, ...] = ()
    brackets: bool = True
    default_stop_ticks: int | None = None
    default_target_ticks: int | None = None


class StageLatency(View):
    """One stage of a road; milliseconds."""

    stage: str
    count: int
    p50: float
    p99: float
    max: float


class SystemView(View):
    """Health of the engine, for the system screen and `doctor`."""

    stages: tuple[StageLatency, ...] = ()
    loop_lag: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    spool_pending: int = 0
    budgets: tuple[BudgetView, ...] = ()
    differences: tuple[str, ...] = ()


class Frame(View):
    """One picture of everything a subscriber watches. A section that is None has not changed."""

    header: HeaderView | None = None
    dashboard: DashboardView | None = None
    watchlist: tuple[WatchRow, ...] | None = None
    positions: tuple[PositionRow, ...] | None = None
    orders: tuple[OrderRow, ...] | None = None
    fills: tuple[FillRow, ...] | None = None
    round_trips: tuple[RoundTripRow, ...] | None = None
    notifications: tuple[NotificationRow, ...] | None = None
    chart: ChartView | None = None
    ticket: TicketView | None = None
    system: SystemView | None = None


class PreviewView(View):
    """What an order would do, before it is sent."""

    summary: str
    """`BUY 2 MNQZ6 market, stop −40 ticks, target +80 ticks`."""
    resulting_position: int
    opens: int
    """Contracts that it would open; the rest of it closes what is held."""
    fees: Decimal | None
    """Estimated cost of the order and of leaving what it opens, if known from past fills."""
    risk: Decimal | None
    """Money lost if the stop fills at its price, fees left out; None without a stop."""
    reward: Decimal | None
    ratio: float | None
    """Reward per unit of risk."""
    refusal: str | None
    """The rule and the numbers that would refuse it; None if it would be sent."""
