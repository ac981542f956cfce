"""How the gateway writes numbers and times in JSON."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

_NULL = msgspec.Raw(b"null")


def rest_time(moment: datetime) -> str:
    """Six fractional digits at most, trailing zeros trimmed: `2026-08-16T23:26:02.15673+00:00`."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "+00:00"


def hub_time(moment: datetime) -> str:
    """Seven digits, trimmed, as the hubs write times.

    Python counts microseconds; the seventh digit is a fixed function of the sixth and keeps clients honest.
    """
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    if "." not in text:
        return text + "+00:00"
    return f"{text}{moment.microsecond * 7 % 10}".rstrip("0") + "+00:00"


def milli_time(moment: datetime) -> str:
    """Millisecond precision, as the `timestamp` of quotes and prints has it."""
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return rest_time(whole)


def number(value: Decimal | float) -> str:
    """A decimal without trailing zeros or exponent: `29547`, `29542.25`, `0.0000005`."""
    text = repr(value) if isinstance(value, float) else str(value)
    if "e" in text or "E" in text:
        text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def raw_number(value: Decimal | float) -> msgspec.Raw:
    """`number`, ready to stand in a struct."""
    return msgspec.Raw(number(value).encode())


def raw_number_or_null(value: Decimal | float | None) -> msgspec.Raw:
    """`raw_number`, or JSON's null."""
    return _NULL if value is None else raw_number(value)
