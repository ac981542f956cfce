"""A trader's desk on a troubled gateway: real engine, adapter and emulator in one process, with a store if wanted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from emulator_fixture import Json, RunningEmulator, running_emulator

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.domain.commands import Arm, PlaceOrder
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.domain.orders import Bracket, Order, OrderStatus, OrderType, Side
from tradeconsole.domain.portfolio import RoundTrip
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.drills.checks import Finding, examine
from tradeconsole.drills.records import read_records
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.protection.watch import ProtectionOptions
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.ports import BarStore, Broker, BrokerHooks, Journal, JournalRecord, Restored

QUICK = Timings(
    reply=1.0,
    hold=0.2,
    handshake=0.5,
    queue=0.3,
    ping=0.2,
    server_ping=15.0,
    data_silence=0.8,
    reconnect=(0.0, 0.1, 0.2),
    kicked=(0.5,),
    stable=0.1,
)
PATIENCE = 6.0


class Forgetful:
    """A journal for tests in which nothing is remembered."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []

    def append(self, record: JournalRecord) -> None:
        self.records.append(record)

    async def restore(self) -> Restored:
        return Restored()


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something has become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Desk:
    """One engine at a time on one gateway, armed on the practice account and trading MNQ."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self.account_id = str(emulator.practice_id)
        self.engine: Engine
        self._running = False

    async def open(
        self,
        journal: Journal | None = None,
        *,
        bars: BarStore | None = None,
        key: Callable[[], str] | None = None,
        reconcile: float = 5.0,
        calendar: str = "continuous",
        watchlist: tuple[str, ...] = ("MNQ",),
        timings: Timings = QUICK,
        protection: ProtectionOptions | None = None,
        **limits: Any,
    ) -> Engine:
        """Start an engine as a console does; returns at once."""

        def make(hooks: BrokerHooks) -> Broker:
            connection = ProjectXConnection(
                api_url=self.emulator.url,
                rtc_url=self.emulator.url,
                user=self.emulator.user,
                key=key or (lambda: self.emulator.key),
            )
            return ProjectXBroker(
                connection,
                hooks.publish,
                hooks.clock,
                observe_time=hooks.observe_time,
                observe=hooks.observe,
                expects_data=hooks.expects_data,
                timings=timings,
            )

        self.engine = Engine(
            make_broker=make,
            journal=journal or Forgetful(),
            bars=bars,
            calendar=load_calendar(calendar),
            options=EngineOptions(
                watchlist=watchlist,
                reconcile_seconds=reconcile,
                limits=RiskLimits(**limits),
                protection=protection or ProtectionOptions(alert_after=0.6, act_after=1.2),
            ),
        )
        self._running = True
        await self.engine.start()
        return self.engine

    async def ready(self, *, arm: bool = True) -> None:
        """Wait until trading is possible, and arm."""
        await until(self.is_ready)
        if arm:
            await self.engine.handle(Arm(self.account_id))

    def is_ready(self) -> bool:
        return (
            self.engine.is_synced(self.account_id)
            and self.state(Channel.ORDERS) is ChannelState.UP
            and self.instrument_id in self.engine.book.quotes
        )

    async def close(self) -> None:
        if self._running:
            self._running = False
            await self.engine.stop()

    @property
    def instrument_id(self) -> str:
        return self.emulator.contract("MNQ")

    def state(self, channel: Channel) -> ChannelState:
        return self.engine.book.channels[channel].state

    def orders(self, status: OrderStatus | None = None) -> list[Order]:
        return [order for order in self.engine.book.orders.values() if status in {None, order.status}]

    def size(self) -> int:
        """Contracts of MNQ held by the book."""
        position = self.engine.book.position(self.account_id, self.instrument_id)
        return position.size if position else 0

    def trips(self) -> list[RoundTrip]:
        return list(self.engine.book.round_trips.values())

    def told(self, words: str) -> bool:
        """Whether the feed has told something with these words."""
        return any(words in f"{n.title} {n.detail}" for n in self.engine.book.notifications)

    def command(self, size: int = 1, **over: Any) -> PlaceOrder:
        """An order for MNQ, to buy at the market unless told otherwise."""
        fields: dict[str, Any] = {"account_id": self.account_id, "symbol": "MNQ", "side": Side.BUY}
        return PlaceOrder(**{**fields, "size": size, **over})

    async def buy(self, size: int = 1, **over: Any) -> str:
        """Place an order; returns our id."""
        return (await self.engine.handle(self.command(size, **over))).order_ids[0]

    async def rest(self, ticks: int = 40) -> Order:
        """A limit buy that works well below the market."""
        limit = self.price - Decimal("0.25") * ticks
        order_id = await self.buy(type=OrderType.LIMIT, limit_price=limit)
        await until(lambda: self.engine.book.orders[order_id].status is OrderStatus.WORKING)
        return self.engine.book.orders[order_id]

    async def buy_protected(self, size: int = 2) -> str:
        """A market entry with stop and target, filled and with both legs working."""
        order_id = await self.buy(size, bracket=Bracket(stop_ticks=40, target_ticks=80))
        await until(lambda: self.size() == size and len(self.orders(OrderStatus.WORKING)) == 2)
        return order_id

    @property
    def price(self) -> Decimal:
        return Decimal(str(self.emulator.last("MNQ")))

    def refuse_brackets(self) -> None:
        """Set the account to Position Brackets, as its owner does in the platform's settings: the default there."""
        self.emulator.order("account", account_id=int(self.account_id), bracket_mode="PositionBrackets")

    def fill_part(self, order_id: str, size: int) -> None:
        """Let part of one of our resting orders fill at its price, whatever the market does."""
        exchange = self.emulator.gateway.exchange
        order = exchange._store.orders[int(self.engine.book.orders[order_id].broker_order_id or 0)]
        price = order.limit_price or order.stop_price
        exchange._matcher._fill(order, [(price, size)], exchange.now, resting=True)

    def legs(self, entry_id: str, *, is_open: bool = True) -> dict[str, Order]:
        """Stop and target of an entry by what their tag adds to its own, those that may still fill."""
        return {
            order.order_id.removeprefix(entry_id): order
            for order in self.orders()
            if order.parent_id == entry_id and (order.status.is_open or not is_open)
        }

    def drop_events(self, batches: int) -> None:
        self.emulator.order("events", kind="drop", batches=batches)

    async def lose_stream(self) -> None:
        """Cut both hubs and wait until the desk has noticed."""
        before = self.engine.book.channels[Channel.ACCOUNT]
        self.emulator.order("drop")
        await until(lambda: self.engine.book.channels[Channel.ACCOUNT] is not before)

    # -- what the gateway itself has --------------------------------------------------------------------------

    async def gateway_orders(self) -> list[Json]:
        """Every order there ever was, as the gateway has it."""
        await self.emulator.login()
        answer = await self.emulator.call(
            "/api/Order/search", accountId=int(self.account_id), startTimestamp="2000-01-01T00:00:00Z"
        )
        return list(answer["orders"])

    async def gateway_trades(self) -> list[Json]:
        await self.emulator.login()
        answer = await self.emulator.call(
            "/api/Trade/search", accountId=int(self.account_id), startTimestamp="2000-01-01T00:00:00Z"
        )
        return list(answer["trades"])

    async def gateway_size(self) -> int:
        await self.emulator.login()
        answer = await self.emulator.call("/api/Position/searchOpen", accountId=int(self.account_id))
        return sum(row["size"] * (1 if row["type"] == 1 else -1) for row in answer["positions"])

    async def sent(self) -> list[str]:
        """Our ids of the orders that the gateway has, refused ones included."""
        return [row["customTag"] for row in await self.gateway_orders() if _is_ours(row["customTag"])]

    async def prove(self) -> None:
        """Wait until nothing is in doubt, then compare the book with the gateway's own records to the cent."""
        await until(lambda: self.is_ready() and not self.engine.sync.is_in_doubt())
        await self.engine.sync.sync(self.account_id)
        wrong = [finding for finding in self.findings() if not finding.held]
        assert not wrong, wrong

    def findings(self) -> tuple[Finding, ...]:
        """What the product's own checks find now."""
        return examine(read_records(self.emulator.gateway.exchange, self.account_id), self.engine.book)


def _is_ours(tag: str | None) -> bool:
    return tag is not None and tag.startswith("tc-hand-") and tag.count("-") == 2


@asynccontextmanager
async def desk(**options: Any) -> AsyncIterator[Desk]:
    """A desk on an emulator of its own whose prices stand still until a test moves them; nothing opened yet."""
    async with running_emulator(**{"volatility": 0.0, "rate_limits": False, **options}) as emulator:
        test = Desk(emulator)
        try:
            yield test
        finally:
            await test.close()


@asynccontextmanager
async def trading_desk(journal: Journal | None = None, **options: Any) -> AsyncIterator[Desk]:
    """A desk that is connected, synced and armed."""
    async with desk() as test:
        await test.open(journal, **options)
        await test.ready()
        yield test
