"""Orders out: written before sent, sent once, and an honest state whatever comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import ACCOUNT, MNQ, make_fill, make_quote, make_report, make_stated, make_tick

from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Disarm,
    Flatten,
    ModifyOrder,
    NudgeOrder,
    PlaceOrder,
    Reconcile,
)
from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    FillReported,
    OrderChanged,
    OrderReported,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.orders import Bracket, Order, OrderRequest, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.errors import (
    BracketsUnavailable,
    BrokerRejected,
    BrokerUnavailable,
    InvalidRequest,
    OrderInDoubt,
    RateLimited,
    RiskDenied,
    StorageError,
)
from tradeconsole.ports import JournalRecord

BUY = PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=2, bracket=Bracket(40, 80))


class Desk:
    """An engine, connected and armed, with its doubles."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.calendar = OpenCalendar()
        self.engine = Engine(
            make_broker=ScriptedBroker,
            journal=self.journal,
            bars=None,
            calendar=self.calendar,
            options=EngineOptions(watchlist=("MNQ",), reconcile_seconds=60),
        )
        self.broker: ScriptedBroker = self.engine.broker  # type: ignore[assignment]

    async def open(self) -> None:
        await self.engine.start()
        await self.see(lambda: self.engine.watchlist and self.engine.is_synced(ACCOUNT))
        await self.engine.handle(Arm(ACCOUNT))
        self.engine.bus.publish(QuoteReceived(make_quote()))

    async def until(self, order_id: str, status: OrderStatus) -> Order:
        await self.see(lambda: self.engine.book.orders[order_id].status is status)
        return self.engine.book.orders[order_id]

    def only_order(self) -> Order:
        (order,) = self.engine.book.orders.values()
        return order

    async def working(self, **over: object) -> Order:
        """A buy limit, or what the test asks for, that works at the broker."""
        wanted = {
            "side": Side.BUY,
            "type": OrderType.LIMIT,
            "limit_price": Decimal(20900),
            "stop_price": None,
            **over,
        }
        done = await self.engine.handle(PlaceOrder(account_id=ACCOUNT, symbol="MNQ", size=2, **wanted))
        self.engine.bus.publish(OrderReported(make_report(tag=done.order_ids[0], **wanted)))
        return self.engine.book.orders[done.order_ids[0]]

    async def see(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.open()
    yield desk
    await desk.engine.stop()


async def test_the_intent_is_written_down_before_the_order_is_sent(desk: Desk) -> None:
    written: list[OrderStatus] = []
    desk.broker.on_place = lambda _: (
        written.extend(r.status for r in desk.journal.records if isinstance(r, Order)) or "3400000001"
    )
    await desk.engine.handle(BUY)
    assert written[0] is OrderStatus.INTENDED
    assert desk.broker.placed[0].tag == desk.only_order().order_id


async def test_nothing_that_the_intent_wakes_comes_between_it_and_the_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    append = desk.journal.append

    def append_and_wake(record: JournalRecord) -> None:
        append(record)
        if isinstance(record, Order) and record.status is OrderStatus.INTENDED:
            asyncio.get_running_loop().call_soon(happened.append, "woken")

    monkeypatch.setattr(desk.journal, "append", append_and_wake)
    desk.broker.on_place = lambda _: happened.append("called") or "3400000001"
    await desk.engine.handle(BUY)
    assert happened == ["called", "woken"]


async def test_whoever_only_watches_hears_of_an_order_when_it_has_left(desk: Desk) -> None:
    sent_before: list[tuple[OrderStatus, int]] = []

    def fall_over(event: OrderChanged) -> None:
        sent_before.append((event.order.status, len(desk.broker.placed)))
        raise RuntimeError

    desk.engine.bus.subscribe(fall_over, OrderChanged)
    await desk.engine.handle(BUY)
    assert sent_before[:2] == [(OrderStatus.INTENDED, 1), (OrderStatus.SENT, 1)]
    assert desk.only_order().acknowledged_at is not None


async def test_nothing_that_became_ready_meanwhile_goes_ahead_of_an_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_before: list[int] = []
    append = desk.journal.append

    def wake_others(record: JournalRecord) -> None:
        append(record)
        asyncio.get_running_loop().call_soon(lambda: sent_before.append(len(desk.broker.placed)))

    monkeypatch.setattr(desk.journal, "append", wake_others)
    await desk.engine.handle(BUY)
    assert sent_before[0] == 1


async def test_the_next_orders_gate_counts_one_that_nobody_has_heard_of_yet(desk: Desk) -> None:
    many = msgspec.structs.replace(BUY, size=10)
    results = await asyncio.gather(*(desk.engine.handle(many) for _ in range(3)), return_exceptions=True)
    assert [isinstance(result, RiskDenied) for result in results] == [False, False, True]
    assert len(desk.broker.placed) == 2


async def test_nothing_is_sent_when_the_intent_cannot_be_written(desk: Desk) -> None:
    desk.journal.broken = True
    with pytest.raises(StorageError, match="no space left"):
        await desk.engine.handle(BUY)
    assert not desk.broker.placed
    assert not desk.engine.book.orders


async def test_the_reply_alone_does_not_make_it_working(desk: Desk) -> None:
    await desk.engine.handle(BUY)
    assert desk.only_order().status is OrderStatus.SENT
    assert desk.only_order().acknowledged_at is not None


async def test_a_lost_reply_is_unknown_and_settled_by_the_records(desk: Desk) -> None:
    def accept_and_vanish(request: OrderRequest) -> str:
        desk.broker.orders.append(make_report(tag=request.tag, status=OrderStatus.FILLED, filled=2))
        desk.broker.fills.append(make_fill())
        desk.broker.positions.append(make_stated())
        raise OrderInDoubt("timeout")

    desk.broker.on_place = accept_and_vanish
    with pytest.raises(OrderInDoubt):
        await desk.engine.handle(BUY)
    order = await desk.until(desk.only_order().order_id, OrderStatus.FILLED)
    position = desk.engine.book.position(ACCOUNT, MNQ)
    assert order.filled == 2
    assert position is not None
    assert position.size == 2
    assert len(desk.broker.placed) == 1, "an order is never sent again"


async def test_an_unknown_order_counts_against_the_limits(desk: Desk) -> None:
    def vanish(request: OrderRequest) -> str:
        raise OrderInDoubt("timeout")

    desk.broker.on_place = vanish
    for _ in range(2):
        with pytest.raises(OrderInDoubt):
            await desk.engine.handle(PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=10))
    with pytest.raises(RiskDenied, match="could reach 21"):
        await desk.engine.handle(PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=1))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BrokerRejected("Invalid price", code=2, broker_order_id="9057"), OrderStatus.REJECTED),
        (BrokerUnavailable("connection refused"), OrderStatus.FAILED),
        (RateLimited("too many requests"), OrderStatus.FAILED),
        (OrderInDoubt("timeout"), OrderStatus.UNKNOWN),
    ],
)
async def test_each_failure_leaves_the_state_that_it_proves(
    desk: Desk, error: Exception, status: OrderStatus
) -> None:
    def fail(request: OrderRequest) -> str:
        raise error

    desk.broker.on_place = fail
    with pytest.raises(type(error)):
        await desk.engine.handle(BUY)
    assert desk.only_order().status is status


async def test_a_caller_that_goes_away_does_not_stop_the_bookkeeping(desk: Desk) -> None:
    desk.broker.place_gate = asyncio.Event()
    task = asyncio.get_running_loop().create_task(desk.engine.handle(BUY))
    await desk.see(lambda: desk.broker.placed)
    task.cancel()
    desk.broker.place_gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.see(lambda: desk.only_order().broker_order_id is not None)


async def test_disarmed_orders_are_refused_with_the_way_to_arm(desk: Desk) -> None:
    await desk.engine.handle(Disarm(ACCOUNT))
    with pytest.raises(RiskDenied, match="arm it first"):
        await desk.engine.handle(BUY)
    assert not desk.broker.placed


async def test_a_closed_session_refuses(desk: Desk) -> None:
    desk.calendar.open = False
    with pytest.raises(RiskDenied, match="closed"):
        await desk.engine.handle(BUY)


async def test_orders_wait_until_reconnected_and_reconciled(desk: Desk) -> None:
    desk.broker.reachable = False
    desk.engine.bus.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.DOWN, "gone"))
    with pytest.raises(RiskDenied, match="reconciled"):
        await desk.engine.handle(BUY)
    desk.broker.reachable = True
    desk.engine.bus.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.UP))
    await desk.see(lambda: desk.engine.is_synced(ACCOUNT))
    await desk.engine.handle(BUY)


async def test_quick_nudges_add_up(desk: Desk) -> None:
    order = await desk.working()
    await asyncio.gather(
        *(desk.engine.handle(NudgeOrder(order_id=order.order_id, ticks=1)) for _ in range(3))
    )
    assert [change["limit"] for change in desk.broker.modified] == [
        Decimal("20900.25"),
        Decimal("20900.50"),
        Decimal("20900.75"),
    ]


async def test_a_failed_nudge_starts_again_from_the_price_at_the_broker(desk: Desk) -> None:
    order = await desk.working()
    desk.broker.reachable = False
    with pytest.raises(BrokerUnavailable):
        await desk.engine.handle(NudgeOrder(order_id=order.order_id, ticks=4))
    desk.broker.reachable = True
    await desk.engine.handle(NudgeOrder(order_id=order.order_id, ticks=-1))
    assert desk.broker.modified[-1]["limit"] == Decimal("20899.75")


async def test_changes_keep_to_the_tick_grid(desk: Desk) -> None:
    order = await desk.working()
    with pytest.raises(InvalidRequest, match="off the tick grid"):
        await desk.engine.handle(ModifyOrder(order_id=order.order_id, limit_price=Decimal("20900.1")))
    assert not desk.broker.modified


async def test_a_stop_is_not_moved_through_the_market(desk: Desk) -> None:
    order = await desk.working(
        type=OrderType.STOP, side=Side.SELL, limit_price=None, stop_price=Decimal(20990)
    )
    order = desk.engine.book.orders[order.order_id]
    desk.engine.bus.publish(TickReceived(make_tick(price=20985.0)))
    with pytest.raises(InvalidRequest, match="must lie"):
        await desk.engine.handle(ModifyOrder(order_id=order.order_id, stop_price=Decimal(20986)))


async def test_a_bigger_order_passes_the_gate_again(desk: Desk) -> None:
    order = await desk.working()
    with pytest.raises(RiskDenied, match="limit of 10"):
        await desk.engine.handle(ModifyOrder(order_id=order.order_id, size=11))


async def test_an_entry_is_not_moved_beyond_the_collar(desk: Desk) -> None:
    order = await desk.working()
    for far in (Decimal(99999), Decimal(1)):
        with pytest.raises(RiskDenied, match="away from"):
            await desk.engine.handle(ModifyOrder(order_id=order.order_id, limit_price=far))
    assert not desk.broker.modified


async def test_an_exit_goes_where_its_user_wants_it(desk: Desk) -> None:
    desk.engine.bus.publish(FillReported(make_fill()))
    order = await desk.working(side=Side.SELL, limit_price=Decimal(21100))
    await desk.engine.handle(ModifyOrder(order_id=order.order_id, limit_price=Decimal(25000)))
    assert desk.broker.modified[-1]["limit"] == Decimal(25000)


async def test_an_entry_that_the_market_has_left_can_still_be_made_smaller(desk: Desk) -> None:
    order = await desk.working()
    desk.engine.bus.publish(QuoteReceived(make_quote(last=30000.0)))
    await desk.engine.handle(ModifyOrder(order_id=order.order_id, size=1))
    assert desk.broker.modified[-1]["size"] == 1


async def test_a_read_only_profile_looks_and_never_touches(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await desk.working()
    monkeypatch.setattr(desk.engine.commands, "_read_only", True)
    for command in (
        BUY,
        ModifyOrder(order_id=order.order_id, size=1),
        NudgeOrder(order_id=order.order_id, ticks=1),
        CancelOrder(order.order_id),
        CancelAll(ACCOUNT),
        ClosePosition(ACCOUNT, "MNQ"),
        Flatten(ACCOUNT),
    ):
        with pytest.raises(RiskDenied, match="read-only"):
            await desk.engine.handle(command)
    await desk.engine.handle(Reconcile())
    assert len(desk.broker.placed) == 1
    assert [*desk.broker.modified, *desk.broker.cancelled, *desk.broker.closed] == []


async def test_cancel_addresses_the_brokers_id(desk: Desk) -> None:
    order = await desk.working()
    await desk.engine.handle(CancelOrder(order.order_id))
    assert desk.broker.cancelled == ["3400000001"]


async def test_a_cancel_that_comes_after_the_fill_says_so(desk: Desk) -> None:
    order = await desk.working()
    filled = make_report(tag=order.order_id, status=OrderStatus.FILLED, filled=2)
    desk.broker.on_cancel = lambda _: desk.engine.bus.publish(OrderReported(filled))
    with pytest.raises(InvalidRequest, match="too late: the order is filled already"):
        await desk.engine.handle(CancelOrder(order.order_id))


async def test_a_finished_order_is_not_cancelled_again(desk: Desk) -> None:
    order = await desk.working()
    desk.engine.bus.publish(OrderReported(make_report(tag=order.order_id, status=OrderStatus.CANCELLED)))
    with pytest.raises(InvalidRequest, match="cancelled already"):
        await desk.engine.handle(CancelOrder(order.order_id))


async def test_reconciling_lets_streams_that_have_given_up_try_again(desk: Desk) -> None:
    await desk.engine.handle(Reconcile())
    assert desk.broker.woken == 1


async def test_cancel_all_tells_what_could_not_be_cancelled(desk: Desk) -> None:
    await desk.working()
    desk.broker.reachable = False
    with pytest.raises(OrderInDoubt, match="1 of 1"):
        await desk.engine.handle(CancelAll(ACCOUNT))


async def test_closing_needs_a_position_of_that_size(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="no open position"):
        await desk.engine.handle(ClosePosition(ACCOUNT, "MNQ"))
    desk.engine.bus.publish(FillReported(make_fill()))
    with pytest.raises(InvalidRequest, match="size 3"):
        await desk.engine.handle(ClosePosition(ACCOUNT, "MNQ", 3))
    await desk.engine.handle(ClosePosition(ACCOUNT, "MNQ", 1))
    assert desk.broker.closed == [(MNQ, 1)]


async def test_flatten_goes_on_until_the_broker_says_flat(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeconsole.engine.flatten.PAUSES", (0.01,))
    desk.broker.positions = [make_stated()]
    entry = make_report(tag=None, broker_order_id="71", type=OrderType.LIMIT)
    stop = make_report(
        tag=None, broker_order_id="72", type=OrderType.STOP, side=Side.SELL, stop_price=Decimal(20900)
    )
    desk.broker.open_orders = [entry, stop]
    attempts: list[str] = []

    def drop(broker_order_id: str) -> None:
        desk.broker.open_orders = [o for o in desk.broker.open_orders if o.broker_order_id != broker_order_id]

    def close(instrument_id: str, size: int | None) -> None:
        attempts.append(instrument_id)
        if len(attempts) == 1:
            raise BrokerUnavailable("nobody answers")
        desk.broker.positions = []

    desk.broker.on_cancel, desk.broker.on_close = drop, close
    await desk.engine.handle(Flatten(ACCOUNT))
    assert await desk.engine.flattener.start(ACCOUNT)
    assert len(attempts) == 2
    assert desk.broker.cancelled == ["71", "72"], "the stop stays until the position is closed"


async def test_what_fills_between_the_questions_of_flatten_is_closed_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeconsole.engine.flatten.PAUSES", (0.01,))
    broker = desk.broker
    broker.open_orders = [make_report(tag=None, broker_order_id="71", type=OrderType.LIMIT)]
    asked: list[str] = []

    def then_it_fills(name: str) -> None:
        ask = getattr(broker, name)

        async def answer(*arguments: Any, **options: Any) -> Any:
            told = await ask(*arguments, **options)
            asked.append(name)
            if len(asked) == 1:
                broker.open_orders, broker.positions = [], [make_stated()]
            return told

        monkeypatch.setattr(broker, name, answer)

    then_it_fills("get_positions")
    then_it_fills("get_open_orders")
    broker.on_close = lambda instrument_id, size: broker.positions.clear()
    assert await desk.engine.flattener.start(ACCOUNT)
    assert broker.closed == [(MNQ, None)]


async def test_flatten_never_edits_the_book_by_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeconsole.engine.flatten.PAUSES", (0.01,))
    desk.engine.bus.publish(FillReported(make_fill()))
    desk.broker.reachable = False
    await desk.engine.handle(Flatten(ACCOUNT))
    await asyncio.sleep(0.05)
    position = desk.engine.book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 2


async def test_cancel_all_is_content_when_what_it_could_not_cancel_has_ended(desk: Desk) -> None:
    order = await desk.working()

    def too_late(broker_order_id: str) -> None:
        desk.broker.orders.append(make_report(tag=order.order_id, status=OrderStatus.FILLED, filled=2))
        desk.broker.fills.append(make_fill())
        desk.broker.positions.append(make_stated())
        raise BrokerRejected("the order is already filled", code=5)

    desk.broker.on_cancel = too_late
    await desk.engine.handle(CancelAll(ACCOUNT))
    assert desk.engine.book.orders[order.order_id].status is OrderStatus.FILLED


# -- brackets that the broker does not take --------------------------------------------------------------------


def refuse_brackets(request: OrderRequest) -> str:
    if request.bracket:
        raise BracketsUnavailable("Brackets cannot be used with Position Brackets.", code=2)
    return "3400000001"


async def test_a_refused_bracket_is_followed_by_another_order_without_it(desk: Desk) -> None:
    desk.broker.on_place = refuse_brackets
    done = await desk.engine.handle(BUY)
    first, second = desk.broker.placed
    assert (first.bracket, second.bracket) == (BUY.bracket, None)
    assert first.tag != second.tag
    assert desk.engine.book.orders[first.tag].status is OrderStatus.REJECTED
    assert desk.engine.book.orders[second.tag].replaces == first.tag
    assert done.order_ids == (second.tag,)
    assert done.message.endswith("(kept by the engine)")
    titles = [notice.title for notice in desk.engine.book.notifications]
    assert titles.count("This account does not take brackets") == 1
    await desk.engine.handle(BUY)
    assert [request.bracket for request in desk.broker.placed] == [BUY.bracket, None, None]
    assert desk.engine.book.orders[desk.broker.placed[-1].tag].replaces is None


@pytest.mark.parametrize(
    "refusal", [BrokerRejected("no", code=2), OrderInDoubt("no answer"), BrokerUnavailable("nobody")]
)
async def test_no_other_refusal_is_followed_by_another_order(desk: Desk, refusal: Exception) -> None:
    def refuse(_: OrderRequest) -> str:
        raise refusal

    desk.broker.on_place = refuse
    with pytest.raises(type(refusal)):
        await desk.engine.handle(BUY)
    assert len(desk.broker.placed) == 1


async def test_the_second_order_passes_the_gate_anew(desk: Desk) -> None:
    def refuse(request: OrderRequest) -> str:
        desk.calendar.open = False
        return refuse_brackets(request)

    desk.broker.on_place = refuse
    with pytest.raises(RiskDenied, match="closed"):
        await desk.engine.handle(BUY)
    assert len(desk.broker.placed) == 1


async def test_a_command_that_does_not_stay_cannot_keep_a_bracket() -> None:
    desk = Desk()
    await desk.engine.start_quietly()
    await desk.engine.handle(Arm(ACCOUNT))
    desk.engine.bus.publish(QuoteReceived(make_quote()))
    desk.broker.on_place = refuse_brackets
    with pytest.raises(BracketsUnavailable, match="a single command cannot"):
        await desk.engine.commands.handle(BUY)
    assert len(desk.broker.placed) == 1
    await desk.engine.stop()


# -- changes that come too late --------------------------------------------------------------------------------


async def test_a_cancel_that_lost_the_race_says_what_became_of_the_order(desk: Desk) -> None:
    order = await desk.working()
    desk.broker.orders = [
        make_report(
            tag=order.order_id, status=OrderStatus.FILLED, filled=2, average_price=Decimal("20900.25"),
            type=OrderType.LIMIT,
        )
    ]  # fmt: skip

    def refuse(_: str) -> None:
        raise BrokerRejected("UnknownError", code=5)

    desk.broker.on_cancel = refuse
    with pytest.raises(InvalidRequest, match=r"too late: the order is filled already at 20,900.25"):
        await desk.engine.handle(CancelOrder(order.order_id))


async def test_a_cancel_refused_for_another_reason_tells_that(desk: Desk) -> None:
    order = await desk.working()
    desk.broker.open_orders = [make_report(tag=order.order_id, type=OrderType.LIMIT)]

    def refuse(_: str) -> None:
        raise BrokerRejected("Follower accounts cannot cancel orders", code=6)

    desk.broker.on_cancel = refuse
    with pytest.raises(BrokerRejected, match="Follower accounts"):
        await desk.engine.handle(CancelOrder(order.order_id))


async def test_while_the_stream_is_down_a_stop_is_placed_on_records_just_read(desk: Desk) -> None:
    desk.broker.on_place = refuse_brackets
    order_id = (await desk.engine.handle(BUY)).order_ids[0]
    desk.engine.bus.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.DOWN, "test"))
    desk.broker.orders = [make_report(tag=order_id, status=OrderStatus.FILLED, filled=2)]
    desk.broker.fills = [make_fill()]
    desk.broker.positions = [make_stated()]
    await asyncio.sleep(0.02)
    assert len(desk.broker.placed) == 2
    await desk.engine.handle(Reconcile())
    await desk.see(lambda: len(desk.broker.placed) == 4)
    assert [request.type for request in desk.broker.placed[2:]] == [OrderType.STOP, OrderType.LIMIT]
    assert [request.tag for request in desk.broker.placed[2:]] == [f"{order_id}-SL", f"{order_id}-TP"]


@pytest.mark.parametrize("order_first", [True, False])
async def test_a_fill_that_comes_long_after_its_report_is_guarded_all_the_same(
    desk: Desk, order_first: bool
) -> None:
    desk.broker.on_place = refuse_brackets
    order_id = (await desk.engine.handle(BUY)).order_ids[0]
    events = [
        OrderReported(make_report(tag=order_id, status=OrderStatus.FILLED, filled=2)),
        FillReported(make_fill()),
    ]
    for event in events if order_first else reversed(events):
        desk.engine.bus.publish(event)
        await asyncio.sleep(0.6)
    await desk.see(lambda: len(desk.broker.placed) == 4)
    assert [request.tag for request in desk.broker.placed[2:]] == [f"{order_id}-SL", f"{order_id}-TP"]


@pytest.mark.parametrize(
    ("over", "role"),
    [
        ({"type": OrderType.STOP, "stop_price": Decimal(20990)}, OrderRole.STOP_LOSS),
        ({"type": OrderType.TRAILING_STOP, "trail_ticks": 40}, OrderRole.STOP_LOSS),
        ({"type": OrderType.LIMIT, "limit_price": Decimal(21010)}, OrderRole.TAKE_PROFIT),
        ({}, OrderRole.EXIT),
        ({"size": 3}, OrderRole.ENTRY),
        ({"side": Side.BUY}, OrderRole.ENTRY),
        ({"bracket": Bracket(40)}, OrderRole.ENTRY),
    ],
    ids=str,
)
async def test_an_order_that_can_only_close_is_known_for_what_it_does(
    desk: Desk, over: dict[str, object], role: OrderRole
) -> None:
    desk.engine.bus.publish(FillReported(make_fill()))
    fields = {"account_id": ACCOUNT, "symbol": "MNQ", "side": Side.SELL, "size": 2, **over}
    done = await desk.engine.handle(PlaceOrder(**fields))  # type: ignore[arg-type]
    assert desk.engine.book.orders[done.order_ids[0]].role is role
