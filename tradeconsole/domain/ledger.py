"""The ledger of one instrument in one account: fills in any order of arrival, one true history.

A fill that arrives late (its event was lost and reconciliation found it) is put where its time says, and
everything after it is booked again, so that averages and round trips come out as if nothing had been lost.
"""

from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tradeconsole.domain.events import BrokerPosition
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip, apply_fill


class LedgerChange(msgspec.Struct, frozen=True, gc=False):
    """What booking a fill changed; `voided` lists ids of round trips that turned out not to have happened."""

    position: Position | None
    closed: tuple[RoundTrip, ...]
    voided: tuple[str, ...]
    realised: Decimal


def _order(fill: Fill) -> tuple[object, ...]:
    # stream and records may tell one moment in different precision: within a millisecond ids decide. They grow;
    # compared by length first, they sort as numbers without being numbers
    moment = fill.time.replace(microsecond=fill.time.microsecond // 1000 * 1000)
    return moment, len(fill.fill_id), fill.fill_id


class Ledger:
    """Position, round trips and realised P&L of one account and instrument."""

    def __init__(self, instrument: Instrument, base: Position | None = None) -> None:
        self.instrument = instrument
        self.position = base
        self.round_trips: dict[str, RoundTrip] = {}
        self._base = base
        self._fills: list[Fill] = []
        self._ids: set[str] = set()
        self._realised: dict[str, Decimal] = {}

    def knows(self, fill_id: str) -> bool:
        return fill_id in self._ids

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Fills since the base, oldest first."""
        return tuple(self._fills)

    def realised(self, fill_id: str) -> Decimal | None:
        """Gross P&L that a fill realised; None if it was booked before the base."""
        return self._realised.get(fill_id)

    @property
    def size(self) -> int:
        return self.position.size if self.position else 0

    def book(self, fill: Fill) -> LedgerChange | None:
        """Book a fill once; None if it is known."""
        if fill.fill_id in self._ids:
            return None
        self._ids.add(fill.fill_id)
        if not self._fills or _order(fill) > _order(self._fills[-1]):
            self._fills.append(fill)
            closed = self._apply(fill)
            return LedgerChange(self.position, (closed,) if closed else (), (), self._realised[fill.fill_id])
        keys = [_order(known) for known in self._fills]
        self._fills.insert(bisect_left(keys, _order(fill)), fill)
        return self._replay(fill)

    def adjust(self, stated: BrokerPosition) -> Position | None:
        """Take the broker's position as the new base, because the fills that led to it are not to be had."""
        self._ids.update(fill.fill_id for fill in self._fills)
        self._fills.clear()
        self._base = self.position = position_from(stated)
        return self.position

    def newest_trips(self) -> dict[str, RoundTrip]:
        """Round trips that the newest fill closed, by id."""
        newest = self._fills[-1].time if self._fills else None
        return {key: trip for key, trip in self.round_trips.items() if trip.closed_at == newest}

    def mark_known(self, fill_ids: set[str]) -> None:
        """Fills that are already in the base: never book them again."""
        self._ids |= fill_ids

    def _apply(self, fill: Fill) -> RoundTrip | None:
        outcome = apply_fill(self.position, fill, self.instrument)
        self.position = outcome.position
        self._realised[fill.fill_id] = outcome.realised
        if outcome.closed:
            self.round_trips[outcome.closed.round_trip_id] = outcome.closed
        return outcome.closed

    def _replay(self, fill: Fill) -> LedgerChange:
        before = self.round_trips
        self.position, self.round_trips = self._base, {}
        for known in self._fills:
            self._apply(known)
        closed = tuple(trip for key, trip in self.round_trips.items() if before.get(key) != trip)
        voided = tuple(key for key in before if key not in self.round_trips)
        return LedgerChange(self.position, closed, voided, self._realised[fill.fill_id])


def position_from(stated: BrokerPosition) -> Position | None:
    """A position as the broker states it, with an identity that follows from its own facts."""
    if stated.size == 0:
        return None
    held = abs(stated.size)
    return Position(
        account_id=stated.account_id,
        instrument_id=stated.instrument_id,
        size=stated.size,
        average_price=stated.average_price,
        opened_at=stated.opened_at,
        round_trip_id=f"{stated.account_id}.position-{stated.position_id or stated.opened_at.isoformat()}",
        entered=held,
        entry_points=stated.average_price * held,
        peak_size=held,
    )


def restored(
    instrument: Instrument, position: Position | None, fills: list[Fill], trips: Iterable[RoundTrip] = ()
) -> Ledger:
    """A ledger from memory: replayed from its fills where they tell the whole story, else based on the position.

    A kill may come between the records of a fill and of what it did to the position and its round trip: then the
    fills tell more than the rest. Unless the last one ended, from flat, a round trip: that one began before the fills.
    """
    ledger = Ledger(instrument)
    size = position.size if position else 0
    before = 0
    for fill in sorted(fills, key=_order):
        before = ledger.size
        ledger.book(fill)
    ended = ledger.fills and any(trip.closed_at == ledger.fills[-1].time for trip in trips)
    if ledger.size == size or (before == size and (position or not ended)):
        return ledger
    based = Ledger(instrument, position)
    based.mark_known({fill.fill_id for fill in fills})
    return based
