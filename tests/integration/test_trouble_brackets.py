"""Accounts that take no brackets: the engine keeps stop and target, whatever comes between."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from storage_harness import StoreHarness
from trouble_desk import Desk, desk, trading_desk, until

from tradeconsole.domain.commands import CancelOrder, ClosePosition, Flatten, ModifyOrder, NudgeOrder
from tradeconsole.domain.events import OrderIntended
from tradeconsole.domain.orders import Bracket, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.engine.protection.watch import Policy, ProtectionOptions
from tradeconsole.errors import InvalidRequest

BRACKET = Bracket(stop_ticks=40, target_ticks=80)
TICK = Decimal("0.25")


@pytest.fixture
def quick_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the records do not show is given up soon."""
    monkeypatch.setattr("tradeconsole.engine.reconcile.NEVER_ARRIVED", timedelta(seconds=1))


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


@asynccontextmanager
async def bare_desk(**options: Any) -> AsyncIterator[Desk]:
    """A desk that trades on an account which refuses brackets."""
    async with trading_desk(**options) as test:
        test.refuse_brackets()
        yield test


async def guarded(test: Desk, size: int = 2, **over: Any) -> str:
    """An entry with both of its legs working; returns our id of it."""
    order_id = await test.buy(size, bracket=BRACKET, **over)
    await until(lambda: {leg.status for leg in test.legs(order_id).values()} == {OrderStatus.WORKING})
    await until(lambda: set(test.legs(order_id)) == {"-SL", "-TP"} and is_covered(test))
    return order_id


def is_covered(test: Desk) -> bool:
    position = test.engine.book.position(test.account_id, test.instrument_id)
    return position is not None and coverage(test.engine.book, position).is_complete


def is_over(test: Desk) -> bool:
    """Flat, with nothing left that may fill."""
    return test.size() == 0 and not test.engine.book.open_orders


def filled(test: Desk, entry_id: str) -> list[str]:
    """Which legs of an entry have filled."""
    return [
        leg for leg, order in test.legs(entry_id, is_open=False).items() if order.status is OrderStatus.FILLED
    ]


def when_a_stop_leaves(test: Desk, happens: Callable[[], object]) -> None:
    """Let something happen just before the next stop of the engine's is sent."""
    waiting = [happens]

    def intended(event: OrderIntended) -> None:
        if event.order.role is OrderRole.STOP_LOSS and waiting:
            waiting.pop()()

    test.engine.bus.subscribe(intended, OrderIntended)


def trip_the_stop(test: Desk, **fault: Any) -> None:
    """Let the call fail that places the next stop."""
    when_a_stop_leaves(test, lambda: test.emulator.order("fail", path="order/place", **fault))


# -- as it should go -------------------------------------------------------------------------------------------


async def test_a_refused_bracket_is_told_and_kept_by_the_engine() -> None:
    async with bare_desk() as test:
        entry = await guarded(test)
        refused, sent = (order for order in test.orders() if order.parent_id is None)
        assert (refused.status, refused.engine_bracket) == (OrderStatus.REJECTED, False)
        assert "Position Brackets" in (refused.reason or "")
        assert sent.replaces == refused.order_id
        assert (sent.order_id, sent.status, sent.engine_bracket) == (entry, OrderStatus.FILLED, True)
        assert test.told("This account does not take brackets")
        legs = test.legs(entry)
        fill = sent.average_price or Decimal(0)
        assert (legs["-SL"].stop_price, legs["-SL"].size) == (fill - 40 * TICK, 2)
        assert (legs["-TP"].limit_price, legs["-TP"].size) == (fill + 80 * TICK, 2)
        await test.prove()
        assert not test.told("UNPROTECTED")


async def test_from_then_on_no_bracket_is_sent_in_vain() -> None:
    async with bare_desk() as test:
        await guarded(test)
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await guarded(test)
        assert len(test.orders(OrderStatus.REJECTED)) == 1
        await test.prove()


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("ticks", "hit"), [(84, "-TP"), (-44, "-SL")], ids=["target", "stop"])
async def test_when_one_leg_fills_the_other_is_cancelled(side: Side, ticks: int, hit: str) -> None:
    async with bare_desk() as test:
        entry = await guarded(test, side=side)
        test.emulator.order("move", contract="MNQ", ticks=ticks * side.sign)
        await until(lambda: is_over(test))
        assert filled(test, entry) == [hit]
        assert len(test.legs(entry, is_open=False)) == 2
        await test.prove()


async def test_a_trailing_stop_follows_the_market_in_the_engines_keeping_too() -> None:
    async with bare_desk() as test:
        entry = await test.buy(1, bracket=Bracket(stop_ticks=40, trailing=True))
        await until(lambda: is_covered(test))
        (stop,) = test.legs(entry).values()
        assert (stop.type, stop.trail_ticks) == (OrderType.TRAILING_STOP, 40)
        test.emulator.order("move", contract="MNQ", ticks=24)
        await until(lambda: (test.legs(entry)["-SL"].stop_price or 0) > (stop.stop_price or 0))
        followed = test.legs(entry)["-SL"].stop_price or Decimal(0)
        await test.engine.handle(NudgeOrder(order_id=stop.order_id, ticks=4))
        await until(lambda: test.legs(entry)["-SL"].stop_price == followed + 4 * TICK)
        test.emulator.order("move", contract="MNQ", ticks=-44)
        await until(lambda: is_over(test))
        await test.prove()


async def test_two_entries_in_one_instrument_keep_their_own_stops() -> None:
    async with bare_desk() as test:
        first = await guarded(test, 1)
        test.emulator.order("move", contract="MNQ", ticks=20)
        second = await test.buy(1, bracket=BRACKET)
        await until(lambda: len(test.legs(second)) == 2 and is_covered(test))
        test.emulator.order("move", contract="MNQ", ticks=-44)
        await until(lambda: test.size() == 1 and not test.legs(second))
        assert set(test.legs(first)) == {"-SL", "-TP"}
        await test.prove()
        test.emulator.order("move", contract="MNQ", ticks=-24)
        await until(lambda: is_over(test))
        await test.prove()


async def test_an_entry_that_fills_in_parts_is_covered_as_it_grows() -> None:
    async with bare_desk() as test:
        entry = await test.buy(
            10, type=OrderType.LIMIT, limit_price=test.price - 40 * TICK, bracket=Bracket(200, 200)
        )
        await until(lambda: test.engine.book.orders[entry].status is OrderStatus.WORKING)
        for size, held in ((1, 1), (4, 5), (2, 7), (3, 10)):
            test.fill_part(entry, size)
            await until(lambda held=held: test.size() == held and is_covered(test))
            await until(lambda held=held: {leg.size for leg in test.legs(entry).values()} == {held})
        assert set(test.legs(entry, is_open=False)) == {"-SL", "-TP"}, "the legs grew, none was added"
        await test.prove()


async def test_what_is_left_of_an_entry_goes_when_a_leg_has_filled() -> None:
    async with bare_desk() as test:
        entry = await test.buy(
            3, type=OrderType.LIMIT, limit_price=test.price - 40 * TICK, bracket=Bracket(20, 80)
        )
        await until(lambda: test.engine.book.orders[entry].status is OrderStatus.WORKING)
        test.fill_part(entry, 2)
        await until(lambda: is_covered(test) and len(test.legs(entry)) == 2)
        test.fill_part(test.legs(entry)["-TP"].order_id, 1)
        await until(lambda: test.size() == 1 and {leg.remaining for leg in test.legs(entry).values()} == {1})
        test.fill_part(test.legs(entry)["-TP"].order_id, 1)
        await until(lambda: is_over(test))
        assert test.engine.book.orders[entry].status is OrderStatus.CANCELLED
        await test.prove()


async def test_stop_and_target_that_fill_at_once_are_an_alarm() -> None:
    async with bare_desk() as test:
        entry = await guarded(test, 1)
        stop, target = (test.legs(entry)[leg].order_id for leg in ("-SL", "-TP"))
        test.fill_part(target, 1)
        test.fill_part(stop, 1)
        await until(lambda: test.size() == -1 and test.told("Stop and target both filled"))
        await test.prove()


# -- closed by other means -------------------------------------------------------------------------------------


async def test_a_partial_close_shrinks_the_legs_and_a_full_one_takes_them_out() -> None:
    async with bare_desk() as test:
        entry = await guarded(test, 3)
        await test.engine.handle(ClosePosition(test.account_id, "MNQ", 2))
        await until(lambda: {leg.size for leg in test.legs(entry).values()} == {1} and test.size() == 1)
        await test.prove()
        await test.engine.handle(ClosePosition(test.account_id, "MNQ"))
        await until(lambda: is_over(test))
        await test.prove()
        assert not test.told("UNPROTECTED")


async def test_flatten_leaves_no_leg_behind_and_raises_no_alarm() -> None:
    async with bare_desk() as test:
        await guarded(test)
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        assert is_over(test)
        await asyncio.sleep(0.8)
        assert not test.told("UNPROTECTED")
        await test.prove()


async def test_a_cancelled_entry_keeps_the_legs_of_what_filled() -> None:
    async with bare_desk() as test:
        await guarded(test, 1)
        resting = await test.buy(
            2, type=OrderType.LIMIT, limit_price=test.price - 100 * TICK, bracket=BRACKET
        )
        await until(lambda: test.engine.book.orders[resting].status is OrderStatus.WORKING)
        await test.engine.handle(CancelOrder(resting))
        await until(lambda: test.engine.book.orders[resting].status is OrderStatus.CANCELLED)
        assert not test.legs(resting, is_open=False)
        assert is_covered(test)
        await test.prove()


async def test_somebody_elses_orders_are_left_alone() -> None:
    async with bare_desk() as test:
        entry = await guarded(test)
        theirs = await test.emulator.call(
            "/api/Order/place",
            accountId=int(test.account_id),
            contractId=test.instrument_id,
            type=4,
            side=1,
            size=1,
            stopPrice=float(test.price - 200 * TICK),
            customTag="somebody-else-SL",
        )
        await until(lambda: any(o.broker_order_id == str(theirs["orderId"]) for o in test.orders()))
        await test.engine.handle(ClosePosition(test.account_id, "MNQ"))
        await until(lambda: test.size() == 0 and not test.legs(entry))
        assert [o.broker_order_id for o in test.engine.book.open_orders.values()] == [str(theirs["orderId"])]
        await test.prove()


# -- the user's own hand ---------------------------------------------------------------------------------------


async def test_a_moved_stop_stays_where_it_was_put() -> None:
    async with bare_desk() as test:
        entry = await guarded(test)
        stop = test.legs(entry)["-SL"]
        await test.engine.handle(NudgeOrder(order_id=stop.order_id, ticks=8))
        await until(lambda: test.legs(entry)["-SL"].stop_price == (stop.stop_price or 0) + 8 * TICK)
        await test.engine.handle(ClosePosition(test.account_id, "MNQ", 1))
        await until(lambda: test.legs(entry)["-SL"].size == 1)
        assert test.legs(entry)["-SL"].stop_price == (stop.stop_price or 0) + 8 * TICK
        with pytest.raises(InvalidRequest, match="the engine sizes this stop-loss"):
            await test.engine.handle(ModifyOrder(order_id=stop.order_id, size=5))
        await test.prove()


async def test_a_stop_that_the_user_cancels_is_not_placed_again() -> None:
    protection = ProtectionOptions(policy=Policy.REPLACE, alert_after=0.2, act_after=0.4)
    async with bare_desk(protection=protection) as test:
        entry = await guarded(test)
        await test.engine.handle(CancelOrder(test.legs(entry)["-SL"].order_id))
        await until(lambda: test.told("No stop: LONG 2 MNQ"))
        await asyncio.sleep(0.8)
        assert set(test.legs(entry)) == {"-TP"}
        assert not test.told("UNPROTECTED")
        await test.prove()


async def test_a_stop_that_the_broker_kept_and_lost_is_no_promise_of_the_engine() -> None:
    protection = ProtectionOptions(policy=Policy.REPLACE, alert_after=0.2, act_after=0.4)
    async with trading_desk(protection=protection) as test:
        entry = await test.buy_protected()
        stop = test.legs(entry)["-SL"]
        await test.emulator.login()
        await test.emulator.call(
            "/api/Order/cancel", accountId=int(test.account_id), orderId=int(stop.broker_order_id or 0)
        )
        await until(lambda: test.told("UNPROTECTED: LONG 2"))
        await until(lambda: test.told("Not mended: LONG 2"))
        assert test.told("place a stop, or get flat")
        assert not test.told("the engine places another stop")
        await test.prove()


# -- lost, refused, late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent", [False, True], ids=["hub tells", "hub loses it"])
async def test_an_answer_lost_after_the_stop_arrived_leaves_one_stop(silent: bool) -> None:
    async with bare_desk() as test:
        await guarded(test, 1)
        trip_the_stop(test, after=True, lose="cut")
        if silent:
            test.drop_events(1000)
        entry = await test.buy(1, bracket=BRACKET)
        await until(lambda: test.size() == 2 and is_covered(test), 10)
        await until(lambda: len(test.legs(entry)) == 2)
        await test.prove()
        assert sorted(test.legs(entry, is_open=False)) == ["-SL", "-TP"]


@pytest.mark.parametrize("fault", [{"status": 503}, {"lose": "cut"}, {"lose": "hang"}], ids=str)
async def test_a_stop_that_never_arrived_is_placed_again_once_the_records_say_so(
    fault: dict[str, Any], quick_grace: None
) -> None:
    async with bare_desk() as test:
        await guarded(test, 1)
        trip_the_stop(test, **fault)
        entry = await test.buy(1, bracket=BRACKET)
        await until(lambda: test.told("UNPROTECTED: LONG 2"), 10)
        await until(lambda: test.size() == 2 and is_covered(test) and len(test.legs(entry)) == 2, 10)
        await until(lambda: test.told("Protected again"))
        ended = {o.status for k, o in test.legs(entry, is_open=False).items() if not o.status.is_open}
        assert ended == {OrderStatus.FAILED}
        await test.prove()


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(Policy.ALERT, "place a stop"), (Policy.FLATTEN, "the broker confirms"), (Policy.REPLACE, "Gave up")],
)
async def test_a_stop_that_the_market_has_passed_is_an_alarm_and_then_a_matter_of_policy(
    policy: Policy, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeconsole.engine.protection.guardian.PAUSES", (0.02,))
    protection = ProtectionOptions(policy=policy, alert_after=0.3, act_after=0.6)
    async with bare_desk(protection=protection) as test:
        await guarded(test, 1)
        when_a_stop_leaves(test, lambda: test.emulator.order("move", contract="MNQ", ticks=-20))
        entry = await test.buy(1, bracket=Bracket(stop_ticks=4, target_ticks=80))
        await until(lambda: test.told("UNPROTECTED: LONG 2"))
        await until(lambda: test.told(outcome), 10)
        refused = [o for o in test.legs(entry, is_open=False).values() if o.status is OrderStatus.REJECTED]
        assert len(refused) == {Policy.ALERT: 1, Policy.FLATTEN: 1, Policy.REPLACE: 6}[policy]
        if policy is Policy.FLATTEN:
            assert is_over(test)
        await test.prove()


async def test_a_cancel_that_fails_is_tried_until_no_leg_is_left() -> None:
    async with bare_desk() as test:
        await guarded(test)
        test.emulator.order("fail", path="order/cancel", status=503, calls=2)
        test.emulator.order("move", contract="MNQ", ticks=84)
        await until(lambda: test.size() == 0)
        await until(lambda: is_over(test), 10)
        await test.prove()


async def test_lost_events_of_a_target_are_made_good_by_the_records() -> None:
    async with bare_desk(reconcile=0.5) as test:
        await guarded(test)
        test.drop_events(3)
        test.emulator.order("move", contract="MNQ", ticks=84)
        await until(lambda: is_over(test), 10)
        await test.prove()


async def test_a_broken_stream_does_not_keep_the_engine_from_finishing() -> None:
    async with bare_desk() as test:
        await guarded(test)
        await test.lose_stream()
        test.emulator.order("move", contract="MNQ", ticks=-44)
        await until(lambda: is_over(test), 10)
        await test.prove()


async def test_a_position_without_a_plan_is_mentioned_once() -> None:
    async with bare_desk() as test:
        await test.buy(1)
        await until(lambda: test.told("No stop: LONG 1 MNQ"))
        await asyncio.sleep(0.8)
        assert sum("No stop" in n.title for n in test.engine.book.notifications) == 1
        assert not test.told("UNPROTECTED")


async def test_a_lost_stop_of_the_brokers_own_bracket_is_an_alarm_too() -> None:
    async with trading_desk() as test:
        await test.buy_protected(1)
        stop = next(o for o in test.orders(OrderStatus.WORKING) if o.stop_price is not None)
        await test.emulator.call(
            "/api/Order/cancel", accountId=int(test.account_id), orderId=int(stop.broker_order_id or 0)
        )
        await until(lambda: test.told("UNPROTECTED: LONG 1 MNQ"))
        await test.prove()


async def test_stops_for_more_than_is_held_are_warned_of() -> None:
    async with bare_desk() as test:
        await guarded(test, 1)
        await test.buy(1, side=Side.SELL, type=OrderType.STOP, stop_price=test.price - 100 * TICK)
        await until(lambda: test.told("More stops than contracts: LONG 1 MNQ"))
        await test.prove()


async def test_a_stop_from_the_ticket_protects_what_is_held() -> None:
    async with bare_desk() as test:
        await test.buy(2)
        await until(lambda: test.size() == 2)
        await test.buy(2, side=Side.SELL, type=OrderType.STOP, stop_price=test.price - 40 * TICK)
        await until(lambda: is_covered(test))
        await asyncio.sleep(0.8)
        assert not test.told("No stop")
        await test.prove()


async def test_a_read_only_console_touches_nothing() -> None:
    async with bare_desk() as test:
        entry = await guarded(test)
        await test.close()
        test.emulator.order("move", contract="MNQ", ticks=84)
        await test.open(read_only=True)
        await until(lambda: test.is_ready() and len(test.legs(entry)) == 1)
        await asyncio.sleep(0.6)
        assert set(test.legs(entry)) == {"-SL"}
        await test.prove()


# -- restarts --------------------------------------------------------------------------------------------------


async def restarted(test: Desk, harness: StoreHarness, *, forget: bool = False) -> None:
    """A new console on the same memory, or on none."""
    if forget:
        await test.open()
    else:
        await test.open((await harness.open()).journal)
    await test.ready()


@pytest.mark.parametrize("forget", [False, True], ids=["remembering", "having lost its memory"])
async def test_after_a_restart_the_legs_are_linked_as_before(harness: StoreHarness, forget: bool) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        test.refuse_brackets()
        entry = await guarded(test)
        await test.close()
        await store.close()
        await restarted(test, harness, forget=forget)
        assert is_covered(test)
        test.emulator.order("move", contract="MNQ", ticks=84)
        await until(lambda: is_over(test))
        assert filled(test, entry) == ["-TP"]
        await test.prove()
        assert len(test.legs(entry, is_open=False)) == 2
        await test.close()


async def test_a_kill_between_fill_and_legs_is_made_good_at_the_start(harness: StoreHarness) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        test.refuse_brackets()
        await guarded(test, 1)
        test.engine.guardian._mend = False
        entry = await test.buy(1, bracket=BRACKET)
        await until(lambda: test.size() == 2)
        assert not test.legs(entry)
        await test.close()
        await store.close()
        await restarted(test, harness)
        await until(lambda: test.size() == 2 and is_covered(test) and len(test.legs(entry)) == 2)
        assert set(test.legs(entry, is_open=False)) == {"-SL", "-TP"}
        await test.prove()
        await guarded(test, 1)
        assert len(test.orders(OrderStatus.REJECTED)) == 1, "the account's refusal was not forgotten"
        await test.close()


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "did not arrive"])
async def test_a_kill_while_the_stop_was_under_way_leaves_one_stop(
    harness: StoreHarness, tmp_path: Path, quick_grace: None, arrived: bool
) -> None:
    async with desk() as test:
        store = await harness.open()
        await test.open(store.journal)
        await test.ready()
        test.refuse_brackets()
        await guarded(test, 1)

        def lose_both() -> None:
            test.emulator.order("fail", path="order/place", calls=2, after=arrived, lose="hang")
            test.drop_events(1000)

        when_a_stop_leaves(test, lose_both)
        entry = await test.buy(1, bracket=BRACKET)
        # where it arrived, the stream soon knows more of it than that it was sent
        await until(lambda: any(o.sent_at is not None for o in test.legs(entry).values()))
        await asyncio.sleep(0.05)
        shutil.copytree(harness.folder / "spool", tmp_path / "killed" / "spool")
        await test.close()
        await store.close()
        await harness.fetch("DROP SCHEMA public CASCADE")
        await harness.fetch("CREATE SCHEMA public")
        again = StoreHarness(harness.dsn, tmp_path / "killed")
        try:
            await restarted(test, again)
            await until(lambda: test.size() == 2 and is_covered(test) and len(test.legs(entry)) == 2, 12)
            await test.prove()
            stops = [o for k, o in test.legs(entry).items() if k.startswith("-SL")]
            assert len(stops) == 1
        finally:
            await test.close()
            await again.close()
