"""Forward-only migrations: plain SQL files, each applied once, in order, in a transaction of its own."""

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from tradeconsole.errors import StorageError
from tradeconsole.storage.pool import Connection

_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK: Final = 7_263_001
"""Advisory lock of whoever migrates; any number that nobody else uses."""


class Migration(msgspec.Struct, frozen=True):
    """One file; `checksum` is the SHA-256 of its bytes."""

    version: int
    name: str
    sql: str
    checksum: str


class AppliedMigration(msgspec.Struct, frozen=True):
    """One file that this database has been through."""

    version: int
    name: str
    checksum: str
    applied_at: datetime


class MigrationStatus(msgspec.Struct, frozen=True):
    """Where a database stands."""

    applied: tuple[AppliedMigration, ...]
    pending: tuple[str, ...]


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files of a folder in order.

    Raises:
        StorageError: there are none, or a number is missing or taken twice.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".sql")
    except OSError as error:
        raise StorageError(f"the migrations in {folder} cannot be read: {error.strerror}") from error
    if not paths:
        raise StorageError(f"{folder} holds no migrations: reinstall tradeconsole")
    return tuple(_read(path, expected) for expected, path in enumerate(paths, start=1))


async def migration_status(connection: Connection, migrations: tuple[Migration, ...]) -> MigrationStatus:
    """What is applied and what is pending.

    Raises:
        StorageError: an applied file has changed, or the database is newer than these files.
    """
    applied = await _applied(connection)
    for done, ours in zip(applied, migrations, strict=False):
        if (done.version, done.checksum) != (ours.version, ours.checksum):
            raise StorageError(
                f"migration {ours.name} differs from {done.name} as applied on {done.applied_at:%Y-%m-%d}: "
                "restore the file and put the change into a new one"
            )
    if len(applied) > len(migrations):
        newest = applied[-1].name
        raise StorageError(f"the database is newer than this program (it has {newest}): update tradeconsole")
    return MigrationStatus(applied, tuple(migration.name for migration in migrations[len(applied) :]))


async def migrate(connection: Connection, migrations: tuple[Migration, ...]) -> tuple[str, ...]:
    """Apply what is pending; names of the files applied. Safe to run from several processes at once.

    Raises:
        StorageError: as `migration_status`; or a file fails, which then has changed nothing.
    """
    if not (await migration_status(connection, migrations)).pending:
        return ()
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_CREATE_TABLE)
        pending = (await migration_status(connection, migrations)).pending
        for migration in migrations:
            if migration.name in pending:
                await _apply(connection, migration)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return pending


_CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

_RECORD: Final = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(_RECORD, migration.version, migration.name, migration.checksum)
    except (
        asyncpg.SyntaxOrAccessError,
        asyncpg.DataError,
        asyncpg.IntegrityConstraintViolationError,
    ) as error:
        raise StorageError(f"migration {migration.name} fails and was undone: {error}") from error


_APPLIED: Final = "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version"


async def _applied(connection: Connection) -> tuple[AppliedMigration, ...]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return ()
    return tuple(AppliedMigration(*row.values()) for row in await connection.fetch(_APPLIED))


def _read(path: Path, expected: int) -> Migration:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise StorageError(f"{path} is no migration: call it NNNN_words.sql")
    version = int(match.group(1))
    if version != expected:
        raise StorageError(
            f"{path.name} should be number {expected:04d}: migrations have no gaps and no twins"
        )
    content = path.read_bytes()
    return Migration(version, path.name, content.decode(), hashlib.sha256(content).hexdigest())
