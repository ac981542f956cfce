"""A store over a database of its own that can be taken away, as tests need it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg

from tradeconsole.domain.events import StorageChanged
from tradeconsole.ports import Restored
from tradeconsole.storage.store import Store

MIGRATIONS = Path(__file__).parents[1] / "migrations"


class StoreHarness:
    """Opens stores on one database and one spool folder, and collects what they tell."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder
        self.events: list[StorageChanged] = []
        self.late: list[Restored] = []
        self.damage: list[str] = []
        self._stores: list[Store] = []

    async def open(self, broker: str = "sim") -> Store:
        store = Store(
            self.dsn,
            self.folder / "spool",
            broker=broker,
            migrations=MIGRATIONS,
            on_storage=self.events.append,
            on_restored_late=self.late.append,
            on_damage=self.damage.append,
        )
        await store.open()
        self._stores.append(store)
        return store

    async def close(self) -> None:
        for store in self._stores:
            await store.close()

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()

    async def value(self, sql: str, *arguments: object) -> object:
        return (await self.fetch(sql, *arguments))[0][0]


async def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait for something that another task or process does."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
