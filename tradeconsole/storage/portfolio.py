"""Fills, positions and round trips."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

from tradeconsole.domain.events import RoundTripVoided
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.ports import PositionCleared
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_FILL: Final = (
    "instrument_id",
    "broker_order_id",
    "order_id",
    "side",
    "size",
    "price",
    "time",
    "fees",
    "gross_pnl",
)

_SAVE_FILL: Final = upsert("fills", ("broker", "account_id", "fill_id"), _FILL)


async def save_fills(connection: Connection, broker: str, fills: Iterable[tuple[int, Fill]]) -> None:
    """Write fills, each with its stamp."""
    rows = [
        (broker, fill.account_id, fill.fill_id, *(getattr(fill, name) for name in _FILL), stamp)
        for stamp, fill in fills
    ]
    await connection.executemany(_SAVE_FILL, rows)


_LOAD_FILLS: Final = f"""
SELECT account_id, fill_id, {", ".join(_FILL)}
FROM fills
WHERE broker = $1 AND time >= (SELECT max(time) FROM fills WHERE broker = $1) - $2::interval
ORDER BY time, length(fill_id), fill_id
"""  # noqa: S608 -- names from above


async def load_fills(connection: Connection, broker: str, window: timedelta) -> tuple[Fill, ...]:
    """Fills within a window before the newest one, oldest first."""
    rows = await connection.fetch(_LOAD_FILLS, broker, window)
    return tuple(msgspec.convert(dict(row), Fill) for row in rows)


_POSITION: Final = (
    "size",
    "average_price",
    "opened_at",
    "round_trip_id",
    "entered",
    "entry_points",
    "exited",
    "exit_points",
    "gross_pnl",
    "fees",
    "peak_size",
)
_FLAT: Final = (0, *[None] * (len(_POSITION) - 1))

_SAVE_POSITION: Final = upsert("positions", ("broker", "account_id", "instrument_id"), _POSITION)


async def save_positions(
    connection: Connection, broker: str, positions: Iterable[tuple[int, Position | PositionCleared]]
) -> None:
    """Write positions, or that they are flat, each with its stamp."""
    rows = []
    for stamp, position in positions:
        flat = isinstance(position, PositionCleared)
        values = _FLAT if flat else tuple(getattr(position, name) for name in _POSITION)
        rows.append((broker, position.account_id, position.instrument_id, *values, stamp))
    await connection.executemany(_SAVE_POSITION, rows)


_LOAD_POSITIONS: Final = f"""
SELECT account_id, instrument_id, {", ".join(_POSITION)}
FROM positions
WHERE broker = $1 AND size <> 0
ORDER BY account_id, instrument_id
"""  # noqa: S608 -- names from above


async def load_positions(connection: Connection, broker: str) -> tuple[Position, ...]:
    """All open positions."""
    rows = await connection.fetch(_LOAD_POSITIONS, broker)
    return tuple(msgspec.convert(dict(row), Position) for row in rows)


_ROUND_TRIP: Final = (
    "instrument_id",
    "side",
    "size",
    "entry_price",
    "exit_price",
    "opened_at",
    "closed_at",
    "gross_pnl",
    "fees",
)
_VOID: Final = (True, *[None] * len(_ROUND_TRIP))

_SAVE_ROUND_TRIP: Final = upsert(
    "round_trips", ("broker", "account_id", "round_trip_id"), ("voided", *_ROUND_TRIP)
)


async def save_round_trips(
    connection: Connection, broker: str, round_trips: Iterable[tuple[int, RoundTrip | RoundTripVoided]]
) -> None:
    """Write round trips, or that one did not happen, each with its stamp."""
    rows = []
    for stamp, trip in round_trips:
        voided = isinstance(trip, RoundTripVoided)
        values = _VOID if voided else (False, *(getattr(trip, name) for name in _ROUND_TRIP))
        rows.append((broker, trip.account_id, trip.round_trip_id, *values, stamp))
    await connection.executemany(_SAVE_ROUND_TRIP, rows)


_LOAD_ROUND_TRIPS: Final = f"""
SELECT account_id, round_trip_id, {", ".join(_ROUND_TRIP)}
FROM round_trips
WHERE broker = $1 AND NOT voided
  AND closed_at >= (SELECT max(closed_at) FROM round_trips WHERE broker = $1 AND NOT voided) - $2::interval
ORDER BY closed_at, round_trip_id
"""  # noqa: S608 -- names from above


async def load_round_trips(connection: Connection, broker: str, window: timedelta) -> tuple[RoundTrip, ...]:
    """Round trips that closed within a window before the newest one, oldest first."""
    rows = await connection.fetch(_LOAD_ROUND_TRIPS, broker, window)
    return tuple(msgspec.convert(dict(row), RoundTrip) for row in rows)
