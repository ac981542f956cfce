"""How the broker's word on an order joins what we know of it. Pure; twice equals once, in any order."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from tradeconsole.domain.orders import (
    FINAL,
    CancelBy,
    Order,
    OrderReport,
    OrderRole,
    OrderStatus,
    OrderType,
    can_move,
)
from tradeconsole.engine.identity import leg_of, origin_of

_SAME_MOMENT = timedelta(microseconds=1)
"""Stream and records may round one moment differently."""

_LOCAL = frozenset({OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.FAILED})


def order_id_of(report: OrderReport, known: Mapping[tuple[str, str], str]) -> str:
    """Our id for a reported order: the one we know it by, its tag, or one that follows from the broker's id."""
    by_broker = known.get((report.account_id, report.broker_order_id))
    if by_broker is not None:
        return by_broker
    return report.tag or f"broker-{report.account_id}-{report.broker_order_id}"


def order_from_report(report: OrderReport, order_id: str, parent_id: str | None, held: int) -> Order:
    """An order we first hear of from the broker: a bracket leg, or one made elsewhere; `held` is the signed position.

    A leg that the broker does not link is one of the engine's, of a run whose memory is lost: its tag tells.
    """
    leg = leg_of(order_id) if report.parent_broker_id is None else None
    return Order(
        order_id=order_id,
        account_id=report.account_id,
        instrument_id=report.instrument_id,
        side=report.side,
        type=report.type,
        size=report.size,
        status=report.status,
        created_at=report.created_at,
        updated_at=report.updated_at,
        role=report.role or (leg[1] if leg else _role_of(report, held)),
        origin=origin_of(order_id),
        limit_price=report.limit_price,
        stop_price=report.stop_price,
        trail_ticks=report.trail_ticks,
        filled=report.filled,
        average_price=report.average_price,
        broker_order_id=report.broker_order_id,
        parent_id=leg[0] if leg else parent_id,
        engine_bracket=leg is not None,
        cancel_by=CancelBy.UNKNOWN if report.status is OrderStatus.CANCELLED else None,
        reason=report.reason,
    )


def _role_of(report: OrderReport, held: int) -> OrderRole:
    # an order made elsewhere says nothing of its purpose: a stop is taken for protection, and a market order
    # that reduces the position for the close that the broker made of our request
    if report.type in {OrderType.STOP, OrderType.TRAILING_STOP}:
        return OrderRole.STOP_LOSS
    closes = held * report.side.sign < 0 and report.size <= abs(held)
    return OrderRole.EXIT if closes and report.type is OrderType.MARKET else OrderRole.ENTRY


def merge_report(order: Order, report: OrderReport) -> Order:
    """The order after a report. Stale and impossible reports change nothing but what can only grow."""
    moves = can_move(order.status, report.status)
    filled = max(order.filled, min(report.filled, max(order.size, report.size)))
    average = (
        report.average_price
        if report.filled >= order.filled and report.average_price
        else order.average_price
    )
    if not moves:
        older = report.updated_at < order.updated_at - _SAME_MOMENT
        stale = report.status is not order.status or order.status in FINAL or older
        if stale:
            return msgspec.structs.replace(
                order, filled=filled, average_price=average, broker_order_id=report.broker_order_id
            )
    return msgspec.structs.replace(
        order,
        status=report.status if moves else order.status,
        size=report.size,
        filled=filled,
        average_price=average,
        # a fill clears prices from some reports; what the order was is kept
        limit_price=report.limit_price if report.limit_price is not None else order.limit_price,
        stop_price=report.stop_price if report.stop_price is not None else order.stop_price,
        trail_ticks=report.trail_ticks if report.trail_ticks is not None else order.trail_ticks,
        broker_order_id=report.broker_order_id,
        role=report.role or order.role,
        reason=report.reason or (None if order.status is OrderStatus.UNKNOWN else order.reason),
        acknowledged_at=order.acknowledged_at or (report.updated_at if order.status in _LOCAL else None),
        updated_at=report.updated_at,
    )


def recollected(order: Order, remembered: Order) -> Order:
    """An order that the broker told us of, with what only we know of it, which memory has brought late."""
    unexplained = order.cancel_by in {None, CancelBy.UNKNOWN} and remembered.cancel_by is not None
    asked = remembered if unexplained else order
    return msgspec.structs.replace(
        order,
        role=remembered.role,
        bracket=order.bracket or remembered.bracket,
        engine_bracket=order.engine_bracket or remembered.engine_bracket,
        parent_id=order.parent_id or remembered.parent_id,
        replaces=order.replaces or remembered.replaces,
        cancel_by=asked.cancel_by,
        cancel_asked_at=asked.cancel_asked_at,
        sent_at=order.sent_at or remembered.sent_at,
        acknowledged_at=order.acknowledged_at or remembered.acknowledged_at,
    )


def interrupted(order: Order) -> Order:
    """A remembered order: if its call was under way then, nobody waits for the answer any more."""
    if order.status is not OrderStatus.SENT:
        return order
    reason = "the console ended before the broker answered"
    return msgspec.structs.replace(order, status=OrderStatus.UNKNOWN, reason=reason)
