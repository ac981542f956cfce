"""Numbers and times as text: tick-exact, signed with + and −, with thousands separators, never rounded silently."""

from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from tradeconsole.domain.notation import minus, shown, shown_signed, signed

NOTHING = "–"
"""Stands for a value that is not known; a zero is written as a zero."""


def price(value: float | Decimal | None, decimals: int) -> str:
    """A price with just the digits of its tick grid: `20,123.25`."""
    return NOTHING if value is None else shown(value, decimals)


def exact_price(value: Decimal | float | None, decimals: int) -> str:
    """An owed price: the grid's digits, and two more where an average falls between two ticks."""
    if value is None:
        return NOTHING
    on_grid = round(value, decimals) == value
    return price(value, decimals if on_grid else decimals + 2)


def signed_price(value: float | None, decimals: int) -> str:
    """A difference of prices: `+12.25`."""
    return NOTHING if value is None else shown_signed(value, decimals)


def money(value: Decimal | None) -> str:
    """An amount to the cent: `50,000.00`."""
    return NOTHING if value is None else shown(value, 2)


def signed_money(value: Decimal | float | None) -> str:
    """A gain or a loss to the cent: `+1,234.50`, `−12.00`, `0.00`."""
    return NOTHING if value is None else shown_signed(value, 2)


def signed_ticks(value: float | None) -> str:
    """Ticks gained or lost: whole ones without a fraction, averages with one digit."""
    if value is None:
        return NOTHING
    return signed(f"{value:+,.0f}" if float(value).is_integer() else f"{value:+,.1f}")


def signed_size(value: int) -> str:
    """A position as traders say it: `L 2`, `S 1`, `flat`."""
    if value == 0:
        return "flat"
    return f"{'L' if value > 0 else 'S'} {abs(value):,}"


def percent(value: float | None) -> str:
    return NOTHING if value is None else signed(f"{value:+.2f}") + "%"


def compact(value: int | None) -> str:
    """A volume in at most six cells: `9,999`, `12.3k`, `1.25M`."""
    if value is None:
        return NOTHING
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(value) >= limit:
            scaled = value / (1000 if unit == "k" else limit)
            return minus(f"{scaled:.{2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0}f}{unit}")
    return minus(f"{value:,}")


def age(seconds: float | None) -> str:
    """How old something is, in at most five cells: `0.4s`, `12s`, `3m05`, `2h10`, `4d`."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d"


def duration(start: datetime, end: datetime) -> str:
    """Time between two moments, as an age; whole seconds."""
    seconds = max(0, int((end - start).total_seconds()))
    return f"{seconds}s" if seconds < 60 else age(seconds)


def clock(time: datetime, zone: tzinfo) -> str:
    """Time of day in a zone: `09:31:02`."""
    return time.astimezone(zone).strftime("%H:%M:%S")


def stamp(time: datetime, zone: tzinfo, newest: datetime) -> str:
    """Time of day, or day and minute where the moment is not on the same day as `newest`; eight cells."""
    local, reference = time.astimezone(zone), newest.astimezone(zone)
    if local.date() == reference.date():
        return local.strftime("%H:%M:%S")
    return local.strftime("%d %b") + local.strftime("%y" if local.year != reference.year else "")


def local_time(seconds: float, zone: tzinfo) -> datetime:
    """Seconds since the epoch as a time in a zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)
