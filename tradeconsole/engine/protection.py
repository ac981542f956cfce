"""Proof of protection: which working stops cover a position, and how much of it. Pure."""

from typing import Final

import msgspec

from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order, OrderRole, OrderStatus
from tradeconsole.domain.portfolio import Position
from tradeconsole.engine.book import Book

_AT_WORK: Final = frozenset({OrderStatus.WORKING, OrderStatus.CANCELLING})


class Coverage(msgspec.Struct, frozen=True):
    """Contracts of a position that working stops would close, and those stops, nearest to the market first."""

    covered: int
    size: int
    stops: tuple[Order, ...]

    @property
    def is_complete(self) -> bool:
        return self.covered >= self.size


def coverage(book: Book, position: Position) -> Coverage:
    """Which stops cover a position now; stops that open positions (entries) do not count."""
    stops = [
        order
        for order in book.open_orders_of(position.account_id, position.instrument_id)
        if order.side is position.side.opposite
        and order.stop_price is not None
        and order.status in _AT_WORK
        and order.role is not OrderRole.ENTRY
    ]
    stops.sort(key=lambda order: (order.stop_price or 0) * -position.side.sign)
    covered = sum(order.remaining for order in stops)
    return Coverage(min(covered, abs(position.size)), abs(position.size), tuple(stops))


def describe(cover: Coverage, instrument: Instrument) -> str:
    """One phrase: `2/2 stop 21950.25 at broker`, or `UNPROTECTED`."""
    if not cover.stops:
        return "UNPROTECTED"
    prices = ", ".join(instrument.format(order.stop_price or 0) for order in cover.stops[:2])
    more = f" +{len(cover.stops) - 2}" if len(cover.stops) > 2 else ""
    warning = "" if cover.is_complete else " PARTLY"
    return f"{cover.covered}/{cover.size} stop {prices}{more} at broker{warning}"
