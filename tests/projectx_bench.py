"""The adapter between two scripted peers, a gateway and a hub, with all that it told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from projectx_hub_peer import HubPeer, running_hub
from projectx_peer import QUICK, Answer, Call, Peer, no, ok, running_peer

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.domain.events import BrokerEvent, Channel, ChannelChanged, ChannelState
from tradeconsole.domain.orders import OrderRequest, OrderType, Side

MNQ = "CON.F.US.MNQ.Z26"
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)

ACCOUNT = {
    "id": 26282486,
    "name": "PRAC-V2-645601-47191819",
    "balance": 149831.92,
    "canTrade": True,
    "isVisible": True,
    "simulated": True,
}


def contract(
    product: str, name: str, month: str, *, active: bool = True, tick: float = 0.25
) -> dict[str, Any]:
    return {
        "id": f"CON.F.US.{product}.{month}",
        "name": name,
        "description": name,
        "tickSize": tick,
        "tickValue": 0.5,
        "activeContract": active,
        "symbolId": f"F.US.{product}",
    }


CONTRACTS = [contract("MNQ", "MNQZ6", "Z26"), contract("ENQ", "NQZ6", "Z26"), contract("EP", "ESZ6", "Z26")]


def by_id(call: Call) -> Answer:
    known = {
        "CON.F.US.MNQ.Z26": CONTRACTS[0],
        "CON.F.US.MNQ.U26": contract("MNQ", "MNQU6", "U26", active=False),
        "CON.F.US.NEW.Z26": contract("NEW", "NEWZ6", "Z26"),
    }
    found = known.get(call.body["contractId"])
    return ok(contract=found) if found else no(1, contract=None)


def order(order_id: int, **changes: object) -> dict[str, Any]:
    return {
        "id": order_id,
        "accountId": 26282486,
        "contractId": MNQ,
        "symbolId": "F.US.MNQ",
        "creationTimestamp": "2026-11-18T14:00:00+00:00",
        "updateTimestamp": None,
        "status": 1,
        "type": 1,
        "side": 0,
        "size": 1,
        "limitPrice": 25000.25,
        "stopPrice": None,
        "fillVolume": 0,
        "filledPrice": None,
        "customTag": f"tag-{order_id}",
    } | changes


class Bench:
    """A broker with its two peers and all it told."""

    def __init__(self, peer: Peer, hub: HubPeer, timings: Timings) -> None:
        self.peer, self.hub = peer, hub
        self.told: list[BrokerEvent] = []
        self.today = NOW
        self.times: list[datetime] = []
        self.broker = ProjectXBroker(
            peer.connection(rtc_url=hub.url),
            self.told.append,
            self,
            observe_time=self.times.append,
            timings=timings,
        )

    def now(self) -> datetime:
        return self.today

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def states(self, channel: Channel) -> list[ChannelState]:
        return [event.state for event in self.of(ChannelChanged) if event.channel is channel]

    def is_up(self, channel: Channel) -> Callable[[], bool]:
        return lambda: self.states(channel)[-1:] == [ChannelState.UP]


@asynccontextmanager
async def bench(timings: Timings = QUICK) -> AsyncIterator[Bench]:
    async with running_peer() as peer, running_hub() as hub:
        date = {"Date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        peer.script["/api/Account/search"] = Answer(ok(accounts=[ACCOUNT]).body, headers=date)
        peer.script["/api/Contract/available"] = Answer(ok(contracts=CONTRACTS).body, headers=date)
        peer.script["/api/Contract/searchById"] = by_id
        peer.script["/api/Order/place"] = ok(orderId=3400000001)
        test = Bench(peer, hub, timings)
        try:
            yield test
        finally:
            await test.broker.close()


def request(**changes: object) -> OrderRequest:
    base = OrderRequest(
        account_id="26282486",
        instrument_id=MNQ,
        side=Side.BUY,
        type=OrderType.MARKET,
        size=2,
        tag="tc-hand-1",
    )
    return msgspec.structs.replace(base, **changes)
