"""Resting orders at the end of their product's session, and the sessions themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from exchange_lab import MNQ, Lab

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.exchange.records import ExchangeOptions, Leg, OrderChanged, SessionEnd

CME = load_calendar("cme")
CLOSE = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
"""Monday 16:00 in Chicago."""


def end_of(group: ProductGroup, now: datetime) -> datetime | None:
    session = CME.session_at(group, now)
    return None if session is None else session.close


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (SessionEnd.CANCEL, OrderStatus.CANCELLED),
        (SessionEnd.EXPIRE, OrderStatus.EXPIRED),
        (SessionEnd.KEEP, OrderStatus.WORKING),
    ],
)
def test_a_resting_order_ends_with_its_session_as_switched(how: SessionEnd, status: OrderStatus) -> None:
    lab = Lab(ExchangeOptions(session_end=how), end_of=end_of)
    placed = lab.place(OrderType.LIMIT, Side.BUY, limit_price=27_000).order_id
    lab.wait_until(CLOSE - timedelta(milliseconds=1))
    assert lab.order(placed).status is OrderStatus.WORKING
    events = lab.wait_until(CLOSE)
    assert lab.order(placed).status is status
    if status is not OrderStatus.WORKING:
        (event,) = events
        assert isinstance(event, OrderChanged)
        assert (event.time, event.order.updated_at) == (CLOSE, CLOSE)


def test_suspended_legs_end_with_their_entry() -> None:
    lab = Lab(end_of=end_of)
    placed = lab.place(
        OrderType.LIMIT,
        Side.BUY,
        limit_price=27_000,
        stop_loss=Leg(-40, OrderType.STOP),
        take_profit=Leg(40, OrderType.LIMIT),
    ).order_id
    assert placed is not None
    lab.wait_until(CLOSE)
    assert {lab.order(placed + index).status for index in range(3)} == {OrderStatus.CANCELLED}


def test_one_long_step_ends_orders_at_the_same_moment_as_many_short_ones() -> None:
    ends = []
    for steps in (1, 200):
        lab = Lab(end_of=end_of)
        placed = lab.place(OrderType.LIMIT, Side.BUY, limit_price=27_000).order_id
        for step in range(1, steps + 1):
            lab.wait_until(lab.now + (CLOSE + timedelta(hours=3) - lab.now) * step / steps)
        ends.append(lab.order(placed).updated_at)
    assert ends == [CLOSE, CLOSE]


def test_where_sessions_never_end_orders_rest_on() -> None:
    lab = Lab()
    placed = lab.place(OrderType.LIMIT, Side.BUY, limit_price=27_000).order_id
    lab.wait_until(CLOSE + timedelta(days=3))
    assert lab.order(placed).status is OrderStatus.WORKING
    assert lab.order(placed).contract_id == MNQ


@pytest.mark.parametrize(
    ("group", "clock", "is_open"),
    [
        ("equity_index", "15:59:59", True),
        ("equity_index", "16:00:00", False),
        ("equity_index", "17:00:00", True),
        ("fx", "16:30:00", False),
        ("energy", "15:59:00", True),
        ("metals", "16:00:00", False),
        ("rates", "17:00:00", True),
        ("crypto", "16:30:00", False),
        ("grains", "07:44:59", True),
        ("grains", "07:45:00", False),
        ("grains", "08:29:59", False),
        ("grains", "08:30:00", True),
        ("grains", "13:20:00", False),
        ("grains", "18:59:59", False),
        ("grains", "19:00:00", True),
        ("livestock", "08:29:59", False),
        ("livestock", "08:30:00", True),
        ("livestock", "13:04:59", True),
        ("livestock", "13:05:00", False),
        ("livestock", "17:30:00", False),
    ],
)
def test_products_trade_in_the_hours_of_their_group(group: str, clock: str, is_open: bool) -> None:
    time = datetime.fromisoformat(f"2026-08-19T{clock}-05:00")
    assert CME.is_open(ProductGroup(group), time) is is_open
