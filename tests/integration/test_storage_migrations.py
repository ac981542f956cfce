"""Migrations on a real database: each once, all or nothing, and never a guess."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from storage_harness import MIGRATIONS

from tradeconsole.errors import StorageError
from tradeconsole.storage.store import Store


class Schema:
    """A database and a folder of migrations that a test may change."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder / "migrations"
        self.spool = folder / "spool"
        shutil.copytree(MIGRATIONS, self.folder)
        self.newest = len(list(self.folder.glob("*.sql")))

    def add(self, sql: str) -> str:
        self.newest += 1
        path = self.folder / f"{self.newest:04d}_test.sql"
        path.write_text(sql)
        return path.name

    @property
    def store(self) -> Store:
        return Store(self.dsn, self.spool, broker="sim", migrations=self.folder)

    async def value(self, sql: str) -> object:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


@pytest_asyncio.fixture
async def schema(dsn: str, tmp_path: Path) -> AsyncIterator[Schema]:
    yield Schema(dsn, tmp_path)


async def test_pending_files_are_applied_once(schema: Schema) -> None:
    names = (await schema.store.status()).migrations_pending
    assert len(names) == schema.newest
    assert await schema.store.migrate() == names
    assert await schema.store.migrate() == ()
    status = await schema.store.status()
    assert (status.migrations_applied, status.migrations_pending) == (names, ())


async def test_looking_changes_nothing(schema: Schema) -> None:
    await schema.store.status()
    assert (
        await schema.value("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        == 0
    )


async def test_processes_that_migrate_together_apply_each_file_once(schema: Schema) -> None:
    schema.add("SELECT pg_sleep(0.2); CREATE TABLE once (value integer)")
    applied = await asyncio.gather(*(schema.store.migrate() for _ in range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, schema.newest]


async def test_a_file_that_fails_leaves_nothing_of_itself(schema: Schema) -> None:
    await schema.store.migrate()
    name = schema.add("CREATE TABLE half (value integer); SELECT no_such_function()")
    with pytest.raises(
        StorageError, match=f"migration {name} fails and was undone: function no_such_function"
    ):
        await schema.store.migrate()
    assert await schema.value("SELECT to_regclass('half')") is None
    assert (await schema.store.status()).migrations_pending == (name,)


async def test_a_file_that_changed_after_it_was_applied_is_refused(schema: Schema) -> None:
    await schema.store.migrate()
    first = schema.folder / "0001_first_light.sql"
    first.write_text(first.read_text() + "-- an afterthought\n")
    with pytest.raises(StorageError, match=r"0001_first_light.sql differs .* put the change into a new one"):
        await schema.store.open()
    assert "differs" in (await schema.store.status()).reason


async def test_a_database_newer_than_the_program_is_refused(schema: Schema) -> None:
    name = schema.add("CREATE TABLE future (value integer)")
    await schema.store.migrate()
    (schema.folder / name).unlink()
    with pytest.raises(StorageError, match=f"database is newer than this program .it has {name}.: update"):
        await schema.store.open()


async def test_an_unusable_database_url_is_refused_by_name(schema: Schema) -> None:
    schema.dsn = "mysql://localhost/x"
    with pytest.raises(StorageError, match="the database URL cannot be used"):
        await schema.store.open()


async def test_a_status_never_shows_the_password(schema: Schema) -> None:
    schema.dsn = "postgresql://trader:hunter2@127.0.0.1:1/tc"
    status = await schema.store.status()
    assert not status.available
    assert status.where == "127.0.0.1:1/tc"
    assert "hunter2" not in str(status)
