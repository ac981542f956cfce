"""The journal: durable memory of one broker, over the spool and PostgreSQL."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from tradeconsole.domain.events import StorageChanged
from tradeconsole.errors import StorageError
from tradeconsole.ports import JournalRecord, Restored
from tradeconsole.storage.drain import Drainer
from tradeconsole.storage.pool import Database
from tradeconsole.storage.progress import forget_segments
from tradeconsole.storage.recall import recall
from tradeconsole.storage.spool import Spool
from tradeconsole.storage.tables import Windows, forget, load

log = logging.getLogger(__name__)

_FLUSH_SECONDS: Final = 0.05


class PostgresJournal:
    """`ports.Journal`: an appended record is safe at once and in PostgreSQL soon.

    Everything is kept under the key `broker`; one database serves many and never mixes them. All methods belong
    to one event loop.

    Args:
        on_storage: told when the database comes or goes, and while it is away, how many records wait.
        on_restored_late: given everything remembered, when the database was away at `restore` and has come back.
    """

    def __init__(
        self,
        spool: Spool,
        database: Database,
        broker: str,
        *,
        windows: Windows | None = None,
        on_storage: Callable[[StorageChanged], None],
        on_restored_late: Callable[[Restored], None],
    ) -> None:
        self._spool = spool
        self._database = database
        self._broker = broker
        self._windows = windows or Windows()
        self._on_restored_late = on_restored_late
        self._drainer = Drainer(
            spool, database, broker, on_storage=on_storage, on_drained=self._deliver_late_memory
        )
        self._owes_memory = False
        self._dirty = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def pending(self) -> int:
        """Records that PostgreSQL does not have yet."""
        return self._spool.pending

    def start(self, *, away: str = "") -> None:
        """Begin to drain and flush in the background; the spool must be open.

        `away` says why the database is known to be away, so that `restore` need not wait for it again.
        """
        if away:
            self._drainer.tell(available=False, reason=away)
        for work, name in ((self._drainer.run(), "spool drain"), (self._flush(), "spool flush")):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._report_end)
            self._tasks.append(task)

    def append(self, record: JournalRecord) -> None:
        """Write a record down so that a kill of this process cannot lose it; a few microseconds.

        Raises:
            StorageError: the spool cannot be written; nothing may be sent then.
        """
        self._spool.append(record)
        self._drainer.wake()
        self._dirty.set()

    async def restore(self) -> Restored:
        """What was remembered before; everything appended earlier is included.

        While the database is away this is what the spool holds, and the rest is delivered late.
        """
        if not self._drainer.is_away:
            try:
                await self._drainer.drain()
                return await self._load()
            except StorageError as error:
                self._drainer.tell(available=False, reason=str(error))
        self._owes_memory = True
        return recall(self._spool.entries())

    async def forget(self, *, bars_only: bool = False) -> None:
        """Delete everything that is remembered of this broker, or only its bars.

        Raises:
            StorageError: the database is away; nothing is forgotten.
        """
        async with self._drainer.emptied():
            async with self._database.transaction() as connection:
                await forget(connection, self._broker, bars_only=bars_only)
            if not bars_only:
                gone = self._spool.discard()
                async with self._database.connection() as connection:
                    await forget_segments(connection, self._broker, gone)

    async def close(self, *, patience: float = 2.0) -> None:
        """Store what can be stored within `patience` seconds; the rest waits in the spool. Never raises."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        try:
            async with asyncio.timeout(patience):
                await self._drainer.drain()
        except (StorageError, TimeoutError) as error:
            log.warning("%d records wait in the spool for the next start: %s", self._spool.pending, error)

    async def _load(self) -> Restored:
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await load(connection, self._broker, self._windows)

    async def _deliver_late_memory(self) -> None:
        if self._owes_memory:
            memory = await self._load()
            self._owes_memory = False
            self._on_restored_late(memory)

    async def _flush(self) -> None:
        """Flush the spool to the disk soon after appends, for the case of a loss of power."""
        while True:
            await self._dirty.wait()
            await asyncio.sleep(_FLUSH_SECONDS)
            self._dirty.clear()
            try:
                if job := self._spool.flush_job():
                    await asyncio.to_thread(job)
            except (OSError, StorageError) as error:
                log.warning("the spool cannot be flushed to the disk: %s", error)

    def _report_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("%s stopped", task.get_name(), exc_info=error)
            self._drainer.tell(available=False, reason=f"{task.get_name()} stopped: {error}")
