"""What must hold after any storm: the desk's book against the gateway's own records. Pure.

Each check gives one finding, which says what was compared whether it held or not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import Order, OrderStatus, OrderType, Side
from tradeconsole.drills.records import GatewayRecords
from tradeconsole.engine.book import Book
from tradeconsole.engine.identity import PREFIX
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.exchange.records import VenueOrder, VenuePosition, VenueTrade

_IN_DOUBT: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN})
_AT_WORK: Final = frozenset({OrderStatus.WORKING, OrderStatus.CANCELLING})
_STOPS: Final = frozenset({OrderType.STOP, OrderType.TRAILING_STOP, OrderType.STOP_LIMIT})
_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
_HALF_A_CENT: Final = Decimal("0.005")
_TROUBLES_SHOWN: Final = 3


class Finding(msgspec.Struct, frozen=True):
    """One check's outcome; `compared` says what was compared, and what differs if it did not hold."""

    check: str
    held: bool
    compared: str


def examine(records: GatewayRecords, book: Book, asked: int | None = None) -> tuple[Finding, ...]:
    """Every check of one account.

    Args:
        records: what the gateway has.
        book: what the desk shows.
        asked: how many orders the trader asked for, if that was counted.
    """
    return (
        no_order_twice(records, asked),
        none_forgotten(records, book),
        nothing_in_doubt(records, book),
        fills_equal(records, book),
        positions_equal(records, book),
        round_trips_equal(records, book),
        money_equal(records, book),
        protection_true(records, book),
    )


# -- orders ----------------------------------------------------------------------------------------------------


def no_order_twice(records: GatewayRecords, asked: int | None = None) -> Finding:
    """Every tag is at the gateway once at most, and no more of the trader's orders were taken than he asked for.

    An entry whose bracket the gateway refuses may be sent again without it: refused orders do not count.
    """
    tags = [order.tag for order in records.orders if order.tag]
    ours = [order for order in records.orders if order.tag and _is_by_hand(order.tag)]
    taken = sum(order.status is not OrderStatus.REJECTED for order in ours)
    troubles = [f"{tag} is there {number} times" for tag, number in Counter(tags).items() if number > 1]
    if asked is not None and taken > asked:
        troubles.append(f"{count(taken, 'order')} taken, {asked} asked for")
    wanted = "" if asked is None else f", {taken} taken of {asked} asked for"
    return _finding(
        "no order twice", f"{count(len(ours), 'order')} at the gateway{wanted}, each tag once", troubles
    )


def none_forgotten(records: GatewayRecords, book: Book) -> Finding:
    """Every order of the gateway is in the book with its status and fills, and the book has no other."""
    known = {order.broker_order_id: order for order in _orders(records, book) if order.broker_order_id}
    troubles = []
    for theirs in records.orders:
        order = known.pop(str(theirs.id), None)
        if order is None:
            troubles.append(f"order {theirs.id} ({theirs.tag or 'made by the gateway'}) is not in the book")
        elif (order.status, order.filled) != (theirs.status, theirs.filled):
            troubles.append(
                f"order {theirs.id} is {order.status}, {order.filled} filled here; "
                f"{theirs.status}, {theirs.filled} filled there"
            )
        elif theirs.status in _AT_WORK and _prices(order) != _prices(theirs):
            troubles.append(f"order {theirs.id} works at {_prices(order)} here, at {_prices(theirs)} there")
    troubles += [
        f"order {key} is {order.status} here, the gateway has none such" for key, order in known.items()
    ]
    arrived = {order.tag for order in records.orders}
    troubles += [
        f"{order.order_id} is {order.status} here, and at the gateway"
        for order in _orders(records, book)
        if order.broker_order_id is None and order.order_id in arrived
    ]
    working = sum(order.status in _AT_WORK for order in records.orders)
    return _finding(
        "none forgotten",
        f"{count(len(records.orders), 'order')} with status, fills and prices, {working} working",
        troubles,
    )


def nothing_in_doubt(records: GatewayRecords, book: Book) -> Finding:
    """No order is left whose outcome nobody knows."""
    orders = list(_orders(records, book))
    troubles = [f"{order.order_id} is {order.status}" for order in orders if order.status in _IN_DOUBT]
    failed = sum(order.status is OrderStatus.FAILED for order in orders)
    told = f", {failed} known never to have arrived" if failed else ""
    return _finding("nothing in doubt", f"{count(len(orders), 'order')} in the book{told}", troubles)


def _orders(records: GatewayRecords, book: Book) -> Iterable[Order]:
    return (order for order in book.orders.values() if order.account_id == records.account_id)


def _prices(order: Order | VenueOrder) -> tuple[Decimal | None, Decimal | None]:
    return order.limit_price, order.stop_price


def _is_by_hand(tag: str) -> bool:
    """Whether the trader's own order carries this tag, and not a leg or an order of the engine's."""
    return tag.startswith(f"{PREFIX}-hand-") and tag.count("-") == 2


# -- fills and positions ---------------------------------------------------------------------------------------


def fills_equal(records: GatewayRecords, book: Book) -> Finding:
    """Every trade of the gateway is booked once, with its side, size, price and fees."""
    theirs = {
        str(trade.id): (trade.side, trade.size, trade.price, trade.fees + trade.commissions)
        for trade in records.trades
    }
    ours = {
        fill.fill_id: (fill.side, fill.size, fill.price, fill.fees)
        for (owner, _), fill in book.fills.items()
        if owner == records.account_id
    }
    return _finding(
        "fills equal the gateway's trades", count(len(theirs), "trade"), _differences(ours, theirs)
    )


def positions_equal(records: GatewayRecords, book: Book) -> Finding:
    """Positions have the gateway's size and direction."""
    theirs = {position.contract_id: position.size for position in records.positions if position.size}
    ours = {position.instrument_id: position.size for position in book.positions(records.account_id)}
    troubles = _differences(ours, theirs)
    troubles += [
        f"{key[1]}: the broker's word is another" for key in book.mismatches if key[0] == records.account_id
    ]
    shown = ", ".join(f"{_short(contract)} {size:+d}" for contract, size in theirs.items()) or "flat"
    return _finding("positions equal the gateway's", shown, troubles)


def round_trips_equal(records: GatewayRecords, book: Book) -> Finding:
    """From flat to flat: the round trips that follow from the gateway's trades are those in the book."""
    theirs = list(_trips(records.trades))
    ours = [
        Trip(trip.instrument_id, trip.side, trip.size, trip.gross_pnl, trip.fees)
        for trip in book.round_trips.values()
        if trip.account_id == records.account_id
    ]
    missing, extra = _unpaired(theirs, ours), _unpaired(ours, theirs)
    troubles = [f"missing: {_words(trip)}" for trip in missing] + [
        f"too many: {_words(trip)}" for trip in extra
    ]
    return _finding("round trips equal the gateway's trades", count(len(theirs), "round trip"), troubles)


class Trip(msgspec.Struct, frozen=True):
    """A round trip as the gateway's trades tell it: side and largest size, gross P&L, all fees."""

    contract_id: str
    side: Side
    size: int
    gross: Decimal
    fees: Decimal


def _trips(trades: Iterable[VenueTrade]) -> Iterable[Trip]:
    by_contract: dict[str, list[VenueTrade]] = {}
    for trade in sorted(trades, key=lambda trade: (trade.created_at, trade.id)):
        by_contract.setdefault(trade.contract_id, []).append(trade)
    for contract_id, own in by_contract.items():
        yield from _trips_of(contract_id, own)


def _trips_of(contract_id: str, trades: list[VenueTrade]) -> Iterable[Trip]:
    held, peak, gross, fees = 0, 0, Decimal(0), Decimal(0)
    for trade in trades:
        signed, charged = trade.size * trade.side.sign, trade.fees + trade.commissions
        closing = min(trade.size, abs(held)) if held * signed < 0 else 0
        share = charged * closing / trade.size if closing else charged
        if closing:
            gross += trade.gross_pnl or 0
        if closing == abs(held) and closing:
            side = Side.BUY if held > 0 else Side.SELL
            yield Trip(contract_id, side, peak, gross, fees + share)
            # what is left of the trade opens the next one
            peak, gross, fees, share = 0, Decimal(0), Decimal(0), charged - share
        held += signed
        fees += share
        peak = max(peak, abs(held))


def _unpaired(trips: list[Trip], others: list[Trip]) -> list[Trip]:
    """Those that have no counterpart of their own among the others."""
    left = others.copy()
    alone = []
    for trip in trips:
        twin = next((other for other in left if _same(trip, other)), None)
        (alone.append(trip) if twin is None else left.remove(twin))
    return alone


def _same(trip: Trip, other: Trip) -> bool:
    identity = (trip.contract_id, trip.side, trip.size) == (other.contract_id, other.side, other.size)
    return identity and _to_the_cent(trip.gross, other.gross) and _to_the_cent(trip.fees, other.fees)


def _to_the_cent(ours: Decimal, theirs: Decimal) -> bool:
    """Whether two amounts are the same; averages of three contracts have no end, and the gateway rounds them."""
    return abs(ours - theirs) < _HALF_A_CENT


def _words(trip: Trip) -> str:
    gross, fees = f"{trip.gross:.2f}", f"{trip.fees:.2f}"
    return f"{trip.side} {trip.size} {_short(trip.contract_id)} gross {gross} fees {fees}"


# -- money and protection --------------------------------------------------------------------------------------


def money_equal(records: GatewayRecords, book: Book) -> Finding:
    """Balance, realised P&L and fees agree to the cent, and when flat the round trips add up to them."""
    account = book.accounts.get(records.account_id)
    gross, fees = book.realised_since(records.account_id, _EVER)
    earned = records.balance - records.start_balance
    troubles = []
    if account is None or not _to_the_cent(account.balance, records.balance):
        troubles.append(f"balance {account.balance if account else 'unknown'} here, {records.balance} there")
    if not _to_the_cent(gross - fees, earned):
        troubles.append(f"realised {gross:.4f} less fees {fees:.2f} here, {earned} there")
    if not any(position.size for position in records.positions):
        trips = [trip for trip in book.round_trips.values() if trip.account_id == records.account_id]
        net = sum((trip.net_pnl for trip in trips), Decimal(0))
        if not _to_the_cent(net, earned):
            troubles.append(f"round trips add up to {net:.4f} here, the balance moved by {earned}")
    return _finding("P&L to the cent", f"balance {records.balance:.2f}, moved by {earned:+.2f}", troubles)


def protection_true(records: GatewayRecords, book: Book) -> Finding:
    """No position is shown better protected than the gateway's stops protect it, or worse than its brackets do."""
    troubles, shown = [], []
    for theirs in (position for position in records.positions if position.size):
        legs, stops = _covered(theirs, records.orders)
        says = shown_covered(book, records.account_id, theirs.contract_id)
        shown.append(f"{_short(theirs.contract_id)} {says}/{abs(theirs.size)}")
        if says > stops:
            troubles.append(
                f"{_short(theirs.contract_id)} shown covered {says}, the gateway's stops cover {stops}"
            )
        if says < legs:
            troubles.append(f"{_short(theirs.contract_id)} shown covered {says}, its bracket covers {legs}")
    words = ", ".join(f"{each} covered" for each in shown) or "no open position"
    return _finding("protected, or shown unprotected", f"{words}, as the gateway's stops have it", troubles)


def _covered(position: VenuePosition, orders: Iterable[VenueOrder]) -> tuple[int, int]:
    """Contracts covered by stops of brackets alone, and by all stops."""
    side = Side.BUY if position.size > 0 else Side.SELL
    stops = [
        order
        for order in orders
        if order.contract_id == position.contract_id
        and order.side is side.opposite
        and order.type in _STOPS
        and order.status in _AT_WORK
    ]
    held = abs(position.size)
    legs = sum(order.remaining for order in stops if order.parent_id is not None)
    return min(held, legs), min(held, sum(order.remaining for order in stops))


def shown_covered(book: Book, account_id: str, instrument_id: str | None = None) -> int:
    """Contracts of an account, or of one instrument in it, that the desk shows as protected."""
    return sum(
        coverage(book, position).covered
        for position in book.positions(account_id)
        if instrument_id in {None, position.instrument_id}
    )


# -- words -----------------------------------------------------------------------------------------------------


def _finding(check: str, compared: str, troubles: list[str]) -> Finding:
    if not troubles:
        return Finding(check, True, compared)
    more = f"; and {len(troubles) - _TROUBLES_SHOWN} more" if len(troubles) > _TROUBLES_SHOWN else ""
    return Finding(check, False, "; ".join(troubles[:_TROUBLES_SHOWN]) + more)


def _differences(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    keys = sorted(ours.keys() | theirs.keys())
    return [
        f"{key}: {_value(ours.get(key))} here, {_value(theirs.get(key))} there"
        for key in keys
        if ours.get(key) != theirs.get(key)
    ]


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "nothing" if value is None else str(value)


def _short(contract_id: str) -> str:
    """`MNQ Z26` of `CON.F.US.MNQ.Z26`."""
    return " ".join(contract_id.split(".")[-2:])
