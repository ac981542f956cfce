"""Bars in columns: merging, cutting and reading never lose, double or disorder a bar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_factories import make_quote

from tradeconsole.domain.market import Bar, BarSeries, BarUnit, Span, Timeframe
from tradeconsole.errors import InvalidRequest

START = datetime(2026, 3, 2, tzinfo=UTC)


def bar(minute: int, price: float = 1.0) -> Bar:
    return Bar(START + timedelta(minutes=minute), price, price + 1, price - 1, price + 0.5, minute + 1000)


def span(first: float, last: float) -> Span:
    return Span(START + timedelta(minutes=first), START + timedelta(minutes=last))


bars = st.lists(st.builds(bar, st.integers(-60, 60), st.floats(1, 9, allow_nan=False)), max_size=30)
series = bars.map(BarSeries.from_bars)


@given(bars)
@settings(max_examples=80)
def test_a_series_holds_the_last_bar_of_each_start_in_order(given_bars: list[Bar]) -> None:
    expected = {each.time: each for each in given_bars}
    assert list(BarSeries.from_bars(given_bars)) == [expected[time] for time in sorted(expected)]


@given(series, series)
@settings(max_examples=80)
def test_a_merger_has_every_bar_once_and_the_newer_wins(older: BarSeries, newer: BarSeries) -> None:
    before = list(older), list(newer)
    merged = older.merged(newer)
    assert list(merged) == list(BarSeries.from_bars([*older, *newer]))
    assert (list(older), list(newer)) == before


@given(series, st.integers(-70, 70), st.integers(0, 140))
@settings(max_examples=80)
def test_between_keeps_the_start_and_leaves_out_the_end(whole: BarSeries, first: int, length: int) -> None:
    wanted = span(first, first + length)
    assert list(whole.between(wanted)) == [each for each in whole if wanted.start <= each.time < wanted.end]


def test_between_counts_fractions_of_a_second() -> None:
    whole = BarSeries.from_bars([bar(0), bar(1)])
    after = Span(START + timedelta(milliseconds=1), START + timedelta(minutes=1, milliseconds=1))
    assert [each.time for each in whole.between(after)] == [START + timedelta(minutes=1)]


@given(series, st.integers(0, 40))
@settings(max_examples=50)
def test_a_tail_is_the_newest_bars(whole: BarSeries, limit: int) -> None:
    assert list(whole.tail(limit)) == list(whole)[len(whole) - min(limit, len(whole)) :]


@given(series, st.data())
@settings(max_examples=50)
def test_pieces_put_together_again_are_the_whole(whole: BarSeries, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(whole)))
    assert whole.slice(0, cut).merged(whole.slice(cut, len(whole))) == whole


def test_negative_indices_count_from_the_newest() -> None:
    whole = BarSeries.from_bars([bar(0), bar(1), bar(2)])
    assert whole.bar(-1) == bar(2)
    assert whole.bar(0) == bar(0)


def test_a_series_equals_only_a_series_with_the_same_bars() -> None:
    assert BarSeries.from_bars([bar(0)]) == BarSeries.from_bars([bar(0)])
    assert BarSeries.from_bars([bar(0)]) != BarSeries.from_bars([bar(1)])
    assert BarSeries.empty() != []
    assert not BarSeries.empty()


@pytest.mark.parametrize(
    ("text", "seconds", "intraday"),
    [
        ("1s", 1, True),
        ("5m", 300, True),
        ("1h", 3600, True),
        ("1d", 86_400, False),
        ("2w", 1_209_600, False),
        ("3mo", 7_776_000, False),
    ],
)
def test_a_timeframe_reads_and_writes(text: str, seconds: int, intraday: bool) -> None:
    timeframe = Timeframe.parse(text)
    assert (str(timeframe), timeframe.seconds, timeframe.is_intraday) == (text, seconds, intraday)
    assert Timeframe.parse(text.upper()) == timeframe


@given(count=st.integers(1, 10_000), unit=st.sampled_from(BarUnit))
@settings(max_examples=40)
def test_every_timeframe_reads_back(count: int, unit: BarUnit) -> None:
    assert Timeframe.parse(str(Timeframe(count, unit))) == Timeframe(count, unit)


@pytest.mark.parametrize(
    "text", ["", "m", "5", "0m", "-1m", "1.5h", "5x", "5 m", "²m", "1mon", "mo", "99999999m"]
)
def test_what_is_no_timeframe_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a timeframe"):
        Timeframe.parse(text)


def test_the_middle_of_a_quote_needs_both_sides() -> None:
    assert make_quote(bid=10.0, ask=10.5).mid == 10.25
    assert make_quote(bid=None, ask=10.5, last=10.0).mid == 10.0
    assert make_quote(bid=None, ask=None, last=None).mid is None


def test_a_span_knows_its_length() -> None:
    assert span(0, 90).length == timedelta(minutes=90)
