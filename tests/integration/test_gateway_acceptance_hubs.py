"""Acceptance of the gateway, hubs: every way in, the SignalR protocol frame by frame, and market events to the byte."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from emulator_fixture import running_emulator
from raw_gateway import (
    BINARY,
    CLOSE,
    CONTINUATION,
    HANDSHAKE,
    PING,
    TEXT,
    HubWire,
    Wire,
    market_shape,
)

from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.scenario_file import read_scenario
from tradeconsole.emulator.switches import Switches

HUBS = ("user", "market")
VOID = b'{"type":3,"invocationId":"0","result":null}'
SUBSCRIBE = '{"type":1,"invocationId":"0","target":"SubscribeAccounts","arguments":[]}\x1e'
BROKEN = b'{"type":7,"error":"Connection closed with an error.","allowReconnect":true}'


@asynccontextmanager
async def gateway(limits: HubLimits | None = None, switches: Switches | None = None) -> AsyncIterator[Wire]:
    async with (
        running_emulator(
            frozen=True, volatility=0.0, login=False, limits=limits, switches=switches
        ) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        yield wire


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with gateway() as wire:
        yield wire


# -- ways in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hub", HUBS)
@pytest.mark.parametrize("header", [False, True], ids=["query", "header"])
async def test_negotiation_of_version_1_to_the_byte(wire: Wire, hub: str, header: bool) -> None:
    path = f"/hubs/{hub}/negotiate?negotiateVersion=1"
    if header:
        answer = await wire.post(path)
    else:
        answer = await wire.post(f"{path}&access_token={wire.token}", token="")
    assert answer.status == 200
    assert re.fullmatch(
        rb'\{"negotiateVersion":1,"connectionId":"[\w-]{22}","connectionToken":"[\w-]{22}",'
        rb'"availableTransports":\[\{"transport":"WebSockets","transferFormats":\["Text","Binary"\]\}\]\}',
        answer.body,
    )
    named = answer.json()
    assert named["connectionId"] != named["connectionToken"]


async def test_negotiation_without_a_version_has_no_connection_token(wire: Wire) -> None:
    for path in ("/hubs/user/negotiate", "/hubs/user/negotiate?negotiateVersion=0", "/HUBS/User/Negotiate"):
        answer = await wire.post(path)
        assert list(answer.json()) == ["negotiateVersion", "connectionId", "availableTransports"]
        assert answer.json()["negotiateVersion"] == 0


@pytest.mark.parametrize("hub", HUBS)
@pytest.mark.parametrize("version", [None, 0, 1])
@pytest.mark.parametrize("header", [False, True], ids=["query", "header"])
@pytest.mark.parametrize("handshake", [0, 1])
async def test_a_hub_opens_by_every_way_in(
    wire: Wire, hub: str, version: int | None, header: bool, handshake: int
) -> None:
    query = []
    if version is not None:
        answer = (await wire.post(f"/hubs/{hub}/negotiate?negotiateVersion={version}")).json()
        query.append(f"id={answer['connectionToken' if version else 'connectionId']}")
    if not header:
        query.append(f"access_token={wire.token}")
    path = f"/hubs/{hub}" + ("?" + "&".join(query) if query else "")
    async with wire.socket(path, token=wire.token if header else "") as socket:
        await socket.frame(f'{{"protocol":"json","version":{handshake}}}\x1e'.encode())
        assert await socket.record() == b"{}"
        assert b'"error":"Failed to invoke' in await socket.invoke("Heartbeat")


@pytest.mark.parametrize("hub", HUBS)
@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_an_upgrade_without_a_valid_token_is_401(wire: Wire, hub: str, token: str) -> None:
    for path, header in ((f"/hubs/{hub}?access_token={token}", ""), (f"/hubs/{hub}", token)):
        answer, _, _writer = await wire.upgrade(path, token=header)
        assert (answer.status, answer.body) == (401, b"")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_negotiation_without_a_token_is_401_with_an_empty_body(wire: Wire) -> None:
    answer = await wire.post("/hubs/market/negotiate?negotiateVersion=1", token="")
    assert (answer.status, answer.body, answer.headers["www-authenticate"]) == (401, b"", "Bearer")


async def test_a_hub_that_does_not_exist_cannot_be_opened(wire: Wire) -> None:
    answer, _, _writer = await wire.upgrade(f"/hubs/chat?access_token={wire.token}")
    assert (answer.status, answer.body) == (404, b"")


async def test_a_plain_get_of_a_hub_is_no_connection(wire: Wire) -> None:
    answer = await wire.send(f"GET /hubs/user?access_token={wire.token} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert answer.status in {400, 404}


# -- the protocol -------------------------------------------------------------------------------------------


async def test_a_record_may_follow_the_handshake_in_one_frame(wire: Wire) -> None:
    async with wire.socket(f"/hubs/user?access_token={wire.token}") as hub:
        await hub.frame(HANDSHAKE + SUBSCRIBE.encode())
        assert [await hub.record(), await hub.record()] == [b"{}", VOID]


async def test_several_records_share_a_frame(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        second = SUBSCRIBE.replace('"0"', '"1"')
        await hub.frame(('{"type":6}\x1e' + SUBSCRIBE + second).encode())
        assert await hub.next() == VOID
        assert await hub.next() == VOID.replace(b'"0"', b'"1"')


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_a_record_may_be_split_over_continuation_frames_with_a_ping_between(
    wire: Wire, opcode: int
) -> None:
    async with wire.hub("user") as hub:
        record = SUBSCRIBE.encode()
        await hub.frame(record[:10], opcode, final=False)
        await hub.frame(b"still here", PING)
        await hub.frame(record[10:30], CONTINUATION, final=False)
        await hub.frame(record[30:], CONTINUATION)
        assert await hub.next() == VOID


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_a_record_may_be_split_over_two_messages(wire: Wire, opcode: int) -> None:
    async with wire.hub("user") as hub:
        record = SUBSCRIBE.encode()
        await hub.frame(record[:33], opcode)
        await hub.frame(record[33:] + record[:5], opcode)
        assert await hub.next() == VOID
        await hub.frame(record[5:], opcode)
        assert await hub.next() == VOID


async def test_a_character_may_be_split_over_two_messages(wire: Wire) -> None:
    async with wire.hub("market") as hub:
        record = '{"type":1,"invocationId":"ü","target":"Nope","arguments":[]}\x1e'.encode()
        cut = record.index("ü".encode()) + 1
        await hub.frame(record[:cut], BINARY)
        await hub.frame(record[cut:], BINARY)
        completion = await hub.next()
        assert completion is not None
        assert json.loads(completion)["invocationId"] == "ü"


async def test_even_the_handshake_may_come_in_pieces(wire: Wire) -> None:
    async with wire.socket(f"/hubs/user?access_token={wire.token}") as hub:
        for byte in HANDSHAKE:
            await hub.frame(bytes([byte]))
        assert await hub.record() == b"{}"


async def test_an_invocation_without_an_id_is_carried_out_and_not_answered(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("market") as hub:
        for record in (
            '{"type":1,"target":"NoSuchMethod","arguments":[1,2]}',
            '{"type":1,"target":"SubscribeContractQuotes","arguments":[]}',
            f'{{"type":1,"target":"SubscribeContractQuotes","arguments":["{contract}"]}}',
        ):
            await hub.frame(record.encode() + b"\x1e")
        first = await hub.next()
        assert first is not None
        assert b'"target":"GatewayQuote"' in first


async def test_other_members_of_an_invocation_are_ignored(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(
            b'{"headers":{"a":"b"},"streamIds":[],"invocationId":"0","extra":[{}],"arguments":[],'
            b'"target":"SubscribeAccounts","type":1}\x1e'
        )
        assert await hub.next() == VOID


@pytest.mark.parametrize("hub_name", HUBS)
async def test_methods_that_do_not_exist_are_refused_in_the_frameworks_words(
    wire: Wire, hub_name: str
) -> None:
    async with wire.hub(hub_name) as hub:
        assert await hub.invoke("Heartbeat", 1) == (
            b'{"type":3,"invocationId":"0","error":"Failed to invoke \'Heartbeat\' due to an error on the '
            b'server. HubException: Method does not exist."}'
        )


@pytest.mark.parametrize(
    ("hub_name", "target", "arguments", "given"),
    [
        ("user", "SubscribeOrders", [], 0),
        ("user", "SubscribePositions", [1, 2], 2),
        ("user", "SubscribeAccounts", [1], 1),
        ("user", "UnsubscribeTrades", [], 0),
        ("market", "SubscribeContractMarketDepth", [], 0),
        ("market", "UnsubscribeContractTrades", ["a", "b"], 2),
    ],
)
async def test_a_wrong_number_of_arguments_is_refused_in_the_frameworks_words(
    wire: Wire, hub_name: str, target: str, arguments: list[object], given: int
) -> None:
    expected = 0 if target.endswith("Accounts") else 1
    async with wire.hub(hub_name) as hub:
        assert (await hub.invoke(target, *arguments)).decode() == (
            f'{{"type":3,"invocationId":"0","error":"Failed to invoke \'{target}\' due to an error on the '
            f"server. InvalidDataException: Invocation provides {given} argument(s) but target expects "
            f'{expected}."}}'
        )
        assert b'"result":null' in await hub.invoke(
            "SubscribeAccounts" if hub_name == "user" else "SubscribeContractQuotes",
            *([] if hub_name == "user" else ["x"]),
        )


@pytest.mark.parametrize(
    ("hub_name", "target", "argument"),
    [
        ("user", "SubscribeOrders", "12"),
        ("user", "SubscribeOrders", 1.5),
        ("user", "SubscribeOrders", True),
        ("user", "SubscribeOrders", None),
        ("user", "SubscribeOrders", 2**31),
        ("user", "SubscribeOrders", {"accountId": 1}),
        ("market", "SubscribeContractQuotes", 5),
        ("market", "SubscribeContractQuotes", ["x"]),
    ],
)
async def test_an_argument_of_a_wrong_type_is_refused_and_the_connection_stays(
    wire: Wire, hub_name: str, target: str, argument: object
) -> None:
    async with wire.hub(hub_name) as hub:
        refused = json.loads(await hub.invoke(target, argument))
        assert refused["error"].startswith(
            f"Failed to invoke '{target}' due to an error on the server. InvalidDataException: "
        )
        assert b"HubException" in await hub.invoke("Nope")


async def test_a_method_cannot_be_streamed(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(
            b'{"type":4,"invocationId":"9","target":"SubscribeAccounts","arguments":[]}\x1e{"type":5,"invocationId":"9"}\x1e'
        )
        assert await hub.next() == (
            b'{"type":3,"invocationId":"9","error":"The client attempted to invoke the non-streaming '
            b"'SubscribeAccounts' method with a streaming invocation.\"}"
        )


@pytest.mark.parametrize("kind", [2, 3, 5, 8, 9, 42])
async def test_messages_that_mean_nothing_to_a_server_are_passed_over(wire: Wire, kind: int) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(f'{{"type":{kind},"invocationId":"x","item":1,"sequenceId":1}}\x1e'.encode())
        assert await hub.invoke("SubscribeAccounts") == VOID


async def test_pings_of_the_client_keep_it_and_the_server_pings_when_it_has_nothing_to_say() -> None:
    async with gateway(HubLimits(keep_alive=0.1, client_silence=1.0)) as wire, wire.hub("user") as hub:
        for _ in range(20):
            await hub.frame(b'{"type":6}\x1e')
            assert await hub.record() == b'{"type":6}'
        assert await hub.invoke("SubscribeAccounts") == VOID


async def test_a_client_that_falls_silent_is_told_and_let_go() -> None:
    async with gateway(HubLimits(keep_alive=0.05, client_silence=0.4)) as wire, wire.hub("user") as hub:
        *pings, last = await hub.wait_closed()
        assert set(pings) == {b'{"type":6}'}
        assert last == BROKEN
        assert hub.close_code == 1000


def test_the_timers_are_the_frameworks() -> None:
    limits = HubLimits()
    assert (limits.keep_alive, limits.client_silence, limits.handshake) == (15.0, 30.0, 15.0)


@pytest.mark.parametrize("goodbye", ['{"type":7}', '{"type":7,"error":"bye","allowReconnect":true}'])
async def test_a_client_may_say_goodbye(wire: Wire, goodbye: str) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(goodbye.encode() + b"\x1e")
        assert await hub.wait_closed() == []
        assert hub.close_code == 1000


async def test_a_client_may_close_the_socket_and_is_answered(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(b"\x03\xe8", CLOSE)
        assert await hub.wait_closed() == []
        assert hub.close_code == 1000


# -- sessions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hub_name", HUBS)
async def test_a_newer_connection_logs_the_older_one_of_its_hub_out(wire: Wire, hub_name: str) -> None:
    other = "market" if hub_name == "user" else "user"
    async with wire.hub(hub_name) as old, wire.hub(other) as bystander, wire.hub(hub_name) as new:
        assert await old.wait_closed() == [b'{"type":1,"target":"GatewayLogout","arguments":[]}']
        assert old.close_code == 1000
        assert b"HubException" in await new.invoke("Nope")
        assert b"HubException" in await bystander.invoke("Nope")
    # REST goes on with the token of the older one
    assert (await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}')).status == 200


async def test_a_session_can_be_kicked_from_both_hubs(wire: Wire) -> None:
    async with wire.hub("user") as user, wire.hub("market") as market:
        await wire.control("kick")
        for hub in (user, market):
            assert await hub.wait_closed() == [b'{"type":1,"target":"GatewayLogout","arguments":[]}']


async def test_subscriptions_die_with_the_connection_and_nothing_is_replayed(wire: Wire) -> None:
    account = (await wire.accounts())[0]
    contract = await wire.contract("F.US.MNQ")
    order = {"accountId": account, "contractId": contract, "type": 1, "side": 0, "size": 1, "limitPrice": 1}
    async with wire.hub("user") as hub:
        await hub.invoke("SubscribeOrders", account)
        await wire.call("/api/Order/place", **order)
        await wire.step(1)
        assert await hub.events_until()
    await wire.call("/api/Order/place", **order)
    await wire.step(1)
    async with wire.hub("user") as hub:
        await wire.call("/api/Order/place", **order)
        await wire.step(1)
        assert await hub.events_until() == []
        await hub.invoke("SubscribeOrders", account)
        assert await hub.events_until() == []


async def test_subscribing_twice_tells_once_and_unsubscribing_ends_it(wire: Wire) -> None:
    account = (await wire.accounts())[0]
    contract = await wire.contract("F.US.MNQ")
    order = {"accountId": account, "contractId": contract, "type": 1, "side": 0, "size": 1, "limitPrice": 1}
    async with wire.hub("user") as hub:
        for _ in range(2):
            await hub.invoke("SubscribeOrders", account)
        await wire.call("/api/Order/place", **order)
        await wire.step(1)
        assert len(await hub.events_until()) == 2  # pending, working
        await hub.invoke("UnsubscribeOrders", account)
        await wire.call("/api/Order/place", **order)
        await wire.step(1)
        assert await hub.events_until() == []


async def test_several_accounts_share_a_connection_and_strangers_hear_nothing(wire: Wire) -> None:
    first, second, *_ = await wire.accounts()
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("user") as hub:
        for account in (first, second, 1):
            assert await hub.invoke("SubscribeOrders", account) == VOID
        for account in (first, second):
            await wire.call(
                "/api/Order/place",
                accountId=account, contractId=contract, type=1, side=0, size=1, limitPrice=1,
            )  # fmt: skip
        await wire.step(1)
        told = [json.loads(event)["arguments"][0]["data"]["accountId"] for event in await hub.events_until()]
        assert set(told) == {first, second}


async def test_users_neither_log_each_other_out_nor_hear_each_other_nor_share_a_budget(
    tmp_path: Path,
) -> None:
    file = tmp_path / "two.toml"
    file.write_text(
        "".join(
            f'[[users]]\nname = "{n}"\nkey = "{n}"\n[[users.accounts]]\nkind = "practice"\n' for n in "ab"
        )
    )
    options = {"scenario": read_scenario(file), "frozen": True, "volatility": 0.0, "login": False}
    async with (
        running_emulator(**options) as running,
        Wire(running.url, "a", "a") as ann,
        Wire(running.url, "b", "b") as bob,
    ):
        await ann.login()
        await bob.login()
        (account,) = await ann.accounts()
        contract = await ann.contract("F.US.MNQ")
        async with ann.hub("user") as mine, bob.hub("user") as theirs:
            for hub in (mine, theirs):
                assert await hub.invoke("SubscribeAccounts") == VOID
                assert await hub.invoke("SubscribeOrders", account) == VOID
            order = {"accountId": account, "contractId": contract, "type": 2, "side": 0, "size": 1}
            assert (await bob.call("/api/Order/place", **order))["errorCode"] == 1
            assert (await ann.call("/api/Order/place", **order))["success"]
            await ann.step(1)
            assert len(await mine.events_until()) >= 3
            assert await theirs.events_until() == []
        while (await ann.post("/api/Account/search", '{"onlyActiveAccounts":true}')).status == 200:
            continue
        assert (await bob.post("/api/Account/search", '{"onlyActiveAccounts":true}')).status == 200


async def test_two_connections_hear_the_same_where_sessions_are_not_single() -> None:
    async with gateway(switches=Switches(single_session=False)) as wire:
        contract = await wire.contract("F.US.MNQ")
        async with wire.hub("market") as first, wire.hub("market") as second:
            for hub in (first, second):
                await hub.invoke("SubscribeContractTrades", contract)
            await wire.control("move", contract="MNQ", ticks=8)
            told = [list(await hub.events_until()) for hub in (first, second)]
            assert told[0] == told[1] != []


# -- market events ------------------------------------------------------------------------------------------


def number(value: object) -> str:
    return json.dumps(value)


async def collect(wire: Wire, hub: HubWire) -> list[bytes]:
    """What some moves of the price make the market hub tell."""
    for ticks in (4, -4, 4):
        await wire.control("move", contract="MNQ", ticks=ticks)
        await wire.step(0.2)
    await asyncio.sleep(0.1)
    return await hub.events_until()


async def test_quotes_to_the_byte_full_first_and_sparse_after(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("market") as hub:
        await hub.invoke("SubscribeContractQuotes", contract)
        first, *later = await collect(wire, hub)
    payload = json.loads(first)["arguments"][1]
    middle = ",".join(f'"{key}":{number(payload[key])}' for key in list(payload)[2:-3])
    assert market_shape(first) == (
        f'{{"type":1,"target":"GatewayQuote","arguments":["{contract}",{{"symbol":"F.US.MNQ",'
        f'"symbolName":"/MNQ",{middle},"lastUpdated":"<hub>","timestamp":"<ms>","contract":"{contract}"}}]}}'
    )
    assert list(payload)[2:-3] == [
        "lastPrice", "bestBid", "bestAsk", "change", "changePercent", "open", "high", "low", "volume",
    ]  # fmt: skip
    # the recorded live quote: top of the book only
    tops = [
        event
        for event in later
        if list(json.loads(event)["arguments"][1])
        == ["symbol", "bestBid", "bestAsk", "lastUpdated", "timestamp", "contract"]
    ]
    assert tops
    quote = json.loads(tops[0])["arguments"][1]
    assert market_shape(tops[0]) == (
        f'{{"type":1,"target":"GatewayQuote","arguments":["{contract}",{{"symbol":"F.US.MNQ",'
        f'"bestBid":{number(quote["bestBid"]).removesuffix(".0")},'
        f'"bestAsk":{number(quote["bestAsk"]).removesuffix(".0")},'
        f'"lastUpdated":"<hub>","timestamp":"<ms>","contract":"{contract}"}}]}}'
    )
    assert all(b"symbolName" not in event for event in later)


async def test_prints_to_the_byte(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("market") as hub:
        await hub.invoke("SubscribeContractTrades", contract)
        events = await collect(wire, hub)
    row = (
        r'\{"symbolId":"F\.US\.MNQ","price":\d+(\.\d*[1-9])?,"timestamp":"<ms>","type":[01],"volume":[1-9]\d*,'
        rf'"contractId":"{re.escape(contract)}"\}}'
    )
    assert events
    for event in events:
        assert re.fullmatch(
            rf'\{{"type":1,"target":"GatewayTrade","arguments":\["{re.escape(contract)}",\[{row}(,{row})*\]\]\}}',
            market_shape(event),
        )


async def test_depth_to_the_byte_reset_snapshot_increments(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("market") as hub:
        await hub.invoke("SubscribeContractMarketDepth", contract)
        reset, snapshot, *increments = await collect(wire, hub)
    head = f'{{"type":1,"target":"GatewayDepth","arguments":["{contract}",['
    assert re.sub(r'"timestamp":"[^"]+"', '"timestamp":"<hub>"', reset.decode()) == (
        f'{head}{{"contractId":"{contract}","timestamp":"<hub>","type":6,"price":0,"volume":0,"currentVolume":0}}]]}}'
    )
    rows = json.loads(snapshot)["arguments"][1]
    kinds = [row["type"] for row in rows]
    assert kinds.count(5) >= 1
    assert (kinds.count(7), kinds.count(8), kinds.count(3), kinds.count(4)) == (1, 1, 1, 1)
    assert (kinds.count(1), kinds.count(2)) == (10, 10)
    assert {row["currentVolume"] for row in rows} == {0}
    row_text = (
        rf'\{{"contractId":"{re.escape(contract)}","timestamp":"[^"]+","type":(?:1|2|3|4|5),'
        r'"price":\d+(?:\.\d*[1-9])?,"volume":\d+,"currentVolume":\d+\}'
    )
    assert increments
    for event in increments:
        assert re.fullmatch(re.escape(head) + rf"{row_text}(?:,{row_text})*\]\]\}}", event.decode())
    prints = [row for event in increments for row in json.loads(event)["arguments"][1] if row["type"] == 5]
    assert prints
    assert all(row["volume"] >= row["currentVolume"] > 0 for row in prints)


async def test_several_contracts_share_a_connection(wire: Wire) -> None:
    contracts = [await wire.contract(symbol) for symbol in ("F.US.MNQ", "F.US.EP", "F.US.CLE")]
    async with wire.hub("market") as hub:
        for contract in contracts:
            await hub.invoke("SubscribeContractQuotes", contract)
        for symbol in ("MNQ", "ES", "CL"):
            await wire.control("move", contract=symbol, ticks=4)
        told = {json.loads(event)["arguments"][0] for event in await hub.events_until()}
        assert told == set(contracts)


async def test_a_market_that_is_not_followed_or_unknown_is_silent(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    async with wire.hub("market") as hub:
        assert await hub.invoke("SubscribeContractQuotes", "CON.F.US.NIX.Z26") == VOID
        assert await hub.invoke("SubscribeContractTrades", contract) == VOID
        assert await hub.invoke("UnsubscribeContractTrades", contract) == VOID
        await wire.control("move", contract="MNQ", ticks=4)
        assert await hub.events_until() == []


def keep_book(book: dict[int, dict[float, int]], events: list[bytes]) -> None:
    """Apply depth events as the reference says: 6 clears, 1 to 4 set a level, a size of 0 deletes it."""
    for event in map(json.loads, events):
        for row in event["arguments"][1]:
            if row["type"] == 6:
                book.clear()
            elif row["type"] in {1, 2, 3, 4}:
                side = book.setdefault(1 if row["type"] in {1, 3} else 2, {})
                side[row["price"]] = row["volume"]
                if not row["volume"]:
                    del side[row["price"]]


@pytest.mark.parametrize("root", ["MNQ", "ES", "CL"])
async def test_a_book_kept_from_increments_is_that_of_a_fresh_snapshot(root: str) -> None:
    symbol = {"MNQ": "F.US.MNQ", "ES": "F.US.EP", "CL": "F.US.CLE"}[root]
    async with (
        running_emulator(frozen=True, activity=10.0, login=False) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        contract = await wire.contract(symbol)
        async with wire.hub("market") as hub:
            await hub.invoke("SubscribeContractMarketDepth", contract)
            kept: dict[int, dict[float, int]] = {}
            for number in range(40):
                if number % 10 == 9:
                    await wire.control("move", contract=root, ticks=7 - number)
                await wire.step(0.5)
                keep_book(kept, await hub.events_until())
                assert min(kept[1]) > max(kept[2])
            await hub.invoke("SubscribeContractMarketDepth", contract)
            fresh: dict[int, dict[float, int]] = {}
            keep_book(fresh, await hub.events_until())
            # sizes are as old as the last event; where there are levels is not
            assert {side: set(levels) for side, levels in kept.items()} == {
                side: set(levels) for side, levels in fresh.items()
            }
