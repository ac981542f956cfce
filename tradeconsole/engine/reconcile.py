"""Reconciliation: the broker's records against the book. Pure; adds facts, never identities; twice equals once.

The broker is right. Orders and fills that the book has not heard of become the same events that the stream would
have brought; what cannot be explained by them is listed, and positions are only adjusted when the caller has seen
the same difference twice, because fills may be on their way.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    AccountReported,
    BrokerPosition,
    Event,
    FillReported,
    OrderFailed,
    OrderReported,
    PositionAdjusted,
    PositionReported,
)
from tradeconsole.domain.orders import Order, OrderReport, OrderStatus
from tradeconsole.domain.portfolio import ZERO, Fill
from tradeconsole.engine.book import Book, Key
from tradeconsole.engine.reports import merge_report, order_id_of

NEVER_ARRIVED: Final = timedelta(seconds=10)
"""An order that the broker's records do not show this long after its call ended did not arrive."""

_UNCONFIRMED: Final = frozenset({OrderStatus.INTENDED, OrderStatus.UNKNOWN})


Mismatch = tuple[Key, int, int]
"""A position, its size by the broker's word, and by the fills."""


class BrokerRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker's records said. `orders_since` and `fills_since` tell how far back they were read."""

    account: Account
    asked_at: datetime
    orders_since: datetime
    fills_since: datetime
    open_orders: tuple[OrderReport, ...]
    orders: tuple[OrderReport, ...]
    fills: tuple[Fill, ...]
    positions: tuple[BrokerPosition, ...]
    quiet: bool = True
    """Nothing moved while the questions were asked, so that positions and fills are of one moment."""


class Reconciliation(msgspec.Struct, frozen=True):
    """Events that bring the book up to date, and differences left for the user to see.

    `mismatched` are positions that disagree even after the events; the caller hands them back as `confirmed` if
    they still do the next time.
    """

    events: tuple[Event, ...]
    differences: tuple[str, ...]
    mismatched: frozenset[Mismatch]


def reconcile(
    book: Book, records: BrokerRecords, confirmed: frozenset[Mismatch] = frozenset()
) -> Reconciliation:
    """Compare the book with the broker's records of one account."""
    events: list[Event] = []
    differences: list[str] = []
    if book.accounts.get(records.account.account_id) != records.account:
        events.append(AccountReported(records.account))
    events += _orders(book, records)
    missing, notes = _vanished(book, records)
    events += missing
    differences += notes
    fresh = [f for f in records.fills if (f.account_id, f.fill_id) not in book.fills]
    events += [FillReported(fill) for fill in fresh]
    if not records.quiet:
        return Reconciliation(tuple(events), tuple(differences), frozenset())
    events += _positions(book, records)
    adjusted, notes, mismatched = _adjust(book, records, fresh, confirmed)
    return Reconciliation((*events, *adjusted), (*differences, *notes), mismatched)


def _orders(book: Book, records: BrokerRecords) -> Iterable[Event]:
    latest: dict[str, OrderReport] = {}
    for report in (*records.open_orders, *records.orders):
        # an order that finished between the two queries is in both: the later query knows more
        latest[report.broker_order_id] = report
    # entries before the legs that name them as their parent
    for report in sorted(latest.values(), key=lambda report: report.parent_broker_id is not None):
        order = book.orders.get(order_id_of(report, book.order_ids))
        if order is None or merge_report(order, report) != order or _is_orphan(book, order, report):
            yield OrderReported(report)


def _is_orphan(book: Book, order: Order, report: OrderReport) -> bool:
    """Whether a leg was heard of before its entry, which is known by now."""
    return order.parent_id is None and (report.account_id, report.parent_broker_id) in book.order_ids


def _vanished(book: Book, records: BrokerRecords) -> tuple[list[Event], list[str]]:
    reports = (*records.open_orders, *records.orders)
    listed = {report.broker_order_id for report in reports} | {report.tag for report in reports if report.tag}
    events: list[Event] = []
    notes: list[str] = []
    for order in book.open_orders_of(records.account.account_id):
        if (
            order.order_id in listed
            or order.broker_order_id in listed
            or order.created_at < records.orders_since
        ):
            continue
        if order.status is OrderStatus.SENT:
            continue  # its call is under way: it may arrive yet
        if order.status in _UNCONFIRMED:
            if records.asked_at - order.updated_at >= NEVER_ARRIVED:
                reason = "the broker has no record of it: it never arrived"
                events.append(OrderFailed(order.order_id, reason, records.asked_at))
        elif records.asked_at - order.updated_at >= NEVER_ARRIVED:
            notes.append(
                f"order {order.broker_order_id} is {order.status} here, but the broker does not list it"
            )
            events.append(OrderReported(_expired(order, records.asked_at)))
    return events, notes


def _expired(order: Order, now: datetime) -> OrderReport:
    return OrderReport(
        broker_order_id=order.broker_order_id or "",
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        side=order.side,
        type=order.type,
        size=order.size,
        status=OrderStatus.EXPIRED,
        created_at=order.created_at,
        updated_at=now,
        filled=order.filled,
        average_price=order.average_price,
        tag=order.order_id,
        reason="no longer in the broker's records",
    )


def _positions(book: Book, records: BrokerRecords) -> Iterable[Event]:
    stated = {(p.account_id, p.instrument_id): p for p in records.positions}
    for key, position in stated.items():
        if book.stated.get(key) != position:
            yield PositionReported(position)
    for key, known in book.stated.items():
        if key[0] == records.account.account_id and key not in stated and known.size:
            yield PositionReported(_flat(known))


def _flat(position: BrokerPosition) -> BrokerPosition:
    return msgspec.structs.replace(position, size=0)


def _adjust(
    book: Book, records: BrokerRecords, fresh: list[Fill], confirmed: frozenset[Mismatch]
) -> tuple[list[Event], list[str], frozenset[Mismatch]]:
    account_id = records.account.account_id
    stated = {(p.account_id, p.instrument_id): p for p in records.positions}
    ours = {key: ledger.size for key, ledger in book.ledgers.items() if key[0] == account_id and ledger.size}
    for fill in fresh:
        key = (fill.account_id, fill.instrument_id)
        ours[key] = ours.get(key, 0) + fill.size * fill.side.sign
    events: list[Event] = []
    notes: list[str] = []
    mismatched: set[Mismatch] = set()
    for key in stated.keys() | ours.keys():
        theirs = stated[key].size if key in stated else 0
        if theirs == ours.get(key, 0):
            continue
        mismatch = (key, theirs, ours.get(key, 0))
        mismatched.add(mismatch)
        if mismatch in confirmed:
            # seen once it may be a fill on its way: positions and fills are asked for one after the other; and
            # while fills go on, another difference is another one on its way
            name = book.instruments[key[1]].name if key[1] in book.instruments else key[1]
            reason = f"{name}: the broker says {theirs:+d}, the fills add up to {ours.get(key, 0):+d}"
            notes.append(reason)
            events.append(PositionAdjusted(stated.get(key) or _nothing(key, records.asked_at), reason))
    return events, notes, frozenset(mismatched)


def _nothing(key: Key, now: datetime) -> BrokerPosition:
    return BrokerPosition(
        account_id=key[0], instrument_id=key[1], size=0, average_price=ZERO, opened_at=now, position_id=""
    )
