"""Bars packed into blocks come back bit for bit, and a save replaces just the span that it covers."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.market import Bar, BarSeries, Span, Timeframe
from tradeconsole.storage.blocks import BLOCK_BARS, block_seconds, pack, replaced, split, unpack

MINUTE = Timeframe.parse("1m")
START = datetime(2026, 1, 5, tzinfo=UTC)

PRICE = st.floats(allow_nan=False, allow_infinity=False)
BARS = st.lists(
    st.builds(
        Bar,
        st.integers(-5_000, 5_000).map(lambda minute: START + timedelta(minutes=minute)),
        PRICE,
        PRICE,
        PRICE,
        PRICE,
        st.integers(0, 2**60),
    ),
    max_size=40,
).map(BarSeries.from_bars)


def minutes(first: int, last: int, price: float = 1.0) -> BarSeries:
    return BarSeries.from_bars(
        Bar(START + timedelta(minutes=minute), price, price, price, price, minute)
        for minute in range(first, last)
    )


def span(first: int, last: int) -> Span:
    return Span(START + timedelta(minutes=first), START + timedelta(minutes=last))


@given(bars=BARS)
@settings(max_examples=60)
def test_bars_come_back_bit_for_bit(bars: BarSeries) -> None:
    assert unpack(block.data for block in split(bars, MINUTE)) == bars


@given(bars=BARS)
@settings(max_examples=60)
def test_each_block_holds_the_bars_of_its_own_stretch_of_time(bars: BarSeries) -> None:
    blocks = list(split(bars, MINUTE))
    assert [block.number for block in blocks] == sorted({time // block_seconds(MINUTE) for time in bars.time})
    for block in blocks:
        inside = unpack([block.data])
        assert block.bars == len(inside) <= BLOCK_BARS
        assert {time // block_seconds(MINUTE) for time in inside.time} == {block.number}


def test_columns_lie_little_endian_one_after_the_other() -> None:
    data = pack(BarSeries.from_bars([Bar(datetime.fromtimestamp(258, UTC), 1.0, 2.0, 0.5, 1.5, 7)]))
    assert len(data) == 48
    assert data[:8] == (258).to_bytes(8, "little")
    assert data[8:16] == bytes(6) + b"\xf0\x3f"
    assert data[40:] == (7).to_bytes(8, "little")


def test_no_blocks_are_no_bars() -> None:
    assert unpack([]) == BarSeries.empty()
    assert list(split(BarSeries.empty(), MINUTE)) == []


def test_what_is_not_among_the_new_bars_of_a_covered_span_is_gone() -> None:
    result = replaced(minutes(0, 10), minutes(4, 5, price=2.0), span(3, 6))
    assert [bar.volume for bar in result] == [0, 1, 2, 4, 6, 7, 8, 9]
    assert result.bar(3).close == 2.0


def test_new_bars_outside_the_covered_span_win_too() -> None:
    result = replaced(minutes(0, 4), minutes(2, 6, price=2.0), span(3, 4))
    assert [bar.close for bar in result] == [1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
