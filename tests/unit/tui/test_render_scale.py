"""Axes: prices on the tick grid at the right rows, times at round moments of the exchange's day."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradeconsole.tui.render.scale import (
    PriceScale,
    TimeMark,
    fit_prices,
    label_step,
    price_labels,
    thinned,
    time_marks,
    trading_day,
)

CHICAGO = ZoneInfo("America/Chicago")
TICKS = st.sampled_from([0.25, 0.01, 1.0, 0.1, 0.00005, 0.015625, 0.03125, 5.0])
ROWS = st.integers(1, 60)


@given(tick=TICKS, low=st.integers(0, 100_000), span=st.integers(0, 5_000), rows=ROWS)
@settings(max_examples=200, deadline=None)
def test_a_fitted_scale_holds_its_range_within_its_rows(tick: float, low: int, span: int, rows: int) -> None:
    bottom, top = low * tick, (low + span) * tick
    scale = fit_prices(bottom, top, rows, tick)
    assert scale.shows(bottom)
    assert scale.shows(top)
    assert 0 <= scale.half(top) <= scale.half(bottom) <= 2 * rows - 1


@given(tick=TICKS, low=st.integers(0, 100_000), span=st.integers(1, 5_000), rows=st.integers(2, 60))
@settings(max_examples=200, deadline=None)
def test_labels_are_on_the_tick_grid_and_in_the_row_of_their_price(
    tick: float, low: int, span: int, rows: int
) -> None:
    scale = fit_prices(low * tick, (low + span) * tick, rows, tick)
    labels = price_labels(scale, tick, 6)
    for row, price in labels:
        assert abs(price / tick - round(price / tick)) < 1e-6
        assert row == scale.row(price)
    assert [row for row, _ in labels] == sorted(row for row, _ in labels)


@given(tick=TICKS, span=st.integers(4, 5_000), rows=st.integers(8, 60))
@settings(max_examples=100, deadline=None)
def test_labels_stand_a_few_rows_apart(tick: float, span: int, rows: int) -> None:
    step = label_step(span * tick, rows, tick)
    assert step >= span * tick / (rows / 4) * 0.99
    assert abs(step / tick - round(step / tick)) < 1e-6


@pytest.mark.parametrize(
    ("tick", "span", "step"),
    [(0.25, 10, 1.0), (0.25, 100, 10.0), (0.01, 0.3, 0.05), (0.015625, 0.5, 0.0625), (1.0, 3, 1.0)],
)
def test_label_steps_are_round_for_the_product(tick: float, span: float, step: float) -> None:
    assert label_step(span, 40, tick) == pytest.approx(step)


def test_prices_run_down_the_rows_in_half_cells() -> None:
    scale = PriceScale(100.0, 109.5, 10)
    assert scale.half(109.5) == 0
    assert scale.half(100.0) == 19
    assert scale.row(109.0) == 0
    assert scale.row(108.5) == 1
    assert scale.price(scale.row(105.0)) == pytest.approx(105.0, abs=0.5)


@given(row=st.integers(0, 19), low=st.integers(1, 10_000), span=st.integers(4, 500))
@settings(deadline=None)
def test_the_price_of_a_row_is_in_that_row(row: int, low: int, span: int) -> None:
    scale = fit_prices(low, low + span, 20, 0.25)
    assert scale.row(scale.price(row)) == row


def seconds(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2026, 10, day, hour, minute, tzinfo=CHICAGO).timestamp())


def test_hours_are_round_in_the_zone_of_the_exchange() -> None:
    times = [seconds(14, 9) + 60 * minute for minute in range(-30, 31)]
    texts = {mark.bar: mark.text for mark in time_marks(times, 60, 1, CHICAGO)}
    assert texts[30] == "09:00"
    assert texts[40] == "09:10"


def test_a_new_day_is_marked_even_across_a_gap() -> None:
    times = [seconds(13, 15, 59), seconds(13, 16), seconds(14, 8), seconds(14, 8, 1)]
    assert TimeMark(2, "Wed 14", boundary=True) in time_marks(times, 60, 4, CHICAGO)


def test_a_trading_day_rolls_in_the_evening_before_and_not_at_midnight() -> None:
    evening = [seconds(13, 16, 59), seconds(13, 17), seconds(13, 17, 1)]
    assert [mark for mark in time_marks(evening, 60, 9, CHICAGO) if mark.boundary] == [
        TimeMark(1, "Wed 14", boundary=True)
    ]
    midnight = [seconds(13, 23, 59), seconds(14, 0), seconds(14, 0, 1)]
    assert TimeMark(0, "Wed 14", boundary=True) in time_marks(midnight, 60, 9, CHICAGO)


def test_a_picture_of_one_day_still_says_which() -> None:
    marks = time_marks([seconds(14, 9), seconds(14, 9, 1)], 60, 4, CHICAGO)
    assert TimeMark(0, "Wed 14", boundary=True) in marks


def test_a_mark_follows_the_clock_through_the_autumn_change() -> None:
    start = int(datetime(2026, 11, 1, 5, 30, tzinfo=UTC).timestamp())
    texts = [mark.text for mark in time_marks([start + 1800 * n for n in range(8)], 1800, 9, CHICAGO)]
    assert texts.count("01:00") == 2


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 10, 13, 17, 0, tzinfo=CHICAGO),
        datetime(2026, 10, 14, 0, 0, tzinfo=CHICAGO),
        datetime(2026, 10, 14, 0, 0, tzinfo=UTC),
    ],
)
def test_a_daily_bar_belongs_to_its_trading_day_however_the_venue_stamps_it(moment: datetime) -> None:
    assert trading_day(moment.timestamp(), CHICAGO) == date(2026, 10, 14)


def test_daily_bars_are_marked_by_week_month_and_year() -> None:
    start = int(datetime(2026, 12, 14, tzinfo=UTC).timestamp())
    marks = time_marks([start + 86_400 * n for n in range(30)], 86_400, 9, CHICAGO)
    assert [mark.text for mark in marks if mark.boundary] == ["2027"]
    assert "21" in [mark.text for mark in marks]


def test_no_bars_have_no_marks() -> None:
    assert time_marks([], 60, 1, CHICAGO) == []


@given(bars=st.lists(st.integers(0, 80), unique=True, max_size=30), slot=st.integers(1, 6), width=ROWS)
@settings(deadline=None)
def test_labels_on_the_time_axis_never_touch(bars: list[int], slot: int, width: int) -> None:
    marks = [TimeMark(bar, "Wed 14" if bar % 7 == 0 else "09:00", boundary=bar % 7 == 0) for bar in bars]
    placed = thinned(marks, slot, width)
    assume(placed)
    for (left, mark), (right, _) in pairwise(placed):
        assert left + len(mark.text) + 2 <= right
    assert placed[-1][0] + len(placed[-1][1].text) <= width
