"""The drainer keeps out of the way of the order that wrote the record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from trading_factories import make_order

from tradeconsole.errors import StorageError
from tradeconsole.storage.drain import Drainer
from tradeconsole.storage.spool import Spool


class SilentDatabase:
    """Counts who looks for it, and is never there."""

    looks = 0

    async def connect(self) -> None:
        self.looks += 1
        raise StorageError("away")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        raise StorageError("away")
        yield


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path, on_damage=pytest.fail)
    made.open()
    return made


async def test_what_waits_in_the_loop_goes_before_the_database(spool: Spool) -> None:
    async def nothing() -> None: ...

    database = SilentDatabase()
    drainer = Drainer(spool, database, "sim", on_storage=lambda _: None, on_drained=nothing)  # type: ignore[arg-type]
    draining = asyncio.create_task(drainer.run())
    await asyncio.sleep(0)
    spool.append(make_order())
    drainer.wake()
    for _ in range(10):  # as many turns as an order needs to leave
        await asyncio.sleep(0)
    assert database.looks == 0
    async with asyncio.timeout(5):
        while not database.looks:
            await asyncio.sleep(0.01)
    draining.cancel()
    spool.close()
