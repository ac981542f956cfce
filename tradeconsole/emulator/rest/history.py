"""Endpoint `History/retrieveBars`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from tradeconsole.domain.market import Bar, BarSeries, BarUnit, Timeframe
from tradeconsole.domain.sessions import CHICAGO
from tradeconsole.emulator.bodies import Int32
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, failure, success
from tradeconsole.emulator.limits import Budget
from tradeconsole.emulator.wire import bars_body

MAX_BARS: Final = 20_000

_CONTRACT_NOT_FOUND, _UNIT_INVALID, _UNIT_NUMBER_INVALID, _LIMIT_INVALID = 1, 2, 3, 4

_UNITS: Final = {
    1: BarUnit.SECOND,
    2: BarUnit.MINUTE,
    3: BarUnit.HOUR,
    4: BarUnit.DAY,
    5: BarUnit.WEEK,
}
_MONTH: Final = 6


class RetrieveBars(msgspec.Struct, rename="camel"):
    contract_id: str
    live: bool
    start_time: datetime
    end_time: datetime
    unit: Int32
    unit_number: Int32
    limit: Int32
    include_partial_bar: bool


def retrieve_bars(gateway: Gateway, _caller: Caller, request: RetrieveBars) -> Payload | msgspec.Raw:
    """Bars of a window, newest first; a limit cuts the old end. Nobody here is entitled to live data."""
    contract = gateway.contract(request.contract_id)
    if contract is None:
        return failure(_CONTRACT_NOT_FOUND, bars=None)
    if request.unit not in {*_UNITS, _MONTH}:
        return failure(_UNIT_INVALID, bars=None)
    if request.unit_number < 1:
        return failure(_UNIT_NUMBER_INVALID, bars=None)
    if not 1 <= request.limit <= MAX_BARS:
        return failure(_LIMIT_INVALID, bars=None)
    if request.live or request.start_time >= request.end_time:
        return success(bars=[])
    unit = _UNITS.get(request.unit)
    bars = gateway.exchange.bars(
        contract.id,
        Timeframe(1, BarUnit.DAY) if unit is None else Timeframe(request.unit_number, unit),
        request.start_time,
        request.end_time,
        MAX_BARS if unit is None else request.limit,
        include_partial=request.include_partial_bar,
    )
    if unit is None:
        bars = BarSeries.from_bars(_months(bars, request.unit_number)).tail(request.limit)
    return bars_body(bars)


def _months(days: BarSeries, count: int) -> Iterator[Bar]:
    """Calendar months of trade dates, in groups of `count` (alignment unverified for the real gateway)."""

    def group_of(day: Bar) -> int:
        # a trading day opens at 17:00 Chicago on the evening before its date
        trade_date = day.time.astimezone(CHICAGO) + timedelta(hours=7)
        return (trade_date.year * 12 + trade_date.month - 1) // count

    for _, group in groupby(days, key=group_of):
        month = list(group)
        yield Bar(
            month[0].time,
            month[0].open,
            max(day.high for day in month),
            min(day.low for day in month),
            month[-1].close,
            sum(day.volume for day in month),
        )


ENDPOINTS: Final = (
    Endpoint(
        path="/api/History/retrieveBars", shape=RetrieveBars, handle=retrieve_bars, budget=Budget.HISTORY
    ),
)
