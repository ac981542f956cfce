"""What the spool alone remembers: the newest record of each identity, whatever order they arrive in."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import ONE_OF_EACH, make_position, make_round_trip
from trading_factories import ACCOUNT, MNQ, NOON, make_fill, make_order

from tradeconsole.domain.events import CancelAsked, RoundTripVoided
from tradeconsole.domain.orders import CancelBy, OrderStatus
from tradeconsole.ports import PositionCleared
from tradeconsole.storage.recall import recall
from tradeconsole.storage.records import Entry

STORY = [
    Entry(1, make_order(status=OrderStatus.INTENDED)),
    Entry(2, make_order(status=OrderStatus.SENT)),
    Entry(3, make_order(status=OrderStatus.FILLED, filled=2)),
    Entry(4, make_fill()),
    Entry(5, make_position()),
    Entry(6, make_round_trip()),
    Entry(7, PositionCleared(ACCOUNT, MNQ)),
    Entry(8, RoundTripVoided(ACCOUNT, make_round_trip().round_trip_id)),
    Entry(9, make_position(size=4)),
]


@given(order=st.permutations(STORY))
@settings(max_examples=50)
def test_the_newest_stamp_wins_in_any_order_of_arrival(order: list[Entry]) -> None:
    memory = recall(order)
    assert [known.status for known in memory.orders] == [OrderStatus.FILLED]
    assert [position.size for position in memory.positions] == [4]
    assert memory.round_trips == ()
    assert memory.fills == (make_fill(),)


def test_a_cancel_is_noted_on_an_order_of_which_nothing_newer_is_known() -> None:
    asked = CancelAsked("tc-1", CancelBy.HAND, NOON)
    orders = [Entry(2, make_order(order_id="tc-1", status=OrderStatus.WORKING))]
    (noted,) = recall([Entry(3, asked), *orders]).orders
    assert (noted.cancel_by, noted.cancel_asked_at, noted.status) == (
        CancelBy.HAND,
        NOON,
        OrderStatus.WORKING,
    )
    assert [order.cancel_by for order in recall([*orders, Entry(1, asked)]).orders] == [None]
    taken_back = Entry(4, CancelAsked("tc-1", None, None))
    assert [order.cancel_by for order in recall([taken_back, Entry(3, asked), *orders]).orders] == [None]
    assert recall([Entry(3, asked)]).orders == ()


def test_reading_twice_is_reading_once() -> None:
    entries = [Entry(stamp, record) for stamp, record in enumerate(ONE_OF_EACH)]
    assert recall([*entries, *entries]) == recall(entries)


def test_a_cleared_position_is_no_position() -> None:
    assert recall(STORY[:7]).positions == ()


def test_fills_come_oldest_first_and_by_number_within_a_moment() -> None:
    fills = [
        make_fill(fill_id="10"),
        make_fill(fill_id="9"),
        make_fill(fill_id="1", time=NOON + timedelta(seconds=1)),
        make_fill(fill_id="99", time=NOON - timedelta(seconds=1)),
    ]
    memory = recall(Entry(stamp, fill) for stamp, fill in enumerate(fills))
    assert [fill.fill_id for fill in memory.fills] == ["99", "9", "10", "1"]
