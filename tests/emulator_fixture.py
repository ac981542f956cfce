"""A running gateway emulator for tests, with a REST caller, a hub client and its faults at hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tradeconsole.emulator.control import Control
from tradeconsole.emulator.home import Endpoint
from tradeconsole.emulator.http_connection import HttpLimits
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.operations import operation
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.runtime import Emulator
from tradeconsole.emulator.switches import Switches
from tradeconsole.exchange.records import ExchangeOptions, Latencies

FAST = Latencies(fill=1.0, rejection=1.0, activation=2.0, sibling_cancel=2.0)
PATIENCE = 10.0
STOPPED = "2026-11-23T15:00:00Z"
"""Where a frozen clock stands unless a test says otherwise: the market's path comes of seed and time."""

SEPARATOR = "\x1e"

Json = dict[str, Any]


class HubClient:
    """One connection to a hub: invokes, collects events, answers nothing by itself."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Json] = []
        self.pings = 0
        self.closed: Json | None = None
        self._answers: dict[str, Json] = {}
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self._calls = 0

    async def invoke(self, target: str, *arguments: object) -> Json:
        """Call a method and return its completion."""
        self._calls += 1
        call = str(self._calls)
        await self.send(
            {"type": 1, "invocationId": call, "target": target, "arguments": list(arguments), "headers": {}}
        )
        await self.until(lambda: call in self._answers)
        return self._answers.pop(call)

    async def send(self, *records: Json | str) -> None:
        """Send records in one frame."""
        await self.socket.send(
            "".join((r if isinstance(r, str) else json.dumps(r)) + SEPARATOR for r in records)
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that was received makes the condition true."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(condition)

    def of(self, target: str) -> list[list[Any]]:
        """Arguments of every event with that target so far."""
        return [event["arguments"] for event in self.events if event["target"] == target]

    async def wait_for(self, target: str, count: int = 1) -> list[list[Any]]:
        """The events with that target, once there are enough."""
        await self.until(lambda: len(self.of(target)) >= count)
        return self.of(target)

    async def wait_closed(self) -> None:
        """Wait for the end of the connection."""
        async with asyncio.timeout(PATIENCE):
            await self._reader

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        await self.socket.close()

    async def _read(self) -> None:
        rest = ""
        with suppress(ConnectionClosed):
            async for frame in self.socket:
                assert isinstance(frame, str)
                *records, rest = (rest + frame).split(SEPARATOR)
                async with self._news:
                    for record in records:
                        self._take(json.loads(record))
                    self._news.notify_all()

    def _take(self, record: Json) -> None:
        match record["type"]:
            case 1:
                self.events.append(record)
            case 3:
                self._answers[record["invocationId"]] = record
            case 6:
                self.pings += 1
            case 7:
                self.closed = record


class RunningEmulator:
    """An emulator in this process and on this loop."""

    def __init__(self, emulator: Emulator, http: httpx.AsyncClient) -> None:
        self.emulator = emulator
        self.gateway = emulator.gateway
        self.control = Control(emulator.gateway, emulator.hubs)
        self.http = http
        self.token = ""

    @property
    def endpoint(self) -> Endpoint:
        return self.emulator.endpoint

    @property
    def url(self) -> str:
        return self.endpoint.url

    @property
    def user(self) -> str:
        return self.endpoint.user

    @property
    def key(self) -> str:
        return self.endpoint.key

    @property
    def practice_id(self) -> int:
        """The practice account."""
        return self.gateway.exchange.accounts(self.user)[0].id

    @property
    def combine_id(self) -> int:
        """The 50K combine account."""
        return self.gateway.exchange.accounts(self.user)[1].id

    def contract(self, symbol: str) -> str:
        """Id of a product's active contract."""
        product = self.gateway.catalogue.product(symbol)
        return self.gateway.listing.active(product, self.gateway.today).id

    def last(self, symbol: str) -> float:
        """Last price of a product's active contract."""
        quote = self.gateway.exchange.quote(self.contract(symbol))
        assert quote is not None
        assert quote.last is not None
        return quote.last

    def order(self, name: str, **arguments: object) -> None:
        """Carry out a control-plane order, such as `order("move", contract="MNQ", ticks=8)`."""
        known = operation(name)
        assert known is not None, name
        self.control.carry_out(name, known.arguments(**arguments))

    def step(self, seconds: float) -> None:
        """Let a frozen clock go forward."""
        self.order("clock", step_seconds=seconds)

    def set_price(self, symbol: str, price: str | float) -> None:
        """Let a product's active contract trade at a price now."""
        self.order("price", contract=symbol, price=Decimal(str(price)))

    async def post(
        self, path: str, body: Json | str | None = None, *, token: str | None = None
    ) -> httpx.Response:
        """POST to the gateway with the token of `login`, or with another one ("" sends none)."""
        bearer = self.token if token is None else token
        headers = {"Content-Type": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        content = body if isinstance(body, str) else json.dumps(body or {})
        return await self.http.post(self.url + path, content=content, headers=headers)

    async def call(self, path: str, **body: object) -> Json:
        """POST and return the envelope of a 200."""
        response = await self.post(path, body)
        assert response.status_code == 200, response.text
        envelope: Json = response.json()
        return envelope

    async def login(self) -> str:
        """Log in with user and key; later calls carry the token."""
        envelope = await self.call("/api/Auth/loginKey", userName=self.user, apiKey=self.key)
        self.token = envelope["token"]
        return self.token

    @asynccontextmanager
    async def hub(
        self, name: str, *, token: str | None = None, header: bool = False, version: int = 1
    ) -> AsyncIterator[HubClient]:
        """A client of the `user` or `market` hub, past the handshake."""
        bearer = self.token if token is None else token
        url = self.url.replace("http", "ws", 1) + f"/hubs/{name}"
        headers = {"Authorization": f"Bearer {bearer}"} if header else {}
        socket = await connect(
            url if header else f"{url}?access_token={bearer}",
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        await socket.send(json.dumps({"protocol": "json", "version": version}) + SEPARATOR)
        assert await socket.recv() == "{}" + SEPARATOR
        client = HubClient(socket)
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def running_emulator(
    *,
    fast: bool = True,
    switches: Switches | None = None,
    rules: ExchangeOptions | None = None,
    limits: HubLimits | None = None,
    http: HttpLimits | None = None,
    login: bool = True,
    **options: Any,
) -> AsyncIterator[RunningEmulator]:
    """An emulator on a free port, logged in.

    Args:
        fast: events reach the hubs at once and the venue's own delays are 1 to 2 ms; else the recorded ones.
        options: fields of `EmulatorOptions`; the seed is fixed unless given. `frozen=True` stops the clock, at the
            same moment on every day that the tests run on; `volatility=0` lets prices stand still until a test
            moves them.
    """
    if fast:
        options.setdefault("event_latency_ms", 0.0)
        rules = rules or ExchangeOptions(latencies=FAST)
    options.setdefault("seed", 7)
    if options.get("frozen") and "replay" not in options:
        options.setdefault("start", STOPPED)
    emulator = Emulator(EmulatorOptions(**options), switches=switches, rules=rules, limits=limits, http=http)
    async with emulator, httpx.AsyncClient(timeout=PATIENCE) as client:
        running = RunningEmulator(emulator, client)
        if login:
            await running.login()
        yield running
