"""What the exchange needs of a market, whether it is synthetic, replayed from a file or somebody's live feed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol

import msgspec

from tradeconsole.domain.market import BarSeries, BarUnit, Depth, Quote, Tick, Timeframe
from tradeconsole.exchange.candle import Candle, TickBars
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.records import MarketEvent


class Interest(msgspec.Struct, frozen=True, gc=False):
    """What to report of a contract.

    The market may stay silent about a stretch of time in which no ask and no print falls to `low` or below, and
    no bid and no print rises to `high` or above. `everything` asks for every event, `depth` for depth as well.
    """

    everything: bool = False
    depth: bool = False
    low: float = float("-inf")
    high: float = float("inf")


NO_INTEREST: Final = Interest()


class Market(Protocol):
    """A market that goes forward in time on demand. Contracts are ids such as `CON.F.US.MNQ.Z26`."""

    @property
    def now(self) -> datetime:
        """How far the market has gone."""

    def serves(self, contract_id: str) -> bool:
        """Whether this market has prices for the contract."""

    def is_open(self, contract_id: str, time: datetime) -> bool:
        """Whether the contract trades at that moment."""

    def watch(self, contract_id: str, interest: Interest) -> None:
        """Replace what is reported of a contract; it holds from now on, also while `advance` is iterated."""

    def advance(self, to: datetime, quiet_until: datetime | None = None) -> Iterator[MarketEvent]:
        """Go forward and report in order of time; lazily, so that `watch` can change what comes next.

        Until `quiet_until`, `everything` and `depth` count as not asked for: a way through long gaps.
        """

    def next_event(self) -> datetime | None:
        """When the market will next have something to report, as far as it knows; None: never."""

    def quote(self, contract_id: str) -> Quote | None:
        """Top of the book and the session's figures now; None before the first price."""

    def depth(self, contract_id: str) -> Depth:
        """Ten levels per side now."""

    def profile(self, contract_id: str) -> list[tuple[float, int]]:
        """Volume traded at each price in the session so far, lowest price first."""

    def bars(
        self,
        contract_id: str,
        timeframe: Timeframe,
        start: datetime,
        end: datetime,
        limit: int,
        *,
        include_partial: bool = False,
    ) -> BarSeries:
        """Bars that start within [start, end) and are complete now, the newest `limit`, oldest first.

        With `include_partial` the bar in progress counts too.
        """

    def prints(self, contract_id: str, start: datetime, end: datetime, limit: int) -> list[Tick]:
        """Prints within [start, end) so far, as far back as bars of seconds go; the newest `limit`, oldest first."""

    def move(self, contract_id: str, ticks: int) -> None:
        """Shift the price from now on; the market goes on from there."""

    def snapshot(self) -> bytes:
        """Everything that cannot be computed again."""

    def restore(self, state: bytes) -> None:
        """Take up a snapshot of a market made with the same options."""


class BarSource(Protocol):
    """Where a market's bars come from, the future included; bars are `length` seconds long, in ticks."""

    @property
    def length(self) -> int:
        """Seconds per bar."""

    def serves(self, contract: Contract) -> bool:
        """Whether there are bars of the contract at all."""

    def is_open(self, contract: Contract, time: int) -> bool:
        """Whether the contract trades at a moment, in seconds since the epoch."""

    def bars(self, contract: Contract, start: int, end: int) -> TickBars:
        """Bars that start within [start, end), in seconds since the epoch."""

    def next_start(self, contract: Contract, time: int) -> int | None:
        """Start of the first bar at or after a moment; None after the last."""

    def previous_close(self, contract: Contract, time: int) -> tuple[int, int] | None:
        """Start and close, in ticks, of the last bar that starts before a moment."""

    def prints(self, contract: Contract, candle: Candle) -> int:
        """How many prints to aim at inside a bar."""

    def first_start(self, contract: Contract, unit: BarUnit, now: int) -> int:
        """How far back bars of a unit are served."""
