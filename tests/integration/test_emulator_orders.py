"""Orders at the emulator: the recorded sequences on the hub, and what REST says afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from emulator_fixture import HubClient, RunningEmulator, running_emulator

from tradeconsole.emulator.switches import Switches, UserEnvelope

EVERYTHING = {"startTimestamp": "2020-01-01T00:00:00Z"}
ROW = ["id", "accountId", "contractId", "symbolId", "creationTimestamp", "updateTimestamp", "status", "type"]
ROW += ["side", "size", "limitPrice", "stopPrice", "fillVolume", "filledPrice", "customTag"]


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    """A market that stands still at 30000, with the recorded delays, under a clock that tests step."""
    async with running_emulator(fast=False, event_latency_ms=0.0, frozen=True, volatility=0.0) as running:
        running.set_price("MNQ", 30_000)
        running.step(1)
        yield running


@asynccontextmanager
async def listening(emulator: RunningEmulator) -> AsyncIterator[HubClient]:
    async with emulator.hub("user") as hub:
        await hub.invoke("SubscribeAccounts")
        for thing in ("Orders", "Positions", "Trades"):
            await hub.invoke(f"Subscribe{thing}", emulator.practice_id)
        yield hub


async def place(emulator: RunningEmulator, **changes: object) -> dict[str, Any]:
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    return await emulator.call("/api/Order/place", **(body | {"type": 2, "side": 0} | changes))


async def orders(emulator: RunningEmulator) -> list[dict[str, Any]]:
    envelope = await emulator.call("/api/Order/search", accountId=emulator.practice_id, **EVERYTHING)
    rows: list[dict[str, Any]] = envelope["orders"]
    return rows


async def tell_all(
    emulator: RunningEmulator, hub: HubClient, seconds: float = 1.0
) -> list[tuple[str, int, Any]]:
    """Let time pass and return everything that the hub said: target without prefix, action, data."""
    emulator.step(seconds)
    await hub.invoke("SubscribeAccounts")
    told = [
        (
            event["target"].removeprefix("GatewayUser"),
            event["arguments"][0]["action"],
            event["arguments"][0]["data"],
        )
        for event in hub.events
    ]
    hub.events.clear()
    return told


def story(told: list[tuple[str, int, Any]]) -> list[tuple[str, int]]:
    """Target with order status, or with the action for everything else."""
    return [(target, data["status"] if target == "Order" else action) for target, action, data in told]


async def test_a_market_order_tells_pending_trade_filled_position_account_twice(
    emulator: RunningEmulator,
) -> None:
    async with listening(emulator) as hub:
        envelope = await place(emulator, size=2, customTag="one")
        assert list(envelope) == ["orderId", "success", "errorCode", "errorMessage"]
        told = await tell_all(emulator, hub)
        assert story(told) == [
            ("Order", 6),
            ("Trade", 0),
            ("Order", 2),
            ("Position", 1),
            ("Account", 1),
            ("Account", 1),
        ]
        pending, trade, filled, position, account, _ = (data for _, _, data in told)
        assert "limitPrice" not in pending
        assert "filledPrice" not in pending
        assert "profitAndLoss" not in trade
        assert (trade["fees"], trade["commissions"]) == (0.72, 0.5)
        assert (filled["fillVolume"], filled["filledPrice"]) == (2, trade["price"])
        assert position["contractDisplayName"].startswith("MNQ")
        assert (position["type"], position["size"], position["averagePrice"]) == (1, 2, trade["price"])
        assert account["balance"] == 150_000 - 1.22


async def test_a_bracket_tells_suspended_legs_and_activates_them_at_the_fill_price(
    emulator: RunningEmulator,
) -> None:
    async with listening(emulator) as hub:
        legs = {
            "stopLossBracket": {"ticks": 100, "type": 4},
            "takeProfitBracket": {"ticks": -200, "type": 1},
        }
        entry = (await place(emulator, side=1, customTag="glt", **legs))["orderId"]
        told = await tell_all(emulator, hub, 0.010)
        assert sorted(data["status"] for target, _, data in told if target == "Order") == [2, 6, 8, 8]
        stop = next(data for _, _, data in told if data["id"] == entry + 1)
        target = next(data for _, _, data in told if data["id"] == entry + 2)
        assert (stop["customTag"], target["customTag"]) == ("glt-SL", "glt-TP")
        assert (stop["parentOrderId"], target["parentOrderId"]) == (entry, entry)
        assert "linkedOrderId" not in stop
        assert target["linkedOrderId"] == entry + 1
        assert (stop["trailDistance"], stop["trailPrice"]) == (100, 25)
        filled = next(data["filledPrice"] for _, _, data in told if data.get("filledPrice"))

        told = await tell_all(emulator, hub, 0.030)
        working = {data["id"]: data for target, _, data in told if target == "Order"}
        assert {data["status"] for data in working.values()} == {1}
        assert working[entry + 1]["stopPrice"] == filled + 25
        assert working[entry + 2]["limitPrice"] == filled - 50


async def test_a_leg_that_fills_closes_the_position_and_cancels_its_sibling(
    emulator: RunningEmulator,
) -> None:
    async with listening(emulator) as hub:
        legs = {
            "stopLossBracket": {"ticks": -40, "type": 4},
            "takeProfitBracket": {"ticks": 40, "type": 1},
        }
        entry = (await place(emulator, **legs))["orderId"]
        await tell_all(emulator, hub)
        emulator.set_price("MNQ", 29_980)
        told = await tell_all(emulator, hub)
        assert story(told) == [
            ("Order", 2),
            ("Trade", 0),
            ("Trade", 1),
            ("Position", 2),
            ("Account", 1),
            ("Account", 1),
            ("Order", 3),
        ]
        assert [data["id"] for target, _, data in told if target == "Order"] == [entry + 1, entry + 2]
        closing, opening = (data for target, _, data in told if target == "Trade")
        assert closing["profitAndLoss"] < 0
        assert "profitAndLoss" not in opening
        flat = next(data for target, _, data in told if target == "Position")
        assert (flat["type"], flat["size"]) == (0, 0)
        assert (await emulator.call("/api/Position/searchOpen", accountId=emulator.practice_id))[
            "positions"
        ] == []


async def test_a_refused_order_has_an_id_and_is_found_with_status_5(emulator: RunningEmulator) -> None:
    async with listening(emulator) as hub:
        envelope = await place(emulator, type=1, limitPrice=30_000.1)
        assert envelope["errorCode"] == 2
        assert envelope["errorMessage"] == "Invalid limit price. Price is not aligned to tick size."
        assert story(await tell_all(emulator, hub)) == [("Order", 6), ("Order", 5)]
    found = await emulator.call(
        "/api/Order/searchById", accountId=emulator.practice_id, orderId=envelope["orderId"]
    )
    assert found["order"]["status"] == 5


async def test_a_resting_limit_is_worked_modified_and_cancelled(emulator: RunningEmulator) -> None:
    async with listening(emulator) as hub:
        order_id = (await place(emulator, type=1, limitPrice=29_000, size=3))["orderId"]
        who = {"accountId": emulator.practice_id, "orderId": order_id}
        assert story(await tell_all(emulator, hub))[-1] == ("Order", 1)
        assert (await emulator.call("/api/Order/modify", **who, limitPrice=29_000.25, size=2))["success"]
        ((_, _, changed),) = await tell_all(emulator, hub)
        assert (changed["status"], changed["limitPrice"], changed["size"]) == (1, 29_000.25, 2)
        assert (await emulator.call("/api/Order/cancel", **who))["success"]
        assert story(await tell_all(emulator, hub)) == [("Order", 3)]
        again = await emulator.call("/api/Order/cancel", **who)
        assert (again["success"], again["errorCode"]) == (False, 5)
        unknown = await emulator.call("/api/Order/cancel", accountId=emulator.practice_id, orderId=1)
        assert unknown["errorCode"] == 2


async def test_rest_rows_print_nulls_and_omit_family_members(emulator: RunningEmulator) -> None:
    await place(emulator, type=1, limitPrice=29_000)
    emulator.step(1)
    (row,) = await orders(emulator)
    assert list(row) == ROW
    assert (row["stopPrice"], row["filledPrice"], row["customTag"]) == (None, None, None)


async def test_suspended_legs_are_hidden_from_both_searches_and_shown_by_the_query(
    emulator: RunningEmulator,
) -> None:
    legs = {"stopLossBracket": {"ticks": -40, "type": 4}, "takeProfitBracket": {"ticks": 40, "type": 1}}
    entry = (await place(emulator, type=1, limitPrice=29_000, **legs))["orderId"]
    emulator.step(1)
    account = emulator.practice_id
    open_orders = (await emulator.call("/api/Order/searchOpen", accountId=account))["orders"]
    assert [row["id"] for row in open_orders] == [entry]
    assert [row["id"] for row in await orders(emulator)] == [entry]
    queried = await emulator.call(
        "/api/Order/v2/query", filter={"accountId": account, "statuses": [1, 8]}, includeTotalCount=True
    )
    assert [row["id"] for row in queried["orders"]] == [entry, entry + 1, entry + 2]
    assert queried["totalCount"] == 3
    page = await emulator.call(
        "/api/Order/v2/query",
        filter={"accountId": account},
        pageSize=1,
        pageOffset=1,
        sortBy=1,
        sortDirection=1,
    )
    assert [row["id"] for row in page["orders"]] == [entry + 1]
    assert page["totalCount"] is None


async def test_a_query_out_of_range_is_a_plain_problem(emulator: RunningEmulator) -> None:
    response = await emulator.post(
        "/api/Order/v2/query", {"filter": {"accountId": emulator.practice_id}, "pageSize": 5000}
    )
    assert response.status_code == 400
    assert response.json()["detail"] == "pageSize is out of range."


async def test_a_trailing_stop_is_sent_as_a_level_and_read_back_as_a_distance(
    emulator: RunningEmulator,
) -> None:
    envelope = await place(emulator, type=5, side=1, trailPrice=emulator.last("MNQ") - 10)
    assert envelope["success"], envelope
    emulator.step(1)
    (row,) = await orders(emulator)
    assert (row["trailDistance"], row["trailPrice"]) == (40, 10)


async def test_a_tag_can_be_used_once_even_by_a_refused_order(emulator: RunningEmulator) -> None:
    await place(emulator, type=1, limitPrice=1.1, customTag="once")
    envelope = await place(emulator, customTag="once")
    assert envelope["errorCode"] == 2
    assert envelope["errorMessage"].startswith("Specified custom tag is already in use")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"accountId": 1}, 1),
        ({"contractId": "CON.F.US.NIX.Z26"}, 8),
        ({"contractId": "CON.F.US.MNQ.H20"}, 9),
        ({"type": 3, "limitPrice": 1, "stopPrice": 1}, 2),
        ({"type": 9}, 2),
        ({"side": 5}, 2),
        ({"size": 0}, 2),
        ({"stopLossBracket": {"ticks": 40, "type": 4}}, 2),
    ],
)
async def test_refusals_have_the_codes_of_placement(
    emulator: RunningEmulator, changes: dict[str, object], code: int
) -> None:
    envelope = await place(emulator, **changes)
    assert (envelope["success"], envelope["errorCode"]) == (False, code)


async def test_closing_a_contract_flattens_it_and_leaves_its_legs_working(emulator: RunningEmulator) -> None:
    legs = {"stopLossBracket": {"ticks": -40, "type": 4}, "takeProfitBracket": {"ticks": 40, "type": 1}}
    await place(emulator, **legs)
    emulator.step(1)
    who = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ")}
    assert await emulator.call("/api/Position/closeContract", **who) == {
        "success": True,
        "errorCode": 0,
        "errorMessage": None,
    }
    emulator.step(1)
    assert (await emulator.call("/api/Position/searchOpen", accountId=who["accountId"]))["positions"] == []
    assert len((await emulator.call("/api/Order/searchOpen", accountId=who["accountId"]))["orders"]) == 2
    assert (await emulator.call("/api/Position/closeContract", **who))["errorCode"] == 2


async def test_a_partial_close_reduces_and_checks_its_size(emulator: RunningEmulator) -> None:
    await place(emulator, size=3)
    emulator.step(1)
    who = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ")}
    for size in (0, 4):
        envelope = await emulator.call("/api/Position/partialCloseContract", **who, size=size)
        assert envelope["errorCode"] == 5
    assert (await emulator.call("/api/Position/partialCloseContract", **who, size=1))["success"]
    emulator.step(1)
    (row,) = (await emulator.call("/api/Position/searchOpen", accountId=who["accountId"]))["positions"]
    assert (row["type"], row["size"]) == (1, 2)
    assert list(row) == [
        "id",
        "accountId",
        "contractId",
        "contractDisplayName",
        "creationTimestamp",
        "type",
        "size",
        "averagePrice",
    ]


async def test_trades_come_newest_first_and_opening_ones_have_null_profit(emulator: RunningEmulator) -> None:
    await place(emulator)
    emulator.step(1)
    await place(emulator, side=1)
    emulator.step(1)
    envelope = await emulator.call("/api/Trade/search", accountId=emulator.practice_id, **EVERYTHING)
    closing, opening = envelope["trades"]
    assert closing["id"] > opening["id"]
    assert opening["profitAndLoss"] is None
    assert closing["profitAndLoss"] == (closing["price"] - opening["price"]) * 2 < 0
    assert datetime.fromisoformat(closing["creationTimestamp"]).tzinfo == UTC
    accounts = (await emulator.call("/api/Account/search", onlyActiveAccounts=True))["accounts"]
    charges = sum(row["fees"] + row["commissions"] for row in envelope["trades"])
    assert accounts[0]["balance"] == pytest.approx(150_000 + closing["profitAndLoss"] - charges)


async def test_a_halted_contract_takes_no_orders(emulator: RunningEmulator) -> None:
    emulator.order("halt", contract="MNQ")
    envelope = await place(emulator)
    assert envelope["errorMessage"] == (
        "Trading is currently unavailable. The instrument is not in an active trading status."
    )
    emulator.order("halt", contract="MNQ", halted=False)
    assert (await place(emulator))["success"]


@pytest.mark.parametrize("envelope", [UserEnvelope.FLAT, UserEnvelope.WRAPPED_ARRAY])
async def test_user_events_are_wrapped_as_switched(envelope: UserEnvelope) -> None:
    switches = Switches(user_envelope=envelope)
    async with running_emulator(switches=switches) as emulator, emulator.hub("user") as hub:
        await hub.invoke("SubscribeOrders", emulator.practice_id)
        await place(emulator, type=1, limitPrice=1)
        ((argument,), *_) = await hub.wait_for("GatewayUserOrder")
        entity = argument if envelope is UserEnvelope.FLAT else argument[0]["data"]
        assert entity["accountId"] == emulator.practice_id
