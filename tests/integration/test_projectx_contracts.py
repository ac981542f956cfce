"""Contracts that roll, lists that cannot be read, and wishes for both."""

from datetime import timedelta

import pytest
from projectx_bench import CONTRACTS, MNQ, NOW, Bench, bench, contract, order, request
from projectx_hub_peer import until
from projectx_peer import Answer, no, ok

from tradeconsole.domain.events import Channel, InstrumentResolved
from tradeconsole.domain.market import Span
from tradeconsole.errors import BrokerRejected, BrokerUnavailable, InvalidRequest
from tradeconsole.ports import MarketSubscription

LIST = "/api/Contract/available"
ROLLED = ok(contracts=[contract("MNQ", "MNQH7", "H27"), *CONTRACTS[1:]])


def told(test: Bench) -> list[tuple[str, bool]]:
    """Instruments as they were told, and whether they were the active ones."""
    return [(e.instrument.name, e.instrument.active) for e in test.of(InstrumentResolved)]


async def test_the_list_is_read_again_after_hours_and_a_roll_is_told() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script[LIST] = ROLLED
        test.today += timedelta(hours=3, minutes=59)
        assert (await test.broker.resolve("MNQ")).name == "MNQZ6"
        test.today += timedelta(minutes=1)
        assert (await test.broker.resolve("MNQ")).name == "MNQH7"
        assert told(test) == [("MNQZ6", True), ("MNQZ6", False), ("MNQH7", True)]
        assert len(test.peer.sent_to(LIST)) == 2


async def test_a_clock_that_is_set_back_makes_the_list_old() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.today -= timedelta(days=365)
        await test.broker.resolve("MNQ")
        assert len(test.peer.sent_to(LIST)) == 2


@pytest.mark.parametrize(
    "failure", [Answer(status=503), Answer(b""), ok(contracts=[]), ok(contracts=None)], ids=str
)
async def test_a_list_that_cannot_be_read_again_leaves_the_old_one(
    failure: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script[LIST] = failure
        test.today += timedelta(days=1)
        for _ in range(3):
            assert (await test.broker.resolve("MNQ")).name == "MNQZ6"
        assert len(test.peer.sent_to(LIST)) == 2
        assert "could not be read again" in caplog.text
        test.peer.script[LIST] = ROLLED
        test.today += timedelta(minutes=1)
        assert (await test.broker.resolve("MNQ")).name == "MNQH7"


async def test_a_product_that_is_not_listed_is_not_taken_for_rolled() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script[LIST] = ok(contracts=CONTRACTS[1:])
        test.today += timedelta(days=1)
        await test.broker.resolve("NQ")
        assert await test.broker.place_order(request())
        test.peer.script[LIST] = ROLLED
        test.today += timedelta(days=1)
        assert (await test.broker.resolve("MNQ")).name == "MNQH7"
        assert ("MNQZ6", False) in told(test)


async def test_a_refusal_for_a_rolled_contract_tells_both_contracts() -> None:
    async with bench() as test:
        await test.broker.resolve("MNQ")
        test.peer.script["/api/Order/place"] = no(9, orderId=17)
        test.peer.script[LIST] = ROLLED
        with pytest.raises(BrokerRejected, match="active one is MNQH7"):
            await test.broker.place_order(request())
        assert told(test)[1:] == [("MNQZ6", False), ("MNQH7", True)]


async def test_a_wish_for_streams_stands_although_the_contract_cannot_be_looked_up() -> None:
    async with bench() as test:
        wanted = frozenset({MarketSubscription(MNQ)})
        test.peer.script[LIST] = Answer(status=503)
        with pytest.raises(BrokerUnavailable):
            await test.broker.subscribe(wanted)
        await test.broker.stream([])
        await until(test.is_up(Channel.MARKET))
        calls = [name for line in test.hub.lines for name, args in line.calls if args == [MNQ]]
        assert calls == ["SubscribeContractQuotes", "SubscribeContractTrades"]


async def test_a_contract_that_nobody_knows_does_not_hide_the_others_and_is_asked_for_once() -> None:
    async with bench() as test:
        gone, old = "CON.F.US.GONE.U20", "CON.F.US.MNQ.U26"
        rows = [order(1, contractId=gone), order(2, contractId=old), order(3)]
        test.peer.script["/api/Order/search"] = ok(orders=rows)
        for _ in range(3):
            assert len(await test.broker.get_orders("26282486", Span(NOW - timedelta(days=1), NOW))) == 3
        assert {event.instrument.name for event in test.of(InstrumentResolved)} == {"MNQZ6", "MNQU6"}
        asked = [call.body["contractId"] for call in test.peer.sent_to("/api/Contract/searchById")]
        assert sorted(asked) == [gone, old]
        test.today += timedelta(hours=4)
        await test.broker.get_orders("26282486", Span(NOW - timedelta(days=1), NOW))
        assert len(test.peer.sent_to("/api/Contract/searchById")) == 3, "it may have come with a new list"


async def test_a_wish_for_an_unknown_contract_does_not_take_the_others_with_it() -> None:
    async with bench() as test:
        unknown = MarketSubscription("CON.F.US.AAA.Z26")
        with pytest.raises(InvalidRequest, match="no contract"):
            await test.broker.subscribe(frozenset({unknown, MarketSubscription(MNQ)}))
        await test.broker.stream([])
        await until(test.is_up(Channel.MARKET))
        assert {tuple(args) for line in test.hub.lines for _, args in line.calls if args} == {(MNQ,)}
