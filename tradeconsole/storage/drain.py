"""Carries the spool to PostgreSQL in batches, exactly once, however often the database comes and goes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from tradeconsole.domain.events import StorageChanged
from tradeconsole.domain.notation import count
from tradeconsole.errors import StorageError
from tradeconsole.storage.frames import Frame
from tradeconsole.storage.pool import Connection, Database, RecordRefused
from tradeconsole.storage.progress import forget_segments, load_positions, move_position, save_refused
from tradeconsole.storage.records import Entry, decode_record
from tradeconsole.storage.spool import Batch, Spool
from tradeconsole.storage.tables import store

log = logging.getLogger(__name__)

BATCH_RECORDS: Final = 64
"""Few enough that decoding them does not hold up the engine's loop, on which this runs."""

GATHER_SECONDS: Final = 0.02
"""Between the first new record and its way to the database, so that the order that wrote it leaves first."""

_CHECK_SECONDS: Final = 5.0
_FIRST_RETRY_SECONDS: Final = 0.2
_LAST_RETRY_SECONDS: Final = 5.0


class Drainer:
    """Moves records from a spool to the tables of one broker.

    Args:
        on_storage: told when the database comes or goes, and while it is away, how much waits.
        on_drained: awaited whenever the spool has been emptied.
    """

    def __init__(
        self,
        spool: Spool,
        database: Database,
        broker: str,
        *,
        on_storage: Callable[[StorageChanged], None],
        on_drained: Callable[[], Awaitable[None]],
    ) -> None:
        self._spool = spool
        self._database = database
        self._broker = broker
        self._on_storage = on_storage
        self._on_drained = on_drained
        self._wake = asyncio.Event()
        self._draining = asyncio.Lock()
        self._knows_positions = False
        self._available: bool | None = None

    @property
    def is_away(self) -> bool:
        """Whether the database was away when we last looked."""
        return self._available is False

    def wake(self) -> None:
        """There is something to drain."""
        self._wake.set()

    async def run(self) -> None:
        """Drain for ever."""
        delay = _FIRST_RETRY_SECONDS
        while True:
            try:
                await self._rest()
                await self.drain()
                await self._on_drained()
                delay = _FIRST_RETRY_SECONDS
            except StorageError as error:
                self.tell(available=False, reason=str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_RETRY_SECONDS)

    async def drain(self) -> None:
        """Store everything that waits.

        Raises:
            StorageError: the database is away, or cannot be used; what was not stored still waits.
        """
        async with self._draining:
            await self._drain()

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[None]:
        """Drain, then let the caller work while nothing is being drained. Raises as `drain`."""
        async with self._draining:
            await self._drain()
            yield

    def tell(self, *, available: bool, reason: str = "") -> None:
        """Pass on a change of the database's health; while it is away, also how much waits."""
        if available and self._available and not reason:
            return
        if not available and self._available is not False:
            log.warning("records wait in the spool: %s", reason)
        self._available = available
        self._on_storage(StorageChanged(available, reason, self._spool.pending))

    async def _drain(self) -> None:
        try:
            if not self._knows_positions:
                await self._reconnect()
            while batch := self._spool.next_batch(BATCH_RECORDS):
                await self._store(batch)
            if gone := self._spool.remove_drained():
                async with self._database.connection() as connection:
                    await forget_segments(connection, self._broker, gone)
        except StorageError:
            # a commit may have been lost or not: ask before anything is sent again
            self._knows_positions = False
            raise
        self.tell(available=True)

    async def _rest(self) -> None:
        """Wait for work, but not long: now and then see whether the database is still there."""
        if self.is_away:
            return
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            await self._database.connect()
        else:
            await asyncio.sleep(GATHER_SECONDS)
        self._wake.clear()

    async def _reconnect(self) -> None:
        await self._database.connect()
        async with self._database.connection() as connection:
            for position in await load_positions(connection, self._broker, self._spool.names):
                self._spool.mark_drained(*position)
        self._knows_positions = True

    async def _store(self, batch: Batch) -> None:
        entries, refused = _decoded(batch.frames)
        try:
            async with self._database.transaction() as connection:
                await store(connection, self._broker, entries)
                await self._finish(connection, batch, refused)
        except RecordRefused:
            refused = await self._store_singly(batch)
        self._spool.mark_drained(batch.segment, batch.end, batch.records)
        for frame, reason in refused:
            log.error("a record in %s at %d is kept aside: %s", batch.segment, frame.start, reason)
        if refused:
            self.tell(available=True, reason=f"{count(len(refused), 'record')} kept aside: {refused[0][1]}")

    async def _store_singly(self, batch: Batch) -> list[tuple[Frame, str]]:
        """Store each record by itself, so that one bad one does not keep the others out."""
        refused = []
        async with self._database.transaction() as connection:
            for frame in batch.frames:
                try:
                    async with connection.transaction():
                        await store(connection, self._broker, [Entry(frame.stamp, decode_record(frame.body))])
                except (StorageError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
                    refused.append((frame, str(error)))
            await self._finish(connection, batch, refused)
        return refused

    async def _finish(self, connection: Connection, batch: Batch, refused: list[tuple[Frame, str]]) -> None:
        if refused:
            await save_refused(connection, self._broker, batch.segment, refused)
        await move_position(connection, self._broker, batch)


def _decoded(frames: list[Frame]) -> tuple[list[Entry], list[tuple[Frame, str]]]:
    entries, refused = [], []
    for frame in frames:
        try:
            entries.append(Entry(frame.stamp, decode_record(frame.body)))
        except StorageError as error:
            refused.append((frame, str(error)))
    return entries, refused
