"""Server side of the SignalR JSON hub protocol, without any I/O: text in, typed messages out."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

SEPARATOR: Final = "\x1e"
PING: Final = '{"type":6}\x1e'
MAX_MESSAGE_BYTES: Final = 32 * 1024
"""Framework default for one message from a client."""

_INVOCATION, _PING, _CLOSE = 1, 6, 7


class Handshake(msgspec.Struct, frozen=True):
    """The client opened the protocol; `error` is set when it asked for what is not offered."""

    error: str | None = None

    def reply(self) -> str:
        """The record that answers it."""
        return ("{}" if self.error is None else _encode({"error": self.error})) + SEPARATOR


class Invocation(msgspec.Struct, frozen=True):
    """The client calls a hub method; without `invocation_id` it wants no answer."""

    target: str
    arguments: list[Any]
    invocation_id: str | None = None


class Ping(msgspec.Struct, frozen=True):
    """The client is alive."""


class Close(msgspec.Struct, frozen=True):
    """The client says goodbye."""


ClientMessage = Handshake | Invocation | Ping | Close


class ProtocolBroken(Exception):
    """The client sent what the protocol does not allow; the connection has to end."""


class _Opening(msgspec.Struct):
    protocol: str
    version: int


class _Record(msgspec.Struct, rename="camel"):
    type: int
    target: str = ""
    arguments: list[Any] = msgspec.field(default_factory=list)
    invocation_id: str | None = None


class HubServerProtocol:
    """Reads one client's records; they may be packed into one frame or split over several."""

    def __init__(self) -> None:
        self._rest = ""
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done."""
        return self._open

    def receive(self, data: str) -> list[ClientMessage]:
        """Messages completed by this piece of text.

        Raises:
            ProtocolBroken: not JSON, no known shape, or longer than the server accepts.
        """
        *records, self._rest = (self._rest + data).split(SEPARATOR)
        if max(map(len, (*records, self._rest))) > MAX_MESSAGE_BYTES:
            raise ProtocolBroken(f"The maximum message size of {MAX_MESSAGE_BYTES}B was exceeded.")
        messages: list[ClientMessage] = []
        for record in records:
            message = self._read(record) if self._open else self._read_opening(record)
            if message is not None:
                messages.append(message)
        return messages

    def _read_opening(self, record: str) -> Handshake:
        try:
            opening = msgspec.json.decode(record, type=_Opening)
        except msgspec.MsgspecError as error:
            raise ProtocolBroken("An unexpected error occurred during connection handshake.") from error
        if opening.protocol != "json":
            return Handshake(f"The protocol '{opening.protocol}' is not supported.")
        # version 0 is what signalrcore sends when it skips negotiation
        if opening.version not in {0, 1}:
            return Handshake(f"The server does not support version {opening.version} of the 'json' protocol.")
        self._open = True
        return Handshake()

    @staticmethod
    def _read(record: str) -> ClientMessage | None:
        try:
            message = msgspec.json.decode(record, type=_Record)
        except msgspec.MsgspecError as error:
            raise ProtocolBroken("Connection closed with an error.") from error
        match message.type:
            case 1:
                return Invocation(message.target, message.arguments, message.invocation_id)
            case 6:
                return Ping()
            case 7:
                return Close()
            case _:
                return None


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


def failed_invocation(target: str, exception: str) -> str:
    """The error text of a completion, in the framework's words."""
    return f"Failed to invoke '{target}' due to an error on the server. {exception}"


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
