"""Which bars a chart shows: windows, merging along fixed borders, the live bar, scrolling."""

from array import array
from itertools import pairwise

import pytest
from factories import make_bars
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.market import BarSeries
from tradeconsole.tui.render.series import Candle, Series
from tradeconsole.views.models import LiveBar

MINUTE = 60
BARS = make_bars(100)
LAST = BARS.time[-1]
LIVE = LiveBar(time=LAST + MINUTE, open=10.0, high=12.0, low=9.0, close=11.0, volume=5)


def gapped(starts: list[int]) -> BarSeries:
    """Bars at these minutes, each with its minute as every price."""
    minutes = sorted(set(starts))
    prices = [float(minute) for minute in minutes]
    return BarSeries(
        array("q", [minute * MINUTE for minute in minutes]),
        array("d", prices),
        array("d", [price + 1 for price in prices]),
        array("d", [price - 1 for price in prices]),
        array("d", [price + 0.5 for price in prices]),
        array("q", [1] * len(minutes)),
    )


def naive(bars: BarSeries, merge: int) -> list[Candle]:
    """Merging as one would explain it."""
    groups: dict[int, list[int]] = {}
    for index, time in enumerate(bars.time):
        border = time // (MINUTE * merge) * MINUTE * merge if merge > 1 else time
        groups.setdefault(border, []).append(index)
    return [
        Candle(
            border,
            bars.open[held[0]],
            max(bars.high[index] for index in held),
            min(bars.low[index] for index in held),
            bars.close[held[-1]],
            sum(bars.volume[index] for index in held),
        )
        for border, held in groups.items()
    ]


@given(
    starts=st.lists(st.integers(1000, 1200), min_size=1, max_size=80),
    merge=st.sampled_from([1, 2, 5, 20]),
    count=st.integers(1, 90),
)
@settings(max_examples=150, deadline=None)
def test_a_window_is_the_newest_candles_of_the_naive_merge(starts: list[int], merge: int, count: int) -> None:
    bars = gapped(starts)
    series = Series(bars, None, seconds=MINUTE, merge=merge)
    assert series.window(None, count) == naive(bars, merge)[-count:]


@given(starts=st.lists(st.integers(1000, 1100), min_size=2, max_size=60), merge=st.sampled_from([1, 5]))
@settings(max_examples=100, deadline=None)
def test_older_bars_do_not_change_the_candles_that_were_there(starts: list[int], merge: int) -> None:
    bars = gapped(starts)
    longer = gapped([*starts, *range(900, 950)])
    before = Series(bars, None, seconds=MINUTE, merge=merge).window(None, 1000)
    assert Series(longer, None, seconds=MINUTE, merge=merge).window(None, len(before)) == before


def test_the_live_bar_joins_at_the_end() -> None:
    newest = Series(BARS, LIVE, seconds=MINUTE).window(None, 2)
    assert newest[0].time == LAST
    assert newest[1] == Candle(int(LIVE.time), 10.0, 12.0, 9.0, 11.0, 5, live=True)


def test_the_live_bar_replaces_a_closed_one_of_the_same_time() -> None:
    live = LIVE.model_copy(update={"time": float(LAST)})
    series = Series(BARS, live, seconds=MINUTE)
    assert [candle.time for candle in series.window(None, 2)] == [LAST - MINUTE, LAST]
    assert series.window(None, 1)[0].close == 11.0
    assert series.window(None, 1)[0].volume == 5


def test_a_live_bar_older_than_the_newest_closed_one_is_ignored() -> None:
    live = LIVE.model_copy(update={"time": float(LAST - MINUTE)})
    assert (
        Series(BARS, live, seconds=MINUTE).window(None, 1)[0]
        == Series(BARS, None, seconds=MINUTE).window(None, 1)[0]
    )


def test_the_live_bar_extends_the_merged_candle_it_falls_into() -> None:
    bars = gapped([1000, 1001])
    live = LiveBar(time=1002.0 * MINUTE, open=5.0, high=2000.0, low=1.0, close=6.0, volume=9)
    candles = Series(bars, live, seconds=MINUTE, merge=5).window(None, 5)
    assert candles == [Candle(1000 * MINUTE, 1000.0, 2000.0, 1.0, 6.0, 11, live=True)]


def test_a_live_bar_alone_is_a_chart() -> None:
    series = Series(BarSeries.empty(), LIVE, seconds=MINUTE)
    assert len(series.window(None, 10)) == 1
    assert series.newest == LIVE.time


def test_nothing_at_all_is_an_empty_window() -> None:
    series = Series(BarSeries.empty(), None, seconds=MINUTE)
    assert series.window(None, 10) == []
    assert series.newest is None
    assert series.scrolled(None, -5, 10) is None


@pytest.mark.parametrize("merge", [1, 5])
def test_scrolling_there_and_back_follows_the_market_again(merge: int) -> None:
    series = Series(BARS, LIVE, seconds=MINUTE, merge=merge)
    end = series.scrolled(None, -4, 5)
    assert end is not None
    assert series.window(end, 5)[-1].time == series.window(None, 5)[0].time
    assert series.scrolled(end, 4, 5) is None


def test_scrolling_stops_where_the_oldest_candle_reaches_the_left_edge() -> None:
    series = Series(BARS, LIVE, seconds=MINUTE)
    end = series.scrolled(None, -1000, 30)
    window = series.window(end, 30)
    assert len(window) == 30
    assert window[0].time == BARS.time[0]
    assert series.scrolled(end, -1, 30) == end


def test_fewer_bars_than_room_cannot_scroll() -> None:
    assert Series(BARS, LIVE, seconds=MINUTE).scrolled(None, -10, 500) is None


def test_a_scrolled_window_rests_while_new_bars_arrive() -> None:
    end = Series(BARS, None, seconds=MINUTE).scrolled(None, -10, 20)
    later = BARS.merged(gapped([LAST // MINUTE + 1, LAST // MINUTE + 2]))
    assert Series(later, None, seconds=MINUTE).window(end, 20) == Series(BARS, None, seconds=MINUTE).window(
        end, 20
    )


def test_bars_left_of_the_picture_are_counted() -> None:
    assert Series(BARS, None, seconds=MINUTE).older_than(BARS.time[7]) == 7


def test_candles_come_oldest_first() -> None:
    times = [candle.time for candle in Series(BARS, LIVE, seconds=MINUTE, merge=2).window(None, 40)]
    assert all(older < newer for older, newer in pairwise(times))


@given(
    starts=st.lists(st.integers(1000, 1200), min_size=1, max_size=80),
    merge=st.sampled_from([1, 5]),
    at=st.integers(0, 79),
    by=st.integers(-90, 90),
)
@settings(max_examples=150, deadline=None)
def test_stepping_goes_candle_by_candle_and_stops_at_both_ends(
    starts: list[int], merge: int, at: int, by: int
) -> None:
    bars = gapped(starts)
    times = [candle.time for candle in naive(bars, merge)]
    at = min(at, len(times) - 1)
    series = Series(bars, None, seconds=MINUTE, merge=merge)
    assert series.stepped(times[at], by) == times[min(max(at + by, 0), len(times) - 1)]


def test_stepping_ends_at_the_live_bar() -> None:
    series = Series(BARS, LIVE, seconds=MINUTE)
    assert series.stepped(LAST, 1) == LIVE.time
    assert series.stepped(LAST, 5) == LIVE.time
    assert series.stepped(int(LIVE.time), -1) == LAST
