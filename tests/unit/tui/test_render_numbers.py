"""Numbers as text: exact on the tick grid, signed, never wider than their column."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.notation import MINUS
from tradeconsole.tui.render import numbers

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2026, 10, 14, 17, 0, tzinfo=UTC)


def read(text: str) -> Decimal:
    """The number that a reader sees."""
    return Decimal(text.replace(",", "").replace(MINUS, "-").replace("+", ""))


@given(ticks=st.integers(-4_000_000, 4_000_000))
@settings(max_examples=100, deadline=None)
def test_a_price_reads_back_as_the_tick_it_was(ticks: int) -> None:
    assert read(numbers.price(ticks * 0.25, 2)) == ticks * Decimal("0.25")


@given(cents=st.integers(-(10**12), 10**12))
@settings(max_examples=100, deadline=None)
def test_money_reads_back_to_the_cent_and_says_which_way(cents: int) -> None:
    text = numbers.signed_money(Decimal(cents) / 100)
    assert read(text) == Decimal(cents) / 100
    assert text[0] == ("+" if cents > 0 else MINUS if cents < 0 else "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbers.price(20123.25, 2), "20,123.25"),
        (numbers.price(-37.63, 2), "−37.63"),
        (numbers.price(None, 2), "–"),
        (numbers.price(0.0, 2), "0.00"),
        (numbers.price(-0.0, 2), "0.00"),
        (numbers.exact_price(Decimal("20110.00"), 2), "20,110.00"),
        (numbers.exact_price(Decimal("20110.3333"), 2), "20,110.3333"),
        (numbers.signed_price(-6.25, 2), "−6.25"),
        (numbers.money(Decimal("-0.001")), "0.00"),
        (numbers.money(Decimal("1234567.5")), "1,234,567.50"),
        (numbers.signed_money(Decimal(0)), "0.00"),
        (numbers.signed_money(Decimal("-0.004")), "0.00"),
        (numbers.signed_ticks(53.0), "+53"),
        (numbers.signed_ticks(-12.5), "−12.5"),
        (numbers.signed_ticks(0.0), "0"),
        (numbers.signed_size(2), "L 2"),
        (numbers.signed_size(-12), "S 12"),
        (numbers.signed_size(0), "flat"),
        (numbers.percent(-0.114), "−0.11%"),
        (numbers.compact(9999), "9,999"),
        (numbers.compact(12_345), "12.3k"),
        (numbers.compact(1_254_310), "1.25M"),
        (numbers.compact(999_999), "1000k"),
        (numbers.compact(None), "–"),
        (numbers.age(None), "–"),
        (numbers.age(0.42), "0.4s"),
        (numbers.age(12.9), "12s"),
        (numbers.age(75), "1m15"),
        (numbers.age(3_700), "1h01"),
        (numbers.age(400_000), "4d"),
        (numbers.duration(NOON, NOON + timedelta(seconds=8)), "8s"),
        (numbers.duration(NOON, NOON + timedelta(minutes=17)), "17m00"),
        (numbers.clock(NOON, CHICAGO), "12:00:00"),
        (numbers.stamp(NOON, CHICAGO, NOON + timedelta(hours=1)), "12:00:00"),
        (numbers.stamp(NOON, CHICAGO, NOON + timedelta(days=1)), "14 Oct"),
        (numbers.stamp(NOON, CHICAGO, NOON + timedelta(days=400)), "14 Oct26"),
    ],
)
def test_values_are_written_as_a_trader_expects(text: str, expected: str) -> None:
    assert text == expected


@given(volume=st.integers(0, 10**11))
@settings(max_examples=100, deadline=None)
def test_a_volume_needs_at_most_six_cells(volume: int) -> None:
    assert len(numbers.compact(volume)) <= 6


@given(seconds=st.floats(0, 10**8))
@settings(max_examples=100, deadline=None)
def test_an_age_needs_at_most_five_cells(seconds: float) -> None:
    assert len(numbers.age(seconds)) <= 5


def test_an_age_from_the_future_is_no_age() -> None:
    assert numbers.age(-3.0) == "0.0s"
