"""The journal over a real PostgreSQL: everything appended is found again, once, whoever dies in between."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from storage_harness import StoreHarness, until
from storage_samples import (
    ONE_OF_EACH,
    make_full_order,
    make_notification,
    make_orders,
    make_position,
    make_round_trip,
)
from trading_factories import (
    ACCOUNT,
    MNQ,
    NOON,
    make_account,
    make_bars,
    make_fill,
    make_instrument,
    make_order,
    make_report,
)

from tradeconsole.domain.events import CancelAsked, RoundTripVoided
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import Bracket, CancelBy, OrderStatus
from tradeconsole.domain.workspace import Workspace
from tradeconsole.engine.reports import order_from_report
from tradeconsole.errors import StorageError
from tradeconsole.ports import EquityPoint, PositionCleared, Restored
from tradeconsole.storage.pool import Connection, Database, DatabaseAway
from tradeconsole.storage.store import Store

ROOT = Path(__file__).parents[2]
MINUTE = Timeframe.parse("1m")


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


async def settle(store: Store) -> None:
    await until(lambda: store.journal.pending == 0)


async def test_every_kind_of_record_is_found_again_after_a_restart(harness: StoreHarness) -> None:
    store = await harness.open()
    for record in ONE_OF_EACH:
        store.journal.append(record)
    await store.close()
    memory = await (await harness.open()).journal.restore()
    assert memory.instruments == (make_instrument(),)
    assert memory.accounts == (make_account(),)
    assert memory.orders == (make_full_order(),)
    assert memory.fills == (make_fill(gross_pnl=Decimal("-1.5"), order_id="tc-full"),)
    assert memory.positions == (make_position(),)
    assert memory.round_trips == (make_round_trip(),)
    assert memory.notifications == (make_notification(),)
    assert memory.equity == ((ACCOUNT, NOON, Decimal("150041.25")),)
    assert memory.workspace == Workspace(account_id=ACCOUNT, added=("6E", "CL"), removed=("NQ",))


async def test_what_is_appended_before_restore_is_in_it(harness: StoreHarness) -> None:
    store = await harness.open()
    store.journal.append(make_order(order_id="tc-now"))
    assert [order.order_id for order in (await store.journal.restore()).orders] == ["tc-now"]


async def test_the_newest_record_wins_and_every_change_leaves_a_trail(harness: StoreHarness) -> None:
    store = await harness.open()
    for status in (OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.REJECTED):
        store.journal.append(make_order(status=status, reason=f"why {status}"))
    await settle(store)
    assert [order.status for order in (await store.journal.restore()).orders] == [OrderStatus.REJECTED]
    trail = await harness.fetch("SELECT status, reason, time FROM order_events ORDER BY stamp")
    assert [tuple(row) for row in trail] == [
        ("intended", "why intended", NOON),
        ("sent", "why sent", NOON),
        ("rejected", "why rejected", NOON),
    ]


async def test_a_cancel_is_noted_on_an_order_of_which_nothing_newer_is_known(harness: StoreHarness) -> None:
    store = await harness.open()
    whole = make_full_order(cancel_by=None, cancel_asked_at=None)
    store.journal.append(whole)
    store.journal.append(CancelAsked(whole.order_id, CancelBy.HAND, NOON))
    noted = make_full_order(cancel_by=CancelBy.HAND, cancel_asked_at=NOON)
    assert (await store.journal.restore()).orders == (noted,)
    store.journal.append(CancelAsked(whole.order_id, None, None))
    store.journal.append(CancelAsked("tc-unheard-of", CancelBy.HAND, NOON))
    assert (await store.journal.restore()).orders == (whole,)


async def test_what_a_console_without_memory_writes_of_an_order_takes_nothing_from_it(
    harness: StoreHarness,
) -> None:
    store = await harness.open()
    store.journal.append(make_full_order())
    heard_of = order_from_report(
        make_report(tag="tc-full", broker_order_id="9056", status=OrderStatus.CANCELLED, filled=2, size=3),
        "tc-full",
        parent_id=None,
        held=0,
    )
    store.journal.append(heard_of)
    (order,) = (await store.journal.restore()).orders
    full = make_full_order()
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 2)
    for ours in ("bracket", "engine_bracket", "role", "parent_id", "replaces", "sent_at", "acknowledged_at"):
        assert getattr(order, ours) == getattr(full, ours)
    assert (order.cancel_by, order.cancel_asked_at) == (CancelBy.HAND, full.cancel_asked_at)


async def test_a_cleared_position_and_a_voided_round_trip_are_gone_until_they_come_back(
    harness: StoreHarness,
) -> None:
    store = await harness.open()
    trip = make_round_trip()
    for record in (
        make_position(),
        trip,
        PositionCleared(ACCOUNT, MNQ),
        RoundTripVoided(ACCOUNT, trip.round_trip_id),
    ):
        store.journal.append(record)
    memory = await store.journal.restore()
    assert (memory.positions, memory.round_trips) == ((), ())
    store.journal.append(make_position(size=5))
    store.journal.append(trip)
    memory = await store.journal.restore()
    assert (memory.positions, memory.round_trips) == ((make_position(size=5),), (trip,))


async def test_brokers_never_see_each_other(harness: StoreHarness) -> None:
    sim, real = await harness.open("sim"), await harness.open("topstepx")
    sim.journal.append(make_order(status=OrderStatus.WORKING))
    real.journal.append(make_order(status=OrderStatus.FILLED, filled=2))
    assert [order.status for order in (await sim.journal.restore()).orders] == [OrderStatus.WORKING]
    assert [order.status for order in (await real.journal.restore()).orders] == [OrderStatus.FILLED]


async def test_old_closed_things_are_left_out_and_old_open_ones_are_not(harness: StoreHarness) -> None:
    store = await harness.open()
    old = NOON - timedelta(days=400)
    for record in (
        make_order(order_id="old-open", status=OrderStatus.WORKING, created_at=old, updated_at=old),
        make_order(order_id="old-done", status=OrderStatus.FILLED, created_at=old, updated_at=old),
        make_order(order_id="new-done", status=OrderStatus.FILLED),
        make_fill(fill_id="old", time=old),
        make_fill(fill_id="new"),
        make_round_trip(round_trip_id="old", closed_at=old),
        make_round_trip(round_trip_id="new"),
        EquityPoint(ACCOUNT, old, Decimal(1)),
        EquityPoint(ACCOUNT, NOON, Decimal(2)),
    ):
        store.journal.append(record)
    memory = await store.journal.restore()
    assert [order.order_id for order in memory.orders] == ["old-open", "new-done"]
    assert [fill.fill_id for fill in memory.fills] == ["new"]
    assert [trip.round_trip_id for trip in memory.round_trips] == ["new"]
    assert [point[2] for point in memory.equity] == [Decimal(2)]


async def test_the_old_entry_of_an_open_leg_comes_back_with_its_plan(harness: StoreHarness) -> None:
    store = await harness.open()
    old = NOON - timedelta(days=400)
    plan = {"bracket": Bracket(40, 80), "engine_bracket": True}
    for record in (
        make_order(order_id="entry", status=OrderStatus.FILLED, created_at=old, updated_at=old, **plan),
        make_order(order_id="entry-SL", parent_id="entry", status=OrderStatus.WORKING, created_at=old),
        make_order(order_id="over", status=OrderStatus.FILLED, created_at=old, updated_at=old, **plan),
        make_order(order_id="new", status=OrderStatus.FILLED),
    ):
        store.journal.append(record)
    orders = {order.order_id: order for order in (await store.journal.restore()).orders}
    assert set(orders) == {"entry", "entry-SL", "new"}
    assert (orders["entry"].bracket, orders["entry"].engine_bracket) == (Bracket(40, 80), True)


async def test_the_newest_two_hundred_notifications_come_oldest_first(harness: StoreHarness) -> None:
    store = await harness.open()
    for number in range(230):
        store.journal.append(make_notification(number, time=NOON + timedelta(seconds=number)))
    numbers = [int(raised.notification_id[2:]) for raised in (await store.journal.restore()).notifications]
    assert numbers == list(range(30, 230))


async def test_equity_is_brought_back_by_the_minute(harness: StoreHarness) -> None:
    store = await harness.open()
    for second in range(0, 180, 20):
        store.journal.append(EquityPoint(ACCOUNT, NOON + timedelta(seconds=second), Decimal(second)))
    assert [int(point[2]) for point in (await store.journal.restore()).equity] == [40, 100, 160]


async def test_records_left_by_a_killed_process_are_stored_by_the_next(harness: StoreHarness) -> None:
    script = (
        "import asyncio, os, pathlib, signal, sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from storage_harness import StoreHarness\n"
        "from storage_samples import make_orders\n"
        "async def main():\n"
        "    store = await StoreHarness(sys.argv[1], pathlib.Path(sys.argv[2])).open()\n"
        "    for order in make_orders(500):\n"
        "        store.journal.append(order)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, harness.dsn, str(harness.folder), cwd=ROOT
    )
    assert await process.wait() == -9
    memory = await (await harness.open()).journal.restore()
    assert sorted(order.order_id for order in memory.orders) == sorted(
        f"tc-{number}" for number in range(500)
    )
    assert await harness.value("SELECT count(*) FROM order_events") == 500


async def test_a_late_record_of_a_dead_process_does_not_undo_a_newer_one(harness: StoreHarness) -> None:
    dead = await harness.open()
    dead._spool.append(make_order(status=OrderStatus.WORKING))  # past the journal: nobody drains it
    living = await harness.open()
    living.journal.append(make_order(status=OrderStatus.FILLED, filled=2))
    await settle(living)
    for task in dead.journal._tasks:
        task.cancel()
    dead._spool.close()
    heir = await harness.open()
    assert [order.status for order in (await heir.journal.restore()).orders] == [OrderStatus.FILLED]
    assert await harness.value("SELECT count(*) FROM order_events") == 2


async def test_a_commit_whose_answer_was_lost_is_not_repeated(
    harness: StoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []
    commit = Database.transaction

    @asynccontextmanager
    async def commit_and_lose_the_answer(database: Database) -> AsyncIterator[Connection]:
        async with commit(database) as connection:
            yield connection
        stored.append(1)
        if len(stored) == 1:
            raise DatabaseAway("the connection broke")

    monkeypatch.setattr(Database, "transaction", commit_and_lose_the_answer)
    store = await harness.open()
    store.journal.append(make_order())
    await settle(store)
    await until(lambda: len(harness.events) > 1)
    assert len(stored) == 1
    assert [event.available for event in harness.events[:2]] == [False, True]
    assert await harness.value("SELECT count(*) FROM order_events") == 1


async def test_a_record_that_postgresql_refuses_does_not_keep_the_others_out(harness: StoreHarness) -> None:
    store = await harness.open()
    store.journal.append(make_order(order_id="tc-1"))
    store.journal.append(make_order(order_id="tc-2", reason="a zero \x00 byte"))
    store.journal.append(make_order(order_id="tc-3"))
    memory = await store.journal.restore()
    assert [order.order_id for order in memory.orders] == ["tc-1", "tc-3"]
    refused = await harness.fetch("SELECT kind, reason FROM refused_records")
    assert [row["kind"] for row in refused] == [1]
    assert any("1 record kept aside" in event.reason for event in harness.events)
    assert all(event.available for event in harness.events)


async def test_a_record_of_a_newer_release_is_kept_for_it(
    harness: StoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await harness.open()
    monkeypatch.setattr("tradeconsole.storage.spool.encode_record", lambda _: b"\xfa\x80")
    store.journal.append(make_order())
    await settle(store)
    rows = await harness.fetch("SELECT kind, record, reason FROM refused_records")
    assert [(row["kind"], row["record"]) for row in rows] == [(250, b"\xfa\x80")]
    assert "newer release" in rows[0]["reason"]


async def test_a_corrupt_spool_is_reported_and_its_good_part_stored(harness: StoreHarness) -> None:
    store = await harness.open()
    for order in make_orders(3):
        store._spool.append(order)
    for task in store.journal._tasks:
        task.cancel()
    store._spool.close()
    path = next((harness.folder / "spool" / "sim").glob("*.spool"))
    path.write_bytes(path.read_bytes()[:-5])
    memory = await (await harness.open()).journal.restore()
    assert [order.order_id for order in memory.orders] == ["tc-0", "tc-1"]
    assert "torn frame" in harness.damage[0]


async def test_forgetting_leaves_nothing_of_this_broker_and_all_of_others(harness: StoreHarness) -> None:
    sim, real = await harness.open("sim"), await harness.open("topstepx")
    for store in (sim, real):
        for record in ONE_OF_EACH:
            store.journal.append(record)
        await store.bars.save(MNQ, MINUTE, make_bars(10), Span(NOON, NOON + timedelta(minutes=10)))
    before = await real.journal.restore()
    await sim.journal.restore()
    await sim.journal.forget()
    assert await sim.journal.restore() == Restored()
    assert len(await sim.bars.load(MNQ, MINUTE, Span(NOON, NOON + timedelta(minutes=10)))) == 0
    assert await real.journal.restore() == before
    assert len(await real.bars.load(MNQ, MINUTE, Span(NOON, NOON + timedelta(minutes=10)))) == 10
    tables = await harness.fetch(
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name = 'broker' AND table_name <> 'spool_positions'"
    )
    for row in tables:
        assert await harness.value(f"SELECT count(*) FROM {row[0]} WHERE broker = 'sim'") == 0, row[0]
    await sim.close()
    assert await (await harness.open("sim")).journal.restore() == type(before)()


async def test_forgetting_only_bars_keeps_the_rest(harness: StoreHarness) -> None:
    store = await harness.open()
    store.journal.append(make_order())
    span = Span(NOON, NOON + timedelta(minutes=10))
    await store.bars.save(MNQ, MINUTE, make_bars(10), span)
    await store.journal.forget(bars_only=True)
    assert len(await store.bars.load(MNQ, MINUTE, span)) == 0
    assert await store.bars.covered(MNQ, MINUTE, span) == []
    assert len((await store.journal.restore()).orders) == 1


async def test_drained_files_of_earlier_runs_do_not_pile_up(harness: StoreHarness) -> None:
    for _ in range(3):
        store = await harness.open()
        store.journal.append(make_order())
        await store.close()
        assert len(list((harness.folder / "spool" / "sim").glob("*.spool"))) == 1
        assert await harness.value("SELECT count(*) FROM spool_positions") == 1


async def test_the_status_tells_where_how_much_and_what_waits(harness: StoreHarness) -> None:
    store = await harness.open()
    store.journal.append(make_order())
    await settle(store)
    store._spool.append(make_order())  # past the journal: it waits
    status = await store.status()
    assert status.available
    assert status.server_version
    assert status.size_bytes > 1_000_000
    assert status.migrations_applied[0] == "0001_first_light.sql"
    assert status.migrations_pending == ()
    assert status.spool_pending == 1


async def test_a_spool_that_cannot_be_written_stops_the_start(harness: StoreHarness) -> None:
    (harness.folder / "spool").write_text("in the way")
    with pytest.raises(StorageError, match=r"the spool in .* cannot be written"):
        await harness.open()
