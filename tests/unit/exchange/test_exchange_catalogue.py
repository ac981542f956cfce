"""Products, contract identities, rolls and search."""

from datetime import date
from decimal import Decimal

import pytest
from exchange_lab import CATALOGUE

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.listing import Listing

AUGUST = date(2026, 8, 19)

LISTED_IN_AUGUST_2026 = (
    "BP6.U26 CA6.U26 CLE.V26 CPE.U26 DA6.U26 EEU.U26 ENQ.U26 EP.U26 EU6.U26 FVA.U26 GCE.Z26 GLE.V26 GMET.Q26 "
    "HE.V26 HOE.V26 JY6.U26 M2K.U26 M6A.U26 M6B.U26 M6E.U26 MBT.Q26 MCLE.V26 MES.U26 MGC.Z26 MHG.U26 MNG.U26 "
    "MNQ.U26 MX6.U26 MYM.U26 NE6.U26 NGE.U26 NKD.U26 NQG.U26 NQM.V26 PLE.V26 RBE.V26 RTY.U26 SF6.U26 SIE.U26 "
    "SIL.U26 TNA.U26 TUA.U26 TYA.U26 ULA.U26 USA.U26 YM.U26 ZCE.Z26 ZLE.Z26 ZME.Z26 ZSE.X26 ZWA.Z26 "
)


def active(symbol: str, day: date) -> str:
    return CATALOGUE.active(CATALOGUE.product(symbol), day).name


def test_the_active_contracts_are_those_that_the_venue_listed() -> None:
    listed = {contract.id.removeprefix("CON.F.US.") for contract in CATALOGUE.available(AUGUST)}
    assert listed == set(LISTED_IN_AUGUST_2026.split())
    assert len(listed) == 51


def test_a_contract_has_the_venues_id_names_and_description() -> None:
    contract = CATALOGUE.contract("CON.F.US.ENQ.U26")
    assert contract is not None
    assert (contract.id, contract.name, contract.display_name) == ("CON.F.US.ENQ.U26", "NQU6", "NQU26")
    assert contract.description == "E-mini NASDAQ-100: September 2026"
    assert contract.product.symbol_id == "F.US.ENQ"
    assert contract.product.point_value == 20


def test_contracts_of_past_years_are_known_by_id() -> None:
    contract = CATALOGUE.contract("CON.F.US.EP.Z13")
    assert contract is not None
    assert contract.name == "ESZ3"


@pytest.mark.parametrize(
    "text", ["CON.F.US.XX.Z26", "CON.F.US.EP.A26", "CON.F.US.EP.Z6", "EP.Z26", "", "MNQZ6"]
)
def test_what_is_not_a_contract_id_is_no_contract(text: str) -> None:
    assert CATALOGUE.contract(text) is None


@pytest.mark.parametrize(
    ("symbol", "before", "roll", "after"),
    [
        ("MES", "MESH6", date(2026, 3, 16), "MESM6"),
        ("MCL", "MCLU6", date(2026, 8, 18), "MCLV6"),
        ("GC", "GCQ6", date(2026, 7, 29), "GCZ6"),
        ("ES", "ESZ6", date(2026, 12, 14), "ESH7"),
    ],
)
def test_contracts_roll_on_their_day(symbol: str, before: str, roll: date, after: str) -> None:
    assert active(symbol, date.fromordinal(roll.toordinal() - 1)) == before
    assert active(symbol, roll) == after


def test_exactly_one_contract_of_a_product_is_active_on_any_day() -> None:
    for product in CATALOGUE.products:
        contracts = {CATALOGUE.active(product, date.fromordinal(day)) for day in range(739_500, 740_300, 9)}
        assert all(contract.month.letter in product.months for contract in contracts)


def test_search_is_fuzzy_over_names_codes_and_descriptions_and_stops_at_twenty() -> None:
    found = [contract.name for contract in Listing(CATALOGUE).search("nq", AUGUST)]
    assert found == ["NQU6", "MNQU6", "QMV6", "QGU6"]
    assert {"ESU6", "MESU6", "ZFU6", "6JU6"} <= {
        contract.name for contract in Listing(CATALOGUE).search("ES", AUGUST)
    }
    assert [contract.name for contract in Listing(CATALOGUE).search("crude micro", AUGUST)] == ["MCLV6"]
    assert len(Listing(CATALOGUE).search("", AUGUST)) == 20


def test_charges_per_side_are_those_of_the_schedule() -> None:
    mnq, es, sil = (CATALOGUE.product(symbol) for symbol in ("MNQ", "ES", "SIL"))
    assert 2 * (mnq.fee + mnq.commission) == Decimal("1.22")
    assert (es.fee, es.commission) == (Decimal("1.39"), Decimal("0.50"))
    assert (mnq.weight, es.weight, sil.weight) == (Decimal("0.1"), 1, Decimal("0.2"))


def test_every_group_has_products_and_followers_have_somebody_to_follow() -> None:
    assert {product.group for product in CATALOGUE.products} == set(ProductGroup)
    for product in CATALOGUE.products:
        leader = CATALOGUE.product(product.follows) if product.follows else product
        assert leader.price > 0
        assert leader.volatility > 0
        assert leader.follows is None


def test_a_pinned_catalogue_lists_one_contract_whatever_the_day() -> None:
    contract = CATALOGUE.contract("CON.F.US.EP.Z13")
    assert contract is not None
    pinned = CATALOGUE.pinned_to(contract)
    assert pinned.available(date(2013, 10, 7)) == pinned.available(AUGUST) == [contract]
    assert Listing(pinned).is_active(contract, AUGUST)
    other = pinned.contract("CON.F.US.ENQ.U26")
    assert other is not None
    assert not Listing(pinned).is_active(other, AUGUST)


def test_the_value_of_a_tick_is_a_multiple_of_a_hundredth_of_a_cent() -> None:
    assert all(product.tick_value % Decimal("0.0001") == 0 for product in CATALOGUE.products)


def test_an_unknown_symbol_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidRequest, match="unknown symbol 'XYZ'"):
        CATALOGUE.product("XYZ")


def test_prices_of_the_smallest_grid_have_no_binary_noise() -> None:
    yen = CATALOGUE.product("6J")
    assert [yen.price_of(ticks) for ticks in (13_201, 13_203)] == [0.0066005, 0.0066015]
    assert yen.owed(0.0066005) == Decimal("0.0066005")
