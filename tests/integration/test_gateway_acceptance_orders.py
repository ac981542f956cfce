"""Acceptance of the gateway, orders: recorded sequences A to E and the shapes of their events, to the byte."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from emulator_fixture import running_emulator
from raw_gateway import HubWire, Wire, rest_shape, shape

PRICE = 30_000
DONE = '{"success":true,"errorCode":0,"errorMessage":null}'
SINCE = '"startTimestamp":"2020-01-01T00:00:00Z"'


@dataclass
class Desk:
    """A practice account on MNQ that stands still at 30,000 under a clock that tests step."""

    wire: Wire
    account: int
    contract: str

    @property
    def display(self) -> str:
        """The contract as positions show it, such as `MNQU26`."""
        *_, product, month = self.contract.split(".")
        return product + month

    @property
    def head(self) -> str:
        """How every order's row goes on after its id."""
        return f'"accountId":{self.account},"contractId":"{self.contract}","symbolId":"F.US.MNQ"'

    async def place(self, literal: str) -> dict[str, Any]:
        """Place with the given members; account and contract are added in front."""
        body = f'{{"accountId":{self.account},"contractId":"{self.contract}",{literal}}}'
        answer = await self.wire.post("/api/Order/place", body)
        assert answer.status == 200, answer
        return answer.json()

    async def post(self, path: str, literal: str = "") -> bytes:
        """POST with the account in front, and return the body."""
        body = f'{{"accountId":{self.account}{"," if literal else ""}{literal}}}'
        return (await self.wire.post(path, body)).body

    async def price(self, price: float) -> None:
        await self.wire.control("price", contract="MNQ", price=price)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[HubWire]:
        """The user hub with everything of the account subscribed."""
        async with self.wire.hub("user") as hub:
            assert await hub.invoke("SubscribeAccounts") == b'{"type":3,"invocationId":"0","result":null}'
            for thing in ("Orders", "Positions", "Trades"):
                await hub.invoke(f"Subscribe{thing}", self.account)
            yield hub

    async def told(self, hub: HubWire, seconds: float = 1.0) -> list[bytes]:
        """Let time pass, and return every event."""
        await self.wire.step(seconds)
        return await hub.events_until()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        running_emulator(
            fast=False, event_latency_ms=0.0, frozen=True, volatility=0.0, login=False
        ) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        desk = Desk(wire, (await wire.accounts())[0], await wire.contract("F.US.MNQ"))
        await desk.price(PRICE)
        await wire.step(1)
        yield desk


def story(events: list[bytes]) -> list[tuple[str, int]]:
    """What was told: target without prefix, and the status of orders or the action of all else."""
    told = []
    for event in map(json.loads, events):
        (argument,) = event["arguments"]
        target = event["target"].removeprefix("GatewayUser")
        told.append((target, argument["data"]["status"] if target == "Order" else argument["action"]))
    return told


def entities(events: list[bytes], target: str) -> list[dict[str, Any]]:
    return [
        event["arguments"][0]["data"]
        for event in map(json.loads, events)
        if event["target"] == f"GatewayUser{target}"
    ]


def wrapped(target: str, action: int, data: str) -> str:
    return (
        f'{{"type":1,"target":"GatewayUser{target}","arguments":[{{"action":{action},"data":{{{data}}}}}]}}'
    )


def milliseconds(later: str, earlier: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() * 1000


async def test_sequence_a_a_market_order_to_the_byte(desk: Desk) -> None:
    async with desk.hub() as hub:
        placed = await desk.wire.post(
            "/api/Order/place",
            f'{{"accountId":{desk.account},"contractId":"{desk.contract}","type":2,"side":0,"size":15}}',
        )
        order_id = placed.json()["orderId"]
        assert placed.body == (
            f'{{"orderId":{order_id},"success":true,"errorCode":0,"errorMessage":null}}'.encode()
        )
        events = await desk.told(hub)
    assert story(events) == [
        ("Order", 6), ("Trade", 0), ("Order", 2), ("Position", 1), ("Account", 1), ("Account", 1),
    ]  # fmt: skip
    pending, trade, filled, position, account, again = map(shape, events)
    row = f'"id":{order_id},{desk.head},"creationTimestamp":"<hub>","updateTimestamp":"<hub>"'
    assert pending == wrapped("Order", 1, f'{row},"status":6,"type":2,"side":0,"size":15,"fillVolume":0')
    price = entities(events, "Trade")[0]["price"]
    assert filled == wrapped(
        "Order", 1, f'{row},"status":2,"type":2,"side":0,"size":15,"fillVolume":15,"filledPrice":{price:.10g}'
    )
    trade_id = entities(events, "Trade")[0]["id"]
    assert trade == wrapped(
        "Trade",
        0,
        f'"id":{trade_id},"accountId":{desk.account},"contractId":"{desk.contract}",'
        f'"creationTimestamp":"<hub>","price":{price:.10g},"fees":5.4,"commissions":3.75,"side":0,"size":15,'
        f'"voided":false,"orderId":{order_id}',
    )
    position_id = entities(events, "Position")[0]["id"]
    assert position == wrapped(
        "Position",
        1,
        f'"id":{position_id},"accountId":{desk.account},"contractId":"{desk.contract}",'
        f'"contractDisplayName":"{desk.display}","creationTimestamp":"<hub>","type":1,"size":15,'
        f'"averagePrice":{price:.10g}',
    )
    name = entities(events, "Account")[0]["name"]
    assert (
        account
        == again
        == wrapped(
            "Account",
            1,
            f'"id":{desk.account},"name":"{name}","balance":149990.85,"canTrade":true,"isVisible":true,'
            '"simulated":true',
        )
    )
    assert (order_id, trade_id) > (2**31, 2**31)
    assert position_id < 2**31
    fill = entities(events, "Trade")[0]["creationTimestamp"]
    assert 3 <= milliseconds(fill, entities(events, "Order")[0]["creationTimestamp"]) <= 7
    assert entities(events, "Position")[0]["creationTimestamp"] == fill


async def test_a_filled_order_reads_back_with_nulls_and_the_time_of_its_creation(desk: Desk) -> None:
    order_id = (await desk.place('"type":2,"side":0,"size":1,"customTag":"glt-cd16"'))["orderId"]
    await desk.wire.step(1)
    body = await desk.post("/api/Order/search", SINCE)
    price = json.loads(body)["orders"][0]["filledPrice"]
    assert rest_shape(body) == (
        f'{{"orders":[{{"id":{order_id},{desk.head},"creationTimestamp":"<rest>","updateTimestamp":"<rest>",'
        f'"status":2,"type":2,"side":0,"size":1,"limitPrice":null,"stopPrice":null,"fillVolume":1,'
        f'"filledPrice":{price:.10g},"customTag":"glt-cd16"}}],"success":true,"errorCode":0,"errorMessage":null}}'
    )
    row = json.loads(body)["orders"][0]
    assert row["creationTimestamp"] == row["updateTimestamp"]


BRACKET = (
    '"type":2,"side":1,"size":1,"customTag":"glt-33fa",'
    '"stopLossBracket":{"ticks":101,"type":4},"takeProfitBracket":{"ticks":-99,"type":1}'
)


async def test_sequence_b_an_entry_with_brackets_to_the_byte(desk: Desk) -> None:
    async with desk.hub() as hub:
        entry = (await desk.place(BRACKET))["orderId"]
        events = await desk.told(hub)
    assert story(events) == [
        ("Order", 8), ("Order", 6), ("Order", 8), ("Trade", 0), ("Order", 2), ("Position", 1),
        ("Account", 1), ("Account", 1), ("Order", 1), ("Order", 1),
    ]  # fmt: skip
    told = [shape(event) for event in events if b"GatewayUserOrder" in event]
    stamps = '"creationTimestamp":"<hub>","updateTimestamp":"<hub>"'
    price = entities(events, "Trade")[0]["price"]
    stop = f'"id":{entry + 1},{desk.head},{stamps}'
    target = f'"id":{entry + 2},{desk.head},{stamps}'
    assert told == [
        wrapped("Order", 1, data)
        for data in (
            (
                f'{stop},"status":8,"type":4,"side":0,"size":1,"fillVolume":0,"customTag":"glt-33fa-SL",'
                f'"trailDistance":101,"trailPrice":25.25,"parentOrderId":{entry}'
            ),
            (
                f'"id":{entry},{desk.head},{stamps},"status":6,"type":2,"side":1,"size":1,"fillVolume":0,'
                '"customTag":"glt-33fa"'
            ),
            (
                f'{target},"status":8,"type":1,"side":0,"size":1,"fillVolume":0,"customTag":"glt-33fa-TP",'
                f'"trailDistance":-99,"trailPrice":-24.75,"parentOrderId":{entry},"linkedOrderId":{entry + 1}'
            ),
            (
                f'"id":{entry},{desk.head},{stamps},"status":2,"type":2,"side":1,"size":1,"fillVolume":1,'
                f'"filledPrice":{price:.10g},"customTag":"glt-33fa"'
            ),
            (
                f'{target},"status":1,"type":1,"side":0,"size":1,"limitPrice":{price - 24.75:.10g},"fillVolume":0,'
                f'"customTag":"glt-33fa-TP","parentOrderId":{entry},"linkedOrderId":{entry + 1}'
            ),
            (
                f'{stop},"status":1,"type":4,"side":0,"size":1,"stopPrice":{price + 25.25:.10g},"fillVolume":0,'
                f'"customTag":"glt-33fa-SL","parentOrderId":{entry}'
            ),
        )
    ]
    orders = entities(events, "Order")
    assert len({order["creationTimestamp"] for order in orders}) == 1
    fill = entities(events, "Trade")[0]["creationTimestamp"]
    for child in orders[4:]:
        assert 17 <= milliseconds(child["updateTimestamp"], fill) <= 32


async def test_suspended_children_are_seen_by_the_query_alone(desk: Desk) -> None:
    entry = (await desk.place('"limitPrice":31000,' + BRACKET.replace('"type":2', '"type":1', 1)))["orderId"]
    await desk.wire.step(1)
    for path, literal in (("/api/Order/searchOpen", ""), ("/api/Order/search", SINCE)):
        assert [row["id"] for row in json.loads(await desk.post(path, literal))["orders"]] == [entry]
    body = f'{{"filter":{{"accountId":{desk.account},"statuses":[1,8]}},"includeTotalCount":true}}'
    found = (await desk.wire.post("/api/Order/v2/query", body)).json()
    assert [(row["id"], row["status"]) for row in found["orders"]] == [
        (entry, 1), (entry + 1, 8), (entry + 2, 8),
    ]  # fmt: skip
    assert list(found) == ["orders", "totalCount", "success", "errorCode", "errorMessage"]
    assert found["totalCount"] == 3
    assert "linkedOrderId" not in found["orders"][1]
    assert found["orders"][2]["linkedOrderId"] == entry + 1


async def test_sequence_c_a_stop_that_fills_closes_and_cancels_its_sibling_to_the_byte(desk: Desk) -> None:
    async with desk.hub() as hub:
        entry = (await desk.place(BRACKET))["orderId"]
        opened = await desk.told(hub)
        await desk.price(PRICE + 30)
        events = await desk.told(hub)
    assert story(events) == [
        ("Order", 2), ("Trade", 0), ("Trade", 1), ("Position", 2), ("Account", 1), ("Account", 1), ("Order", 3),
    ]  # fmt: skip
    leg, sibling = entities(events, "Order")
    assert (leg["id"], sibling["id"]) == (entry + 1, entry + 2)
    closing, reemitted = entities(events, "Trade")
    assert reemitted == entities(opened, "Trade")[0]
    entry_price = entities(opened, "Trade")[0]["price"]
    assert closing["price"] >= entry_price + 25.25
    profit = 2 * (entry_price - closing["price"])
    assert shape(events[1]) == wrapped(
        "Trade",
        0,
        f'"id":{closing["id"]},"accountId":{desk.account},"contractId":"{desk.contract}",'
        f'"creationTimestamp":"<hub>","price":{closing["price"]:.10g},"profitAndLoss":{profit:.10g},"fees":0.36,'
        f'"commissions":0.25,"side":0,"size":1,"voided":false,"orderId":{entry + 1}',
    )
    position_id = entities(opened, "Position")[0]["id"]
    assert shape(events[3]) == wrapped(
        "Position",
        2,
        f'"id":{position_id},"accountId":{desk.account},"contractId":"{desk.contract}",'
        f'"contractDisplayName":"{desk.display}","creationTimestamp":"<hub>","type":0,"size":0,'
        f'"averagePrice":{entry_price:.10g}',
    )
    assert 11 <= milliseconds(sibling["updateTimestamp"], closing["creationTimestamp"]) <= 14
    balance = entities(events, "Account")[-1]["balance"]
    assert balance == pytest.approx(150_000 + profit - 2 * 0.61)


async def test_a_target_that_fills_cancels_the_stop(desk: Desk) -> None:
    async with desk.hub() as hub:
        entry = (await desk.place(BRACKET))["orderId"]
        await desk.told(hub)
        await desk.price(PRICE - 30)
        events = await desk.told(hub)
    assert [(order["id"], order["status"]) for order in entities(events, "Order")] == [
        (entry + 2, 2),
        (entry + 1, 3),
    ]
    assert entities(events, "Trade")[0]["profitAndLoss"] > 0


async def test_children_of_a_bracket_read_back_as_recorded(desk: Desk) -> None:
    entry = (await desk.place(BRACKET))["orderId"]
    await desk.wire.step(1)
    await desk.price(PRICE + 30)
    await desk.wire.step(1)
    rows = json.loads(await desk.post("/api/Order/search", SINCE))["orders"]
    assert [(row["id"], row["status"]) for row in rows] == [(entry, 2), (entry + 1, 2), (entry + 2, 3)]
    entry_row, stop, target = rows
    assert list(stop) == [*entry_row, "parentOrderId"]
    assert list(target) == [*entry_row, "parentOrderId", "linkedOrderId"]
    # not moved by its fill: that is the time of the activation
    assert milliseconds(stop["updateTimestamp"], stop["creationTimestamp"]) < 100
    assert milliseconds(target["updateTimestamp"], target["creationTimestamp"]) > 900


async def test_sequence_d_a_refused_order_to_the_byte(desk: Desk) -> None:
    async with desk.hub() as hub:
        answer = await desk.wire.post(
            "/api/Order/place",
            f'{{"accountId":{desk.account},"contractId":"{desk.contract}","type":1,"side":1,"size":1,'
            '"limitPrice":30000.1,"customTag":"glt-33fa8e1e"}',
        )
        order_id = answer.json()["orderId"]
        assert answer.body.decode() == (
            f'{{"orderId":{order_id},"success":false,"errorCode":2,'
            '"errorMessage":"Invalid limit price. Price is not aligned to tick size."}'
        )
        events = await desk.told(hub)
    assert story(events) == [("Order", 6), ("Order", 5)]
    pending, rejected = entities(events, "Order")
    assert 2 <= milliseconds(rejected["updateTimestamp"], pending["creationTimestamp"]) <= 3
    assert shape(events[1]) == wrapped(
        "Order",
        1,
        f'"id":{order_id},{desk.head},"creationTimestamp":"<hub>","updateTimestamp":"<hub>","status":5,'
        '"type":1,"side":1,"size":1,"limitPrice":30000.1,"fillVolume":0,"customTag":"glt-33fa8e1e"',
    )
    found = json.loads(await desk.post("/api/Order/searchById", f'"orderId":{order_id}'))
    assert (found["order"]["status"], found["errorCode"]) == (5, 0)


async def test_sequence_e_a_resting_order_is_worked_modified_and_cancelled_to_the_byte(desk: Desk) -> None:
    async with desk.hub() as hub:
        order_id = (await desk.place('"type":4,"side":0,"size":2,"stopPrice":30100'))["orderId"]
        assert story(await desk.told(hub)) == [("Order", 6), ("Order", 1)]
        assert (
            await desk.post("/api/Order/modify", f'"orderId":{order_id},"stopPrice":30100.25')
        ).decode() == DONE
        (modified,) = await desk.told(hub)
        row = f'"id":{order_id},{desk.head},"creationTimestamp":"<hub>","updateTimestamp":"<hub>"'
        end = '"type":4,"side":0,"size":2,"stopPrice":30100.25,"fillVolume":0'
        assert shape(modified) == wrapped("Order", 1, f'{row},"status":1,{end}')
        assert (await desk.post("/api/Order/cancel", f'"orderId":{order_id}')).decode() == DONE
        (cancelled,) = await desk.told(hub)
        assert shape(cancelled) == wrapped("Order", 1, f'{row},"status":3,{end}')
        again = await desk.post("/api/Order/cancel", f'"orderId":{order_id}')
        assert again.decode() == '{"success":false,"errorCode":5,"errorMessage":null}'
        unknown = await desk.post("/api/Order/cancel", '"orderId":17')
        assert unknown.decode() == '{"success":false,"errorCode":2,"errorMessage":null}'
        assert await desk.told(hub) == []


@pytest.mark.parametrize(
    ("literal", "status"),
    [
        ('"type":1,"side":0,"size":1,"limitPrice":29900', 1),
        ('"type":1,"side":0,"size":1,"limitPrice":30100', 2),
        ('"type":2,"side":0,"size":1', 2),
        ('"type":4,"side":0,"size":1,"stopPrice":30100', 1),
        ('"type":5,"side":1,"size":1,"trailPrice":29990', 1),
        ('"type":6,"side":0,"size":1', 1),
        ('"type":7,"side":1,"size":1', 1),
        ('"type":2,"side":0,"size":1,"linkedOrderId":5', 2),
        (('"type":2,"side":0,"size":1,"limitPrice":null,"stopPrice":null,"trailPrice":null,"customTag":null,'
         '"stopLossBracket":null,"takeProfitBracket":null'), 2),
    ],
)  # fmt: skip
async def test_every_type_of_order_can_be_placed(desk: Desk, literal: str, status: int) -> None:
    placed = await desk.place(literal)
    assert placed["success"], placed
    await desk.wire.step(1)
    found = json.loads(await desk.post("/api/Order/searchById", f'"orderId":{placed["orderId"]}'))
    assert found["order"]["status"] == status


@pytest.mark.parametrize(
    ("literal", "message"),
    [
        ('"type":1,"side":0,"size":1,"limitPrice":30000.1', "Invalid limit price. Price is not aligned to tick size."),
        ('"type":4,"side":0,"size":1,"stopPrice":30100.1', "Invalid stop price. Price is not aligned to tick size."),
        ('"type":4,"side":0,"size":1,"stopPrice":29000', "Invalid price. Price is outside allowed range."),
        ('"type":5,"side":1,"size":1', "Trail Distance not set."),
        ('"type":5,"side":1,"size":1,"trailPrice":29990.1', "Invalid trail price. Price is not aligned to tick size."),
        ('"type":5,"side":1,"size":1,"trailPrice":10', "Trail Distance exceeds maximum (1000)"),
        ('"type":2,"side":0,"size":1,"stopLossBracket":{"ticks":40,"type":4}',
         "Invalid stop loss ticks (40). Ticks should be less than zero when longing."),
        ('"type":2,"side":1,"size":1,"takeProfitBracket":{"ticks":426,"type":1}',
         "Invalid take profit ticks (426). Ticks should be less than zero when going short."),
        ('"type":2,"side":1,"size":1,"stopLossBracket":{"ticks":-50,"type":4}',
         "Invalid stop loss ticks (-50). Stop loss tick value should be at least 4 ticks."),
        ('"type":2,"side":0,"size":1,"stopLossBracket":{"ticks":-40,"type":1}', "Invalid stop loss type (Limit)"),
    ],
)  # fmt: skip
async def test_refusals_have_the_recorded_words_and_an_order_of_status_5(
    desk: Desk, literal: str, message: str
) -> None:
    refused = await desk.place(literal)
    assert list(refused) == ["orderId", "success", "errorCode", "errorMessage"]
    assert (refused["success"], refused["errorCode"], refused["errorMessage"]) == (False, 2, message)
    await desk.wire.step(1)
    found = json.loads(await desk.post("/api/Order/searchById", f'"orderId":{refused["orderId"]}'))
    assert found["order"]["status"] == 5


async def test_a_tag_is_used_up_for_ever_even_by_a_refused_order(desk: Desk) -> None:
    await desk.place('"type":1,"side":0,"size":1,"limitPrice":0.1,"customTag":"once"')
    refused = await desk.place('"type":2,"side":0,"size":1,"customTag":"once"')
    assert (refused["success"], refused["errorCode"]) == (False, 2)
    assert refused["errorMessage"].startswith("Specified custom tag is already in use")


async def test_a_trailing_stop_is_sent_as_a_level_and_reads_back_as_a_distance(desk: Desk) -> None:
    async with desk.hub() as hub:
        order_id = (await desk.place('"type":5,"side":1,"size":1,"trailPrice":29990'))["orderId"]
        events = await desk.told(hub)
        assert entities(events, "Order")[-1]["trailPrice"] == 10
    (row,) = json.loads(await desk.post("/api/Order/searchOpen"))["orders"]
    assert (row["id"], row["trailDistance"], row["trailPrice"]) == (order_id, 40, 10)
    assert list(row)[-2:] == ["trailDistance", "trailPrice"]


async def test_closing_a_contract_gives_no_order_id_and_leaves_the_children_working(desk: Desk) -> None:
    entry = (await desk.place(BRACKET))["orderId"]
    await desk.wire.step(1)
    close = f'"contractId":"{desk.contract}"'
    assert (await desk.post("/api/Position/closeContract", close)).decode() == DONE
    await desk.wire.step(1)
    assert (await desk.post("/api/Position/searchOpen")).decode() == '{"positions":[],' + DONE[1:]
    rows = json.loads(await desk.post("/api/Order/searchOpen"))["orders"]
    assert [row["id"] for row in rows] == [entry + 1, entry + 2]
    closing = json.loads(await desk.post("/api/Order/search", SINCE))["orders"][-1]
    assert (closing["type"], closing["status"], closing["side"], closing["customTag"]) == (2, 2, 0, None)
    flat = await desk.post("/api/Position/closeContract", close)
    assert flat.decode() == '{"success":false,"errorCode":2,"errorMessage":null}'


async def test_a_partial_close_of_a_wrong_size_is_code_5(desk: Desk) -> None:
    await desk.place('"type":2,"side":0,"size":3')
    await desk.wire.step(1)
    for size in (0, -1, 4):
        refused = await desk.post(
            "/api/Position/partialCloseContract", f'"contractId":"{desk.contract}","size":{size}'
        )
        assert refused.decode() == '{"success":false,"errorCode":5,"errorMessage":null}'
    done = await desk.post("/api/Position/partialCloseContract", f'"contractId":"{desk.contract}","size":1')
    assert done.decode() == DONE
    await desk.wire.step(1)
    body = await desk.post("/api/Position/searchOpen")
    (row,) = json.loads(body)["positions"]
    assert rest_shape(body) == (
        f'{{"positions":[{{"id":{row["id"]},"accountId":{desk.account},"contractId":"{desk.contract}",'
        f'"contractDisplayName":"{desk.display}","creationTimestamp":"<rest>","type":1,"size":2,'
        f'"averagePrice":{row["averagePrice"]:.10g}}}],' + DONE[1:]
    )


async def test_trades_come_newest_first_with_a_null_profit_where_they_opened(desk: Desk) -> None:
    first = (await desk.place('"type":2,"side":0,"size":1'))["orderId"]
    await desk.wire.step(1)
    await desk.price(PRICE + 10)
    second = (await desk.place('"type":2,"side":1,"size":1'))["orderId"]
    await desk.wire.step(1)
    body = await desk.post("/api/Trade/search", SINCE)
    closing, opening = json.loads(body)["trades"]
    where = f'"accountId":{desk.account},"contractId":"{desk.contract}","creationTimestamp":"<rest>"'
    profit = 2 * (closing["price"] - opening["price"])
    assert rest_shape(body) == (
        f'{{"trades":[{{"id":{closing["id"]},{where},"price":{closing["price"]:.10g},'
        f'"profitAndLoss":{profit:.10g},"fees":0.36,"commissions":0.25,"side":1,"size":1,"voided":false,'
        f'"orderId":{second}}},'
        f'{{"id":{opening["id"]},{where},"price":{opening["price"]:.10g},'
        f'"profitAndLoss":null,"fees":0.36,"commissions":0.25,"side":0,"size":1,"voided":false,'
        f'"orderId":{first}}}],' + DONE[1:]
    )
    assert closing["id"] > opening["id"] > 2**31


async def test_an_event_and_its_row_differ_by_the_hubs_seventh_digit_alone(desk: Desk) -> None:
    async with desk.hub() as hub:
        await desk.place('"type":1,"side":0,"size":1,"limitPrice":29900')
        told = entities(await desk.told(hub), "Order")[-1]["creationTimestamp"]
    row = json.loads(await desk.post("/api/Order/search", SINCE))["orders"][0]["creationTimestamp"]
    in_rest = re.sub(r"\+00:00$", "", row).ljust(26, "0")
    assert re.sub(r"\+00:00$", "", told).startswith(in_rest.rstrip("0"))
