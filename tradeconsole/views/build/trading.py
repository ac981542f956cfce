"""Positions, orders, fills, round trips and the feed out of the book. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tradeconsole.domain.events import NotificationRaised
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Order, OrderStatus
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip, open_pnl
from tradeconsole.engine.book import Book
from tradeconsole.engine.protection.coverage import coverage, describe
from tradeconsole.views.models import FillRow, NotificationRow, OrderRow, PositionRow, RoundTripRow

FINISHED_SHOWN: Final = 60
FILLS_SHOWN: Final = 100
TRIPS_SHOWN: Final = 100
NOTICES_SHOWN: Final = 100

REPLACED: Final = "replaced: the engine keeps its bracket"
"""What to say of an order that was refused for its bracket alone, before the broker's words."""

_CANCELLABLE: Final = frozenset({OrderStatus.PENDING, OrderStatus.SUSPENDED, OrderStatus.WORKING})


def position_rows(
    book: Book, account_id: str, stale: frozenset[str], now: datetime, *, proven: bool
) -> tuple[PositionRow, ...]:
    """Open positions; `stale` are instruments whose price is too old to trust, `proven` says the book is synced."""
    rows = [
        _position_row(book, position, now, stale=position.instrument_id in stale, proven=proven)
        for position in book.positions(account_id)
    ]
    return tuple(sorted(rows, key=lambda row: row.symbol))


def _position_row(book: Book, position: Position, now: datetime, *, stale: bool, proven: bool) -> PositionRow:
    instrument = book.instruments[position.instrument_id]
    price = book.price(position.instrument_id)
    cover = coverage(book, position)
    ticks = None
    if price is not None:
        ticks = (price - float(position.average_price)) / instrument.tick * position.side.sign
    return PositionRow(
        account_id=position.account_id,
        instrument_id=position.instrument_id,
        symbol=instrument.symbol,
        name=instrument.name,
        decimals=instrument.decimals,
        size=position.size,
        average_price=position.average_price,
        last=price,
        open_pnl=None if price is None else open_pnl(position, price, instrument),
        open_ticks=ticks,
        fees=position.fees,
        opened_at=position.opened_at,
        protected=cover.covered,
        protection=describe(cover, instrument, now),
        enforcer=cover.enforcer,
        confirmed_at=cover.confirmed_at,
        proven=proven,
        stale=stale,
    )


def order_rows(book: Book, account_id: str, now: datetime, zone: ZoneInfo) -> tuple[OrderRow, ...]:
    """Open orders, oldest first with their legs after them, then the newest finished ones; `zone` is for the echo."""
    mine = [order for order in book.orders.values() if order.account_id == account_id]
    working = sorted((order for order in mine if order.status.is_open), key=_family)
    done = sorted(
        (order for order in mine if order.status.is_final), key=lambda o: o.updated_at, reverse=True
    )
    successors = {order.replaces: order.order_id for order in mine if order.replaces is not None}
    return tuple(
        _order_row(book, order, now, zone, successors.get(order.order_id))
        for order in [*working, *done[:FINISHED_SHOWN]]
    )


def _family(order: Order) -> tuple[datetime, str, bool, str]:
    return order.created_at, order.parent_id or order.order_id, order.parent_id is not None, order.order_id


def _order_row(book: Book, order: Order, now: datetime, zone: ZoneInfo, replaced_by: str | None) -> OrderRow:
    instrument = book.instruments.get(order.instrument_id)
    doubtful = order.status is OrderStatus.UNKNOWN
    return OrderRow(
        order_id=order.order_id,
        broker_order_id=order.broker_order_id,
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        symbol=instrument.symbol if instrument else order.instrument_id,
        name=instrument.name if instrument else order.instrument_id,
        decimals=instrument.decimals if instrument else 2,
        side=order.side,
        type=order.type,
        role=order.role,
        size=order.size,
        filled=order.filled,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        average_price=order.average_price,
        status=order.status,
        created_at=order.created_at,
        updated_at=order.updated_at,
        trail=echo(order, instrument, zone),
        reason=_reason(order, replaced_by),
        origin=order.origin,
        parent_id=order.parent_id,
        replaced_by=replaced_by,
        is_open=order.status.is_open,
        can_move=order.status is OrderStatus.WORKING and order.price is not None,
        can_cancel=order.status in _CANCELLABLE and order.broker_order_id is not None,
        doubt_seconds=(now - order.updated_at).total_seconds() if doubtful else None,
    )


def _reason(order: Order, replaced_by: str | None) -> str:
    words = order.reason or ""
    if replaced_by is None:
        return words
    return f"{REPLACED} ({words})" if words else REPLACED


def echo(order: Order, instrument: Instrument | None, zone: ZoneInfo) -> str:
    """What became of it, in its own words: `sent 14:31:02.114 → ack 41 ms → working`."""
    steps: list[str] = []
    if order.sent_at is not None:
        sent = order.sent_at.astimezone(zone)
        steps.append(f"sent {sent:%H:%M:%S}.{sent.microsecond // 1000:03d}")
        if order.acknowledged_at is not None:
            took = (order.acknowledged_at - order.sent_at).total_seconds() * 1000
            steps.append(f"ack {max(0, took):.0f} ms")
    word = str(order.status)
    if order.filled and order.average_price is not None:
        price = instrument.format(order.average_price) if instrument else str(order.average_price)
        word = f"{word} {order.filled}/{order.size} @ {price}"
    return " → ".join([*steps, word])


def fill_rows(book: Book, account_id: str) -> tuple[FillRow, ...]:
    """The newest fills first."""
    fills = [fill for fill in book.fills.values() if fill.account_id == account_id]
    fills.sort(key=lambda fill: fill.time, reverse=True)
    return tuple(_fill_row(book, fill) for fill in fills[:FILLS_SHOWN])


def _fill_row(book: Book, fill: Fill) -> FillRow:
    instrument = book.instruments.get(fill.instrument_id)
    realised = book.realised(fill)
    return FillRow(
        fill_id=fill.fill_id,
        order_id=fill.order_id or book.order_ids.get((fill.account_id, fill.broker_order_id)),
        instrument_id=fill.instrument_id,
        name=instrument.name if instrument else fill.instrument_id,
        decimals=instrument.decimals if instrument else 2,
        side=fill.side,
        size=fill.size,
        price=fill.price,
        time=fill.time,
        fees=fill.fees,
        realised=None if fill.gross_pnl is None and not realised else realised,
    )


def round_trip_rows(book: Book, account_id: str) -> tuple[RoundTripRow, ...]:
    """The newest round trips first."""
    trips = [trip for trip in book.round_trips.values() if trip.account_id == account_id]
    trips.sort(key=lambda trip: trip.closed_at, reverse=True)
    return tuple(_round_trip_row(book, trip) for trip in trips[:TRIPS_SHOWN])


def _round_trip_row(book: Book, trip: RoundTrip) -> RoundTripRow:
    instrument = book.instruments.get(trip.instrument_id)
    return RoundTripRow(
        round_trip_id=trip.round_trip_id,
        instrument_id=trip.instrument_id,
        name=instrument.name if instrument else trip.instrument_id,
        decimals=instrument.decimals if instrument else 2,
        side=trip.side,
        size=trip.size,
        entry_price=trip.entry_price,
        exit_price=trip.exit_price,
        opened_at=trip.opened_at,
        closed_at=trip.closed_at,
        gross_pnl=trip.gross_pnl,
        fees=trip.fees,
        net_pnl=trip.net_pnl,
    )


def notification_rows(
    notices: list[NotificationRaised],
    is_read: Callable[[NotificationRaised], bool],
    others: Mapping[str, str],
) -> tuple[NotificationRow, ...]:
    """Newest first, neighbours that say the same folded into one with a count.

    `others` are names of accounts that are not in view, by id: their news say whose they are.
    """
    rows: list[NotificationRow] = []
    for notice in reversed(notices):
        owner = others.get(notice.account_id or "")
        title = f"{owner}: {notice.title}" if owner else notice.title
        previous = rows[-1] if rows else None
        if previous and (previous.title, previous.detail) == (title, notice.detail):
            rows[-1] = previous.model_copy(update={"count": previous.count + 1})
            continue
        if len(rows) == NOTICES_SHOWN:
            break
        rows.append(
            NotificationRow(
                notification_id=notice.notification_id,
                time=notice.time,
                severity=notice.severity,
                title=title,
                detail=notice.detail,
                read=is_read(notice),
            )
        )
    return tuple(rows)
