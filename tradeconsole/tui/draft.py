"""The order ticket as a value: what was typed, how it steps, and the command that it means. Pure."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tradeconsole.domain.commands import PlaceOrder
from tradeconsole.domain.notation import grouped_number, whole_number
from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.views.models import TicketView

TYPES: Final = (
    OrderType.MARKET,
    OrderType.LIMIT,
    OrderType.STOP,
    OrderType.TRAILING_STOP,
    OrderType.JOIN_BID,
    OrderType.JOIN_ASK,
)

UNPRICED: Final = frozenset({OrderType.MARKET, OrderType.JOIN_BID, OrderType.JOIN_ASK})
"""Types whose price is the market's."""

STOP_AWAY_TICKS: Final = 8
"""How far beyond the market a new stop entry starts, so that it does not fill at once."""

TRAIL_TICKS: Final = 40
"""Trailing distance offered where the settings name no stop distance."""

MAX_DIGITS: Final = 6


class Field(StrEnum):
    """Fields that take digits."""

    SIZE = "size"
    PRICE = "price"
    STOP = "stop"
    TARGET = "target"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the ticket holds; the four fields are text as typed, empty means none.

    `price` is a price for limit and stop orders, a distance in ticks for trailing stops, else unused.
    """

    side: Side = Side.BUY
    type: OrderType = OrderType.MARKET
    size: str = "1"
    price: str = ""
    stop: str = ""
    target: str = ""
    trails: bool = False
    """Whether the protective stop follows the market at its distance."""


def new_draft(view: TicketView, side: Side) -> Draft:
    """A market order of one contract with the instrument's usual bracket."""
    stop, target = view.default_stop_ticks, view.default_target_ticks
    return Draft(
        side=side,
        stop=str(stop) if stop and view.brackets else "",
        target=str(target) if target and view.brackets else "",
    )


def types_offered(view: TicketView) -> tuple[OrderType, ...]:
    """Order types of the ticket that the venue takes."""
    return tuple(kind for kind in TYPES if not view.order_types or kind in view.order_types)


def turned(draft: Draft, side: Side, view: TicketView) -> Draft:
    """The draft for the other side, its price set anew where a price belongs to a side."""
    changed = msgspec.structs.replace(draft, side=side)
    return msgspec.structs.replace(changed, price=first_price(changed, view))


def retyped(draft: Draft, kind: OrderType, view: TicketView) -> Draft:
    """The draft as another type of order, with a sensible price for it."""
    changed = msgspec.structs.replace(draft, type=kind)
    return msgspec.structs.replace(changed, price=first_price(changed, view))


def first_price(draft: Draft, view: TicketView) -> str:
    """Limit: join the near side of the market. Stop: a few ticks beyond the far side. Trailing: the usual stop."""
    if draft.type is OrderType.TRAILING_STOP:
        return str(view.default_stop_ticks or TRAIL_TICKS)
    if draft.type in UNPRICED:
        return ""
    near, far = (view.bid, view.ask) if draft.side is Side.BUY else (view.ask, view.bid)
    observed = near if draft.type is OrderType.LIMIT else far
    anchor = observed if observed is not None else view.last
    if anchor is None:
        return ""
    ticks = STOP_AWAY_TICKS * draft.side.sign if draft.type is OrderType.STOP else 0
    return price_text(_on_grid(anchor, view.tick_size) + ticks * view.tick_size, view)


def price_text(price: Decimal, view: TicketView) -> str:
    """A price with the digits of the instrument's grid."""
    return f"{price:.{view.decimals}f}"


def stepped(draft: Draft, field: Field, steps: int, view: TicketView) -> Draft:
    """A field moved by whole steps: contracts, ticks of price, or ticks of distance; never below its least."""
    if field is Field.SIZE:
        return msgspec.structs.replace(draft, size=str(max(1, (_integer(draft.size) or 0) + steps)))
    if field is Field.PRICE and draft.type is not OrderType.TRAILING_STOP:
        return msgspec.structs.replace(draft, price=_stepped_price(draft, steps, view))
    text = getattr(draft, field.value)
    moved = max(0, (_integer(text) or 0) + steps)
    return msgspec.structs.replace(draft, **{field.value: str(moved) if moved else ""})


def command(draft: Draft, view: TicketView, account_id: str) -> PlaceOrder:
    """The order that the draft means.

    Raises:
        InvalidRequest: a field does not hold a number, or a price is missing. Whether the order makes sense is
            for the engine to say.
    """
    price = None if draft.type in UNPRICED else _price(draft)
    trailing = draft.type is OrderType.TRAILING_STOP
    bracket = Bracket(
        stop_ticks=_distance("stop", draft.stop),
        target_ticks=_distance("target", draft.target),
        trailing=draft.trails and bool(draft.stop.strip()),
    )
    return PlaceOrder(
        account_id=account_id,
        symbol=view.instrument_id,
        side=draft.side,
        type=draft.type,
        size=_required("size", draft.size),
        limit_price=price if draft.type is OrderType.LIMIT else None,
        stop_price=price if draft.type is OrderType.STOP else None,
        trail_ticks=_required("trailing distance", draft.price) if trailing else None,
        bracket=bracket or None,
    )


def _stepped_price(draft: Draft, steps: int, view: TicketView) -> str:
    current = grouped_number(draft.price)
    if current is None:
        return first_price(draft, view)
    if steps and current % view.tick_size:
        # off the grid: the first step goes to the next price that exists
        below = current // view.tick_size * view.tick_size
        return price_text(below if steps < 0 else below + view.tick_size, view)
    return price_text(current + steps * view.tick_size, view)


def _on_grid(observed: float, tick: Decimal) -> Decimal:
    return (Decimal(repr(observed)) / tick).to_integral_value() * tick


def _price(draft: Draft) -> Decimal | None:
    if draft.type is OrderType.TRAILING_STOP:
        return None
    if not draft.price.strip():
        raise InvalidRequest(f"price: a {draft.type} order needs one; ↑ takes it from the market")
    price = grouped_number(draft.price.strip())
    if price is None:
        raise InvalidRequest(f"price: '{draft.price}' is not a number")
    return price


def _distance(name: str, text: str) -> int | None:
    return _required(f"{name} ticks", text) if text.strip() else None


def _required(name: str, text: str) -> int:
    number = _integer(text)
    if number is None:
        raise InvalidRequest(f"{name}: '{text}' is not a whole number")
    return number


def _integer(text: str) -> int | None:
    stripped = text.strip()
    return whole_number(stripped) if len(stripped) <= MAX_DIGITS else None
