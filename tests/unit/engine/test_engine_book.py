"""The book: one writer, whatever order the broker's events arrive in."""

from datetime import timedelta
from decimal import Decimal

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

from tradeconsole.domain.events import (
    AccountReported,
    Event,
    FillReported,
    InstrumentResolved,
    OrderAccepted,
    OrderDoubted,
    OrderIntended,
    OrderRejected,
    OrderReported,
    OrderSent,
    PositionAdjusted,
    RoundTripVoided,
)
from tradeconsole.domain.orders import Bracket, CancelBy, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.ports import Restored

ORDER = "tc-hand-1"


@pytest.fixture
def book() -> Book:
    return fresh_book()


def fresh_book() -> Book:
    book = Book()
    publish(book, InstrumentResolved(make_instrument()))
    return book


def publish(book: Book, *events: Event) -> list[Event]:
    seen: list[Event] = []
    bus = Bus(lambda event: (seen.append(event), book.apply(event))[1])
    for event in events:
        bus.publish(event)
    return seen


def test_an_order_goes_from_intent_to_filled(book: Book) -> None:
    publish(book, OrderIntended(make_order()), OrderSent(ORDER, NOON))
    assert book.orders[ORDER].status is OrderStatus.SENT
    publish(book, OrderAccepted(ORDER, "3400000001", NOON))
    assert book.orders[ORDER].status is OrderStatus.SENT, "the reply alone never makes it working"
    publish(book, OrderReported(make_report(status=OrderStatus.PENDING)))
    publish(
        book, OrderReported(make_report(status=OrderStatus.FILLED, filled=2, average_price=Decimal(21000)))
    )
    order = book.orders[ORDER]
    assert (order.status, order.filled, order.broker_order_id) == (OrderStatus.FILLED, 2, "3400000001")
    assert not book.open_orders


def test_stream_events_before_the_reply_are_not_undone_by_it(book: Book) -> None:
    publish(book, OrderIntended(make_order()), OrderSent(ORDER, NOON))
    publish(book, OrderReported(make_report(status=OrderStatus.FILLED, filled=2)))
    publish(book, OrderAccepted(ORDER, "3400000001", NOON), OrderDoubted(ORDER, "timeout", NOON))
    assert book.orders[ORDER].status is OrderStatus.FILLED


def test_records_that_round_a_moment_down_still_tell_where_a_trailing_stop_is(book: Book) -> None:
    # the hub writes seven digits, the records six, and a stop that trails keeps its moment
    trailing = {"type": OrderType.TRAILING_STOP, "trail_ticks": 24}
    streamed = make_report(stop_price=Decimal(21006), updated_at=NOON + timedelta(microseconds=2), **trailing)
    book.apply(OrderReported(streamed))
    recorded = make_report(stop_price=Decimal(20996), updated_at=NOON + timedelta(microseconds=1), **trailing)
    book.apply(OrderReported(recorded))
    assert book.orders["tc-hand-1"].stop_price == Decimal(20996)


def test_an_older_report_does_not_bring_back_an_old_price(book: Book) -> None:
    stop = {"type": OrderType.STOP, "tag": "tc-hand-1"}
    publish(
        book,
        OrderReported(make_report(stop_price=Decimal(20990), updated_at=NOON + timedelta(seconds=2), **stop)),
    )
    publish(book, OrderReported(make_report(stop_price=Decimal(20980), updated_at=NOON, **stop)))
    assert book.orders[ORDER].stop_price == Decimal(20990)


def test_a_fill_may_cross_a_cancel(book: Book) -> None:
    publish(book, OrderReported(make_report(status=OrderStatus.CANCELLED)))
    publish(book, OrderReported(make_report(status=OrderStatus.FILLED, filled=2)))
    assert book.orders[ORDER].status is OrderStatus.FILLED


def test_the_reason_of_a_rejection_survives_a_quicker_stream(book: Book) -> None:
    publish(book, OrderIntended(make_order()), OrderSent(ORDER, NOON))
    publish(book, OrderReported(make_report(status=OrderStatus.REJECTED)))
    publish(book, OrderRejected(ORDER, "Invalid price", NOON, "3400000001"))
    assert book.orders[ORDER].reason == "Invalid price"


def test_bracket_legs_join_their_entry(book: Book) -> None:
    publish(book, OrderIntended(make_order()), OrderReported(make_report()))
    leg = make_report(
        broker_order_id="3400000002",
        tag="tc-hand-1-SL",
        type=OrderType.STOP,
        side=Side.SELL,
        role=OrderRole.STOP_LOSS,
        parent_broker_id="3400000001",
        status=OrderStatus.SUSPENDED,
    )
    publish(book, OrderReported(leg))
    assert book.orders["tc-hand-1-SL"].parent_id == ORDER
    assert book.orders["tc-hand-1-SL"].role is OrderRole.STOP_LOSS


def test_an_order_made_elsewhere_gets_an_id_that_follows_from_the_brokers(book: Book) -> None:
    publish(book, OrderReported(make_report(tag=None)), OrderReported(make_report(tag=None)))
    assert list(book.orders) == [f"broker-{ACCOUNT}-3400000001"]


def test_a_fill_counts_once(book: Book) -> None:
    publish(book, FillReported(make_fill()), FillReported(make_fill()))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 2


def test_a_fill_of_an_unknown_instrument_waits_for_it() -> None:
    book = Book()
    publish(book, FillReported(make_fill()))
    assert book.position(ACCOUNT, MNQ) is None
    publish(book, InstrumentResolved(make_instrument()))
    assert book.position(ACCOUNT, MNQ) is not None


def test_a_round_trip_is_net_of_fees(book: Book) -> None:
    publish(book, FillReported(make_fill()))
    exit_fill = make_fill(
        fill_id="3000000002", side=Side.SELL, price=Decimal("21010.25"), time=NOON + timedelta(1)
    )
    publish(book, FillReported(exit_fill))
    (trip,) = book.round_trips.values()
    assert trip.gross_pnl == Decimal("41.00")
    assert trip.net_pnl == Decimal("38.56")
    assert book.position(ACCOUNT, MNQ) is None


def test_fills_of_one_moment_keep_their_order_however_finely_it_was_told(book: Book) -> None:
    # an entry and its stop fill on one print: the hub writes seven digits, the records six
    entry = make_fill(fill_id="3000000001", size=3, time=NOON + timedelta(microseconds=1))
    stop = make_fill(fill_id="3000000002", size=2, side=Side.SELL, time=NOON)
    out = make_fill(fill_id="3000000003", size=1, side=Side.SELL, time=NOON + timedelta(seconds=1))
    publish(book, FillReported(entry), FillReported(stop), FillReported(out))
    assert [(trip.side, trip.size) for trip in book.round_trips.values()] == [(Side.BUY, 3)]


def test_a_lost_fill_found_late_gives_the_history_that_would_have_been(book: Book) -> None:
    """The opening fill's event is lost, the closing one looks like a new short until the opening is found."""
    opening = make_fill(fill_id="1", time=NOON)
    closing = make_fill(fill_id="2", side=Side.SELL, price=Decimal(21010), time=NOON + timedelta(seconds=5))
    reopening = make_fill(fill_id="3", time=NOON + timedelta(seconds=9), price=Decimal(21005))
    publish(book, FillReported(closing), FillReported(reopening))
    assert [trip.side for trip in book.round_trips.values()] == [Side.SELL]
    events = publish(book, FillReported(opening))
    assert any(isinstance(event, RoundTripVoided) for event in events)
    (trip,) = book.round_trips.values()
    assert (trip.side, trip.gross_pnl) == (Side.BUY, Decimal(40))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.average_price == Decimal(21005)


fills = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 4), st.integers(-20, 20)), min_size=1, max_size=12
).map(
    lambda rows: [
        make_fill(
            fill_id=str(100 + i), side=side, size=size, price=Decimal(21000) + ticks * Decimal("0.25"),
            time=NOON + timedelta(seconds=i), fees=Decimal("0.61") * size,
        )
        for i, (side, size, ticks) in enumerate(rows)
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(fills, st.randoms(use_true_random=False))
def test_fills_in_any_order_and_twice_make_one_history(rows: list, random) -> None:  # type: ignore[no-untyped-def, type-arg]
    ordered, shuffled = fresh_book(), fresh_book()
    publish(ordered, *(FillReported(fill) for fill in rows))
    mixed = rows + rows
    random.shuffle(mixed)
    publish(shuffled, *(FillReported(fill) for fill in mixed))
    assert shuffled.position(ACCOUNT, MNQ) == ordered.position(ACCOUNT, MNQ)
    assert shuffled.round_trips == ordered.round_trips


def test_the_brokers_position_can_replace_ours(book: Book) -> None:
    publish(book, FillReported(make_fill()))
    publish(book, PositionAdjusted(make_stated(size=-1, average_price=Decimal(20990)), "told so"))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert (position.size, position.average_price) == (-1, Decimal(20990))
    publish(book, FillReported(make_fill()))
    assert book.position(ACCOUNT, MNQ) == position, "the fill was known: it is not booked again"


def test_what_was_remembered_is_there_again(book: Book) -> None:
    publish(book, OrderReported(make_report(status=OrderStatus.FILLED, filled=2)), FillReported(make_fill()))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    memory = Restored(
        instruments=(make_instrument(),),
        orders=tuple(book.orders.values()),
        fills=tuple(book.fills.values()),
        positions=(position,),
    )
    again = Book()
    again.restore(memory)
    assert again.position(ACCOUNT, MNQ) == position
    assert again.orders == book.orders
    publish(again, FillReported(make_fill()))
    assert again.position(ACCOUNT, MNQ) == position


def test_a_position_older_than_the_remembered_fills_is_kept(book: Book) -> None:
    publish(book, PositionAdjusted(make_stated(size=5), "opened long ago"))
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    again = Book()
    again.restore(Restored(instruments=(make_instrument(),), fills=(make_fill(),), positions=(position,)))
    assert again.position(ACCOUNT, MNQ) == position


def test_a_fill_whose_position_was_not_written_any_more_counts(book: Book) -> None:
    again = Book()
    again.restore(Restored(instruments=(make_instrument(),), fills=(make_fill(),)))
    position = again.position(ACCOUNT, MNQ)
    assert position is not None
    assert position.size == 2


def test_a_close_whose_entry_is_too_old_to_be_remembered_opens_nothing(book: Book) -> None:
    close = make_fill(fill_id="3000000002", side=Side.SELL)
    publish(book, FillReported(make_fill(time=close.time - timedelta(days=99))), FillReported(close))
    trips = tuple(book.round_trips.values())
    again = Book()
    again.restore(Restored(instruments=(make_instrument(),), fills=(close,), round_trips=trips))
    assert again.position(ACCOUNT, MNQ) is None


def test_an_order_remembered_in_the_middle_of_its_call_is_unknown(book: Book) -> None:
    book.restore(Restored(orders=(make_order(status=OrderStatus.SENT),)))
    assert book.orders["tc-hand-1"].status is OrderStatus.UNKNOWN


def test_memory_that_comes_late_adds_what_only_we_know_of_an_order(book: Book) -> None:
    remembered = make_order(
        status=OrderStatus.WORKING,
        bracket=Bracket(40, 80),
        engine_bracket=True,
        role=OrderRole.EXIT,
        replaces="tc-hand-0",
        cancel_by=CancelBy.HAND,
        cancel_asked_at=NOON,
        sent_at=NOON,
    )
    report = make_report(tag="tc-hand-1", status=OrderStatus.CANCELLED, filled=1)
    publish(book, OrderReported(report))
    assert book.orders["tc-hand-1"].cancel_by is CancelBy.UNKNOWN
    book.restore(Restored(orders=(remembered,)))
    order = book.orders["tc-hand-1"]
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 1)
    assert (order.bracket, order.engine_bracket, order.role) == (Bracket(40, 80), True, OrderRole.EXIT)
    assert (order.cancel_by, order.cancel_asked_at) == (CancelBy.HAND, NOON)
    assert (order.replaces, order.sent_at) == ("tc-hand-0", NOON)


def test_memory_that_comes_late_takes_nothing_back(book: Book) -> None:
    publish(book, OrderReported(make_report(tag="tc-hand-1", status=OrderStatus.CANCELLED)))
    before = book.orders["tc-hand-1"]
    book.restore(Restored(orders=(make_order(status=OrderStatus.WORKING, role=before.role),)))
    assert book.orders["tc-hand-1"] == before


def test_accounts_that_the_broker_no_longer_names_are_not_offered(book: Book) -> None:
    book.restore(Restored(accounts=(make_account(account_id="1"), make_account())))
    assert len(book.shown_accounts()) == 2
    publish(book, AccountReported(make_account()))
    assert [account.account_id for account in book.shown_accounts()] == [ACCOUNT]


def test_an_untagged_market_order_against_the_position_is_its_exit(book: Book) -> None:
    close = make_report(tag=None, broker_order_id="9", side=Side.SELL, status=OrderStatus.PENDING)
    publish(book, FillReported(make_fill()), OrderReported(close))
    assert book.orders[f"broker-{ACCOUNT}-9"].role is OrderRole.EXIT
