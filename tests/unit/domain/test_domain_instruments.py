"""Tick arithmetic: exact on every grid that exchanges use, from 1/64 of a point to half a millionth."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_factories import make_instrument

from tradeconsole.domain.instruments import MONTH_CODES, ContractMonth, Instrument
from tradeconsole.domain.notation import MINUS
from tradeconsole.errors import InvalidRequest

TICKS = (
    "0.25",
    "0.1",
    "0.01",
    "0.005",
    "0.0001",
    "0.00005",
    "0.0000005",
    "0.015625",
    "0.0078125",
    "0.03125",
    "5",
    "1",
)
GRIDS = [
    make_instrument(name=f"tick {tick}", tick_size=Decimal(tick), tick_value=Decimal("12.5"))
    for tick in TICKS
]

grids = st.sampled_from(GRIDS)
counts = st.integers(-2_000_000, 2_000_000)


def _read(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace(MINUS, "-"))


@given(instrument=grids, ticks=counts)
@settings(max_examples=80)
def test_a_price_on_the_grid_survives_every_way_of_saying_it(instrument: Instrument, ticks: int) -> None:
    price = instrument.price(ticks)
    assert instrument.is_on_grid(price)
    assert instrument.ticks(price) == ticks
    assert instrument.quantize(price) == price
    assert instrument.quantize(float(price)) == price
    assert instrument.nearest_tick(instrument.snap(float(price))) == ticks
    assert _read(instrument.format(price)) == price
    assert _read(instrument.format(float(price))) == price


@given(instrument=grids, ticks=counts, noise=st.floats(-0.4, 0.4))
@settings(max_examples=80)
def test_an_observed_price_snaps_to_the_float_of_its_nearest_tick(
    instrument: Instrument, ticks: int, noise: float
) -> None:
    exact = float(instrument.price(ticks))
    assert instrument.snap(exact + noise * instrument.tick) == exact


@given(instrument=grids, ticks=counts, move=st.integers(-1000, 1000), size=st.integers(1, 50))
@settings(max_examples=60)
def test_a_move_is_worth_its_ticks(instrument: Instrument, ticks: int, move: int, size: int) -> None:
    start = instrument.price(ticks)
    end = instrument.offset(start, move)
    assert instrument.ticks(end) == ticks + move
    assert instrument.money(end - start, size) == move * instrument.tick_value * size


@given(instrument=grids, ticks=st.integers(1, 2_000_000), tenths=st.integers(1, 9))
@settings(max_examples=60)
def test_a_price_between_two_ticks_is_refused_with_its_neighbours(
    instrument: Instrument, ticks: int, tenths: int
) -> None:
    between = instrument.price(ticks) + instrument.tick_size * tenths / 10
    assert not instrument.is_on_grid(between)
    with pytest.raises(InvalidRequest) as refused:
        instrument.ticks(between)
    low, high = instrument.format(instrument.price(ticks)), instrument.format(instrument.price(ticks + 1))
    assert f"nearest are {low} and {high}" in str(refused.value)


@pytest.mark.parametrize(
    ("tick", "price", "shown"),
    [
        ("0.25", "21000", "21,000.00"),
        ("0.1", "2650.3", "2,650.3"),
        ("0.0000005", "0.0065845", "0.0065845"),
        ("0.015625", "110.515625", "110.515625"),
        ("0.0078125", "104", "104.0000000"),
        ("5", "102345", "102,345"),
        ("0.50", "6", "6.0"),
        ("10", "43210", "43,210"),
    ],
)
def test_a_price_shows_the_digits_of_its_grid(tick: str, price: str, shown: str) -> None:
    instrument = make_instrument(tick_size=Decimal(tick))
    assert instrument.format(Decimal(price)) == shown
    assert instrument.format(float(price)) == shown


def test_a_negative_price_between_ticks_names_the_one_below_first() -> None:
    instrument = make_instrument(tick_size=Decimal("0.25"))
    with pytest.raises(InvalidRequest, match=r"price −37.63 .* nearest are −37.75 and −37.50"):
        instrument.ticks(Decimal("-37.63"))


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "1e40", "1e12"])
def test_what_is_no_price_is_refused(price: str) -> None:
    instrument = make_instrument()
    assert not instrument.is_on_grid(Decimal(price))
    with pytest.raises(InvalidRequest, match="is no price"):
        instrument.ticks(Decimal(price))


def test_a_point_is_worth_its_ticks() -> None:
    assert make_instrument(tick_size=Decimal("0.25"), tick_value=Decimal("0.5")).point_value == 2
    assert make_instrument(tick_size=Decimal("0.015625"), tick_value=Decimal("15.625")).point_value == 1000


@given(year=st.integers(2000, 2099), month=st.integers(1, 12))
def test_a_contract_month_reads_back_as_it_is_written(year: int, month: int) -> None:
    contract = ContractMonth(year, month)
    assert ContractMonth.parse(contract.code) == contract
    assert ContractMonth.parse(contract.code.lower()) == contract
    assert contract.letter == MONTH_CODES[month - 1]


@pytest.mark.parametrize("code", ["", "Z", "Z6", "Z266", "A26", "26Z", "ZZ6", "Z-1", "Z²6"])
def test_what_is_no_contract_month_is_refused(code: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a contract month"):
        ContractMonth.parse(code)


def test_contract_months_sort_by_time() -> None:
    assert ContractMonth.parse("Z25") < ContractMonth.parse("F26") < ContractMonth.parse("H26")
