"""Numbers as typed and as read: what reads two ways is no number, and there is one way to read each."""

from decimal import Decimal

import pytest

from tradeconsole.domain.notation import (
    count,
    decimal_number,
    grouped_number,
    shown,
    shown_signed,
    whole_number,
)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("12", 12), ("-3", -3), ("007", 7)])
def test_whole_numbers_are_plain_digits(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", " 1", "1_0", "1e4", "1.0", "+1", "٣", "３", "²", "nan", "9" * 19, "1\n"]
)
def test_anything_else_is_no_whole_number(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("text", ["28000.25", "0.5", ".5", "5.", "-5", "0"])
def test_decimal_numbers_are_plain_digits_and_a_point(text: str) -> None:
    assert decimal_number(text) == grouped_number(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "1e4", "1E-9", "28_000", "٢٨٠٠٠", "NaN", "Infinity", "1.2.3", "+5", " 5", "9" * 13, "5\n"],
)
def test_anything_else_is_no_decimal_number(text: str) -> None:
    assert decimal_number(text) is None
    assert grouped_number(text) is None


def test_groups_are_read_where_the_console_shows_them() -> None:
    assert decimal_number("28,000.25") is None
    assert grouped_number("28,000.25") == Decimal("28000.25")
    assert grouped_number("1,234,567") == Decimal(1234567)


@pytest.mark.parametrize("text", ["80,59", "28.000,25", "2,80,000", ",000", "1234,567", "28,000,", "-1,000"])
def test_a_comma_that_groups_no_thousands_makes_no_number(text: str) -> None:
    assert grouped_number(text) is None


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [
        ("1234567.5", "1,234,567.50", "+1,234,567.50"),
        ("-1234.5", "−1,234.50", "−1,234.50"),
        ("0.004", "0.00", "0.00"),
        ("-0.004", "0.00", "0.00"),
    ],
)
def test_people_read_groups_of_thousands_and_no_zero_below_zero(
    value: str, plain: str, with_sign: str
) -> None:
    assert (shown(Decimal(value), 2), shown_signed(Decimal(value), 2)) == (plain, with_sign)
    assert (shown(float(value), 2), shown_signed(float(value), 2)) == (plain, with_sign)


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 open orders"), (1, "1 open order"), (2, "2 open orders"), (1200, "1,200 open orders")],
)
def test_one_is_singular_and_anything_else_is_not(number: int, words: str) -> None:
    assert count(number, "open order") == words
