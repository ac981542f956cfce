"""Our hub against signalrcore on loopback: messages a second, and what a silent server does to each."""

import asyncio
import json
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web
from reporting import Figure, report
from signalrcore.hub_connection_builder import HubConnectionBuilder

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub import Hub
from tradeconsole.domain.events import ChannelState

MESSAGES: Final = 50_000
SERVER_PING: Final = 1.0
PATIENCE: Final = 12.0
"""Seconds that each client is given to notice that the server went silent."""

METHOD: Final = f"""
server: aiohttp in a process of its own on 127.0.0.1; {MESSAGES:,} quotes of 240 bytes, one record a message,
sent as fast as the client takes them; wall time from the first to the last event in the client's handler
silence: after a subscription the server neither sends nor closes; both clients expect a ping every
{SERVER_PING:.0f} s (ours gives up after 2.5 of them); waited for {PATIENCE:.0f} s
"""

_QUOTE: Final = (
    '{"type":1,"target":"GatewayQuote","arguments":["CON.F.US.MNQ.U26",{"symbol":"F.US.MNQ","bestBid":29547,'
    '"bestAsk":29547.5,"lastUpdated":"2026-08-19T20:51:31.4347534+00:00",'
    '"timestamp":"2026-08-19T20:51:31.348+00:00","contract":"CON.F.US.MNQ.U26"}]}\x1e'
)


def serve(ready: Connection) -> None:
    """The other end: `Flood` brings the quotes, `Mute` silence."""
    asyncio.run(_serve(ready))


async def _serve(ready: Connection) -> None:
    app = web.Application()
    app.router.add_get("/hub", _hub)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server
    ready.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _hub(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        for record in message.data.split("\x1e")[:-1]:
            call = json.loads(record)
            if "protocol" in call:
                await socket.send_str("{}\x1e")
            elif call.get("target"):
                await socket.send_str(json.dumps({"type": 3, "invocationId": call["invocationId"]}) + "\x1e")
                if call["target"] == "Mute":
                    await asyncio.sleep(60)
                for _ in range(MESSAGES):
                    await socket.send_str(_QUOTE)
    return socket


class Counter:
    """Counts events and times the first and the last."""

    def __init__(self) -> None:
        self.count = 0
        self.began = self.ended = 0.0

    def __call__(self, _: object) -> None:
        if not self.count:
            self.began = time.perf_counter()
        self.count += 1
        if self.count == MESSAGES:
            self.ended = time.perf_counter()

    @property
    def rate(self) -> float:
        return self.count / (self.ended - self.began)


def _our_hub(
    url: str, handler: Callable[[msgspec.Raw], None], report_to: Callable[[ChannelState, str], None]
) -> Hub:
    async def token() -> str:
        return "none"

    return Hub(
        url,
        handlers={"gatewayquote": handler},
        token=token,
        refuse=lambda _: None,
        report=report_to,
        timings=Timings(server_ping=SERVER_PING, ping=1.0),
        monotonic=time.monotonic,
    )


async def our_rate(url: str) -> float:
    counter = Counter()
    hub = _our_hub(url, counter, lambda _state, _reason: None)
    await hub.want([("Flood",)])
    hub.start()
    while not counter.ended:
        await asyncio.sleep(0.01)
    await hub.close()
    return counter.rate


async def our_notice(url: str) -> float | None:
    noticed = asyncio.Event()

    def hear(state: ChannelState, _reason: str) -> None:
        if state is ChannelState.STALE:
            noticed.set()

    hub = _our_hub(url, lambda _: None, hear)
    await hub.want([("Mute",)])
    began = time.perf_counter()
    hub.start()
    try:
        async with asyncio.timeout(PATIENCE):
            await noticed.wait()
        return time.perf_counter() - began
    except TimeoutError:
        return None
    finally:
        await hub.close()


def _their_hub(url: str, method: str, handler: Callable[[object], None], on_end: Callable[[], None]) -> Any:
    hub = (
        HubConnectionBuilder()
        .with_url(url, options={"skip_negotiation": True})
        .configure_logging(logging.CRITICAL)
        .with_automatic_reconnect({"type": "raw", "keep_alive_interval": 1, "reconnect_interval": 1})
        .build()
    )
    hub.on("GatewayQuote", handler)
    hub.on_open(lambda: hub.send(method, []))
    for listen in (hub.on_close, hub.on_reconnect, hub.on_error):
        listen(lambda *_: on_end())
    return hub


def their_rate(url: str, answer: Connection) -> None:
    """Runs in a process of its own: the library's `stop` can wait for its reader for ever."""
    counter = Counter()
    _their_hub(url, "Flood", counter, lambda: None).start()
    while not counter.ended:
        time.sleep(0.01)
    answer.send(counter.rate)


def their_notice(url: str, answer: Connection) -> None:
    """Runs in a process of its own; None if nothing was noticed in time."""
    noticed = threading.Event()
    began = time.perf_counter()
    _their_hub(url, "Mute", lambda _: None, noticed.set).start()
    seen = noticed.wait(PATIENCE)
    answer.send(time.perf_counter() - began if seen else None)


def _in_process(context: SpawnContext, work: Callable[[str, Connection], None], url: str) -> float | None:
    here, there = context.Pipe()
    process = context.Process(target=work, args=(url.replace("http", "ws", 1), there), daemon=True)
    process.start()
    try:
        found: float | None = here.recv() if here.poll(60) else None
        return found
    finally:
        process.kill()
        process.join()


def _start(context: SpawnContext) -> tuple[Any, str]:
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    return process, f"http://127.0.0.1:{here.recv()}/hub"


def main() -> None:
    logging.disable(logging.CRITICAL)
    context = multiprocessing.get_context("spawn")
    process, url = _start(context)
    try:
        us, them = asyncio.run(our_rate(url)), _in_process(context, their_rate, url) or 0.0
        we_noticed = asyncio.run(our_notice(url))
        they_noticed = _in_process(context, their_notice, url)
    finally:
        process.terminate()
        process.join()
    figures = [
        Figure(name="our hub, quotes over loopback", value=us, unit="1/s"),
        Figure(name="signalrcore, quotes over loopback", value=them, unit="1/s"),
        Figure(name="ours / signalrcore", value=us / them if them else 0.0, unit="×"),
    ]
    for name, noticed in (("our hub", we_noticed), ("signalrcore", they_noticed)):
        silence = f"{name}: silence noticed after"
        if noticed is None:
            figures.append(Figure(name=f"{name}: silence not noticed within", value=PATIENCE, unit="s"))
        else:
            figures.append(Figure(name=silence, value=noticed, unit="s"))
    report("Hub clients", METHOD, figures)


if __name__ == "__main__":
    main()
