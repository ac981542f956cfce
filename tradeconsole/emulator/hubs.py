"""The two real-time hubs: who is connected, what each wants to hear, and how messages get there."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from tradeconsole.emulator import signalr
from tradeconsole.emulator.faults import Faults, Hub
from tradeconsole.emulator.switches import Switches


class Channel(StrEnum):
    """What can be subscribed."""

    ACCOUNTS = "accounts"
    ORDERS = "orders"
    POSITIONS = "positions"
    TRADES = "trades"
    QUOTES = "quotes"
    PRINTS = "prints"
    DEPTH = "depth"


Key = int | str | None
"""Account id on the user hub, contract id on the market hub, None for the accounts channel."""


class Method(msgspec.Struct, frozen=True):
    """A hub method: which channel it switches, on or off, and the type of its one argument if it has one."""

    channel: Channel
    subscribes: bool
    argument: type[int] | type[str] | None


def _methods(things: dict[str, tuple[Channel, type[int] | type[str] | None]]) -> dict[str, Method]:
    return {
        f"{verb}{thing}".lower(): Method(channel, verb == "Subscribe", argument)
        for thing, (channel, argument) in things.items()
        for verb in ("Subscribe", "Unsubscribe")
    }


METHODS: Final = {
    Hub.USER: _methods(
        {
            "Accounts": (Channel.ACCOUNTS, None),
            "Orders": (Channel.ORDERS, int),
            "Positions": (Channel.POSITIONS, int),
            "Trades": (Channel.TRADES, int),
        }
    ),
    Hub.MARKET: _methods(
        {
            "ContractQuotes": (Channel.QUOTES, str),
            "ContractTrades": (Channel.PRINTS, str),
            "ContractMarketDepth": (Channel.DEPTH, str),
        }
    ),
}


class HubLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The framework's timers in seconds, with ASP.NET Core's defaults, and what keeps one client from taking all the memory.

    `goodbye` is how long a client that does not read may take to hear the last words, `unread` how many characters
    it may leave unread, `subscriptions` how many it may have: all channels of all contracts are about 150.
    """

    keep_alive: float = 15.0
    client_silence: float = 30.0
    handshake: float = 15.0
    goodbye: float = 5.0
    unread: int = 4 * 2**20
    subscriptions: int = 1000


class Socket(Protocol):
    """What a hub needs of a WebSocket."""

    async def send_text(self, data: str) -> None: ...

    async def close(self, code: int = 1000) -> None: ...

    async def receive(self) -> bytes | None:
        """The next message; None when the peer has gone."""

    def abort(self) -> None:
        """Cut the connection without a word."""


class HubConnection:
    """One client on one hub."""

    def __init__(self, hub: Hub, user: str, socket: Socket, faults: Faults, limits: HubLimits) -> None:
        self.hub = hub
        self.user = user
        self.subscriptions: set[tuple[Channel, Key]] = set()
        self._socket = socket
        self._faults = faults
        self._limits = limits
        self._queue: list[str] = []
        self._queued = 0
        self._wake = asyncio.Event()
        self._farewell: str | None = None

    def send(self, record: str) -> None:
        """Queue a record (or several joined ones); a client that does not read is cut off."""
        if self._farewell is not None or self._faults.is_mute(self.hub):
            return
        self._queue.append(record)
        self._queued += len(record)
        self._wake.set()
        if self._queued > self._limits.unread:
            self.abort()

    @property
    def may_subscribe(self) -> bool:
        """Whether there is room for another subscription."""
        return len(self.subscriptions) < self._limits.subscriptions

    def finish(self, record: str = "") -> None:
        """Send what is queued and a last record, then close politely."""
        if self._farewell is None:
            self._farewell = record
            self._wake.set()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._farewell = ""
        self._queue.clear()
        self._queued = 0
        self._wake.set()
        self._socket.abort()

    async def serve(
        self,
        opened: Callable[["HubConnection"], None],
        invoked: Callable[["HubConnection", signalr.Invocation], None],
    ) -> None:
        """Speak the protocol until either side ends it."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read(opened, invoked)
        finally:
            self.finish()
            try:
                async with asyncio.timeout(self._limits.goodbye):
                    await writer
            except TimeoutError:
                self.abort()

    async def _read(
        self,
        opened: Callable[["HubConnection"], None],
        invoked: Callable[["HubConnection", signalr.Invocation], None],
    ) -> None:
        protocol = signalr.HubServerProtocol()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.handshake) as patience:
                while self._farewell is None and (data := await self._socket.receive()) is not None:
                    for message in protocol.receive(data):
                        match message:
                            case signalr.Handshake():
                                self.send(message.reply())
                                if message.error is not None:
                                    return
                                opened(self)
                            case signalr.Invocation():
                                invoked(self, message)
                            case signalr.Close():
                                return
                    if protocol.is_open:
                        patience.reschedule(loop.time() + self._limits.client_silence)
        except TimeoutError:
            canceled = signalr.Handshake("Handshake was canceled.").reply()
            self.finish(protocol.farewell() if protocol.is_open else canceled)
        except signalr.ProtocolBroken:
            self.finish(protocol.farewell())

    async def _write(self) -> None:
        while self._farewell is None or self._queue:
            try:
                async with asyncio.timeout(self._limits.keep_alive):
                    await self._wake.wait()
            except TimeoutError:
                self.send(signalr.PING)
            self._wake.clear()
            if self._queue:
                text = "".join(self._queue)
                self._queue.clear()
                self._queued = 0
                await self._socket.send_text(text)
        if self._farewell:
            await self._socket.send_text(self._farewell)
        await self._socket.close()


class Hubs:
    """Both hubs' connections and their subscriptions.

    Args:
        faults: consulted before anything is sent.
        switches: say whether a user's newer connection ends the older one of the same hub with `GatewayLogout`.
        subscribed: called after a subscription was confirmed.
        changed: called when the set of subscribed market contracts may have changed.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        switches: Switches,
        subscribed: Callable[[HubConnection, Channel, Key], None],
        changed: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._switches = switches
        self._subscribed = subscribed
        self._changed = changed
        self._connections: set[HubConnection] = set()
        self._listeners: dict[tuple[Channel, Key], set[HubConnection]] = defaultdict(set)

    async def serve(self, hub: Hub, user: str, socket: Socket, limits: HubLimits) -> None:
        """Serve one client until it is gone."""
        connection = HubConnection(hub, user, socket, self._faults, limits)
        try:
            await connection.serve(self._opened, self._invoked)
        finally:
            self._forget(connection)

    def connections(self, hub: Hub | None = None, user: str | None = None) -> list[HubConnection]:
        """Living connections, of one hub or user if asked."""
        return [
            connection
            for connection in self._connections
            if hub in {None, connection.hub} and user in {None, connection.user}
        ]

    def listeners(self, channel: Channel, key: Key) -> Iterable[HubConnection]:
        """Who hears a channel."""
        return self._listeners.get((channel, key), ())

    def market_contracts(self) -> set[str]:
        """Contracts with at least one market listener."""
        return {key for _, key in self._listeners if isinstance(key, str)}

    def log_out(self, connections: Iterable[HubConnection]) -> None:
        """Send `GatewayLogout` and close, as the gateway does to a session that was taken over."""
        for connection in list(connections):
            connection.finish(signalr.event("GatewayLogout", ()))
            self._forget(connection)

    def drop(self, connections: Iterable[HubConnection]) -> None:
        """Cut connections without a word."""
        for connection in list(connections):
            connection.abort()
            self._forget(connection)

    def _opened(self, connection: HubConnection) -> None:
        if self._switches.single_session:
            self.log_out(self.connections(connection.hub, connection.user))
        self._connections.add(connection)

    def _forget(self, connection: HubConnection) -> None:
        self._connections.discard(connection)
        for subscription in list(connection.subscriptions):
            self._unlisten(connection, subscription)
        self._changed()

    def _unlisten(self, connection: HubConnection, subscription: tuple[Channel, Key]) -> None:
        connection.subscriptions.discard(subscription)
        listeners = self._listeners.get(subscription)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[subscription]

    def _invoked(self, connection: HubConnection, call: signalr.Invocation) -> None:
        method = METHODS[connection.hub].get(call.target.lower())
        exception = _objection(method, call)
        error = None if exception is None else signalr.failed_invocation(call.target, exception)
        if error is None and call.streamed:
            error = signalr.not_a_stream(call.target)
        if call.invocation_id is not None:
            connection.send(signalr.completion(call.invocation_id, error))
        if method is None or error is not None:
            return
        key: Key = call.arguments[0] if call.arguments else None
        subscription = (method.channel, key)
        if not method.subscribes:
            self._unlisten(connection, subscription)
            self._changed()
        elif not connection.may_subscribe and subscription not in connection.subscriptions:
            connection.finish(signalr.closed_with_an_error())
        elif connection in self._connections:
            connection.subscriptions.add(subscription)
            self._listeners[subscription].add(connection)
            self._changed()
            self._subscribed(connection, method.channel, key)


def _objection(method: Method | None, call: signalr.Invocation) -> str | None:
    """Why a call cannot be bound, in the framework's words."""
    if method is None:
        return "HubException: Method does not exist."
    expected = 0 if method.argument is None else 1
    if len(call.arguments) != expected:
        return (
            f"InvalidDataException: Invocation provides {len(call.arguments)} argument(s) "
            f"but target expects {expected}."
        )
    if method.argument is not None and not _binds(method.argument, call.arguments[0]):
        return (
            "InvalidDataException: Error binding arguments. Make sure that the types of the provided "
            "values match the types of the hub method being invoked."
        )
    return None


def _binds(kind: type[int] | type[str], value: object) -> bool:
    """Whether an argument is of the type that a method declares: a 32-bit number, or text."""
    return type(value) is kind and (not isinstance(value, int) or -(2**31) <= value < 2**31)
