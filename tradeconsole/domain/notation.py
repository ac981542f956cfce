"""Numbers as people type and read them. Pure.

Typed are ASCII digits and a point, for what reads two ways must not become an order. Read are groups of thousands and
a minus sign as wide as the plus.
"""

import re
from decimal import Decimal
from typing import Final

MINUS: Final = "−"

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?(?=\.?[0-9])[0-9]{0,12}(?:\.[0-9]{0,12})?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


def whole_number(text: str) -> int | None:
    """`12`; None for anything else, underscores and digits of other scripts too."""
    return int(text) if _WHOLE.fullmatch(text) else None


def decimal_number(text: str) -> Decimal | None:
    """`28000.25`; None for anything else, exponents, groups and digits of other scripts too."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def grouped_number(text: str) -> Decimal | None:
    """As `decimal_number`, or with the commas that the console itself shows: `28,000.25`, never `28,5`."""
    return decimal_number(text.replace(",", "") if _GROUPED.fullmatch(text) else text)


def shown(value: float | Decimal, decimals: int) -> str:
    """A number with that many decimals: `28,712.50`, `−12.00`, and never a zero below zero."""
    return minus(f"{value:,.{decimals}f}")


def shown_signed(value: float | Decimal, decimals: int) -> str:
    """The same of a gain or a loss: `+1,234.50`, `−12.00`, `0.00`."""
    return signed(f"{value:+,.{decimals}f}")


def count(number: int, thing: str) -> str:
    """So many of a thing: `1 open order`, `2 open orders`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def signed(text: str) -> str:
    """A number that was written with its sign, `+` or `-`, as people read it; a zero has none."""
    digits = text[1:]
    return digits if digits.strip("0.,") == "" else minus(text)


def minus(text: str) -> str:
    """A number that was written with `-` if it is below zero, as people read it."""
    return MINUS + text[1:] if text.startswith("-") and text[1:].strip("0.,kMG") else text.lstrip("-")
