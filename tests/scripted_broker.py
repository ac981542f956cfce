"""A broker under the test's control, behind the real port, and the other doubles that an engine needs."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from trading_factories import MNQ, NOON, make_account, make_instrument

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import BrokerPosition, Channel, ChannelChanged, ChannelState
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries, Quote, Span, Timeframe
from tradeconsole.domain.orders import OrderReport, OrderRequest, OrderType
from tradeconsole.domain.portfolio import Fill
from tradeconsole.domain.sessions import Session
from tradeconsole.errors import BrokerUnavailable, InvalidRequest, StorageError
from tradeconsole.ports import (
    Broker,
    BrokerHooks,
    Budget,
    Capabilities,
    JournalRecord,
    MarketSubscription,
    Restored,
)


class ScriptedBroker(Broker):
    """Answers what the test put into its lists; `on_place` decides what a placement meets."""

    def __init__(self, hooks: BrokerHooks) -> None:
        self.hooks = hooks
        self.publish = hooks.publish
        self.account_list = [make_account()]
        self.instruments = {"MNQ": make_instrument()}
        self.open_orders: list[OrderReport] = []
        self.orders: list[OrderReport] = []
        self.fills: list[Fill] = []
        self.positions: list[BrokerPosition] = []
        self.placed: list[OrderRequest] = []
        self.modified: list[dict[str, Any]] = []
        self.cancelled: list[str] = []
        self.closed: list[tuple[str, int | None]] = []
        self.bars = BarSeries.empty()
        self.bar_calls: list[Span] = []
        self.bar_gate: asyncio.Event | None = None
        self.place_gate: asyncio.Event | None = None
        self.reachable = True
        self.woken = 0
        self.budget_list: list[Budget] = []
        self.on_place: Callable[[OrderRequest], str] = lambda _: "3400000001"
        self.on_cancel: Callable[[str], None] = lambda _: None
        self.on_close: Callable[[str, int | None], None] = lambda _instrument, _size: None
        self.wanted: frozenset[MarketSubscription] = frozenset()

    @property
    def name(self) -> str:
        return "Scripted"

    @property
    def capabilities(self) -> Capabilities:
        types = {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP}
        return Capabilities(order_types=frozenset(types), brackets=True, partial_close=True)

    def budgets(self) -> Sequence[Budget]:
        return self.budget_list

    def _reach(self) -> None:
        if not self.reachable:
            raise BrokerUnavailable("nobody answers")

    async def connect(self) -> Sequence[Account]:
        self._reach()
        return self.account_list

    async def stream(self, account_ids: Iterable[str]) -> None:
        for channel in Channel:
            self.publish(ChannelChanged(channel, ChannelState.UP))

    def wake(self) -> None:
        self.woken += 1

    async def close(self) -> None: ...

    async def resolve(self, symbol: str) -> Instrument:
        for instrument in self.instruments.values():
            if symbol.upper() in {instrument.symbol, instrument.name, instrument.instrument_id.upper()}:
                return instrument
        raise InvalidRequest(f"unknown symbol {symbol}")

    async def place_order(self, request: OrderRequest) -> str:
        self._reach()
        self.placed.append(request)
        if self.place_gate is not None:
            await self.place_gate.wait()
        return self.on_place(request)

    async def modify_order(
        self,
        account_id: str,
        broker_order_id: str,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> None:
        self._reach()
        self.modified.append({"id": broker_order_id, "size": size, "limit": limit_price, "stop": stop_price})

    async def cancel_order(self, account_id: str, broker_order_id: str) -> None:
        self._reach()
        self.cancelled.append(broker_order_id)
        self.on_cancel(broker_order_id)

    async def get_positions(self, account_id: str, *, urgent: bool = False) -> Sequence[BrokerPosition]:
        self._reach()
        return list(self.positions)

    async def close_position(self, account_id: str, instrument_id: str, quantity: int | None = None) -> None:
        self._reach()
        self.closed.append((instrument_id, quantity))
        self.on_close(instrument_id, quantity)

    async def search_instruments(self, text: str) -> Sequence[Instrument]:
        return list(self.instruments.values())

    async def get_historical_data(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        self._reach()
        self.bar_calls.append(span)
        if self.bar_gate is not None:
            await self.bar_gate.wait()
        return self.bars.between(span)

    async def get_market_quote(self, instrument_id: str) -> Quote:
        return Quote(MNQ, NOON)

    async def subscribe(self, wanted: frozenset[MarketSubscription]) -> None:
        self.wanted = wanted

    async def get_accounts(self) -> Sequence[Account]:
        self._reach()
        return self.account_list

    async def get_open_orders(self, account_id: str, *, urgent: bool = False) -> Sequence[OrderReport]:
        self._reach()
        return list(self.open_orders)

    async def get_orders(self, account_id: str, span: Span) -> Sequence[OrderReport]:
        self._reach()
        return list(self.orders)

    async def get_fills(self, account_id: str, span: Span) -> Sequence[Fill]:
        self._reach()
        return list(self.fills)


class MemoryJournal:
    """Keeps records in a list; can be told to fail."""

    def __init__(self, memory: Restored | None = None) -> None:
        self.records: list[JournalRecord] = []
        self.memory = memory or Restored()
        self.broken = False

    def append(self, record: JournalRecord) -> None:
        if self.broken:
            raise StorageError("the spool cannot be written: no space left on device")
        self.records.append(record)

    async def restore(self) -> Restored:
        return self.memory


class OpenCalendar:
    """A market that is open or closed as the test says; days start at midnight UTC."""

    name = "TEST"
    zone = ZoneInfo("America/Chicago")

    def __init__(self) -> None:
        self.open = True

    def is_open(self, group: object, time: datetime) -> bool:
        return self.open

    def session_at(self, group: object, time: datetime) -> Any:
        return None

    def next_change(self, group: object, time: datetime) -> datetime | None:
        return None

    def trading_day(self, group: object, time: datetime) -> Any:
        return time.date()

    def day_start(self, group: object, time: datetime) -> datetime:
        return time.replace(hour=0, minute=0, second=0, microsecond=0)

    def sessions(self, group: object, first: Any, last: Any) -> tuple[Any, ...]:
        start = datetime(first.year, first.month, first.day, tzinfo=NOON.tzinfo)
        return (Session(trade_date=first, open=start, close=start + timedelta(days=1)),)
