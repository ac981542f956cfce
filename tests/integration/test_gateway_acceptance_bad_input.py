"""Acceptance of the gateway, bad input: it answers as ASP.NET would or closes cleanly, and goes on serving."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random

import pytest
import pytest_asyncio
from emulator_fixture import running_emulator
from raw_gateway import BINARY, CONTINUATION, HANDSHAKE, PONG, TEXT, HubWire, Wire, read_answer, request

from tradeconsole.emulator import http_connection
from tradeconsole.emulator.http_connection import HttpLimits
from tradeconsole.emulator.hubs import HubLimits

BROKEN = b'{"type":7,"error":"Connection closed with an error.","allowReconnect":true}'
MEGABYTE = 1_000_000


@pytest_asyncio.fixture
async def wire(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Wire]:
    async with (
        running_emulator(frozen=True, volatility=0.0, login=False, rate_limits=False) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        yield wire
        # whatever was done to it, it still answers
        assert (await wire.call("/api/Account/search", onlyActiveAccounts=True))["success"]
        async with wire.hub("user") as hub:
            assert b'"result":null' in await hub.invoke("SubscribeAccounts")
    # what a client sends is told to the client, not to the log
    assert [record.getMessage() for record in caplog.get_records("call")] == []


# -- bodies -------------------------------------------------------------------------------------------------

NO_JSON = [
    b"{",
    b"nul",
    b"{'accountId':1}",
    b'{"accountId":1,}',
    b'{"accountId":1}{}',
    b'{"accountId":01}',
    b'{"accountId":NaN}',
    b'{"accountId":Infinity}',
    b'{"accountId":1 // a comment\n}',
    b'{"accountId":"\n"}',
    b"\xff\xfe{\x00}\x00",
    b'{"accountId":1,"x":"\xff"}',
    b'{"accountId":1,"x":"\\ud800"}',
    b"\x00" * 100,
]
NO_REQUEST = [
    b"",
    b" \n",
    b"null",
    b"[]",
    b"17",
    b'"x"',
    b"{}",
    b'{"accountId":null}',
    b'{"accountId":"17"}',
    b'{"accountId":17.0}',
    b'{"accountId":1e1}',
    b'{"accountId":true}',
    b'{"accountId":[17]}',
    b'{"accountId":{"id":17}}',
    b'{"accountId":2147483648}',
    b'{"accountId":1e400}',
    b'{"accountId":' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("body", NO_JSON + NO_REQUEST, ids=lambda body: repr(body[:24]))
async def test_a_body_that_does_not_bind_is_a_400_with_problem_details(wire: Wire, body: bytes) -> None:
    answer = await wire.post("/api/Order/searchOpen", body)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json; charset=utf-8"
    problem = answer.json()
    assert list(problem) == ["type", "title", "status", "errors", "traceId"]
    assert problem["errors"]
    for name, texts in problem["errors"].items():
        assert texts
        if name.startswith("$"):
            assert re.search(r"Path: \$\S* \| LineNumber: \d+ \| BytePositionInLine: \d+\.$", texts[0])


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 65 + b"]" * 65])
@pytest.mark.parametrize("place", [b"%s", b'{"accountId":%s', b'{"accountId":1,"x":%s}'])
async def test_deep_nesting_is_a_400(wire: Wire, place: bytes, deep: bytes) -> None:
    answer = await wire.post("/api/Order/searchOpen", place % deep)
    assert (answer.status, list(answer.json())[:3]) == (400, ["type", "title", "status"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/Order/place", '"contractId":"%s","type":"Limit","side":0,"size":1'),
        ("/api/Order/place", '"contractId":"%s","type":1,"side":"Bid","size":1'),
        ("/api/Order/place", '"contractId":"%s","type":1,"side":0,"size":1.5'),
        ("/api/Order/place", '"contractId":"%s","type":1,"side":0,"size":1,"limitPrice":"5"'),
        ("/api/Order/place", '"contractId":5,"type":1,"side":0,"size":1'),
        ("/api/Order/place", '"contractId":"%s","type":2,"side":0,"size":1,"stopLossBracket":{"ticks":"4"}'),
        ("/api/Order/place", '"contractId":"%s","type":2,"side":0,"size":1,"customTag":7'),
        ("/api/Order/place", '"contractId":"%s","type":2,"side":0,"size":1,"customTag":"\\ud83d"'),
        ("/api/Order/search", '"x":"%s","startTimestamp":"yesterday"'),
        ("/api/Order/search", '"x":"%s","startTimestamp":1700000000'),
        ("/api/Order/search", '"x":"%s","startTimestamp":"2026-13-01T00:00:00Z"'),
        ("/api/Trade/search", '"x":"%s","startTimestamp":"2026-01-01 00:00"'),
        ("/api/Order/modify", '"x":"%s","orderId":1,"limitPrice":true'),
        ("/api/Order/cancel", '"x":"%s","orderId":9223372036854775808'),
        ("/api/Order/v2/query", '"x":"%s","filter":[]'),
        ("/api/Order/v2/query", '"x":"%s","filter":{"accountId":1,"statuses":["Open"]}'),
    ],
)
async def test_wrong_types_are_a_400_on_every_endpoint(wire: Wire, path: str, body: str) -> None:
    contract = await wire.contract("F.US.MNQ")
    account = (await wire.accounts())[0]
    answer = await wire.post(path, f'{{"accountId":{account},{body.replace("%s", contract)}}}')
    assert answer.status == 400, answer
    assert not (await wire.call("/api/Order/searchOpen", accountId=account))["orders"]


async def test_numbers_that_name_nothing_are_refused_by_the_business(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    account = (await wire.accounts())[0]
    for members in (
        {"type": 99, "side": 0},
        {"type": -1, "side": 0},
        {"type": 2, "side": 2},
        {"type": 0, "side": 0},
    ):
        refused = await wire.call(
            "/api/Order/place", accountId=account, contractId=contract, size=1, **members
        )
        assert (refused["success"], refused["errorCode"]) == (False, 2)
    query = {"filter": {"accountId": account, "statuses": [77]}}
    assert (await wire.call("/api/Order/v2/query", **query))["orders"] == []


async def test_a_byte_order_mark_is_passed_over(wire: Wire) -> None:
    answer = await wire.post("/api/Account/search", b'\xef\xbb\xbf{"onlyActiveAccounts":true}')
    assert (answer.status, answer.json()["success"]) == (200, True)


async def test_text_of_any_script_comes_back_as_it_was_sent(wire: Wire) -> None:
    contract = await wire.contract("F.US.MNQ")
    account = (await wire.accounts())[0]
    tag = 'ü→\u2028 \U0001f600 "\\ \x7f'
    order = {"accountId": account, "contractId": contract, "type": 1, "side": 0, "size": 1, "limitPrice": 1}
    placed = await wire.call("/api/Order/place", **order, customTag=tag)
    found = await wire.call("/api/Order/searchById", accountId=account, orderId=placed["orderId"])
    assert found["order"]["customTag"] == tag


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_what_is_not_called_json_is_415(wire: Wire, kind: str) -> None:
    answer = await wire.post("/api/Account/search", '{"onlyActiveAccounts":true}', content_type=kind)
    assert answer.status == 415


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"ms":"\xb4"}', b"[" * 100_000, b'{"x":1}', b'{"ms":-1}'])
async def test_an_order_of_the_control_plane_that_is_none_is_a_400(wire: Wire, body: bytes) -> None:
    answer = await wire.post("/__emu/lag", body)
    assert (answer.status, list(answer.json())) == (400, ["error"])


# -- sizes and speeds ---------------------------------------------------------------------------------------


async def test_a_body_said_to_be_huge_is_413_before_it_is_sent(wire: Wire) -> None:
    reader, writer = await wire.connect()
    writer.write(
        f"POST /api/Order/searchOpen HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {wire.token}\r\n"
        "content-type: application/json\r\ncontent-length: 31000000\r\n\r\n".encode()
    )
    answer = await read_answer(reader)
    assert (answer.status, answer.body) == (413, b"")
    assert await reader.read() == b""


@pytest.mark.parametrize("path", ["/api/Order/searchOpen", "/api/Auth/validate", "/__emu/clock"])
async def test_a_body_that_turns_out_huge_is_413(wire: Wire, path: str) -> None:
    reader, writer = await wire.connect()
    writer.write(
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {wire.token}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    )
    with suppress(ConnectionError):
        for _ in range(40):
            writer.write(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
            await writer.drain()
    with suppress(ConnectionError):
        answer = await read_answer(reader)
        assert (answer.status, answer.body) == (413, b"")


async def test_a_body_in_chunks_is_a_body(wire: Wire) -> None:
    answer = await wire.send(
        f"POST /api/Account/search HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {wire.token}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        '1b\r\n{"onlyActiveAccounts":true}\r\n0\r\n\r\n'.encode()
    )
    assert (answer.status, answer.json()["success"]) == (200, True)


async def test_a_client_may_ask_before_it_sends_its_body(wire: Wire) -> None:
    body = b'{"onlyActiveAccounts":true}'
    head = request(
        "POST", "/api/Account/search", body,
        content_type="application/json", expect="100-continue", authorization=f"Bearer {wire.token}",
    ).removesuffix(body)  # fmt: skip
    reader, writer = await wire.connect()
    writer.write(head)
    assert (await read_answer(reader)).status == 100
    writer.write(body)
    assert (await read_answer(reader)).status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", 400),
        (b"GET /api/Status/ping HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/Status/ping HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", 400),
        (b"GET /api/Status/ping HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n", 400),
        (b"GET /api/Status/ping HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
        (b"POST /api/Order/place HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
    ],
    ids=range(8),
)  # fmt: skip
async def test_what_is_no_http_is_refused_and_the_connection_closed(
    wire: Wire, raw: bytes, status: int
) -> None:
    reader, writer = await wire.connect()
    writer.write(raw)
    answer = await read_answer(reader)
    assert (answer.status, answer.body, answer.headers["connection"]) == (status, b"", "close")
    assert await reader.read() == b""


async def test_a_slash_at_the_end_of_a_path_says_nothing(wire: Wire) -> None:
    assert (await wire.call("/api/Account/search/", onlyActiveAccounts=True))["success"]


async def test_requests_with_any_bytes_changed_are_answered_or_closed(wire: Wire) -> None:
    rng = Random(7)
    whole = request(
        "POST", "/api/Account/search", b'{"onlyActiveAccounts":true}',
        content_type="application/json", authorization=f"Bearer {wire.token}",
    )  # fmt: skip

    async def send(raw: bytes) -> bytes:
        reader, writer = await wire.connect()
        writer.write(raw)
        writer.write_eof()
        async with asyncio.timeout(20):
            try:
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    mutants = []
    for _ in range(300):
        raw = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        mutants.append(bytes(raw))
    for start in range(0, len(mutants), 50):
        for answer in await asyncio.gather(*map(send, mutants[start : start + 50])):
            assert not answer or re.match(rb"HTTP/1\.1 (200|40[0-9]|41[0-9]|431|501) ", answer), answer


async def test_strange_paths_and_queries_are_404(wire: Wire) -> None:
    for path in (
        "/",
        "/api",
        "/api/",
        "/%00",
        "/%ff%fe",
        "/..%2f..%2fetc/passwd",
        "/api/Order/" + "x" * 5000,
    ):
        answer = await wire.send(request("POST", path))
        assert (answer.status, answer.body) == (404, b""), path


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Basic eDp5",
        "Bearer a.b.c",
        "Bearer \xff\xfe",
        "Bearer " + "x" * 9000,
        "Bearer ..",
    ],
)
async def test_strange_tokens_are_401(wire: Wire, authorization: str) -> None:
    raw = (
        b"POST /api/Account/search HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: "
        + authorization.encode("latin-1")
        + b"\r\ncontent-length: 2\r\n\r\n{}"
    )
    answer = await wire.send(raw)
    assert (answer.status, answer.body) == (401, b"")


SHORT = HttpLimits(idle=0.3, head=0.3, grace=0.3, body_rate=1000.0)


@pytest_asyncio.fixture
async def hasty() -> AsyncIterator[Wire]:
    """A gateway that waits a third of a second where the real one waits half a minute."""
    async with (
        running_emulator(http=SHORT) as running,
        Wire(running.url, running.user, running.key, running.token) as wire,
    ):
        yield wire


async def dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(ConnectionError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


async def test_headers_that_dribble_are_408_and_closed(hasty: Wire) -> None:
    reader, writer = await hasty.connect()
    sending = asyncio.create_task(dribble(writer, request("GET", "/api/Status/ping")))
    answer = await read_answer(reader)
    assert (answer.status, answer.body, answer.headers["connection"]) == (408, b"", "close")
    sending.cancel()


async def test_a_body_that_dribbles_is_408_and_closed(hasty: Wire) -> None:
    reader, writer = await hasty.connect()
    head, _, body = request(
        "POST", "/api/Account/search", b'{"onlyActiveAccounts":true}' + b" " * 50,
        content_type="application/json", authorization=f"Bearer {hasty.token}",
    ).partition(b"\r\n\r\n")  # fmt: skip
    writer.write(head + b"\r\n\r\n")
    sending = asyncio.create_task(dribble(writer, body))
    answer = await read_answer(reader)
    assert (answer.status, answer.body, answer.headers["connection"]) == (408, b"", "close")
    sending.cancel()


async def test_a_body_that_comes_slowly_but_steadily_is_taken(hasty: Wire) -> None:
    reader, writer = await hasty.connect()
    body = b'{"onlyActiveAccounts":true}' + b" " * 4000
    raw = request(
        "POST", "/api/Account/search", body, content_type="application/json", authorization=f"Bearer {hasty.token}"
    )  # fmt: skip
    for start in range(0, len(raw), 500):
        writer.write(raw[start : start + 500])
        await writer.drain()
        await asyncio.sleep(0.1)
    assert (await read_answer(reader)).status == 200


@pytest.mark.parametrize("said", [b"", request("GET", "/api/Status/ping")])
async def test_a_client_that_says_nothing_more_is_closed_without_a_word(hasty: Wire, said: bytes) -> None:
    reader, writer = await hasty.connect()
    writer.write(said)
    if said:
        assert (await read_answer(reader)).status == 200
    async with asyncio.timeout(20):
        assert await reader.read() == b""


async def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    async with (
        running_emulator(http=SHORT, rate_limits=False) as running,
        Wire(running.url, running.user, running.key, running.token) as wire,
    ):
        _, writer = await wire.connect(limit=1024)
        body = json.dumps(
            {
                "contractId": running.contract("MNQ"), "live": False, "startTime": "2026-01-01T00:00:00Z",
                "endTime": "2100-01-01T00:00:00Z", "unit": 2, "unitNumber": 1, "limit": 20_000,
                "includePartialBar": False,
            }
        ).encode()  # fmt: skip
        once = request(
            "POST", "/api/History/retrieveBars", body,
            content_type="application/json", authorization=f"Bearer {wire.token}",
        )  # fmt: skip
        writer.write(once * 8)
        connections = running.emulator.listener.connections
        async with asyncio.timeout(20):
            while connections() < 1:
                await asyncio.sleep(0.01)
            while connections():
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", ["/hubs/user", "/hubs/user?access_token=x", "/hubs/chat"])
async def test_a_hub_that_is_refused_is_no_news(wire: Wire, path: str) -> None:
    answer, reader, _writer = await wire.upgrade(path)
    assert answer.status in {401, 404}
    assert await reader.read() == b""


async def test_a_websocket_that_is_no_websocket_is_refused(wire: Wire) -> None:
    path = f"/hubs/user?access_token={wire.token}"
    for headers in ({"sec-websocket-version": "8"}, {"sec-websocket-key": "short"}):
        answer, _, _writer = await wire.upgrade(path, **headers)
        assert 400 <= answer.status < 500


async def test_months_from_the_first_day_to_the_last_are_those_there_are(wire: Wire) -> None:
    window = {
        "contractId": await wire.contract("F.US.MNQ"), "live": False, "unit": 6, "limit": 20_000,
        "includePartialBar": True,
    }  # fmt: skip
    ever = {"startTime": "0001-01-01T00:00:00Z", "endTime": "9999-12-31T23:59:59Z"}
    known = {"startTime": "2020-01-01T00:00:00Z", "endTime": "2030-01-01T00:00:00Z"}
    for count in (1, 12, 1200):
        bars = [
            (await wire.call("/api/History/retrieveBars", **window, **span, unitNumber=count))["bars"]
            for span in (ever, known)
        ]
        assert bars[1]
        assert bars[0][: len(bars[1])] == bars[1]


@pytest.mark.parametrize(("unit", "most"), [(4, 36_525), (5, 5_218), (6, 1_200)])
async def test_bars_are_as_long_as_a_century(wire: Wire, unit: int, most: int) -> None:
    window = {
        "contractId": await wire.contract("F.US.MNQ"), "live": False, "startTime": "0001-01-01T00:00:00Z",
        "endTime": "9999-12-31T23:59:59Z", "unit": unit, "limit": 20_000, "includePartialBar": True,
    }  # fmt: skip
    for number in (6, most):
        assert (await wire.call("/api/History/retrieveBars", **window, unitNumber=number))["success"]
    for number in (most + 1, 2**31 - 1):
        refused = await wire.call("/api/History/retrieveBars", **window, unitNumber=number)
        assert (refused["success"], refused["errorCode"]) == (False, 3)


# -- hubs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize(
    "record",
    [
        b"hello",
        b"",
        b"[]",
        b'{"type":"invoke"}',
        b'{"target":"SubscribeAccounts","arguments":[]}',
        b'{"type":1,"invocationId":7,"target":"SubscribeAccounts","arguments":[]}',
        b'{"type":1,"target":"X","arguments":' + b"[" * 32_000,
        b'{"type":1,"target":"X","arguments":["' + b"x" * 32_760 + b'"]}',
    ],
    ids=lambda record: repr(record[:24]),
)
async def test_a_record_that_breaks_the_protocol_closes_the_hub_with_a_word(
    wire: Wire, record: bytes, opcode: int
) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(record + b"\x1e", opcode)
        assert await hub.wait_closed() == [BROKEN]
        assert hub.close_code == 1000


async def test_binary_that_is_no_text_closes_the_hub_with_a_word(wire: Wire) -> None:
    async with wire.hub("market") as hub:
        await hub.frame(bytes(range(256)), BINARY)
        assert await hub.wait_closed() == [BROKEN]


@pytest.mark.parametrize(
    "opening", [b"GET / HTTP/1.1\x1e", b"\x1e", b'{"protocol":"json"}\x1e', b"x" * 40_000]
)
async def test_a_handshake_that_is_none_is_answered_and_closed(wire: Wire, opening: bytes) -> None:
    async with wire.socket(f"/hubs/user?access_token={wire.token}") as hub:
        await hub.frame(opening)
        assert await hub.wait_closed() == [
            b'{"error":"An unexpected error occurred during connection handshake."}'
        ]
        assert hub.close_code == 1000


@pytest.mark.parametrize(
    ("protocol", "version", "error"),
    [
        ("messagepack", 1, "The protocol 'messagepack' is not supported."),
        ("json", 2, "The server does not support version 2 of the 'json' protocol."),
    ],
)
async def test_a_handshake_for_what_is_not_offered_is_answered_and_closed(
    wire: Wire, protocol: str, version: int, error: str
) -> None:
    async with wire.socket(f"/hubs/user?access_token={wire.token}") as hub:
        await hub.frame(f'{{"protocol":"{protocol}","version":{version}}}\x1e'.encode())
        assert await hub.wait_closed() == [json.dumps({"error": error}, separators=(",", ":")).encode()]


@pytest.mark.parametrize(
    "pieces",
    [
        [b'{"type":1,"target":"\xff"}\x1e'],
        [b"\xed\xa0\x80"],
        [b'{"type":6}\x1e', b"\xc3"],
        [b'{"type":6', b"}\x1e\xff", b"more"],
    ],
    ids=["a byte that stands nowhere", "half a pair", "the end is missing", "in the middle"],
)
async def test_text_that_is_no_utf8_closes_the_socket(wire: Wire, pieces: list[bytes]) -> None:
    async with wire.hub("user") as hub:
        for index, piece in enumerate(pieces):
            await hub.frame(piece, CONTINUATION if index else TEXT, final=piece is pieces[-1])
        assert await hub.wait_closed() == []
        assert hub.close_code == 1007


async def test_text_that_is_no_utf8_may_come_with_a_goodbye(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        await hub.raw(b"\x81\x81\0\0\0\0\xff" + b"\x88\x82\0\0\0\0\x03\xe8")
        assert await hub.wait_closed() == []
        assert hub.close_code == 1000


async def test_a_client_that_does_not_read_the_last_words_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "CLOSE_SECONDS", 0.1)
    async with (
        running_emulator(login=False, limits=HubLimits(unread=2**30)) as running,
        Wire(running.url, running.user, running.key) as wire,
    ):
        await wire.login()
        _, reader, writer = await wire.upgrade(f"/hubs/user?access_token={wire.token}", limit=1024)
        hub = HubWire(reader, writer)
        await hub.frame(HANDSHAKE)
        while not (connections := running.emulator.hubs.connections()):
            await reader.read(1)
        # more than the kernel takes for somebody who reads nothing
        connections[0].send(" " * 2**25)
        async with asyncio.timeout(20):
            while await reader.read(1) != b" ":
                continue
            await hub.frame(b"", 3)
            while running.emulator.listener.connections():
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("opcode", [3, 11, CONTINUATION])
async def test_frames_that_mean_nothing_close_the_socket(wire: Wire, opcode: int) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(b"x", opcode)
        await hub.wait_closed()
        assert hub.close_code == 1002


async def test_a_frame_without_a_mask_closes_the_socket(wire: Wire) -> None:
    _, reader, writer = await wire.upgrade(f"/hubs/user?access_token={wire.token}")
    writer.write(b"\x81" + bytes([len(HANDSHAKE)]) + HANDSHAKE)
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"\x88")


async def test_a_frame_of_10_megabytes_is_not_taken(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        with suppress(ConnectionError):
            await hub.frame(b"x" * 10 * MEGABYTE)
        with suppress(ConnectionError):
            await hub.wait_closed()
        assert hub.closed
        assert hub.close_code in {None, 1009}


async def test_a_message_that_never_ends_is_not_taken(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        with suppress(ConnectionError):
            await hub.frame(b"x", final=False)
            for _ in range(1000):
                await hub.frame(b"x" * 1000, CONTINUATION, final=False)
        with suppress(ConnectionError):
            await hub.wait_closed()
        assert hub.closed
        assert hub.close_code in {None, 1009}


async def test_pongs_nobody_asked_for_and_empty_frames_are_passed_over(wire: Wire) -> None:
    async with wire.hub("user") as hub:
        await hub.frame(b"", PONG)
        await hub.frame(b"", TEXT)
        await hub.frame(b"", BINARY)
        assert b'"result":null' in await hub.invoke("SubscribeAccounts")
