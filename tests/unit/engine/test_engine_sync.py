"""Asking the broker for its records: in which order, how often, and what is told when it does not answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import ACCOUNT, make_account, make_report

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    ArmedChanged,
    BrokerPosition,
    Channel,
    ChannelChanged,
    ChannelState,
    OrderReported,
)
from tradeconsole.domain.market import Span
from tradeconsole.domain.orders import OrderReport, OrderStatus
from tradeconsole.engine import sync
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.errors import BrokerUnavailable, RateLimited
from tradeconsole.ports import BrokerHooks


class SlowStream(ScriptedBroker):
    """A broker whose streams come up when the test says so, and that counts questions."""

    asked = 0
    budget = True
    away = False

    async def stream(self, account_ids: object) -> None: ...

    async def get_accounts(self) -> Sequence[Account]:
        self.asked += 1
        if not self.budget:
            raise RateLimited("the gateway's request limit is reached")
        if self.away:
            raise BrokerUnavailable("127.0.0.1: connection refused")
        return await super().get_accounts()


class Filling(SlowStream):
    """A working order fills between the two questions for orders."""

    async def get_open_orders(self, account_id: str, *, urgent: bool = False) -> Sequence[OrderReport]:
        shown = await super().get_open_orders(account_id)
        self._fill()
        return shown

    async def get_orders(self, account_id: str, span: Span) -> Sequence[OrderReport]:
        shown = await super().get_orders(account_id, span)
        self._fill()
        return shown

    def _fill(self) -> None:
        self.open_orders = []
        self.orders = [make_report(status=OrderStatus.FILLED, filled=2)]


async def opened(make: type[SlowStream], seconds: float = 60.0) -> Engine:
    engine = Engine(
        make_broker=make,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=(), reconcile_seconds=seconds),
    )
    await engine.start()
    return engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = await opened(SlowStream)
    yield engine
    await engine.stop()


def broker_of(engine: Engine) -> SlowStream:
    assert isinstance(engine.broker, SlowStream)
    return engine.broker


def stream_up(engine: Engine) -> None:
    engine.bus.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.UP))


class Many(SlowStream):
    """A user with three accounts; writes down whose positions were asked for."""

    def __init__(self, hooks: BrokerHooks) -> None:
        super().__init__(hooks)
        self.account_list = [make_account(account_id=key) for key in ("1", "2", "3")]
        self.looked: list[str] = []

    async def get_positions(self, account_id: str, *, urgent: bool = False) -> Sequence[BrokerPosition]:
        self.looked.append(account_id)
        return await super().get_positions(account_id, urgent=urgent)


async def rounds(engine: Engine, number: int) -> list[str]:
    """Whose records the next rounds ask for."""
    broker = engine.broker
    assert isinstance(broker, Many)
    start = broker.asked
    broker.looked.clear()
    await see(lambda: broker.asked >= start + number)
    return broker.looked


@asynccontextmanager
async def many() -> AsyncIterator[Engine]:
    """Three accounts, reconciled over and over; the first is in view."""
    engine = await opened(Many, seconds=0.02)
    stream_up(engine)
    await see(lambda: len(engine.book.synced) == 3)
    yield engine
    await engine.stop()


async def see(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def test_the_first_question_waits_for_the_stream_so_that_once_is_enough(engine: Engine) -> None:
    await see(lambda: engine.book.channels[Channel.ORDERS].state is ChannelState.UP)
    await asyncio.sleep(0.05)
    assert broker_of(engine).asked == 0
    stream_up(engine)
    await see(lambda: engine.is_synced(ACCOUNT))
    await asyncio.sleep(0.05)
    assert broker_of(engine).asked == 1


async def test_a_stream_that_does_not_come_up_does_not_keep_the_records_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "STREAM_SECONDS", 0.05)
    await see(lambda: broker_of(engine).asked == 1)
    await see(lambda: ACCOUNT in engine.book.synced)
    assert not engine.is_synced(ACCOUNT)


async def test_records_that_cannot_be_read_are_told_once_and_asked_for_again_soon(engine: Engine) -> None:
    broker = broker_of(engine)
    broker.budget = False
    stream_up(engine)
    await see(lambda: broker.asked >= 3)
    told = [notice for notice in engine.book.notifications if "request limit" in notice.detail]
    assert len(told) == 1
    assert not engine.is_synced(ACCOUNT)
    broker.budget = True
    await see(lambda: engine.is_synced(ACCOUNT))


async def test_a_gateway_that_is_away_is_asked_steadily_so_that_its_return_is_seen_soon(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "DOUBT_SECONDS", 0.02)
    broker = broker_of(engine)
    broker.away = True
    stream_up(engine)
    # with pauses that double, the last of these would come after minutes
    await see(lambda: broker.asked >= 15)
    broker.away = False
    await see(lambda: engine.is_synced(ACCOUNT))


async def test_an_order_that_ends_between_two_questions_is_known_to_have_ended() -> None:
    engine = await opened(Filling)
    broker_of(engine).open_orders = [make_report(status=OrderStatus.WORKING)]
    broker_of(engine).orders = [make_report(status=OrderStatus.WORKING)]
    stream_up(engine)
    await see(lambda: engine.is_synced(ACCOUNT))
    await engine.stop()
    (order,) = engine.book.orders.values()
    assert order.status is OrderStatus.FILLED


async def test_accounts_at_rest_are_asked_for_less_often() -> None:
    async with many() as engine:
        looked = await rounds(engine, 12)
        assert looked.count("1") >= 10
        assert 1 <= looked.count("2") <= 4
        assert 1 <= looked.count("3") <= 4


@pytest.mark.parametrize("at_stake", ["armed", "order", "view"])
async def test_an_account_in_use_is_asked_for_in_every_round(at_stake: str) -> None:
    async with many() as engine:
        if at_stake == "armed":
            engine.bus.publish(ArmedChanged("2", armed=True))
        elif at_stake == "order":
            report = make_report(account_id="2", status=OrderStatus.WORKING)
            broker_of(engine).open_orders = [report]
            engine.bus.publish(OrderReported(report))
        else:
            engine.workbench.use_account("2")
        looked = await rounds(engine, 12)
        assert looked.count("2") >= 10
        assert looked.count("3") <= 4


async def test_an_account_at_rest_whose_balance_moves_is_asked_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync, "RESTING_ROUNDS", 1_000_000)
    async with many() as engine:
        assert "3" not in await rounds(engine, 5)
        broker_of(engine).account_list[2] = make_account(account_id="3", balance=Decimal(149999))
        await see(lambda: engine.book.accounts["3"].balance == Decimal(149999))
        assert "3" not in await rounds(engine, 5)
