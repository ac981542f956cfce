"""The emulator's hubs, spoken to over WebSockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from emulator_fixture import SEPARATOR, RunningEmulator, running_emulator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.signalr import PING
from tradeconsole.emulator.switches import Switches


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    # lively at any time of day: the hour after the close has a quote in ten seconds
    async with running_emulator(activity=10.0) as running:
        yield running


@pytest.mark.parametrize("hub", ["user", "market"])
async def test_negotiation_version_1_offers_websockets_and_a_connection_token(
    emulator: RunningEmulator, hub: str
) -> None:
    response = await emulator.post(f"/hubs/{hub}/negotiate?negotiateVersion=1")
    answer = response.json()
    assert list(answer) == ["negotiateVersion", "connectionId", "connectionToken", "availableTransports"]
    assert answer["availableTransports"] == [
        {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}
    ]


async def test_negotiation_version_0_has_no_connection_token(emulator: RunningEmulator) -> None:
    answer = (await emulator.post("/hubs/user/negotiate")).json()
    assert "connectionToken" not in answer


async def test_negotiation_and_upgrade_without_a_token_are_401(emulator: RunningEmulator) -> None:
    refused = await emulator.post("/hubs/user/negotiate", token="")
    assert (refused.status_code, refused.content) == (401, b"")
    assert "www-authenticate" in refused.headers
    with pytest.raises(InvalidStatus) as caught:
        await connect(emulator.url.replace("http", "ws") + "/hubs/user")
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("version", [0, 1])
async def test_a_token_in_query_or_header_and_both_protocol_versions_open_a_hub(
    emulator: RunningEmulator, header: bool, version: int
) -> None:
    async with emulator.hub("user", header=header, version=version) as hub:
        assert await hub.invoke("SubscribeAccounts") == {"type": 3, "invocationId": "1", "result": None}


async def test_the_id_of_a_negotiation_may_be_in_the_url(emulator: RunningEmulator) -> None:
    answer = (await emulator.post("/hubs/market/negotiate?negotiateVersion=1")).json()
    url = emulator.url.replace("http", "ws")
    query = f"id={answer['connectionToken']}&access_token={emulator.token}"
    async with connect(f"{url}/hubs/market?{query}") as websocket:
        await websocket.send('{"protocol":"json","version":1}' + SEPARATOR)
        assert await websocket.recv() == "{}" + SEPARATOR


async def test_a_protocol_that_is_not_offered_is_refused_and_the_connection_closed(
    emulator: RunningEmulator,
) -> None:
    url = emulator.url.replace("http", "ws")
    async with connect(f"{url}/hubs/user?access_token={emulator.token}") as websocket:
        await websocket.send('{"protocol":"messagepack","version":1}' + SEPARATOR)
        assert "error" in json.loads((await websocket.recv())[:-1])
        await websocket.wait_closed()


async def test_unknown_methods_and_wrong_arguments_are_answered_and_the_connection_stays(
    emulator: RunningEmulator,
) -> None:
    async with emulator.hub("user") as hub:
        unknown = await hub.invoke("Heartbeat")
        count = await hub.invoke("SubscribeOrders")
        kind = await hub.invoke("SubscribeOrders", str(emulator.practice_id))
        assert unknown["error"] == (
            "Failed to invoke 'Heartbeat' due to an error on the server. HubException: Method does not exist."
        )
        assert count["error"].endswith("Invocation provides 0 argument(s) but target expects 1.")
        assert "InvalidDataException" in kind["error"]
        assert "error" not in await hub.invoke("subscribeorders", emulator.practice_id)


async def test_invocations_without_id_get_no_completion_and_two_may_share_a_frame(
    emulator: RunningEmulator,
) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.send(
            {"type": 1, "target": "NoSuchMethod", "arguments": []},
            {"type": 1, "target": "SubscribeContractQuotes", "arguments": [contract]},
        )
        await hub.wait_for("GatewayQuote")
        assert await hub.invoke("UnsubscribeContractQuotes", contract) == {
            "type": 3,
            "invocationId": "1",
            "result": None,
        }


async def test_a_record_may_be_split_over_frames(emulator: RunningEmulator) -> None:
    async with emulator.hub("user") as hub:
        record = '{"type":1,"invocationId":"77","target":"SubscribeAccounts","arguments":[]}' + SEPARATOR
        await hub.socket.send(record[:20])
        await hub.socket.send(record[20:])
        assert "error" not in await hub.invoke("SubscribeAccounts")


async def test_an_idle_connection_is_pinged_and_a_silent_client_is_let_go() -> None:
    limits = HubLimits(keep_alive=0.05, client_silence=0.5, handshake=0.5)
    async with running_emulator(limits=limits) as emulator, emulator.hub("user") as hub:
        await hub.until(lambda: hub.pings >= 2)
        await hub.wait_closed()
        assert hub.closed is not None


async def test_a_client_that_never_shakes_hands_is_let_go() -> None:
    async with running_emulator(limits=HubLimits(handshake=0.1)) as emulator:
        url = emulator.url.replace("http", "ws")
        async with connect(f"{url}/hubs/user?access_token={emulator.token}") as websocket:
            assert "error" in json.loads((await websocket.recv())[:-1])
            await websocket.wait_closed()


async def test_the_first_quote_is_full_and_later_ones_are_sparse(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractQuotes", contract)
        (first_contract, first), *_ = await hub.wait_for("GatewayQuote")
        assert first_contract == contract
        assert {"symbol", "symbolName", "lastPrice", "bestBid", "bestAsk", "open", "high", "low"} <= set(
            first
        )
        assert first["symbol"] == "F.US.MNQ"
        for ticks in (4, -4, 4, -4):
            emulator.order("move", contract="MNQ", ticks=ticks)
        later = await hub.wait_for("GatewayQuote", 4)
        assert all("symbolName" not in quote for _, quote in later[1:])
        assert all({"lastUpdated", "timestamp", "contract"} <= set(quote) for _, quote in later)


async def test_quotes_are_full_each_time_when_switched_so() -> None:
    full = Switches(sparse_quotes=False)
    async with running_emulator(switches=full) as emulator, emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractQuotes", emulator.contract("MNQ"))
        quotes = await hub.wait_for("GatewayQuote", 4)
        assert all({"open", "volume", "bestBid"} <= set(quote) for _, quote in quotes)


async def test_prints_come_in_arrays_with_the_aggressor(emulator: RunningEmulator) -> None:
    contract = emulator.contract("ES")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractTrades", contract)
        prints = [row for _, rows in await hub.wait_for("GatewayTrade", 3) for row in rows]
        assert list(prints[0]) == ["symbolId", "price", "timestamp", "type", "volume", "contractId"]
        assert {row["type"] for row in prints} <= {0, 1}
        assert prints[0]["symbolId"] == "F.US.EP"


async def test_depth_begins_with_a_reset_and_a_snapshot_of_ten_levels(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractMarketDepth", contract)
        (_, reset), (_, snapshot), *increments = await hub.wait_for("GatewayDepth", 6)
        assert [(row["type"], row["price"], row["volume"]) for row in reset] == [(6, 0, 0)]
        kinds = [row["type"] for row in snapshot]
        assert (kinds.count(1), kinds.count(2)) == (10, 10)
        assert {3, 4, 5, 7, 8} <= set(kinds)
        best_bid = next(row["price"] for row in snapshot if row["type"] == 4)
        assert best_bid == max(row["price"] for row in snapshot if row["type"] == 2)
        assert {row["type"] for _, rows in increments for row in rows} <= {1, 2, 3, 4, 5}


async def test_the_book_kept_by_a_client_stays_uncrossed(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractMarketDepth", contract)
        events = await hub.wait_for("GatewayDepth", 20)
        book: dict[int, dict[float, int]] = {1: {}, 2: {}}
        for _, rows in events:
            for row in rows:
                side = {1: 1, 3: 1, 2: 2, 4: 2}.get(row["type"])
                if row["type"] == 6:
                    book = {1: {}, 2: {}}
                elif side and row["volume"]:
                    book[side][row["price"]] = row["volume"]
                elif side:
                    book[side].pop(row["price"], None)
        assert min(book[1]) > max(book[2])


async def test_unsubscribed_and_unknown_contracts_are_silent(emulator: RunningEmulator) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        assert "error" not in await hub.invoke("SubscribeContractQuotes", "CON.F.US.NIX.Z26")
        await hub.invoke("SubscribeContractQuotes", contract)
        await hub.invoke("UnsubscribeContractQuotes", contract)
        told = len(hub.of("GatewayQuote"))
        emulator.order("move", contract="MNQ", ticks=4)
        await hub.invoke("UnsubscribeContractQuotes", contract)
        assert len(hub.of("GatewayQuote")) == told
        assert emulator.control.status().contracts == ["CON.F.US.NIX.Z26"]


async def test_a_new_connection_hears_nothing_of_what_the_old_one_subscribed(
    emulator: RunningEmulator,
) -> None:
    contract = emulator.contract("MNQ")
    async with emulator.hub("market") as hub:
        await hub.invoke("SubscribeContractQuotes", contract)
        await hub.wait_for("GatewayQuote")
    async with emulator.hub("market") as hub:
        emulator.order("move", contract="MNQ", ticks=4)
        await hub.invoke("UnsubscribeContractQuotes", contract)
        assert hub.events == []


async def test_a_second_connection_of_the_user_logs_the_first_one_out(emulator: RunningEmulator) -> None:
    async with (
        emulator.hub("user") as first,
        emulator.hub("market") as market,
        emulator.hub("user") as second,
    ):
        await first.wait_closed()
        assert first.events == [{"type": 1, "target": "GatewayLogout", "arguments": []}]
        assert "error" not in await second.invoke("SubscribeAccounts")
        assert "error" not in await market.invoke("UnsubscribeContractQuotes", "x")


async def test_sessions_live_side_by_side_when_switched_so() -> None:
    many = Switches(single_session=False)
    async with (
        running_emulator(switches=many) as emulator,
        emulator.hub("user") as first,
        emulator.hub("user") as second,
    ):
        assert "error" not in await first.invoke("SubscribeAccounts")
        assert "error" not in await second.invoke("SubscribeAccounts")


async def test_a_client_that_does_not_read_is_cut_off_and_others_are_served() -> None:
    many = Switches(single_session=False)
    async with running_emulator(switches=many, limits=HubLimits(unread=600_000)) as emulator:
        connections = emulator.emulator.hubs.connections
        narrow = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", emulator.emulator.listener.port))
        url = f"{emulator.url.replace('http', 'ws')}/hubs/market?access_token={emulator.token}"
        async with connect(url, sock=narrow, max_queue=1, compression=None, close_timeout=0) as deaf:
            await deaf.send('{"protocol":"json","version":1}' + SEPARATOR)
            await deaf.recv()
            (unread,) = connections()
            async with emulator.hub("market") as reader:
                await reader.invoke("SubscribeContractQuotes", emulator.contract("MNQ"))
                async with asyncio.timeout(60):
                    while unread in connections():
                        unread.send(PING * 10_000)
                        await asyncio.sleep(0)
                told = len(reader.events)
                emulator.order("move", contract="MNQ", ticks=4)
                await reader.until(lambda: len(reader.events) > told)
