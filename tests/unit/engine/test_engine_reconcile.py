"""Reconciliation: the broker is right, facts are added, and twice equals once."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_factories import (
    ACCOUNT,
    MNQ,
    NOON,
    make_account,
    make_fill,
    make_instrument,
    make_order,
    make_report,
    make_stated,
)

from tradeconsole.domain.events import FillReported, InstrumentResolved, OrderReported, PositionAdjusted
from tradeconsole.domain.orders import OrderReport, OrderStatus, OrderType, Side
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.reconcile import BrokerRecords, Reconciliation, reconcile

LATER = NOON + timedelta(minutes=1)


def make_records(**over: Any) -> BrokerRecords:
    fields: dict[str, Any] = {
        "account": make_account(),
        "asked_at": LATER,
        "orders_since": NOON - timedelta(days=1),
        "fills_since": NOON - timedelta(days=1),
        "open_orders": (),
        "orders": (),
        "fills": (),
        "positions": (),
    }
    return BrokerRecords(**{**fields, **over})


@pytest.fixture
def book() -> Book:
    book = Book()
    book.apply(InstrumentResolved(make_instrument()))
    return book


def carry_out(book: Book, result: Reconciliation) -> None:
    bus = Bus(book.apply)
    for event in result.events:
        bus.publish(event)


def put(book: Book, **over: Any) -> None:
    book._put(make_order(**over))


def test_what_was_missed_becomes_the_events_that_would_have_brought_it(book: Book) -> None:
    records = make_records(
        orders=(make_report(status=OrderStatus.FILLED, filled=2),),
        fills=(make_fill(),),
        positions=(make_stated(),),
    )
    carry_out(book, reconcile(book, records))
    assert book.orders["tc-hand-1"].status is OrderStatus.FILLED
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 2
    assert not book.mismatches


def test_an_unknown_order_that_the_broker_has_is_known_again(book: Book) -> None:
    put(book, status=OrderStatus.UNKNOWN, sent_at=NOON)
    carry_out(book, reconcile(book, make_records(open_orders=(make_report(),))))
    assert book.orders["tc-hand-1"].status is OrderStatus.WORKING
    assert book.orders["tc-hand-1"].broker_order_id == "3400000001"


def test_an_order_that_never_arrived_fails_after_a_while_and_not_before(book: Book) -> None:
    put(book, status=OrderStatus.UNKNOWN, sent_at=NOON)
    early = make_records(asked_at=NOON + timedelta(seconds=3))
    carry_out(book, reconcile(book, early))
    assert book.orders["tc-hand-1"].status is OrderStatus.UNKNOWN
    carry_out(book, reconcile(book, make_records()))
    assert book.orders["tc-hand-1"].status is OrderStatus.FAILED


def test_an_order_whose_call_is_under_way_is_not_given_up(book: Book) -> None:
    put(book, status=OrderStatus.SENT, sent_at=NOON)
    carry_out(book, reconcile(book, make_records()))
    assert book.orders["tc-hand-1"].status is OrderStatus.SENT


def test_foreign_orders_without_tags_do_not_hide_one_that_never_arrived(book: Book) -> None:
    put(book, status=OrderStatus.UNKNOWN, sent_at=NOON)
    foreign = make_report(tag=None, broker_order_id="3400000077")
    carry_out(book, reconcile(book, make_records(open_orders=(foreign,))))
    assert book.orders["tc-hand-1"].status is OrderStatus.FAILED


def test_records_that_do_not_reach_back_far_enough_prove_nothing(book: Book) -> None:
    put(book, status=OrderStatus.UNKNOWN, sent_at=NOON)
    carry_out(book, reconcile(book, make_records(orders_since=NOON + timedelta(seconds=1))))
    assert book.orders["tc-hand-1"].status is OrderStatus.UNKNOWN


def test_a_working_order_gone_from_the_records_is_listed_and_ends(book: Book) -> None:
    put(book, status=OrderStatus.WORKING, broker_order_id="3400000001")
    result = reconcile(book, make_records())
    carry_out(book, result)
    assert "does not list it" in result.differences[0]
    assert book.orders["tc-hand-1"].status is OrderStatus.EXPIRED


def test_working_orders_at_the_broker_are_all_taken_on(book: Book) -> None:
    many = tuple(make_report(tag=None, broker_order_id=str(i), type=OrderType.LIMIT) for i in range(14))
    carry_out(book, reconcile(book, make_records(open_orders=many)))
    assert len(book.open_orders) == 14


def legs_and_entry() -> tuple[OrderReport, OrderReport]:
    leg = make_report(
        broker_order_id="3400000002", tag="tc-hand-1-SL", side=Side.SELL, type=OrderType.STOP,
        stop_price=Decimal(20990), parent_broker_id="3400000001",
    )  # fmt: skip
    return leg, make_report(status=OrderStatus.FILLED, filled=2)


def test_legs_find_their_entry_although_open_orders_are_listed_first(book: Book) -> None:
    leg, entry = legs_and_entry()
    carry_out(book, reconcile(book, make_records(open_orders=(leg,), orders=(entry,))))
    assert book.orders["tc-hand-1-SL"].parent_id == "tc-hand-1"


def test_a_leg_that_was_heard_of_before_its_entry_is_joined_to_it_later(book: Book) -> None:
    leg, entry = legs_and_entry()
    Bus(book.apply).publish(OrderReported(leg))
    assert book.orders["tc-hand-1-SL"].parent_id is None
    records = make_records(open_orders=(leg,), orders=(entry,))
    carry_out(book, reconcile(book, records))
    carry_out(book, reconcile(book, records))
    assert book.orders["tc-hand-1-SL"].parent_id == "tc-hand-1"
    assert reconcile(book, records).events == ()


def test_positions_are_adjusted_and_listed_only_when_the_difference_is_seen_twice(book: Book) -> None:
    records = make_records(positions=(make_stated(size=3),))
    first = reconcile(book, records)
    assert not [event for event in first.events if isinstance(event, PositionAdjusted)]
    assert not first.differences
    assert first.mismatched
    carry_out(book, first)
    second = reconcile(book, records, first.mismatched)
    assert "the broker says +3" in second.differences[0]
    carry_out(book, second)
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 3
    assert not reconcile(book, records, second.mismatched).events


def test_another_difference_is_not_the_first_one_seen_twice(book: Book) -> None:
    # fills went on while the broker was asked, twice: each time its positions were older than its fills
    first = reconcile(book, make_records(positions=(make_stated(size=3),)))
    carry_out(book, first)
    carry_out(book, reconcile(book, make_records(fills=(make_fill(),)), first.mismatched))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 2


def test_a_position_that_the_broker_closed_without_a_fill_goes_flat(book: Book) -> None:
    book.apply(FillReported(make_fill()))
    first = reconcile(book, make_records())
    carry_out(book, reconcile(book, make_records(), first.mismatched))
    assert book.position(ACCOUNT, MNQ) is None


def test_positions_are_left_alone_while_things_move(book: Book) -> None:
    result = reconcile(
        book, make_records(positions=(make_stated(size=3),), quiet=False), frozenset({((ACCOUNT, MNQ), 3, 0)})
    )
    assert not result.events[1:]
    assert not result.mismatched


statuses = st.sampled_from(
    [OrderStatus.WORKING, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED]
)


@settings(max_examples=60, deadline=None)
@given(
    known=st.lists(st.sampled_from(OrderStatus), max_size=4),
    told=st.lists(statuses, max_size=5),
    fills=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 3)), max_size=5),
    held=st.integers(-3, 3),
)
def test_reconciling_twice_equals_once(
    known: list[OrderStatus], told: list[OrderStatus], fills: list[tuple[Side, int]], held: int
) -> None:
    book = Book()
    book.apply(InstrumentResolved(make_instrument()))
    for i, status in enumerate(known):
        put(book, order_id=f"tc-hand-{i}", status=status, broker_order_id=str(i), sent_at=NOON)
    reports = [make_report(broker_order_id=str(i), tag=f"tc-hand-{i}", status=s) for i, s in enumerate(told)]
    records = make_records(
        open_orders=tuple(r for r in reports if r.status.is_open),
        orders=tuple(reports),
        fills=tuple(
            make_fill(
                fill_id=str(i),
                side=side,
                size=size,
                time=NOON + timedelta(seconds=i),
                price=Decimal(21000 + i),
            )
            for i, (side, size) in enumerate(fills)
        ),
        positions=(make_stated(size=held),) if held else (),
    )
    confirmed = reconcile(book, records).mismatched
    carry_out(book, reconcile(book, records, confirmed))
    assert reconcile(book, records, confirmed).events == ()
    position = book.position(ACCOUNT, MNQ)
    assert (position.size if position else 0) == held
    assert set(book.orders) >= {report.tag for report in reports}
    assert not [e for e in reconcile(book, records).events if isinstance(e, OrderReported)]
