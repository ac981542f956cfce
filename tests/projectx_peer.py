"""A tiny scripted gateway on a real socket: it answers, lies, hangs or hangs up as a test tells it to."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings

KEY = "sesame-7f3a9c-secret"
USER = "demo"

QUICK = Timings(
    connect=1.0,
    reply=0.3,
    queue=0.2,
    read_queue=0.2,
    handshake=0.5,
    invocation=0.5,
    ping=0.05,
    server_ping=0.1,
    silence=2.5,
    data_silence=0.3,
    look=0.05,
    reconnect=(0.0, 0.05, 0.1),
    kicked=(0.3,),
    stable=0.2,
)


def jwt(serial: int = 0, lifetime: int = 86_400, issued: int = 1_790_000_000) -> str:
    """A token of the right form."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": USER, "iat": issued, "exp": issued + lifetime, "jti": serial}
    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


@dataclass
class Call:
    """One request that arrived."""

    path: str
    body: dict[str, Any]
    token: str | None
    port: int = 0
    """The client's, which tells its connections apart."""


@dataclass
class Answer:
    """What to answer: a JSON value or raw bytes; `unasked` is sent after it."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    unasked: bytes = b""

    def encoded(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + self.unasked


class HangUp:
    """Close the connection instead of answering."""


class Hang:
    """Never answer."""


class Garbage:
    """Answer with something that is not HTTP."""


Reply = Answer | HangUp | Hang | Garbage


def ok(**payload: object) -> Answer:
    return Answer({**payload, "success": True, "errorCode": 0, "errorMessage": None})


def no(code: int, message: str | None = None, **payload: object) -> Answer:
    return Answer({**payload, "success": False, "errorCode": code, "errorMessage": message})


class Peer:
    """The scripted gateway. `script[path]` is a reply, a list of replies to give in turn, or a function."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.logins = 0
        self.url = ""
        self.ports: list[int] = []
        """The client's port of each connection so far."""
        self.connections = 0
        """Connections open now."""
        self.script: dict[str, Reply | list[Reply] | Callable[[Call], Reply]] = {}

    def connection(self, **changes: Any) -> ProjectXConnection:
        settings: dict[str, Any] = {
            "api_url": self.url,
            "rtc_url": self.url,
            "user": USER,
            "key": lambda: KEY,
            "firm": "Testing",
        }
        return ProjectXConnection(**settings | changes)

    def sent_to(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def reply(self, call: Call) -> Reply:
        step = self.script.get(call.path)
        if step is None and call.path == "/api/Auth/loginKey":
            self.logins += 1
            return ok(token=jwt(self.logins))
        match step:
            case None:
                return Answer(status=404)
            case list():
                return step.pop(0) if len(step) > 1 else step[0]
            case Answer() | HangUp() | Hang() | Garbage():
                return step
            case _:
                return step(call)


async def _serve(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    port = writer.get_extra_info("peername")[1]
    peer.ports.append(port)
    peer.connections += 1
    try:
        while call := await _read(reader):
            call.port = port
            peer.calls.append(call)
            match peer.reply(call):
                case Answer() as answer:
                    writer.write(answer.encoded())
                    await writer.drain()
                case Garbage():
                    writer.write(b"\x00\x01 not http at all\r\n\r\n")
                    return
                case Hang():
                    await asyncio.sleep(30)
                case HangUp():
                    return
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        peer.connections -= 1
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Call | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    request, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    token = headers.get("authorization", "").removeprefix("Bearer ") or None
    return Call(request.split()[1], json.loads(body or b"{}"), token)


@asynccontextmanager
async def running_peer(tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A peer on a free port, with `tls` as `https://localhost`."""
    peer = Peer()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.get_running_loop().create_task(_serve(peer, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also if it is cancelled before its first step

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    host = "https://localhost" if tls else "http://127.0.0.1"
    peer.url = f"{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        await asyncio.sleep(0)  # who is just coming in is taken in before all are thrown out
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        for _ in range(10):
            await asyncio.sleep(
                0
            )  # TLS handshakes that broke off, whose writers nobody was given, end by themselves
