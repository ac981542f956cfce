"""Instruments, so that a restart can show prices before the broker has answered."""

from collections.abc import Iterable
from typing import Any, Final

import asyncpg
import msgspec

from tradeconsole.domain.instruments import ContractMonth, Instrument
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_PLAIN: Final = ("symbol", "name", "description", "tick_size", "tick_value", "active", "currency")
_MAPPED: Final = ("product_group", "contract_year", "contract_month")

_SAVE: Final = upsert("instruments", ("broker", "instrument_id"), (*_PLAIN, *_MAPPED))


async def save_instruments(
    connection: Connection, broker: str, instruments: Iterable[tuple[int, Instrument]]
) -> None:
    """Write instruments, each with its stamp."""
    rows = []
    for stamp, instrument in instruments:
        plain = [getattr(instrument, name) for name in _PLAIN]
        month = instrument.month
        mapped = (instrument.group, month.year if month else None, month.month if month else None)
        rows.append((broker, instrument.instrument_id, *plain, *mapped, stamp))
    await connection.executemany(_SAVE, rows)


_LOAD: Final = f"""
SELECT instrument_id, {", ".join((*_PLAIN, *_MAPPED))}
FROM instruments
WHERE broker = $1
ORDER BY symbol, instrument_id
"""  # noqa: S608 -- names from above


async def load_instruments(connection: Connection, broker: str) -> tuple[Instrument, ...]:
    """All instruments that were ever resolved."""
    return tuple(_instrument(row) for row in await connection.fetch(_LOAD, broker))


def _instrument(row: asyncpg.Record) -> Instrument:
    fields: dict[str, Any] = dict(row)
    fields["group"], year, month = (fields.pop(name) for name in _MAPPED)
    fields["month"] = None if year is None else ContractMonth(year, month)
    return msgspec.convert(fields, Instrument)
