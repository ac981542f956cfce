"""One connection to the gateway: opened, asked one thing at a time, given up at the first surprise.

Whether a request left is not read out of an error but known by construction: what fails before the one `write` of a
request is `NotSent`, what fails after it `NoAnswer`.
"""

import asyncio
import socket
import ssl
from typing import Final, cast
from urllib.parse import SplitResult

import aiohappyeyeballs

from tradeconsole.brokers.projectx.http1 import AnswerReader, HttpAnswer, HttpError
from tradeconsole.brokers.projectx.proxies import ProxyTrouble, by_way_of, proxy_of, tunnel

_NEXT_ADDRESS: Final = 0.25
"""Seconds after which a host's other address is tried beside a slow one (RFC 8305)."""


class NotSent(Exception):
    """No byte of the request reached the gateway; the message says why."""


class NoAnswer(Exception):
    """The request may have reached the gateway, but no answer came back; the message says why."""


class HttpConnection(asyncio.Protocol):
    """An open connection that carries one request at a time. `rested_since` is the loop's time of its last answer."""

    _transport: asyncio.Transport

    def __init__(self, host: str) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._reader: AnswerReader | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self.rested_since = self._loop.time()

    @classmethod
    async def open(cls, url: SplitResult, tls: ssl.SSLContext | None, patience: float) -> "HttpConnection":
        """Connect within `patience` seconds.

        Raises:
            NotSent: it did not come about.
        """
        host, proxy = url.hostname or "", None
        try:
            proxy = proxy_of(url)
            async with asyncio.timeout(patience):
                return await cls._connected(host, url.port or (443 if tls else 80), tls, proxy)
        except ProxyTrouble as error:
            reason = str(error)
        except TimeoutError:
            reason = "no connection in time"
        except (socket.gaierror, UnicodeError):
            reason = "no such host, or no network"
        except ssl.SSLError:
            reason = "no secure connection"
        except ConnectionRefusedError:
            reason = "connection refused"
        except OSError:
            reason = "cannot be connected to"
        raise NotSent(f"{host}{by_way_of(proxy)}: {reason}")

    @classmethod
    async def _connected(
        cls, host: str, port: int, tls: ssl.SSLContext | None, proxy: SplitResult | None
    ) -> "HttpConnection":
        loop = asyncio.get_running_loop()
        first = (host, port) if proxy is None else (proxy.hostname, proxy.port or 80)
        addresses = await loop.getaddrinfo(*first, type=socket.SOCK_STREAM)
        # uvloop's own create_connection would wait for an address that does not answer
        sock = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_NEXT_ADDRESS, interleave=1
        )
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if proxy is not None:
                await tunnel(sock, proxy, host, port)
            _, connection = await loop.create_connection(
                lambda: cls(host), sock=sock, ssl=tls, server_hostname=host if tls else None
            )
        except BaseException:
            sock.close()
            raise
        return connection

    @property
    def is_idle(self) -> bool:
        """Whether it is open and nothing is being asked."""
        return self._answer is None and not self._transport.is_closing()

    async def ask(self, request: bytes, patience: float) -> HttpAnswer:
        """Write a request and read its answer. Whatever goes wrong ends the connection.

        Raises:
            NotSent: the connection had ended before.
            NoAnswer: none came within `patience` seconds, or none that can be read.
        """
        if not self.is_idle:
            raise NotSent(f"{self._host}: the connection was lost before the request")
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._answer = answer
        self._transport.write(request)
        self._reader = AnswerReader()
        timer = self._loop.call_later(patience, self._fail, "no answer in time")
        try:
            found = await answer
        except BaseException:
            self.abort()
            raise
        finally:
            timer.cancel()
            self._answer = self._reader = None
        self.rested_since = self._loop.time()
        if not found.reusable:
            self.abort()
        return found

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(f"{self._host}: {reason}"))
        self.abort()

    # -- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses

    def data_received(self, data: bytes) -> None:
        if self._reader is None or self._answer is None or self._answer.done():
            self.abort()  # nothing was asked: whatever this is, the next answer could not be trusted
            return
        try:
            found = self._reader.feed(data)
        except HttpError as error:
            self._fail(f"its answer cannot be read: {error}")
            return
        if found is not None:
            self._answer.set_result(found)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reader is None or self._answer is None or self._answer.done():
            return
        try:
            self._answer.set_result(self._reader.end())
        except HttpError:
            self._fail("the connection was lost before the answer")
