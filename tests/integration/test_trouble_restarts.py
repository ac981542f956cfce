"""Restarts in trouble: killed at any record, without PostgreSQL, with damaged memory; everything as the gateway has it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from storage_harness import StoreHarness
from trouble_desk import Desk, desk, until

from tradeconsole.domain.commands import Flatten
from tradeconsole.domain.events import Severity
from tradeconsole.domain.orders import OrderStatus, Side
from tradeconsole.storage.frames import HEAD_BYTES, scan_frames


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


async def trade(test: Desk) -> None:
    """A protected entry that is stopped out, a flip, and an order that rests."""
    await test.buy_protected()
    test.emulator.order("move", contract="MNQ", ticks=-44)
    await until(lambda: test.size() == 0)
    await test.buy(2)
    await until(lambda: test.size() == 2)
    await test.buy(3, side=Side.SELL)
    await until(lambda: test.size() == -1)
    await test.rest()


def memory(test: Desk) -> tuple[object, ...]:
    """What a trader would miss: orders, fills, round trips, positions."""
    book = test.engine.book
    return (
        {o.order_id: (o.status, o.filled, o.price, o.parent_id, o.role) for o in book.orders.values()},
        dict(book.fills),
        dict(book.round_trips),
        {key: ledger.position for key, ledger in book.ledgers.items()},
    )


async def test_after_a_kill_everything_is_as_it_was(harness: StoreHarness, tmp_path: Path) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        await trade(test)
        await test.prove()
        before = memory(test)
        shutil.copytree(harness.folder / "spool", tmp_path / "killed" / "spool")
        await test.close()
        await store.close()

        again = StoreHarness(harness.dsn, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal)
            await until(lambda: memory(test) == before)
            await test.ready()
            await test.prove()
            assert memory(test) == before
            assert not again.damage
        finally:
            await test.close()
            await again.close()


async def test_a_kill_at_any_record_ends_in_the_gateways_truth(harness: StoreHarness, tmp_path: Path) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        copies = tmp_path / "copies"
        await trade(test)
        await test.prove()
        spool = next(path for path in (harness.folder / "spool").rglob("*") if path.is_file() and size(path))
        written = spool.read_bytes()
        await test.close()
        await store.close()
        ends = [HEAD_BYTES + frame.end for frame in scan_frames(written[HEAD_BYTES:]).frames]
        assert len(ends) > 60
        for end in ends[:: len(ends) // 12]:
            folder = copies / str(end) / "spool" / spool.parent.relative_to(harness.folder / "spool")
            folder.mkdir(parents=True)
            (folder / spool.name).write_bytes(written[:end])
            await harness.fetch("DROP SCHEMA public CASCADE")
            await harness.fetch("CREATE SCHEMA public")
            again = StoreHarness(harness.dsn, copies / str(end))
            try:
                await test.open((await again.open()).journal)
                await test.ready()
                await test.prove()
            finally:
                await test.close()
                await again.close()


def size(path: Path) -> bool:
    return path.stat().st_size > HEAD_BYTES


async def test_orders_filled_while_no_console_ran_are_found(harness: StoreHarness) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        await test.buy_protected()
        await test.close()
        await store.close()
        test.emulator.order("move", contract="MNQ", ticks=-44)

        await test.open((await harness.open()).journal)
        await test.ready()
        await test.prove()
        assert test.size() == 0
        assert len(test.trips()) == 1
        assert not test.engine.book.open_orders
        await test.close()


async def test_a_kill_while_an_order_was_under_way_neither_loses_nor_repeats_it(
    harness: StoreHarness, tmp_path: Path
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        test.emulator.order("fail", path="order/place", after=True, lose="hang")
        test.drop_events(1000)
        sending = test.engine.supervisor.start("test", test.buy())
        await until(lambda: test.orders(OrderStatus.SENT))
        order_id = test.orders()[0].order_id
        shutil.copytree(harness.folder / "spool", tmp_path / "killed" / "spool")
        await until(lambda: sending.done())
        await test.close()
        await store.close()

        await harness.fetch("DROP SCHEMA public CASCADE")
        await harness.fetch("CREATE SCHEMA public")
        again = StoreHarness(harness.dsn, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal)
            await test.ready()
            await test.prove()
            assert test.engine.book.orders[order_id].status is OrderStatus.FILLED
            assert await test.sent() == [order_id]
        finally:
            await test.close()
            await again.close()


async def test_a_damaged_spool_does_not_stop_the_start_and_is_told(harness: StoreHarness) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        await trade(test)
        await test.prove()
        before = memory(test)
        await test.close()
        await store.close()
        folder = harness.folder / "spool" / "sim"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "0000000000000001-torn.spool").write_bytes(b"TCSPOOL1 and then nothing that makes sense")
        spools = sorted(folder.iterdir())
        spools[0].write_bytes(spools[0].read_bytes() + b"torn")

        store = await harness.open()
        await test.open(store.journal)
        for report in harness.damage:
            test.engine.notices.raise_(Severity.WARNING, "Damaged records were put aside", report)
        await test.ready()
        await test.prove()
        assert harness.damage
        assert memory(test) == before
        await test.close()


async def test_postgresql_away_while_trading_and_back_loses_nothing_and_repeats_nothing(
    harness: StoreHarness,
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        await test.buy_protected()
        await until(lambda: store.journal.pending == 0)
        name = str(await harness.value("SELECT current_database()"))
        await close_door(harness, name, shut=True)
        try:
            test.emulator.order("move", contract="MNQ", ticks=-44)
            await until(lambda: test.size() == 0)
            await test.buy(1)
            await until(lambda: test.size() == 1)
            await until(lambda: any(not event.available for event in harness.events))
            assert store.journal.pending
        finally:
            await close_door(harness, name, shut=False)
        await until(lambda: store.journal.pending == 0)
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()
        before = memory(test)
        await test.close()
        await store.close()
        assert await harness.value("SELECT count(*) FROM fills") == len(await test.gateway_trades())

        await test.open((await harness.open()).journal)
        await until(lambda: memory(test) == before)
        await test.ready()
        await test.prove()
        await test.close()


async def close_door(harness: StoreHarness, name: str, *, shut: bool) -> None:
    """Throw everybody out of the database and let nobody in, or let them in again."""
    admin = StoreHarness(harness.dsn.replace(f"/{name}?", "/postgres?"), harness.folder)
    await admin.fetch(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {'false' if shut else 'true'}")
    if shut:
        await admin.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
