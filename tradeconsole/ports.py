"""The seams of the engine: what it needs from brokers, storage and time, in the domain's words."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    BrokerEvent,
    BrokerPosition,
    CancelAsked,
    NotificationRaised,
    RoundTripVoided,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries, Quote, Span, Timeframe
from tradeconsole.domain.orders import Order, OrderReport, OrderRequest, OrderType, Side
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip
from tradeconsole.domain.workspace import Workspace

Publish = Callable[[BrokerEvent], None]
"""How an adapter tells the engine something: synchronous, on the engine's loop, never raises."""


class Clock(Protocol):
    """Time as the engine sees it; tests and replays bring their own."""

    def now(self) -> datetime:
        """Aware UTC time at the venue."""

    def monotonic(self) -> float:
        """Seconds that only grow, for ages and timeouts."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue does by itself; the engine supplies the rest and views say who enforces what."""

    order_types: frozenset[OrderType]
    brackets: bool = False
    depth: bool = False
    modify: bool = True
    partial_close: bool = False
    max_bars_per_request: int = 1000
    timeframes: tuple[str, ...] = ()


class MarketSubscription(msgspec.Struct, frozen=True, order=True, gc=False):
    """One wanted stream. The set of all is declared at once and replayed after every reconnect."""

    instrument_id: str
    depth: bool = False


class OrderInterface(Protocol):
    """Orders in. A placement is sent at most once, whatever happens to the connection."""

    async def place_order(self, request: OrderRequest) -> str:
        """Send one order.

        Returns:
            The broker's id of the accepted order; its fate comes as events.

        Raises:
            BracketsUnavailable: the broker said no because this account takes no brackets.
            BrokerRejected: the broker said no.
            BrokerUnavailable: it certainly did not reach the broker.
            RateLimited: the broker refused to look at it.
            OrderInDoubt: it may have reached the broker.
        """

    async def modify_order(
        self,
        account_id: str,
        broker_order_id: str,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> None:
        """Change a working order; None leaves a field. Raises as `place_order` does."""

    async def cancel_order(self, account_id: str, broker_order_id: str) -> None:
        """Cancel a working order. Raises as `place_order` does; safe to repeat.

        An order that has ended meanwhile is no error: how it ended is told before this returns.
        """

    async def place_market_order(
        self, account_id: str, symbol: str, side: Side, quantity: int, *, tag: str
    ) -> str:
        """`place_order` at the market."""
        return await self.place_order(
            OrderRequest(
                account_id=account_id,
                instrument_id=(await self.resolve(symbol)).instrument_id,
                side=side,
                type=OrderType.MARKET,
                size=quantity,
                tag=tag,
            )
        )

    async def place_limit_order(
        self, account_id: str, symbol: str, side: Side, quantity: int, price: Decimal, *, tag: str
    ) -> str:
        """`place_order` at a limit."""
        return await self.place_order(
            OrderRequest(
                account_id=account_id,
                instrument_id=(await self.resolve(symbol)).instrument_id,
                side=side,
                type=OrderType.LIMIT,
                size=quantity,
                limit_price=price,
                tag=tag,
            )
        )

    async def resolve(self, symbol: str) -> Instrument:
        """The contract that a symbol (`MNQ`), a name (`MNQZ6`) or an instrument id means at the venue now.

        Raises:
            InvalidRequest: the venue knows no such contract, or it has expired.
        """


class PositionInterface(Protocol):
    """Positions, one per account and instrument, netted by the broker."""

    async def get_positions(self, account_id: str, *, urgent: bool = False) -> Sequence[BrokerPosition]:
        """Open positions as the broker has them now; `urgent` questions wait no longer than a cancel."""

    async def close_position(self, account_id: str, instrument_id: str, quantity: int | None = None) -> None:
        """Close at the market; all of it if `quantity` is None. Can never flip. Raises as `place_order` does."""


class MarketDataInterface(Protocol):
    """Market data, streamed and historical."""

    async def search_instruments(self, text: str) -> Sequence[Instrument]:
        """Contracts whose name or description match."""

    async def get_historical_data(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        """All closed bars that start in the span, oldest first; pages as the venue demands."""

    async def get_market_quote(self, instrument_id: str) -> Quote:
        """The newest quote, from the stream or by asking."""

    async def subscribe(self, wanted: frozenset[MarketSubscription]) -> None:
        """Declare all market streams that should run; differences are sent, reconnects replay the set.

        Raises:
            InvalidRequest: the venue does not know one of them; the others are declared.
            BrokerError: the broker could not be asked for one of them; all are declared.
        """


class Budget(msgspec.Struct, frozen=True):
    """What is used of a broker's request budget; `window` in seconds."""

    name: str
    used: int
    limit: int
    window: float


class Broker(OrderInterface, PositionInterface, MarketDataInterface, Protocol):
    """One venue. Streams arrive through the `Publish` that its constructor was given."""

    @property
    def name(self) -> str:
        """What to call the venue on screen: `TopstepX`."""

    @property
    def capabilities(self) -> Capabilities: ...

    def budgets(self) -> Sequence[Budget]:
        """How much of each request budget is used now."""

    async def connect(self) -> Sequence[Account]:
        """Log in with request and reply only, and return the accounts.

        Raises:
            AuthenticationFailed: wrong credentials.
            BrokerUnavailable: nobody answers.
        """

    async def stream(self, account_ids: Iterable[str]) -> None:
        """Start the streams for these accounts. Returns at once; health comes as `ChannelChanged`."""

    def wake(self) -> None:
        """The user asks: streams that wait before they connect again, or have given up, connect now."""

    async def close(self) -> None:
        """Stop streams and free connections; never raises."""

    async def get_accounts(self) -> Sequence[Account]: ...

    async def get_open_orders(self, account_id: str, *, urgent: bool = False) -> Sequence[OrderReport]:
        """Every order that may still fill, suspended bracket legs included; `urgent` as for positions."""

    async def get_orders(self, account_id: str, span: Span) -> Sequence[OrderReport]:
        """Orders created in the span, whatever became of them."""

    async def get_fills(self, account_id: str, span: Span) -> Sequence[Fill]:
        """Executions in the span, oldest first, voided ones left out."""


class BarStore(Protocol):
    """Closed bars that outlive the process, and which spans of time are known to be complete."""

    async def load(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries: ...

    async def covered(self, instrument_id: str, timeframe: Timeframe, span: Span) -> Sequence[Span]:
        """Parts of the span that were fetched before, empty stretches included; sorted, disjoint."""

    async def save(self, instrument_id: str, timeframe: Timeframe, bars: BarSeries, covered: Span) -> None:
        """Keep closed bars; `covered` is the span for which they are all there is."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine remembers from before: everything open, and enough of the past to show."""

    instruments: tuple[Instrument, ...] = ()
    accounts: tuple[Account, ...] = ()
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] = ()
    round_trips: tuple[RoundTrip, ...] = ()
    notifications: tuple[NotificationRaised, ...] = ()
    equity: tuple[tuple[str, datetime, Decimal], ...] = ()
    workspace: Workspace = Workspace()


Record = Order | Fill | Position | RoundTrip | Account | Instrument | NotificationRaised | Workspace
"""Durable facts. The newest record of an identity wins; writing one twice changes nothing."""


class EquityPoint(msgspec.Struct, frozen=True, gc=False):
    """Account equity (balance plus open P&L) at a time."""

    account_id: str
    time: datetime
    equity: Decimal


class PositionCleared(msgspec.Struct, frozen=True, gc=False):
    """The position with this key is flat."""

    account_id: str
    instrument_id: str


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asked for what, and why: `who` is the order's origin or the front end, `what` the command."""

    time: datetime
    who: str
    what: str
    why: str = ""
    account_id: str | None = None
    order_id: str | None = None


class Journal(Protocol):
    """Durable memory. `append` never waits for a database."""

    def append(self, record: "JournalRecord") -> None:
        """Write a record down so that a kill of this process cannot lose it.

        Raises:
            StorageError: the local file cannot be written; nothing may be sent then.
        """

    async def restore(self) -> Restored:
        """What was remembered before; everything appended earlier is included."""


JournalRecord = Record | EquityPoint | PositionCleared | RoundTripVoided | AuditEntry | CancelAsked


class BrokerHooks(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter is given by the engine that it works for."""

    publish: Publish
    clock: Clock
    observe_time: Callable[[datetime], None] = lambda _: None
    """Told the venue's own time whenever it is seen."""
    expects_data: Callable[[], bool] = lambda: True
    """Whether any subscribed market is open, so that silence means trouble."""
    observe: Callable[[str, float], None] = lambda _stage, _seconds: None
    """Told how long a stage took, in seconds."""
