"""Trading sessions: when products trade, and to which trading day a moment belongs. Pure, all times aware."""

from datetime import date, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Span

CHICAGO: Final = ZoneInfo("America/Chicago")
"""The exchange's zone."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One trading session; all times UTC.

    `halts` are breaks inside [open, close), in order. `note` names a holiday or an early close.
    """

    trade_date: date
    open: datetime
    close: datetime
    halts: tuple[Span, ...] = ()
    note: str = ""


class Calendar(Protocol):
    """When groups of products trade. Every method refuses naive times with `ValueError`."""

    @property
    def name(self) -> str:
        """What to call it on screen: `CME`, `DEMO 24/7`."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which traders read its clock."""

    def is_open(self, group: ProductGroup, time: datetime) -> bool:
        """Whether the group trades at that moment; a few hundred nanoseconds, it is on the order road."""

    def session_at(self, group: ProductGroup, time: datetime) -> Session | None:
        """The session that contains the moment, breaks inside it included; None between sessions."""

    def next_change(self, group: ProductGroup, time: datetime) -> datetime | None:
        """When `is_open` next changes (UTC), breaks included; None if it never does."""

    def trading_day(self, group: ProductGroup, time: datetime) -> date:
        """Trade date of the trading day that contains the moment, or of the last one before it."""

    def day_start(self, group: ProductGroup, time: datetime) -> datetime:
        """Start (UTC) of that trading day: 17:00 Chicago, from which the day's P&L counts."""

    def sessions(self, group: ProductGroup, first: date, last: date) -> tuple[Session, ...]:
        """Sessions with trade dates from `first` to `last`, both included, oldest first."""
