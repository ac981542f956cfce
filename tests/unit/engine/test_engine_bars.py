"""Bars out of prints."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_broker import OpenCalendar
from trading_factories import NOON, make_tick

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Bar, Timeframe
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.engine.bars import BarBuilder, bar_start, combine
from tradeconsole.engine.charts import span_of


def starts(timeframe: str) -> Callable[[datetime], datetime]:
    return lambda time: bar_start(time, Timeframe.parse(timeframe), OpenCalendar(), ProductGroup.EQUITY_INDEX)


def test_a_bar_closes_when_the_next_one_begins() -> None:
    builder = BarBuilder(starts("1m"))
    for second, price in ((1, 100.0), (20, 103.0), (59, 99.0)):
        assert builder.add(make_tick(time=NOON + timedelta(seconds=second), price=price, size=2)) is None
    closed = builder.add(make_tick(time=NOON + timedelta(seconds=60), price=101.0))
    assert closed == Bar(NOON, 100.0, 103.0, 99.0, 99.0, 6)
    assert builder.bar == Bar(NOON + timedelta(minutes=1), 101.0, 101.0, 101.0, 101.0, 1)


def test_a_late_print_does_not_change_the_bar() -> None:
    builder = BarBuilder(starts("1m"))
    builder.add(make_tick(time=NOON + timedelta(seconds=61)))
    builder.add(make_tick(time=NOON + timedelta(seconds=59), price=5.0))
    assert builder.late == 1
    assert builder.bar is not None
    assert builder.bar.low == 21000.0


def test_prints_that_history_knows_are_not_counted_twice() -> None:
    builder = BarBuilder(starts("5m"))
    builder.seed(Bar(NOON, 100.0, 105.0, 95.0, 101.0, 50), NOON + timedelta(seconds=90))
    builder.add(make_tick(time=NOON + timedelta(seconds=89), price=200.0, size=7))
    builder.add(make_tick(time=NOON + timedelta(seconds=91), price=106.0, size=3))
    assert builder.bar == Bar(NOON, 100.0, 106.0, 95.0, 106.0, 53)


@pytest.mark.parametrize(("timeframe", "expected"), [("1m", 0), ("15m", 0), ("1h", 0), ("1d", -18)])
def test_bars_start_on_their_grid(timeframe: str, expected: int) -> None:
    assert starts(timeframe)(NOON + timedelta(seconds=30)) == NOON + timedelta(hours=expected)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        # 1 August 2026 is a Saturday: the month's first session opens on Sunday evening
        (datetime(2026, 8, 20, 15, tzinfo=UTC), datetime(2026, 8, 2, 22, tzinfo=UTC)),
        # winter time, and the evening before the first belongs to the new month
        (datetime(2026, 12, 1, 0, 30, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)),
        (datetime(2026, 11, 30, 21, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC)),
    ],
)
def test_a_month_starts_with_its_first_trading_day(time: datetime, expected: datetime) -> None:
    month = Timeframe.parse("1mo")
    assert bar_start(time, month, load_calendar("cme"), ProductGroup.EQUITY_INDEX) == expected


def test_a_span_holds_the_bars_asked_for() -> None:
    span = span_of(300, Timeframe.parse("1m"), OpenCalendar(), ProductGroup.EQUITY_INDEX, NOON)
    assert (span.end, span.length) == (NOON, timedelta(minutes=300))


ticks = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 50), st.integers(1, 9)), min_size=1, max_size=40
)


@settings(max_examples=80)
@given(ticks)
def test_five_one_minute_bars_make_the_five_minute_bar(rows: list[tuple[int, int, int]]) -> None:
    minute, five = BarBuilder(starts("1m")), BarBuilder(starts("5m"))
    ones: list[Bar] = []
    fives: list[Bar] = []
    for second, price, size in sorted(rows, key=lambda row: row[0]):
        tick = make_tick(time=NOON + timedelta(seconds=second), price=float(price), size=size)
        ones += [bar for bar in [minute.add(tick)] if bar]
        fives += [bar for bar in [five.add(tick)] if bar]
    assert minute.bar is not None
    assert five.bar is not None
    for bar in [*fives, five.bar]:
        inside = [one for one in [*ones, minute.bar] if starts("5m")(one.time) == bar.time]
        assert combine(inside, bar.time) == bar
