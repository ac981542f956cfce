"""Orders of the control plane that change what the venue does, as a drill gives them: over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from emulator_fixture import RunningEmulator, running_emulator

from tradeconsole.emulator import remote
from tradeconsole.emulator.operations import OPERATIONS, Operation
from tradeconsole.errors import BrokerUnavailable

SEARCH = {"onlyActiveAccounts": True}


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    """A market that stands still, and a clock that is stepped."""
    async with running_emulator(frozen=True, volatility=0.0) as running:
        yield running


async def ctl(emulator: RunningEmulator, name: str, /, **arguments: object) -> dict[str, Any]:
    """Give an order; the status after it."""
    answer = await emulator.http.post(f"{emulator.url}/__emu/{name}", json=arguments)
    assert answer.status_code == 200, answer.text
    status: dict[str, Any] = answer.json()
    return status


async def refusal(emulator: RunningEmulator, name: str, /, **arguments: object) -> str:
    """Give an order that cannot be followed; why not."""
    answer = await emulator.http.post(f"{emulator.url}/__emu/{name}", json=arguments)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


async def place(emulator: RunningEmulator, **changes: object) -> dict[str, Any]:
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    return await emulator.call("/api/Order/place", **(body | {"type": 2, "side": 0} | changes))


async def order(emulator: RunningEmulator, order_id: int) -> dict[str, Any]:
    found = await emulator.call("/api/Order/searchById", accountId=emulator.practice_id, orderId=order_id)
    row: dict[str, Any] = found["order"]
    return row


async def test_a_roll_makes_the_next_expiry_active_and_refuses_the_old_one(emulator: RunningEmulator) -> None:
    old = emulator.contract("MNQ")
    await ctl(emulator, "roll", product="MNQ")
    listed = await emulator.call("/api/Contract/available", live=False)
    (new,) = [row["id"] for row in listed["contracts"] if row["symbolId"] == "F.US.MNQ"]
    assert new != old
    found = await emulator.call("/api/Contract/searchById", contractId=old)
    assert found["contract"]["activeContract"] is False
    refused = await place(emulator, contractId=old)
    assert (refused["success"], refused["errorCode"], refused["errorMessage"]) == (False, 9, None)
    assert (await place(emulator, contractId=new))["success"]


async def test_a_position_in_a_rolled_contract_can_still_be_closed(emulator: RunningEmulator) -> None:
    old = emulator.contract("MNQ")
    await place(emulator)
    emulator.step(1)
    await ctl(emulator, "roll", product="MNQ")
    closed = await emulator.call(
        "/api/Position/closeContract", accountId=emulator.practice_id, contractId=old
    )
    assert closed["success"]


async def test_a_rolled_product_stays_rolled_over_a_restart(tmp_path: Path) -> None:
    async with running_emulator(state_dir=tmp_path) as emulator:
        await ctl(emulator, "roll", product="MNQ")
        rolled = emulator.contract("MNQ")
    async with running_emulator(state_dir=tmp_path) as emulator:
        assert emulator.contract("MNQ") == rolled


async def test_an_unknown_product_cannot_be_rolled(emulator: RunningEmulator) -> None:
    assert "unknown symbol" in await refusal(emulator, "roll", product="NOPE")


async def test_the_next_orders_are_refused_with_code_and_words(emulator: RunningEmulator) -> None:
    status = await ctl(emulator, "reject", orders=2, code=10, message="Follower accounts cannot trade")
    assert status["faults"] == ["reject ×2 code 10"]
    for _ in range(2):
        refused = await place(emulator)
        assert (refused["errorCode"], refused["errorMessage"]) == (10, "Follower accounts cannot trade")
        assert (await order(emulator, refused["orderId"]))["status"] == 5
    assert (await place(emulator))["success"]


async def test_an_accepted_order_is_refused_on_the_hub_without_a_reason(emulator: RunningEmulator) -> None:
    await ctl(emulator, "reject", later=True)
    async with emulator.hub("user") as hub:
        await hub.invoke("SubscribeOrders", emulator.practice_id)
        accepted = await place(emulator, stopLossBracket={"ticks": -20, "type": 4})
        assert accepted["success"]
        emulator.step(1)
        events = await hub.wait_for("GatewayUserOrder", 4)
    told = [(event["data"]["type"], event["data"]["status"]) for (event,) in events]
    assert told == [(4, 8), (2, 6), (2, 5), (4, 5)]
    assert all("errorMessage" not in event["data"] for (event,) in events)
    assert (await order(emulator, accepted["orderId"]))["status"] == 5


async def test_an_order_that_is_refused_later_and_cancelled_first_stays_cancelled(
    emulator: RunningEmulator,
) -> None:
    await ctl(emulator, "reject", later=True)
    placed = await place(emulator, type=1, limitPrice=1)
    await emulator.call("/api/Order/cancel", accountId=emulator.practice_id, orderId=placed["orderId"])
    emulator.step(1)
    assert (await order(emulator, placed["orderId"]))["status"] == 3


async def test_fills_come_in_portions_with_time_between(emulator: RunningEmulator) -> None:
    await ctl(emulator, "fills", size=2, gap_ms=500)
    placed = await place(emulator, size=5)
    seen = []
    for _ in range(3):
        emulator.step(0.4)
        row = await order(emulator, placed["orderId"])
        seen.append((row["status"], row["fillVolume"]))
    assert seen == [(1, 2), (1, 4), (2, 5)]
    trades = await emulator.call(
        "/api/Trade/search", accountId=emulator.practice_id, startTimestamp="2020-01-01T00:00:00Z"
    )
    assert [row["size"] for row in trades["trades"]] == [1, 2, 2]


async def test_a_number_of_cut_fills_is_cut_and_the_rest_comes_whole(emulator: RunningEmulator) -> None:
    await ctl(emulator, "fills", size=1, gap_ms=1000, fills=1)
    placed = await place(emulator, size=5)
    emulator.step(0.5)
    assert (await order(emulator, placed["orderId"]))["fillVolume"] == 1
    emulator.step(1)
    assert (await order(emulator, placed["orderId"]))["fillVolume"] == 5


async def test_the_rest_of_a_cut_order_can_be_cancelled(emulator: RunningEmulator) -> None:
    await ctl(emulator, "fills", size=1, gap_ms=1000)
    placed = await place(emulator, size=3)
    emulator.step(0.5)
    cancelled = await emulator.call(
        "/api/Order/cancel", accountId=emulator.practice_id, orderId=placed["orderId"]
    )
    emulator.step(5)
    row = await order(emulator, placed["orderId"])
    assert (cancelled["success"], row["status"], row["fillVolume"]) == (True, 3, 1)


async def test_the_closed_window_refuses_orders_with_code_5_and_lets_cancel(
    emulator: RunningEmulator,
) -> None:
    resting = await place(emulator, type=1, limitPrice=1)
    await place(emulator)
    emulator.step(1)
    await ctl(emulator, "session")
    refused = await place(emulator)
    assert (refused["success"], refused["errorCode"]) == (False, 5)
    assert (await order(emulator, refused["orderId"]))["status"] == 5
    closing = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ")}
    assert (await emulator.call("/api/Position/closeContract", **closing))["errorCode"] == 5
    cancelled = await emulator.call(
        "/api/Order/cancel", accountId=emulator.practice_id, orderId=resting["orderId"]
    )
    assert cancelled["success"]
    await ctl(emulator, "session", closed=False)
    assert (await emulator.call("/api/Position/closeContract", **closing))["success"]


async def test_ticks_are_traded_one_after_the_other(emulator: RunningEmulator) -> None:
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractTrades", emulator.contract("MNQ"))
        ticks = [{"price": 29000}, {"price": 29001.25, "after_ms": 1000}, {"price": 28990, "after_ms": 500}]
        await ctl(emulator, "feed", contract="MNQ", ticks=ticks)
        emulator.step(1.2)
        assert emulator.last("MNQ") == 29001.25
        emulator.step(1)
        await hub.until(lambda: prices_of(hub.of("GatewayTrade"))[-3:] == [29000, 29001.25, 28990])


def prices_of(events: list[list[Any]]) -> list[float]:
    """Prices in the order in which they traded, each once until another comes."""
    return [price for price, _ in groupby(row["price"] for _, rows in events for row in rows)]


async def test_bars_that_are_fed_are_in_the_history_afterwards(emulator: RunningEmulator) -> None:
    now = emulator.gateway.clock.now()
    emulator.step(60 - now.second - now.microsecond / 1e6)
    bars = [
        {"open": 29000, "high": 29010, "low": 28990, "close": 29005},
        {"open": 29005, "high": 29006, "low": 28950, "close": 28960},
    ]
    start = emulator.gateway.clock.now()
    assert (start.second, start.microsecond) == (0, 0)
    await ctl(emulator, "feed", contract="MNQ", bars=bars)
    emulator.step(240)
    found = await emulator.call(
        "/api/History/retrieveBars",
        contractId=emulator.contract("MNQ"),
        live=False,
        startTime=start.isoformat(),
        endTime=(start + timedelta(minutes=2)).isoformat(),
        unit=2,
        unitNumber=1,
        limit=10,
        includePartialBar=True,
    )
    second, first = found["bars"]
    assert (first["h"], first["l"], first["c"]) == (29010, 28990, 29005)
    assert (second["h"], second["l"], second["c"]) == (29006, 28950, 28960)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "give ticks or bars"),
        ({"ticks": [{"price": 1.1}]}, "not a price on the grid"),
        ({"ticks": [{"price": "NaN"}]}, "not a price on the grid"),
        ({"ticks": [{"price": "-Infinity"}]}, "not a price on the grid"),
        ({"ticks": [{"price": 1, "volume": 2}]}, "unknown field"),
        ({"bars": [{"open": 10, "high": 9, "low": 8, "close": 9}]}, "no bar has"),
    ],
)
async def test_prices_that_cannot_be_fed_are_refused(
    emulator: RunningEmulator, arguments: dict[str, Any], reason: str
) -> None:
    assert reason in await refusal(emulator, "feed", contract="MNQ", **arguments)
    assert (await ctl(emulator, "clear"))["faults"] == []


async def test_clear_calls_off_what_the_venue_was_told_to_do(emulator: RunningEmulator) -> None:
    await ctl(emulator, "reject", orders=5)
    await ctl(emulator, "fills", size=1)
    await ctl(emulator, "session")
    await ctl(emulator, "feed", contract="MNQ", ticks=[{"price": 29000, "after_ms": 60_000}])
    status = await ctl(emulator, "window5xx", seconds=60, status=502)
    assert len(status["faults"]) == 5
    assert (await ctl(emulator, "clear"))["faults"] == []
    placed = await place(emulator, size=3)
    emulator.step(1)
    assert (await order(emulator, placed["orderId"]))["fillVolume"] == 3


async def test_an_outage_is_answered_before_it_begins(emulator: RunningEmulator) -> None:
    for _ in range(5):
        async with emulator.hub("user") as hub:
            status = await asyncio.to_thread(remote.send, emulator.url, "outage", {"seconds": 60})
            assert status["pid"]
            await hub.wait_closed()
            with pytest.raises(BrokerUnavailable):
                await asyncio.to_thread(remote.send, emulator.url, "status")
        await emulator.emulator.listener.reopen()
    assert await refusal(emulator, "outage", seconds=-1)
    assert (await emulator.post("/api/Account/search", SEARCH)).status_code == 200


@pytest.mark.parametrize(("status", "body"), [(503, "<html>Service Unavailable</html>"), (200, "")])
async def test_every_call_of_a_window_fails_or_comes_back_empty(
    emulator: RunningEmulator, status: int, body: str
) -> None:
    await ctl(emulator, "window5xx", seconds=60, status=status, body=body)
    for path in ("/api/Account/search", "/api/Order/place"):
        answer = await emulator.post(path, SEARCH)
        assert (answer.status_code, answer.text) == (status, body)
    await ctl(emulator, "window5xx", seconds=0)
    assert (await emulator.post("/api/Account/search", SEARCH)).json()["success"]


async def test_a_window_of_errors_may_let_calls_take_effect(emulator: RunningEmulator) -> None:
    await ctl(emulator, "window5xx", seconds=60, after=True)
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    answer = await emulator.post("/api/Order/place", body | {"type": 2, "side": 0, "customTag": "x"})
    assert answer.status_code == 503
    await ctl(emulator, "clear")
    found = await emulator.call(
        "/api/Order/search", accountId=emulator.practice_id, startTimestamp="2020-01-01T00:00:00Z"
    )
    assert [row["customTag"] for row in found["orders"]] == ["x"]


async def test_user_events_come_as_late_as_ordered_and_answers_do_not(emulator: RunningEmulator) -> None:
    await ctl(emulator, "lag", ms=2000)
    async with emulator.hub("user") as hub:
        await hub.invoke("SubscribeOrders", emulator.practice_id)
        placed = await place(emulator)
        emulator.step(1.9)
        await hub.invoke("SubscribeAccounts")
        assert hub.events == []
        assert (await order(emulator, placed["orderId"]))["status"] == 2
        emulator.step(0.2)
        await hub.wait_for("GatewayUserOrder", 2)
        await ctl(emulator, "lag", ms=0)
        await place(emulator, type=1, limitPrice=1)
        await hub.wait_for("GatewayUserOrder", 4)


@pytest.mark.parametrize("seconds", [3.0, -3.0])
async def test_stamps_are_ahead_of_the_machine_or_behind_as_ordered(seconds: float) -> None:
    async with running_emulator(volatility=0.0) as emulator:
        await ctl(emulator, "skew", seconds=seconds)
        deadline = time.monotonic() + 30
        while True:
            stamp = datetime.fromisoformat((await ctl(emulator, "lag", ms=0))["time"])
            ahead = (stamp - datetime.now(UTC)).total_seconds()
            if abs(ahead - seconds) < 0.5 or time.monotonic() > deadline:
                break
        assert ahead == pytest.approx(seconds, abs=0.5)
        placed = await place(emulator, type=1, limitPrice=1)
        created = datetime.fromisoformat((await order(emulator, placed["orderId"]))["creationTimestamp"])
        assert (created - datetime.now(UTC)).total_seconds() == pytest.approx(seconds, abs=1.5)


async def test_the_market_goes_on_from_where_fed_prices_have_left_it() -> None:
    async with running_emulator(frozen=True) as emulator:
        before = emulator.last("MNQ")
        await ctl(emulator, "feed", contract="MNQ", ticks=[{"price": 20_000, "after_ms": 100}])
        emulator.step(600)
        assert emulator.last("MNQ") != 20_000
        assert abs(emulator.last("MNQ") - 20_000) < abs(before - 20_000) / 10


async def test_a_price_that_is_due_at_once_trades_while_the_clock_waits_for_the_machines() -> None:
    async with running_emulator(volatility=0.0) as emulator:
        await ctl(emulator, "skew", seconds=-3600)
        await ctl(emulator, "feed", contract="MNQ", ticks=[{"price": 20_000, "after_ms": 0}])
        await ctl(emulator, "lag", ms=0)
        assert emulator.last("MNQ") == 20_000


async def test_a_frozen_clock_is_not_put_back(emulator: RunningEmulator) -> None:
    assert "cannot fall behind" in await refusal(emulator, "skew", seconds=-1)


VALID: dict[str, dict[str, Any]] = {
    "mute": {"seconds": 0},
    "fail": {"path": "nowhere"},
    "window5xx": {"seconds": 0},
    "throttle": {"seconds": 0},
    "events": {"kind": "duplicate"},
    "lag": {"ms": 0},
    "fills": {"size": 1},
    "halt": {"contract": "MNQ"},
    "roll": {"product": "MNQ"},
    "price": {"contract": "MNQ", "price": 29000},
    "move": {"contract": "MNQ", "ticks": 1},
    "feed": {"contract": "MNQ", "ticks": [{"price": 29000}]},
    "account": {"account_id": 1},
    "reset": {"account_id": 1},
    "skew": {"seconds": 0},
    "switch": {"name": "slippageTicks", "value": 0},
}
"""Arguments that an order can be given, where it needs any."""

EXTREMES = (0, -1, 1, 0.5, 1e9, -1e9, 1e308, 2**62, -(2**62), 10**30, "", "x" * 5_000, None, True, [], {})


SAFE = [known for known in OPERATIONS if known.name != "outage"]
"""After an outage nobody is there to answer."""


@pytest.mark.parametrize("known", SAFE, ids=lambda known: known.name)
async def test_no_argument_however_extreme_breaks_the_emulator(
    emulator: RunningEmulator, known: Operation
) -> None:
    valid = VALID.get(known.name, {})
    for field in msgspec.structs.fields(known.arguments):
        for value in EXTREMES:
            body = valid | {field.encode_name: value}
            answer = await emulator.http.post(f"{emulator.url}/__emu/{known.name}", json=body)
            assert answer.status_code in {200, 400}, (body, answer.text)
            await ctl(emulator, "clear")
            await ctl(emulator, "clock", frozen=True)
            await ctl(emulator, "switch", name="eventLatencyMs", value=0)
    await ctl(emulator, "clock", step_seconds=5)
    assert (await emulator.post("/api/Account/search", SEARCH)).status_code == 200
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(emulator.emulator.failed(), 0.1)
