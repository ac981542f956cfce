"""Venues for the contract suite: an adapter, its wire peer, and the few things that a test may do to the world."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

from emulator_fixture import RunningEmulator, running_emulator

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.domain.events import (
    BrokerEvent,
    BrokerPosition,
    Channel,
    ChannelChanged,
    ChannelState,
    FillReported,
    OrderReported,
    PositionReported,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import OrderReport, OrderStatus
from tradeconsole.domain.portfolio import Fill
from tradeconsole.ports import Broker, MarketSubscription

SYMBOL = "MNQ"
PRICE = Decimal("20000.00")
PATIENCE = 8.0

T = TypeVar("T")


class World(Protocol):
    """What a test may do behind the broker's back."""

    def set_price(self, price: Decimal) -> None:
        """Let `SYMBOL` trade at a price now."""

    def drop_streams(self) -> None:
        """Cut every stream without a word."""

    def lose_next_reply(self) -> None:
        """The next placement takes effect, and its answer gets lost."""

    def go_down(self, seconds: float) -> None:
        """Nobody answers for a while."""


class Venue:
    """A broker under test with all that it told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: list[BrokerEvent] = []
        self.broker: Broker
        self.account_id = ""
        self.instrument: Instrument
        self._tags = 0

    # the `Clock` that the adapter is given
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def open(self) -> None:
        """Connect, stream and subscribe; the market stands at `PRICE`."""
        self.world.set_price(PRICE)
        accounts = await self.broker.connect()
        self.account_id = accounts[0].account_id
        self.instrument = await self.broker.resolve(SYMBOL)
        await self.broker.stream([self.account_id])
        wanted = MarketSubscription(self.instrument.instrument_id, depth=self.broker.capabilities.depth)
        await self.broker.subscribe(frozenset({wanted}))
        await self.until(lambda: all(self.state(channel) is ChannelState.UP for channel in Channel))

    def tag(self) -> str:
        """A tag never used before."""
        self._tags += 1
        return f"tc-contract-{time.time_ns()}-{self._tags}"

    def state(self, channel: Channel) -> ChannelState | None:
        changes = [e.state for e in self.told if isinstance(e, ChannelChanged) and e.channel is channel]
        return changes[-1] if changes else None

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait until something that was told makes the condition true, and return what it gave."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found

    # -- what was told -------------------------------------------------------------------------------------------

    def reports(self, broker_order_id: str) -> list[OrderReport]:
        found = [event.report for event in self.told if isinstance(event, OrderReported)]
        return [report for report in found if report.broker_order_id == broker_order_id]

    def order(self, broker_order_id: str) -> OrderReport | None:
        """The newest word on an order."""
        return self.reports(broker_order_id)[-1] if self.reports(broker_order_id) else None

    def legs(self, broker_order_id: str) -> list[OrderReport]:
        """The newest word on each bracket leg of an entry, the stop loss first."""
        newest: dict[str, OrderReport] = {}
        for event in self.told:
            if isinstance(event, OrderReported) and event.report.parent_broker_id == broker_order_id:
                newest[event.report.broker_order_id] = event.report
        return sorted(newest.values(), key=lambda report: str(report.role))

    def fills(self, broker_order_id: str | None = None) -> list[Fill]:
        """Fills by id, as first told."""
        found: dict[str, Fill] = {}
        for event in self.told:
            if isinstance(event, FillReported) and broker_order_id in {None, event.fill.broker_order_id}:
                found.setdefault(event.fill.fill_id, event.fill)
        return list(found.values())

    def position(self) -> BrokerPosition | None:
        """The newest word on the position."""
        told = [event.position for event in self.told if isinstance(event, PositionReported)]
        return told[-1] if told else None

    async def status(self, broker_order_id: str, status: OrderStatus) -> OrderReport:
        """The order, once it has that status."""

        def reached() -> OrderReport | None:
            report = self.order(broker_order_id)
            return report if report is not None and report.status is status else None

        report = await self.until(reached)
        assert report is not None
        return report

    async def size(self, size: int) -> None:
        """Wait until the position has that signed size."""
        await self.until(lambda: (self.position() is not None) and self.position().size == size)  # type: ignore[union-attr]


class EmulatedGateway:
    """The ProjectX emulator as a world."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._emulator = emulator

    def set_price(self, price: Decimal) -> None:
        self._emulator.set_price(SYMBOL, str(price))

    def drop_streams(self) -> None:
        self._emulator.order("drop")

    def lose_next_reply(self) -> None:
        self._emulator.order("fail", path="order/place", after=True, lose="cut")

    def go_down(self, seconds: float) -> None:
        self._emulator.order("outage", seconds=seconds)


@asynccontextmanager
async def projectx() -> AsyncIterator[Venue]:
    """The ProjectX adapter against the gateway emulator."""
    async with running_emulator(volatility=0.0, login=False) as emulator:
        venue = Venue(EmulatedGateway(emulator))
        connection = ProjectXConnection(
            api_url=emulator.url, rtc_url=emulator.url, user=emulator.user, key=lambda: emulator.key
        )
        timings = Timings(reply=3.0, reconnect=(0.0, 0.1, 0.2), stable=0.1)
        venue.broker = ProjectXBroker(connection, venue.told.append, venue, timings=timings)
        try:
            yield venue
        finally:
            await venue.broker.close()


VENUES = {"projectx": projectx}
"""Every adapter, by name, with how to run it."""
