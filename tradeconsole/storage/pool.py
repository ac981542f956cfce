"""The way to PostgreSQL: a small pool, its health, and its errors in our words."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from tradeconsole.errors import StorageError

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Locate = Callable[[], Awaitable[str]]
"""Gives the DSN, after making sure that the server runs where that is ours to do."""
Prepare = Callable[[Connection], Awaitable[None]]
"""Run on the first connection, before anyone else may use the database."""

log = logging.getLogger(__name__)

_CONNECT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 15.0
_SERVER_SETTINGS: Final = {
    "application_name": "tradeconsole",
    "timezone": "UTC",
    "statement_timeout": "15000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
}


class DatabaseAway(StorageError):
    """The database cannot serve us now; the same call may succeed later."""


class RecordRefused(StorageError):
    """The database answered that this very data can never be stored."""


class Database:
    """A pool that connects when told to and survives the server's absence.

    Args:
        locate: gives the DSN; called on every `connect`.
        prepare: brings a newly found database up to our schema.
    """

    def __init__(self, locate: Locate, prepare: Prepare) -> None:
        self._locate = locate
        self._prepare = prepare
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()

    @property
    def is_connected(self) -> bool:
        """Whether we have been connected; the server may have gone since."""
        return self._pool is not None

    async def connect(self) -> None:
        """Connect, or make sure that the connection is alive; safe to repeat.

        Raises:
            DatabaseAway: nobody answers; try again later.
            StorageError: it answered, and cannot be used as it is.
        """
        async with self._connecting:
            if self._pool is not None:
                try:
                    await self._ping()
                except DatabaseAway:
                    log.info("PostgreSQL does not answer: looking for it again")
                else:
                    return
            dsn = await self._locate()
            if self._pool is None:
                await self._open(dsn)
            await self._ping()

    async def close(self) -> None:
        """Close all connections; never waits long."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), timeout=1)
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for one piece of work.

        Raises:
            DatabaseAway: the server is away, stopping, or unable to work.
            RecordRefused: the data itself is at fault.
        """
        if self._pool is None:
            raise DatabaseAway("not connected to PostgreSQL")
        with _translated():
            async with self._pool.acquire(timeout=_CONNECT_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As `connection`, all or nothing."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def _ping(self) -> None:
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    async def _open(self, dsn: str) -> None:
        with _translated():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=0,  # a floor would make asyncpg log a traceback at every retry during an outage
                max_size=4,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                server_settings=_SERVER_SETTINGS,
            )
            try:
                async with pool.acquire() as connection:
                    await self._prepare(connection)
            except BaseException:
                pool.terminate()
                raise
        self._pool = pool


@contextmanager
def _translated() -> Iterator[None]:
    """Foreign errors in our words; what only concerns the data is told apart from trouble with the server."""
    try:
        yield
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        raise RecordRefused(f"PostgreSQL refuses a record: {_one_line(error)}") from error
    except asyncpg.ClientConfigurationError as error:
        raise StorageError(f"the database URL cannot be used: {_one_line(error)}") from error
    except TimeoutError as error:
        raise DatabaseAway("PostgreSQL does not answer in time") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # the driver's words on a connection that broke in mid-sentence are about its own state
        raise DatabaseAway("PostgreSQL is not available: the connection broke") from error
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseAway(f"PostgreSQL is not available: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
