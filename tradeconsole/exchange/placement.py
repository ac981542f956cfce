"""What the venue refuses, in its own order of checks and its own words; pure.

Texts marked (unverified) in comments are ours: the venue's are not known.
"""

from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import OrderType, Side
from tradeconsole.exchange.catalogue import Product
from tradeconsole.exchange.records import (
    BracketMode,
    ExchangeOptions,
    Leg,
    ModifyRequest,
    PlaceRequest,
    VenueOrder,
)

CLOSED: Final = "Trading is currently unavailable. The instrument is not in an active trading status."
OUT_OF_RANGE: Final = "Invalid price. Price is outside allowed range."
TAG_IN_USE: Final = "Specified custom tag is already in use: custom tag should be unique per account"
POSITION_BRACKETS: Final = (
    "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
)
TOO_MANY_LOTS: Final = "Maximum position exceeded."  # (unverified)
MAX_TRAIL_TICKS: Final = 1000
MIN_STOP_TICKS: Final = 4

WIRE_NAMES: Final = {
    OrderType.LIMIT: "Limit",
    OrderType.MARKET: "Market",
    OrderType.STOP_LIMIT: "StopLimit",
    OrderType.STOP: "Stop",
    OrderType.TRAILING_STOP: "TrailingStop",
    OrderType.JOIN_BID: "JoinBid",
    OrderType.JOIN_ASK: "JoinAsk",
}
_TYPES_WITH_STOP: Final = {OrderType.STOP, OrderType.STOP_LIMIT}
_TYPES_WITH_LIMIT: Final = {OrderType.LIMIT, OrderType.STOP_LIMIT}
JOINS: Final = {OrderType.JOIN_BID, OrderType.JOIN_ASK}


class Prices(msgspec.Struct, frozen=True, gc=False):
    """Prices that a new or changed order works with; `trail_ticks` is the distance of a trailing stop."""

    limit: Decimal | None = None
    stop: Decimal | None = None
    trail_ticks: int | None = None


def check_shape(request: PlaceRequest, options: ExchangeOptions) -> str | None:
    """Why type, side or size cannot be taken."""
    if request.type is None or (request.type is OrderType.STOP_LIMIT and not options.stop_limit_orders):
        return "Invalid order type."  # (unverified)
    if request.side is None:
        return "Invalid order side."  # (unverified)
    if request.size < 1:
        return "Invalid order size."  # (unverified)
    return None


def check_prices(
    kind: OrderType, side: Side, limit: Decimal | None, stop: Decimal | None, product: Product, quote: Quote
) -> str | None:
    """Why the prices of an order cannot be taken: missing, off the grid, or a stop that is through the market."""
    if kind in _TYPES_WITH_LIMIT:
        if limit is None:
            return "Invalid limit price. Price is not set."  # (unverified)
        if not product.is_on_grid(limit):
            return "Invalid limit price. Price is not aligned to tick size."
    if kind in _TYPES_WITH_STOP:
        if stop is None:
            return "Invalid stop price. Price is not set."  # (unverified)
        if not product.is_on_grid(stop):
            return "Invalid stop price. Price is not aligned to tick size."
        if is_through(side, float(stop), quote):
            return OUT_OF_RANGE
    return None


def is_through(side: Side, stop: float, quote: Quote) -> bool:
    """Whether a stop would trigger at once."""
    if side is Side.BUY:
        return any(price is not None and price >= stop for price in (quote.last, quote.bid))
    return any(price is not None and price <= stop for price in (quote.last, quote.ask))


def trail_ticks(
    trail_price: Decimal | None, product: Product, quote: Quote, limit: int | None = MAX_TRAIL_TICKS
) -> int | str:
    """Distance of a trailing stop in whole ticks between the last price and the level given, or why not."""
    if trail_price is None:
        return "Trail Distance not set."
    if not product.is_on_grid(trail_price):
        return "Invalid trail price. Price is not aligned to tick size."
    if quote.last is None:
        return "Cannot trail without a last price"
    ticks = int(abs(product.owed(quote.last) - trail_price) / product.tick)
    if ticks == 0:
        return "Trail Distance not set."
    if limit is not None and ticks > limit:
        return f"Trail Distance exceeds maximum ({limit})"
    return ticks


def check_brackets(request: PlaceRequest, mode: BracketMode, options: ExchangeOptions) -> str | None:
    """Why the brackets of an order cannot be taken."""
    stop, target = request.stop_loss, request.take_profit
    if (stop is not None or target is not None) and mode is not BracketMode.AUTO_OCO:
        return POSITION_BRACKETS
    long = request.side is Side.BUY
    if stop is not None:
        reason = _check_stop_loss(signed(stop, -1, request, options), stop.type, long=long)
        if reason is not None:
            return reason
    if target is not None:
        return _check_take_profit(signed(target, 1, request, options), target.type, long=long)
    return None


def signed(leg: Leg, direction: int, request: PlaceRequest, options: ExchangeOptions) -> int:
    """A leg's ticks as they count: where signs are not strict, the sign is that of the direction.

    Args:
        direction: +1 for a take-profit, −1 for a stop-loss.
    """
    if options.strict_bracket_signs or request.side is None:
        return leg.ticks
    return abs(leg.ticks) * direction * request.side.sign


def working_prices(request: PlaceRequest, product: Product, quote: Quote) -> Prices | str:
    """The prices that a request works with once its own have been checked, or why it cannot have any."""
    match request.type:
        case OrderType.TRAILING_STOP:
            distance = trail_ticks(request.trail_price, product, quote)
            if isinstance(distance, str):
                return distance
            return Prices(stop=_trailing_stop(request.side, product, quote, distance), trail_ticks=distance)
        case OrderType.JOIN_BID | OrderType.JOIN_ASK:
            best = quote.bid if request.type is OrderType.JOIN_BID else quote.ask
            return Prices(limit=product.owed(best)) if best is not None else "Invalid symbol"
        case OrderType.LIMIT:
            return Prices(limit=request.limit_price)
        case OrderType.STOP:
            return Prices(stop=request.stop_price)
        case OrderType.STOP_LIMIT:
            return Prices(limit=request.limit_price, stop=request.stop_price)
        case _:
            return Prices()


def changed_prices(order: VenueOrder, request: ModifyRequest, product: Product, quote: Quote) -> Prices | str:
    """The prices of a working order after a modification, or why it cannot be done."""
    has_limit = order.type in _TYPES_WITH_LIMIT | JOINS
    limit = request.limit_price if has_limit and request.limit_price is not None else order.limit_price
    stop, ticks = order.stop_price, order.trail_distance
    if order.type is OrderType.TRAILING_STOP and request.trail_price is not None:
        distance = trail_ticks(request.trail_price, product, quote, limit=None)
        if isinstance(distance, str):
            return distance
        ticks, stop = distance, _trailing_stop(order.side, product, quote, distance)
    if order.type in _TYPES_WITH_STOP and request.stop_price is not None:
        stop = request.stop_price
        if product.is_on_grid(stop) and is_through(order.side, float(stop), quote):
            return "Invalid stop price"
    if has_limit and limit is not None and not product.is_on_grid(limit):
        return "Invalid limit price. Price is not aligned to tick size."
    if stop is not None and not product.is_on_grid(stop):
        return "Invalid stop price. Price is not aligned to tick size."
    return Prices(limit, stop, ticks)


def _trailing_stop(side: Side | None, product: Product, quote: Quote, distance: int) -> Decimal | None:
    if side is None or quote.last is None:
        return None
    return product.owed(quote.last) + side.sign * distance * product.tick


def _check_stop_loss(ticks: int, kind: OrderType | None, *, long: bool) -> str | None:
    if kind not in {OrderType.STOP, OrderType.TRAILING_STOP}:
        return f"Invalid stop loss type ({WIRE_NAMES.get(kind, 'Unknown') if kind else 'Unknown'})"
    if long and ticks >= 0:
        return f"Invalid stop loss ticks ({ticks}). Ticks should be less than zero when longing."
    if (-ticks if long else ticks) < MIN_STOP_TICKS:
        return (
            f"Invalid stop loss ticks ({ticks}). "
            f"Stop loss tick value should be at least {MIN_STOP_TICKS} ticks."
        )
    return None


def _check_take_profit(ticks: int, kind: OrderType | None, *, long: bool) -> str | None:
    if kind is not OrderType.LIMIT:
        name = WIRE_NAMES.get(kind, "Unknown") if kind else "Unknown"
        return f"Invalid take profit type ({name})"  # (unverified)
    if long and ticks <= 0:
        # this text is a guess (unverified)
        return f"Invalid take profit ticks ({ticks}). Ticks should be greater than zero when longing."
    if not long and ticks >= 0:
        return f"Invalid take profit ticks ({ticks}). Ticks should be less than zero when going short."
    return None
