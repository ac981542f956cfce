"""One HTTP exchange with the gateway, and the question that money depends on: did the request leave?

The transport maps almost every aiohttp failure to a "connect timeout", also a connection that died after the
request was written. Only its cause tells: failures of connecting happen before the first byte, everything else may
have come after the last.
"""

import asyncio
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from tradeconsole.brokers.projectx.connection import Timings

_KEEP_ALIVE: Final = 20.0
"""Seconds that an idle connection is kept; servers close theirs later, so that ours is rarely stale."""

_CONNECTING: Final = (
    aiohttp.ClientConnectorError,  # refused, unreachable, no such host, TLS
    aiohttp.ConnectionTimeoutError,  # of connecting or of waiting for a free connection
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)

_FAILURES: Final = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)


class NotSent(Exception):
    """No byte of the request reached the gateway; the message says why."""


class NoAnswer(Exception):
    """The request may have reached the gateway, but no answer came back; the message says why."""


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer. `date` is the server's clock, `retry_after` the pause it asks for in seconds."""

    status: int
    body: bytes
    date: datetime | None
    retry_after: float | None


class JsonTransport:
    """POSTs JSON to one host over kept-alive connections."""

    def __init__(self, base_url: str, timings: Timings) -> None:
        self._host = httpx.URL(base_url).host
        self._reply_timeout = timings.connect + timings.reply
        self._client = httpx.AsyncClient(
            base_url=base_url,
            transport=_transport(base_url),
            timeout=httpx.Timeout(timings.reply, connect=timings.connect, pool=timings.connect),
            headers={"Accept": "application/json", "User-Agent": "tradeconsole"},
        )

    async def post(self, path: str, body: bytes, token: str | None) -> Answer:
        """One request, sent at most once.

        Raises:
            NotSent: it certainly did not reach the gateway.
            NoAnswer: it may have.
        """
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with asyncio.timeout(self._reply_timeout):
                response = await self._client.post(path, content=body, headers=headers)
        except _FAILURES as error:
            cause = error.__cause__ or error
            if isinstance(cause, _CONNECTING):
                raise NotSent(_why_not_connected(cause, self._host)) from None
            raise NoAnswer(_why_no_answer(cause, self._host)) from None
        return Answer(
            response.status_code,
            response.content,
            _date(response.headers.get("Date")),
            _seconds(response.headers.get("Retry-After")),
        )

    async def close(self) -> None:
        await self._client.aclose()


def _transport(base_url: str) -> AiohttpTransport:
    # making a context reads all certificates: not for plain HTTP on loopback
    tls = httpx.create_ssl_context() if base_url.startswith("https:") else None

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls or True, keepalive_timeout=_KEEP_ALIVE)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(verify=tls or False, client=session)


def _why_not_connected(cause: BaseException, host: str) -> str:
    # never the exception's own text: it can quote addresses with what they carry
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return f"{host}: no such host, or no network"
        case aiohttp.ClientSSLError():
            return f"{host}: no secure connection"
        case aiohttp.ConnectionTimeoutError():
            return f"{host}: no connection in time"
        case aiohttp.ClientConnectorError():
            return f"{host}: connection refused"
        case _:
            return f"{host}: cannot be connected to"


def _why_no_answer(cause: BaseException, host: str) -> str:
    if isinstance(cause, TimeoutError):
        return f"{host}: no answer in time"
    return f"{host}: the connection was lost before the answer"


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return date if date is not None and date.tzinfo is not None else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None
