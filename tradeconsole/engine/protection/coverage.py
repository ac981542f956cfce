"""Proof of protection: which working stops cover a position, how much of it, and who keeps them. Pure."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order, OrderRole, OrderStatus, OrderType
from tradeconsole.domain.portfolio import Position
from tradeconsole.engine.book import Book

OLD_PROOF: Final = timedelta(seconds=60)
"""A proof older than this is shown with its age."""

_AT_WORK: Final = frozenset({OrderStatus.WORKING, OrderStatus.CANCELLING})


class Coverage(msgspec.Struct, frozen=True):
    """Contracts of a position that working stops would close, and those stops, nearest to the market first.

    `stopped` is how many the stops would close if more were held. `confirmed_at` is when the broker last confirmed all of them: by an event of their own, or by its records.
    """

    covered: int
    size: int
    stops: tuple[Order, ...]
    stopped: int = 0
    confirmed_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        return self.covered >= self.size

    @property
    def enforcer(self) -> str:
        """Who keeps the stops in step with the position: `broker`, `engine`, or both of them; empty without stops."""
        return "+".join(sorted({"engine" if stop.engine_bracket else "broker" for stop in self.stops}))


def coverage(book: Book, position: Position) -> Coverage:
    """Which stops cover a position now; stops that open positions (entries) do not count."""
    stops = [
        order
        for order in book.open_orders_of(position.account_id, position.instrument_id)
        if order.side is position.side.opposite
        and (order.stop_price is not None or order.type is OrderType.TRAILING_STOP)
        and order.status in _AT_WORK
        and order.role is not OrderRole.ENTRY
    ]
    stops.sort(key=lambda order: (order.stop_price or 0) * -position.side.sign)
    stopped = sum(order.remaining for order in stops)
    synced = book.synced.get(position.account_id)
    proofs = [max(order.updated_at, synced.time) if synced else order.updated_at for order in stops]
    size = abs(position.size)
    return Coverage(min(stopped, size), size, tuple(stops), stopped, min(proofs, default=None))


def describe(cover: Coverage, instrument: Instrument, now: datetime) -> str:
    """One phrase: `broker stop 21950.25`, or `UNPROTECTED`; counts what is missing, and tells the age of an old proof."""
    if not cover.stops:
        return "UNPROTECTED"
    prices = ", ".join(_price(order, instrument) for order in cover.stops[:2])
    more = f" +{len(cover.stops) - 2}" if len(cover.stops) > 2 else ""
    warning = "" if cover.is_complete else f" for {cover.covered} of {cover.size}"
    age = now - cover.confirmed_at if cover.confirmed_at else timedelta(0)
    seen = f", seen {age.total_seconds():.0f} s ago" if age > OLD_PROOF else ""
    return f"{cover.enforcer} stop {prices}{more}{warning}{seen}"


def _price(stop: Order, instrument: Instrument) -> str:
    return instrument.format(stop.stop_price) if stop.stop_price is not None else f"trail {stop.trail_ticks}"
