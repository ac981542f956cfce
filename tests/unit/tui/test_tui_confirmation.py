"""Reducing risk is one level cheaper than adding it."""

from decimal import Decimal

import pytest
from factories import make_order_row, make_position_row

from tradeconsole.actions import Danger
from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.orders import OrderRole, OrderType, Side
from tradeconsole.tui.confirmation import danger_of_arming, danger_of_cancel, danger_of_move, protects

UP, DOWN = Decimal("0.25"), Decimal("-0.25")
LONG, SHORT = make_position_row(size=2), make_position_row(size=-2)


def stop(side: Side, role: OrderRole = OrderRole.STOP_LOSS) -> object:
    return make_order_row(
        side=side, role=role, type=OrderType.STOP, limit_price=None, stop_price=Decimal(20000)
    )


@pytest.mark.parametrize(
    ("side", "move", "danger"),
    [
        (Side.SELL, UP, Danger.ONE_KEY),
        (Side.SELL, DOWN, Danger.TWO_KEYS),
        (Side.BUY, DOWN, Danger.ONE_KEY),
        (Side.BUY, UP, Danger.TWO_KEYS),
    ],
)
def test_tightening_a_stop_is_one_key_and_loosening_it_two(side: Side, move: Decimal, danger: Danger) -> None:
    position = LONG if side is Side.SELL else SHORT
    assert danger_of_move(stop(side), move, (position,)) is danger


@pytest.mark.parametrize("move", [UP, DOWN])
@pytest.mark.parametrize("role", [OrderRole.ENTRY, OrderRole.TAKE_PROFIT])
def test_moving_an_entry_or_a_target_is_one_key(role: OrderRole, move: Decimal) -> None:
    assert danger_of_move(make_order_row(role=role), move, (LONG,)) is Danger.ONE_KEY


def test_cancelling_a_protecting_stop_asks_for_a_second_key() -> None:
    assert danger_of_cancel(stop(Side.SELL), (LONG,)) is Danger.TWO_KEYS


def test_cancelling_an_entry_or_a_target_is_one_key() -> None:
    assert danger_of_cancel(make_order_row(role=OrderRole.ENTRY), (LONG,)) is Danger.ONE_KEY
    assert danger_of_cancel(make_order_row(role=OrderRole.TAKE_PROFIT), (LONG,)) is Danger.ONE_KEY


def test_a_stop_placed_by_hand_against_a_position_protects_it() -> None:
    by_hand = stop(Side.SELL, OrderRole.ENTRY)
    assert protects(by_hand, (LONG,))
    assert not protects(by_hand, (SHORT,))
    assert not protects(by_hand, ())
    assert not protects(by_hand, (make_position_row(size=2, instrument_id="another"),))


def test_the_stop_of_an_entry_that_still_waits_is_protection_too() -> None:
    assert protects(stop(Side.SELL), ())


@pytest.mark.parametrize(
    ("kind", "danger"),
    [
        (AccountKind.PRACTICE, Danger.TWO_KEYS),
        (AccountKind.EVALUATION, Danger.TWO_KEYS),
        (AccountKind.FUNDED, Danger.TYPED),
        (AccountKind.LIVE, Danger.TYPED),
    ],
)
def test_arming_real_money_asks_for_a_typed_word(kind: AccountKind, danger: Danger) -> None:
    assert danger_of_arming(kind) is danger
