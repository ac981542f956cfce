"""What the engine has to do so that a slice has one stop and one target of its size, and nothing left after it. Pure.

The steps follow from facts alone, so that they come out the same after a restart. A leg that may be at the broker
(unanswered) blocks its kind until the records have settled it: there are never two live stops for one slice. A leg
that ended without our doing is not placed again by itself: that is a matter of policy.
"""

from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import CancelBy, Order, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.identity import leg_number
from tradeconsole.engine.protection.slices import Leg, Slice

_UNANSWERED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN})
_MOVABLE: Final = frozenset({OrderStatus.WORKING})
_CANCELLABLE: Final = frozenset(
    {OrderStatus.PENDING, OrderStatus.SUSPENDED, OrderStatus.WORKING, OrderStatus.CANCELLING}
)


class PlaceLeg(msgspec.Struct, frozen=True, kw_only=True):
    """Send a stop or target that is the `number`-th of its kind; a trailing stop has no price."""

    role: OrderRole
    type: OrderType
    side: Side
    size: int
    number: int
    price: Decimal | None = None
    trail_ticks: int | None = None


class ResizeLeg(msgspec.Struct, frozen=True):
    """Give a working leg another size, filled contracts counted."""

    order_id: str
    size: int


class CancelOrder(msgspec.Struct, frozen=True):
    """Take an order out; `renew`: to place it anew in another size."""

    order_id: str
    renew: bool = False


Step = PlaceLeg | ResizeLeg | CancelOrder


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """What facts do not tell.

    `rigid` are legs that the broker would not resize; `replace`: legs that ended without our doing are placed again.
    """

    rigid: frozenset[str] = frozenset()
    replace: bool = False


def steps(found: Slice, instrument: Instrument, decisions: Decisions) -> list[Step]:
    """What to do now; empty when all is as it should be, or an answer has to be waited for."""
    if not found.by_engine:
        return []
    wanted: list[Step] = []
    for role, legs in ((OrderRole.STOP_LOSS, found.stops), (OrderRole.TAKE_PROFIT, found.targets)):
        ours = [leg for leg in legs if leg.order.engine_bracket]
        wanted += _steps_of_kind(found, role, ours, instrument, decisions)
    entry = found.entry
    if entry is not None and entry.status in _CANCELLABLE and _has_exited(found):
        wanted.append(CancelOrder(entry.order_id))
    return wanted


def lost(found: Slice, decisions: Decisions) -> Order | None:
    """The stop of a slice that ended without our doing while its contracts are still held."""
    live = any(leg.is_live for leg in found.stops)
    if live or not found.by_engine or not found.low or not found.wants_stop or not found.stops:
        return None
    last = found.stops[-1].order
    return None if _may_follow(found, found.stops[-1], decisions) else last


def _steps_of_kind(
    found: Slice, role: OrderRole, legs: list[Leg], instrument: Instrument, decisions: Decisions
) -> list[Step]:
    live = [leg for leg in legs if leg.is_live]
    if len(live) > 1:
        # two consoles, or memory that was lost: one stays, the oldest that works
        kept = next((leg for leg in live if leg.order.status in _MOVABLE), live[0])
        return [_cancel(leg) for leg in live if leg is not kept and leg.order.status in _CANCELLABLE]
    if live:
        return _fit(found, live[0], decisions)
    if not found.low or (legs and not _may_follow(found, legs[-1], decisions)):
        return []
    placed = _leg(found, role, legs, instrument)
    return [placed] if placed else []


def _cancel(leg: Leg, *, renew: bool = False) -> CancelOrder:
    return CancelOrder(leg.order.order_id, renew)


def _fit(found: Slice, leg: Leg, decisions: Decisions) -> list[Step]:
    """Bring a live leg to the size of what it guards."""
    order = leg.order
    if order.status in _UNANSWERED or order.status is OrderStatus.CANCELLING:
        return []
    if found.high == 0:
        return [_cancel(leg)]
    target = found.high if leg.left > found.high else max(leg.left, found.low)
    if target == leg.left or order.status not in _MOVABLE:
        return []
    if order.order_id in decisions.rigid:
        return [_cancel(leg, renew=True)]
    return [ResizeLeg(order.order_id, order.size - leg.left + target)]


def is_released(found: Slice) -> bool:
    """Whether the user took the stop away, and none has come since."""
    return bool(found.stops) and found.stops[-1].order.cancel_by is CancelBy.HAND


def is_unexplained(found: Slice) -> bool:
    """Whether the stop was cancelled and only the broker's records tell of it: it may have been the user's wish."""
    return bool(found.stops) and not found.stops[-1].is_live and _is_forgotten(found, found.stops[-1].order)


def _is_forgotten(found: Slice, leg: Order) -> bool:
    # where the entry is one that we remember sending, nobody has asked for a cancel in this console since
    return leg.cancel_by is CancelBy.UNKNOWN and (found.entry is None or found.entry.sent_at is None)


def _may_follow(found: Slice, last: Leg, decisions: Decisions) -> bool:
    """Whether another leg may come after this one, which is not live."""
    order = last.order
    if last.left <= 0 or order.status in {OrderStatus.FILLED, OrderStatus.FAILED}:
        return True
    if order.cancel_by is CancelBy.RENEWAL:
        return True
    return decisions.replace and order.cancel_by is not CancelBy.HAND and not _is_forgotten(found, order)


def _leg(found: Slice, role: OrderRole, legs: list[Leg], instrument: Instrument) -> PlaceLeg | None:
    entry = found.entry
    if entry is None or entry.bracket is None or found.price is None:
        return None
    bracket, is_stop = entry.bracket, role is OrderRole.STOP_LOSS
    ticks = bracket.stop_ticks if is_stop else bracket.target_ticks
    if ticks is None:
        return None
    trails = is_stop and bracket.trailing
    kind = OrderType.TRAILING_STOP if trails else OrderType.STOP if is_stop else OrderType.LIMIT
    away = -ticks * entry.side.sign if is_stop else ticks * entry.side.sign
    # where it stood last, in case it was moved
    moved = legs[-1].order.price if legs and legs[-1].order.type is kind else None
    price = moved if moved is not None else instrument.offset(instrument.quantize(found.price), away)
    return PlaceLeg(
        role=role,
        type=kind,
        side=entry.side.opposite,
        size=found.low,
        number=max((leg_number(leg.order.order_id) for leg in legs), default=0) + 1,
        price=None if trails else price,
        trail_ticks=ticks if trails else None,
    )


def _has_exited(found: Slice) -> bool:
    """Whether a leg is done, so that what is left of the entry has no business any more."""
    return any(leg.order.status is OrderStatus.FILLED for leg in (*found.stops, *found.targets))
