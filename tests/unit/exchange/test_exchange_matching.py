"""When and at what price orders fill, and what becomes of brackets."""

from decimal import Decimal

import pytest
from exchange_lab import ACCOUNT, MNQ, Lab, told
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.records import ExchangeOptions, Leg, ModifyRequest, TradeReported

PARTIAL = ExchangeOptions(partial_fills=True)


def limit(lab: Lab, side: Side, price: float, size: int = 1) -> int:
    return lab.place(OrderType.LIMIT, side, size, limit_price=Decimal(str(price))).order_id or 0


def stop(lab: Lab, side: Side, price: float, size: int = 1) -> int:
    return lab.place(OrderType.STOP, side, size, stop_price=Decimal(str(price))).order_id or 0


def test_a_resting_limit_needs_a_trade_or_quote_through_its_price() -> None:
    lab = Lab()
    order_id = limit(lab, Side.BUY, 27999)
    lab.trade(27999.0)
    lab.quote(27999.0, 27999.25)
    assert lab.order(order_id).status is OrderStatus.WORKING
    lab.trade(27998.75)
    assert lab.order(order_id).filled_price == Decimal(27999)


def test_a_resting_limit_fills_when_the_other_side_is_quoted_at_its_price() -> None:
    lab = Lab()
    order_id = limit(lab, Side.SELL, 28001)
    lab.quote(28001.0, 28001.25)
    assert lab.order(order_id).filled_price == Decimal(28001)


def test_touch_is_enough_where_the_option_says_so() -> None:
    lab = Lab(ExchangeOptions(fill_on_touch=True))
    order_id = limit(lab, Side.BUY, 27999)
    lab.trade(27999.0)
    assert lab.order(order_id).status is OrderStatus.FILLED


def test_a_marketable_limit_fills_at_the_better_market_price() -> None:
    lab = Lab()
    order_id = limit(lab, Side.BUY, 28010)
    lab.settle()
    assert lab.order(order_id).filled_price == Decimal("28000.25")


def test_a_limit_that_was_marketable_and_no_longer_is_starts_to_rest() -> None:
    lab = Lab()
    order_id = limit(lab, Side.BUY, 28000.25)
    lab.quote(28005.0, 28005.25)
    lab.settle()
    assert lab.order(order_id).status is OrderStatus.WORKING


@pytest.mark.parametrize(
    ("kind", "side", "price"),
    [
        (OrderType.JOIN_BID, Side.BUY, "28000"),
        (OrderType.JOIN_ASK, Side.SELL, "28000.25"),
    ],
)
def test_joins_rest_at_the_best_price_of_their_side(kind: OrderType, side: Side, price: str) -> None:
    lab = Lab()
    order = lab.order(lab.place(kind, side).order_id)
    assert (order.status, order.limit_price, order.type) == (OrderStatus.WORKING, Decimal(price), kind)


def test_a_stop_fills_at_the_market_beyond_its_price_plus_slippage() -> None:
    lab = Lab(ExchangeOptions(stop_slippage_ticks=2))
    order_id = stop(lab, Side.SELL, 27998)
    lab.quote(27998.0, 27998.25)
    assert lab.order(order_id).status is OrderStatus.WORKING
    lab.trade(27998.0)
    assert lab.order(order_id).filled_price == Decimal("27997.5")


def test_a_market_order_pays_the_spread_and_the_slippage_asked_for() -> None:
    lab = Lab(ExchangeOptions(slippage_ticks=1))
    buy = lab.place(OrderType.MARKET, Side.BUY).order_id
    sell = lab.place(OrderType.MARKET, Side.SELL).order_id
    lab.settle()
    assert [lab.order(order).filled_price for order in (buy, sell)] == [
        Decimal("28000.5"),
        Decimal("27999.75"),
    ]


def test_a_trailing_stop_keeps_the_distance_it_was_given_and_only_ever_tightens() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.TRAILING_STOP, Side.SELL, trail_price=Decimal("27998.5")).order_id
    order = lab.order(order_id)
    assert (order.trail_distance, order.trail_price, order.stop_price) == (
        6,
        Decimal("1.5"),
        Decimal("27998.5"),
    )
    for last, expected in ((28002.0, "28000.5"), (28001.0, "28000.5"), (28003.25, "28001.75")):
        lab.quote(last - 0.25, last)
        lab.trade(last)
        assert lab.order(order_id).stop_price == Decimal(expected)
    lab.quote(28001.5, 28001.75)
    assert lab.order(order_id).filled_price == Decimal("28001.5")


def test_a_trailing_leg_trails_from_the_fill_price() -> None:
    lab = Lab()
    entry = lab.place(OrderType.MARKET, Side.SELL, stop_loss=Leg(8, OrderType.TRAILING_STOP)).order_id or 0
    lab.settle()
    leg = lab.order(entry + 1)
    assert (leg.stop_price, leg.trail_distance, leg.trail_price) == (Decimal(28002), 8, Decimal(2))
    for last, expected in ((27999.75, "28001.75"), (28000.5, "28001.75"), (27999.0, "28001")):
        lab.trade(last)
        assert lab.order(leg.id).stop_price == Decimal(expected)


def test_a_stop_limit_becomes_a_limit_order_when_its_stop_is_reached() -> None:
    lab = Lab(ExchangeOptions(stop_limit_orders=True))
    prices = {"stop_price": Decimal(28002), "limit_price": Decimal("28002.25")}
    order_id = lab.place(OrderType.STOP_LIMIT, Side.BUY, **prices).order_id
    lab.quote(28003.0, 28003.25)
    assert lab.order(order_id).status is OrderStatus.WORKING
    lab.quote(28001.75, 28002.0)
    assert lab.order(order_id).filled_price == Decimal("28002.25")


def test_a_modified_limit_that_crosses_the_market_fills_at_the_market() -> None:
    lab = Lab()
    order_id = limit(lab, Side.BUY, 27990)
    lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, limit_price=Decimal(28100)), lab.now)
    lab.settle()
    assert lab.order(order_id).filled_price == Decimal("28000.25")


def test_a_halt_holds_everything_until_it_is_lifted() -> None:
    lab = Lab()
    order_id = stop(lab, Side.SELL, 27998)
    lab.exchange.set_halted(MNQ, True, lab.now)
    lab.quote(27990.0, 27990.25)
    assert lab.order(order_id).status is OrderStatus.WORKING
    lab.exchange.set_halted(MNQ, False, lab.now)
    assert lab.order(order_id).filled_price == Decimal(27990)


def test_a_market_order_caught_by_a_halt_is_rejected() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.exchange.set_halted(MNQ, True, lab.now)
    lab.settle()
    assert {lab.order(entry_id + leg).status for leg in range(3)} == {OrderStatus.REJECTED}


def test_cancelling_an_unfilled_entry_cancels_its_suspended_legs() -> None:
    lab = Lab()
    entry = (
        lab.place(
            OrderType.LIMIT, Side.BUY, limit_price=Decimal(27990), stop_loss=Leg(-10, OrderType.STOP)
        ).order_id
        or 0
    )
    lab.wait()
    lab.exchange.cancel(ACCOUNT, entry, lab.now)
    assert told(lab.settle()) == ["0 order limit cancelled 27990.00", "0 order stop cancelled"]


def test_a_pending_market_order_can_still_be_cancelled() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.MARKET, Side.BUY).order_id or 0
    assert lab.exchange.cancel(ACCOUNT, order_id, lab.now).success
    lab.settle()
    assert (lab.order(order_id).status, lab.position()) == (OrderStatus.CANCELLED, 0)


def test_closing_a_position_leaves_the_legs_working_unless_the_option_says_otherwise() -> None:
    for cancels, expected in ((False, OrderStatus.WORKING), (True, OrderStatus.CANCELLED)):
        lab = Lab(ExchangeOptions(close_cancels_brackets=cancels))
        entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
        lab.settle()
        lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
        lab.settle()
        assert [lab.order(entry_id + leg).status for leg in (1, 2)] == [expected, expected]


def test_moving_one_leg_does_not_touch_the_other() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    other = lab.order(entry_id + 2)
    lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=entry_id + 1, stop_price=Decimal(27999)), lab.now)
    assert lab.order(entry_id + 2) == other


def test_a_leg_whose_price_was_passed_before_it_woke_fills_at_once() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-4, target=40)
    lab.wait(5)
    lab.quote(27990.0, 27990.25)
    lab.settle()
    assert lab.order(entry_id + 1).filled_price == Decimal(27990)
    assert lab.order(entry_id + 2).status is OrderStatus.CANCELLED


def test_the_sibling_of_a_filled_leg_cannot_fill_or_be_moved_while_its_cancellation_is_on_the_way() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    lab.quote(28002.75, 28003.0)
    assert lab.order(entry_id + 1).status is OrderStatus.WORKING
    moved = ModifyRequest(order_id=entry_id + 1, stop_price=Decimal("27998.5"))
    assert not lab.exchange.modify(ACCOUNT, moved, lab.now).success
    lab.quote(27990.0, 27990.25)
    assert lab.position() == 0
    lab.settle()
    assert lab.order(entry_id + 1).status is OrderStatus.CANCELLED


def test_one_price_that_reaches_both_legs_fills_only_one_of_them() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    lab.quote(27990.0, 28010.0)
    target = ModifyRequest(order_id=entry_id + 2, limit_price=Decimal(27995))
    stop_loss = ModifyRequest(order_id=entry_id + 1, stop_price=Decimal(27999))
    assert lab.exchange.modify(ACCOUNT, target, lab.now).success
    assert lab.exchange.modify(ACCOUNT, stop_loss, lab.now).success
    lab.trade(27998.0)
    lab.settle()
    assert lab.position() == 0
    assert len(lab.exchange.trades(ACCOUNT)) == 2


def test_a_leg_that_was_moved_across_the_market_does_not_fill_after_its_sibling_has() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    crossing = ModifyRequest(order_id=entry_id + 2, limit_price=Decimal(27990))
    assert lab.exchange.modify(ACCOUNT, crossing, lab.now).success
    lab.quote(27997.25, 27997.5)
    lab.settle()
    assert lab.position() == 0
    assert lab.order(entry_id + 2).status is OrderStatus.CANCELLED


def test_the_rest_of_an_entry_cannot_be_moved_back_to_life_once_a_leg_has_filled() -> None:
    lab = Lab(PARTIAL)
    entry = (
        lab.place(
            OrderType.LIMIT, Side.BUY, 5, limit_price=Decimal(27999), take_profit=Leg(20, OrderType.LIMIT)
        )
    ).order_id or 0
    lab.trade(27998.75, size=2)
    lab.settle()
    lab.quote(28004.0, 28004.25)
    assert not lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=entry, size=4), lab.now).success
    lab.quote(27998.0, 27998.25)
    lab.settle()
    assert lab.position() == 0


def test_a_crossing_modification_that_a_halt_catches_goes_on_working() -> None:
    lab = Lab()
    order_id = limit(lab, Side.BUY, 27990)
    lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, limit_price=Decimal(28100)), lab.now)
    lab.exchange.set_halted(MNQ, True, lab.now)
    lab.settle()
    assert lab.order(order_id).status is OrderStatus.WORKING
    lab.exchange.set_halted(MNQ, False, lab.now)
    assert lab.order(order_id).status is OrderStatus.FILLED


def test_a_closing_order_never_opens_a_position() -> None:
    lab = Lab()
    lab.bracket(Side.BUY, 2, stop=-10, target=10)
    lab.settle()
    lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
    lab.quote(27990.0, 27990.25)
    lab.settle()
    assert lab.position() == 0
    closing = lab.exchange.orders(ACCOUNT)[-1]
    assert (closing.type, closing.status, closing.filled) == (OrderType.MARKET, OrderStatus.CANCELLED, 0)


def test_displayed_size_limits_what_fills_at_a_price() -> None:
    lab = Lab(PARTIAL)
    order_id = lab.place(OrderType.MARKET, Side.BUY, 25).order_id
    trades = [event.trade for event in lab.settle() if isinstance(event, TradeReported)]
    assert [(trade.size, trade.price) for trade in trades] == [
        (10, Decimal("28000.25")),
        (10, Decimal("28000.5")),
        (5, Decimal("28000.75")),
    ]
    assert lab.order(order_id).filled_price == Decimal("28000.45")


def test_a_resting_order_fills_in_parts_and_legs_are_sized_to_what_has_filled() -> None:
    lab = Lab(PARTIAL)
    entry = (
        lab.place(
            OrderType.LIMIT,
            Side.BUY,
            5,
            limit_price=Decimal(27999),
            stop_loss=Leg(-8, OrderType.STOP),
            take_profit=Leg(8, OrderType.LIMIT),
        ).order_id
        or 0
    )
    lab.trade(27998.75, size=2)
    lab.settle()
    order = lab.order(entry)
    assert (order.status, order.filled) == (OrderStatus.WORKING, 2)
    assert [lab.order(entry + leg).size for leg in (1, 2)] == [2, 2]
    lab.trade(27998.75, size=3)
    lab.settle()
    assert lab.order(entry).status is OrderStatus.FILLED
    assert [lab.order(entry + leg).size for leg in (1, 2)] == [5, 5]


def test_when_a_leg_fills_before_its_entry_is_done_the_rest_of_the_entry_is_cancelled() -> None:
    lab = Lab(PARTIAL)
    entry = (
        lab.place(
            OrderType.LIMIT, Side.BUY, 5, limit_price=Decimal(27999), take_profit=Leg(20, OrderType.LIMIT)
        ).order_id
        or 0
    )
    lab.trade(27998.75, size=2)
    lab.settle()
    lab.quote(28004.0, 28004.25, size=10)
    lab.settle()
    assert (lab.order(entry).status, lab.order(entry).filled) == (OrderStatus.CANCELLED, 2)
    assert lab.position() == 0


def test_a_partly_filled_leg_shrinks_its_sibling() -> None:
    lab = Lab(PARTIAL)
    entry_id = lab.bracket(Side.BUY, 6, stop=-10, target=10)
    lab.settle()
    lab.trade(28003.0, size=4)
    lab.settle()
    stop_leg, target_leg = lab.order(entry_id + 1), lab.order(entry_id + 2)
    assert (target_leg.filled, target_leg.status) == (4, OrderStatus.WORKING)
    assert (stop_leg.remaining, stop_leg.status) == (2, OrderStatus.WORKING)
    lab.quote(27990.0, 27990.25)
    lab.settle()
    assert lab.position() == 0
    assert lab.order(target_leg.id).status is OrderStatus.CANCELLED


moves = st.lists(st.tuples(st.integers(-16, 16), st.integers(0, 30), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(side=st.sampled_from(Side), size=st.integers(1, 4), partial=st.booleans(), path=moves)
def test_a_bracket_never_closes_more_than_its_entry_opened(
    side: Side, size: int, partial: bool, path: list[tuple[int, int, bool]]
) -> None:
    lab = Lab(ExchangeOptions(partial_fills=partial))
    entry_id = lab.bracket(side, size, stop=-8 * side.sign, target=8 * side.sign)
    for ticks, pause, is_print in path:
        price = 28000 + ticks * 0.25
        if is_print:
            lab.trade(price, size=1 + pause % 3)
        else:
            lab.quote(price, price + 0.25, size=1 + pause % 3)
        lab.wait(pause)
        filled = [lab.order(entry_id + leg).filled for leg in range(3)]
        assert filled[1] + filled[2] <= filled[0] <= size
        assert lab.position() == side.sign * (filled[0] - filled[1] - filled[2])
    lab.settle()
    if lab.position() == 0:
        assert all(
            lab.order(entry_id + leg).status in {OrderStatus.FILLED, OrderStatus.CANCELLED}
            for leg in range(3)
        )
