"""Bars of the past: the gateway's newest-first pages made into one series, oldest first.

A page holds the newest bars of its window and drops the old end when it is full, so paging goes backwards. Whether
the end of a window is inclusive is not documented (unverified); bars that come twice are taken once.
"""

import asyncio
from array import array
from typing import Final

from tradeconsole.brokers.projectx import translate, wire
from tradeconsole.brokers.projectx.endpoints import BARS
from tradeconsole.brokers.projectx.rest import RestClient
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import BarSeries, Span, Timeframe

PAGE: Final = 20_000
"""Bars per request that the gateway allows."""

_SILENT_CAP: Final = 1_000
"""Older gateways cut pages at such a number without saying so (unverified): a page of that length may not be all."""


class BarReader:
    """Reads bars of one gateway."""

    def __init__(self, rest: RestClient, *, live: bool) -> None:
        self._rest = rest
        self._live = live

    async def closed_bars(self, instrument: Instrument, timeframe: Timeframe, span: Span) -> BarSeries:
        """All closed bars that start within the span, oldest first."""
        series, end = BarSeries.empty(), span.end
        while True:
            rows = await self._page(instrument, timeframe, Span(span.start, end), PAGE, partial=False)
            page = await asyncio.to_thread(series_of, rows, instrument)
            older = page.between(Span(span.start, end))
            series = older.merged(series)
            is_cut = bool(rows) and len(rows) % _SILENT_CAP == 0
            if not is_cut or not older or (end := older.bar(0).time) <= span.start:
                return series

    async def newest_bar(self, instrument: Instrument, span: Span) -> wire.BarRow | None:
        """The newest minute of the span, unfinished or not."""
        rows = await self._page(instrument, Timeframe.parse("1m"), span, 1, partial=True)
        return max(rows, key=lambda row: row.t, default=None)

    async def _page(
        self, instrument: Instrument, timeframe: Timeframe, span: Span, limit: int, *, partial: bool
    ) -> list[wire.BarRow]:
        body = wire.BarsBody(
            contract_id=instrument.instrument_id,
            live=self._live,
            start_time=span.start,
            end_time=span.end,
            unit=translate.UNITS[timeframe.unit],
            unit_number=timeframe.count,
            limit=limit,
            include_partial_bar=partial,
        )
        return (await self._rest.call(BARS, body)).bars or []


def series_of(rows: list[wire.BarRow], instrument: Instrument) -> BarSeries:
    """Rows in any order as columns, oldest first, prices on the tick grid. Pure."""
    by_time = {int(row.t.timestamp()): row for row in rows}
    times = sorted(by_time)
    ordered = [by_time[time] for time in times]
    prices = {price for row in ordered for price in (row.o, row.h, row.l, row.c)}
    snapped = {price: instrument.snap(price) for price in prices}
    return BarSeries(
        array("q", times),
        array("d", [snapped[row.o] for row in ordered]),
        array("d", [snapped[row.h] for row in ordered]),
        array("d", [snapped[row.l] for row in ordered]),
        array("d", [snapped[row.c] for row in ordered]),
        array("q", [int(row.v) for row in ordered]),
    )
