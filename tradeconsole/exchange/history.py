"""Bars of any timeframe out of one contract's path, as they stand at a moment."""

from array import array
from bisect import bisect_left
from itertools import chain

from tradeconsole.domain.market import BarSeries, Timeframe
from tradeconsole.exchange.candle import TickBars
from tradeconsole.exchange.catalogue import Product
from tradeconsole.exchange.contract_path import ContractPath
from tradeconsole.exchange.days import bucket_end, bucket_start


def bars_at(
    path: ContractPath,
    timeframe: Timeframe,
    start: int,
    end: int,
    limit: int,
    now: int,
    *,
    include_partial: bool,
) -> BarSeries:
    """The newest `limit` bars that start within [start, end) (seconds) and are complete at `now` (µs), oldest first.

    With `include_partial` the bar in progress counts too. Intervals without a print have no bar.
    """
    second = now // 1_000_000
    earliest = max(start, path.source.first_start(path.contract, timeframe.unit, second))
    first = bucket_start(earliest, timeframe)
    if first < earliest:
        first = bucket_end(first, timeframe)
    last_end = min(end, second + 1)
    if last_end <= first or limit < 1:
        return BarSeries.empty()
    until = bucket_end(bucket_start(last_end - 1, timeframe), timeframe)
    span = limit * timeframe.seconds
    while True:
        begin = bucket_start(max(first, until - span), timeframe)
        bars = _gather(path, timeframe, begin, until, now)
        if bars and not include_partial and bucket_end(bars.time[-1], timeframe) > second:
            bars = bars.between(begin, bars.time[-1])
        if len(bars) >= limit or begin == first:
            return _series(bars, limit, path.contract.product)
        span *= 2


def _gather(path: ContractPath, timeframe: Timeframe, begin: int, until: int, now: int) -> TickBars:
    length = path.source.length
    if timeframe.is_intraday and timeframe.seconds % length:
        return path.fine_bars(begin, until, timeframe.seconds, now)
    whole_until = min(until, now // 1_000_000 - length + 1)
    bars = path.bars(begin, whole_until)
    begun = path.begun(now)
    if begun and whole_until <= begun.time[0] < until:
        bars.extend(begun)
    return bars if timeframe.seconds == length else _aggregate(bars, timeframe)


def _aggregate(bars: TickBars, timeframe: Timeframe) -> TickBars:
    made = TickBars.empty()
    index, count = 0, len(bars)
    while index < count:
        start = bucket_start(bars.time[index], timeframe)
        after = bisect_left(bars.time, bucket_end(start, timeframe), lo=index + 1)
        made.append(
            start,
            bars.open[index],
            max(bars.high[index:after]),
            min(bars.low[index:after]),
            bars.close[after - 1],
            sum(bars.volume[index:after]),
        )
        index = after
    return made


def _series(bars: TickBars, limit: int, product: Product) -> BarSeries:
    skip = max(0, len(bars) - limit)
    columns = [column[skip:] for column in (bars.open, bars.high, bars.low, bars.close)]
    prices = {ticks: product.price_of(ticks) for ticks in set(chain.from_iterable(columns))}
    opens, highs, lows, closes = (array("d", map(prices.__getitem__, column)) for column in columns)
    return BarSeries(bars.time[skip:], opens, highs, lows, closes, bars.volume[skip:])
