"""Orders in trouble: refused, lost on the way, answered badly; each ends known, and none is sent twice."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from trouble_desk import QUICK, desk, trading_desk, until

from tradeconsole.domain.commands import CancelOrder, ClosePosition, Disarm, Flatten
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType
from tradeconsole.errors import (
    BrokerError,
    BrokerUnavailable,
    InvalidRequest,
    OrderInDoubt,
    RateLimited,
    RequestRefused,
    RiskDenied,
)

PATIENT = msgspec.structs.replace(QUICK, reply=5.0)


@pytest.fixture
def quick_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the records do not show is given up soon."""
    monkeypatch.setattr("tradeconsole.engine.reconcile.NEVER_ARRIVED", timedelta(seconds=1))


# -- refused here: nothing leaves this machine -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("over", "refusal", "words"),
    [
        ({"size": 0}, InvalidRequest, "at least 1"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal("20000.10")}, InvalidRequest, "20,000"),
        ({"symbol": "NOSUCH"}, InvalidRequest, "NOSUCH"),
        ({"symbol": "CON.F.US.MNQ.U26"}, InvalidRequest, "MNQ"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal(1000)}, RiskDenied, "away from"),
        ({"type": OrderType.LIMIT}, InvalidRequest, "needs a limit price"),
        ({"size": 11}, RiskDenied, "above the limit of 10"),
        ({"bracket": Bracket(stop_ticks=-4)}, InvalidRequest, "at least 1 tick"),
    ],
    ids=("size 0", "off tick", "unknown symbol", "expired", "collar", "no price", "size limit", "bracket"),
)
async def test_what_makes_no_sense_or_is_not_allowed_never_reaches_the_gateway(
    over: dict[str, Any], refusal: type[RequestRefused], words: str
) -> None:
    async with trading_desk() as test:
        with pytest.raises(refusal, match=words):
            await test.engine.handle(test.command(**over))
        assert not test.orders()
        assert await test.gateway_orders() == []


async def test_disarmed_nothing_is_sent_but_a_position_can_be_left() -> None:
    async with trading_desk() as test:
        await test.buy()
        await until(lambda: test.size() == 1)
        await test.engine.handle(Disarm(test.account_id))
        with pytest.raises(RiskDenied, match="not armed"):
            await test.buy()
        await test.engine.handle(ClosePosition(test.account_id, "MNQ"))
        await until(lambda: test.size() == 0)
        assert len(await test.sent()) == 1
        await test.prove()


async def test_in_a_closed_session_nothing_is_sent() -> None:
    async with desk() as test:
        await test.open(calendar="cme")
        await test.ready()
        test.engine.clock.observe(test.engine.clock.now().replace(year=2026, month=11, day=21))  # a Saturday
        with pytest.raises(RiskDenied, match="closed: opens Sun 17:00 Chicago"):
            await test.buy()
        assert await test.gateway_orders() == []


# -- lost on the way -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"after": True, "lose": "cut"},
        {"after": True, "lose": "hang"},
        {"after": True, "status": 502},
        {"after": True, "status": 200, "body": "<html>"},
    ],
    ids=str,
)
@pytest.mark.parametrize("silent", [False, True], ids=["hub tells", "hub loses it"])
async def test_an_answer_lost_after_acceptance_leaves_one_known_order(
    fault: dict[str, Any], silent: bool
) -> None:
    async with trading_desk() as test:
        if silent:
            test.drop_events(1000)
        test.emulator.order("fail", path="order/place", **fault)
        with pytest.raises(OrderInDoubt):
            await test.buy(2, bracket=Bracket(stop_ticks=40, target_ticks=80))
        await until(lambda: test.size() == 2)
        await test.prove()
        assert len(await test.sent()) == 1
        assert len(test.orders(OrderStatus.WORKING)) == 2
        assert [order.status for order in test.orders() if order.parent_id is None] == [OrderStatus.FILLED]


@pytest.mark.parametrize("fault", [{"status": 503}, {"lose": "cut"}, {"lose": "hang"}], ids=str)
async def test_an_order_that_never_arrived_fails_after_the_grace_and_is_never_sent_again(
    fault: dict[str, Any], quick_grace: None
) -> None:
    async with trading_desk() as test:
        test.emulator.order("fail", path="order/place", **fault)
        with pytest.raises(OrderInDoubt):
            await test.buy()
        assert [order.status for order in test.orders()] == [OrderStatus.UNKNOWN]
        await until(lambda: test.orders(OrderStatus.FAILED))
        assert test.orders()[0].reason == "the broker has no record of it: it never arrived"
        await asyncio.sleep(0.6)
        assert await test.gateway_orders() == []
        await test.prove()


async def test_an_order_whose_call_is_still_under_way_is_not_given_up(quick_grace: None) -> None:
    async with trading_desk(timings=PATIENT) as test:
        test.emulator.order("fail", path="order/place", delay_ms=2500, after=True, lose="cut")
        placing = asyncio.create_task(test.buy())
        seen: set[OrderStatus] = set()
        while not placing.done():
            seen |= {order.status for order in test.orders()}
            await asyncio.sleep(0.02)
        assert OrderStatus.FAILED not in seen
        with pytest.raises(OrderInDoubt):
            await placing
        await until(lambda: test.size() == 1)
        await test.prove()


async def test_429_fails_an_order_closed_lets_a_cancel_go_and_ends() -> None:
    async with trading_desk() as test:
        resting = await test.rest()
        test.emulator.order("fail", path="order/place", status=429)
        with pytest.raises(RateLimited):
            await test.buy()
        assert len(test.orders(OrderStatus.FAILED)) == 1
        await test.engine.handle(CancelOrder(resting.order_id))
        await until(lambda: test.engine.book.orders[resting.order_id].status is OrderStatus.CANCELLED)
        test.emulator.order("throttle", seconds=1.0)
        with pytest.raises(BrokerError):
            await test.buy()
        await asyncio.sleep(1.2)
        await until(test.is_ready)
        await test.buy()
        await until(lambda: test.size() == 1)
        assert len(await test.sent()) == 2
        await test.prove()


async def test_a_token_that_expires_in_mid_session_costs_nothing() -> None:
    async with trading_desk() as test:
        test.emulator.order("expire-tokens")
        await test.buy_protected()
        test.emulator.order("expire-tokens")
        await test.lose_stream()
        await test.ready()
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()


async def test_during_an_outage_orders_fail_closed_and_are_not_sent_later() -> None:
    async with trading_desk() as test:
        resting = await test.rest()
        test.emulator.order("outage", seconds=1.0)
        await until(lambda: test.state(Channel.ACCOUNT) is ChannelState.DOWN)
        with pytest.raises(RiskDenied, match="not yet reconciled"):
            await test.buy()
        with pytest.raises(BrokerUnavailable):
            await test.engine.handle(CancelOrder(resting.order_id))
        await test.ready()
        await asyncio.sleep(0.3)
        assert await test.sent() == [resting.order_id]
        assert test.engine.book.orders[resting.order_id].status is OrderStatus.WORKING
        await test.prove()


async def test_several_faults_at_once_end_in_one_true_account(
    quick_grace: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as many questions as a long storm asks, without waiting for the minute that the budget is counted in
    monkeypatch.setattr("tradeconsole.brokers.projectx.rest.GENERAL_LIMIT", (2000, 60.0))
    async with trading_desk() as test:
        await test.buy_protected()
        for fault in ({"after": True, "lose": "cut"}, {"status": 500}, {"after": True, "status": 502}):
            test.emulator.order("events", kind="reverse", batches=2)
            test.emulator.order("events", kind="drop", batches=2)
            test.emulator.order("events", kind="duplicate", batches=2)
            test.emulator.order("fail", path="order/place", **fault)
            with pytest.raises(OrderInDoubt):
                await test.buy()
            test.emulator.order("expire-tokens")
            await test.lose_stream()
            await until(test.is_ready)
        await test.prove()
        assert await test.gateway_size() == 4
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()
        assert len(await test.sent()) == 3
