"""Orders, and the trail of everything that happened to them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import asyncpg
import msgspec

from tradeconsole.domain.events import CancelAsked
from tradeconsole.domain.orders import Bracket, Order
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_PLAIN: Final = (
    "account_id",
    "instrument_id",
    "side",
    "type",
    "size",
    "status",
    "created_at",
    "updated_at",
    "role",
    "origin",
    "limit_price",
    "stop_price",
    "trail_ticks",
    "engine_bracket",
    "filled",
    "average_price",
    "broker_order_id",
    "parent_id",
    "replaces",
    "cancel_by",
    "cancel_asked_at",
    "reason",
    "sent_at",
    "acknowledged_at",
)
_BRACKET: Final = ("bracket_stop_ticks", "bracket_target_ticks", "bracket_trailing")

_OURS: Final = (*_BRACKET, "parent_id", "replaces", "sent_at", "acknowledged_at")
"""What the broker's records do not tell: a console that started without memory has not forgotten it for all."""

_KEPT: Final = {
    **{name: f"coalesce(excluded.{name}, orders.{name})" for name in _OURS},
    "engine_bracket": "excluded.engine_bracket OR orders.engine_bracket",
    # whoever does not know when it was sent did not send it, and has guessed what for
    "role": "CASE WHEN excluded.sent_at IS NULL AND orders.sent_at IS NOT NULL THEN orders.role ELSE excluded.role END",
    **{
        name: f"CASE excluded.cancel_by WHEN 'unknown' THEN coalesce(orders.{name}, excluded.{name}) "
        f"ELSE excluded.{name} END"
        for name in ("cancel_by", "cancel_asked_at")
    },
}

_SAVE: Final = upsert("orders", ("broker", "order_id"), (*_PLAIN, *_BRACKET, "is_open"), _KEPT)

_TRACED: Final = (
    "updated_at",
    "status",
    "size",
    "filled",
    "limit_price",
    "stop_price",
    "average_price",
    "broker_order_id",
    "reason",
)

_TRACE: Final = """
INSERT INTO order_events (broker, order_id, stamp, time, status, size, filled, limit_price, stop_price,
                          average_price, broker_order_id, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING
"""


async def save_orders(connection: Connection, broker: str, orders: Iterable[tuple[int, Order]]) -> None:
    """Write orders, each with its stamp, and a line of their trail for each."""
    rows, trail = [], []
    for stamp, order in orders:
        plain = [getattr(order, name) for name in _PLAIN]
        rows.append(
            (broker, order.order_id, *plain, *_bracket_row(order.bracket), order.status.is_open, stamp)
        )
        trail.append((broker, order.order_id, stamp, *(getattr(order, name) for name in _TRACED)))
    await connection.executemany(_SAVE, rows)
    await connection.executemany(_TRACE, trail)


_CANCEL: Final = """
UPDATE orders SET cancel_by = $3, cancel_asked_at = $4
WHERE broker = $1 AND order_id = $2 AND stamp <= $5
"""


async def save_cancels(connection: Connection, broker: str, asked: Iterable[tuple[int, CancelAsked]]) -> None:
    """Note cancels, each with its stamp, on orders of which whoever asked did not know enough to write them anew."""
    rows = [(broker, cancel.order_id, cancel.by, cancel.time, stamp) for stamp, cancel in asked]
    await connection.executemany(_CANCEL, rows)


_LOAD: Final = f"""
SELECT order_id, {", ".join((*_PLAIN, *_BRACKET))}
FROM orders
WHERE broker = $1
  AND (is_open
       OR order_id IN (SELECT parent_id FROM orders WHERE broker = $1 AND is_open)
       OR updated_at >= (SELECT max(updated_at) FROM orders WHERE broker = $1) - $2::interval)
ORDER BY created_at, order_id
"""  # noqa: S608 -- names from above


async def load_orders(connection: Connection, broker: str, window: timedelta) -> tuple[Order, ...]:
    """Open orders and the entries of open legs, and what changed within a window before the newest change; oldest first."""
    return tuple(_order(row) for row in await connection.fetch(_LOAD, broker, window))


def _bracket_row(bracket: Bracket | None) -> tuple[int | None, int | None, bool | None]:
    if bracket is None:
        return None, None, None
    return bracket.stop_ticks, bracket.target_ticks, bracket.trailing


def _order(row: asyncpg.Record) -> Order:
    fields: dict[str, Any] = dict(row)
    stop, target, trailing = (fields.pop(name) for name in _BRACKET)
    fields["bracket"] = None if trailing is None else Bracket(stop, target, trailing)
    return msgspec.convert(fields, Order)
