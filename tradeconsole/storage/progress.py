"""How far the spool is stored, and what PostgreSQL would not store."""

from collections.abc import Iterable, Sequence
from typing import Final

from tradeconsole.storage.frames import Frame
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.spool import Batch

_LOAD: Final = (
    "SELECT segment, position, records FROM spool_positions WHERE broker = $1 AND segment = ANY($2)"
)


async def load_positions(
    connection: Connection, broker: str, segments: Sequence[str]
) -> list[tuple[str, int, int]]:
    """File, position and number of records stored, for those of the files that are known."""
    return [tuple(row) for row in await connection.fetch(_LOAD, broker, list(segments))]


_MOVE: Final = """
INSERT INTO spool_positions (broker, segment, position, records) VALUES ($1, $2, $3, $4)
ON CONFLICT (broker, segment)
DO UPDATE SET position = excluded.position, records = excluded.records, moved_at = now()
"""


async def move_position(connection: Connection, broker: str, batch: Batch) -> None:
    """Say that a batch is stored; to be called in the transaction that stores it."""
    await connection.execute(_MOVE, broker, batch.segment, batch.end, batch.records)


_FORGET: Final = "DELETE FROM spool_positions WHERE broker = $1 AND segment = ANY($2)"


async def forget_segments(connection: Connection, broker: str, segments: Sequence[str]) -> None:
    """Drop the positions of files that are no more."""
    await connection.execute(_FORGET, broker, list(segments))


_REFUSE: Final = """
INSERT INTO refused_records (broker, segment, position, kind, record, reason) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""


async def save_refused(
    connection: Connection, broker: str, segment: str, refused: Iterable[tuple[Frame, str]]
) -> None:
    """Keep records that cannot be stored as rows, with the reason."""
    rows = [(broker, segment, frame.start, frame.body[0], frame.body, reason) for frame, reason in refused]
    await connection.executemany(_REFUSE, rows)
