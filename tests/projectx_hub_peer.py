"""A scripted SignalR hub on a real socket: it completes calls, and fails in every way a test asks for."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

RS = "\x1e"


class Line:
    """One client's connection, seen from the server."""

    def __init__(self, socket: web.WebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token
        self.calls: list[tuple[str, list[Any]]] = []
        self.pings = 0

    async def send(self, *records: object) -> None:
        await self.socket.send_str("".join(json.dumps(record) + RS for record in records))

    async def event(self, target: str, *arguments: object) -> None:
        await self.send({"type": 1, "target": target, "arguments": arguments})

    async def drop(self) -> None:
        """Die without a goodbye."""
        transport = self.socket._req.transport if self.socket._req else None
        if transport is not None:
            transport.abort()


class HubPeer:
    """Set the switches, look at `lines`."""

    def __init__(self) -> None:
        self.url = ""
        self.lines: list[Line] = []
        self.refused_tokens: set[str] = set()
        self.handshake_reply: str | None = "{}"
        self.completes = True
        self.refuses: dict[str, str] = {}
        self.pings = True
        self.status: int | None = None
        self.on_call: Callable[[Line, str, list[Any]], None] = lambda line, target, arguments: None

    @property
    def line(self) -> Line:
        """The newest connection."""
        return self.lines[-1]

    def subscribed(self) -> list[tuple[str, list[Any]]]:
        return self.line.calls

    async def handle(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("access_token", "")
        if self.status is not None:
            return web.Response(status=self.status)
        if token in self.refused_tokens:
            return web.Response(status=401)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        line = Line(socket, token)
        self.lines.append(line)
        pinger = asyncio.create_task(self._ping(line))
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    for record in message.data.split(RS)[:-1]:
                        await self._take(line, json.loads(record))
        finally:
            pinger.cancel()
        return socket

    async def _ping(self, line: Line) -> None:
        while True:
            await asyncio.sleep(0.05)
            if self.pings and not line.socket.closed:
                await line.send({"type": 6})

    async def _take(self, line: Line, record: dict[str, Any]) -> None:
        if "protocol" in record:
            if self.handshake_reply is not None:
                await line.socket.send_str(self.handshake_reply + RS)
        elif record["type"] == 6:
            line.pings += 1
        elif record["type"] == 1:
            line.calls.append((record["target"], record["arguments"]))
            if self.completes:
                error = self.refuses.get(record["target"])
                answer = {"type": 3, "invocationId": record["invocationId"]}
                await line.send(answer | ({"error": error} if error else {"result": None}))
            self.on_call(line, record["target"], record["arguments"])


@asynccontextmanager
async def running_hub(tls: ssl.SSLContext | None = None) -> AsyncIterator[HubPeer]:
    """A hub peer on a free port, for both hub paths; with `tls` as `https://localhost`."""
    peer = HubPeer()
    app = web.Application()
    app.router.add_get("/hubs/{name}", peer.handle)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server: Any = site._server
    host = "https://localhost" if tls else "http://127.0.0.1"
    peer.url = f"{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        for line in peer.lines:
            await line.drop()
        await runner.cleanup()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something has become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
