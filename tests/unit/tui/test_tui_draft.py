"""The ticket's draft: sensible prices, whole steps, and the command it means."""

from decimal import Decimal

import msgspec
import pytest
from factories import make_ticket_view
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.tui.draft import (
    Draft,
    Field,
    command,
    first_price,
    new_draft,
    retyped,
    stepped,
    turned,
    types_offered,
)

VIEW = make_ticket_view(bid=20123.0, ask=20123.5, default_stop_ticks=40, default_target_ticks=80)


def of(**fields: object) -> Draft:
    return msgspec.structs.replace(new_draft(VIEW, Side.BUY), **fields)


def test_a_new_draft_is_a_market_order_for_one_with_the_usual_bracket() -> None:
    order = command(new_draft(VIEW, Side.BUY), VIEW, "A1")
    assert (order.side, order.type, order.size) == (Side.BUY, OrderType.MARKET, 1)
    assert order.bracket == Bracket(40, 80)
    assert order.limit_price is order.stop_price is order.trail_ticks is None
    assert order.symbol == VIEW.instrument_id


def test_a_venue_without_brackets_gets_none() -> None:
    view = make_ticket_view(brackets=False)
    assert command(new_draft(view, Side.BUY), view, "A1").bracket is None


@pytest.mark.parametrize(
    ("side", "kind", "price"),
    [
        (Side.BUY, OrderType.LIMIT, "20123.00"),
        (Side.SELL, OrderType.LIMIT, "20123.50"),
        (Side.BUY, OrderType.STOP, "20125.50"),
        (Side.SELL, OrderType.STOP, "20121.00"),
        (Side.BUY, OrderType.TRAILING_STOP, "40"),
        (Side.BUY, OrderType.MARKET, ""),
    ],
)
def test_the_first_price_joins_the_market_or_lies_beyond_it(side: Side, kind: OrderType, price: str) -> None:
    assert retyped(of(side=side), kind, VIEW).price == price


def test_turning_the_side_takes_the_price_of_that_side() -> None:
    limit = retyped(of(), OrderType.LIMIT, VIEW)
    assert turned(limit, Side.SELL, VIEW).price == "20123.50"


def test_without_a_market_there_is_no_first_price() -> None:
    dark = make_ticket_view(bid=None, ask=None, last=None)
    assert first_price(of(type=OrderType.LIMIT), dark) == ""


def test_without_a_bid_the_last_price_serves() -> None:
    view = make_ticket_view(bid=None, ask=None, last=20123.25)
    assert first_price(of(type=OrderType.LIMIT), view) == "20123.25"


@given(steps=st.integers(-400, 400))
@settings(max_examples=60)
def test_a_stepped_price_stays_on_the_grid(steps: int) -> None:
    moved = stepped(retyped(of(), OrderType.LIMIT, VIEW), Field.PRICE, steps, VIEW)
    assert Decimal(moved.price) == Decimal("20123.00") + steps * VIEW.tick_size


def test_the_first_step_from_between_two_ticks_lands_on_the_grid() -> None:
    off = retyped(of(), OrderType.LIMIT, VIEW)
    off = msgspec.structs.replace(off, price="20123.10")
    assert stepped(off, Field.PRICE, 1, VIEW).price == "20123.25"
    assert stepped(off, Field.PRICE, -1, VIEW).price == "20123.00"


def test_size_never_steps_below_one() -> None:
    assert stepped(of(size="1"), Field.SIZE, -1, VIEW).size == "1"
    assert stepped(of(size=""), Field.SIZE, 1, VIEW).size == "1"
    assert stepped(of(size="2"), Field.SIZE, 10, VIEW).size == "12"


def test_a_distance_stepped_to_nothing_is_none() -> None:
    assert stepped(of(stop="1"), Field.STOP, -1, VIEW).stop == ""
    assert stepped(of(target=""), Field.TARGET, 1, VIEW).target == "1"


def test_each_type_puts_its_price_where_it_belongs() -> None:
    limit = command(of(type=OrderType.LIMIT, price="20,100.25"), VIEW, "A1")
    assert (limit.limit_price, limit.stop_price) == (Decimal("20100.25"), None)
    stop = command(of(type=OrderType.STOP, price="20100.25"), VIEW, "A1")
    assert (stop.limit_price, stop.stop_price) == (None, Decimal("20100.25"))
    trail = command(of(type=OrderType.TRAILING_STOP, price="24"), VIEW, "A1")
    assert (trail.limit_price, trail.stop_price, trail.trail_ticks) == (None, None, 24)


def test_an_off_tick_price_and_a_size_of_zero_are_left_to_the_engine_to_refuse() -> None:
    order = command(of(type=OrderType.LIMIT, price="20100.10", size="0"), VIEW, "A1")
    assert (order.limit_price, order.size) == (Decimal("20100.10"), 0)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"size": ""}, "size: '' is not a whole number"),
        ({"type": OrderType.LIMIT, "price": ""}, "price: a limit order needs one"),
        ({"type": OrderType.LIMIT, "price": "1.2.3"}, "price: '1.2.3' is not a number"),
        ({"type": OrderType.LIMIT, "price": "NaN"}, "price: 'NaN' is not a number"),
        ({"type": OrderType.TRAILING_STOP, "price": "2.5"}, "trailing distance: '2.5' is not a whole number"),
        ({"stop": "x"}, "stop ticks: 'x' is not a whole number"),
        ({"size": "99999999999"}, "size: '99999999999' is not a whole number"),
        ({"size": "٣"}, "size: '٣' is not a whole number"),
        ({"type": OrderType.LIMIT, "price": "80,59"}, "price: '80,59' is not a number"),
        ({"type": OrderType.LIMIT, "price": "1e4"}, "price: '1e4' is not a number"),
    ],
)
def test_what_is_no_number_says_so(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        command(of(**fields), VIEW, "A1")
    assert str(refusal.value).startswith(sentence)


def test_only_types_that_the_venue_takes_are_offered() -> None:
    view = make_ticket_view(order_types=(OrderType.LIMIT, OrderType.MARKET, OrderType.JOIN_BID))
    assert types_offered(view) == (OrderType.MARKET, OrderType.LIMIT, OrderType.JOIN_BID)


@pytest.mark.parametrize("kind", [OrderType.JOIN_BID, OrderType.JOIN_ASK])
def test_joining_a_side_of_the_market_takes_no_price(kind: OrderType) -> None:
    draft = retyped(of(type=OrderType.LIMIT, price="20100.25"), kind, VIEW)
    assert draft.price == ""
    order = command(draft, VIEW, "A1")
    assert (order.type, order.limit_price, order.stop_price, order.trail_ticks) == (kind, None, None, None)


def test_a_stop_trails_if_there_is_one() -> None:
    assert command(of(stop="40", trails=True), VIEW, "A1").bracket == Bracket(40, 80, trailing=True)
    assert command(of(stop="", trails=True), VIEW, "A1").bracket == Bracket(None, 80)
