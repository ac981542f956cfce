"""The gateway's JSON, as it is: request bodies, replies, hub payloads. Nothing here leaves this package.

Replies come in an envelope whose `success` decides; HTTP 200 alone means nothing. Ids are tolerated as strings and
every payload field of a failed reply may be null or absent (both unverified). Hub payloads omit nulls where REST prints
them.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Final

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class OrderType(IntEnum):
    UNKNOWN = 0
    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP = 4
    TRAILING_STOP = 5
    JOIN_BID = 6
    JOIN_ASK = 7


class OrderSide(IntEnum):
    BID = 0
    ASK = 1


class OrderStatus(IntEnum):
    NONE = 0
    OPEN = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING = 6
    PENDING_CANCELLATION = 7
    SUSPENDED = 8


class PositionType(IntEnum):
    UNDEFINED = 0
    LONG = 1
    SHORT = 2


class DomType(IntEnum):
    UNKNOWN = 0
    ASK = 1
    BID = 2
    BEST_ASK = 3
    BEST_BID = 4
    TRADE = 5
    RESET = 6
    LOW = 7
    HIGH = 8
    NEW_BEST_BID = 9
    NEW_BEST_ASK = 10
    FILL = 11


DELETED = 2
"""`action` of a hub event that says its entity is gone."""


SORT_BY_ID = 1
ASCENDING = 0


_LONGEST_WORDS: Final = 300


def words(text: str) -> str:
    """What the gateway says, as one line that any terminal and log can take."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_WORDS else f"{line[: _LONGEST_WORDS - 1]}…"


class Body(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True, gc=False):
    """A request body; None leaves a field out."""


class Reply(msgspec.Struct, rename="camel", kw_only=True):
    """What every reply has."""

    success: bool
    error_code: int = 0
    error_message: str | None = None


class Row(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    """One record of the gateway."""


# -- rows --------------------------------------------------------------------------------------------------------


class AccountRow(Row, kw_only=True):
    id: int
    name: str
    balance: Decimal
    can_trade: bool = True
    is_visible: bool = True
    simulated: bool = True


class ContractRow(Row, kw_only=True):
    id: str
    name: str
    description: str
    tick_size: Decimal
    tick_value: Decimal
    active_contract: bool
    symbol_id: str


class OrderRow(Row, kw_only=True):
    id: int
    account_id: int
    contract_id: str
    creation_timestamp: Time
    update_timestamp: Time | None = None
    status: int
    type: int
    side: int
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    fill_volume: int = 0
    filled_price: Decimal | None = None
    custom_tag: str | None = None
    trail_distance: int | None = None
    parent_order_id: int | None = None


class PositionRow(Row, kw_only=True):
    id: int
    account_id: int
    contract_id: str
    creation_timestamp: Time
    type: int
    size: int
    average_price: Decimal


class TradeRow(Row, kw_only=True):
    id: int
    account_id: int
    contract_id: str
    creation_timestamp: Time
    price: Decimal
    profit_and_loss: Decimal | None = None
    fees: Decimal = Decimal(0)
    commissions: Decimal | None = None
    side: int
    size: int
    voided: bool = False
    order_id: int


class BarRow(msgspec.Struct, gc=False):
    t: Time
    o: float
    h: float
    l: float  # noqa: E741 - the gateway's name
    c: float
    v: float


# -- requests ----------------------------------------------------------------------------------------------------


class LoginBody(Body, kw_only=True):
    user_name: str
    api_key: str


class AccountSearchBody(Body, kw_only=True):
    only_active_accounts: bool


class ContractSearchBody(Body, kw_only=True):
    search_text: str
    live: bool


class ContractByIdBody(Body, kw_only=True):
    contract_id: str


class AvailableContractsBody(Body, kw_only=True):
    live: bool


class BarsBody(Body, kw_only=True):
    contract_id: str
    live: bool
    start_time: datetime
    end_time: datetime
    unit: int
    unit_number: int
    limit: int
    include_partial_bar: bool


class BracketBody(Body, kw_only=True):
    ticks: int
    type: int


class PlaceBody(Body, kw_only=True):
    account_id: int
    contract_id: str
    type: int
    side: int
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    custom_tag: str | None = None
    stop_loss_bracket: BracketBody | None = None
    take_profit_bracket: BracketBody | None = None


class ModifyBody(Body, kw_only=True):
    account_id: int
    order_id: int
    size: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None


class OrderIdBody(Body, kw_only=True):
    account_id: int
    order_id: int


class AccountBody(Body, kw_only=True):
    account_id: int


class SpanBody(Body, kw_only=True):
    account_id: int
    start_timestamp: datetime
    end_timestamp: datetime | None = None


class OrderFilter(Body, kw_only=True):
    account_id: int
    statuses: tuple[int, ...] | None = None


class OrderQueryBody(Body, kw_only=True):
    filter: OrderFilter
    page_size: int
    page_offset: int
    sort_by: int | None = None
    sort_direction: int | None = None
    include_total_count: bool | None = None


class CloseBody(Body, kw_only=True):
    account_id: int
    contract_id: str
    size: int | None = None


class EmptyBody(Body, kw_only=True):
    """For the calls that take none."""


# -- replies -----------------------------------------------------------------------------------------------------


class LoginReply(Reply, kw_only=True):
    token: str | None = None


class ValidateReply(Reply, kw_only=True):
    new_token: str | None = None


class AccountsReply(Reply, kw_only=True):
    accounts: list[AccountRow] | None = None


class ContractsReply(Reply, kw_only=True):
    contracts: list[ContractRow] | None = None


class ContractReply(Reply, kw_only=True):
    contract: ContractRow | None = None


class BarsReply(Reply, kw_only=True):
    bars: list[BarRow] | None = None


class OrdersReply(Reply, kw_only=True):
    orders: list[OrderRow] | None = None
    total_count: int | None = None


class OrderReply(Reply, kw_only=True):
    order: OrderRow | None = None


class PlaceReply(Reply, kw_only=True):
    order_id: int | None = None


class PositionsReply(Reply, kw_only=True):
    positions: list[PositionRow] | None = None


class TradesReply(Reply, kw_only=True):
    trades: list[TradeRow] | None = None


class Problem(msgspec.Struct):
    """ASP.NET's ProblemDetails, the body of HTTP 400."""

    title: str = ""
    detail: str = ""
    errors: dict[str, list[str]] = {}


# -- hub payloads ------------------------------------------------------------------------------------------------


class QuoteData(msgspec.Struct, rename="camel", gc=False):
    """A sparse quote: what is missing has not changed."""

    last_price: float | None = None
    best_bid: float | None = None
    best_ask: float | None = None
    change: float | None = None
    change_percent: float | None = None
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    timestamp: Time | None = None
    last_updated: Time | None = None


class PrintData(msgspec.Struct, gc=False):
    """A market trade; `type` is the aggressor's side."""

    price: float
    timestamp: Time
    volume: float
    type: int = -1


class DepthData(msgspec.Struct, gc=False):
    """One row of the depth stream."""

    type: int
    price: float
    timestamp: Time | None = None
    volume: float = 0.0
