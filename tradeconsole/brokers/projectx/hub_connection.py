"""One WebSocket connection to a hub, from handshake to its end, and every way it can end."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.proxies import ProxyTrouble, by_way_of, proxy_of
from tradeconsole.brokers.projectx.signalr import (
    MAX_RECORD,
    Closed,
    Completion,
    Frame,
    HubProtocol,
    Invocation,
)
from tradeconsole.brokers.projectx.wire import words
from tradeconsole.errors import ProtocolError

log = logging.getLogger(__name__)

Call = tuple[str, str | int] | tuple[str]
"""A hub method and its argument."""

Handler = Callable[[msgspec.Raw], None]
"""Takes the arguments of one event; raises `msgspec.DecodeError` if they are not what they should be."""

_LOGOUT: Final = "gatewaylogout"
_TAKEN_OVER: Final = "another session of this user took over the data stream, probably the firm's web page or app, or another program"
"""The event says nothing; sessions elsewhere are what users found behind it (unverified)."""
_LOST: Final = "the connection to the hub was lost"
_CLOSE_PATIENCE: Final = 1.0
_FRAME: Final = {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}


class HubEnded(Exception):
    """The connection is over; the message is a reason for the user."""


class HubSilent(HubEnded):
    """Connected, but nothing is heard."""


class HubKicked(HubEnded):
    """Another session of the same user took over."""


class HubUnauthorised(HubEnded):
    """The hub does not accept the token."""


class HubDenied(HubEnded):
    """The gateway does not accept the credentials: trying again soon is of no use."""


class CallRefused(Exception):
    """The hub answered a call with an error."""


class HubConnection:
    """One open connection. `handlers` are keyed by the lower-cased event name, as the hub's own clients match."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        handlers: Mapping[str, Handler],
        timings: Timings,
        monotonic: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._handlers = handlers
        self._timings = timings
        self._monotonic = monotonic
        self._protocol = HubProtocol()
        self._early: list[Frame] = []
        self._pending: dict[str, asyncio.Future[None]] = {}
        self.last_heard = self.last_data = monotonic()
        self.brought_data = False
        self._over = False

    @classmethod
    async def open(
        cls,
        session: aiohttp.ClientSession,
        url: str,
        token: str,
        handlers: Mapping[str, Handler],
        timings: Timings,
        monotonic: Callable[[], float],
    ) -> "HubConnection":
        """Connect and shake hands.

        Raises:
            HubEnded: it did not come about.
        """
        proxy = None
        try:
            proxy = proxy_of(urlsplit(url))
            async with asyncio.timeout(timings.connect):
                socket = await session.ws_connect(
                    url,
                    proxy=None if proxy is None else proxy.geturl(),
                    params={"access_token": token},
                    max_msg_size=MAX_RECORD,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_PATIENCE),
                )
        except aiohttp.WSServerHandshakeError as error:
            # only the status: the error's text quotes the address, which carries the token
            if error.status == 401:
                raise HubUnauthorised("the hub does not accept the token") from None
            raise HubEnded(f"the hub answered with HTTP {error.status}") from None
        except ProxyTrouble as error:
            raise HubEnded(str(error)) from None
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise HubEnded(f"the hub cannot be reached{by_way_of(proxy)}") from None
        connection = cls(socket, handlers, timings, monotonic)
        try:
            await connection._shake_hands()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _shake_hands(self) -> None:
        try:
            async with asyncio.timeout(self._timings.handshake):
                await self._send(self._protocol.handshake())
                while not self._early:  # the first frame can only be `Ready`; events may follow it
                    self._early = await self._read()
        except TimeoutError:
            raise HubSilent("the hub did not answer the handshake") from None

    async def call(self, call: Call) -> None:
        """Call a method and wait for its completion; `run` must be running.

        Raises:
            CallRefused: the hub said no.
            HubEnded: the connection ended, or no answer came.
        """
        if self._over:
            raise HubEnded(_LOST)
        call_id, data = self._protocol.invoke(*call)
        answer = self._pending[call_id] = asyncio.get_running_loop().create_future()
        try:
            await self._send(data)
            async with asyncio.timeout(self._timings.invocation):
                await answer
        except TimeoutError:
            raise HubSilent(f"the hub did not answer {call[0]}") from None
        finally:
            del self._pending[call_id]

    async def run(self) -> None:
        """Read events until the connection ends.

        Raises:
            HubEnded: always, with the reason.
        """
        try:
            for frame in self._early:
                self._take(frame)
            while True:
                for frame in await self._read():
                    self._take(frame)
        finally:
            self._fail_pending()

    async def ping(self) -> None:
        """Tell the hub that we live.

        Raises:
            HubEnded: the connection ended.
        """
        await self._send(self._protocol.ping())

    async def close(self) -> None:
        """Say goodbye, briefly; never raises."""
        try:
            async with asyncio.timeout(_CLOSE_PATIENCE):
                await self._socket.close()
        except (aiohttp.ClientError, OSError, TimeoutError):
            log.debug("the hub connection did not close in time")

    async def _send(self, data: bytes) -> None:
        try:
            await self._socket.send_str(data.decode())
        except (aiohttp.ClientError, OSError):
            raise HubEnded(_LOST) from None

    async def _read(self) -> list[Frame]:
        message = await self._socket.receive()
        if message.type not in _FRAME:
            raise HubEnded(_goodbye(message, self._socket))
        self.last_heard = self._monotonic()
        data = message.data.encode() if isinstance(message.data, str) else message.data
        try:
            return self._protocol.receive(data)
        except ProtocolError as error:
            raise HubEnded(words(str(error))) from None

    def _take(self, frame: Frame) -> None:
        match frame:
            case Invocation():
                self._handle(frame)
            case Completion(call_id, error):
                self._complete(call_id, error)
            case Closed(error, _):
                raise HubEnded(
                    f"the hub closed the connection: {words(error)}"
                    if error
                    else "the hub closed the connection"
                )

    def _handle(self, event: Invocation) -> None:
        target = event.target.lower()
        handler = self._handlers.get(target)
        if handler is None:
            if target == _LOGOUT:
                raise HubKicked(_TAKEN_OVER)
            log.debug("hub event %s is not known", event.target)
            return
        try:
            handler(event.arguments)
        except msgspec.DecodeError as error:
            # one event the gateway garbled: reconciliation finds what it said, the rest must go on
            log.warning("hub event %s cannot be read: %s", event.target, error)
            return
        self.last_data = self.last_heard
        self.brought_data = True

    def _complete(self, call_id: str, error: str | None) -> None:
        answer = self._pending.get(call_id)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(CallRefused(words(error)))

    def _fail_pending(self) -> None:
        self._over = True
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(HubEnded(_LOST))


def _goodbye(message: aiohttp.WSMessage, socket: aiohttp.ClientWebSocketResponse) -> str:
    if message.type is aiohttp.WSMsgType.ERROR or socket.close_code in {None, 1006}:
        return _LOST
    return "the hub closed the connection"
