"""Hub connections over sockets that a test plays itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tradeconsole.emulator.faults import Faults, Hub
from tradeconsole.emulator.hubs import Channel, HubConnection, HubLimits, Hubs, Key
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.scenario import demo_accounts
from tradeconsole.emulator.switches import Switches
from tradeconsole.emulator.user_feed import UserFeed
from tradeconsole.emulator.world import build_world
from tradeconsole.exchange.records import AccountChanged, ExchangeOptions

OPENING = b'{"protocol":"json","version":1}\x1e'


class FakeSocket:
    """A WebSocket whose peer is the test; `stuck` never finishes sending."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.closed = False
        self.aborted = False
        self._open = asyncio.Event()
        if not stuck:
            self._open.set()

    async def send_text(self, data: str) -> None:
        await self._open.wait()
        self.sent.append(data)

    async def close(self, code: int = 1000) -> None:
        self.closed = True

    async def receive(self) -> bytes | None:
        return await self.incoming.get()

    def abort(self) -> None:
        self.aborted = True
        self._open.set()
        self.incoming.put_nowait(None)


class Desk:
    """Hubs with their callbacks noted."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.subscribed: list[tuple[Channel, Key]] = []
        self.hubs = Hubs(
            self.faults,
            switches=Switches(single_session=False),
            subscribed=lambda _connection, channel, key: self.subscribed.append((channel, key)),
            changed=lambda: None,
        )

    @asynccontextmanager
    async def connected(
        self, hub: Hub, user: str = "demo", *, stuck: bool = False, limits: HubLimits | None = None
    ) -> AsyncIterator[tuple[FakeSocket, HubConnection]]:
        """One client past its handshake."""
        socket = FakeSocket(stuck=stuck)
        before = set(self.hubs.connections())
        serving = asyncio.create_task(self.hubs.serve(hub, user, socket, limits or HubLimits()))
        socket.incoming.put_nowait(OPENING)
        while not (new := set(self.hubs.connections()) - before):
            await asyncio.sleep(0)
        try:
            yield socket, new.pop()
        finally:
            socket.incoming.put_nowait(None)
            socket._open.set()
            await serving


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_subscriptions_are_told_once_confirmed_and_forgotten_with_the_connection() -> None:
    desk = Desk()
    async with desk.connected(Hub.MARKET) as (socket, _):
        call = {"type": 1, "invocationId": "1", "target": "SubscribeContractQuotes", "arguments": ["C"]}
        socket.incoming.put_nowait(json.dumps(call).encode() + b"\x1e")
        await settled()
        assert desk.subscribed == [(Channel.QUOTES, "C")]
        assert "".join(socket.sent).endswith('{"type":3,"invocationId":"1","result":null}\x1e')
        assert desk.hubs.market_contracts() == {"C"}
    assert desk.hubs.market_contracts() == set()
    assert socket.closed


async def test_everything_queued_leaves_in_one_frame() -> None:
    desk = Desk()
    async with desk.connected(Hub.USER) as (socket, connection):
        await settled()
        socket.sent.clear()
        for record in "abc":
            connection.send(record)
        await settled()
        assert socket.sent == ["abc"]


async def test_a_client_that_leaves_too_much_unread_is_aborted() -> None:
    desk = Desk()
    async with desk.connected(Hub.USER, stuck=True, limits=HubLimits(unread=100)) as (socket, connection):
        await settled()
        connection.send("x" * 60)
        assert not socket.aborted
        connection.send("x" * 60)
        assert socket.aborted


async def test_a_mute_hub_loses_what_it_would_have_said() -> None:
    desk = Desk()
    async with desk.connected(Hub.USER) as (socket, connection):
        await settled()
        socket.sent.clear()
        desk.faults.mute(Hub.USER, 60)
        connection.send("lost")
        desk.faults.mute(Hub.USER, 0)
        connection.send("said")
        await settled()
        assert socket.sent == ["said"]


@pytest.mark.parametrize(("user", "hears"), [("demo", True), ("stranger", False)])
async def test_events_of_an_account_reach_its_owner_only(user: str, hears: bool) -> None:
    desk = Desk()
    exchange = build_world(EmulatorOptions(), 7, ExchangeOptions()).exchange
    account = demo_accounts("demo", 7)[0]
    exchange.open_account(account)
    feed = UserFeed(desk.hubs, exchange, desk.faults, Switches())
    async with desk.connected(Hub.USER, user) as (socket, _):
        socket.incoming.put_nowait(b'{"type":1,"target":"SubscribeAccounts","arguments":[]}\x1e')
        await settled()
        feed.publish([AccountChanged(exchange.now, account)])
        await settled()
        assert any("GatewayUserAccount" in frame for frame in socket.sent) is hears


async def test_a_client_may_have_only_so_many_subscriptions_and_may_repeat_them() -> None:
    desk = Desk()
    async with desk.connected(Hub.MARKET, limits=HubLimits(subscriptions=2)) as (socket, _):
        for contract in ("A", "B", "A", "C"):
            call = {"type": 1, "target": "SubscribeContractQuotes", "arguments": [contract]}
            socket.incoming.put_nowait(json.dumps(call).encode() + b"\x1e")
        await settled()
        assert desk.subscribed == [(Channel.QUOTES, "A"), (Channel.QUOTES, "B"), (Channel.QUOTES, "A")]
        assert socket.sent[-1].endswith(
            '{"type":7,"error":"Connection closed with an error.","allowReconnect":true}\x1e'
        )
        assert socket.closed


async def test_a_client_that_dribbles_its_handshake_is_let_go_in_the_time_of_one() -> None:
    desk = Desk()
    socket = FakeSocket()
    serving = asyncio.create_task(desk.hubs.serve(Hub.USER, "demo", socket, HubLimits(handshake=0.1)))
    while not serving.done():
        socket.incoming.put_nowait(b"{")
        await asyncio.sleep(0.01)
    assert socket.sent == ['{"error":"Handshake was canceled."}\x1e']
    assert socket.closed


async def test_a_client_that_neither_speaks_nor_reads_is_cut_off_in_the_end() -> None:
    desk = Desk()
    limits = HubLimits(client_silence=0.05, goodbye=0.05)
    socket = FakeSocket(stuck=True)
    serving = asyncio.create_task(desk.hubs.serve(Hub.USER, "demo", socket, limits))
    socket.incoming.put_nowait(OPENING)
    await serving
    assert socket.aborted
    assert desk.hubs.connections() == []
