"""JSON over HTTP to one host: an exchange, and the connections kept ready for it."""

import asyncio
import ssl
from collections import deque
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.http1 import HttpAnswer, HttpError, RequestHeads
from tradeconsole.brokers.projectx.http_connection import HttpConnection, NoAnswer, NotSent

_KEEP_ALIVE: Final = 20.0
"""Seconds that an idle connection is kept; servers close theirs later, so that ours is rarely stale."""

_MOST_IDLE: Final = 6

_LARGE: Final = 64 * 1024
"""Bytes of a packed body that is unpacked in a thread, so that the loop does not wait for it."""


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer. `date` is the server's clock, `retry_after` the pause it asks for in seconds."""

    status: int
    body: bytes
    date: datetime | None
    retry_after: float | None


class JsonTransport:
    """POSTs JSON to one host over kept-alive connections.

    One idle connection is always kept in reserve, so that an order waits for no handshake, also while the others
    download history. Urgent requests get the connection that was used last, others the one that rested longest:
    so the reserve stays fresh, and what is urgent meets no connection that the server is about to close.
    """

    def __init__(self, base_url: str, timings: Timings) -> None:
        self._url = urlsplit(base_url)
        self._timings = timings
        self._tls: ssl.SSLContext | None = None
        self._heads = RequestHeads(
            {
                "Host": self._url.netloc.rpartition("@")[2],
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Content-Type": "application/json",
                "User-Agent": "tradeconsole",
            }
        )
        self._idle: deque[HttpConnection] = deque()
        """The one that rested longest first."""
        self._busy: set[HttpConnection] = set()
        self._reserve: asyncio.Task[None] | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    async def post(self, path: str, body: bytes, token: str | None, *, urgent: bool = False) -> Answer:
        """One request, sent at most once.

        Raises:
            NotSent: it certainly did not reach the gateway.
            NoAnswer: it may have.
        """
        try:
            request = self._heads.post(self._url.path.rstrip("/") + path, body, token)
        except ValueError as error:
            raise NotSent(str(error)) from None
        connection = self._rested(urgent) or await self._open()
        self._busy.add(connection)
        try:
            answer = await connection.ask(request, self._timings.reply)
        finally:
            self._busy.discard(connection)
            self._keep(connection)
        return await self._understood(answer)

    async def close(self) -> None:
        """End all connections; what is still being asked gets no answer."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._reserve is not None:
            self._reserve.cancel()
            await asyncio.gather(self._reserve, return_exceptions=True)
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop closes their sockets in its next turn

    # -- connections

    def _rested(self, urgent: bool) -> HttpConnection | None:
        loop = asyncio.get_running_loop()
        found = None
        while self._idle and found is None:
            connection = self._idle.pop() if urgent else self._idle.popleft()
            if connection.is_idle and loop.time() - connection.rested_since < _KEEP_ALIVE:
                found = connection
            else:
                connection.abort()
        if not self._idle:
            loop.call_soon(self._refill)  # not before the request has left
        return found

    def _keep(self, connection: HttpConnection) -> None:
        if not connection.is_idle or self._closed:
            connection.abort()
            return
        self._idle.append(connection)
        if len(self._idle) > _MOST_IDLE:
            self._idle.popleft().abort()
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_KEEP_ALIVE, self._sweep)

    def _sweep(self) -> None:
        """End what rested too long, and keep one in reserve all the same."""
        loop = asyncio.get_running_loop()
        self._sweeping = None
        while self._idle and loop.time() - self._idle[0].rested_since >= _KEEP_ALIVE:
            self._idle.popleft().abort()
        if self._idle:
            self._sweeping = loop.call_at(self._idle[0].rested_since + _KEEP_ALIVE, self._sweep)
        else:
            self._refill()

    def _refill(self) -> None:
        if self._idle or self._closed or (self._reserve is not None and not self._reserve.done()):
            return
        self._reserve = asyncio.get_running_loop().create_task(
            self._open_reserve(), name="reserve connection"
        )

    async def _open_reserve(self) -> None:
        try:
            self._keep(await self._open())
        except NotSent:
            return  # nobody asked for anything; whoever does is told

    async def _open(self) -> HttpConnection:
        if self._url.scheme not in {"http", "https"} or not self._url.hostname:
            raise NotSent(f"{self._url.geturl()} is not the address of a gateway")
        if self._url.scheme == "https" and self._tls is None:
            # making a context reads all certificates: not for plain HTTP on loopback, nor twice
            self._tls = ssl.create_default_context()
        return await HttpConnection.open(self._url, self._tls, self._timings.connect)

    # -- answers

    async def _understood(self, answer: HttpAnswer) -> Answer:
        try:
            if len(answer.raw) > _LARGE:
                body = await asyncio.to_thread(answer.body)
            else:
                body = answer.body()
        except HttpError as error:
            raise NoAnswer(f"{self._url.hostname}: its answer cannot be read: {error}") from None
        return Answer(
            answer.status,
            body,
            _date(answer.headers.get("date")),
            _seconds(answer.headers.get("retry-after")),
        )


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return date if date is not None and date.tzinfo is not None else None


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isascii() and header.isdecimal() else None
