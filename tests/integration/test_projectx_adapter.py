"""The adapter against scripted peers: contracts, history, orders, and the channels it reports."""

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from projectx_bench import CONTRACTS, MNQ, NOW, bench, contract, order, request
from projectx_hub_peer import until
from projectx_peer import KEY, QUICK, Answer, Call, HangUp, no, ok

from tradeconsole.domain.events import (
    Channel,
    ChannelState,
    InstrumentResolved,
    OrderReported,
    PositionReported,
    QuoteReceived,
)
from tradeconsole.domain.market import Bar, Span, Timeframe
from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.errors import (
    AuthenticationFailed,
    BracketsUnavailable,
    BrokerRejected,
    BrokerUnavailable,
    InvalidRequest,
    OrderInDoubt,
)
from tradeconsole.ports import MarketSubscription

# -- connecting --------------------------------------------------------------------------------------------------


async def test_connecting_needs_no_stream() -> None:
    async with bench() as test:
        accounts = await test.broker.connect()
        assert [(each.account_id, each.balance) for each in accounts] == [("26282486", Decimal("149831.92"))]
        assert test.states(Channel.ORDERS) == [ChannelState.CONNECTING, ChannelState.UP]
        assert not test.hub.lines
        assert test.times[-1] == NOW


async def test_wrong_credentials_and_silence_are_told_apart() -> None:
    async with bench() as test:
        test.peer.script["/api/Auth/loginKey"] = HangUp()
        with pytest.raises(BrokerUnavailable):
            await test.broker.connect()
        assert test.states(Channel.ORDERS)[-1] is ChannelState.DOWN
        test.peer.script["/api/Auth/loginKey"] = no(3, token=None)
        for _ in range(3):
            with pytest.raises(AuthenticationFailed, match="Testing: user name or API key is wrong"):
                await test.broker.connect()
        # two attempts with the connection cut, one refusal: it is not tried again at once
        assert len(test.peer.sent_to("/api/Auth/loginKey")) == 3


async def test_streams_come_up_each_on_its_own() -> None:
    async with bench() as test:
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await until(test.is_up(Channel.ACCOUNT))
        await until(test.is_up(Channel.MARKET))
        calls = sorted(name for line in test.hub.lines for name, _ in line.calls)
        assert calls == ["SubscribeAccounts", "SubscribeOrders", "SubscribePositions", "SubscribeTrades"]
        assert [args for line in test.hub.lines for _, args in line.calls if args] == [[26282486]] * 3


async def test_the_broker_names_its_firm_and_what_it_can_do() -> None:
    async with bench() as test:
        assert test.broker.name == "Testing"
        assert OrderType.STOP_LIMIT not in test.broker.capabilities.order_types
        assert [budget.name for budget in test.broker.budgets()] == ["general", "history"]


async def test_closing_is_possible_at_any_time() -> None:
    async with bench() as test:
        await test.broker.close()
        await test.broker.close()


# -- contracts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["MNQ", "mnq", "MNQZ6", "MNQZ26", MNQ, " MNQ "])
async def test_a_contract_goes_by_symbol_name_and_id(text: str) -> None:
    async with bench() as test:
        assert (await test.broker.resolve(text)).instrument_id == MNQ
        assert [event.instrument.name for event in test.of(InstrumentResolved)] == ["MNQZ6"]


async def test_the_symbol_is_the_exchanges_not_the_gateways() -> None:
    async with bench() as test:
        assert (await test.broker.resolve("NQ")).instrument_id == "CON.F.US.ENQ.Z26"
        with pytest.raises(InvalidRequest):
            await test.broker.resolve("ENQ")


@pytest.mark.parametrize("text", ["MNQU6", "CON.F.US.MNQ.U26"])
async def test_an_expired_contract_names_the_active_one(text: str) -> None:
    async with bench() as test:
        with pytest.raises(InvalidRequest, match="MNQU6 is not tradable any more; the active one is MNQZ6"):
            await test.broker.resolve(text)


@pytest.mark.parametrize("text", ["XYZ", "", "MNQH9", "CON.F.US.XYZ.Z26", "Z", "6"])
async def test_an_unknown_contract_is_invalid(text: str) -> None:
    async with bench() as test:
        with pytest.raises(InvalidRequest, match=r"no contract .* such as (MNQ|NQ|ES)$"):
            await test.broker.resolve(text)


async def test_a_missing_contract_is_not_recommended() -> None:
    async with bench() as test:
        test.peer.script["/api/Contract/available"] = ok(contracts=[contract("EP", "ESZ6", "Z26")])
        with pytest.raises(
            InvalidRequest, match=r"no contract 'MNQ' at the gateway: expected .* such as ES$"
        ):
            await test.broker.resolve("MNQ")


async def test_an_empty_list_hints_at_the_entitlement() -> None:
    async with bench() as test:
        test.peer.script["/api/Contract/available"] = ok(contracts=[])
        with pytest.raises(BrokerUnavailable, match="lists no contracts"):
            await test.broker.resolve("MNQ")


async def test_contracts_are_asked_for_once_a_day_of_the_venue() -> None:
    async with bench() as test:
        path = "/api/Contract/available"
        await test.broker.connect()
        for _ in range(3):
            await test.broker.resolve("MNQ")
        assert len(test.peer.sent_to(path)) == 1
        rolled = [contract("MNQ", "MNQH7", "H27"), *CONTRACTS[1:]]
        test.peer.script[path] = ok(contracts=rolled)
        test.today += timedelta(days=1)
        assert (await test.broker.resolve("MNQ")).name == "MNQH7"
        assert len(test.peer.sent_to(path)) == 2
        retired = [e.instrument for e in test.of(InstrumentResolved) if e.instrument.instrument_id == MNQ][-1]
        assert not retired.active


async def test_reading_records_finds_out_about_a_roll_by_itself() -> None:
    async with bench() as test:
        test.peer.script["/api/Position/searchOpen"] = ok(positions=[])
        await test.broker.resolve("MNQ")
        test.peer.script["/api/Contract/available"] = ok(contracts=[contract("MNQ", "MNQH7", "H27")])
        test.today += timedelta(days=1)
        await test.broker.get_positions("26282486")
        assert [event.instrument.name for event in test.of(InstrumentResolved)] == ["MNQZ6", "MNQZ6", "MNQH7"]


async def test_records_are_read_although_no_instrument_is_known(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as test:
        test.peer.script["/api/Contract/available"] = Answer(status=500)
        test.peer.script["/api/Order/search"] = ok(orders=[order(1)])
        assert len(await test.broker.get_orders("26282486", Span(NOW - timedelta(days=1), NOW))) == 1
        assert "instruments are not known" in caplog.text


async def test_a_search_puts_what_was_asked_for_first() -> None:
    async with bench() as test:
        test.peer.script["/api/Contract/search"] = ok(contracts=[CONTRACTS[2], CONTRACTS[0], CONTRACTS[1]])
        assert [each.symbol for each in await test.broker.search_instruments("nq")] == ["NQ", "ES", "MNQ"]


# -- orders ------------------------------------------------------------------------------------------------------


async def test_a_bracket_order_goes_out_once_and_returns_its_id() -> None:
    async with bench() as test:
        placed = await test.broker.place_order(request(bracket=Bracket(stop_ticks=40, target_ticks=60)))
        assert placed == "3400000001"
        assert [call.body for call in test.peer.sent_to("/api/Order/place")] == [
            {
                "accountId": 26282486,
                "contractId": MNQ,
                "type": 2,
                "side": 0,
                "size": 2,
                "customTag": "tc-hand-1",
                "stopLossBracket": {"ticks": -40, "type": 4},
                "takeProfitBracket": {"ticks": 60, "type": 1},
            }
        ]


async def test_the_short_forms_resolve_their_symbol() -> None:
    async with bench() as test:
        await test.broker.place_market_order("26282486", "MNQ", Side.SELL, 1, tag="a")
        await test.broker.place_limit_order("26282486", "MNQ", Side.BUY, 1, Decimal("25000.25"), tag="b")
        bodies = [call.body for call in test.peer.sent_to("/api/Order/place")]
        assert [(body["type"], body["side"]) for body in bodies] == [(2, 1), (1, 0)]
        assert bodies[1]["limitPrice"] == 25000.25


async def test_an_order_on_an_expired_contract_is_not_sent() -> None:
    async with bench() as test:
        with pytest.raises(InvalidRequest, match="MNQU6 is not tradable any more; the active one is MNQZ6"):
            await test.broker.place_order(request(instrument_id="CON.F.US.MNQ.U26"))
        assert not test.peer.sent_to("/api/Order/place")


async def test_an_order_on_a_rolled_contract_says_which_is_active() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script["/api/Order/place"] = no(9, orderId=17)
        test.peer.script["/api/Contract/available"] = ok(contracts=[contract("MNQ", "MNQH7", "H27")])
        with pytest.raises(BrokerRejected, match="active one is MNQH7") as caught:
            await test.broker.place_order(request())
        assert (caught.value.code, caught.value.broker_order_id) == (9, "17")
        assert (await test.broker.resolve("MNQ")).name == "MNQH7"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Brackets cannot be used with Position Brackets. You must enable Auto OCO Brackets.", True),
        ("BRACKETS cannot be used with position brackets", True),
        ("Invalid stop loss ticks (40). Ticks should be less than zero when longing.", False),
        (None, False),
    ],
)
async def test_the_refusal_of_brackets_is_an_error_of_its_own(words: str | None, kind: bool) -> None:
    async with bench() as test:
        test.peer.script["/api/Order/place"] = no(2, words, orderId=9057)
        with pytest.raises(BrokerRejected, match=re.escape(words or "does not say why")) as caught:
            await test.broker.place_order(request(bracket=Bracket(stop_ticks=40)))
        assert isinstance(caught.value, BracketsUnavailable) is kind
        assert (caught.value.code, caught.value.broker_order_id) == (2, "9057")
        assert len(test.peer.sent_to("/api/Order/place")) == 1


async def test_an_acceptance_without_an_id_is_in_doubt() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/place"] = ok(orderId=None)
        with pytest.raises(OrderInDoubt):
            await test.broker.place_order(request())


async def test_closing_all_and_closing_a_part_are_different_calls() -> None:
    async with bench() as test:
        test.peer.script["/api/Position/closeContract"] = ok()
        test.peer.script["/api/Position/partialCloseContract"] = ok()
        await test.broker.close_position("26282486", MNQ)
        await test.broker.close_position("26282486", MNQ, 2)
        with pytest.raises(InvalidRequest):
            await test.broker.close_position("26282486", MNQ, 0)
        assert test.peer.sent_to("/api/Position/closeContract")[0].body == {
            "accountId": 26282486,
            "contractId": MNQ,
        }
        assert test.peer.sent_to("/api/Position/partialCloseContract")[0].body["size"] == 2


async def test_records_introduce_their_instruments_first() -> None:
    async with bench() as test:
        rows = [order(1), order(2, contractId="CON.F.US.MNQ.U26"), order(3, contractId="CON.F.US.GONE.U20")]
        test.peer.script["/api/Order/search"] = ok(orders=rows)
        span = Span(NOW - timedelta(days=1), NOW)
        assert len(await test.broker.get_orders("26282486", span)) == 3
        assert {event.instrument.name for event in test.of(InstrumentResolved)} == {"MNQZ6", "MNQU6"}
        assert test.peer.sent_to("/api/Order/search")[0].body["startTimestamp"] == "2026-11-17T15:00:00Z"


# -- streams -----------------------------------------------------------------------------------------------------


async def test_market_wishes_are_subscribed_and_quotes_flow() -> None:
    async with bench() as test:
        await test.broker.subscribe(frozenset({MarketSubscription(MNQ, depth=True)}))
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await until(test.is_up(Channel.MARKET))
        line = next(each for each in test.hub.lines if ("SubscribeContractQuotes", [MNQ]) in each.calls)
        assert ("SubscribeContractMarketDepth", [MNQ]) in line.calls
        await line.event(
            "GatewayQuote", MNQ, {"bestBid": 25000, "bestAsk": 25000.25, "timestamp": NOW.isoformat()}
        )
        await until(lambda: test.of(QuoteReceived))
        assert (await test.broker.get_market_quote(MNQ)).ask == 25000.25


async def test_wishes_for_an_unknown_contract_are_refused() -> None:
    async with bench() as test:
        with pytest.raises(InvalidRequest, match="no contract"):
            await test.broker.subscribe(frozenset({MarketSubscription("CON.F.US.XYZ.Z26")}))


async def test_an_event_of_a_contract_never_met_brings_its_instrument() -> None:
    async with bench() as test:
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await until(test.is_up(Channel.ACCOUNT))
        line = next(each for each in test.hub.lines if ("SubscribeAccounts", []) in each.calls)
        await line.event("GatewayUserOrder", {"action": 1, "data": order(9, contractId="CON.F.US.NEW.Z26")})
        await until(lambda: test.of(InstrumentResolved))
        assert test.of(OrderReported)[0].report.instrument_id == "CON.F.US.NEW.Z26"
        assert test.of(InstrumentResolved)[0].instrument.name == "NEWZ6"


async def test_a_known_contract_is_introduced_before_the_event_that_names_it() -> None:
    async with bench() as test:
        await test.broker.resolve("NQ")
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await until(test.is_up(Channel.ACCOUNT))
        line = next(each for each in test.hub.lines if ("SubscribeAccounts", []) in each.calls)
        position = {
            "id": 5,
            "accountId": 26282486,
            "contractId": MNQ,
            "creationTimestamp": "2026-11-18T14:00:00+00:00",
            "type": 1,
            "size": 2,
            "averagePrice": 25000.25,
        }
        await line.event("GatewayUserPosition", {"action": 1, "data": position})
        await until(lambda: test.of(PositionReported))
        kinds = [type(event) for event in test.told]
        assert kinds.index(PositionReported) > max(
            i for i, kind in enumerate(kinds) if kind is InstrumentResolved
        )
        assert test.of(InstrumentResolved)[-1].instrument.instrument_id == MNQ


# -- history -----------------------------------------------------------------------------------------------------


class Minutes:
    """A gateway with one bar a minute, newest first, at most `cap` per request."""

    def __init__(self, count: int, cap: int = 20_000, *, inclusive_end: bool = False) -> None:
        self.start = datetime(2026, 11, 1, tzinfo=UTC)
        self.times = [self.start + timedelta(minutes=n) for n in range(count)]
        self.cap = cap
        self.inclusive_end = inclusive_end

    def __call__(self, call: Call) -> Answer:
        start, end = (datetime.fromisoformat(call.body[key]) for key in ("startTime", "endTime"))
        last = end + timedelta(microseconds=1 if self.inclusive_end else 0)
        times = [time for time in self.times if start <= time < last][-min(self.cap, call.body["limit"]) :]
        bars = [
            {"t": t.isoformat(), "o": 1, "h": 2, "l": 0.5, "c": 1.25, "v": t.minute} for t in reversed(times)
        ]
        return ok(bars=bars)


@pytest.mark.parametrize(
    ("count", "cap", "inclusive", "requests"),
    [(500, 20_000, False, 1), (44_500, 20_000, False, 3), (44_500, 20_000, True, 3), (2500, 1000, False, 3)],
)
async def test_history_is_paged_backwards_and_comes_oldest_first(
    count: int, cap: int, inclusive: bool, requests: int
) -> None:
    # making so many bars may take the peer longer than a quick broker would wait
    async with bench(msgspec.structs.replace(QUICK, reply=30.0)) as test:
        gateway = Minutes(count, cap, inclusive_end=inclusive)
        test.peer.script["/api/History/retrieveBars"] = gateway
        span = Span(gateway.start - timedelta(days=1), gateway.start + timedelta(days=60))
        bars = await test.broker.get_historical_data(MNQ, Timeframe.parse("1m"), span)
        assert list(bars.time) == [int(time.timestamp()) for time in gateway.times]
        assert len(test.peer.sent_to("/api/History/retrieveBars")) == requests


async def test_history_stays_within_its_span() -> None:
    async with bench() as test:
        gateway = Minutes(100, inclusive_end=True)
        test.peer.script["/api/History/retrieveBars"] = gateway
        span = Span(gateway.start + timedelta(minutes=10), gateway.start + timedelta(minutes=12))
        bars = await test.broker.get_historical_data(MNQ, Timeframe.parse("1m"), span)
        assert list(bars) == [
            Bar(gateway.start + timedelta(minutes=10), 1.0, 2.0, 0.5, 1.25, 10),
            Bar(gateway.start + timedelta(minutes=11), 1.0, 2.0, 0.5, 1.25, 11),
        ]
        body = test.peer.sent_to("/api/History/retrieveBars")[0].body
        assert (body["unit"], body["unitNumber"], body["includePartialBar"]) == (2, 1, False)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [("30s", 1, 30), ("5m", 2, 5), ("4h", 3, 4), ("1d", 4, 1), ("2w", 5, 2), ("1mo", 6, 1)],
)
async def test_timeframes_have_their_unit(text: str, unit: int, number: int) -> None:
    async with bench() as test:
        test.peer.script["/api/History/retrieveBars"] = ok(bars=None)
        span = Span(NOW - timedelta(days=1), NOW)
        assert len(await test.broker.get_historical_data(MNQ, Timeframe.parse(text), span)) == 0
        body = test.peer.sent_to("/api/History/retrieveBars")[0].body
        assert (body["unit"], body["unitNumber"]) == (unit, number)


async def test_without_a_stream_the_quote_is_the_newest_close() -> None:
    async with bench() as test:
        bar = {"t": NOW.isoformat(), "o": 1, "h": 2, "l": 0.5, "c": 25000.25, "v": 1}
        test.peer.script["/api/History/retrieveBars"] = [ok(bars=[bar]), ok(bars=[])]
        quote = await test.broker.get_market_quote(MNQ)
        assert (quote.last, quote.bid, quote.time) == (25000.25, None, NOW)
        body = test.peer.sent_to("/api/History/retrieveBars")[0].body
        assert (body["limit"], body["includePartialBar"]) == (1, True)
        with pytest.raises(BrokerUnavailable, match="no recent price of MNQZ6"):
            await test.broker.get_market_quote(MNQ)


# -- secrets -----------------------------------------------------------------------------------------------------


async def test_nothing_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with bench() as test:
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await until(test.is_up(Channel.ACCOUNT))
        test.hub.status = 500
        for line in test.hub.lines:
            await line.drop()
        await until(lambda: test.states(Channel.ACCOUNT).count(ChannelState.DOWN) >= 2)
        said = [repr(test.told), repr(test.broker), repr(vars(test.broker))]
    for secret in (KEY, "access_token=", "c2lnbmF0dXJl"):
        assert secret not in "".join(said)
        # aiohttp's own server logs what the peers were asked: only what the package says counts
        assert all(secret not in r.getMessage() for r in caplog.records if not r.name.startswith("aiohttp"))


async def test_many_questions_at_once_log_in_once() -> None:
    async with bench() as test:
        await asyncio.gather(*(test.broker.resolve("MNQ") for _ in range(10)))
        assert test.peer.logins == 1
        assert len(test.peer.sent_to("/api/Contract/available")) == 1
