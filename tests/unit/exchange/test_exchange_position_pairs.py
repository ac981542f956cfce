"""Position brackets: the stop and the target that the platform itself keeps for whatever an account holds."""

from datetime import timedelta
from decimal import Decimal

import pytest
from exchange_lab import ACCOUNT, CATALOGUE, MNQ, Lab

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.records import (
    BracketMode,
    ModifyCode,
    ModifyRequest,
    PositionBrackets,
    VenueOrder,
)
from tradeconsole.exchange.venue import Exchange

TICK = Decimal("0.25")
BOTH = PositionBrackets(stop_ticks=40, target_ticks=80)


def guarded_lab(brackets: PositionBrackets = BOTH) -> Lab:
    return Lab(bracket_mode=BracketMode.POSITION, position_brackets=brackets)


def enter(lab: Lab, side: Side = Side.BUY, size: int = 2) -> None:
    """A market order, and time for all that follows."""
    assert lab.place(OrderType.MARKET, side, size).success
    lab.wait(100)


def guards(lab: Lab) -> list[VenueOrder]:
    """Working orders of the platform's own, the stop first."""
    orders = lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING}))
    return sorted(
        (order for order in orders if order.position_id), key=lambda order: order.type is not OrderType.STOP
    )


def stand(lab: Lab) -> list[tuple[Side, int, Decimal | None]]:
    """Side, size and price of each."""
    return [(order.side, order.size, order.stop_price or order.limit_price) for order in guards(lab)]


@pytest.mark.parametrize("side", list(Side))
def test_a_position_gets_a_stop_and_a_target_a_moment_after_it_was_opened(side: Side) -> None:
    lab = guarded_lab()
    lab.place(OrderType.MARKET, side, 2)
    lab.wait(24)
    assert not guards(lab)
    lab.wait(1)
    stop, target = guards(lab)
    fill = Decimal("28000.25") if side is Side.BUY else Decimal(28000)
    assert (stop.type, stop.side, stop.size) == (OrderType.STOP, side.opposite, 2)
    assert stop.stop_price == fill - 40 * TICK * side.sign
    assert (target.type, target.side, target.size) == (OrderType.LIMIT, side.opposite, 2)
    assert target.limit_price == fill + 80 * TICK * side.sign
    assert (stop.tag, stop.parent_id, target.linked_id) == (None, None, stop.id)


@pytest.mark.parametrize(
    ("brackets", "kinds"),
    [
        (PositionBrackets(stop_ticks=40), [OrderType.STOP]),
        (PositionBrackets(target_ticks=80), [OrderType.LIMIT]),
        (PositionBrackets(), []),
        (PositionBrackets(stop_ticks=100_000, target_ticks=100_000), [OrderType.STOP, OrderType.LIMIT]),
    ],
)
def test_only_what_is_set_up_is_kept(brackets: PositionBrackets, kinds: list[OrderType]) -> None:
    lab = guarded_lab(brackets)
    enter(lab)
    assert [order.type for order in guards(lab)] == kinds


def test_an_account_with_brackets_of_its_own_orders_has_none_of_its_positions() -> None:
    lab = Lab(bracket_mode=BracketMode.AUTO_OCO, position_brackets=BOTH)
    enter(lab)
    assert not guards(lab)


def test_the_pair_follows_a_position_that_grows_in_size_and_average_price() -> None:
    lab = guarded_lab()
    enter(lab)
    lab.quote(28002.75, 28003.0)
    enter(lab, size=1)
    # (2 × 28000.25 + 28003) / 3 = 28001.17, to the nearest tick 28001.25
    assert stand(lab) == [(Side.SELL, 3, Decimal("27991.25")), (Side.SELL, 3, Decimal("28021.25"))]


def test_the_pair_of_a_position_that_shrinks_keeps_its_prices() -> None:
    lab = guarded_lab()
    enter(lab, size=3)
    lab.exchange.partial_close(ACCOUNT, MNQ, 2, lab.now)
    lab.wait(100)
    assert stand(lab) == [(Side.SELL, 1, Decimal("27990.25")), (Side.SELL, 1, Decimal("28020.25"))]


def test_a_flat_position_takes_both_with_it_and_neither_fills_any_more() -> None:
    lab = guarded_lab()
    enter(lab)
    lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
    lab.wait(6)
    assert lab.position() == 0
    assert len(guards(lab)) == 2
    lab.quote(27900.0, 27900.25)
    lab.wait(100)
    assert lab.position() == 0
    assert not guards(lab)


@pytest.mark.parametrize(("bid", "filled"), [(27990.0, OrderType.STOP), (28021.0, OrderType.LIMIT)])
def test_when_one_fills_the_other_is_cancelled(bid: float, filled: OrderType) -> None:
    lab = guarded_lab()
    enter(lab)
    pair = guards(lab)
    lab.quote(bid, bid + 0.25)
    lab.wait(100)
    assert lab.position() == 0
    assert {lab.order(order.id).status for order in pair if order.type is filled} == {OrderStatus.FILLED}
    assert {lab.order(order.id).status for order in pair if order.type is not filled} == {
        OrderStatus.CANCELLED
    }


def test_a_position_that_turns_has_another_pair() -> None:
    lab = guarded_lab()
    enter(lab)
    old = guards(lab)
    enter(lab, Side.SELL, 3)
    assert lab.position() == -1
    assert {lab.order(order.id).status for order in old} == {OrderStatus.CANCELLED}
    assert stand(lab) == [(Side.BUY, 1, Decimal(28010)), (Side.BUY, 1, Decimal(27980))]


def test_a_stop_that_is_taken_away_stays_away_until_the_position_is_another() -> None:
    lab = guarded_lab()
    enter(lab)
    lab.exchange.cancel(ACCOUNT, guards(lab)[0].id, lab.now)
    enter(lab, size=1)
    assert [order.type for order in guards(lab)] == [OrderType.LIMIT]
    lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
    lab.wait(100)
    enter(lab)
    assert [order.type for order in guards(lab)] == [OrderType.STOP, OrderType.LIMIT]


def test_its_price_can_be_moved_and_its_size_cannot() -> None:
    lab = guarded_lab()
    enter(lab)
    stop = guards(lab)[0]
    request = ModifyRequest(order_id=stop.id, size=9, stop_price=Decimal(27995))
    assert lab.exchange.modify(ACCOUNT, request, lab.now).code == ModifyCode.SUCCESS
    lab.wait(100)
    assert stand(lab)[0] == (Side.SELL, 2, Decimal(27995))


@pytest.mark.parametrize(("traders_first", "left"), [(True, 0), (False, -1)])
def test_of_two_stops_that_meet_the_platforms_never_closes_more_than_is_held(
    traders_first: bool, left: int
) -> None:
    lab = guarded_lab()
    traders = {"stop_price": Decimal(27995)}
    if traders_first:
        lab.place(OrderType.STOP, Side.SELL, 1, **traders)
    enter(lab)
    if not traders_first:
        lab.place(OrderType.STOP, Side.SELL, 1, **traders)
    lab.quote(27900.0, 27900.25)
    lab.wait(11)
    # the other way round, the trader's own stop opens a position, which the platform guards in its turn
    assert lab.position() == left


def test_the_platforms_own_orders_use_up_no_lots() -> None:
    lab = Lab(bracket_mode=BracketMode.POSITION, position_brackets=BOTH, max_lots=Decimal("0.2"))
    enter(lab, Side.SELL, 1)
    assert len(guards(lab)) == 2
    assert lab.place(OrderType.MARKET, Side.BUY, 3).success


def test_the_pair_survives_a_snapshot() -> None:
    lab = guarded_lab()
    enter(lab)
    again = Exchange(CATALOGUE, lab.market)
    again.restore(lab.exchange.snapshot())
    pair = [
        order for order in again.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING})) if order.position_id
    ]
    assert pair == lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING}))
    again.close_contract(ACCOUNT, MNQ, lab.now)
    again.advance(lab.now + timedelta(seconds=1))
    assert not again.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING}))
