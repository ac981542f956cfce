"""A market without a network: hub messages of a made-up session, and a broker that reads them with the adapter's code."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import aiohttp

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.brokers.projectx.hub_connection import HubConnection, HubEnded
from tradeconsole.brokers.projectx.market import MarketStream
from tradeconsole.brokers.projectx.stamps import VenueStamps
from tradeconsole.domain.accounts import Account, AccountKind
from tradeconsole.domain.events import (
    BrokerPosition,
    Channel,
    ChannelChanged,
    ChannelState,
    InstrumentResolved,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Bar, BarSeries, Quote, Span, Timeframe
from tradeconsole.domain.orders import OrderReport, OrderRequest, OrderType
from tradeconsole.domain.portfolio import Fill
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.errors import BrokerUnavailable, InvalidRequest
from tradeconsole.ports import (
    Broker,
    BrokerHooks,
    Budget,
    Capabilities,
    JournalRecord,
    MarketSubscription,
    Restored,
)

SYMBOLS: Final = {"MNQ": 20123.0, "NQ": 20123.0, "MES": 5842.0, "ES": 5842.0, "CL": 70.14, "GC": 2711.5}
"""Watched products and where their prices begin."""

_TICKS: Final = {"CL": Decimal("0.01"), "GC": Decimal("0.1")}


def instrument(symbol: str) -> Instrument:
    """The December contract of a product."""
    tick = _TICKS.get(symbol, Decimal("0.25"))
    return Instrument(
        instrument_id=f"CON.F.US.{symbol}.Z26",
        symbol=symbol,
        name=f"{symbol}Z6",
        description=f"{symbol}: December 2026",
        tick_size=tick,
        tick_value=tick * 2,
    )


INSTRUMENTS: Final = {symbol: instrument(symbol) for symbol in SYMBOLS}


class Tape:
    """Makes hub messages without end: sparse quotes as the gateway writes them, and a print for each `prints_every`.

    Args:
        prints_every: quotes between two prints of the tape; 0 for none.
        seed: of the random walk.
    """

    def __init__(self, *, prints_every: int = 4, seed: int = 7) -> None:
        self._random = Random(seed)
        self._prints_every = prints_every
        self._count = 0
        self._mid = {symbol: round(start / INSTRUMENTS[symbol].tick) for symbol, start in SYMBOLS.items()}

    def record(self, now: datetime) -> str:
        """One record of the market hub, its separator included."""
        self._count += 1
        symbol = self._random.choice(tuple(SYMBOLS))
        if self._random.random() < 0.5:
            self._mid[symbol] += self._random.choice((-1, 1))
        if self._prints_every and self._count % (self._prints_every + 1) == 0:
            return self._print(symbol, now)
        return self._quote(symbol, now)

    def message(self, records: int, now: datetime) -> str:
        """Several records in one WebSocket message."""
        return "".join([self.record(now) for _ in range(records)])

    def _quote(self, symbol: str, now: datetime) -> str:
        found, mid = INSTRUMENTS[symbol], self._mid[symbol]
        bid, ask, stamp = found.snap(mid * found.tick), found.snap((mid + 1) * found.tick), now.isoformat()
        last = f'"lastPrice":{bid},"volume":{self._count},' if self._random.random() < 0.3 else ""
        return (
            f'{{"type":1,"target":"GatewayQuote","arguments":["{found.instrument_id}",{{"symbol":"F.US.{symbol}",'
            f'{last}"bestBid":{bid},"bestAsk":{ask},"lastUpdated":"{stamp}","timestamp":"{stamp}",'
            f'"contract":"{found.instrument_id}"}}]}}\x1e'
        )

    def _print(self, symbol: str, now: datetime) -> str:
        found = INSTRUMENTS[symbol]
        price = found.snap(self._mid[symbol] * found.tick)
        return (
            f'{{"type":1,"target":"GatewayTrade","arguments":["{found.instrument_id}",[{{"symbolId":"F.US.{symbol}",'
            f'"price":{price},"timestamp":"{now.isoformat()}","type":{self._count % 2},"volume":1,'
            f'"contractId":"{found.instrument_id}"}}]]}}\x1e'
        )


class ListedSocket:
    """A hub socket that brings listed messages as fast as they are read, and lets the loop breathe between them."""

    close_code = 1000

    def __init__(self, messages: Iterable[str]) -> None:
        self._messages = iter(messages)

    async def receive(self) -> aiohttp.WSMessage:
        await asyncio.sleep(0)
        text = next(self._messages, None)
        kind = aiohttp.WSMsgType.CLOSED if text is None else aiohttp.WSMsgType.TEXT
        return aiohttp.WSMessage(kind, text, None)


class PacedSocket:
    """A hub socket that brings `rate` records a second, in messages of a few, as a gateway under load does.

    The records are made beforehand and come round again, so that making them costs nothing while others measure.
    """

    close_code = 1000
    PERIOD = 0.01
    POOL = 5_000

    def __init__(self, rate: float) -> None:
        tape, now = Tape(prints_every=0), datetime.now(UTC)
        self._pool = [tape.record(now) for _ in range(self.POOL)]
        self._rate = rate
        self._began = time.monotonic()
        self._sent = 0

    async def receive(self) -> aiohttp.WSMessage:
        while (due := int((time.monotonic() - self._began) * self._rate) - self._sent) < 1:
            await asyncio.sleep(self.PERIOD)
        start = self._sent % self.POOL
        records = self._pool[start : start + due]
        self._sent += len(records)
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, "".join(records), None)


class FeedBroker(Broker):
    """A venue with one account, a wavy past and a tape; takes no orders."""

    name = "Feed"
    capabilities = Capabilities(
        order_types=frozenset(OrderType), timeframes=("1s", "1m", "5m", "15m", "1h", "1d")
    )

    def __init__(self, hooks: BrokerHooks) -> None:
        self._publish = hooks.publish
        by_id = {each.instrument_id: each for each in INSTRUMENTS.values()}
        self._market = MarketStream(hooks.publish, by_id.get, hooks.clock, VenueStamps(hooks.observe_time))

    async def listen(self, socket: Any) -> None:
        """Read a hub connection to its end with the adapter's own code."""
        connection = HubConnection(socket, self._market.handlers, Timings(), time.monotonic)
        connection._protocol.receive(b"{}\x1e")
        try:
            await connection.run()
        except HubEnded:
            return

    async def connect(self) -> Sequence[Account]:
        return await self.get_accounts()

    async def stream(self, account_ids: Iterable[str]) -> None:
        for channel in Channel:
            self._publish(ChannelChanged(channel, ChannelState.UP))

    async def resolve(self, symbol: str) -> Instrument:
        for found in INSTRUMENTS.values():
            if symbol in {found.symbol, found.name, found.instrument_id}:
                self._publish(InstrumentResolved(found))
                return found
        raise InvalidRequest(f"unknown symbol {symbol}")

    async def get_historical_data(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        symbol = instrument_id.split(".")[3]
        return wavy_bars(INSTRUMENTS[symbol], timeframe, span)

    async def get_accounts(self) -> Sequence[Account]:
        return [
            Account(
                account_id="26282486", name="PRAC-V2-1", balance=Decimal(150000), kind=AccountKind.PRACTICE
            )
        ]

    async def get_market_quote(self, instrument_id: str) -> Quote:
        return Quote(instrument_id, datetime.now(UTC))

    async def search_instruments(self, text: str) -> Sequence[Instrument]:
        return [found for found in INSTRUMENTS.values() if text.upper() in found.name]

    async def place_order(self, request: OrderRequest) -> str:
        raise BrokerUnavailable("this market takes no orders")

    async def modify_order(self, account_id: str, broker_order_id: str, **_: Any) -> None:
        raise BrokerUnavailable("this market takes no orders")

    async def cancel_order(self, account_id: str, broker_order_id: str) -> None:
        raise BrokerUnavailable("this market takes no orders")

    async def close_position(self, account_id: str, instrument_id: str, quantity: int | None = None) -> None:
        raise BrokerUnavailable("this market takes no orders")

    async def get_positions(self, account_id: str) -> Sequence[BrokerPosition]:
        return ()

    async def get_open_orders(self, account_id: str) -> Sequence[OrderReport]:
        return ()

    async def get_orders(self, account_id: str, span: Span) -> Sequence[OrderReport]:
        return ()

    async def get_fills(self, account_id: str, span: Span) -> Sequence[Fill]:
        return ()

    async def subscribe(self, wanted: frozenset[MarketSubscription]) -> None: ...

    def budgets(self) -> Sequence[Budget]:
        return ()

    async def close(self) -> None: ...


class ForgetfulJournal:
    """A journal that keeps nothing: not what is measured here."""

    def append(self, record: JournalRecord) -> None: ...

    async def restore(self) -> Restored:
        return Restored()


def make_engine(make_broker: Callable[[BrokerHooks], Broker]) -> Engine:
    """An engine on the demo calendar that watches all products of the tape."""
    return Engine(
        make_broker=make_broker,
        journal=ForgetfulJournal(),
        bars=None,
        calendar=load_calendar("continuous"),
        options=EngineOptions(watchlist=tuple(SYMBOLS)),
    )


def wavy_bars(found: Instrument, timeframe: Timeframe, span: Span) -> BarSeries:
    """Bars without gaps on a slow wave, on the tick grid."""
    step = timedelta(seconds=timeframe.seconds)
    first = math.ceil(span.start.timestamp() / timeframe.seconds) * timeframe.seconds
    start = datetime.fromtimestamp(first, UTC)
    count = max(0, math.ceil((span.end - start) / step))
    return BarSeries.from_bars(_wavy_bar(found, start + number * step) for number in range(count))


def _wavy_bar(found: Instrument, start: datetime) -> Bar:
    middle = round(SYMBOLS[found.symbol] / found.tick) + round(40 * math.sin(start.timestamp() / 7000))
    wobble = round(6 * math.sin(start.timestamp() / 170))
    prices = [found.snap(ticks * found.tick) for ticks in (middle, middle + 9, middle - 9, middle + wobble)]
    return Bar(start, *prices, 100 + abs(wobble))
