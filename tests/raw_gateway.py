"""The gateway spoken to byte by byte: HTTP and WebSocket on plain sockets, and literal SignalR records.

Knows nothing of the emulator or the adapter, so that what passes here would pass against the real gateway; only
`control` is the emulator's own.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 20.0
SEPARATOR = b"\x1e"
HANDSHAKE = b'{"protocol":"json","version":1}\x1e'

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""WebSocket opcodes."""

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Json = dict[str, Any]


@dataclass
class Answer:
    """One HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        document: Json = json.loads(self.body)
        return document


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as it goes over the wire; `content_type="x"` is the header `content-type`."""
    given = {"host": "127.0.0.1", "content-length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next response of a connection.

    Raises:
        EOFError: the server closed without one.
    """
    async with asyncio.timeout(PATIENCE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split()[1])
        length = headers.get("content-length")
        if status < 200:
            body = b""
        else:
            body = await (reader.read() if length is None else reader.readexactly(int(length)))
    return Answer(status, headers, body)


class HubWire:
    """A WebSocket to a hub, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.close_code: int | None = None
        self.closed = False
        self.heard: list[bytes] = []
        """Every message so far."""
        self._reader = reader
        self._writer = writer
        self._rest = b""
        self._records: list[bytes] = []

    async def frame(self, payload: bytes, opcode: int = TEXT, *, final: bool = True) -> None:
        """Send one masked frame."""
        size = len(payload)
        head = bytes([opcode | 0x80 * final])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 1 << 16:
            head += b"\xfe" + struct.pack("!H", size)
        else:
            head += b"\xff" + struct.pack("!Q", size)
        mask = os.urandom(4)
        pad = mask * (size // 4 + 1)
        masked = (int.from_bytes(payload) ^ int.from_bytes(pad[:size])).to_bytes(size)
        self._writer.write(head + mask + masked)
        await self._writer.drain()

    async def frames(self, payload: bytes, opcode: int, times: int) -> None:
        """Send one short frame many times, at once; its mask is zero."""
        frame = bytes([opcode | 0x80, 0x80 | len(payload)]) + bytes(4) + payload
        self._writer.write(frame * times)
        await self._writer.drain()

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def message(self) -> bytes | None:
        """The next message of the server, or None at the end; pings of the WebSocket are answered."""
        pieces: list[bytes] = []
        while True:
            try:
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
                payload = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                self.closed = True
                return None
            match first & 0x0F:
                case 8:
                    self.close_code = struct.unpack("!H", payload[:2])[0] if payload else None
                    with suppress(ConnectionError):
                        await self.frame(payload, CLOSE)
                case 9:
                    await self.frame(payload, PONG)
                case 0 | 1 | 2:
                    pieces.append(payload)
                    if first & 0x80:
                        self.heard.append(b"".join(pieces))
                        return self.heard[-1]

    async def record(self) -> bytes | None:
        """The next SignalR record without its separator, pings included; None at the end."""
        async with asyncio.timeout(PATIENCE):
            while not self._records:
                message = await self.message()
                if message is None:
                    return None
                *self._records, self._rest = (self._rest + message).split(SEPARATOR)
        return self._records.pop(0)

    async def next(self) -> bytes | None:
        """The next record that is no ping."""
        while (record := await self.record()) == b'{"type":6}':
            continue
        return record

    async def answer(self, invocation_id: str) -> bytes:
        """The completion of an invocation; events before it are dropped."""
        head = f'{{"type":3,"invocationId":"{invocation_id}"'.encode()
        while (record := await self.next()) is not None:
            if record.startswith(head):
                return record
        raise AssertionError(f"no completion of {invocation_id}")

    async def invoke(self, target: str, *arguments: object, call: str = "0") -> bytes:
        """Call a method and return its completion."""
        listed = json.dumps(arguments, separators=(",", ":"))
        await self.frame(
            f'{{"type":1,"invocationId":"{call}","target":"{target}","arguments":{listed}}}\x1e'.encode()
        )
        return await self.answer(call)

    async def events_until(self, call: str = "sync") -> list[bytes]:
        """Every event told before an invocation that does nothing is answered."""
        await self.frame(
            f'{{"type":1,"invocationId":"{call}","target":"NoSuchMethod","arguments":[]}}\x1e'.encode()
        )
        told: list[bytes] = []
        head = f'{{"type":3,"invocationId":"{call}"'.encode()
        while (record := await self.next()) is not None and not record.startswith(head):
            told.append(record)
        return told

    async def event(self, target: str) -> Json:
        """The next event with a target; others are dropped."""
        while (record := await self.next()) is not None:
            event: Json = json.loads(record)
            if event.get("target") == target:
                return event
        raise AssertionError(f"closed before {target}")

    async def wait_closed(self) -> list[bytes]:
        """Records up to the end of the connection."""
        last: list[bytes] = []
        while (record := await self.record()) is not None:
            last.append(record)
        return last

    async def close(self) -> None:
        await _close(self._writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await writer.wait_closed()


@dataclass
class Wire:
    """Where a gateway answers, who calls, and the token that calls carry; `async with` closes what was opened."""

    url: str
    user: str
    key: str
    token: str = ""
    _contracts: dict[str, str] = field(default_factory=dict)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __aenter__(self) -> "Wire":
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            await _close(writer)

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    async def connect(self, limit: int = 1 << 26) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, open until it or this caller is closed; the reader buffers up to twice `limit`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        self._writers = [other for other in self._writers if not other.is_closing()]
        self._writers.append(writer)
        return reader, writer

    async def send(self, raw: bytes) -> Answer:
        """Send bytes on a connection of their own and read the response."""
        reader, writer = await self.connect()
        try:
            writer.write(raw)
            return await read_answer(reader)
        finally:
            await _close(writer)

    async def post(
        self,
        path: str,
        body: str | bytes = "",
        *,
        token: str | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """POST a literal body with the token of `login`, or with another one ("" sends none)."""
        bearer = self.token if token is None else token
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        content = body.encode() if isinstance(body, str) else body
        return await self.send(request("POST", path, content, content_type=content_type, **headers))

    async def call(self, path: str, **body: object) -> Json:
        """POST and return the envelope of a 200."""
        answer = await self.post(path, json.dumps(body))
        assert answer.status == 200, answer
        return answer.json()

    async def login(self) -> str:
        """Log in with user and key; later calls carry the token."""
        answer = await self.post(
            "/api/Auth/loginKey", f'{{"userName":"{self.user}","apiKey":"{self.key}"}}', token=""
        )
        self.token = answer.json()["token"]
        return self.token

    async def control(self, order: str, **arguments: object) -> None:
        """An order to the emulator's control plane."""
        answer = await self.post(f"/__emu/{order}", json.dumps(arguments))
        assert answer.status == 200, answer

    async def step(self, seconds: float) -> None:
        """Let a frozen clock go forward."""
        await self.control("clock", step_seconds=seconds)

    async def contract(self, symbol_id: str) -> str:
        """Id of the active contract with a symbol id such as `F.US.MNQ`."""
        if not self._contracts:
            rows = (await self.call("/api/Contract/available", live=False))["contracts"]
            self._contracts.update((row["symbolId"], row["id"]) for row in rows)
        return self._contracts[symbol_id]

    async def accounts(self) -> list[int]:
        """Ids of the user's accounts."""
        rows = (await self.call("/api/Account/search", onlyActiveAccounts=True))["accounts"]
        return [row["id"] for row in rows]

    async def upgrade(
        self, path: str, *, token: str = "", limit: int = 1 << 26, **headers: str
    ) -> tuple[Answer, asyncio.StreamReader, asyncio.StreamWriter]:
        """Ask for a WebSocket; `token` goes into the header, `limit` is that of `connect`."""
        key = base64.b64encode(os.urandom(16)).decode()
        if token:
            headers["authorization"] = f"Bearer {token}"
        lines = {
            "host": "127.0.0.1",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": key,
        } | headers
        reader, writer = await self.connect(limit)
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = await read_answer(reader)
        if answer.status == 101:
            accept = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
            assert answer.headers["sec-websocket-accept"] == accept
        return answer, reader, writer

    @asynccontextmanager
    async def socket(self, path: str, *, token: str = "") -> AsyncIterator[HubWire]:
        """A WebSocket, before the SignalR handshake."""
        answer, reader, writer = await self.upgrade(path, token=token)
        assert answer.status == 101, answer
        hub = HubWire(reader, writer)
        try:
            yield hub
        finally:
            await hub.close()

    @asynccontextmanager
    async def hub(self, name: str, handshake: bytes = HANDSHAKE) -> AsyncIterator[HubWire]:
        """A hub connection without negotiation, token in the query, past the handshake."""
        async with self.socket(f"/hubs/{name}?access_token={self.token}") as hub:
            await hub.frame(handshake)
            assert await hub.record() == b"{}"
            yield hub


_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?\+00:00")


def shape(record: bytes) -> str:
    """A record with every time replaced by `<hub>`: at most seven digits, the last of them no zero.

    The seventh digit is what tells a hub's times from those of REST (`rest_shape`).
    """
    return _shaped(record, 7, "<hub>")


def rest_shape(body: bytes) -> str:
    """A body with every time replaced by `<rest>`: at most six digits, the last of them no zero."""
    return _shaped(body, 6, "<rest>")


def market_shape(record: bytes) -> str:
    """A market record with its times replaced: `<ms>` for those named `timestamp` outside depth, `<hub>` else."""
    text = re.sub(
        r'"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?!\d*0\+)\d{1,3})?\+00:00"',
        '"timestamp":"<ms>"',
        record.decode(),
    )
    return _shaped(text.encode(), 7, "<hub>")


def _shaped(text: bytes, digits: int, name: str) -> str:
    def shaped(match: re.Match[str]) -> str:
        fraction = match[1]
        well = fraction is None or (len(fraction) <= digits and not fraction.endswith("0"))
        return name if well else match[0]

    return _STAMP.sub(shaped, text.decode())
