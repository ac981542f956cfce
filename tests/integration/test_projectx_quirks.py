"""What the gateway does that nobody would expect: one test at least for each number of section 21 of the reference."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from projectx_bench import ACCOUNT, CONTRACTS, MNQ, NOW, Bench, bench, contract, order, request
from projectx_hub_peer import until
from projectx_peer import Answer, Call, no, ok
from trading_factories import make_account, make_fill, make_instrument, make_order, make_quote, make_stated
from trouble_desk import trading_desk

from tradeconsole.brokers.projectx import translate, user, wire
from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.limits import SHARE, Urgency
from tradeconsole.brokers.projectx.products import Commissions, load_products
from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.commands import Flatten
from tradeconsole.domain.events import (
    AccountReported,
    Channel,
    ChannelState,
    DepthReceived,
    FillReported,
    InstrumentResolved,
    OrderIntended,
    OrderRejected,
    OrderReported,
    OrderSent,
    PositionReported,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType, Side
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.identity import new_order_id
from tradeconsole.errors import (
    AuthenticationFailed,
    BracketsUnavailable,
    BrokerRejected,
    BrokerUnavailable,
    InvalidRequest,
    OrderInDoubt,
)
from tradeconsole.ports import MarketSubscription

ACCOUNT_ID = "26282486"
DAY = Span(NOW - timedelta(days=1), NOW)
COMMISSIONS = Commissions(load_products())


def bar(minute: int, close: float = 25000.0) -> dict[str, Any]:
    time = (NOW - timedelta(minutes=minute)).isoformat()
    return {"t": time, "o": close, "h": close, "l": close, "c": close, "v": minute}


def instrument(tick: str, symbol: str = "MNQ") -> Instrument:
    return make_instrument(tick_size=Decimal(tick), symbol=symbol)


def row(**changes: Any) -> wire.OrderRow:
    return msgspec.convert(order(1) | changes, wire.OrderRow, strict=False)


def trade_row(**changes: Any) -> wire.TradeRow:
    fields: dict[str, Any] = {
        "id": 3005729833,
        "accountId": 26282486,
        "contractId": MNQ,
        "creationTimestamp": "2026-11-18T14:00:00.5+00:00",
        "price": 25000.25,
        "profitAndLoss": None,
        "fees": 0.36,
        "side": 0,
        "size": 1,
        "voided": False,
        "orderId": 3424798599,
    }
    return msgspec.json.decode(json.dumps(fields | changes), type=wire.TradeRow)


def desk_book() -> tuple[Book, Bus]:
    """An empty book of one account and one contract."""
    book = Book()
    bus = Bus(book.apply)
    bus.publish(AccountReported(make_account()))
    bus.publish(InstrumentResolved(make_instrument()))
    return book, bus


async def stream(test: Bench, *, depth: bool = False) -> None:
    """Bring both hubs up, with one contract subscribed."""
    await test.broker.connect()
    await test.broker.stream([ACCOUNT_ID])
    await test.broker.subscribe(frozenset({MarketSubscription(MNQ, depth=depth)}))
    await until(test.is_up(Channel.ACCOUNT))
    await until(test.is_up(Channel.MARKET))


def line_of(test: Bench, method: str) -> Any:
    """The hub connection on which that method was called."""
    return next(line for line in reversed(test.hub.lines) if any(name == method for name, _ in line.calls))


async def test_quirk_01_http_200_does_not_mean_success_and_codes_differ_per_endpoint() -> None:
    async with bench() as test:
        test.peer.script |= {
            "/api/Order/place": no(5, orderId=1),
            "/api/Position/closeContract": no(5),
            "/api/Position/partialCloseContract": no(5),
        }
        said = []
        for call in (
            lambda: test.broker.place_order(request()),
            lambda: test.broker.close_position(ACCOUNT_ID, MNQ),
            lambda: test.broker.close_position(ACCOUNT_ID, MNQ, 1),
        ):
            with pytest.raises(BrokerRejected) as caught:
                await call()
            said.append(str(caught.value))
        assert said == [
            "outside trading hours",
            "the closing order was rejected: the market may be closed",
            "the size to close is not between 1 and the size of the position",
        ]


async def test_quirk_02_a_rejected_order_has_an_id_and_is_still_rejected() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/place"] = no(2, "Invalid price", orderId=9057)
        with pytest.raises(BrokerRejected, match="Invalid price") as caught:
            await test.broker.place_order(request())
        assert caught.value.broker_order_id == "9057"


async def test_quirk_03_live_data_without_entitlement_is_an_empty_success_that_says_what_is_missing() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        assert test.peer.sent_to("/api/Contract/available")[0].body == {"live": False}
        test.peer.script["/api/Contract/available"] = ok(contracts=[])
        entitled = ProjectXBroker(test.peer.connection(live=True), test.told.append, test)
        try:
            with pytest.raises(BrokerUnavailable, match="no live data entitlement"):
                await entitled.resolve("MNQ")
        finally:
            await entitled.close()


async def test_quirk_04_a_symbol_is_matched_exactly_and_never_taken_from_the_fuzzy_search() -> None:
    async with bench() as test:
        fuzzy = [contract("MES", "MESZ6", "Z26"), contract("FVA", "ZFZ6", "Z26"), CONTRACTS[2]]
        test.peer.script["/api/Contract/search"] = ok(contracts=fuzzy)
        assert (await test.broker.resolve("ES")).instrument_id == "CON.F.US.EP.Z26"
        assert not test.peer.sent_to("/api/Contract/search")
        with pytest.raises(InvalidRequest):
            await test.broker.resolve("EP")
        assert (await test.broker.search_instruments("ES"))[0].symbol == "ES"


async def test_quirk_05_bars_come_newest_first_and_the_limit_cuts_the_old_end() -> None:
    def page(call: Call) -> Answer:
        end = datetime.fromisoformat(call.body["endTime"])
        rows = [bar(minute) for minute in range(1, 2_501) if NOW - timedelta(minutes=minute) < end]
        return ok(bars=rows[:1_000])

    async with bench() as test:
        test.peer.script["/api/History/retrieveBars"] = page
        span = Span(NOW - timedelta(days=3), NOW)
        bars = await test.broker.get_historical_data(MNQ, Timeframe.parse("1m"), span)
        assert len(bars) == 2_500
        assert list(bars.time) == sorted(set(bars.time))
        assert {call.body["limit"] for call in test.peer.sent_to("/api/History/retrieveBars")} == {20_000}


@pytest.mark.parametrize("inclusive", [False, True])
async def test_quirk_05_pages_go_on_across_weekends_and_stop_at_the_beginning(inclusive: bool) -> None:
    minutes = [*range(1, 1_501), *range(6_000, 8_500)]  # a long weekend without bars between

    def page(call: Call) -> Answer:
        end = datetime.fromisoformat(call.body["endTime"])
        start = datetime.fromisoformat(call.body["startTime"])
        times = [(minute, NOW - timedelta(minutes=minute)) for minute in minutes]
        rows = [bar(m) for m, time in times if start <= time and (time < end or (inclusive and time == end))]
        return ok(bars=rows[:1_000])

    async with bench() as test:
        test.peer.script["/api/History/retrieveBars"] = page
        span = Span(NOW - timedelta(days=30), NOW)
        bars = await test.broker.get_historical_data(MNQ, Timeframe.parse("1m"), span)
        assert len(bars) == len(minutes)
        assert len(test.peer.sent_to("/api/History/retrieveBars")) <= 6


async def test_quirk_05_an_expired_contract_has_bars_of_its_own() -> None:
    async with bench() as test:
        test.peer.script["/api/History/retrieveBars"] = ok(bars=[bar(5)])
        old = "CON.F.US.MNQ.U26"
        assert len(await test.broker.get_historical_data(old, Timeframe.parse("1h"), DAY)) == 1
        assert test.peer.sent_to("/api/History/retrieveBars")[0].body["contractId"] == old


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.BUY, -40, 60), (Side.SELL, 40, -60)])
@pytest.mark.parametrize(("trailing", "kind"), [(False, 4), (True, 5)])
async def test_quirk_06_bracket_ticks_are_signed_by_side(
    side: Side, stop: int, target: int, trailing: bool, kind: int
) -> None:
    async with bench() as test:
        await test.broker.place_order(request(side=side, bracket=Bracket(40, 60, trailing)))
        body = test.peer.sent_to("/api/Order/place")[0].body
        assert body["stopLossBracket"] == {"ticks": stop, "type": kind}
        assert body["takeProfitBracket"] == {"ticks": target, "type": 1}


@pytest.mark.parametrize("bracket", [Bracket(3), Bracket(-40), Bracket(40, 0), Bracket(None, -1)], ids=str)
async def test_quirk_06_brackets_that_would_be_refused_are_not_sent(bracket: Bracket) -> None:
    async with bench() as test:
        with pytest.raises(InvalidRequest, match="at least"):
            await test.broker.place_order(request(bracket=bracket))
        assert not test.peer.sent_to("/api/Order/place")


async def test_quirk_06_an_account_without_auto_oco_is_recognised() -> None:
    async with bench() as test:
        words = "Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets."
        test.peer.script["/api/Order/place"] = no(2, words, orderId=9057)
        with pytest.raises(BracketsUnavailable):
            await test.broker.place_order(request(bracket=Bracket(40)))


async def test_quirk_07_trail_price_is_a_level_when_written_and_a_distance_when_read() -> None:
    async with trading_desk() as test:
        broker = test.engine.broker
        last = Decimal(str(test.emulator.last("MNQ")))
        trail = request(
            account_id=test.account_id,
            instrument_id=test.instrument_id,
            side=Side.SELL,
            type=OrderType.TRAILING_STOP,
            size=1,
            trail_ticks=400,
            reference_price=last,
        )
        body = translate.place_body(trail, test.engine.book.instruments[test.instrument_id])
        assert body.trail_price == last - 100
        placed = await broker.place_order(trail)
        (report,) = [
            each for each in await broker.get_open_orders(test.account_id) if each.broker_order_id == placed
        ]
        # the gateway measures from the price at receipt, which may have moved meanwhile
        assert report.trail_ticks == pytest.approx(400, abs=100)
        answer = await test.emulator.call("/api/Order/searchOpen", accountId=test.emulator.practice_id)
        (read,) = answer["orders"]
        assert read["trailPrice"] == pytest.approx(read["trailDistance"] * 0.25)


async def test_quirk_08_suspended_legs_are_asked_for_because_the_open_list_hides_them() -> None:
    async with trading_desk() as test:
        broker = test.engine.broker
        entry = request(
            account_id=test.account_id,
            instrument_id=test.instrument_id,
            type=OrderType.LIMIT,
            limit_price=Decimal(1000),
            size=1,
            bracket=Bracket(40, 60),
        )
        await broker.place_order(entry)
        listed = await test.emulator.call("/api/Order/searchOpen", accountId=test.emulator.practice_id)
        assert len(listed["orders"]) == 1
        statuses = [report.status for report in await broker.get_open_orders(test.account_id)]
        assert statuses == [OrderStatus.WORKING, OrderStatus.SUSPENDED, OrderStatus.SUSPENDED]


@pytest.mark.parametrize(
    "wrap", [lambda data: {"action": 1, "data": data}, lambda data: data], ids=["live", "docs"]
)
async def test_quirk_09_user_events_are_read_wrapped_and_bare_with_nulls_left_out(
    wrap: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    async with bench() as test:
        await stream(test)
        sparse = {key: value for key, value in order(7).items() if value is not None}
        await line_of(test, "SubscribeOrders").event("GatewayUserOrder", wrap(sparse))
        await until(lambda: test.of(OrderReported))
        report = test.of(OrderReported)[0].report
        assert (report.broker_order_id, report.stop_price) == ("7", None)


async def test_quirk_10_market_payloads_are_arrays_with_nulls_and_quotes_are_sparse() -> None:
    async with bench() as test:
        await stream(test, depth=True)
        line = line_of(test, "SubscribeContractQuotes")
        stamp = "2026-11-18T15:00:00+00:00"
        await line.event(
            "GatewayQuote", MNQ, {"symbol": "F.US.MNQ", "bestBid": 1.0, "bestAsk": 2.0, "timestamp": stamp}
        )
        await line.event("GatewayQuote", MNQ, {"symbol": "F.US.MNQ", "bestBid": 1.25, "timestamp": stamp})
        prints = [None, {"price": 1.5, "timestamp": stamp, "type": 1, "volume": 3}]
        await line.event("GatewayTrade", MNQ, prints)
        rows = [{"type": 6, "price": 0, "volume": 0}, None, {"type": 2, "price": 1.25, "volume": 9}]
        await line.event("GatewayDepth", MNQ, rows)
        await until(lambda: test.of(DepthReceived))
        quote = test.of(QuoteReceived)[-1].quote
        assert (quote.bid, quote.ask, quote.last) == (1.25, 2.0, None)
        assert [event.tick.size for event in test.of(TickReceived)] == [3]
        assert [(level.price, level.size) for level in test.of(DepthReceived)[-1].depth.bids] == [(1.25, 9)]


async def test_quirk_11_order_ids_are_larger_than_32_bits() -> None:
    large = 2**53 - 1
    async with bench() as test:
        test.peer.script["/api/Order/place"] = ok(orderId=large)
        test.peer.script["/api/Order/cancel"] = ok()
        placed = await test.broker.place_order(request())
        await test.broker.cancel_order(ACCOUNT_ID, placed)
        assert test.peer.sent_to("/api/Order/cancel")[0].body["orderId"] == large


async def test_quirk_12_a_tag_is_used_once_for_ever_even_by_a_rejected_order() -> None:
    assert len({new_order_id("hand", NOW) for _ in range(1_000)}) == 1_000
    async with trading_desk() as test:
        wrong = request(
            account_id=test.account_id,
            instrument_id=test.instrument_id,
            type=OrderType.STOP,
            stop_price=Decimal(1000),
            size=1,
            tag="used-up",
        )
        broker = test.engine.broker
        with pytest.raises(BrokerRejected, match="outside allowed range"):
            await broker.place_order(wrong)
        with pytest.raises(BrokerRejected, match="custom tag is already in use"):
            await broker.place_order(msgspec.structs.replace(wrong, type=OrderType.MARKET, stop_price=None))


async def test_quirk_13_no_link_between_orders_is_sent_because_the_gateway_ignores_it() -> None:
    async with bench() as test:
        await test.broker.place_order(request(bracket=Bracket(40, 60)))
        assert "linkedOrderId" not in test.peer.sent_to("/api/Order/place")[0].body


async def test_quirk_14_brackets_that_survive_a_close_are_cancelled_when_flattening() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        await test.engine.broker.close_position(test.account_id, test.instrument_id)
        await until(lambda: test.size() == 0)
        assert await test.engine.broker.get_open_orders(test.account_id), (
            "the gateway leaves the legs working"
        )
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        assert await test.engine.broker.get_open_orders(test.account_id) == []


def test_quirk_15_a_null_profit_is_an_opening_fill_and_charges_come_per_side() -> None:
    opening, closing = translate.fills(
        [
            trade_row(id=2, profitAndLoss=6.5, side=1, fees=0.36, commissions=0.25),
            trade_row(id=1, profitAndLoss=None, fees=0.36, commissions=0.25),
        ],
        COMMISSIONS,
    )
    assert (opening.gross_pnl, closing.gross_pnl) == (None, Decimal("6.5"))
    assert closing.gross_pnl is not None
    assert closing.gross_pnl - opening.fees - closing.fees == Decimal("5.28")


def test_quirk_16_the_balance_has_no_open_profit_so_equity_adds_it() -> None:
    book, bus = desk_book()
    account = translate.account(msgspec.convert(ACCOUNT, wire.AccountRow, strict=False))
    assert account.balance == pytest.approx(Decimal("149831.92"))
    bus.publish(FillReported(make_fill(size=2, price=Decimal(21000))))
    bus.publish(QuoteReceived(make_quote(bid=21010.0, ask=21010.25, last=21010.0)))
    assert book.open_pnl(make_account().account_id) == Decimal(40)
    assert book.accounts[make_account().account_id].balance == Decimal(150000)


def test_quirk_17_a_fill_counts_although_the_order_was_not_touched_and_its_time_is_the_trades() -> None:
    book, bus = desk_book()
    bus.publish(OrderIntended(make_order()))
    touched = translate.order_report(row(contractId=MNQ, customTag="tc-hand-1", accountId=26282486, size=2))
    bus.publish(OrderReported(touched))
    filled = row(contractId=MNQ, customTag="tc-hand-1", size=2, status=2, fillVolume=2, filledPrice=25000)
    report = translate.order_report(filled)
    assert report.updated_at == touched.updated_at
    bus.publish(OrderReported(report))
    assert book.orders["tc-hand-1"].status is OrderStatus.FILLED
    assert translate.fill(trade_row(), COMMISSIONS).time == datetime(2026, 11, 18, 14, 0, 0, 500_000, UTC)


def test_quirk_18_the_reason_of_a_rejection_comes_from_the_reply_alone() -> None:
    book, bus = desk_book()
    bus.publish(OrderIntended(make_order()))
    bus.publish(OrderSent("tc-hand-1", NOW))
    bus.publish(OrderReported(translate.order_report(row(contractId=MNQ, customTag="tc-hand-1", status=5))))
    assert book.orders["tc-hand-1"].reason is None
    bus.publish(OrderRejected("tc-hand-1", "Invalid price", NOW, "1"))
    assert (book.orders["tc-hand-1"].status, book.orders["tc-hand-1"].reason) == (
        OrderStatus.REJECTED,
        "Invalid price",
    )


async def test_quirk_19_cancelling_a_finished_order_is_answered_from_its_record() -> None:
    async with trading_desk() as test:
        await test.buy_protected()
        entry = next(each for each in test.orders(OrderStatus.FILLED) if each.parent_id is None)
        answer = await test.emulator.call(
            "/api/Order/cancel", accountId=test.emulator.practice_id, orderId=int(entry.broker_order_id or 0)
        )
        assert answer["errorCode"] == 5
        await test.engine.broker.cancel_order(test.account_id, entry.broker_order_id or "")
        assert test.engine.book.orders[entry.order_id].status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("tick", "price", "sent"),
    [
        ("0.0000005", Decimal("0.0065435000"), "0.0065435"),
        ("0.1", Decimal("2000.30"), "2000.3"),
        ("0.0078125", Decimal("108.1171875"), "108.1171875"),
        ("0.1", Decimal(2000.1 + 0.2), None),
        ("0.25", Decimal("25000.10"), None),
    ],
)
def test_quirk_20_prices_go_out_on_the_grid_or_not_at_all(
    tick: str, price: Decimal, sent: str | None
) -> None:
    limit = request(type=OrderType.LIMIT, limit_price=price)
    if sent is None:
        with pytest.raises(InvalidRequest, match="tick"):
            translate.place_body(limit, instrument(tick))
    else:
        assert str(translate.place_body(limit, instrument(tick)).limit_price) == sent


async def test_quirk_21_a_stop_on_the_wrong_side_is_refused_in_the_gateways_words() -> None:
    async with trading_desk() as test:
        stop = request(
            account_id=test.account_id,
            instrument_id=test.instrument_id,
            type=OrderType.STOP,
            stop_price=Decimal(1000),
            size=1,
        )
        with pytest.raises(BrokerRejected, match=r"Invalid price\. Price is outside allowed range\."):
            await test.engine.broker.place_order(stop)


@pytest.mark.parametrize("answer", [Answer(b""), Answer(status=502), Answer(b"<html>", status=503)], ids=str)
async def test_quirk_22_answers_of_no_use_leave_orders_in_doubt_and_reads_unavailable(answer: Answer) -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script["/api/Order/place"] = answer
        test.peer.script["/api/Position/searchOpen"] = answer
        with pytest.raises(OrderInDoubt):
            await test.broker.place_order(request())
        assert len(test.peer.sent_to("/api/Order/place")) == 1
        with pytest.raises(BrokerUnavailable):
            await test.broker.get_positions(ACCOUNT_ID)


async def test_quirk_23_a_second_session_takes_the_hubs_and_is_not_fought() -> None:
    async with bench() as test:
        await stream(test)
        await line_of(test, "SubscribeOrders").event("GatewayLogout")
        await until(lambda: ChannelState.KICKED in test.states(Channel.ACCOUNT))
        assert test.states(Channel.MARKET)[-1] is ChannelState.UP
        lines = len(test.hub.lines)
        await asyncio.sleep(0.15)
        assert len(test.hub.lines) == lines, "nothing is connected before the pause is over"
        await until(test.is_up(Channel.ACCOUNT))


async def test_quirk_24_account_ids_are_integers_in_every_call() -> None:
    assert [call[1:] for call in user.subscriptions([7]) if len(call) == 2] == [(7,)] * 3
    async with bench() as test:
        test.peer.script["/api/Position/searchOpen"] = ok(positions=[])
        await test.broker.get_positions(ACCOUNT_ID)
        assert test.peer.sent_to("/api/Position/searchOpen")[0].body == {"accountId": 26282486}
        for wrong in ("PRAC-V2-1", "1.0", "", "-1", "²"):
            with pytest.raises(InvalidRequest, match="whole number"):
                await test.broker.get_positions(wrong)


async def test_quirk_25_an_expired_token_is_replaced_in_calls_and_in_hub_connections() -> None:
    async with bench() as test:
        await stream(test)
        stale = test.hub.line.token
        fresh = lambda call: ok(positions=[]) if call.token != stale else Answer(status=401)  # noqa: E731
        test.peer.script["/api/Position/searchOpen"] = fresh
        test.hub.refused_tokens = {stale}
        assert await test.broker.get_positions(ACCOUNT_ID) == []
        await line_of(test, "SubscribeOrders").drop()
        await until(lambda: test.hub.line.token != stale)
        await until(test.is_up(Channel.ACCOUNT))
        assert test.peer.logins == 2


async def test_quirk_26_contracts_roll_without_notice() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script["/api/Contract/available"] = ok(contracts=[contract("MNQ", "MNQH7", "H27")])
        test.peer.script["/api/Order/place"] = no(9, orderId=17)
        with pytest.raises(
            BrokerRejected, match="MNQZ6 is not the active contract any more; the active one is MNQH7"
        ):
            await test.broker.place_order(request())
        names = [(event.instrument.name, event.instrument.active) for event in test.of(InstrumentResolved)]
        assert names[-2:] == [("MNQZ6", False), ("MNQH7", True)]


def test_quirk_27_events_that_come_twice_count_once() -> None:
    book, bus = desk_book()
    for _ in range(2):
        bus.publish(AccountReported(make_account(balance=Decimal(100))))
        bus.publish(FillReported(make_fill(size=2)))
    position = book.position(make_account().account_id, MNQ)
    assert position is not None
    assert (position.size, len(book.fills), book.accounts[make_account().account_id].balance) == (2, 1, 100)


def test_quirk_28_positions_are_known_by_account_and_contract_not_by_their_row() -> None:
    book, bus = desk_book()
    for number, size in (("7001", 2), ("7001", 0), ("7002", 3)):
        bus.publish(PositionReported(make_stated(position_id=number, size=size)))
    assert [stated.size for stated in book.stated.values()] == [3]


async def test_quirk_29_after_a_reset_the_new_account_is_found_and_the_old_one_cannot_trade() -> None:
    async with bench() as test:
        assert [each.account_id for each in await test.broker.connect()] == [ACCOUNT_ID]
        reset = ACCOUNT | {"id": 26999999, "name": "50KTC-V2-645601-97599999"}
        test.peer.script["/api/Account/search"] = ok(accounts=[reset])
        (found,) = await test.broker.get_accounts()
        assert (found.account_id, found.kind) == ("26999999", AccountKind.EVALUATION)
        told = {each.account.account_id: each.account for each in test.of(AccountReported)}
        # it may only be locked, with a position to be seen
        assert (told[ACCOUNT_ID].can_trade, told[ACCOUNT_ID].is_visible) == (False, True)
        assert told["26999999"] == found
        test.peer.script["/api/Account/search"] = ok(accounts=[reset, ACCOUNT])
        await test.broker.get_accounts()
        assert test.of(AccountReported)[-1].account.can_trade


async def test_quirk_29_the_streams_follow_to_the_new_account() -> None:
    async with bench() as test:
        await stream(test)
        test.peer.script["/api/Account/search"] = ok(accounts=[ACCOUNT | {"id": 26999999}])
        test.peer.script["/api/Position/searchOpen"] = no(1, positions=None)
        with pytest.raises(BrokerRejected, match="does not know this account"):
            await test.broker.get_positions(ACCOUNT_ID)
        line = line_of(test, "SubscribeOrders")
        assert ("UnsubscribeOrders", [26282486]) in line.calls
        assert ("SubscribeOrders", [26999999]) in line.calls
        told = [event.account for event in test.of(AccountReported) if event.account.account_id == ACCOUNT_ID]
        assert [(each.can_trade, each.is_visible) for each in told] == [(False, True), (False, False)]


async def test_quirk_29_an_empty_list_of_accounts_takes_none_away() -> None:
    async with bench() as test:
        await test.broker.connect()
        test.peer.script["/api/Account/search"] = [ok(accounts=[]), ok(accounts=[ACCOUNT])]
        assert await test.broker.get_accounts() == []
        assert len(await test.broker.get_accounts()) == 1
        assert not test.of(AccountReported)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PRAC-V2-645601-47191819", AccountKind.PRACTICE),
        ("50KTC-V2-DLL-645601-97590973", AccountKind.EVALUATION),
        ("EXPRESS-V2-645601-1", AccountKind.FUNDED),
        ("SOMETHING-NEW-1", AccountKind.EVALUATION),
    ],
)
def test_quirk_30_what_is_at_stake_comes_from_the_name_because_all_are_simulated(
    name: str, kind: AccountKind
) -> None:
    assert translate.account_kind(name, simulated=True) is kind


async def test_quirk_31_a_stop_limit_order_is_refused_before_it_is_sent() -> None:
    async with bench() as test:
        both = {"limit_price": Decimal(25000), "stop_price": Decimal(25001)}
        with pytest.raises(
            InvalidRequest, match="takes no stop-limit orders; use a stop or a limit order instead"
        ):
            await test.broker.place_order(request(type=OrderType.STOP_LIMIT, **both))
        assert not test.peer.sent_to("/api/Order/place")
        assert OrderType.STOP_LIMIT not in test.broker.capabilities.order_types


async def test_quirk_32_a_wrong_login_says_that_the_user_is_no_e_mail_address() -> None:
    async with bench() as test:
        test.peer.script["/api/Auth/loginKey"] = no(3, token=None)
        with pytest.raises(AuthenticationFailed, match="the user name is the platform login, not the e-mail"):
            await test.broker.connect()


async def test_quirk_33_all_accounts_share_one_budget_that_leaves_room_for_other_programs() -> None:
    async with bench() as test:
        test.peer.script["/api/Position/searchOpen"] = ok(positions=[])
        await test.broker.connect()
        before = test.broker.budgets()[0].used
        for account in ("1", "2", "3"):
            await test.broker.get_positions(account)
        general, history = test.broker.budgets()
        assert general.used >= before + 3
        assert (general.limit, general.window, history.limit, history.window) == (200, 60.0, 45, 30.0)
        assert max(share for urgency, share in SHARE.items() if urgency is not Urgency.CANCEL) <= 0.9
