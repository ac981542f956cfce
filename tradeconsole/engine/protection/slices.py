"""Which contracts of a position belong to which entry with a bracket, from fills alone. Pure.

A slice is what one such entry has brought in and what still is held of it. Exits of its own stop and target count
against it; other exits take contracts without a bracket first, then those of the oldest entry. Fills from before
the position was last flat say nothing about it.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.ledger import Ledger
from tradeconsole.domain.orders import Order, OrderRole
from tradeconsole.domain.portfolio import Fill
from tradeconsole.engine.book import Book, Key
from tradeconsole.engine.identity import ELSEWHERE, origin_of

_LEGS: Final = frozenset({OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT})
_FREE: Final = ""
"""Stands for the contracts that no entry with a bracket brought in."""


class Leg(msgspec.Struct, frozen=True):
    """A stop or target, and how many of its contracts may still fill: reports and fills come in either order."""

    order: Order
    left: int

    @property
    def is_live(self) -> bool:
        return self.order.status.is_open and self.left > 0


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry holds of a position.

    `low` contracts are certainly held, `high` possibly: between them lie facts that are on their way. `entry` is
    None when it is not remembered and only its legs are known. `price` is the average of its fills.
    """

    entry_id: str
    entry: Order | None
    price: Decimal | None
    low: int
    high: int
    untold: int
    """Contracts that the entry's own report says have filled, whose fills are still on their way."""
    stops: tuple[Leg, ...]
    targets: tuple[Leg, ...]

    @property
    def wants_stop(self) -> bool:
        """Whether a stop was promised: by its bracket, or by one that there has been."""
        bracket = self.entry.bracket if self.entry else None
        return bool(self.stops) or (bracket is not None and bracket.stop_ticks is not None)

    @property
    def by_engine(self) -> bool:
        """Whether the engine keeps its bracket; the legs tell when the entry's plan is not remembered."""
        planned = self.entry is not None and self.entry.engine_bracket
        return planned or any(leg.order.engine_bracket for leg in (*self.stops, *self.targets))

    @property
    def is_over(self) -> bool:
        """Nothing is held, nothing may fill or be told of any more."""
        live = any(leg.is_live for leg in (*self.stops, *self.targets))
        waits = live or self.untold > 0
        return self.high == 0 and not waits and (self.entry is None or self.entry.status.is_final)


class Families:
    """Entries with brackets and their legs, by position, and what filled of each order; fed with all that is known."""

    def __init__(self) -> None:
        self._legs: dict[Key, dict[str, list[str]]] = defaultdict(dict)
        self._over: set[str] = set()
        self._filled: dict[tuple[str, str], int] = defaultdict(int)
        self._worth: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._seen: set[tuple[str, str]] = set()

    def take_order(self, order: Order) -> None:
        """Note an order if it has, or is part of, a bracket."""
        family = self._legs[order.account_id, order.instrument_id]
        if order.parent_id is not None and order.role in _LEGS:
            legs = family.setdefault(order.parent_id, [])
            if order.order_id not in legs:
                legs.append(order.order_id)
            self._over.discard(order.parent_id)
        elif order.bracket:
            family.setdefault(order.order_id, [])
            self._over.discard(order.order_id)

    def take_fill(self, fill: Fill) -> None:
        """Count a fill once."""
        if (fill.account_id, fill.fill_id) not in self._seen:
            self._seen.add((fill.account_id, fill.fill_id))
            self._filled[fill.account_id, fill.broker_order_id] += fill.size
            self._worth[fill.account_id, fill.broker_order_id] += fill.price * fill.size

    def leave_out(self, entry_id: str) -> None:
        """Look no more at an entry that is over; anything told of its orders brings it back with all its legs."""
        self._over.add(entry_id)

    def positions(self) -> list[Key]:
        """Positions that have entries with brackets."""
        return [key for key, family in self._legs.items() if family.keys() - self._over]

    def entries(self, key: Key) -> dict[str, list[str]]:
        """Ids of the entries of a position, with those of their legs in order of appearance."""
        family = self._legs.get(key, {})
        return {entry_id: legs for entry_id, legs in family.items() if entry_id not in self._over}

    def filled(self, order: Order) -> int:
        """Contracts of an order that fills have confirmed."""
        return self._filled.get(self._key(order), 0)

    def average(self, order: Order) -> Decimal | None:
        """Average price of an order's fills."""
        size = self.filled(order)
        return self._worth[self._key(order)] / size if size else None

    def _key(self, order: Order) -> tuple[str, str]:
        return order.account_id, order.broker_order_id or ""


def slices(book: Book, families: Families, key: Key) -> list[Slice]:
    """What each entry of a position holds, the oldest entry first."""
    members = families.entries(key)
    if not members:
        return []
    legs = {entry_id: _legs(book, families, ids) for entry_id, ids in members.items()}
    held = _shares(book, key, legs)
    stated = book.stated.get(key)
    ledger = book.ledgers.get(key)
    size = ledger.size if ledger else 0
    sure = abs(size) if stated is None else max(0, min(size * _sign(size), stated.size * _sign(size)))
    found: list[Slice] = []
    for entry_id in sorted(members, key=lambda each: _age(book, each), reverse=True):
        high = max(0, held.get(entry_id, 0) - sum(_untold(families, leg) for leg in legs[entry_id]))
        low = min(high, sure)
        sure -= low
        entry = book.orders.get(entry_id)
        found.append(
            Slice(
                entry_id=entry_id,
                entry=entry,
                price=families.average(entry) if entry else None,
                low=low,
                high=high,
                untold=max(0, entry.filled - families.filled(entry)) if entry else 0,
                stops=tuple(leg for leg in legs[entry_id] if leg.order.role is OrderRole.STOP_LOSS),
                targets=tuple(leg for leg in legs[entry_id] if leg.order.role is OrderRole.TAKE_PROFIT),
            )
        )
    return found[::-1]


def _legs(book: Book, families: Families, order_ids: list[str]) -> list[Leg]:
    orders = [book.orders[order_id] for order_id in order_ids if order_id in book.orders]
    return [Leg(order, order.size - max(order.filled, families.filled(order))) for order in orders]


def _untold(families: Families, leg: Leg) -> int:
    """Contracts that a leg's own report says have filled, whose fills are still on their way."""
    return max(0, leg.order.filled - families.filled(leg.order))


def _age(book: Book, entry_id: str) -> tuple[float, str]:
    entry = book.orders.get(entry_id)
    return (entry.created_at.timestamp() if entry else 0.0), entry_id


def _sign(size: int) -> int:
    return -1 if size < 0 else 1


def _shares(book: Book, key: Key, legs: dict[str, list[Leg]]) -> dict[str, int]:
    """Contracts of the position by entry."""
    ledger = book.ledgers.get(key)
    if ledger is None or not ledger.size:
        return {}
    owners = {leg.order.order_id: entry_id for entry_id, members in legs.items() for leg in members}
    base, parts = _since_flat(ledger)
    lots: dict[str, int] = {_FREE: base}
    for fill, size in parts:
        order_id = book.order_ids.get((fill.account_id, fill.broker_order_id), "")
        if fill.side.sign == _sign(ledger.size):
            owner = order_id if order_id in legs else _FREE
            lots[owner] = lots.get(owner, 0) + size
            continue
        left = size
        for owner in (owners.get(order_id, _FREE), *lots):
            taken = min(left, lots.get(owner, 0))
            lots[owner] = lots.get(owner, 0) - taken
            left -= taken
    _claim(book, lots, legs, base)
    return lots


def _claim(book: Book, lots: dict[str, int], legs: dict[str, list[Leg]], base: int) -> None:
    """Give contracts whose fills or entry are not to be had to those whose legs still work for them."""
    for entry_id, members in legs.items():
        limit = lots[_FREE] if entry_id not in book.orders else min(lots[_FREE], base)
        working = max((leg.left for leg in members if leg.is_live), default=0)
        claimed = min(limit, max(0, working - lots.get(entry_id, 0)))
        if claimed:
            lots[entry_id] = lots.get(entry_id, 0) + claimed
            lots[_FREE] -= claimed
            base = max(0, base - claimed)


def _since_flat(ledger: Ledger) -> tuple[int, list[tuple[Fill, int]]]:
    """Contracts held from before the known fills, and the fills since the position was last flat with their part in it."""
    held, sign = ledger.size, _sign(ledger.size)
    parts: list[tuple[Fill, int]] = []
    for fill in reversed(ledger.fills):
        before = held - fill.size * fill.side.sign
        if before * sign <= 0:
            return 0, [(fill, abs(held)), *parts[::-1]]
        parts.append((fill, fill.size))
        held = before
    return abs(held), parts[::-1]


def turned(book: Book, families: Families, key: Key) -> int:
    """Contracts of the position that a stop or target opened: it filled although nothing was left to close."""
    return sum(size for _, size in _turning(book, families, key))


def is_overtaken(book: Book, families: Families, key: Key) -> bool:
    """Whether all of a position is what a stop or target opened after an order that is none of ours had closed."""
    turning = _turning(book, families, key)
    ledger = book.ledgers.get(key)
    if ledger is None or not turning or sum(size for _, size in turning) != abs(ledger.size):
        return False
    first = turning[0][0]
    before = [
        fill
        for fill in book.fills.values()
        if (fill.account_id, fill.instrument_id) == key and _moment(fill) < _moment(first)
    ]
    closing = max(before, key=_moment, default=None)
    if closing is None or closing.side is not first.side:
        return False
    order_id = book.order_ids.get((closing.account_id, closing.broker_order_id), "")
    return origin_of(order_id) == ELSEWHERE


def _turning(book: Book, families: Families, key: Key) -> list[tuple[Fill, int]]:
    """The fills of stops and targets that opened the position, with their part in it."""
    ledger = book.ledgers.get(key)
    if ledger is None or not ledger.size:
        return []
    legs = {leg_id for members in families.entries(key).values() for leg_id in members}
    _, parts = _since_flat(ledger)
    return [
        (fill, size)
        for fill, size in parts
        if fill.side.sign == _sign(ledger.size)
        and book.order_ids.get((fill.account_id, fill.broker_order_id)) in legs
    ]


def _moment(fill: Fill) -> tuple[datetime, int, str]:
    return fill.time, len(fill.fill_id), fill.fill_id
