"""The risk gate: every rule that may refuse an order before anything leaves this machine. Pure.

Rules run in a fixed order, the cheapest and plainest first; the first refusal is the answer and names the rule
and its numbers. In doubt an order is refused. Orders that can only reduce a position skip the rules that limit
exposure, never those that make an order sensible.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Quote
from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import Order, OrderType, Side
from tradeconsole.errors import InvalidRequest, RequestRefused, RiskDenied


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the gate; sizes in contracts of one instrument, the collar in percent of the last price."""

    max_order_size: int = 10
    max_position: int = 20
    max_open_orders: int = 50
    price_collar_percent: Decimal = Decimal(3)
    max_data_age: float = 10.0
    read_only: bool = False


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules look at, taken at one moment."""

    account: Account | None
    instrument: Instrument
    quote: Quote | None
    quote_age: float | None
    position: int
    open_orders: tuple[Order, ...]
    """Open orders of the account in this instrument, unknown ones included."""
    armed: bool
    synced: bool
    session_open: bool
    session_note: str
    limits: RiskLimits
    supported: frozenset[OrderType]
    can_bracket: bool
    """Whether somebody attaches stops and targets to entries: the broker, or the engine while it streams."""
    streaming: bool = True
    """Whether a live stream should have given a fresh quote."""


Rule = Callable[[Order, Situation], None]

READ_ONLY: Final = "this profile is read-only; set read_only = false in config.toml to trade"


def check(order: Order, situation: Situation) -> None:
    """Raise the first refusal, or return.

    Raises:
        InvalidRequest: the order makes no sense by itself.
        RiskDenied: a rule forbids it now.
    """
    for rule in SENSE:
        rule(order, situation)
    if reduces(order, situation):
        return
    for rule in EXPOSURE:
        rule(order, situation)


def check_move(changed: Order, situation: Situation) -> None:
    """Raise if a working order may not be moved to such prices.

    It adds no contracts, so that no rule about their number looks. An entry beyond the collar would be another order,
    though: one that fills at once, or never. Legs and other exits may go where their user wants them.

    Raises:
        InvalidRequest: the order would make no sense.
        RiskDenied: the price is too far from the market.
    """
    for rule in SENSE:
        rule(changed, situation)
    held = -situation.position * changed.side.sign
    if changed.parent_id is None and changed.size > held:
        _collar(changed, situation)


def check_leg(leg: Order, situation: Situation) -> None:
    """Raise if a stop or target of the engine's own makes no sense, or could do more than close what is held.

    Whether a stop lies on the right side of the market is for the venue to say: its refusal is on record.

    Raises:
        InvalidRequest: the order makes no sense by itself.
        RiskDenied: this console may not send anything, or the position is smaller than the order.
    """
    for rule in (_size, _type, _grid, _read_only):
        rule(leg, situation)
    held = -situation.position * leg.side.sign
    if leg.size > held:
        raise RiskDenied(
            "reduce_only",
            f"{leg.role} for {count(leg.size, 'contract')}, but the position has {max(0, held)}",
        )


def refusal(order: Order, situation: Situation) -> str | None:
    """The refusal's sentence, or None; for previews."""
    try:
        check(order, situation)
    except RequestRefused as refused:
        return str(refused)
    return None


def reduces(order: Order, situation: Situation) -> bool:
    """Whether the order can only bring the position nearer to flat, whatever else fills."""
    if situation.position * order.side.sign >= 0 or order.bracket:
        return False
    exits = sum(other.remaining for other in situation.open_orders if other.side is order.side)
    return order.size + exits <= abs(situation.position)


# -- does the order make sense? -------------------------------------------------------------------------------


def _size(order: Order, situation: Situation) -> None:
    if order.size < 1:
        raise InvalidRequest(f"size {order.size} is not an order: at least 1 contract")


def _type(order: Order, situation: Situation) -> None:
    if order.type not in situation.supported:
        known = ", ".join(sorted(situation.supported))
        raise InvalidRequest(f"the broker takes no {order.type} orders; it takes {known}")
    if order.bracket and not situation.can_bracket:
        raise InvalidRequest("the broker does not attach stops and targets to entries; place them as orders")
    if order.bracket and order.engine_bracket:
        stop = OrderType.TRAILING_STOP if order.bracket.trailing else OrderType.STOP
        for kind, ticks in ((stop, order.bracket.stop_ticks), (OrderType.LIMIT, order.bracket.target_ticks)):
            if ticks is not None and kind not in situation.supported:
                raise InvalidRequest(f"the bracket needs a {kind} order, which the broker does not take")


_NEEDED: Final = {
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("limit_price", "stop_price"),
    OrderType.TRAILING_STOP: ("trail_ticks",),
}


def _fields(order: Order, situation: Situation) -> None:
    needed = _NEEDED.get(order.type, ())
    for name in ("limit_price", "stop_price", "trail_ticks"):
        if (getattr(order, name) is None) is (name in needed):
            verb = "needs a" if name in needed else "takes no"
            raise InvalidRequest(f"a {order.type} order {verb} {name.replace('_', ' ')}")
    if order.trail_ticks is not None and order.trail_ticks < 1:
        raise InvalidRequest(f"trail of {order.trail_ticks} ticks: at least 1")


def _grid(order: Order, situation: Situation) -> None:
    for price in (order.limit_price, order.stop_price):
        if price is not None:
            ticks = situation.instrument.ticks(price)
            if ticks <= 0:
                raise InvalidRequest(f"price {price} must be above zero")


def _bracket(order: Order, situation: Situation) -> None:
    if order.bracket is None:
        return
    for name, ticks in (("stop", order.bracket.stop_ticks), ("target", order.bracket.target_ticks)):
        if ticks is None:
            continue
        if ticks < 1:
            raise InvalidRequest(f"{name} of {ticks} ticks: at least 1 tick away from the entry")
        entry = order.price or (situation.quote.last if situation.quote else None)
        if entry is not None and ticks * situation.instrument.tick >= float(entry):
            raise InvalidRequest(
                f"{name} of {ticks} ticks: further from the entry than its price is from zero"
            )


def _active(order: Order, situation: Situation) -> None:
    if not situation.instrument.active:
        raise InvalidRequest(
            f"{situation.instrument.name} is not the active contract any more; choose the front month"
        )


def _stop_side(order: Order, situation: Situation) -> None:
    last = situation.quote.last if situation.quote else None
    if order.stop_price is None or last is None:
        return
    stop = float(order.stop_price)
    if (order.side is Side.BUY and stop <= last) or (order.side is Side.SELL and stop >= last):
        side = "above" if order.side is Side.BUY else "below"
        raise InvalidRequest(
            f"a {order.side} stop must lie {side} the market: {situation.instrument.format(order.stop_price)} "
            f"against last {situation.instrument.format(last)}"
        )


# -- may it add risk now? -------------------------------------------------------------------------------------


def _account(order: Order, situation: Situation) -> None:
    if situation.account is None:
        raise RiskDenied("account", f"account {order.account_id} is not known to the broker")
    if not situation.account.can_trade:
        raise RiskDenied("account", f"the broker does not let {situation.account.name} trade now")
    _read_only(order, situation)


def _read_only(order: Order, situation: Situation) -> None:
    if situation.limits.read_only:
        raise RiskDenied("read_only", READ_ONLY)


def _armed(order: Order, situation: Situation) -> None:
    if not situation.armed:
        raise RiskDenied("armed", "trading is not armed on this account: arm it first (key a)")


def _synced(order: Order, situation: Situation) -> None:
    if not situation.synced:
        raise RiskDenied(
            "synced", "orders and positions are not yet reconciled with the broker: wait for 'synced'"
        )


def _session(order: Order, situation: Situation) -> None:
    if not situation.session_open:
        raise RiskDenied(
            "session", f"the market for {situation.instrument.symbol} is closed{situation.session_note}"
        )


def _fresh(order: Order, situation: Situation) -> None:
    if not situation.streaming:
        return
    age = situation.quote_age
    if age is None:
        raise RiskDenied("fresh_data", f"no quote for {situation.instrument.name} yet")
    if age > situation.limits.max_data_age:
        limit = situation.limits.max_data_age
        raise RiskDenied(
            "fresh_data", f"newest quote is {age:.0f} s old (limit {limit:.0f} s): the price is not known"
        )


def _order_size(order: Order, situation: Situation) -> None:
    limit = situation.limits.max_order_size
    if order.size > limit:
        raise RiskDenied("max_order_size", f"size {order.size} is above the limit of {limit} per order")


def _position(order: Order, situation: Situation) -> None:
    held = situation.position * order.side.sign
    beside = sum(other.remaining for other in situation.open_orders if other.side is order.side)
    worst = held + order.size + beside
    limit = situation.limits.max_position
    if worst > limit:
        raise RiskDenied(
            "max_position",
            f"position could reach {worst} {situation.instrument.name} with open orders, limit is {limit}",
        )


def _open_orders(order: Order, situation: Situation) -> None:
    limit = situation.limits.max_open_orders
    if len(situation.open_orders) >= limit:
        raise RiskDenied(
            "max_open_orders", f"{count(len(situation.open_orders), 'open order')}, limit is {limit}"
        )


def _collar(order: Order, situation: Situation) -> None:
    instrument, limit = situation.instrument, situation.limits.price_collar_percent
    reference = situation.quote.last or situation.quote.mid if situation.quote else None
    for price in (order.limit_price, order.stop_price):
        if price is None:
            continue
        if reference is None:
            raise RiskDenied("price_collar", f"no price for {instrument.name} to compare the order with")
        market = instrument.nearest_tick(reference)
        away = 100 * abs(instrument.ticks(price) - market)
        if away > limit * market:
            raise RiskDenied(
                "price_collar",
                f"price {instrument.format(price)} is {away / max(market, 1):.1f} % away from "
                f"{instrument.format(instrument.price(market))}, limit is {limit} %",
            )


SENSE: Final[tuple[Rule, ...]] = (_size, _type, _fields, _grid, _bracket, _active, _stop_side)
EXPOSURE: Final[tuple[Rule, ...]] = (
    _account,
    _armed,
    _synced,
    _session,
    _fresh,
    _order_size,
    _position,
    _open_orders,
    _collar,
)
