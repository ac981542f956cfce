"""Faults and other orders of the control plane."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio
from emulator_fixture import RunningEmulator, running_emulator

from tradeconsole.emulator.faults import EventFault, Hub, LostReply
from tradeconsole.emulator.operations import OPERATIONS, Operation
from tradeconsole.exchange.records import ExchangeEvent

SEARCH = {"onlyActiveAccounts": True}


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


def market_order(emulator: RunningEmulator, **changes: object) -> dict[str, object]:
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}
    return body | {"type": 2, "side": 0} | changes


async def stored_tags(emulator: RunningEmulator) -> list[str | None]:
    envelope = await emulator.call(
        "/api/Order/search", accountId=emulator.practice_id, startTimestamp="2020-01-01T00:00:00Z"
    )
    return [row["customTag"] for row in envelope["orders"]]


@pytest.mark.parametrize("how", LostReply)
async def test_an_order_whose_reply_is_lost_was_taken(emulator: RunningEmulator, how: LostReply) -> None:
    emulator.order("fail", path="order/place", after=True, lose=how)
    async with httpx.AsyncClient(timeout=0.5) as client:
        headers = {"Authorization": f"Bearer {emulator.token}"}
        body = market_order(emulator, customTag="lost")
        with pytest.raises(httpx.TransportError):
            await client.post(f"{emulator.url}/api/Order/place", json=body, headers=headers)
    assert await stored_tags(emulator) == ["lost"]


async def test_a_5xx_may_come_before_or_after_the_order_took_effect(emulator: RunningEmulator) -> None:
    emulator.order("fail", path="order/place", status=503, body="<html>Service Unavailable</html>")
    emulator.order("fail", path="order/place", status=502, after=True)
    before = await emulator.post("/api/Order/place", market_order(emulator, customTag="before"))
    after = await emulator.post("/api/Order/place", market_order(emulator, customTag="after"))
    assert (before.status_code, after.status_code) == (503, 502)
    assert before.headers["content-type"].startswith("text/html")
    assert await stored_tags(emulator) == ["after"]


async def test_the_next_call_can_be_refused_with_a_code_or_answered_emptily(
    emulator: RunningEmulator,
) -> None:
    emulator.order("fail", path="order/place", code=6, message="wait")
    emulator.order("fail", path="order/place", status=200)
    refused = await emulator.call("/api/Order/place", **market_order(emulator))
    empty = await emulator.post("/api/Order/place", market_order(emulator))
    assert (refused["success"], refused["errorCode"], refused["errorMessage"]) == (False, 6, "wait")
    assert (empty.status_code, empty.content) == (200, b"")
    assert await stored_tags(emulator) == []


async def test_a_storm_of_429_ends_by_order(emulator: RunningEmulator) -> None:
    emulator.order("throttle", seconds=60.0)
    assert (await emulator.post("/api/Account/search", SEARCH)).status_code == 429
    emulator.order("clear")
    assert (await emulator.post("/api/Account/search", SEARCH)).status_code == 200


async def test_an_outage_refuses_connections_and_ends(emulator: RunningEmulator) -> None:
    async with emulator.hub("user") as hub:
        emulator.order("outage", seconds=0.3)
        await hub.wait_closed()
        with pytest.raises(httpx.ConnectError):
            await emulator.post("/api/Account/search", SEARCH)
        async with asyncio.timeout(10):
            while True:
                try:
                    response = await emulator.post("/api/Account/search", SEARCH)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    break
        assert response.status_code == 200


async def test_a_mute_hub_stays_open_and_says_nothing(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractQuotes", contract)
        await hub.wait_for("GatewayQuote")
        emulator.order("mute", hub=Hub.MARKET, seconds=60.0)
        told = len(hub.events)
        for ticks in (8, -8):
            emulator.order("move", contract="MNQ", ticks=ticks)
        await asyncio.sleep(0.1)
        assert len(hub.events) == told
        emulator.order("mute", seconds=0.0)
        emulator.order("move", contract="MNQ", ticks=8)
        await hub.until(lambda: len(hub.events) > told)


async def test_connections_can_be_cut_or_logged_out(emulator: RunningEmulator) -> None:
    async with emulator.hub("user") as user, emulator.hub("market") as market:
        emulator.order("drop", hub=Hub.USER)
        await user.wait_closed()
        assert user.events == []
        emulator.order("kick")
        await market.wait_closed()
        assert [event["target"] for event in market.events] == ["GatewayLogout"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(EventFault.DUPLICATE, [6, 6, 1, 1]), (EventFault.REVERSE, [1, 6]), (EventFault.DROP, [])],
)
async def test_user_events_can_be_duplicated_reversed_or_dropped(
    kind: EventFault, expected: list[int]
) -> None:
    async with running_emulator(frozen=True) as emulator, emulator.hub("user") as hub:
        await hub.invoke("SubscribeOrders", emulator.practice_id)
        emulator.gateway.on_events(lambda events: held.extend(events))
        held: list[ExchangeEvent] = []
        await emulator.call("/api/Order/place", **market_order(emulator, type=1, limitPrice=1))
        emulator.step(1)
        emulator.order("events", kind=kind)
        emulator.emulator.pump.accept(held)
        await hub.invoke("SubscribeAccounts")
        assert [data["data"]["status"] for (data,) in hub.of("GatewayUserOrder")] == expected


async def test_a_slow_answer_is_as_slow_as_ordered(emulator: RunningEmulator) -> None:
    emulator.order("fail", delay_ms=200.0, code=5)
    started = time.monotonic()
    await emulator.call("/api/Order/cancel", accountId=1, orderId=1)
    assert time.monotonic() - started >= 0.2


async def test_the_clock_freezes_steps_and_changes_speed_over_http(emulator: RunningEmulator) -> None:
    url = f"{emulator.url}/__emu/clock"
    first = (await emulator.http.post(url, json={"frozen": True})).json()
    second = (await emulator.http.post(url, json={"step_seconds": 60, "speed": 10})).json()
    assert second["frozen"] is True
    assert second["speed"] == 10
    assert first["time"] < second["time"]
    refused = await emulator.http.post(url, json={"step_seconds": -1})
    assert (refused.status_code, refused.json()) == (400, {"error": "the clock cannot step back"})


async def test_prices_are_set_in_the_market(emulator: RunningEmulator) -> None:
    emulator.order("clock", frozen=True)
    answer = await emulator.http.post(
        f"{emulator.url}/__emu/price", json={"contract": "MNQ", "price": 30000.25}
    )
    assert answer.status_code == 200
    assert emulator.last("MNQ") == 30_000.25
    for wrong in ({"contract": "MNQ", "price": 1.1}, {"contract": "NOPE", "price": 1}, {"contract": "MNQ"}):
        assert (await emulator.http.post(f"{emulator.url}/__emu/price", json=wrong)).status_code == 400


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_orders_with_unknown_arguments_are_refused(
    emulator: RunningEmulator, operation: Operation
) -> None:
    answer = await emulator.http.post(f"{emulator.url}/__emu/{operation.name}", json={"surprise": 1})
    assert answer.status_code == 400


async def test_web_pages_and_foreign_names_may_not_give_orders(emulator: RunningEmulator) -> None:
    url = f"{emulator.url}/__emu/throttle"
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert (await emulator.http.post(url, json={"seconds": 60}, headers=headers)).status_code == 403
    assert emulator.control.status().faults == []


@pytest.mark.parametrize("turns", range(6))
async def test_an_outage_also_ends_a_connection_that_was_just_accepted(
    emulator: RunningEmulator, turns: int
) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(emulator.url).port or 0)) as client:
        for _ in range(turns):
            await asyncio.sleep(0)
        emulator.order("outage", seconds=0.3)
        client.setblocking(False)
        with suppress(ConnectionResetError):
            async with asyncio.timeout(0.25):
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""


async def test_an_emulator_can_stop_in_the_middle_of_an_outage() -> None:
    async with running_emulator() as emulator, emulator.hub("user"):
        emulator.order("outage", seconds=60.0)
        url = emulator.url
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{url}/api/Status/ping")
