"""Portfolio arithmetic: whatever the fills, money is neither made nor lost by counting it."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_factories import ACCOUNT, MNQ, NOON, make_fill, make_instrument

from tradeconsole.domain.orders import Side
from tradeconsole.domain.portfolio import Fill, Position, RoundTrip, apply_fill, open_pnl

INSTRUMENT = make_instrument()
CENT = Decimal("0.01")
HAIR = Decimal("1e-15")
"""What averages cost: Decimal divides to 28 digits."""


def fills_from(trades: list[tuple[int, int, int]]) -> list[Fill]:
    """Fills of (signed size, price in ticks, fees in cents)."""
    return [
        make_fill(
            fill_id=str(3_000_000_000 + number),
            side=Side.BUY if size > 0 else Side.SELL,
            size=abs(size),
            price=INSTRUMENT.price(ticks),
            fees=cents * CENT,
            time=NOON + timedelta(seconds=number),
        )
        for number, (size, ticks, cents) in enumerate(trades)
    ]


trades = st.lists(
    st.tuples(st.integers(-5, 5).filter(bool), st.integers(80_000, 84_000), st.integers(0, 500)),
    max_size=25,
).map(fills_from)


def run(fills: list[Fill]) -> tuple[Position | None, list[RoundTrip], Decimal]:
    """The position at the end, the round trips on the way, and what was realised."""
    position, closed, realised = None, [], Decimal(0)
    for fill in fills:
        outcome = apply_fill(position, fill, INSTRUMENT)
        position, realised = outcome.position, realised + outcome.realised
        closed += [outcome.closed] if outcome.closed else []
    return position, closed, realised


def signed(fill: Fill) -> int:
    return fill.size * fill.side.sign


@given(fills=trades, mark=st.integers(80_000, 84_000))
@settings(max_examples=60)
def test_realised_and_open_profit_are_the_mark_to_market_of_all_fills(fills: list[Fill], mark: int) -> None:
    position, _, realised = run(fills)
    price = INSTRUMENT.price(mark)
    floating = open_pnl(position, price, INSTRUMENT) if position else Decimal(0)
    expected = sum((INSTRUMENT.money(price - fill.price, signed(fill)) for fill in fills), Decimal(0))
    assert abs(realised + floating - expected) < HAIR


@given(fills=trades)
@settings(max_examples=60)
def test_the_position_is_the_sum_of_the_fills(fills: list[Fill]) -> None:
    position, _, _ = run(fills)
    assert (position.size if position else 0) == sum(map(signed, fills))


@given(fills=trades)
@settings(max_examples=60)
def test_every_cent_of_fees_lands_in_exactly_one_round_trip(fills: list[Fill]) -> None:
    position, closed, _ = run(fills)
    booked = sum((trip.fees for trip in closed), Decimal(0)) + (position.fees if position else Decimal(0))
    assert abs(booked - sum((fill.fees for fill in fills), Decimal(0))) < HAIR


@given(fills=trades)
@settings(max_examples=60)
def test_round_trips_hold_what_was_realised_and_follow_one_another(fills: list[Fill]) -> None:
    position, closed, realised = run(fills)
    held = position.gross_pnl if position else Decimal(0)
    assert abs(sum((trip.gross_pnl for trip in closed), held) - realised) < HAIR
    assert len({trip.round_trip_id for trip in closed}) == len(closed)
    assert all(before.closed_at <= after.opened_at for before, after in pairwise(closed))


@given(fills=trades)
@settings(max_examples=60)
def test_a_round_trip_earns_the_difference_of_its_average_prices(fills: list[Fill]) -> None:
    for trip in run(fills)[1]:
        points = (trip.exit_price - trip.entry_price) * trip.side.sign
        # contracts entered: gross P&L over the value of the average move
        if points:
            contracts = trip.gross_pnl / INSTRUMENT.money(points, 1)
            assert abs(contracts - round(contracts)) < Decimal("1e-9")
            assert round(contracts) >= trip.size
        else:
            assert abs(trip.gross_pnl) < HAIR


@given(fills=trades)
@settings(max_examples=50)
def test_the_average_price_lies_between_the_prices_paid(fills: list[Fill]) -> None:
    position = None
    for fill in fills:
        position = apply_fill(position, fill, INSTRUMENT).position
        if position:
            paid = [each.price for each in fills if each.side is position.side]
            assert min(paid) <= position.average_price <= max(paid)


def test_adding_averages_the_entry() -> None:
    position, _, _ = run(fills_from([(1, 84_000, 0), (2, 84_003, 0)]))
    assert position is not None
    assert (position.size, position.average_price, position.peak_size) == (3, Decimal("21000.5"), 3)
    assert (position.direction, position.side) == ("LONG", Side.BUY)


def test_a_partial_close_realises_its_part_and_keeps_the_average() -> None:
    position, closed, realised = run(fills_from([(4, 84_000, 400), (-1, 84_008, 100)]))
    assert position is not None
    assert (position.size, position.average_price) == (3, Decimal(21000))
    assert (realised, position.gross_pnl, position.fees) == (Decimal(4), Decimal(4), Decimal(5))
    assert closed == []


def test_going_flat_ends_the_round_trip_with_all_its_figures() -> None:
    position, closed, _ = run(
        fills_from([(-2, 84_000, 244), (-1, 83_994, 122), (2, 83_990, 244), (1, 83_984, 122)])
    )
    assert position is None
    assert closed == [
        RoundTrip(
            round_trip_id=f"{ACCOUNT}.3000000000",
            account_id=ACCOUNT,
            instrument_id=MNQ,
            side=Side.SELL,
            size=3,
            entry_price=Decimal("20999.5"),
            exit_price=Decimal(20997),
            opened_at=NOON,
            closed_at=NOON + timedelta(seconds=3),
            gross_pnl=Decimal(15),
            fees=Decimal("7.32"),
        )
    ]
    assert closed[0].net_pnl == Decimal("7.68")


@given(fills=trades)
@settings(max_examples=60)
def test_a_round_trip_is_exact_where_averages_are_not(fills: list[Fill]) -> None:
    for trip in run(fills)[1]:
        assert trip.gross_pnl % INSTRUMENT.tick_value == 0


def test_thirds_of_a_tick_leave_no_trace_in_a_round_trip() -> None:
    _, closed, _ = run(fills_from([(1, 84_000, 0), (2, 84_001, 0), (-1, 84_004, 0), (-2, 84_010, 0)]))
    assert closed[0].gross_pnl == Decimal(11)


def test_a_flip_closes_one_round_trip_and_opens_the_next_with_its_share_of_the_fees() -> None:
    position, closed, realised = run(fills_from([(2, 84_000, 0), (-5, 84_004, 500)]))
    assert realised == Decimal(4)
    assert (closed[0].side, closed[0].size, closed[0].fees) == (Side.BUY, 2, Decimal(2))
    assert position is not None
    assert (position.size, position.average_price, position.fees) == (-3, Decimal(21001), Decimal(3))
    assert (position.direction, position.opened_at) == ("SHORT", NOON + timedelta(seconds=1))
    assert position.round_trip_id != closed[0].round_trip_id


@pytest.mark.parametrize(("size", "expected"), [(2, Decimal(-4)), (-2, Decimal(4))])
def test_open_profit_follows_the_direction(size: int, expected: Decimal) -> None:
    position, _, _ = run(fills_from([(size, 84_000, 0)]))
    assert position is not None
    assert open_pnl(position, 20999.0, INSTRUMENT) == expected
    assert open_pnl(position, Decimal(20999), INSTRUMENT) == expected
