"""The life cycle of an order as a table: what may follow what, and what never may."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_factories import make_order

from tradeconsole.domain.orders import FINAL, LEGAL_MOVES, Bracket, OrderStatus, Side, can_move

S = OrderStatus


def test_every_status_has_its_row_and_none_leads_to_itself() -> None:
    assert set(LEGAL_MOVES) == set(S)
    assert not any(status in moves for status, moves in LEGAL_MOVES.items())


@pytest.mark.parametrize("status", S)
def test_a_status_is_either_open_or_final(status: OrderStatus) -> None:
    assert status.is_open is not status.is_final


def test_nothing_follows_a_fill_or_a_rejection() -> None:
    assert LEGAL_MOVES[S.FILLED] == LEGAL_MOVES[S.REJECTED] == frozenset()


@pytest.mark.parametrize("status", set(S) - {S.INTENDED})
def test_nothing_becomes_an_intention_again(status: OrderStatus) -> None:
    assert not can_move(status, S.INTENDED)


@pytest.mark.parametrize("status", set(S) - {S.INTENDED})
def test_only_an_intention_is_sent_so_that_an_order_goes_out_once(status: OrderStatus) -> None:
    assert not can_move(status, S.SENT)


@pytest.mark.parametrize("status", {S.PENDING, S.SUSPENDED, S.WORKING, S.CANCELLING} | FINAL)
def test_what_the_broker_has_acknowledged_is_never_in_doubt_again(status: OrderStatus) -> None:
    assert not can_move(status, S.UNKNOWN)


@pytest.mark.parametrize(
    "status", {S.PENDING, S.SUSPENDED, S.WORKING, S.CANCELLING, S.FILLED, S.CANCELLED, S.EXPIRED}
)
def test_what_the_broker_has_seen_cannot_have_failed_to_reach_it(status: OrderStatus) -> None:
    assert not can_move(status, S.FAILED)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.SENT, S.FILLED),  # the stream told of the fill before the reply was read
        (S.SENT, S.WORKING),
        (S.UNKNOWN, S.WORKING),  # the broker's records settle the doubt
        (S.UNKNOWN, S.FAILED),
        (S.FAILED, S.WORKING),  # they prove us wrong
        (S.CANCELLING, S.FILLED),  # the fill won
        (S.CANCELLING, S.WORKING),  # the cancel was refused
        (S.CANCELLED, S.FILLED),  # the fill crossed the cancel
        (S.WORKING, S.REJECTED),  # accepted first, refused by the exchange
        (S.EXPIRED, S.WORKING),  # good till cancelled, over the session break
        (S.SUSPENDED, S.WORKING),  # the entry of a bracket filled
        (S.SUSPENDED, S.CANCELLED),
    ],
)
def test_races_that_really_happen_are_legal(before: OrderStatus, after: OrderStatus) -> None:
    assert can_move(before, after)


@pytest.mark.parametrize("status", set(S) - FINAL)
def test_every_open_order_can_come_to_an_end(status: OrderStatus) -> None:
    assert LEGAL_MOVES[status] & FINAL


@pytest.mark.parametrize("status", set(S) - {S.FILLED, S.REJECTED})
def test_a_fill_is_believed_from_wherever_it_finds_the_order(status: OrderStatus) -> None:
    assert can_move(status, S.FILLED)


@given(st.lists(st.sampled_from(S), max_size=30))
@settings(max_examples=80)
def test_however_reports_arrive_a_filled_order_stays_filled(reports: list[OrderStatus]) -> None:
    status, was_filled = S.SENT, False
    for wanted in reports:
        status = wanted if can_move(status, wanted) else status
        was_filled = was_filled or status is S.FILLED
        assert not was_filled or status is S.FILLED


def test_sides_know_their_sign_and_opposite() -> None:
    assert [side.sign for side in Side] == [1, -1]
    assert all(side.opposite.opposite is side is not side.opposite for side in Side)


def test_an_order_knows_what_is_left_and_which_price_to_move() -> None:
    order = make_order(size=5, filled=2, limit_price=Decimal(10))
    assert (order.remaining, order.price) == (3, Decimal(10))
    assert make_order(stop_price=Decimal(11), limit_price=Decimal(10)).price == Decimal(11)
    assert make_order().price is None


def test_an_empty_bracket_is_no_bracket() -> None:
    assert not Bracket()
    assert Bracket(stop_ticks=10)
    assert Bracket(target_ticks=10)
