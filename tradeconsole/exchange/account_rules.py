"""Rules of a firm's accounts: the loss limit that trails the end of day, the daily limit, the hours; pure.

All clock times are Chicago's. Whether the firm marks open positions at the last price or at the quote's far side is
not known; whoever calls says what they are worth.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from tradeconsole.domain.sessions import CHICAGO, ROLL

FLATTENING: Final = time(15, 8)
"""When the firm begins to close positions and cancel orders."""

CLOSING: Final = time(15, 10)
"""From then until the trading day rolls, no orders are taken."""

_DAY: Final = timedelta(days=1)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was bought.

    Attributes:
        start: the balance it starts with, at which the floor stops rising (0 for express funded accounts).
        loss_limit: how far the balance may fall below the best end of a day; None: as far as it likes.
        daily_loss: how much a day may lose, open positions included; None where it was not bought.
        scaling: balances at the end of a day, rising, and how many mini-equivalents each allows from the next day on.
    """

    start: Decimal
    loss_limit: Decimal | None = None
    daily_loss: Decimal | None = None
    scaling: tuple[tuple[Decimal, Decimal], ...] = ()

    def lots(self, balance: Decimal) -> Decimal | None:
        """Mini-equivalents that a balance at the end of a day allows; None: the scale says nothing."""
        return max((lots for least, lots in self.scaling if balance >= least), default=None)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands with its plan.

    Attributes:
        floor: equity at or below which it is lost; None without a loss limit.
        day_balance: cash with which the trading day began.
        day_over: the daily limit was hit; nothing more until the day rolls.
        breached: the floor was hit; nothing more at all.
        max_lots: mini-equivalents that the plan's scale allows today.
    """

    floor: Decimal | None
    day_balance: Decimal
    day_over: bool = False
    breached: bool = False
    max_lots: Decimal | None = None

    @property
    def is_blocked(self) -> bool:
        return self.day_over or self.breached


class Verdict(StrEnum):
    """What equity means for an account."""

    FINE = "fine"
    DAY_OVER = "day over"
    BREACHED = "breached"


class Boundary(StrEnum):
    """Moments of the day at which a firm acts."""

    FLATTEN = "flatten"
    CLOSE = "close"
    ROLL = "roll"


def opening(plan: Plan, balance: Decimal) -> Standing:
    """How a fresh account stands."""
    floor = None if plan.loss_limit is None else plan.start - plan.loss_limit
    return Standing(floor=floor, day_balance=balance, max_lots=plan.lots(balance))


def next_day(plan: Plan, standing: Standing, balance: Decimal) -> Standing:
    """The floor follows the balance at the end of a day, never down and not beyond the start; a new day begins."""
    floor = standing.floor
    if floor is not None and plan.loss_limit is not None:
        floor = max(floor, min(plan.start, balance - plan.loss_limit))
    return Standing(floor=floor, day_balance=balance, breached=standing.breached, max_lots=plan.lots(balance))


def judge(plan: Plan, standing: Standing, equity: Decimal) -> Verdict:
    """What an equity (cash and open positions) means at this moment."""
    if standing.floor is not None and equity <= standing.floor:
        return Verdict.BREACHED
    if plan.daily_loss is not None and equity - standing.day_balance <= -plan.daily_loss:
        return Verdict.DAY_OVER
    return Verdict.FINE


def room(plan: Plan, standing: Standing, equity: Decimal) -> Decimal | None:
    """How much more may be lost until the first limit is hit; None: there is none."""
    limits = [] if standing.floor is None else [standing.floor]
    if plan.daily_loss is not None:
        limits.append(standing.day_balance - plan.daily_loss)
    return equity - max(limits) if limits else None


def is_window_closed(now: datetime) -> bool:
    """Whether the firm takes no orders, from the end of one trading day to the beginning of the next."""
    return CLOSING <= now.astimezone(CHICAGO).time() < ROLL


def next_boundary(after: datetime) -> tuple[datetime, Boundary]:
    """The first moment after another at which the firm acts (UTC offset as given), and what it does then."""
    local = after.astimezone(CHICAGO)
    return min(
        (moment.astimezone(after.tzinfo), boundary)
        for day in (local.date(), local.date() + _DAY)
        for boundary, clock in (
            (Boundary.FLATTEN, FLATTENING),
            (Boundary.CLOSE, CLOSING),
            (Boundary.ROLL, ROLL),
        )
        if (moment := _at(day, clock)) > after
    )


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, CHICAGO)
