"""Everything that one broker's engine needs of storage, opened and closed together."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tradeconsole.domain.events import StorageChanged
from tradeconsole.errors import StorageError
from tradeconsole.ports import Restored
from tradeconsole.storage.bars import PostgresBarStore
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.journal import PostgresJournal
from tradeconsole.storage.migrations import migrate, migration_status, read_migrations
from tradeconsole.storage.pool import Connection, Database, DatabaseAway
from tradeconsole.storage.progress import load_positions
from tradeconsole.storage.spool import Spool
from tradeconsole.storage.tables import Windows


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `doctor` and `db status` show. `where` never holds a password."""

    available: bool
    reason: str
    where: str
    server_version: str = ""
    size_bytes: int = 0
    migrations_applied: tuple[str, ...] = ()
    migrations_pending: tuple[str, ...] = ()
    spool: str
    spool_pending: int


class Store:
    """Server, database, journal and bars of one broker.

    Args:
        source: the DSN of a database, or the embedded server.
        spool_folder: where spools lie; each broker gets a folder of its own in it.
        broker: the key under which everything is kept, such as `sim` or `topstepx`.
        migrations: folder of the migration files.
        on_storage: told, on the loop, when the database comes or goes.
        on_restored_late: given the memory, on the loop, if the database only came after `journal.restore`.
        on_damage: told in one line of spool bytes that had to be put aside.
    """

    def __init__(
        self,
        source: str | EmbeddedServer,
        spool_folder: Path,
        *,
        broker: str,
        migrations: Path,
        on_storage: Callable[[StorageChanged], None] = lambda _: None,
        on_restored_late: Callable[[Restored], None] = lambda _: None,
        on_damage: Callable[[str], None] = lambda _: None,
        windows: Windows | None = None,
    ) -> None:
        self._source = source
        self._migrations = migrations
        self._broker = broker
        self._database = Database(self._locate, self._migrate)
        self._spool = Spool(spool_folder / _folder_name(broker), on_damage=on_damage)
        self.journal = PostgresJournal(
            self._spool,
            self._database,
            broker,
            windows=windows,
            on_storage=on_storage,
            on_restored_late=on_restored_late,
        )
        self.bars = PostgresBarStore(self._database, broker)
        self._is_open = False

    async def open(self, *, database: bool = True) -> None:
        """Open the spool, bring the database up to date, and begin to drain.

        A database that is away does not stop the start: records wait in the spool, and `on_storage` is told.
        Without `database` none is started or asked: what is appended waits for whoever opens the store next.

        Raises:
            StorageError: the spool cannot be written, or the database cannot be used by this release.
        """
        self._spool.open()
        if not database:
            return
        away = ""
        try:
            await self._database.connect()
        except DatabaseAway as error:
            away = str(error)
        except StorageError:
            await self._let_go()
            raise
        self.journal.start(away=away)
        self._is_open = True

    async def close(self) -> None:
        """Store what can be stored in a short time and let go of everything; never raises."""
        if self._is_open:
            await self.journal.close()
            self._is_open = False
        await self._let_go()

    async def migrate(self) -> tuple[str, ...]:
        """Bring the database up to date; names of the files applied. Needs no `open`.

        Raises:
            StorageError: the database is away, or a migration cannot be applied.
        """
        applied: tuple[str, ...] = ()

        async def prepare(connection: Connection) -> None:
            nonlocal applied
            applied = await migrate(connection, read_migrations(self._migrations))

        database = Database(self._locate, prepare)
        try:
            await database.connect()
        finally:
            await database.close()
        return applied

    async def status(self) -> StoreStatus:
        """How things stand, changing nothing. Needs no `open`."""
        database = Database(self._locate, _leave_alone)
        survey = self._spool.survey()
        status = StoreStatus(
            available=False,
            reason="",
            where=self._where(),
            spool=str(self._spool.folder),
            spool_pending=sum(map(len, survey.values())),
        )
        try:
            await database.connect()
            async with database.connection() as connection:
                return await self._describe(connection, status, survey)
        except StorageError as error:
            return msgspec.structs.replace(status, reason=str(error))
        finally:
            await database.close()

    _SIZE: Final = "SELECT current_setting('server_version'), pg_database_size(current_database())"

    async def _describe(
        self, connection: Connection, status: StoreStatus, survey: dict[str, list[int]]
    ) -> StoreStatus:
        version, size = await connection.fetchrow(self._SIZE) or ("", 0)
        status = msgspec.structs.replace(status, available=True, server_version=version, size_bytes=size)
        try:
            migrations = await migration_status(connection, read_migrations(self._migrations))
        except StorageError as error:
            return msgspec.structs.replace(status, reason=str(error))
        if not migrations.pending:
            for name, position, _ in await load_positions(connection, self._broker, list(survey)):
                survey[name] = [end for end in survey[name] if end > position]
        return msgspec.structs.replace(
            status,
            spool_pending=sum(map(len, survey.values())),
            migrations_applied=tuple(applied.name for applied in migrations.applied),
            migrations_pending=migrations.pending,
        )

    async def _let_go(self) -> None:
        self._spool.close()
        await self._database.close()
        if isinstance(self._source, EmbeddedServer):
            self._source.release()

    async def _locate(self) -> str:
        if isinstance(self._source, str):
            return self._source
        try:
            return await asyncio.to_thread(self._source.start)
        except StorageError as error:
            raise DatabaseAway(str(error)) from error

    async def _migrate(self, connection: Connection) -> None:
        await migrate(connection, read_migrations(self._migrations))

    def _where(self) -> str:
        if isinstance(self._source, EmbeddedServer):
            return str(self._source.data)
        parts = urlsplit(self._source)
        host = parts.hostname or "local socket"
        return f"{host}:{parts.port or 5432}{parts.path}"


async def _leave_alone(_: Connection) -> None:
    """Prepare nothing: whoever only looks must not change a schema."""


def _folder_name(broker: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in broker)
