"""Numbers as typed: what reads two ways is no number."""

from decimal import Decimal

import pytest

from tradeconsole.domain.notation import decimal_number, grouped_number, whole_number


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
