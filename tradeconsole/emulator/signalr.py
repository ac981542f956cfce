"""Server side of the SignalR JSON hub protocol, without any I/O: bytes in, typed messages out."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

SEPARATOR: Final = "\x1e"
PING: Final = '{"type":6}\x1e'
MAX_MESSAGE_BYTES: Final = 32 * 1024
"""Framework default for one record from a client."""

_INVOCATION, _STREAM_INVOCATION, _PING, _CLOSE = 1, 4, 6, 7


class Handshake(msgspec.Struct, frozen=True):
    """The client opened the protocol; `error` is set when it asked for what is not offered."""

    error: str | None = None

    def reply(self) -> str:
        """The record that answers it."""
        return ("{}" if self.error is None else _encode({"error": self.error})) + SEPARATOR


class Invocation(msgspec.Struct, frozen=True):
    """The client calls a hub method; without `invocation_id` it wants no answer. `streamed`: it wants many."""

    target: str
    arguments: list[Any]
    invocation_id: str | None = None
    streamed: bool = False


class Ping(msgspec.Struct, frozen=True):
    """The client is alive."""


class Close(msgspec.Struct, frozen=True):
    """The client says goodbye."""


ClientMessage = Handshake | Invocation | Ping | Close


_SEPARATOR: Final = SEPARATOR.encode()

ShapeT = TypeVar("ShapeT", bound=msgspec.Struct)


class ProtocolBroken(Exception):
    """The client sent what the protocol does not allow; the connection has to end."""


class _Opening(msgspec.Struct):
    protocol: str
    version: int


class _Record(msgspec.Struct, rename="camel"):
    type: int
    target: str | UnsetType = UNSET
    arguments: list[Any] | UnsetType = UNSET
    invocation_id: str | None = None


class HubServerProtocol:
    """Reads one client's records; they may be packed into one frame or split over several."""

    def __init__(self) -> None:
        self._rest = b""
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done."""
        return self._open

    def receive(self, data: bytes) -> Iterator[ClientMessage]:
        """Messages completed by this piece; what comes before a breach is still told.

        Raises:
            ProtocolBroken: not JSON, no known shape, or longer than the server accepts.
        """
        *records, self._rest = (self._rest + data).split(_SEPARATOR)
        for record in records:
            if len(record) >= MAX_MESSAGE_BYTES:
                raise ProtocolBroken
            message = self._read(record) if self._open else self._read_opening(record)
            if message is not None:
                yield message
        if len(self._rest) >= MAX_MESSAGE_BYTES:
            raise ProtocolBroken

    def farewell(self) -> str:
        """What a client hears that broke the protocol or fell silent; the framework keeps the details to itself."""
        if self._open:
            return closed_with_an_error()
        return Handshake("An unexpected error occurred during connection handshake.").reply()

    def _read_opening(self, record: bytes) -> Handshake:
        opening = _decoded(record, _Opening)
        if opening.protocol != "json":
            return Handshake(f"The protocol '{opening.protocol}' is not supported.")
        # version 0 is what signalrcore sends when it skips negotiation
        if opening.version not in {0, 1}:
            return Handshake(f"The server does not support version {opening.version} of the 'json' protocol.")
        self._open = True
        return Handshake()

    @staticmethod
    def _read(record: bytes) -> ClientMessage | None:
        message = _decoded(record, _Record)
        match message.type:
            case 1 | 4:
                if message.target is UNSET or message.arguments is UNSET:
                    raise ProtocolBroken
                return Invocation(
                    message.target,
                    message.arguments,
                    message.invocation_id,
                    message.type == _STREAM_INVOCATION,
                )
            case 6:
                return Ping()
            case 7:
                return Close()
            case _:
                return None


def _decoded(record: bytes, shape: type[ShapeT]) -> ShapeT:
    try:
        return msgspec.json.decode(record, type=shape)
    # besides what is no JSON: text that is no UTF-8, and nesting deeper than the stack
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolBroken from error


def event(target: str, arguments: Sequence[object]) -> str:
    """A record that calls a client's handler."""
    return _encode({"type": _INVOCATION, "target": target, "arguments": arguments}) + SEPARATOR


def completion(invocation_id: str, error: str | None = None) -> str:
    """The answer to an invocation that asked for one."""
    answer: dict[str, object] = {"type": 3, "invocationId": invocation_id}
    answer |= {"result": None} if error is None else {"error": error}
    return _encode(answer) + SEPARATOR


def close(error: str | None = None, *, allow_reconnect: bool | None = None) -> str:
    """The record that announces the end of the connection."""
    record: dict[str, object] = {"type": _CLOSE}
    if error is not None:
        record["error"] = error
    if allow_reconnect is not None:
        record["allowReconnect"] = allow_reconnect
    return _encode(record) + SEPARATOR


def closed_with_an_error() -> str:
    """The record before the end of a connection that did what it may not, in the framework's words."""
    return close("Connection closed with an error.", allow_reconnect=True)


def failed_invocation(target: str, exception: str) -> str:
    """The error text of a completion, in the framework's words."""
    return f"Failed to invoke '{target}' due to an error on the server. {exception}"


def not_a_stream(target: str) -> str:
    """The error text of a completion when a client asked for a stream where there is none."""
    return f"The client attempted to invoke the non-streaming '{target}' method with a streaming invocation."


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
