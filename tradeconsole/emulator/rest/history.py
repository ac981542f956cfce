"""Endpoint `History/retrieveBars`."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import msgspec

from tradeconsole.domain.market import Bar, BarSeries, BarUnit, Timeframe
from tradeconsole.domain.sessions import CHICAGO
from tradeconsole.emulator.bodies import Int32
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import Caller, Endpoint, Payload, failure, success
from tradeconsole.emulator.limits import Budget
from tradeconsole.emulator.wire import WireBar, bars_body
from tradeconsole.exchange.catalogue import Contract

MAX_BARS: Final = 20_000
MAX_PRINTS: Final = 100_000
"""How many prints a request of bars of ticks looks at, the newest."""

_MOST_UNITS: Final = {4: 36_525, 5: 5_218, 6: 1_200}
"""Days, weeks and months to a bar: a century. The real gateway's limit is not known (unverified)."""

_CONTRACT_NOT_FOUND, _UNIT_INVALID, _UNIT_NUMBER_INVALID, _LIMIT_INVALID = 1, 2, 3, 4

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)

_UNITS: Final = {
    1: BarUnit.SECOND,
    2: BarUnit.MINUTE,
    3: BarUnit.HOUR,
    4: BarUnit.DAY,
    5: BarUnit.WEEK,
}
_MONTH: Final = 6
_TICK: Final = 7


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
    if request.unit not in {*_UNITS, _MONTH, *((_TICK,) if gateway.switches.tick_bars else ())}:
        return failure(_UNIT_INVALID, bars=None)
    if not 1 <= request.unit_number <= _MOST_UNITS.get(request.unit, request.unit_number):
        return failure(_UNIT_NUMBER_INVALID, bars=None)
    if not 1 <= request.limit <= MAX_BARS:
        return failure(_LIMIT_INVALID, bars=None)
    if request.live or request.start_time >= request.end_time:
        return success(bars=[])
    if request.unit == _TICK:
        return bars_body(_ticks(gateway, contract, request))
    unit = _UNITS.get(request.unit)
    if unit is None:
        return bars_body(_months(gateway, contract, request))
    return bars_body(
        gateway.exchange.bars(
            contract.id,
            Timeframe(request.unit_number, unit),
            request.start_time,
            request.end_time,
            request.limit,
            include_partial=request.include_partial_bar,
        )
    )


def _ticks(gateway: Gateway, contract: Contract, request: RetrieveBars) -> list[Bar]:
    """Bars of `unitNumber` prints each, counted from the newest limit's worth on (unverified for the real gateway).

    Prints that do not fill a bar are one in progress.
    """
    count = request.unit_number
    most = min(request.limit * count, MAX_PRINTS)
    prints = gateway.exchange.prints(contract.id, request.start_time, request.end_time, most)
    bars = [
        Bar(
            group[0].time.replace(microsecond=0),
            group[0].price,
            max(tick.price for tick in group),
            min(tick.price for tick in group),
            group[-1].price,
            sum(tick.size for tick in group),
        )
        for start in range(0, len(prints), count)
        if len(group := prints[start : start + count]) == count or request.include_partial_bar
    ]
    return bars[-request.limit :]


def _months(gateway: Gateway, contract: Contract, request: RetrieveBars) -> BarSeries:
    """Calendar months of trade dates, in groups of `unitNumber` (alignment unverified for the real gateway).

    As with other bars, those count that start within the window and, unless partial ones are asked for, are over.
    """
    count, now = request.unit_number, gateway.exchange.now
    days = gateway.exchange.bars(
        contract.id,
        Timeframe(1, BarUnit.DAY),
        _away(request.start_time, -31 * count - 1),
        min(_away(request.end_time, 31 * count + 1), now),
        MAX_BARS,
        include_partial=True,
    )
    present = _month_of(now, count)
    bars = [
        _folded(list(month))
        for number, month in groupby(days, key=lambda day: _month_of(day.time, count))
        if number < present or request.include_partial_bar
    ]
    window = [bar for bar in bars if request.start_time <= bar.time < request.end_time]
    return BarSeries.from_bars(window).tail(request.limit)


def _away(time: datetime, days: int) -> datetime:
    """A moment so many days from another, or the first or last that there is."""
    try:
        return time + timedelta(days=days)
    except OverflowError:
        return _LAST if days > 0 else _FIRST


def _month_of(time: datetime, count: int) -> int:
    """The number of the group of months that a moment's trade date is in."""
    # a trading day opens at 17:00 Chicago on the evening before its date
    trade_date = time.astimezone(CHICAGO) + timedelta(hours=7)
    return (trade_date.year * 12 + trade_date.month - 1) // count


def _folded(days: list[Bar]) -> Bar:
    return Bar(
        days[0].time,
        days[0].open,
        max(day.high for day in days),
        min(day.low for day in days),
        days[-1].close,
        sum(day.volume for day in days),
    )


ENDPOINTS: Final = (
    Endpoint(
        path="/api/History/retrieveBars",
        operation="History_GetBars",
        shape=RetrieveBars,
        handle=retrieve_bars,
        budget=Budget.HISTORY,
        payload={"bars": list[WireBar]},
    ),
)
