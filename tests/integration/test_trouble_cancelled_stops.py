"""A stop that the user took away stays away: over a restart, a kill and lost memory, whatever the policy says."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from storage_harness import StoreHarness
from trouble_desk import Desk, desk, until

from tradeconsole.domain.commands import CancelOrder, ClosePosition, Reconcile
from tradeconsole.domain.events import CancelAsked
from tradeconsole.domain.orders import Bracket, CancelBy, Order, OrderStatus
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.engine.protection.watch import Policy, ProtectionOptions
from tradeconsole.errors import BrokerRejected, RateLimited

BRACKET = Bracket(stop_ticks=40, target_ticks=80)
BY_ENGINE = pytest.mark.parametrize("by_engine", [True, False], ids=["kept by the engine", "by the broker"])

PATIENT = ProtectionOptions(alert_after=60)
"""For what comes before: nothing is said of stops that a busy machine is slow to place."""


def quick(policy: Policy) -> ProtectionOptions:
    return ProtectionOptions(policy=policy, alert_after=0.2, act_after=0.4)


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


@pytest.fixture
def quick_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that the records do not show is given up soon."""
    monkeypatch.setattr("tradeconsole.engine.reconcile.NEVER_ARRIVED", timedelta(seconds=1))


async def guarded(test: Desk, *, by_engine: bool) -> str:
    """An entry of two contracts with both of its legs working."""
    if by_engine:
        test.refuse_brackets()
    entry = await test.buy(2, bracket=BRACKET)
    await until(lambda: set(test.legs(entry)) == {"-SL", "-TP"} and is_covered(test))
    return entry


def is_covered(test: Desk) -> bool:
    position = test.engine.book.position(test.account_id, test.instrument_id)
    return position is not None and coverage(test.engine.book, position).is_complete


def stop_of(test: Desk, entry: str) -> Order:
    return test.legs(entry, is_open=False)["-SL"]


async def take_away(test: Desk, entry: str) -> None:
    await test.engine.handle(CancelOrder(stop_of(test, entry).order_id))
    await until(lambda: stop_of(test, entry).status is OrderStatus.CANCELLED)


async def at_the_gateway(test: Desk, order: Order) -> int:
    rows = await test.gateway_orders()
    return next(int(row["status"]) for row in rows if str(row["id"]) == order.broker_order_id)


async def cancel_elsewhere(test: Desk, order: Order) -> None:
    await test.emulator.login()
    await test.emulator.call(
        "/api/Order/cancel", accountId=int(test.account_id), orderId=int(order.broker_order_id or 0)
    )


async def killed(test: Desk, harness: StoreHarness, folder: Path) -> StoreHarness:
    """The memory of a console that was killed at this moment, before its database had been told anything."""
    shutil.copytree(harness.folder / "spool", folder / "spool")
    await test.close()
    await harness.close()
    await harness.fetch("DROP SCHEMA public CASCADE")
    await harness.fetch("CREATE SCHEMA public")
    return StoreHarness(harness.dsn, folder)


@BY_ENGINE
@pytest.mark.parametrize("policy", list(Policy))
async def test_after_a_restart_it_is_neither_alarmed_of_nor_acted_on(
    harness: StoreHarness, policy: Policy, by_engine: bool
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal, protection=PATIENT)
        await test.ready()
        entry = await guarded(test, by_engine=by_engine)
        await take_away(test, entry)
        await test.close()
        await store.close()

        await test.open((await harness.open()).journal, protection=quick(policy))
        await test.ready()
        await until(lambda: test.told("No stop: LONG 2 MNQ"))
        await asyncio.sleep(0.8)
        assert stop_of(test, entry).cancel_by is CancelBy.HAND
        assert (test.size(), set(test.legs(entry))) == (2, {"-TP"})
        assert not test.told("UNPROTECTED")
        await test.prove()
        await test.close()


@BY_ENGINE
async def test_a_kill_right_after_the_cancel_left_does_not_forget_it(
    harness: StoreHarness, tmp_path: Path, by_engine: bool
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal, protection=PATIENT)
        await test.ready()
        entry = await guarded(test, by_engine=by_engine)
        stop = stop_of(test, entry)
        test.emulator.order("fail", path="order/cancel", after=True, lose="hang")
        test.drop_events(1000)
        asking = test.engine.supervisor.start("test", test.engine.handle(CancelOrder(stop.order_id)))
        async with asyncio.timeout(6):
            while await at_the_gateway(test, stop) != 3:
                await asyncio.sleep(0.02)
        assert not asking.done()
        again = await killed(test, harness, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal, protection=quick(Policy.FLATTEN))
            await test.ready()
            await until(lambda: test.told("No stop: LONG 2 MNQ"))
            await asyncio.sleep(0.8)
            assert (test.size(), set(test.legs(entry))) == (2, {"-TP"})
            assert not test.told("UNPROTECTED")
            await test.prove()
        finally:
            await test.close()
            await again.close()


async def test_a_kill_before_the_cancel_arrived_leaves_a_stop_that_is_guarded_again(
    harness: StoreHarness, tmp_path: Path, quick_grace: None
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal, protection=PATIENT)
        await test.ready()
        entry = await guarded(test, by_engine=True)
        test.emulator.order("fail", path="order/cancel", lose="hang")
        test.engine.supervisor.start("test", test.engine.handle(CancelOrder(stop_of(test, entry).order_id)))
        await until(lambda: stop_of(test, entry).cancel_by is CancelBy.HAND)
        again = await killed(test, harness, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal, reconcile=0.3)
            await test.ready()
            assert stop_of(test, entry).status is OrderStatus.WORKING
            await until(lambda: test.told("Not cancelled: stop-loss of MNQ"), 20)
            assert stop_of(test, entry).cancel_by is None
            await cancel_elsewhere(test, stop_of(test, entry))
            await until(lambda: test.told("UNPROTECTED: LONG 2 MNQ"))
            await test.prove()
        finally:
            await test.close()
            await again.close()


async def test_what_a_single_command_cancelled_while_no_console_ran_was_the_users_wish(
    harness: StoreHarness,
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal, protection=PATIENT)
        await test.ready()
        entry = await guarded(test, by_engine=True)
        stop = stop_of(test, entry)
        await test.close()
        # as such a command does: it records that it asks, and nothing else of what it knows but in part
        store.journal.append(CancelAsked(stop.order_id, CancelBy.HAND, test.engine.clock.now()))
        await cancel_elsewhere(test, stop)
        await store.close()

        await test.open((await harness.open()).journal, protection=quick(Policy.FLATTEN))
        await test.ready()
        await until(lambda: test.told("No stop: LONG 2 MNQ"))
        await asyncio.sleep(0.8)
        assert (test.size(), test.told("UNPROTECTED")) == (2, False)
        await test.prove()
        await test.close()


async def test_a_cancel_that_the_broker_refused_says_nothing_of_what_ends_the_stop_later() -> None:
    async with desk() as test:
        await test.open()
        await test.ready()
        entry = await guarded(test, by_engine=True)
        stop = stop_of(test, entry)
        test.emulator.order("fail", path="order/cancel", code=5)
        with pytest.raises(BrokerRejected, match="failed to cancel"):
            await test.engine.handle(CancelOrder(stop.order_id))
        assert stop_of(test, entry).cancel_by is None
        await cancel_elsewhere(test, stop)
        await until(lambda: test.told("UNPROTECTED: LONG 2 MNQ"))


async def test_a_refused_cancel_takes_back_itself_alone() -> None:
    async with desk() as test:
        await test.open()
        await test.ready()
        entry = await guarded(test, by_engine=True)
        stop = stop_of(test, entry)

        def by_hand() -> AbstractContextManager[None]:
            return test.engine.guardian.cancelling(stop.order_id, CancelBy.HAND)

        def overtaken() -> None:
            with by_hand():
                with by_hand():
                    assert stop_of(test, entry).cancel_by is CancelBy.HAND
                raise RateLimited("the first, after the second has gone through")

        with pytest.raises(RateLimited):
            overtaken()
        assert stop_of(test, entry).cancel_by is CancelBy.HAND
        with pytest.raises(RateLimited), by_hand():
            raise RateLimited("the third")
        assert stop_of(test, entry).cancel_by is CancelBy.HAND


async def test_a_stop_that_the_engine_was_renewing_is_placed_after_a_kill(
    harness: StoreHarness, tmp_path: Path
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal, protection=PATIENT)
        await test.ready()
        entry = await guarded(test, by_engine=True)
        test.engine.guardian._can_resize = False
        test.emulator.order("fail", path="order/cancel", after=True, calls=2, lose="hang")
        test.drop_events(1000)
        stop = stop_of(test, entry)
        await test.engine.handle(ClosePosition(test.account_id, "MNQ", 1))
        await until(lambda: stop_of(test, entry).cancel_by is CancelBy.RENEWAL, 12)
        async with asyncio.timeout(6):
            while await at_the_gateway(test, stop) != 3:
                await asyncio.sleep(0.02)
        again = await killed(test, harness, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal)
            await test.ready()
            await until(lambda: test.size() == 1 and is_covered(test) and len(test.legs(entry)) == 2, 12)
            assert set(test.legs(entry)) == {"-SL2", "-TP2"}
            await test.prove()
        finally:
            await test.close()
            await again.close()


@BY_ENGINE
@pytest.mark.parametrize("policy", [Policy.REPLACE, Policy.FLATTEN])
async def test_with_lost_memory_it_is_an_alarm_and_nothing_is_sent(policy: Policy, by_engine: bool) -> None:
    async with desk() as test:
        await test.open()
        await test.ready()
        entry = await guarded(test, by_engine=by_engine)
        await take_away(test, entry)
        await test.close()

        await test.open(protection=quick(policy))
        await test.ready()
        await until(lambda: test.told("UNPROTECTED: LONG 2 MNQ"))
        assert test.told("by whom is not on record; place a stop, or get flat")
        await asyncio.sleep(0.8)
        assert (test.size(), set(test.legs(entry))) == (2, {"-TP"})
        await test.engine.handle(Reconcile())
        await test.prove()


async def test_what_is_lost_after_the_memory_was_is_acted_on() -> None:
    async with desk() as test:
        await test.open()
        await test.ready()
        entry = await guarded(test, by_engine=True)
        await test.close()

        await test.open(protection=quick(Policy.FLATTEN))
        await test.ready()
        await cancel_elsewhere(test, stop_of(test, entry))
        await until(lambda: test.told("Flattening LONG 2 MNQ") and test.size() == 0)
        await test.prove()
