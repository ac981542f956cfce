"""uvicorn on a loopback socket of our own, whose connections can be cut and whose port can go away."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Generator
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp

from tradeconsole.emulator.gateway import Peer
from tradeconsole.emulator.http_connection import MAX_HEAD_BYTES, BoundedSocket, HttpLimits, PatientConnection
from tradeconsole.errors import ConfigError

LOOPBACK: Final = "127.0.0.1"

_TURNS: Final = 3
"""Turns of the loop after which a client that was accepted is known."""


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers and its ten ticks a second: `stop` ends it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Listener:
    """Serves an application on one port.

    Args:
        app: what to serve.
        port: 0 takes a free one.
        limits: how long clients are waited for.

    Raises:
        ConfigError: the port is taken or forbidden.
    """

    def __init__(self, app: ASGIApp, port: int = 0, limits: HttpLimits | None = None) -> None:
        # what a client sends that is no HTTP is told to the client, not to the log
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            http=cast(
                type[asyncio.Protocol], partial(PatientConnection, limits or HttpLimits(), self._is_away)
            ),
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ws=BoundedSocket,
            ws_max_size=256 * 1024,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _QuietServer(self._config)
        self._task: asyncio.Task[None] | None = None
        self._reopening: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._server.server_state.connections)

    async def start(self) -> None:
        """Begin to accept connections."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Finish what is being answered, close every connection and the port."""
        if self._reopening is not None:
            self._reopening.cancel()
        self._server.stop.set()
        if self._task is not None:
            await self._task

    def abort(self, peer: Peer | None) -> None:
        """Reset one client's connection, or everybody's."""
        for connection in list(self._server.server_state.connections):
            transport = connection.transport
            if transport is not None and peer in {None, getattr(connection, "client", None)}:
                transport.abort()

    def refuse(self, seconds: float) -> None:
        """Close the port and every connection; the same port opens again after the given time."""
        loop = asyncio.get_running_loop()
        if self._reopening is not None:
            self._reopening.cancel()
        self._reopening = loop.call_later(seconds, lambda: loop.create_task(self.reopen()))
        self._closing = loop.create_task(self._close_port())
        self.abort(None)

    async def _close_port(self) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):
            # it makes the transport of an accepted client some turns later, and fails if the server is gone by then
            for server in self._server.servers:
                for listening in server.sockets:
                    loop.remove_reader(listening.fileno())
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        for server in self._server.servers:
            server.close()

    async def reopen(self) -> None:
        """Accept connections again, if the port is closed."""
        if self._reopening is None:
            return
        self._reopening.cancel()
        self._reopening = None
        if self._closing is not None:
            await self._closing
        create: Callable[[], asyncio.Protocol] = self._protocol
        server = await asyncio.get_running_loop().create_server(create, sock=_bound(self.port))
        self._server.servers = [server]

    def _is_away(self) -> bool:
        return self._reopening is not None

    def _protocol(self) -> asyncio.Protocol:
        kind: Callable[..., asyncio.Protocol] = self._config.http_protocol_class
        return kind(
            config=self._config,
            server_state=self._server.server_state,
            app_state=self._server.lifespan.state,
        )


def _bound(port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only where the protocol is named
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"cannot listen on {LOOPBACK}:{port}: {error.strerror}; choose another --port, or 0 for a free one"
        ) from error
    listening.setblocking(False)
    return listening
