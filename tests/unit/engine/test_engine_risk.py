"""The risk gate: each rule refuses with its name and numbers, and reducing risk stays possible."""

from decimal import Decimal
from typing import Any

import pytest
from trading_factories import make_account, make_instrument, make_order, make_quote

from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType, Side
from tradeconsole.engine.risk import RiskLimits, Situation, check, check_leg, reduces, refusal
from tradeconsole.errors import InvalidRequest, RiskDenied


def make_situation(**over: Any) -> Situation:
    fields: dict[str, Any] = {
        "account": make_account(),
        "instrument": make_instrument(),
        "quote": make_quote(),
        "quote_age": 0.1,
        "position": 0,
        "open_orders": (),
        "armed": True,
        "synced": True,
        "session_open": True,
        "session_note": "",
        "limits": RiskLimits(),
        "supported": frozenset(OrderType) - {OrderType.STOP_LIMIT},
        "can_bracket": True,
    }
    return Situation(**{**fields, **over})


def test_a_sensible_order_passes() -> None:
    check(make_order(bracket=Bracket(stop_ticks=40, target_ticks=80)), make_situation())


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"size": 0}, "size 0"),
        ({"size": -1}, "size -1"),
        ({"type": OrderType.LIMIT}, "needs a limit price"),
        ({"type": OrderType.STOP}, "needs a stop price"),
        ({"limit_price": Decimal(21000)}, "takes no limit price"),
        ({"type": OrderType.STOP_LIMIT}, "takes no stop-limit orders"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal("20999.9")}, "off the tick grid of 0.25"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal(0)}, "above zero"),
        ({"type": OrderType.TRAILING_STOP, "trail_ticks": 0}, "at least 1"),
        ({"bracket": Bracket(stop_ticks=0)}, "at least 1 tick"),
        ({"bracket": Bracket(stop_ticks=84_000)}, "stop of 84000 ticks: further"),
        ({"bracket": Bracket(target_ticks=99_999_999)}, "target of 99999999 ticks: further"),
        ({"type": OrderType.STOP, "stop_price": Decimal(20990)}, "must lie above the market"),
        (
            {"type": OrderType.STOP, "stop_price": Decimal(21010), "side": Side.SELL},
            "must lie below the market",
        ),
    ],
)
def test_orders_that_make_no_sense_are_invalid(order: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        check(make_order(**order), make_situation())


def test_off_tick_prices_name_their_neighbours() -> None:
    order = make_order(type=OrderType.LIMIT, limit_price=Decimal("20999.9"))
    assert "20,999.75 and 21,000.00" in (refusal(order, make_situation()) or "")


@pytest.mark.parametrize(
    ("rule", "situation", "order"),
    [
        ("account", {"account": None}, {}),
        ("account", {"account": make_account(can_trade=False)}, {}),
        ("read_only", {"limits": RiskLimits(read_only=True)}, {}),
        ("armed", {"armed": False}, {}),
        ("synced", {"synced": False}, {}),
        ("session", {"session_open": False}, {}),
        ("fresh_data", {"quote_age": None}, {}),
        ("fresh_data", {"quote_age": 31.0}, {}),
        ("max_order_size", {}, {"size": 11}),
        ("max_position", {"position": 19}, {}),
        ("max_position", {"open_orders": (make_order(size=19, status=OrderStatus.UNKNOWN),)}, {}),
        ("max_open_orders", {"limits": RiskLimits(max_open_orders=0)}, {}),
        ("price_collar", {}, {"type": OrderType.LIMIT, "limit_price": Decimal(15000)}),
        ("price_collar", {"quote": None}, {"type": OrderType.LIMIT, "limit_price": Decimal(21000)}),
    ],
)
def test_each_rule_refuses_by_its_name(rule: str, situation: dict[str, Any], order: dict[str, Any]) -> None:
    with pytest.raises(RiskDenied) as caught:
        check(make_order(**order), make_situation(**situation))
    assert caught.value.rule == rule


@pytest.mark.parametrize("price", ["20370", "21630"])
def test_the_collar_ends_exactly_at_its_percent(price: str) -> None:
    inside, situation = Decimal(price), make_situation()
    outside = inside + (Decimal("0.25") if inside > 21000 else Decimal("-0.25"))
    check(make_order(type=OrderType.LIMIT, limit_price=inside), situation)
    with pytest.raises(RiskDenied, match=r"is 3\.0 % away from 21,000\.00, limit is 3 %"):
        check(make_order(type=OrderType.LIMIT, limit_price=outside), situation)


def test_below_zero_no_price_is_near_the_market() -> None:
    with pytest.raises(RiskDenied, match="away from −30"):
        check(
            make_order(type=OrderType.LIMIT, limit_price=Decimal(60)),
            make_situation(quote=make_quote(last=-30.0)),
        )


def test_an_expired_contract_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="not the active contract"):
        check(make_order(), make_situation(instrument=make_instrument(active=False)))


def test_an_order_that_only_reduces_needs_no_arming() -> None:
    check(make_order(side=Side.SELL), make_situation(position=2, armed=False, synced=False))


@pytest.mark.parametrize(
    ("position", "others", "expected"),
    [(2, (), True), (1, (), False), (0, (), False), (-2, (), False), (3, (2,), False), (4, (2,), True)],
)
def test_reducing_counts_the_exits_already_working(
    position: int, others: tuple[int, ...], expected: bool
) -> None:
    working = tuple(make_order(side=Side.SELL, size=size, status=OrderStatus.WORKING) for size in others)
    assert (
        reduces(make_order(side=Side.SELL, size=2), make_situation(position=position, open_orders=working))
        is expected
    )


def test_an_exit_with_a_bracket_is_not_a_reduction() -> None:
    order = make_order(side=Side.SELL, bracket=Bracket(stop_ticks=10))
    assert not reduces(order, make_situation(position=2))


def test_a_leg_of_the_engine_may_only_close_what_is_held() -> None:
    stop = make_order(side=Side.SELL, type=OrderType.STOP, stop_price=Decimal(20990), size=2)
    held = make_situation(position=2, armed=False, synced=False, quote=None)
    check_leg(stop, held)
    for situation in (make_situation(position=1), make_situation(), make_situation(position=-2)):
        with pytest.raises(RiskDenied, match="for 2 contracts, but the position has"):
            check_leg(stop, situation)
    with pytest.raises(RiskDenied, match="read-only"):
        check_leg(stop, make_situation(position=2, limits=RiskLimits(read_only=True)))
    through = make_order(side=Side.SELL, type=OrderType.STOP, stop_price=Decimal(21010), size=2)
    check_leg(through, make_situation(position=2))


@pytest.mark.parametrize(
    ("bracket", "missing"),
    [
        (Bracket(40), OrderType.STOP),
        (Bracket(40, trailing=True), OrderType.TRAILING_STOP),
        (Bracket(None, 80), OrderType.LIMIT),
    ],
)
def test_the_engine_keeps_only_brackets_whose_legs_the_broker_takes(
    bracket: Bracket, missing: OrderType
) -> None:
    order = make_order(bracket=bracket, engine_bracket=True)
    check(order, make_situation())
    with pytest.raises(InvalidRequest, match=f"needs a {missing} order"):
        check(order, make_situation(supported=frozenset(OrderType) - {missing}))
