"""Whether the emulator keeps up: every quote, print and depth change of 50 contracts to 4 clients, and what it costs."""

import argparse
import asyncio
import multiprocessing
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any, Final

import aiohttp
import msgspec
import uvloop
from processes import cpu_seconds
from reporting import Figure, quantile, report

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.runtime import Emulator
from tradeconsole.emulator.switches import Switches
from tradeconsole.exchange.records import DepthChanged, ExchangeEvent

CONTRACTS: Final = 50
CLIENTS: Final = 4
RATE: Final = 2_000
CALIBRATION_SECONDS: Final = 12
MARGIN: Final = 1.1
EVENTS: Final = ("quotes", "prints", "depth")
BUSY_HOUR: Final = 15
"""UTC hour at which the market is put, whenever the benchmark runs."""

METHOD: Final = """
emulator in a process of its own, {contracts} contracts, every client on the market hub with quotes, trades and depth of all
of them; market at {hour}:00 UTC, {speed:.1f} times as fast as life so that it gives {rate:,} events a second or more.
Event: a quote, a print, or what a quote changes in the depth. Prints and depth rows of a contract within 50 ms share a
message, a quote that shows nothing new is not sent. Lag: from the time that the market gave an event to its decoding in
the client, those 50 ms included; on the last row of every message. CPU: the emulator's process, user and system
"""

Counts = Counter[tuple[str, int]]
"""Rows by kind and emulated second."""


class Event(msgspec.Struct):
    """One record of the hub."""

    type: int = 0
    target: str = ""
    arguments: list[msgspec.Raw] = []


class Row(msgspec.Struct, rename="camel"):
    """What counts of a quote, a print or a depth row."""

    timestamp: datetime
    type: int = 0
    last_updated: datetime | None = None


def serve(pipe: Connection) -> None:
    """The emulator's process: counts what its market does, and tells when asked."""
    # on uvloop, as `tradeconsole emulator` runs
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    options = EmulatorOptions(seed=7, rate_limits=False, activity=10.0)
    async with Emulator(options, switches=Switches(single_session=False)) as emulator:
        due: Counts = Counter()
        shown: dict[str, tuple[float | None, ...]] = {}

        def count(events: list[ExchangeEvent]) -> None:
            for event in events:
                second = int(event.time.timestamp())
                match event:
                    case Quote():
                        due["quotes", second] += 1
                        shows = (event.bid, event.ask, event.last, event.volume, event.high, event.low)
                        due["shown", second] += shown.get(event.instrument_id) != shows
                        shown[event.instrument_id] = shows
                    case Tick():
                        due["prints", second] += 1
                    case DepthChanged():
                        due["depth", second] += 1
                        due["levels", second] += len(event.rows)
            emulator.pump.accept(events)

        emulator.gateway.on_events(count)
        pipe.send(emulator.endpoint)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, pipe.recv):
            pipe.send(due)


class Client:
    """One client of the market hub."""

    def __init__(self) -> None:
        self.rows: Counts = Counter()
        self.messages = 0
        self.confirmed = 0
        self.lags: list[float] = []
        self._decode = msgspec.json.Decoder(Event).decode
        self._quote = msgspec.json.Decoder(Row).decode
        self._rows = msgspec.json.Decoder(list[Row]).decode

    async def run(self, socket: aiohttp.ClientWebSocketResponse, now: "EmulatedTime") -> None:
        """Read until cancelled."""
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return
            for record in frame.data.split("\x1e")[:-1]:
                event = self._decode(record)
                if event.type == 1:
                    self._take(event, now)
                self.confirmed += event.type == 3

    def _take(self, event: Event, now: "EmulatedTime") -> None:
        self.messages += 1
        payload = event.arguments[1]
        if event.target == "GatewayQuote":
            quote = self._quote(payload)
            at = (quote.last_updated or quote.timestamp).timestamp()
            self.rows["shown", int(at)] += 1
        else:
            rows = self._rows(payload)
            kinds = {"GatewayTrade": {0: "prints", 1: "prints"}, "GatewayDepth": {1: "levels", 2: "levels"}}
            names = kinds[event.target]
            for row in rows:
                if row.type in names:
                    self.rows[names[row.type], int(row.timestamp.timestamp())] += 1
            at = rows[-1].timestamp.timestamp()
        self.lags.append((now() - at) / now.speed)


class EmulatedTime:
    """The emulator's clock as its clients reckon it, in seconds since the epoch."""

    def __init__(self) -> None:
        self.speed = 1.0
        self._anchor = (0.0, 0.0)

    def __call__(self) -> float:
        shown, since = self._anchor
        return shown + (time.monotonic() - since) * self.speed

    async def set(self, http: aiohttp.ClientSession, url: str, **order: float) -> None:
        """Give the clock an order, and note what it shows afterwards."""
        asked = time.monotonic()
        async with http.post(f"{url}/__emu/clock", json=order) as response:
            status = await response.json()
        self.speed = status["speed"]
        self._anchor = (datetime.fromisoformat(status["time"]).timestamp(), (asked + time.monotonic()) / 2)


def _seconds_to_busy_hour() -> float:
    now = datetime.now(UTC)
    start = now.replace(hour=BUSY_HOUR, minute=0, second=0, microsecond=0)
    while start < now or start.weekday() >= 5:
        start += timedelta(days=1)
    return (start - now).total_seconds()


async def _subscribe(socket: aiohttp.ClientWebSocketResponse, contracts: list[str]) -> None:
    await socket.send_str('{"protocol":"json","version":1}\x1e')
    for contract in contracts:
        for thing in ("Quotes", "Trades", "MarketDepth"):
            call = f'{{"type":1,"invocationId":"0","target":"SubscribeContract{thing}","arguments":["{contract}"]}}'
            await socket.send_str(call + "\x1e")


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(10)
        await socket.send_str('{"type":6}\x1e')


async def _reach(
    rate: float, now: EmulatedTime, http: aiohttp.ClientSession, url: str, pipe: Connection
) -> None:
    """Let time run so fast that the market gives that many events a second."""
    await asyncio.sleep(CALIBRATION_SECONDS)
    first, last = int(now()) - CALIBRATION_SECONDS + 2, int(now()) - 1
    due = await _due(pipe)
    lived = sum(n for (kind, at), n in due.items() if kind in EVENTS and first <= at < last) / (last - first)
    # the market is not equally lively all the time
    await now.set(http, url, speed=max(1.0, MARGIN * rate / lived))
    await asyncio.sleep(3)


async def _due(pipe: Connection) -> Counts:
    pipe.send(True)
    due: Counts = await asyncio.to_thread(pipe.recv)
    return due


async def measure(arguments: argparse.Namespace, endpoint: Any, pid: int, pipe: Connection) -> list[Figure]:
    """Connect, reach the rate, measure."""
    url, now = endpoint.url, EmulatedTime()
    async with aiohttp.ClientSession() as http:
        login = {"userName": endpoint.user, "apiKey": endpoint.key}
        async with http.post(f"{url}/api/Auth/loginKey", json=login) as response:
            headers = {"Authorization": f"Bearer {(await response.json())['token']}"}
        await now.set(http, url, step_seconds=_seconds_to_busy_hour())
        async with http.post(
            f"{url}/api/Contract/available", json={"live": False}, headers=headers
        ) as response:
            rows = (await response.json())["contracts"]
        contracts = [row["id"] for row in rows[: arguments.contracts]]
        clients = [Client() for _ in range(arguments.clients)]
        readers = []
        for client in clients:
            socket = await http.ws_connect(f"{url}/hubs/market", headers=headers, max_msg_size=0)
            await _subscribe(socket, contracts)
            readers += [asyncio.create_task(client.run(socket, now)), asyncio.create_task(_ping(socket))]
        while any(client.confirmed < 3 * len(contracts) for client in clients):
            await asyncio.sleep(0.1)
        await _reach(arguments.rate, now, http, url, pipe)
        for client in clients:
            client.lags.clear()
            client.messages = 0
        used, began, first = cpu_seconds(pid), time.monotonic(), int(now()) + 1
        await asyncio.sleep(arguments.seconds)
        used, passed, last = cpu_seconds(pid) - used, time.monotonic() - began, int(now())
        messages = [client.messages for client in clients]
        lags = [list(client.lags) for client in clients]
        await asyncio.sleep(2)
        due = await _due(pipe)
        for reader in readers:
            reader.cancel()
    return _figures(arguments, now, clients, messages, lags, due, (first, last), used, passed)


def _figures(
    arguments: argparse.Namespace,
    now: EmulatedTime,
    clients: list[Client],
    messages: list[int],
    lags: list[list[float]],
    due: Counts,
    window: tuple[int, int],
    used: float,
    passed: float,
) -> list[Figure]:
    def total(counts: Counts, *kinds: str) -> int:
        return sum(n for (kind, at), n in counts.items() if kind in kinds and window[0] <= at < window[1])

    def share(kind: str) -> float:
        return 100 * min(total(client.rows, kind) for client in clients) / max(1, total(due, kind))

    events = total(due, *EVENTS) / (window[1] - window[0]) * now.speed
    ordered = sorted(lag for client in lags for lag in client)
    tenth = [quantile(client[: len(client) // 10], 0.5) for client in lags]
    end = [quantile(client[-len(client) // 10 :], 0.5) for client in lags]
    method = METHOD.format(
        contracts=arguments.contracts, hour=BUSY_HOUR, speed=now.speed, rate=arguments.rate
    )
    figures = [
        Figure(name="emulator, events for each client", value=events, unit="1/s", budget=arguments.rate, at_least=True),
        Figure(name="emulator, messages to each client", value=min(messages) / passed, unit="1/s"),
        Figure(name="emulator, messages to all clients", value=sum(messages) / passed, unit="1/s"),
        Figure(name="emulator, share of a core", value=100 * used / passed, unit="%", budget=100.0),
        Figure(name="emulator, prints delivered of due", value=share("prints"), unit="%", budget=100.0, at_least=True),
        Figure(name="emulator, depth rows delivered of due", value=share("levels"), unit="%", budget=100.0, at_least=True),
        Figure(name="emulator, quotes delivered of due", value=share("shown"), unit="%", budget=100.0, at_least=True),
        Figure(name="emulator, lag median", value=1000 * quantile(ordered, 0.5), unit="ms"),
        Figure(name="emulator, lag p99", value=1000 * quantile(ordered, 0.99), unit="ms"),
        Figure(name="emulator, lag worst", value=1000 * ordered[-1], unit="ms"),
        Figure(name="emulator, median lag of the last tenth over the first", value=max(end) / max(tenth), unit="×"),
    ]  # fmt: skip
    report(f"Emulator, {arguments.clients} clients for {passed:.0f} s", method, figures)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to measure")
    parser.add_argument("--contracts", type=int, default=CONTRACTS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--rate", type=int, default=RATE, help="events a second for each client")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        endpoint = here.recv()
        assert process.pid is not None
        asyncio.run(measure(arguments, endpoint, process.pid, here))
        here.send(False)
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()
