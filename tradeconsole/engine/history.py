"""Bars of the past: memory, then PostgreSQL, then the broker for the spans that are missing.

One flight per instrument and timeframe: whoever asks while a span is being fetched waits for that fetch. Only
closed bars are kept; stretches known to be empty are remembered as covered and never asked for again.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from tradeconsole.domain.market import BarSeries, BarUnit, Span, Timeframe
from tradeconsole.engine.spans import merged, missing
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.errors import StorageError
from tradeconsole.ports import BarStore, MarketDataInterface

log = logging.getLogger(__name__)

CHUNK_BARS: Final = 10_000
"""Bars asked of the broker at once; newest chunk first, so that a chart shows what matters at once."""

Key = tuple[str, Timeframe]


class Shelf:
    """Bars of one instrument and timeframe in memory, and which spans they are complete for."""

    __slots__ = ("bars", "covered", "lock")

    def __init__(self) -> None:
        self.bars = BarSeries.empty()
        self.covered: list[Span] = []
        self.lock = asyncio.Lock()

    def put(self, bars: BarSeries, covered: Span) -> None:
        self.bars = self.bars.merged(bars)
        self.covered = merged([*self.covered, covered])


class History:
    """Closed bars of any instrument, cached."""

    def __init__(self, broker: MarketDataInterface, store: BarStore | None, telemetry: Telemetry) -> None:
        self._broker = broker
        self._store = store
        self._telemetry = telemetry
        self._shelves: dict[Key, Shelf] = {}

    def in_memory(self, instrument_id: str, timeframe: Timeframe) -> BarSeries:
        """What is at hand without waiting."""
        shelf = self._shelves.get((instrument_id, timeframe))
        return shelf.bars if shelf else BarSeries.empty()

    async def get(
        self,
        instrument_id: str,
        timeframe: Timeframe,
        span: Span,
        on_progress: Callable[[], None] | None = None,
    ) -> BarSeries:
        """All closed bars that start in the span, oldest first.

        `on_progress` is called whenever more of them is in memory. The end of the span must not lie after the
        start of the bar in the making.

        Raises:
            BrokerError: a missing part could not be had; what arrived before stays in memory.
        """
        key = (instrument_id, timeframe)
        shelf = self._shelves.setdefault(key, Shelf())
        if not missing(span, shelf.covered):
            self._telemetry.count("history.memory")
            return shelf.bars.between(span)
        async with shelf.lock:
            await self._fill_from_store(key, shelf, span)
            if on_progress:
                on_progress()
            for gap in reversed(missing(span, shelf.covered)):
                await self._fill_from_broker(key, shelf, gap, on_progress)
        return shelf.bars.between(span)

    async def refresh(self, instrument_id: str, timeframe: Timeframe, span: Span) -> None:
        """Ask the broker for a span again and let its bars replace what is here.

        Raises:
            BrokerError: the bars could not be had; what is here stays.
        """
        key = (instrument_id, timeframe)
        shelf = self._shelves.setdefault(key, Shelf())
        async with shelf.lock:
            await self._fetch(key, shelf, span)

    def add_provisional(self, instrument_id: str, timeframe: Timeframe, bars: BarSeries) -> None:
        """Show bars that were built here until the broker's own replace them; never stored, never covered."""
        shelf = self._shelves.setdefault((instrument_id, timeframe), Shelf())
        shelf.bars = shelf.bars.merged(bars)

    async def _fill_from_store(self, key: Key, shelf: Shelf, span: Span) -> None:
        if self._store is None or key[1].unit is BarUnit.SECOND:
            return
        for gap in missing(span, shelf.covered):
            try:
                with self._telemetry.timed("history.store"):
                    stored = [
                        s
                        for s in await self._store.covered(*key, gap)
                        if s.start < gap.end and s.end > gap.start
                    ]
                    for part in stored:
                        known = Span(max(part.start, gap.start), min(part.end, gap.end))
                        shelf.put(await self._store.load(*key, known), known)
                        self._telemetry.count("history.store")
            except StorageError as error:
                log.warning("bars cannot be read from storage: %s", error)
                return

    async def _fill_from_broker(
        self, key: Key, shelf: Shelf, gap: Span, on_progress: Callable[[], None] | None
    ) -> None:
        chunk = CHUNK_BARS * key[1].seconds
        end = gap.end
        while end > gap.start:
            ago = end.timestamp() - chunk
            # long bars would have a chunk begin before the calendar does
            start = gap.start if ago <= gap.start.timestamp() else datetime.fromtimestamp(ago, end.tzinfo)
            await self._fetch(key, shelf, Span(start, end))
            if on_progress:
                on_progress()
            end = start

    async def _fetch(self, key: Key, shelf: Shelf, span: Span) -> None:
        with self._telemetry.timed("history.broker"):
            bars = await self._broker.get_historical_data(*key, span)
        self._telemetry.count("history.broker")
        shelf.put(bars, span)
        if self._store is None or key[1].unit is BarUnit.SECOND:
            return  # seconds only fill up the bar in the making
        try:
            await self._store.save(*key, bars, span)
        except StorageError as error:
            log.warning("bars cannot be stored: %s", error)
