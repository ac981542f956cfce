"""Bars in PostgreSQL: a row for a block of bars, and a row for what is known to be complete."""

from collections.abc import Sequence
from typing import Final

from tradeconsole.domain.market import BarSeries, Span, Timeframe
from tradeconsole.storage.blocks import block_seconds, replaced, split, unpack
from tradeconsole.storage.pool import Connection, Database


class PostgresBarStore:
    """`ports.BarStore` for one broker. Every method raises `StorageError` while the database is away."""

    def __init__(self, database: Database, broker: str) -> None:
        self._database = database
        self._broker = broker

    async def load(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        """Stored bars that start in the span, oldest first."""
        async with self._database.connection() as connection:
            stored = await self._blocks(connection, instrument_id, timeframe, span)
        return stored.between(span)

    _COVERED: Final = """
    SELECT part
    FROM bar_coverage, unnest(covered * tstzmultirange(tstzrange($4, $5))) AS part
    WHERE broker = $1 AND instrument_id = $2 AND timeframe = $3
    ORDER BY part
    """

    async def covered(self, instrument_id: str, timeframe: Timeframe, span: Span) -> Sequence[Span]:
        """Parts of the span for which the stored bars are all there is; sorted, disjoint."""
        key = (self._broker, instrument_id, str(timeframe))
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._COVERED, *key, span.start, span.end)
        return [Span(row["part"].lower, row["part"].upper) for row in rows]

    _LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

    _DROP: Final = """
    DELETE FROM bar_blocks
    WHERE broker = $1 AND instrument_id = $2 AND timeframe = $3 AND block BETWEEN $4 AND $5
    """

    _COVER: Final = """
    INSERT INTO bar_coverage (broker, instrument_id, timeframe, covered)
    VALUES ($1, $2, $3, tstzmultirange(tstzrange($4, $5)))
    ON CONFLICT (broker, instrument_id, timeframe)
    DO UPDATE SET covered = bar_coverage.covered + excluded.covered
    """

    async def save(self, instrument_id: str, timeframe: Timeframe, bars: BarSeries, covered: Span) -> None:
        """Keep closed bars; stored ones in `covered` that are not among them are dropped."""
        key = (self._broker, instrument_id, str(timeframe))
        touched = _hull(covered, bars)
        async with self._database.transaction() as connection:
            # writers of one series take turns: each reads the blocks that it then rewrites
            await connection.execute(self._LOCK, "\x1f".join(key))
            stored = await self._blocks(connection, instrument_id, timeframe, touched)
            await connection.execute(self._DROP, *key, *_block_range(timeframe, touched))
            blocks = split(replaced(stored, bars, covered), timeframe)
            await connection.copy_records_to_table(
                "bar_blocks",
                records=[(*key, *block) for block in blocks],
                columns=("broker", "instrument_id", "timeframe", "block", "bars", "data"),
            )
            await connection.execute(self._COVER, *key, covered.start, covered.end)

    _BLOCKS: Final = """
    SELECT data
    FROM bar_blocks
    WHERE broker = $1 AND instrument_id = $2 AND timeframe = $3 AND block BETWEEN $4 AND $5
    ORDER BY block
    """

    async def _blocks(
        self, connection: Connection, instrument_id: str, timeframe: Timeframe, span: Span
    ) -> BarSeries:
        """All bars of the blocks that the span touches."""
        key = (self._broker, instrument_id, str(timeframe))
        rows = await connection.fetch(self._BLOCKS, *key, *_block_range(timeframe, span))
        return unpack(row["data"] for row in rows)


def _hull(covered: Span, bars: BarSeries) -> Span:
    """The shortest span with all of `covered` and the starts of all bars."""
    if not bars:
        return covered
    return Span(min(covered.start, bars.bar(0).time), max(covered.end, bars.bar(-1).time))


def _block_range(timeframe: Timeframe, span: Span) -> tuple[int, int]:
    length = block_seconds(timeframe)
    return int(span.start.timestamp() // length), int(span.end.timestamp() // length)
