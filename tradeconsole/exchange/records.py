"""What the venue keeps and says: accounts, orders, trades, positions, answers and events, in the gateway's terms."""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated

import msgspec

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.account_rules import Plan, Standing


class BracketMode(StrEnum):
    """Account setting: which brackets the platform accepts."""

    AUTO_OCO = "auto-oco"
    POSITION = "position"


class PlaceCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_REJECTED = 2
    INSUFFICIENT_FUNDS = 3
    ACCOUNT_VIOLATION = 4
    OUTSIDE_TRADING_HOURS = 5
    ORDER_PENDING = 6
    UNKNOWN_ERROR = 7
    CONTRACT_NOT_FOUND = 8
    CONTRACT_NOT_ACTIVE = 9
    ACCOUNT_REJECTED = 10


class ModifyCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_NOT_FOUND = 2
    REJECTED = 3
    PENDING = 4
    UNKNOWN_ERROR = 5
    ACCOUNT_REJECTED = 6
    CONTRACT_NOT_FOUND = 7


class CancelCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    ORDER_NOT_FOUND = 2
    REJECTED = 3
    PENDING = 4
    UNKNOWN_ERROR = 5
    ACCOUNT_REJECTED = 6


class CloseCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    POSITION_NOT_FOUND = 2
    CONTRACT_NOT_FOUND = 3
    CONTRACT_NOT_ACTIVE = 4
    ORDER_REJECTED = 5
    ORDER_PENDING = 6
    UNKNOWN_ERROR = 7
    ACCOUNT_REJECTED = 8


class PartialCloseCode(IntEnum):
    SUCCESS = 0
    ACCOUNT_NOT_FOUND = 1
    POSITION_NOT_FOUND = 2
    CONTRACT_NOT_FOUND = 3
    CONTRACT_NOT_ACTIVE = 4
    INVALID_CLOSE_SIZE = 5
    ORDER_REJECTED = 6
    ORDER_PENDING = 7
    UNKNOWN_ERROR = 8
    ACCOUNT_REJECTED = 9


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """Answer to a command. `code` belongs to the command's own enum; 0 is success.

    `order_id` is the order that was made: refused placements have one too, closings give none away.
    """

    code: int
    message: str | None = None
    order_id: int | None = None

    @property
    def success(self) -> bool:
        return self.code == 0


Ticks = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class PositionBrackets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from a position's average price the platform itself keeps a stop and a target; None keeps none."""

    stop_ticks: Ticks | None = None
    target_ticks: Ticks | None = None


class VenueAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One trading account. `balance` is realised cash; `max_lots` counts mini-equivalents (None: no limit).

    Without a `bracket_mode` it is the venue's; in that of position brackets the platform keeps
    `position_brackets` for what it holds. A `follower` copies another account. `product_limits`
    counts contracts by root. Under a `plan` the firm closes and
    blocks it, as it stands with the plan.
    """

    id: int
    user: str
    name: str
    balance: Decimal
    start_balance: Decimal
    can_trade: bool = True
    is_visible: bool = True
    simulated: bool = True
    bracket_mode: BracketMode | None = None
    position_brackets: PositionBrackets | None = None
    max_lots: Decimal | None = None
    product_limits: dict[str, int] = {}
    follower: bool = False
    plan: Plan | None = None
    standing: Standing | None = None

    @property
    def allowed_lots(self) -> Decimal | None:
        """Mini-equivalents that it may hold today; None: any number."""
        scaled = None if self.standing is None else self.standing.max_lots
        limits = [limit for limit in (self.max_lots, scaled) if limit is not None]
        return min(limits, default=None)


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One side of a bracket: signed ticks from the entry's fill price; type None is one the venue does not know."""

    ticks: int
    type: OrderType | None


class PlaceRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as it arrives; type and side None are ones the venue does not know.

    `trail_price` is an absolute level, from which the distance to the last price is taken.
    """

    contract_id: str
    type: OrderType | None
    side: Side | None
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    tag: str | None = None
    stop_loss: Leg | None = None
    take_profit: Leg | None = None


class ModifyRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Changes to a working order; None leaves a value as it is. `trail_price` is an absolute level."""

    order_id: int
    size: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order. Fills do not move `updated_at`; `filled_price` is the average.

    `trail_distance` is in ticks and `trail_price` the same as a price distance, both signed on the suspended
    legs of a bracket. `linked_id` is set on the take-profit leg only: the id of the stop-loss leg. The venue
    alone sees `triggered` (the stop of a stop-limit order was reached), `closes` (made by a close command) and
    `position_id` (made by the platform, to guard that position and nothing else).
    """

    id: int
    account_id: int
    contract_id: str
    symbol_id: str
    created_at: datetime
    updated_at: datetime
    status: OrderStatus
    type: OrderType
    side: Side
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    filled: int = 0
    filled_price: Decimal | None = None
    tag: str | None = None
    trail_distance: int | None = None
    trail_price: Decimal | None = None
    parent_id: int | None = None
    linked_id: int | None = None
    triggered: bool = False
    closes: bool = False
    position_id: int | None = None

    @property
    def remaining(self) -> int:
        return self.size - self.filled


class VenueTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One half-turn. `gross_pnl` is None where the fill opened; fees and commissions are of this side, all lots."""

    id: int
    account_id: int
    contract_id: str
    order_id: int
    created_at: datetime
    side: Side
    size: int
    price: Decimal
    gross_pnl: Decimal | None
    fees: Decimal
    commissions: Decimal
    voided: bool = False


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Contracts that were bought or sold at one price."""

    size: int
    price: Decimal


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """Netted position in one contract; `size` is signed and 0 in the event that says flat.

    `cost` is the signed money paid for it (price × point value × contracts), from which P&L is computed
    exactly; `opening_trades` are the ids of the trades that opened or enlarged it, `lots` what is held of their
    contracts if the oldest are closed first.
    """

    id: int
    account_id: int
    contract_id: str
    display_name: str
    created_at: datetime
    size: int
    average_price: Decimal
    cost: Decimal
    opening_trades: tuple[int, ...] = ()
    lots: tuple[Lot, ...] = ()


class OrderChanged(msgspec.Struct, frozen=True, gc=False):
    time: datetime
    order: VenueOrder


class TradeReported(msgspec.Struct, frozen=True, gc=False):
    """A trade; `again` marks one that was reported before (hub action 1 instead of 0)."""

    time: datetime
    trade: VenueTrade
    again: bool = False


class PositionChanged(msgspec.Struct, frozen=True, gc=False):
    """A position; with size 0 it is gone and `average_price` is the last one (hub action 2)."""

    time: datetime
    position: VenuePosition


class AccountChanged(msgspec.Struct, frozen=True, gc=False):
    time: datetime
    account: VenueAccount


class DepthRow(msgspec.Struct, frozen=True, gc=False):
    """New displayed size at a level (BUY: bid side); 0 means that the level is gone."""

    side: Side
    price: float
    size: int


class DepthChanged(msgspec.Struct, frozen=True, gc=False):
    instrument_id: str
    time: datetime
    rows: tuple[DepthRow, ...]


MarketEvent = Quote | Tick | DepthChanged
"""What a market says; `instrument_id` is the contract id."""

UserEvent = OrderChanged | TradeReported | PositionChanged | AccountChanged

ExchangeEvent = UserEvent | MarketEvent
"""Every event has `time`, aware UTC."""


class Latencies(msgspec.Struct, frozen=True, gc=False):
    """Delays inside the venue, in milliseconds, as recorded on the real one."""

    fill: float = 5.0
    rejection: float = 2.5
    activation: float = 20.0
    sibling_cancel: float = 12.0


class LotMatching(StrEnum):
    """Which contracts of a position a part that is closed is taken to be."""

    AVERAGE = "average"
    FIFO = "fifo"


class SessionEnd(StrEnum):
    """What becomes of orders that still work when the session of their product ends."""

    CANCEL = "cancel"
    EXPIRE = "expire"
    KEEP = "keep"


class ExchangeOptions(msgspec.Struct, kw_only=True):
    """How the venue behaves where venues differ or nobody knows; it may change while the venue runs.

    Attributes:
        fill_on_touch: resting limits fill when their price trades; else only when it is traded or quoted through.
        partial_fills: no more than the displayed size fills at a price.
        slippage_ticks: market orders fill that much worse.
        stop_slippage_ticks: triggered stops fill that much worse.
        close_cancels_brackets: going flat by `close_contract` cancels what is left of brackets.
        repeat_account_events: account events come twice.
        repeat_entry_trades: entry trades are reported again when their position goes flat.
        strict_bracket_signs: bracket ticks must carry the sign of their direction; else they are given it.
        stop_limit_orders: stop-limit orders can be placed.
        bracket_mode: of accounts that have none of their own.
        modify_suspended: legs of brackets that still wait can be given prices of their own.
        locked_code: refusal of orders of a locked account.
        window_code: refusal of orders outside the firm's hours.
        limit_code: refusal of orders beyond the position limit.
        lot_matching: by what the P&L of a partial close is worked out (both have been reported: unverified).
        session_end: what becomes of resting orders when their product's session ends (3 or 4: unverified).
    """

    latencies: Latencies = Latencies()
    fill_on_touch: bool = False
    partial_fills: bool = False
    slippage_ticks: int = 0
    stop_slippage_ticks: int = 0
    close_cancels_brackets: bool = False
    repeat_account_events: bool = True
    repeat_entry_trades: bool = True
    strict_bracket_signs: bool = True
    stop_limit_orders: bool = False
    bracket_mode: BracketMode = BracketMode.AUTO_OCO
    modify_suspended: bool = False
    locked_code: PlaceCode = PlaceCode.ACCOUNT_VIOLATION
    window_code: PlaceCode = PlaceCode.OUTSIDE_TRADING_HOURS
    limit_code: PlaceCode = PlaceCode.ORDER_REJECTED
    lot_matching: LotMatching = LotMatching.AVERAGE
    session_end: SessionEnd = SessionEnd.CANCEL
