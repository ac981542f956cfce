"""Streams in trouble: silent, disordered, cut, thrown out, away; the book ends as the gateway has it."""

import asyncio
from decimal import Decimal

import msgspec
import pytest
from trouble_desk import QUICK, Desk, desk, trading_desk, until

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.limits import SHARE, Urgency
from tradeconsole.domain.commands import CancelOrder, Flatten, NudgeOrder
from tradeconsole.domain.events import Channel, ChannelChanged, ChannelState, Synced
from tradeconsole.domain.market import Span
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.errors import BrokerUnavailable, OrderInDoubt, RiskDenied, TradeConsoleError

SILENCE_NOTICED_SOON: Timings = msgspec.structs.replace(QUICK, server_ping=0.4, silence=2.0)


# -- connecting ------------------------------------------------------------------------------------------------


async def test_wrong_credentials_are_said_plainly_and_not_hammered() -> None:
    async with desk() as test:
        await test.open(key=lambda: "wrong")
        await until(lambda: test.state(Channel.ORDERS) is ChannelState.DOWN)
        await asyncio.sleep(0.8)
        assert test.told("API key is wrong")
        assert sum(n.title == "Login refused" for n in test.engine.book.notifications) == 1


async def test_a_gateway_that_is_away_at_the_start_is_waited_for() -> None:
    async with desk() as test:
        test.emulator.order("outage", seconds=1.0)
        await test.open()
        await until(lambda: test.state(Channel.ORDERS) is ChannelState.DOWN)
        await test.ready()
        await test.buy_protected()
        await test.prove()


async def test_a_gateway_that_dies_under_the_console_is_taken_up_where_it_is_by_then() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        resting = await test.rest()
        test.emulator.order("outage", seconds=1.0)
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.DOWN)
        assert not test.engine.is_synced(test.account_id)
        test.emulator.order("move", contract="MNQ", ticks=-45)  # through the stop and the resting order
        with pytest.raises(RiskDenied, match="not yet reconciled"):
            await test.buy()
        await test.ready()
        await test.prove()
        assert test.engine.book.orders[resting.order_id].status is OrderStatus.FILLED
        assert test.size() == 1
        assert len(test.trips()) == 1


async def test_trading_waits_for_the_records_read_after_the_stream_came_back() -> None:
    async with trading_desk() as test:
        seen: list[str] = []
        test.engine.bus.subscribe(lambda event: note(test, seen, event), ChannelChanged, Synced)
        await test.lose_stream()
        await until(test.is_ready)
        back = seen.index("up not synced")
        assert "synced" in seen[back:]
        assert "up synced" not in seen


def note(test: Desk, seen: list[str], event: ChannelChanged | Synced) -> None:
    if isinstance(event, Synced):
        seen.append("synced")
    elif event.channel is Channel.ACCOUNT and event.state is ChannelState.UP:
        seen.append("up synced" if test.engine.is_synced(test.account_id) else "up not synced")


async def test_being_thrown_out_is_said_and_orders_are_still_controlled() -> None:
    async with trading_desk() as test:
        resting = await test.rest()
        test.emulator.order("kick")
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.KICKED)
        assert test.told("another session")
        with pytest.raises(RiskDenied, match="not yet reconciled"):
            await test.buy()
        await test.engine.handle(CancelOrder(resting.order_id))
        await test.ready()
        assert test.engine.book.orders[resting.order_id].status is OrderStatus.CANCELLED
        await test.prove()


# -- silence ---------------------------------------------------------------------------------------------------


async def test_a_fill_on_a_mute_account_stream_is_found_in_the_records() -> None:
    async with desk(limits=HubLimits(keep_alive=0.2)) as test:
        await test.open(timings=SILENCE_NOTICED_SOON, reconcile=0.5)
        await test.ready()
        await test.buy(2)
        await until(lambda: test.size() == 2)
        resting = await test.rest(4)
        test.emulator.order("mute", hub="user", seconds=2.0)
        test.emulator.order("move", contract="MNQ", ticks=-6)
        await until(lambda: test.engine.book.orders[resting.order_id].status is OrderStatus.FILLED)
        assert test.emulator.gateway.faults.pending(), "it was found while the hub was still mute"
        assert test.size() == 3
        await test.ready()
        await test.prove()


async def test_a_mute_market_refuses_entries_and_leaves_exits_and_order_control() -> None:
    async with trading_desk(max_data_age=0.5) as test:
        test.emulator.order("move", contract="MNQ", ticks=1)
        await until(lambda: (test.engine.market.age(test.instrument_id) or 9) < 0.3)
        await test.buy()
        await until(lambda: test.size() == 1)
        resting = await test.rest() if (test.engine.market.age(test.instrument_id) or 9) < 0.4 else None
        test.emulator.order("mute", hub="market", seconds=4.0)
        await until(lambda: test.state(Channel.MARKET) is ChannelState.STALE)
        with pytest.raises(RiskDenied, match="newest quote is"):
            await test.buy()
        assert test.state(Channel.ACCOUNT) is ChannelState.UP
        if resting is not None:
            await test.engine.handle(CancelOrder(resting.order_id))
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()


# -- disorder --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["duplicate", "reverse", "drop"])
async def test_disordered_and_lost_events_leave_the_book_as_the_gateway_has_it(kind: str) -> None:
    async with trading_desk(reconcile=1.0) as test:
        test.emulator.order("events", kind=kind, batches=1000)
        await test.buy_protected()
        stop = next(order for order in test.orders(OrderStatus.WORKING) if order.stop_price)
        for _ in range(5):
            await test.engine.handle(NudgeOrder(order_id=stop.order_id, ticks=2))
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()
        assert len(test.trips()) == 1


@pytest.mark.parametrize("kind", ["duplicate", "reverse", "drop"])
async def test_quick_nudges_add_up_while_events_are_disordered(kind: str) -> None:
    async with trading_desk(reconcile=1.0) as test:
        resting = await test.rest()
        assert resting.limit_price is not None
        test.emulator.order("events", kind=kind, batches=1000)
        nudges = [NudgeOrder(order_id=resting.order_id, ticks=ticks) for ticks in (1, 1, -3, 2, 1, 1, -1, 4)]
        results = await asyncio.gather(*map(test.engine.handle, nudges), return_exceptions=True)
        assert not [result for result in results if isinstance(result, BaseException)]
        wanted = resting.limit_price + 6 * Decimal("0.25")
        await until(lambda: test.engine.book.orders[resting.order_id].limit_price == wanted)
        (row,) = [row for row in await test.gateway_orders() if row["status"] == 1]
        assert Decimal(str(row["limitPrice"])) == wanted
        await test.prove()


# -- flatten ---------------------------------------------------------------------------------------------------


async def test_flatten_during_an_outage_goes_on_until_the_gateway_says_flat() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        await test.rest()
        test.emulator.order("outage", seconds=1.5)
        await test.engine.handle(Flatten(test.account_id))
        await asyncio.sleep(0.3)
        assert test.size() == 2
        assert not test.told("the broker confirms")
        await until(lambda: test.told("the broker confirms"))
        await test.ready()
        assert await test.gateway_size() == 0
        assert not test.engine.book.open_orders
        await test.prove()


async def test_flatten_does_not_wait_for_the_budget_that_questions_have_spent() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        budget = test.engine.broker.budgets()[0]
        now = test.engine.clock.now()
        asking = [
            asyncio.create_task(test.engine.broker.get_fills(test.account_id, Span(now, now)))
            for _ in range(budget.limit)
        ]
        await until(lambda: test.engine.broker.budgets()[0].used >= budget.limit * SHARE[Urgency.QUERY])
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        assert await test.gateway_size() == 0
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_an_unreachable_gateway_refuses_changes_in_words() -> None:
    async with trading_desk() as test:
        resting = await test.rest()
        test.emulator.order("outage", seconds=0.5)
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.DOWN)
        with pytest.raises(BrokerUnavailable):
            await test.engine.handle(CancelOrder(resting.order_id))
        with pytest.raises(TradeConsoleError):
            await test.engine.handle(NudgeOrder(order_id=resting.order_id, ticks=1))
        await test.ready()
        assert test.engine.book.orders[resting.order_id].limit_price == resting.limit_price
        await test.prove()


async def test_flatten_does_not_say_flat_while_an_order_may_still_arrive() -> None:
    async with trading_desk() as test:
        test.emulator.order("fail", path="order/place", delay_ms=900, after=True, lose="cut")
        placing = asyncio.create_task(test.buy())
        await until(lambda: test.orders(OrderStatus.SENT))
        await test.engine.handle(Flatten(test.account_id))
        with pytest.raises(OrderInDoubt):
            await placing
        await until(lambda: test.told("the broker confirms"))
        assert len(await test.gateway_trades()) == 2
        assert await test.gateway_size() == 0
        await test.prove()
