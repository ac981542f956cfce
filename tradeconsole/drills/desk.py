"""A trader's desk for drills: the real engine and adapter on a gateway, and what a trader does with them."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Command,
    Flatten,
    ModifyOrder,
    NudgeOrder,
    PlaceOrder,
    Reconcile,
)
from tradeconsole.domain.events import Channel, ChannelState, StorageChanged
from tradeconsole.domain.orders import Bracket, Order, OrderStatus, OrderType, Side
from tradeconsole.domain.portfolio import RoundTrip
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.drills.plan import SYMBOL
from tradeconsole.drills.timeline import Timeline, Who
from tradeconsole.emulator.home import Endpoint
from tradeconsole.engine.clock import VenueClock
from tradeconsole.engine.commands import Done
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.protection.watch import ProtectionOptions
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.errors import RequestRefused, TradeConsoleError
from tradeconsole.ports import BarStore, Broker, BrokerHooks, Journal, Restored

QUICK: Final = Timings(
    reply=1.0,
    hold=0.2,
    handshake=0.5,
    invocation=1.0,
    queue=0.3,
    ping=0.2,
    server_ping=15.0,
    data_silence=0.8,
    look=0.1,
    reconnect=(0.0, 0.1, 0.2),
    kicked=(0.5,),
    stable=0.1,
)
"""Waits a tenth as long as a trader's, so that a drill is over soon."""

PATIENCE: Final = 6.0
_LOOK: Final = 0.01


class Stalled(Exception):
    """What a drill waited for did not happen; the message says what and for how long."""


async def until(
    condition: Callable[[], object], what: str = "what was expected", seconds: float = PATIENCE
) -> None:
    """Wait until something has become true.

    Raises:
        Stalled: it does not within `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 -- conditions are of many kinds, and none of them tells
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise Stalled(f"waited {seconds:g} s in vain for {what}") from None


class Desk:
    """One engine at a time on one gateway, trading MNQ on one account.

    Args:
        endpoint: where the gateway answers, and as whom to log in.
        timeline: told of what is asked for and of what happens; None tells nobody.
    """

    def __init__(self, endpoint: Endpoint, account_id: str, *, timeline: Timeline | None = None) -> None:
        self.endpoint = endpoint
        self.account_id = account_id
        self.engine: Engine
        self.asked = 0
        """Orders asked for so far and not refused here, so that they may have been sent."""
        self._timeline = timeline
        self._running = False

    async def open(
        self,
        journal: Journal,
        *,
        bars: BarStore | None = None,
        clock: VenueClock | None = None,
        database: bool = False,
        key: Callable[[], str] | None = None,
        reconcile: float = 5.0,
        calendar: str = "continuous",
        watchlist: tuple[str, ...] = (SYMBOL,),
        timings: Timings = QUICK,
        limits: RiskLimits | None = None,
        protection: ProtectionOptions | None = None,
    ) -> Engine:
        """Start an engine as a console does; returns at once."""

        def make(hooks: BrokerHooks) -> Broker:
            connection = ProjectXConnection(
                api_url=self.endpoint.url,
                rtc_url=self.endpoint.url,
                user=self.endpoint.user,
                key=key or (lambda: self.endpoint.key),
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
            journal=journal,
            bars=bars,
            calendar=load_calendar(calendar),
            clock=clock,
            options=EngineOptions(
                watchlist=watchlist,
                reconcile_seconds=reconcile,
                limits=limits or RiskLimits(),
                protection=protection or ProtectionOptions(),
            ),
        )
        if self._timeline is not None:
            self._timeline.watch(self.engine, self.account_id, database=database)
        self._running = True
        await self.engine.start()
        return self.engine

    async def ready(self, *, arm: bool = True, seconds: float = PATIENCE) -> None:
        """Wait until trading is possible, and arm."""
        await until(self.is_ready, "the desk to be connected and reconciled", seconds)
        if arm:
            await self.engine.handle(Arm(self.account_id))

    def is_ready(self) -> bool:
        """Connected, reconciled, and with a price."""
        return (
            self.engine.is_synced(self.account_id)
            and self.state(Channel.ORDERS) is ChannelState.UP
            and self.has_price()
        )

    def has_price(self) -> bool:
        """Whether the instrument and a price of it are known."""
        return SYMBOL in self.engine.book.by_symbol and self.instrument_id in self.engine.book.quotes

    def is_settled(self) -> bool:
        """Ready, and nothing is in doubt."""
        return self.is_ready() and not self.engine.sync.is_in_doubt()

    def storage_changed(self, event: StorageChanged) -> None:
        """The journal tells of its database."""
        if self._running:
            self.engine.storage_changed(event)

    def restored_late(self, memory: Restored) -> None:
        """The journal tells what it could not when the engine started."""
        if self._running:
            self.engine.restore(memory)

    async def close(self) -> None:
        """Stop the engine; orders at the gateway stay."""
        if self._running:
            self._running = False
            await self.engine.stop()

    # -- what the desk shows ---------------------------------------------------------------------------------

    @property
    def instrument_id(self) -> str:
        return self.engine.book.by_symbol[SYMBOL].instrument_id

    @property
    def price(self) -> Decimal:
        """The last price that the desk knows."""
        instrument = self.engine.book.by_symbol[SYMBOL]
        price = self.engine.book.price(instrument.instrument_id)
        if price is None:
            raise Stalled(f"no price of {SYMBOL}")
        return instrument.quantize(price)

    def state(self, channel: Channel) -> ChannelState:
        return self.engine.book.channels[channel].state

    def order(self, order_id: str) -> Order:
        return self.engine.book.orders[order_id]

    def orders(self, status: OrderStatus | None = None) -> list[Order]:
        return [order for order in self.engine.book.orders.values() if status in {None, order.status}]

    def size(self) -> int:
        """Contracts held, as the desk shows it."""
        sizes = [p.size for p in self.engine.book.positions(self.account_id)]
        return sum(sizes)

    def trips(self) -> list[RoundTrip]:
        return list(self.engine.book.round_trips.values())

    def told(self, words: str) -> bool:
        """Whether the feed has told something with these words."""
        return any(words in f"{n.title} {n.detail}" for n in self.engine.book.notifications)

    # -- what a trader does ----------------------------------------------------------------------------------

    async def handle(self, command: Command) -> Done:
        """Give the engine a command; raises as `Engine.handle`."""
        if isinstance(command, PlaceOrder):
            self.asked += 1
        self._note(_words(command))
        try:
            done = await self.engine.handle(command)
        except TradeConsoleError as error:
            if isinstance(command, PlaceOrder) and isinstance(error, RequestRefused):
                self.asked -= 1
            self._note(f"is told: {error}")
            raise
        return done

    async def attempt(self, command: Command) -> Done | TradeConsoleError:
        """Give the engine a command that may fail; returns what came of it."""
        try:
            return await self.handle(command)
        except TradeConsoleError as error:
            return error

    def command(self, size: int = 1, **over: Any) -> PlaceOrder:
        """An order, to buy at the market unless told otherwise."""
        fields: dict[str, Any] = {"account_id": self.account_id, "symbol": SYMBOL, "side": Side.BUY}
        return PlaceOrder(**{**fields, "size": size, **over})

    async def buy(self, size: int = 1, **over: Any) -> str:
        """Place an order; returns our id."""
        return (await self.handle(self.command(size, **over))).order_ids[0]

    async def rest(self, ticks: int = 40, size: int = 1) -> Order:
        """A limit buy that works so many ticks below the market."""
        limit = self.price - self.tick * ticks
        order_id = await self.buy(size, type=OrderType.LIMIT, limit_price=limit)
        await until(lambda: self.order(order_id).status is OrderStatus.WORKING, "a limit order to work")
        return self.order(order_id)

    async def buy_protected(self, size: int = 2) -> str:
        """A market entry with stop and target, filled and with both legs working."""
        held = self.size()
        order_id = await self.buy(size, bracket=Bracket(stop_ticks=40, target_ticks=80))
        await until(
            lambda: self.size() == held + size and self._working_legs(order_id) == 2,
            "an entry to fill and its stop and target to work",
        )
        return order_id

    def _working_legs(self, entry_id: str) -> int:
        return sum(order.parent_id == entry_id for order in self.orders(OrderStatus.WORKING))

    async def cancel(self, order_id: str) -> Done:
        return await self.handle(CancelOrder(order_id))

    async def close_position(self, size: int | None = None) -> Done:
        return await self.handle(ClosePosition(self.account_id, SYMBOL, size))

    async def flatten(self, seconds: float = PATIENCE) -> None:
        """Flatten, and wait until the broker has confirmed it."""
        before = self._flats()
        await self.handle(Flatten(self.account_id))
        await until(lambda: self._flats() > before, "the broker to confirm flat", seconds)

    @property
    def tick(self) -> Decimal:
        return self.engine.book.by_symbol[SYMBOL].tick_size

    def _flats(self) -> int:
        return sum(notice.title == "Flat" for notice in self.engine.book.notifications)

    def _note(self, what: str) -> None:
        if self._timeline is not None:
            self._timeline.note(Who.TRADER, what)


def _words(command: Command) -> str:
    """A command as one would say it."""
    match command:
        case PlaceOrder():
            return f"asks to {_order_words(command)}"
        case ModifyOrder():
            return "asks to change an order"
        case NudgeOrder():
            return f"asks to move an order by {command.ticks:+d} ticks"
        case CancelOrder():
            return "asks to cancel an order"
        case ClosePosition():
            return f"asks to close {command.size or 'all'} {command.symbol}"
        case Flatten():
            return "asks to flatten everything"
        case CancelAll():
            return "asks to cancel everything"
        case Arm():
            return "arms the account"
        case Reconcile():
            return "asks to reconcile"
        case _:
            return f"asks for {type(command).__name__}"


def _order_words(command: PlaceOrder) -> str:
    words = f"{command.side} {command.size} {command.symbol} {command.type}"
    price = command.stop_price if command.stop_price is not None else command.limit_price
    words += f" @ {price}" if price is not None else ""
    if command.bracket is not None:
        legs = {"stop": command.bracket.stop_ticks, "target": command.bracket.target_ticks}
        words += "".join(f", {name} {ticks} ticks" for name, ticks in legs.items() if ticks is not None)
    return words
