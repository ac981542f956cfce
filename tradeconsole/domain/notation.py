"""Numbers as people type them: ASCII digits and a point, for what reads two ways must not become an order. Pure."""

import re
from decimal import Decimal
from typing import Final

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
