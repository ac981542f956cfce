"""PostgreSQL comes and goes; trading goes on, nothing is lost and nothing is stored twice."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from storage_harness import MIGRATIONS, until
from storage_samples import make_orders
from trading_factories import MNQ, NOON, make_bars, make_order

from tradeconsole.domain.events import StorageChanged
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.domain.workspace import Workspace
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.recorder import Recorder
from tradeconsole.engine.workbench import Workbench
from tradeconsole.errors import StorageError
from tradeconsole.ports import Restored
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.store import Store

MINUTE = Timeframe.parse("1m")


class MovableServer(EmbeddedServer):
    """An embedded server that a test can keep from being started."""

    held_down = False

    def start(self) -> str:
        if self.held_down:
            raise StorageError("held down by the test")
        return super().start()


class Machine:
    """One server and the stores that use it."""

    def __init__(self, folder: Path, spool: Path) -> None:
        self.server = MovableServer(folder, grace=0.0)
        self.spool = spool
        self.events: list[StorageChanged] = []
        self.late: list[Restored] = []
        self._stores: list[Store] = []

    async def open(self) -> Store:
        store = Store(
            self.server,
            self.spool,
            broker="sim",
            migrations=MIGRATIONS,
            on_storage=self.events.append,
            on_restored_late=self.late.append,
        )
        await store.open()
        self._stores.append(store)
        return store

    def take_away(self) -> None:
        self.server.held_down = True
        os.kill(self.postmaster(), signal.SIGKILL)

    def bring_back(self) -> None:
        self.server.held_down = False

    def postmaster(self) -> int:
        """The server's process; 0 when there is none."""
        try:
            return int((self.server.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return 0

    async def stored_orders(self) -> list[str]:
        connection = await asyncpg.connect(self.server.dsn)
        try:
            return [
                row[0] for row in await connection.fetch("SELECT order_id FROM order_events ORDER BY stamp")
            ]
        finally:
            await connection.close()

    async def close(self) -> None:
        self.bring_back()
        for store in self._stores:
            await store.close()
        deadline = time.monotonic() + 30
        while (self.server.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def machine(open_folder: Path, tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(open_folder / f"machine-{uuid.uuid4().hex[:8]}", tmp_path / "spool")
    yield machine
    await machine.close()


async def test_what_is_appended_while_the_database_is_away_is_stored_once_when_it_returns(
    machine: Machine,
) -> None:
    store = await machine.open()
    orders = make_orders(900)
    for number, order in enumerate(orders):
        store.journal.append(order)
        if number == 300:
            await asyncio.sleep(0.05)  # some are stored, some on their way
            machine.take_away()
        if number % 100 == 0:
            await asyncio.sleep(0.02)
    await until(lambda: any(not event.available and event.pending for event in machine.events))
    machine.bring_back()
    await until(lambda: store.journal.pending == 0)
    assert await machine.stored_orders() == [order.order_id for order in orders]
    assert machine.events[-1] == StorageChanged(available=True, reason="", pending=0)


async def test_a_killed_server_is_started_again_without_anything_being_appended(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeconsole.storage.drain._CHECK_SECONDS", 0.1)
    await machine.open()
    killed = machine.postmaster()
    os.kill(killed, signal.SIGKILL)
    await until(lambda: machine.postmaster() not in {0, killed})


async def test_bars_cannot_be_had_while_the_database_is_away_and_can_afterwards(machine: Machine) -> None:
    store = await machine.open()
    span = Span(NOON, NOON.replace(hour=19))
    await store.bars.save(MNQ, MINUTE, make_bars(60), span)
    machine.take_away()
    with pytest.raises(StorageError, match="PostgreSQL is not available"):
        await load_for_ever(store, span)
    store.journal.append(make_order())
    machine.bring_back()
    await until(lambda: store.journal.pending == 0)
    assert len(await store.bars.load(MNQ, MINUTE, span)) == 60


async def load_for_ever(store: Store, span: Span) -> None:
    """The server's other processes outlive the killed one for a moment."""
    while True:
        await store.bars.load(MNQ, MINUTE, span)


async def test_a_start_without_a_database_remembers_what_the_spool_holds_and_the_rest_later(
    machine: Machine,
) -> None:
    store = await machine.open()
    store.journal.append(make_order(order_id="tc-stored", status=OrderStatus.WORKING))
    await until(lambda: store.journal.pending == 0)
    await store.close()
    await (await machine.open()).close()  # the file that held it is gone now
    machine.server.held_down = True
    first = await machine.open()
    first.journal.append(make_order(order_id="tc-spooled", status=OrderStatus.WORKING))
    memory = await first.journal.restore()
    assert [order.order_id for order in memory.orders] == ["tc-spooled"]
    assert not machine.events[-1].available
    assert "held down by the test" in machine.events[-1].reason
    machine.bring_back()
    await until(lambda: bool(machine.late))
    assert [order.order_id for order in machine.late[0].orders] == ["tc-spooled", "tc-stored"]


class Console:
    """What a console does with its workspace: remembers it, changes it, and writes changes down."""

    def __init__(self, store: Store) -> None:
        self._store = store
        bus = Bus(lambda _: ())
        Recorder(bus, store.journal, pytest.fail)
        self.workbench = Workbench(bus)

    async def remember(self) -> Workspace:
        self.workbench.remember((await self._store.journal.restore()).workspace)
        return self.workbench.kept


async def left_behind(machine: Machine) -> None:
    """A session that has set things up and ended; only the database has them."""
    store = await machine.open()
    before = Console(store)
    await before.remember()
    before.workbench.use_account("17")
    for symbol in ("CL", "GC"):
        before.workbench.watch(symbol, configured=False)
    before.workbench.ignore("NQ", configured=True)
    before.workbench.ignore("ES", configured=True)
    await until(lambda: store.journal.pending == 0)
    await store.close()
    await (await machine.open()).close()  # the file that held it is gone now


async def changed_without(machine: Machine) -> tuple[Store, Console]:
    """A session that starts while the database is away and changes the watchlist."""
    machine.server.held_down = True
    store = await machine.open()
    console = Console(store)
    assert await console.remember() == Workspace()
    console.workbench.watch("SI", configured=False)
    console.workbench.ignore("GC", configured=False)
    console.workbench.watch("ES", configured=True)
    return store, console


CHANGED: Final = Workspace(account_id="17", added=("CL", "SI"), removed=("NQ",))
"""What both of these sessions leave."""


async def test_a_watchlist_changed_while_the_database_is_away_keeps_what_was_on_it(machine: Machine) -> None:
    await left_behind(machine)
    store, console = await changed_without(machine)
    machine.bring_back()
    await until(lambda: bool(machine.late))
    console.workbench.remember(machine.late[0].workspace)
    assert shown(console.workbench.kept) == CHANGED
    console.workbench.watch("CL", configured=False)
    await store.close()
    again = await Console(await machine.open()).remember()
    assert again == msgspec.structs.replace(CHANGED, added=("SI", "CL"))


async def test_a_console_that_never_saw_the_database_leaves_its_changes_to_the_next(machine: Machine) -> None:
    await left_behind(machine)
    first, _ = await changed_without(machine)
    await first.close()
    second = await machine.open()
    console = Console(second)
    console.workbench.watch("ZB", configured=False)
    assert shown(await console.remember()) == Workspace(added=("SI", "ZB"))
    await second.close()
    third = Console(await machine.open())
    assert shown(await third.remember()) == Workspace(added=("SI", "ZB"))
    machine.bring_back()
    await until(lambda: bool(machine.late))
    assert machine.late[0].workspace == msgspec.structs.replace(CHANGED, added=("CL", "SI", "ZB"))


def shown(kept: Workspace) -> Workspace:
    """Without the changes that were taken back, which show nothing."""
    return msgspec.structs.replace(kept, undone=())


async def test_the_last_session_can_be_shown_without_a_database(machine: Machine) -> None:
    store = await machine.open()
    store.journal.append(make_order(order_id="tc-yesterday", status=OrderStatus.FILLED))
    await until(lambda: store.journal.pending == 0)
    await store.close()
    machine.server.held_down = True
    memory = await (await machine.open()).journal.restore()
    assert [order.order_id for order in memory.orders] == ["tc-yesterday"]


async def test_closing_without_a_database_is_quick_and_keeps_the_records(machine: Machine) -> None:
    store = await machine.open()
    machine.take_away()
    for order in make_orders(50):
        store.journal.append(order)
    await store.close()
    machine.bring_back()
    again = await machine.open()
    assert len((await again.journal.restore()).orders) == 50


async def test_a_server_that_hangs_holds_nothing_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeconsole.storage.pool._COMMAND_SECONDS", 0.5)
    store = await machine.open()
    await store.journal.restore()
    backends = await pids(machine)
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    store.journal.append(make_order(order_id="tc-during"))
    await until(lambda: any("does not answer in time" in event.reason for event in machine.events))
    for pid in backends:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: store.journal.pending == 0)
    assert await machine.stored_orders() == ["tc-during"]


async def pids(machine: Machine) -> list[int]:
    """The server's processes that serve our stores."""
    connection = await asyncpg.connect(machine.server.dsn)
    try:
        found = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tradeconsole'"
        )
        return [row["pid"] for row in found]
    finally:
        await connection.close()
