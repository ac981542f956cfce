"""An independent SignalR client, `signalrcore`, on both hubs of the emulator."""

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from emulator_fixture import RunningEmulator, running_emulator
from signalrcore.hub_connection_builder import HubConnectionBuilder

from tradeconsole.emulator.hubs import HubLimits

SECONDS = 15


@pytest_asyncio.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    # it notices `stop` when the next message comes, if only a ping
    async with running_emulator(limits=HubLimits(keep_alive=0.5)) as running:
        yield running


@contextmanager
def connected(url: str, token: str, *, skip_negotiation: bool) -> Iterator[Any]:
    """A started connection; blocks, so it belongs in a thread."""
    opened: queue.Queue[bool] = queue.Queue()
    options: dict[str, Any] = {"skip_negotiation": skip_negotiation, "verify_ssl": False}
    if skip_negotiation:
        url = f"{url.replace('http', 'ws')}?access_token={token}"
    else:
        options["access_token_factory"] = lambda: token
    hub = HubConnectionBuilder().with_url(url, options=options).build()
    hub.on_open(lambda: opened.put(True))
    hub.start()
    try:
        opened.get(timeout=SECONDS)
        yield hub
    finally:
        hub.stop()


def subscribe_and_wait(
    url: str,
    token: str,
    target: str,
    method: str,
    arguments: list[object],
    *,
    skip_negotiation: bool,
    after: Callable[[], None],
) -> list[Any]:
    """Connect, subscribe, and return the first event with that target."""
    received: queue.Queue[list[Any]] = queue.Queue()
    with connected(url, token, skip_negotiation=skip_negotiation) as hub:
        hub.on(target, received.put)
        confirmed: queue.Queue[Any] = queue.Queue()
        hub.send(method, arguments, on_invocation=confirmed.put)
        confirmed.get(timeout=SECONDS)
        after()
        return received.get(timeout=SECONDS)


@pytest.mark.parametrize("skip_negotiation", [False, True])
@pytest.mark.parametrize(
    ("target", "method"),
    [
        ("GatewayQuote", "SubscribeContractQuotes"),
        ("GatewayTrade", "SubscribeContractTrades"),
        ("GatewayDepth", "SubscribeContractMarketDepth"),
    ],
)
async def test_signalrcore_receives_the_market(
    emulator: RunningEmulator, target: str, method: str, skip_negotiation: bool
) -> None:
    contract = emulator.contract("MNQ")
    loop = asyncio.get_running_loop()
    event = await asyncio.to_thread(
        subscribe_and_wait,
        f"{emulator.url}/hubs/market",
        emulator.token,
        target,
        method,
        [contract],
        skip_negotiation=skip_negotiation,
        after=lambda: loop.call_soon_threadsafe(lambda: emulator.order("move", contract="MNQ", ticks=4)),
    )
    assert event[0] == contract
    (row,) = event[1][:1] if isinstance(event[1], list) else [event[1]]
    assert {"contract", "contractId"} & set(row)


@pytest.mark.parametrize("skip_negotiation", [False, True])
@pytest.mark.parametrize("thing", ["Orders", "Trades", "Positions", "Accounts"])
async def test_signalrcore_receives_what_happens_to_the_account(
    emulator: RunningEmulator, thing: str, skip_negotiation: bool
) -> None:
    loop = asyncio.get_running_loop()
    body = {"accountId": emulator.practice_id, "contractId": emulator.contract("MNQ"), "size": 1}

    def place() -> None:
        order = emulator.call("/api/Order/place", **body, type=2, side=0)
        asyncio.run_coroutine_threadsafe(order, loop).result(SECONDS)

    (event,) = await asyncio.to_thread(
        subscribe_and_wait,
        f"{emulator.url}/hubs/user",
        emulator.token,
        f"GatewayUser{thing.removesuffix('s')}",
        f"Subscribe{thing}",
        [] if thing == "Accounts" else [emulator.practice_id],
        skip_negotiation=skip_negotiation,
        after=place,
    )
    assert event["data"]["id" if thing == "Accounts" else "accountId"] == emulator.practice_id
