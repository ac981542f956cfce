"""Entities as the gateway writes them: key order, null rules, numbers and times, on REST and on the user hub."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tradeconsole.domain.market import Bar
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.emulator.bodies import Int32, Int64
from tradeconsole.emulator.formats import hub_time, number, raw_number, raw_number_or_null, rest_time
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.records import VenueAccount, VenueOrder, VenuePosition, VenueTrade

ORDER_TYPES: Final = {
    1: OrderType.LIMIT,
    2: OrderType.MARKET,
    3: OrderType.STOP_LIMIT,
    4: OrderType.STOP,
    5: OrderType.TRAILING_STOP,
    6: OrderType.JOIN_BID,
    7: OrderType.JOIN_ASK,
}
SIDES: Final = {0: Side.BUY, 1: Side.SELL}
STATUSES: Final = {
    1: OrderStatus.WORKING,
    2: OrderStatus.FILLED,
    3: OrderStatus.CANCELLED,
    4: OrderStatus.EXPIRED,
    5: OrderStatus.REJECTED,
    6: OrderStatus.PENDING,
    7: OrderStatus.CANCELLING,
    8: OrderStatus.SUSPENDED,
}

_TYPE_CODE: Final = {type_: code for code, type_ in ORDER_TYPES.items()}
_SIDE_CODE: Final = {side: code for code, side in SIDES.items()}
_STATUS_CODE: Final = {status: code for code, status in STATUSES.items()}

Number = Annotated[Raw, msgspec.Meta(extra_json_schema={"type": "number", "format": "decimal"})]
Optional = Number | UnsetType | None
"""A number, JSON's null (which is raw as well), or no key at all."""

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class WireAccount(msgspec.Struct, rename="camel"):
    id: Int32
    name: str
    balance: Number
    can_trade: bool
    is_visible: bool
    simulated: bool


class WireContract(msgspec.Struct, rename="camel"):
    id: str
    name: str
    description: str
    tick_size: Number
    tick_value: Number
    active_contract: bool
    symbol_id: str


class WireOrder(msgspec.Struct, rename="camel"):
    id: Int64
    account_id: Int32
    contract_id: str
    symbol_id: str
    creation_timestamp: Time
    update_timestamp: Time
    status: Int32
    type: Int32
    side: Int32
    size: Int32
    limit_price: Optional
    stop_price: Optional
    fill_volume: Int32
    filled_price: Optional
    custom_tag: str | UnsetType | None
    trail_distance: Int32 | UnsetType
    trail_price: Optional
    parent_order_id: Int64 | UnsetType
    linked_order_id: Int64 | UnsetType


class WirePosition(msgspec.Struct, rename="camel"):
    id: Int32
    account_id: Int32
    contract_id: str
    contract_display_name: str
    creation_timestamp: Time
    type: Int32
    size: Int32
    average_price: Number


class WireTrade(msgspec.Struct, rename="camel"):
    id: Int64
    account_id: Int32
    contract_id: str
    creation_timestamp: Time
    price: Number
    profit_and_loss: Optional
    fees: Number
    commissions: Optional
    side: Int32
    size: Int32
    voided: bool
    order_id: Int64


class WireBar(msgspec.Struct):
    t: Time
    o: Number
    h: Number
    l: Number  # noqa: E741 - the gateway's own name
    c: Number
    v: Int64


class Style(msgspec.Struct, frozen=True):
    """The manners of one surface: REST prints nulls and microseconds, the hubs omit nulls and print one digit more."""

    nulls: bool

    def time(self, moment: datetime) -> str:
        return rest_time(moment) if self.nulls else hub_time(moment)

    def number(self, value: Decimal | None) -> Optional:
        return UNSET if value is None and not self.nulls else raw_number_or_null(value)


REST: Final = Style(nulls=True)
HUB: Final = Style(nulls=False)


def account_row(account: VenueAccount) -> WireAccount:
    """An account; the same on both surfaces."""
    return WireAccount(
        id=account.id,
        name=account.name,
        balance=raw_number(account.balance),
        can_trade=account.can_trade,
        is_visible=account.is_visible,
        simulated=account.simulated,
    )


def contract_row(contract: Contract, *, active: bool) -> WireContract:
    """A contract."""
    return WireContract(
        id=contract.id,
        name=contract.name,
        description=contract.description,
        tick_size=raw_number(contract.product.tick),
        tick_value=raw_number(contract.product.tick_value),
        active_contract=active,
        symbol_id=contract.product.symbol_id,
    )


def order_row(order: VenueOrder, style: Style) -> WireOrder:
    """An order. Trail and family members are omitted on both surfaces where there are none."""
    return WireOrder(
        id=order.id,
        account_id=order.account_id,
        contract_id=order.contract_id,
        symbol_id=order.symbol_id,
        creation_timestamp=style.time(order.created_at),
        update_timestamp=style.time(order.updated_at),
        status=_STATUS_CODE[order.status],
        type=_TYPE_CODE[order.type],
        side=_SIDE_CODE[order.side],
        size=order.size,
        limit_price=style.number(order.limit_price),
        stop_price=style.number(order.stop_price),
        fill_volume=order.filled,
        filled_price=style.number(order.filled_price),
        custom_tag=UNSET if order.tag is None and not style.nulls else order.tag,
        trail_distance=UNSET if order.trail_distance is None else order.trail_distance,
        trail_price=UNSET if order.trail_price is None else raw_number(order.trail_price),
        parent_order_id=UNSET if order.parent_id is None else order.parent_id,
        linked_order_id=UNSET if order.linked_id is None else order.linked_id,
    )


def position_row(position: VenuePosition, style: Style) -> WirePosition:
    """A position; type 1 long, 2 short, 0 flat, and the size without sign."""
    return WirePosition(
        id=position.id,
        account_id=position.account_id,
        contract_id=position.contract_id,
        contract_display_name=position.display_name,
        creation_timestamp=style.time(position.created_at),
        type=0 if position.size == 0 else 1 if position.size > 0 else 2,
        size=abs(position.size),
        average_price=raw_number(position.average_price),
    )


def trade_row(trade: VenueTrade, style: Style, *, commissions: bool = True) -> WireTrade:
    """A half-turn; `profitAndLoss` is null (or absent on the hub) where it opened."""
    return WireTrade(
        id=trade.id,
        account_id=trade.account_id,
        contract_id=trade.contract_id,
        creation_timestamp=style.time(trade.created_at),
        price=raw_number(trade.price),
        profit_and_loss=style.number(trade.gross_pnl),
        fees=raw_number(trade.fees),
        commissions=raw_number(trade.commissions) if commissions else UNSET,
        side=_SIDE_CODE[trade.side],
        size=trade.size,
        voided=trade.voided,
        order_id=trade.order_id,
    )


def bars_body(bars: Iterable[Bar]) -> Raw:
    """The answer of `retrieveBars`, newest bar first."""
    rows = ",".join(
        f'{{"t":"{rest_time(bar.time)}","o":{number(bar.open)},"h":{number(bar.high)},'
        f'"l":{number(bar.low)},"c":{number(bar.close)},"v":{bar.volume}}}'
        for bar in reversed(list(bars))
    )
    return Raw(f'{{"bars":[{rows}],"success":true,"errorCode":0,"errorMessage":null}}'.encode())
