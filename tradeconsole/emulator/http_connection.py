"""One client's connection, with the patience and the terse refusals of the gateway's web server."""

import asyncio
import codecs
import sys
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_HEAD_BYTES: Final = 32 * 1024
"""Request line and headers; Kestrel's default for the headers."""

MAX_UNREAD_PONGS: Final = 256 * 1024
"""Bytes that a WebSocket may leave unread while it goes on asking whether anybody is there."""

CLOSE_SECONDS: Final = 5.0
"""How long a client may take to close its side; ASP.NET Core's default."""

_UTF8: Final = codecs.getincrementaldecoder("utf-8")


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a client is waited for, in seconds, with Kestrel's defaults (unverified for the real gateway).

    `idle` is between requests, `head` from a request's first byte to the end of its headers, and how long an answer
    may lie unread. A body gets `grace`, and after that has to go on at `body_rate` bytes a second.
    """

    idle: float = 130.0
    head: float = 30.0
    grace: float = 5.0
    body_rate: float = 240.0


class _Awaited(StrEnum):
    """What a client owes."""

    REQUEST = "request"
    HEAD = "head"
    BODY = "body"


class PatientConnection(H11Protocol):
    """uvicorn's HTTP/1.1, which alone would wait for a client for ever and answer what is no HTTP in prose.

    `is_away` says whether the port is closed: a client that was accepted a moment before is turned away all the same.
    """

    def __init__(self, limits: HttpLimits, is_away: Callable[[], bool], **server: Any) -> None:
        super().__init__(**server)
        self._is_away = is_away
        self.timeout_keep_alive = limits.idle  # type: ignore[assignment]
        self._limits = limits
        self._awaited: _Awaited | None = None
        self._since = 0.0
        self._received = 0
        self._upgraded = False
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._is_away():
            transport.abort()
            return
        self._wait_for(_Awaited.REQUEST, 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None, 0)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if (
            self.conn.their_state is h11.IDLE
            and b"\r\n\r\n" not in data[:MAX_HEAD_BYTES]
            and len(data) > MAX_HEAD_BYTES
        ):
            # the parser counts only what is still incomplete
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        super().data_received(data)
        if self._upgraded or self.transport.is_closing():
            self._wait_for(None, 0)
        elif self.conn.their_state is h11.SEND_BODY:
            self._wait_for(_Awaited.BODY, len(data))
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait_for(_Awaited.HEAD, len(data))
        else:
            # the gateway owes an answer, or the next request is awaited by uvicorn's own timer
            self._wait_for(None, 0)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._limits.head, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP with a bare status; called while the parser's error is being handled."""
        self._refuse(getattr(sys.exception(), "error_status_hint", 400))

    def _wait_for(self, awaited: _Awaited | None, received: int) -> None:
        if self._timer is not None and (awaited is not self._awaited or awaited is _Awaited.BODY):
            self._timer.cancel()
            self._timer = None
        if awaited is not self._awaited:
            self._awaited, self._since, self._received = awaited, self.loop.time(), 0
        self._received += received
        if awaited is not None and self._timer is None:
            self._timer = self.loop.call_at(self._since + self._patience(awaited), self._give_up)

    def _patience(self, awaited: _Awaited) -> float:
        match awaited:
            case _Awaited.REQUEST:
                return self._limits.idle
            case _Awaited.HEAD:
                return self._limits.head
            case _Awaited.BODY:
                return max(self._limits.grace, self._received / self._limits.body_rate)

    def _give_up(self) -> None:
        if self._awaited is _Awaited.REQUEST:
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: int) -> None:
        """Answer with a bare status unless an answer has begun, and close."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._wait_for(None, 0)
        self.transport.close()


class BoundedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which alone would heap up pongs for a client that never reads, wait for ever for one to take
    its last words, and log what is the client's own doing."""

    def __init__(self, *server: Any, **named: Any) -> None:
        super().__init__(*server, **named)
        self.close_timeout = CLOSE_SECONDS
        self._decoder: codecs.IncrementalDecoder | None = None
        self._parting: asyncio.TimerHandle | None = None
        self._is_lost = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._parting is not None:
            self._parting.cancel()
        super().connection_lost(exc)

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MAX_UNREAD_PONGS:
            self.transport.abort()

    def handle_text(self, event: Frame) -> None:
        self._decoder = _UTF8()
        if self._decodes(event):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self._decoder = None
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if self._decodes(event):
            super().handle_cont(event)

    def _decodes(self, piece: Frame) -> bool:
        """Whether a text goes on as UTF-8; otherwise the connection ends with 1007."""
        if self._decoder is None or self.close_sent:
            return True
        try:
            self._decoder.decode(piece.data, piece.fin)
        except UnicodeDecodeError:
            self.conn.fail(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
            return False
        return True

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            # a refusal is an answer too
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self._is_lost:
            self._parting = self.loop.call_later(2 * CLOSE_SECONDS, self.transport.abort)
