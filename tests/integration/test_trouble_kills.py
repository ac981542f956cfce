"""Killed around a protected entry, at any moment and any record: every leg the gateway has is known, and protects."""

import asyncio
import random
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trouble_desk import Desk, desk, until

from tradeconsole.domain.commands import Flatten
from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.errors import TradeConsoleError
from tradeconsole.exchange.records import ExchangeOptions, Latencies
from tradeconsole.ports import JournalRecord, Restored
from tradeconsole.storage.recall import recall
from tradeconsole.storage.records import Entry
from tradeconsole.storage.spool import Spool

MOMENTS = [*range(0, 60, 4), *range(60, 200, 20)]
"""Milliseconds after sending; the venue fills after 5, puts the legs to work 20 later, and tells it after that."""

BRACKET = Bracket(stop_ticks=40, target_ticks=80)


class SpoolAlone:
    """A journal whose memory is the spool, as it is while the database is away."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder, on_damage=self._refuse)
        self.spool.open()

    def append(self, record: JournalRecord) -> None:
        self.spool.append(record)

    async def restore(self) -> Restored:
        return recall(self.spool.entries())

    def _refuse(self, damage: str) -> None:
        raise AssertionError(damage)


class Remembers:
    """A journal that remembers what it is given, and nothing new."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._memory = recall(entries)

    def append(self, record: JournalRecord) -> None: ...

    async def restore(self) -> Restored:
        return self._memory


async def prove_protection(test: Desk) -> None:
    """The book has every order of the gateway as it stands there; a stop protects if and only if it works there."""
    await test.prove()
    theirs = test.emulator.gateway.exchange.orders(test.emulator.practice_id)
    assert {o.broker_order_id: o.status for o in test.orders() if o.broker_order_id} == {
        str(order.id): order.status for order in theirs
    }
    stops = [o for o in theirs if o.type is OrderType.STOP and o.status is OrderStatus.WORKING]
    for position in test.engine.book.positions(test.account_id):
        cover = coverage(test.engine.book, position)
        assert {order.broker_order_id for order in cover.stops} == {str(order.id) for order in stops}
        assert cover.covered == min(abs(position.size), sum(order.remaining for order in stops))


async def flatten(test: Desk) -> None:
    if test.size() or test.engine.book.open_orders:
        await test.engine.handle(Flatten(test.account_id))
    await until(lambda: not test.size() and not test.engine.book.open_orders)


async def test_a_kill_at_any_moment_around_a_protected_entry(tmp_path: Path) -> None:
    jitter = random.Random(11)
    protected = 0
    async with desk(fast=False) as test:
        for number, moment in enumerate(MOMENTS):
            living, killed = tmp_path / f"{number}" / "living", tmp_path / f"{number}" / "killed"
            await test.open(SpoolAlone(living))
            await test.ready()
            sending = asyncio.create_task(test.buy(1, bracket=BRACKET))
            await asyncio.sleep((moment + 4 * jitter.random()) / 1000)
            shutil.copytree(living, killed)
            sending.cancel()
            await test.close()
            with suppress(asyncio.CancelledError, TradeConsoleError):
                await sending

            await test.open(SpoolAlone(killed))
            await test.ready()
            await until(lambda: not test.orders(OrderStatus.SUSPENDED))
            await prove_protection(test)
            protected += test.size()
            await flatten(test)
            await test.close()
    assert protected > len(MOMENTS) // 2


async def test_legs_that_begin_to_work_while_the_next_console_comes_up(tmp_path: Path) -> None:
    for number, activation in enumerate(range(20, 400, 20)):
        rules = ExchangeOptions(latencies=Latencies(activation=float(activation)))
        async with desk(fast=False, rules=rules) as test:
            living, killed = tmp_path / f"{number}" / "living", tmp_path / f"{number}" / "killed"
            await test.open(SpoolAlone(living))
            await test.ready()
            await test.buy(1, bracket=BRACKET)
            await until(lambda desk=test: desk.size() == 1)
            shutil.copytree(living, killed)
            await test.close()

            await test.open(SpoolAlone(killed))
            await until(lambda desk=test: len(desk.orders(OrderStatus.WORKING)) == 2)
            await test.ready()
            await prove_protection(test)


async def test_memory_cut_at_any_record_of_a_protected_entry(tmp_path: Path) -> None:
    async with desk(fast=False) as test:
        journal = SpoolAlone(tmp_path)
        await test.open(journal)
        await test.ready()
        await test.buy(1, bracket=BRACKET)
        await until(lambda: len(test.orders(OrderStatus.WORKING)) == 2)
        await test.close()
        entries = list(journal.spool.entries())
        assert len(entries) > 20
        for kept in range(len(entries) + 1):
            await test.open(Remembers(entries[:kept]))
            await test.ready(arm=False)
            await prove_protection(test)
            assert test.size() == 1
            await test.close()
