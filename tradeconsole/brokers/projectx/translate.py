"""Between the gateway's words and ours, both ways; pure.

Numbers of sections are those of the gateway's reference: sides and statuses (12), bracket signs (9), trailing
levels (8.2), positions (10), fills (11).
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.products import Commissions, Products, product_code
from tradeconsole.domain.accounts import Account, AccountKind
from tradeconsole.domain.events import BrokerPosition
from tradeconsole.domain.instruments import ContractMonth, Instrument, ProductGroup
from tradeconsole.domain.market import BarUnit
from tradeconsole.domain.orders import (
    Bracket,
    OrderReport,
    OrderRequest,
    OrderRole,
    OrderStatus,
    OrderType,
    Side,
)
from tradeconsole.domain.portfolio import Fill
from tradeconsole.errors import InvalidRequest

MIN_STOP_TICKS: Final = 4
MAX_TRAIL_TICKS: Final = 1000
MAX_TAG: Final = 60
"""The gateway's own limit is not known (unverified); its bracket legs append three characters."""

UNITS: Final = {
    BarUnit.SECOND: 1,
    BarUnit.MINUTE: 2,
    BarUnit.HOUR: 3,
    BarUnit.DAY: 4,
    BarUnit.WEEK: 5,
    BarUnit.MONTH: 6,
}

_STATUS: Final[dict[int, OrderStatus]] = {
    wire.OrderStatus.NONE: OrderStatus.PENDING,
    wire.OrderStatus.OPEN: OrderStatus.WORKING,
    wire.OrderStatus.FILLED: OrderStatus.FILLED,
    wire.OrderStatus.CANCELLED: OrderStatus.CANCELLED,
    wire.OrderStatus.EXPIRED: OrderStatus.EXPIRED,
    wire.OrderStatus.REJECTED: OrderStatus.REJECTED,
    wire.OrderStatus.PENDING: OrderStatus.PENDING,
    wire.OrderStatus.PENDING_CANCELLATION: OrderStatus.CANCELLING,
    wire.OrderStatus.SUSPENDED: OrderStatus.SUSPENDED,
}

_TYPE: Final[dict[int, OrderType]] = {
    wire.OrderType.LIMIT: OrderType.LIMIT,
    wire.OrderType.MARKET: OrderType.MARKET,
    wire.OrderType.STOP_LIMIT: OrderType.STOP_LIMIT,
    wire.OrderType.STOP: OrderType.STOP,
    wire.OrderType.TRAILING_STOP: OrderType.TRAILING_STOP,
    wire.OrderType.JOIN_BID: OrderType.JOIN_BID,
    wire.OrderType.JOIN_ASK: OrderType.JOIN_ASK,
}

# stop-limit is in the gateway's list of types, but not in its list of those that can be placed (unverified)
_WIRE_TYPE: Final = {
    OrderType.MARKET: wire.OrderType.MARKET,
    OrderType.LIMIT: wire.OrderType.LIMIT,
    OrderType.STOP: wire.OrderType.STOP,
    OrderType.TRAILING_STOP: wire.OrderType.TRAILING_STOP,
    OrderType.JOIN_BID: wire.OrderType.JOIN_BID,
    OrderType.JOIN_ASK: wire.OrderType.JOIN_ASK,
}

_ROLE_BY_SUFFIX: Final = {"-SL": OrderRole.STOP_LOSS, "-TP": OrderRole.TAKE_PROFIT}

_EVALUATION: Final = re.compile(r"\d+KTC\b")


# -- from the gateway --------------------------------------------------------------------------------------------


def account_kind(name: str, *, simulated: bool) -> AccountKind:
    """What is at stake, from the name's prefix: only that tells practice from evaluation (sections 5, 21.30).

    The prefixes are Topstep's; those of other firms and of live accounts are not known (unverified). A simulated
    account with an unknown name counts as an evaluation, so that nobody takes it for play money.
    """
    if not simulated:
        return AccountKind.LIVE
    if name.startswith("PRAC"):
        return AccountKind.PRACTICE
    if name.startswith(("EXPRESS", "XFA")):
        return AccountKind.FUNDED
    return AccountKind.EVALUATION


def account(row: wire.AccountRow) -> Account:
    return Account(
        account_id=str(row.id),
        name=row.name,
        balance=row.balance,
        kind=account_kind(row.name, simulated=row.simulated),
        can_trade=row.can_trade,
        is_visible=row.is_visible,
        simulated=row.simulated,
    )


def instrument(row: wire.ContractRow, products: Products) -> Instrument:
    """A contract; a product that is not in the table gets its symbol from its name, and index hours."""
    product = products.get(product_code(row.symbol_id))
    return Instrument(
        instrument_id=row.id,
        symbol=product.symbol if product else re.sub(r"[FGHJKMNQUVXZ]\d{1,2}$", "", row.name),
        name=row.name,
        description=row.description,
        tick_size=row.tick_size,
        tick_value=row.tick_value,
        group=product.group if product else ProductGroup.EQUITY_INDEX,
        month=_month(row.id),
        active=row.active_contract,
    )


def _month(contract_id: str) -> ContractMonth | None:
    try:
        return ContractMonth.parse(contract_id.rpartition(".")[2])
    except InvalidRequest:  # an id of another form: identity does not need the month
        return None


def side(value: int) -> Side:
    return Side.BUY if value == wire.OrderSide.BID else Side.SELL


def order_report(row: wire.OrderRow) -> OrderReport:
    kind = _order_type(row)
    trailing = kind is OrderType.TRAILING_STOP
    return OrderReport(
        broker_order_id=str(row.id),
        account_id=str(row.account_id),
        instrument_id=row.contract_id,
        side=side(row.side),
        type=kind,
        size=row.size,
        status=_STATUS.get(row.status, OrderStatus.PENDING),
        created_at=row.creation_timestamp,
        updated_at=row.update_timestamp or row.creation_timestamp,
        filled=row.fill_volume,
        average_price=row.filled_price,
        limit_price=row.limit_price,
        stop_price=row.stop_price,
        # suspended legs carry a signed offset here that is no trail
        trail_ticks=abs(row.trail_distance) if trailing and row.trail_distance is not None else None,
        tag=row.custom_tag,
        role=_role(row, kind),
        parent_broker_id=str(row.parent_order_id) if row.parent_order_id is not None else None,
    )


def _order_type(row: wire.OrderRow) -> OrderType:
    known = _TYPE.get(row.type)
    if known is not None:
        return known
    if row.stop_price is not None:
        return OrderType.STOP
    return OrderType.LIMIT if row.limit_price is not None else OrderType.MARKET


def _role(row: wire.OrderRow, kind: OrderType) -> OrderRole | None:
    if row.parent_order_id is None:
        return None
    # legs of an entry without a tag presumably have none either (unverified)
    by_tag = _ROLE_BY_SUFFIX.get((row.custom_tag or "")[-3:])
    if by_tag is not None:
        return by_tag
    return OrderRole.TAKE_PROFIT if kind is OrderType.LIMIT else OrderRole.STOP_LOSS


def position(row: wire.PositionRow, *, deleted: bool = False) -> BrokerPosition:
    """A position; a deleted or undefined one is flat."""
    signs = {int(wire.PositionType.LONG): 1, int(wire.PositionType.SHORT): -1}
    return BrokerPosition(
        account_id=str(row.account_id),
        instrument_id=row.contract_id,
        size=0 if deleted else row.size * signs.get(row.type, 0),
        average_price=row.average_price,
        # REST and stream tell this in different precision; one position must not look like two
        opened_at=row.creation_timestamp.replace(
            microsecond=row.creation_timestamp.microsecond // 1000 * 1000
        ),
        position_id=str(row.id),
    )


def fill(row: wire.TradeRow, commissions: Commissions) -> Fill:
    """A fill with everything charged for it: exchange fees and commission."""
    return Fill(
        fill_id=str(row.id),
        account_id=str(row.account_id),
        instrument_id=row.contract_id,
        broker_order_id=str(row.order_id),
        side=side(row.side),
        size=row.size,
        price=row.price,
        time=row.creation_timestamp,
        fees=row.fees + commissions.of(row.contract_id, row.size, row.commissions),
        gross_pnl=row.profit_and_loss,
    )


def fills(rows: Iterable[wire.TradeRow], commissions: Commissions) -> list[Fill]:
    """Executions, oldest first; voided rows, and rows that only charge a fee (unverified), are left out."""
    # rows that state their commission first, so that their rate serves the others
    stated_first = sorted(rows, key=lambda row: row.commissions is None)
    booked = [fill(row, commissions) for row in stated_first if not row.voided and row.size > 0]
    return sorted(booked, key=lambda each: (each.time, int(each.fill_id)))


# -- to the gateway ----------------------------------------------------------------------------------------------


def wire_id(text: str, what: str) -> int:
    """An id as the gateway counts them.

    Raises:
        InvalidRequest: it is not a number.
    """
    if not text.isascii() or not text.isdecimal():
        raise InvalidRequest(f"'{text}' is not {what} of this gateway: it must be a whole number")
    return int(text)


def place_body(request: OrderRequest, instrument: Instrument) -> wire.PlaceBody:
    """The body that places an order.

    Raises:
        InvalidRequest: the gateway is known not to take such an order.
    """
    kind = _WIRE_TYPE.get(request.type)
    if kind is None:
        raise InvalidRequest(
            f"this gateway takes no {request.type} orders; use a stop or a limit order instead"
        )
    if request.size < 1:
        raise InvalidRequest(f"size must be at least 1, not {request.size}")
    if not 1 <= len(request.tag) <= MAX_TAG:
        raise InvalidRequest(f"an order's tag must have 1 to {MAX_TAG} characters, not {len(request.tag)}")
    bracket = request.bracket or Bracket()
    return wire.PlaceBody(
        account_id=wire_id(request.account_id, "an account"),
        contract_id=request.instrument_id,
        type=kind,
        side=wire.OrderSide.BID if request.side is Side.BUY else wire.OrderSide.ASK,
        size=request.size,
        limit_price=_needed(request, "limit_price", instrument) if kind is wire.OrderType.LIMIT else None,
        stop_price=_needed(request, "stop_price", instrument) if kind is wire.OrderType.STOP else None,
        trail_price=trail_level(request, instrument) if kind is wire.OrderType.TRAILING_STOP else None,
        custom_tag=request.tag,
        stop_loss_bracket=_stop_loss(bracket, request.side),
        take_profit_bracket=_take_profit(bracket, request.side),
    )


def _needed(request: OrderRequest, field: str, instrument: Instrument) -> Decimal:
    price: Decimal | None = getattr(request, field)
    if price is None:
        raise InvalidRequest(f"a {request.type} order needs a {field.replace('_', ' ')}")
    return grid_price(price, instrument)


def grid_price(price: Decimal, instrument: Instrument) -> Decimal:
    """The price with just the digits of the grid.

    Raises:
        InvalidRequest: it lies between two ticks.
    """
    return instrument.price(instrument.ticks(price))


def on_grid(price: Decimal | None, instrument: Instrument) -> Decimal | None:
    """`grid_price` where there is a price."""
    return None if price is None else grid_price(price, instrument)


def check_trail_level(level: Decimal, last: float | None, side: Side, instrument: Instrument) -> None:
    """Refuse a trailing stop's new level that the gateway would take although it makes no sense.

    A level that was meant as a distance is refused when the order is placed, but not when it is changed (8.2).

    Raises:
        InvalidRequest: the level is not within the trail's range on the protected side, or there is no last price.
    """
    if last is None:
        raise InvalidRequest("a trailing stop cannot be moved without a last price")
    ticks = (instrument.ticks(level) - instrument.ticks(instrument.quantize(last))) * side.sign
    if not 1 <= ticks <= MAX_TRAIL_TICKS:
        where = "above" if side is Side.BUY else "below"
        raise InvalidRequest(
            f"the level of this trailing stop must be 1 to {MAX_TRAIL_TICKS} ticks {where} the last price "
            f"{instrument.format(last)}, not {instrument.format(level)}"
        )


def trail_level(request: OrderRequest, instrument: Instrument) -> Decimal:
    """Where a trailing stop starts: the gateway wants the level and works out the distance (section 8.2).

    Raises:
        InvalidRequest: distance or reference are missing, or the distance is out of the gateway's range.
    """
    if request.trail_ticks is None or request.reference_price is None:
        raise InvalidRequest(
            "a trailing stop needs a distance in ticks and the last price to measure it from"
        )
    if not 1 <= request.trail_ticks <= MAX_TRAIL_TICKS:
        raise InvalidRequest(f"a trail must be 1 to {MAX_TRAIL_TICKS} ticks, not {request.trail_ticks}")
    reference = instrument.quantize(request.reference_price)
    return instrument.offset(reference, request.side.sign * request.trail_ticks)


def _stop_loss(bracket: Bracket, side: Side) -> wire.BracketBody | None:
    if bracket.stop_ticks is None:
        return None
    if bracket.stop_ticks < MIN_STOP_TICKS:
        raise InvalidRequest(
            f"a stop loss must be at least {MIN_STOP_TICKS} ticks away, not {bracket.stop_ticks}"
        )
    kind = wire.OrderType.TRAILING_STOP if bracket.trailing else wire.OrderType.STOP
    return wire.BracketBody(ticks=-side.sign * bracket.stop_ticks, type=kind)


def _take_profit(bracket: Bracket, side: Side) -> wire.BracketBody | None:
    if bracket.target_ticks is None:
        return None
    if bracket.target_ticks < 1:
        raise InvalidRequest(f"a target must be at least 1 tick away, not {bracket.target_ticks}")
    return wire.BracketBody(ticks=side.sign * bracket.target_ticks, type=wire.OrderType.LIMIT)
