"""A session with the engine of this process: commands cross into its thread, frames cross out."""

import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Final

from tradeconsole.domain.commands import Command
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries, Span, Timeframe
from tradeconsole.engine import risk
from tradeconsole.engine.bars import bar_start
from tradeconsole.engine.charts import span_of
from tradeconsole.engine.commands import Done
from tradeconsole.engine.engine import Engine
from tradeconsole.engine.thread import EngineThread
from tradeconsole.errors import InvalidRequest
from tradeconsole.views.build.market import preview_view
from tradeconsole.views.models import Frame, PreviewView
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Bars, Focus, History, Preview, Receipt, Search
from tradeconsole.views.subscriber import Subscriber

DEFAULT_BARS: Final = 500
"""Bars of a history query that names neither a start nor a limit."""

MOST_BARS: Final = 1_000_000
"""More than a gateway gives in minutes, and than anybody means."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing is asked for that lies before it."""


class LocalSession:
    """`Session` over an engine that runs in `thread`."""

    def __init__(self, thread: EngineThread, engine: Engine, info: SessionInfo, fps: float = 10.0) -> None:
        self._thread = thread
        self._engine = engine
        self._info = info
        self._fps = fps
        self._subscriber: Subscriber | None = None

    async def frames(self) -> AsyncGenerator[Frame]:
        """Frames as things change; the engine builds one only when the last was taken."""
        while True:
            yield await self._thread.call(self._next_frame())

    async def watch(self, focus: Focus) -> None:
        await self._thread.call(self._watch(focus))

    async def send(self, command: Command) -> Receipt:
        done = await self._thread.call_first(self._handle(command))
        return Receipt(message=done.message, order_ids=done.order_ids)

    async def preview(self, query: Preview) -> PreviewView:
        return await self._thread.call(self._preview(query))

    async def search(self, query: Search) -> tuple[Instrument, ...]:
        return await self._thread.call(self._search(query))

    async def history(self, query: History) -> Bars:
        return await self._thread.call(self._history(query))

    async def add_symbol(self, symbol: str) -> None:
        await self._thread.call(self._add_symbol(symbol))

    async def remove_symbol(self, symbol: str) -> None:
        await self._thread.call(self._remove_symbol(symbol))

    async def close(self) -> None:
        """Stop watching; the engine goes on."""
        await self._thread.call(self._close())

    # -- on the engine's loop -------------------------------------------------------------------------------

    def _subscribed(self) -> Subscriber:
        if self._subscriber is None:
            self._subscriber = Subscriber(self._engine, self._info, self._fps)
        return self._subscriber

    async def _next_frame(self) -> Frame:
        return await self._subscribed().next_frame()

    async def _watch(self, focus: Focus) -> None:
        await self._subscribed().watch(focus)

    async def _handle(self, command: Command) -> Done:
        started = time.perf_counter()
        try:
            return await self._engine.handle(command)
        finally:
            self._engine.telemetry.observe(f"command.{type(command).__name__}", time.perf_counter() - started)

    async def _preview(self, query: Preview) -> PreviewView:
        engine, command = self._engine, query.order
        if not engine.streaming:
            await engine.quiet.prepare(command)
        instrument = await engine.connection.resolve(command.symbol)
        situation = engine.situation(command.account_id, instrument)
        refusal = risk.refusal(engine.execution.draft(command, instrument), situation)
        charged = [
            f for f in engine.book.fills.values() if f.instrument_id == instrument.instrument_id and f.fees
        ]
        fee = charged[-1].fees / charged[-1].size if charged else None
        return preview_view(command, instrument, refusal, situation.position, fee)

    async def _search(self, query: Search) -> tuple[Instrument, ...]:
        return tuple(await self._engine.broker.search_instruments(query.text))

    async def _history(self, query: History) -> Bars:
        engine = self._engine
        instrument = await engine.connection.resolve(query.symbol)
        timeframe = Timeframe.parse(query.timeframe)
        span = self._span(query, instrument, timeframe)
        bars = BarSeries.empty()
        if span.start < span.end:
            bars = await engine.history.get(instrument.instrument_id, timeframe, span)
        if query.limit is not None:
            bars = bars.tail(query.limit)
        return Bars(
            instrument=instrument, timeframe=str(timeframe), bars=bars, tick_size=instrument.tick_size
        )

    def _span(self, query: History, instrument: Instrument, timeframe: Timeframe) -> Span:
        engine = self._engine
        if query.limit is not None and query.limit < 1:
            raise InvalidRequest(f"limit {query.limit}: at least 1 bar")
        closed = bar_start(engine.clock.now(), timeframe, engine.calendar, instrument.group)
        end = min(_aware(query.end), closed) if query.end else closed
        reach = (end - EARLIEST) // timedelta(seconds=timeframe.seconds)
        if query.start is None:
            limit = query.limit or DEFAULT_BARS
            if limit > MOST_BARS:
                raise InvalidRequest(f"limit {limit}: at most {MOST_BARS:,} bars at once")
            if limit > reach:
                return Span(EARLIEST, end)
            return span_of(limit, timeframe, engine.calendar, instrument.group, end)
        if query.end and _aware(query.start) >= _aware(query.end):
            raise InvalidRequest(f"the span is empty: from {query.start} is not before to {query.end}")
        span = Span(max(_aware(query.start), EARLIEST), end)
        if span.length > MOST_BARS * timedelta(seconds=timeframe.seconds):
            raise InvalidRequest(
                f"more than {MOST_BARS:,} bars of {timeframe} since {span.start:%Y-%m-%d}: ask from a later time, "
                f"or for longer bars"
            )
        return span

    async def _add_symbol(self, symbol: str) -> None:
        self._engine.watched.add(await self._engine.connection.resolve(symbol))
        self._subscribed().mark(frozenset({"watchlist"}))

    async def _remove_symbol(self, symbol: str) -> None:
        instrument = await self._engine.connection.resolve(symbol)
        self._engine.watched.remove(instrument)
        self._subscribed().mark(frozenset({"watchlist"}))

    async def _close(self) -> None:
        if self._subscriber is not None:
            self._subscriber.close()
            self._subscriber = None


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise InvalidRequest(f"time {time} has no zone: write it with Z or an offset")
    return time.astimezone(UTC)
