"""Behind a proxy: REST calls and hubs go through it, encrypted, or say why they cannot."""

import asyncio
import base64
import logging
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from connect_proxy import ConnectProxy, running_proxy
from projectx_hub_peer import running_hub, until
from projectx_peer import QUICK, ok, running_peer
from test_projectx_hub import CALLS, WIRE_CALLS, Desk, up
from test_projectx_transport import run_on

from tradeconsole.brokers.projectx import proxies
from tradeconsole.brokers.projectx.http_connection import NotSent
from tradeconsole.brokers.projectx.proxies import ProxyTrouble, proxy_of
from tradeconsole.brokers.projectx.transport import JsonTransport
from tradeconsole.domain.events import ChannelState

TLS = Path(__file__).parent.parent / "data" / "tls"
PATH = "/api/Order/place"
UNHURRIED = msgspec.structs.replace(QUICK, connect=30.0, reply=30.0, handshake=30.0, invocation=30.0)
GATEWAY = urlsplit("https://api.topstepx.com")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def tls(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a gateway called localhost, which is taken for a machine far away."""
    monkeypatch.setattr(proxies, "is_loopback", lambda _: False)
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "cert.pem"))
    # aiohttp has read whom to trust when it was imported
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


def with_user(proxy: ConnectProxy) -> str:
    return proxy.url.replace("://", "://trader:s%40same@")


@pytest.mark.parametrize(("variable", "loop"), [("HTTPS_PROXY", "asyncio"), ("all_proxy", "uvloop")])
def test_a_call_goes_through_the_proxy_as_it_is(
    variable: str, loop: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call() -> None:
        async with running_peer(tls) as peer, running_proxy() as proxy:
            monkeypatch.setenv(variable, with_user(proxy))
            peer.script[PATH] = ok(orderId=1)
            transport = JsonTransport(peer.url, UNHURRIED)
            answer = await transport.post(PATH, b'{"secret":1}', "token")
            await until(lambda: peer.connections == 2, 30)  # the reserve came through the proxy too
            await transport.close()
            assert b'"orderId": 1' in answer.body
            assert [call.token for call in peer.calls] == ["token"]
        place = urlsplit(peer.url).netloc
        assert proxy.asked[0].startswith(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n")
        assert f"Basic {base64.b64encode(b'trader:s@same').decode()}\r\n" in proxy.asked[0]
        assert "secret" not in "".join(proxy.asked)

    run_on(loop, call())


async def test_a_hub_goes_through_the_proxy(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_hub(tls) as peer, running_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", with_user(proxy))
        desk = Desk(peer, timings=UNHURRIED)
        await desk.hub.want(CALLS)
        desk.hub.start()
        await until(up(desk), 30)
        await desk.hub.close()
        assert peer.subscribed() == WIRE_CALLS
    assert proxy.asked[0].startswith(f"CONNECT {urlsplit(peer.url).netloc} HTTP/1.1\r\n")
    assert f"Basic {base64.b64encode(b'trader:s@same').decode()}\r\n" in proxy.asked[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Who?\r\nContent-Length: 3\r\n\r\nno!", r"wants credentials \(HTTP 407\)"),
        (b"HTTP/1.0 403 Never\r\n\r\n", r"refuses \(HTTP 403\)"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not understood"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "not understood"),
        (b"", "cannot be connected to"),
    ],
)
async def test_what_a_proxy_does_not_lead_on_was_not_sent(
    answer: bytes,
    reason: str,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_peer(tls) as peer, running_proxy() as proxy:
        proxy.answer = answer
        monkeypatch.setenv("HTTPS_PROXY", with_user(proxy))
        transport = JsonTransport(peer.url, UNHURRIED)
        with pytest.raises(NotSent, match=reason) as caught:
            await transport.post(PATH, b'{"secret":1}', "token")
        await transport.close()
        assert not peer.calls
    assert f"through the proxy 127.0.0.1:{urlsplit(proxy.url).port}" in str(caught.value)
    assert "same" not in str(caught.value) + caplog.text


async def test_a_hub_that_the_proxy_refuses_says_so_without_its_password(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_hub(tls) as peer, running_proxy() as proxy:
        proxy.answer = b"HTTP/1.1 407 Who?\r\n\r\n"
        monkeypatch.setenv("HTTPS_PROXY", with_user(proxy))
        desk = Desk(peer, timings=UNHURRIED)
        desk.hub.start()
        await until(lambda: ChannelState.DOWN in desk.states, 30)
        await desk.hub.close()
        assert not peer.lines
    assert f"cannot be reached through the proxy 127.0.0.1:{urlsplit(proxy.url).port}" in desk.reports[-1][1]
    assert "same" not in str(desk.reports) + caplog.text


async def test_this_machine_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with running_peer() as peer:
        peer.script[PATH] = ok(orderId=1)
        transport = JsonTransport(peer.url, UNHURRIED)
        await transport.post(PATH, b"{}", "token")
        await transport.close()
    for url in ("https://127.0.0.1:4", "https://localhost", "https://[::1]:4", "http://192.168.0.9:8000"):
        assert proxy_of(urlsplit(url)) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://a:3128"}, "http://a:3128"),
        ({"HTTPS_PROXY": "a:3128"}, "http://a:3128"),
        ({"ALL_PROXY": "http://b:1"}, "http://b:1"),
        ({"HTTPS_PROXY": "http://a:1", "ALL_PROXY": "http://b:1"}, "http://a:1"),
        ({"HTTP_PROXY": "http://c:1"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.com,.topstepx.com"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "stepx.com"}, "http://a:1"),
    ],
)
def test_the_environment_names_the_proxy(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_of(GATEWAY)
    assert (found.geturl() if found else None) == expected


@pytest.mark.parametrize("named", ["socks5://u:same@a:1080", "https://a:1", "http://", "http://a:none"])
async def test_a_proxy_that_is_not_spoken_is_not_passed_by(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", named)
    with pytest.raises(ProxyTrouble, match=r"NO_PROXY=api\.topstepx\.com") as caught:
        proxy_of(GATEWAY)
    assert "same" not in str(caught.value)
    transport = JsonTransport(GATEWAY.geturl(), UNHURRIED)
    with pytest.raises(NotSent, match="NO_PROXY"):
        await transport.post(PATH, b"{}", "token")
    await transport.close()
    await asyncio.sleep(0)
