"""What the exchange needs of a market, whether it is synthetic, replayed from a file or somebody's live feed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol

import msgspec

from tradeconsole.domain.market import BarSeries, Depth, Quote, Timeframe
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

    def move(self, contract_id: str, ticks: int) -> None:
        """Shift the price from now on; the market goes on from there."""

    def snapshot(self) -> bytes:
        """Everything that cannot be computed again."""

    def restore(self, state: bytes) -> None:
        """Take up a snapshot of a market made with the same options."""
