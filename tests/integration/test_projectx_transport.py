"""Connections to the gateway: what certainly did not leave, what may have, and which connection a request gets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop
from projectx_peer import QUICK, Answer, Garbage, Hang, HangUp, Peer, Reply, ok, running_peer

from tradeconsole.brokers.projectx import transport as transport_module
from tradeconsole.brokers.projectx.http_connection import HttpConnection, NoAnswer, NotSent
from tradeconsole.brokers.projectx.transport import JsonTransport

PATH = "/api/Order/place"


@asynccontextmanager
async def transport_to(url: str, **timings: float) -> AsyncIterator[JsonTransport]:
    transport = JsonTransport(url, msgspec.structs.replace(QUICK, **timings))
    try:
        yield transport
    finally:
        await transport.close()


@asynccontextmanager
async def mute_server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that hears everything and says nothing: its URL, and what it heard."""
    heard: list[bytes] = []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(transport)

        def data_received(self, data: bytes) -> None:
            heard.append(data)

    transports: list[asyncio.BaseTransport] = []
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        for transport in transports:
            transport.close()
        server.close()
        await asyncio.sleep(0)


async def connections_settle(peer: Peer, count: int) -> None:
    async with asyncio.timeout(5):
        while peer.connections != count:
            await asyncio.sleep(0.001)


# -- did it leave? -----------------------------------------------------------------------------------------------


async def test_a_port_where_nobody_listens_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with transport_to(f"http://127.0.0.1:{port}") as transport:
        with pytest.raises(NotSent, match="connection refused"):
            await transport.post(PATH, b"{}", None)


async def test_a_name_that_nobody_has_was_not_sent() -> None:
    async with transport_to("http://gateway.invalid", connect=5) as transport:
        with pytest.raises(NotSent, match="no such host"):
            await transport.post(PATH, b"{}", None)


@pytest.mark.parametrize("url", ["", "api.topstepx.com", "ftp://127.0.0.1", "http://"])
async def test_an_address_that_is_none_was_not_sent(url: str) -> None:
    async with transport_to(url) as transport:
        with pytest.raises(NotSent, match="not the address"):
            await transport.post(PATH, b"{}", None)


async def test_a_server_without_tls_was_not_sent_to() -> None:
    async with running_peer() as peer, transport_to(peer.url.replace("http:", "https:")) as transport:
        with pytest.raises(NotSent):
            await transport.post(PATH, b'{"secret":1}', "token")
    assert not peer.calls


async def test_a_handshake_that_hangs_was_not_sent() -> None:
    async with (
        mute_server() as (url, heard),
        transport_to(url.replace("http:", "https:"), connect=0.05) as transport,
    ):
        with pytest.raises(NotSent, match="no connection in time"):
            await transport.post(PATH, b'{"secret":1}', "token")
    assert not any(b"secret" in data for data in heard)


async def test_a_token_that_is_no_header_was_not_sent() -> None:
    async with running_peer() as peer, transport_to(peer.url) as transport:
        with pytest.raises(NotSent, match="token"):
            await transport.post(PATH, b"{}", "a\r\nb")
    assert not peer.calls


@pytest.mark.parametrize(
    "failure", [HangUp(), Hang(), Garbage(), Answer(b"x", headers={"Content-Encoding": "br"})]
)
async def test_whatever_fails_after_the_write_is_no_answer(failure: Reply) -> None:
    async with running_peer() as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = failure
        with pytest.raises(NoAnswer):
            await transport.post(PATH, b"{}", None)
        assert len(peer.sent_to(PATH)) == 1


async def test_a_connection_lost_before_the_request_was_not_sent() -> None:
    async with running_peer() as peer:
        peer.script[PATH] = ok()
        connection = await HttpConnection.open(transport_module.urlsplit(peer.url), None, 1)
        connection.abort()
        with pytest.raises(NotSent, match="before the request"):
            await connection.ask(b"POST", 1)
    assert not peer.calls


async def test_closing_leaves_open_questions_without_an_answer() -> None:
    async with running_peer() as peer:
        peer.script[PATH] = Hang()
        async with transport_to(peer.url, reply=30) as transport:
            asking = asyncio.create_task(transport.post(PATH, b"{}", None))
            while not peer.calls:
                await asyncio.sleep(0.001)
        with pytest.raises(NoAnswer, match="lost"):
            await asking


# -- which connection? -------------------------------------------------------------------------------------------


async def test_an_order_finds_a_connection_open_while_another_call_is_under_way() -> None:
    async with running_peer() as peer, transport_to(peer.url, reply=30) as transport:
        peer.script |= {PATH: ok(), "/slow": Hang()}
        await transport.post(PATH, b"{}", None)
        await connections_settle(peer, 2)
        slow = asyncio.create_task(transport.post("/slow", b"{}", None))
        while not peer.sent_to("/slow"):
            await asyncio.sleep(0.001)
        before = set(peer.ports)
        await transport.post(PATH, b"{}", None, urgent=True)
        assert peer.calls[-1].port in before
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_urgent_calls_get_the_freshest_connection_and_others_the_one_that_rested_longest() -> None:
    async with running_peer() as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = ok()
        await transport.post(PATH, b"{}", None)
        await connections_settle(peer, 2)
        await transport.post(PATH, b"{}", None)
        await transport.post(PATH, b"{}", None, urgent=True)
        await transport.post(PATH, b"{}", None, urgent=True)
        await transport.post(PATH, b"{}", None)
        _, second, third, fourth, fifth = (call.port for call in peer.calls)
        assert second == third == fourth
        assert fifth != fourth


@pytest.mark.parametrize(
    "reply",
    [Answer(b"{}", headers={"Connection": "close"}), Answer(b"{}", unasked=b"HTTP/1.1 408 X\r\n\r\n")],
)
async def test_a_connection_that_the_server_gives_up_is_not_used_again(reply: Answer) -> None:
    async with running_peer() as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = reply
        for _ in range(3):
            await transport.post(PATH, b"{}", None, urgent=True)
            await asyncio.sleep(0.02)
        assert len({call.port for call in peer.calls}) == 3


async def test_a_connection_that_was_interrupted_is_not_used_again() -> None:
    async with running_peer() as peer, transport_to(peer.url, reply=30) as transport:
        peer.script[PATH] = [Hang(), ok(), ok()]
        asking = asyncio.create_task(transport.post(PATH, b"{}", None))
        while not peer.calls:
            await asyncio.sleep(0.001)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await transport.post(PATH, b"{}", None)
        assert peer.calls[0].port != peer.calls[1].port


async def test_a_connection_that_rested_too_long_is_replaced_before_anyone_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "_KEEP_ALIVE", 0.05)
    async with running_peer() as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = ok()
        await transport.post(PATH, b"{}", None)
        async with asyncio.timeout(5):
            while len(peer.ports) < 5:
                await asyncio.sleep(0.001)
        assert peer.connections <= 3


async def test_a_gateway_that_is_away_is_not_knocked_at_by_the_reserve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "_KEEP_ALIVE", 0.02)
    opened = 0

    async def refuse(*_: object) -> HttpConnection:
        nonlocal opened
        opened += 1
        raise NotSent("refused")

    async with running_peer() as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = ok()
        await transport.post(PATH, b"{}", None)
        monkeypatch.setattr(HttpConnection, "open", refuse)
        await asyncio.sleep(0.3)
        assert opened == 1


# -- on the loop that the engine runs on ----------------------------------------------------------------------------


async def exchanges(tls: ssl.SSLContext | None = None) -> None:
    async with running_peer(tls) as peer, transport_to(peer.url) as transport:
        peer.script[PATH] = [ok(orderId=1), Answer(b"x" * 200_000), HangUp(), ok(orderId=2)]
        assert b'"orderId": 1' in (await transport.post(PATH, b"{}", "token")).body
        assert len((await transport.post(PATH, b"{}", "token")).body) == 200_000
        with pytest.raises(NoAnswer, match="lost"):
            await transport.post(PATH, b"{}", "token")
        assert b'"orderId": 2' in (await transport.post(PATH, b"{}", "token", urgent=True)).body
        assert [call.token for call in peer.calls] == ["token"] * 4


async def failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with transport_to(f"http://127.0.0.1:{port}") as transport:
        with pytest.raises(NotSent, match="connection refused"):
            await transport.post(PATH, b"{}", None)
    async with running_peer() as peer, transport_to(peer.url.replace("http:", "https:")) as transport:
        with pytest.raises(NotSent):
            await transport.post(PATH, b"{}", None)
    async with (
        mute_server() as (url, _),
        transport_to(url.replace("http:", "https:"), connect=0.05) as transport,
    ):
        with pytest.raises(NotSent, match="no connection in time"):
            await transport.post(PATH, b"{}", None)


def run_on(loop: str, work: Coroutine[Any, Any, None]) -> None:
    factory = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}[loop]
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)


@pytest.mark.parametrize("scenario", [exchanges, failures])
def test_it_is_the_same_on_uvloop(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_on("uvloop", scenario())


# -- TLS ---------------------------------------------------------------------------------------------------------

TLS = Path(__file__).parent.parent / "data" / "tls"


@pytest.fixture
def tls() -> ssl.SSLContext:
    """Of a server that calls itself localhost, with a certificate that it signed itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_orders_travel_over_tls(loop: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    run_on(loop, exchanges(tls))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_certificate_that_nobody_vouches_for_gets_no_request(loop: str, tls: ssl.SSLContext) -> None:
    async def knock() -> None:
        async with running_peer(tls) as peer, transport_to(peer.url) as transport:
            with pytest.raises(NotSent, match="no secure connection"):
                await transport.post(PATH, b'{"secret":1}', "token")
            assert not peer.calls

    run_on(loop, knock())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_certificate_of_somebody_else_gets_no_request(
    loop: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))

    async def knock() -> None:
        async with (
            running_peer(tls) as peer,
            transport_to(peer.url.replace("localhost", "127.0.0.1")) as transport,
        ):
            with pytest.raises(NotSent, match="no secure connection"):
                await transport.post(PATH, b'{"secret":1}', "token")
            assert not peer.calls

    run_on(loop, knock())
