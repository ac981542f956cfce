"""SignalR's JSON hub protocol without I/O: bytes in, typed frames out, bytes to send back.

Rules, from the ASP.NET Core hub protocol specification and the gateway's observed behaviour:

* every record ends with 0x1E; several records may share a WebSocket message, and one may span two;
* the first record of a connection answers the handshake; others may follow it in the same message;
* an invocation with an id is answered by one completion with the same id;
* record types this side does not use are skipped, as the specification asks of clients.
"""

from itertools import count
from typing import Final

import msgspec

from tradeconsole.errors import ProtocolError

RECORD_SEPARATOR: Final = b"\x1e"
MAX_RECORD: Final = 16 * 1024 * 1024
"""Bytes of one record; the largest known, a depth snapshot, has tens of kilobytes."""

HANDSHAKE: Final = b'{"protocol":"json","version":1}\x1e'
PING: Final = b'{"type":6}\x1e'

_EMPTY: Final = msgspec.Raw(b"[]")


class Ready(msgspec.Struct, frozen=True, gc=False):
    """The server accepted the handshake."""


class Invocation(msgspec.Struct, frozen=True, gc=False):
    """The server calls `target`; `arguments` is a JSON array, decoded by whoever handles the target."""

    target: str
    arguments: msgspec.Raw


class Completion(msgspec.Struct, frozen=True, gc=False):
    """The answer to our invocation `invocation_id`; `error` is None if it succeeded."""

    invocation_id: str
    error: str | None


class Ping(msgspec.Struct, frozen=True, gc=False):
    """The server is alive."""


class Closed(msgspec.Struct, frozen=True, gc=False):
    """The server is about to close the connection."""

    error: str | None
    allow_reconnect: bool


Frame = Ready | Invocation | Completion | Ping | Closed


class _Record(msgspec.Struct, rename="camel", gc=False):
    type: int
    target: str = ""
    arguments: msgspec.Raw = _EMPTY
    invocation_id: str | None = None
    error: str | None = None
    allow_reconnect: bool = False


class _HandshakeReply(msgspec.Struct, gc=False):
    error: str | None = None
    type: int | None = None


class _Call(msgspec.Struct, rename="camel", gc=False):
    target: str
    arguments: tuple[str | int, ...]
    invocation_id: str
    type: int = 1


_decode_record: Final = msgspec.json.Decoder(_Record).decode
_decode_reply: Final = msgspec.json.Decoder(_HandshakeReply).decode
_PING: Final = Ping()


class HubProtocol:
    """One connection's conversation; make a new one for each connection."""

    def __init__(self) -> None:
        self._ids = count()
        self._rest = b""
        self._ready = False

    def handshake(self) -> bytes:
        """The first thing to send."""
        return HANDSHAKE

    def ping(self) -> bytes:
        """What to send now and then, so that the server knows that we live."""
        return PING

    def invoke(self, target: str, *arguments: str | int) -> tuple[str, bytes]:
        """A call of a hub method: its id and the bytes to send.

        Raises:
            ProtocolError: the handshake is not done.
        """
        if not self._ready:
            raise ProtocolError(f"cannot call {target}: the hub has not answered the handshake")
        invocation_id = str(next(self._ids))
        call = _Call(target=target, arguments=arguments, invocation_id=invocation_id)
        return invocation_id, msgspec.json.encode(call) + RECORD_SEPARATOR

    def receive(self, data: bytes) -> list[Frame]:
        """Take the bytes of one message; return what is complete, in order.

        Raises:
            ProtocolError: the handshake was refused, or the bytes are not hub records.
        """
        *records, self._rest = (self._rest + data if self._rest else data).split(RECORD_SEPARATOR)
        if len(self._rest) > MAX_RECORD:
            raise ProtocolError(f"the hub sent a record of more than {MAX_RECORD // 2**20} MiB")
        frames: list[Frame] = []
        for record in records:
            if not self._ready:
                self._finish_handshake(record)
                frames.append(Ready())
            elif (frame := _frame(record)) is not None:
                frames.append(frame)
        return frames

    def _finish_handshake(self, record: bytes) -> None:
        try:
            reply = _decode_reply(record)
        except msgspec.DecodeError as cause:
            raise ProtocolError("the hub's answer to the handshake is not JSON") from cause
        if reply.type is not None:
            raise ProtocolError("the hub sent something else than the answer to the handshake")
        if reply.error is not None:
            raise ProtocolError(f"the hub refused the handshake: {reply.error}")
        self._ready = True


def _frame(data: bytes) -> Frame | None:
    try:
        record = _decode_record(data)
    except msgspec.DecodeError as cause:
        raise ProtocolError(f"the hub sent a malformed record ({cause})") from cause
    match record.type:
        case 1:
            return Invocation(record.target, record.arguments)
        case 3:
            return Completion(record.invocation_id or "", record.error)
        case 6:
            return _PING
        case 7:
            return Closed(record.error, record.allow_reconnect)
        case _:
            return None
