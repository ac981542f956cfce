"""Translation between the gateway's words and ours."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.brokers.projectx import translate, wire
from tradeconsole.brokers.projectx.endpoints import ORDER_SEARCH
from tradeconsole.brokers.projectx.products import Commissions, load_products, product_code
from tradeconsole.domain.accounts import AccountKind
from tradeconsole.domain.instruments import ContractMonth, Instrument, ProductGroup
from tradeconsole.domain.orders import Bracket, OrderRequest, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.errors import InvalidRequest

PRODUCTS = load_products()

RECORDED = Path(__file__).parents[2] / "data" / "projectx" / "rest_orders_bracket.json"


def recorded() -> list[wire.OrderRow]:
    """Entry, stop and target of a recorded bracket."""
    orders = ORDER_SEARCH.decode(RECORDED.read_bytes()).orders
    assert orders is not None
    return orders


def contract(**changes: object) -> wire.ContractRow:
    row = {
        "id": "CON.F.US.MNQ.U26",
        "name": "MNQU6",
        "description": "Micro E-mini Nasdaq-100: September 2026",
        "tickSize": 0.25,
        "tickValue": 0.5,
        "activeContract": True,
        "symbolId": "F.US.MNQ",
    }
    return msgspec.json.decode(msgspec.json.encode(row | changes), type=wire.ContractRow)


MNQ = translate.instrument(contract(), PRODUCTS)
YEN = translate.instrument(
    contract(id="CON.F.US.JY6.U26", name="6JU6", tickSize=5e-07, tickValue=6.25, symbolId="F.US.JY6"),
    PRODUCTS,
)


def request(**changes: object) -> OrderRequest:
    order = OrderRequest(
        account_id="26282486",
        instrument_id="CON.F.US.MNQ.U26",
        side=Side.BUY,
        type=OrderType.MARKET,
        size=2,
        tag="tc-hand-01J9",
    )
    return msgspec.structs.replace(order, **changes)


def sent(body: wire.PlaceBody) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(body).decode()


# -- what the gateway says ---------------------------------------------------------------------------------------


def test_the_product_code_is_not_the_symbol() -> None:
    nq = translate.instrument(contract(id="CON.F.US.ENQ.U26", name="NQU6", symbolId="F.US.ENQ"), PRODUCTS)
    assert (nq.symbol, nq.name, nq.month, nq.group) == (
        "NQ",
        "NQU6",
        ContractMonth(2026, 9),
        ProductGroup.EQUITY_INDEX,
    )


def test_tick_sizes_survive_the_way_exactly() -> None:
    assert Decimal("0.0000005") == YEN.tick_size
    assert YEN.point_value == 12_500_000


def test_a_product_unknown_to_the_table_gets_its_symbol_from_its_name() -> None:
    emd = translate.instrument(contract(id="CON.F.US.EMD.U25", name="EMDU5", symbolId="F.US.EMD"), PRODUCTS)
    assert emd.symbol == "EMD"


def test_the_table_has_all_products_of_the_gateway() -> None:
    assert len(PRODUCTS) == 51
    assert PRODUCTS["EP"].symbol == "ES"
    assert {product.group for product in PRODUCTS.values()} == set(ProductGroup)


@pytest.mark.parametrize(
    ("name", "simulated", "kind"),
    [
        ("PRAC-V2-645601-47191819", True, AccountKind.PRACTICE),
        ("50KTC-V2-DLL-645601-97590973", True, AccountKind.EVALUATION),
        ("EXPRESS-V2-645601-1", True, AccountKind.FUNDED),
        ("something else", True, AccountKind.EVALUATION),
        ("PRAC-V2-1", False, AccountKind.LIVE),
    ],
)
def test_the_account_kind_comes_from_the_name(name: str, simulated: bool, kind: AccountKind) -> None:
    assert translate.account_kind(name, simulated=simulated) is kind


def test_a_leg_without_a_tag_gets_its_role_from_its_type() -> None:
    legs = [msgspec.structs.replace(row, custom_tag=None) for row in recorded()[1:]]
    assert [translate.order_report(leg).role for leg in legs] == [OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT]


def test_the_offset_of_a_suspended_leg_is_no_trail() -> None:
    row = msgspec.structs.replace(
        recorded()[1],
        status=8,
        stop_price=None,
        trail_distance=-101,
    )
    assert translate.order_report(row).trail_ticks is None
    trailing = msgspec.structs.replace(row, type=5)
    assert translate.order_report(trailing).trail_ticks == 101


def test_every_documented_status_has_a_meaning() -> None:
    row = recorded()[0]
    meanings = [
        translate.order_report(msgspec.structs.replace(row, status=int(s))).status for s in wire.OrderStatus
    ]
    assert meanings == [
        OrderStatus.PENDING,
        OrderStatus.WORKING,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.PENDING,
        OrderStatus.CANCELLING,
        OrderStatus.SUSPENDED,
    ]


def test_positions_are_signed_and_a_deleted_one_is_flat() -> None:
    text = b'{"id":6124,"accountId":536,"contractId":"CON.F.US.GMET.J25","creationTimestamp":"2025-04-21T19:52:32.175721+00:00","type":2,"size":2,"averagePrice":1575.75}'
    row = msgspec.json.decode(text, type=wire.PositionRow)
    assert translate.position(row).size == -2
    assert translate.position(row, deleted=True).size == 0
    assert translate.position(msgspec.structs.replace(row, type=0, size=0)).size == 0


def trade(**changes: object) -> wire.TradeRow:
    row = {
        "id": 3005729833,
        "accountId": 26282486,
        "contractId": "CON.F.US.MNQ.U26",
        "creationTimestamp": "2026-08-19T17:51:07.965787+00:00",
        "price": 29542.25,
        "profitAndLoss": 6.5,
        "fees": 0.36,
        "commissions": 0.25,
        "side": 1,
        "size": 1,
        "voided": False,
        "orderId": 3424798599,
    }
    return msgspec.json.decode(msgspec.json.encode(row | changes), type=wire.TradeRow)


def test_a_fill_costs_the_same_with_and_without_its_commission_stated() -> None:
    commissions = Commissions(PRODUCTS)
    silent = translate.fill(trade(commissions=None), commissions)
    stated = translate.fill(trade(), commissions)
    assert silent.fees == stated.fees == Decimal("0.61")


def test_a_rate_once_stated_answers_for_the_rows_that_are_silent() -> None:
    commissions = Commissions(PRODUCTS)
    translate.fill(trade(commissions=1.50, size=2), commissions)
    assert translate.fill(trade(commissions=None, size=3), commissions).fees == Decimal("0.36") + Decimal(
        "2.25"
    )


def test_fills_come_oldest_first_without_voided_and_fee_only_rows() -> None:
    rows = [
        trade(id=3, creationTimestamp="2026-08-19T17:52:00Z"),
        trade(id=2, voided=True),
        trade(id=4, size=0, profitAndLoss=0),
        trade(id=10, commissions=None),
        trade(id=9),
    ]
    assert [fill.fill_id for fill in translate.fills(rows, Commissions(PRODUCTS))] == ["9", "10", "3"]


def test_naive_times_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        trade(creationTimestamp="2026-08-19T17:52:00")


def test_seven_digits_of_a_second_are_read() -> None:
    assert trade(creationTimestamp="2026-08-19T20:49:25.3938333+00:00").creation_timestamp == datetime(
        2026, 8, 19, 20, 49, 25, 393833, UTC
    )


# -- what we say -------------------------------------------------------------------------------------------------


def test_a_bracket_is_signed_by_side() -> None:
    bracket = Bracket(stop_ticks=40, target_ticks=60)
    long = translate.place_body(request(bracket=bracket), MNQ)
    short = translate.place_body(request(bracket=bracket, side=Side.SELL), MNQ)
    assert sent(long) == (
        '{"accountId":26282486,"contractId":"CON.F.US.MNQ.U26","type":2,"side":0,"size":2,'
        '"customTag":"tc-hand-01J9","stopLossBracket":{"ticks":-40,"type":4},'
        '"takeProfitBracket":{"ticks":60,"type":1}}'
    )
    assert short.stop_loss_bracket == wire.BracketBody(ticks=40, type=4)
    assert short.take_profit_bracket == wire.BracketBody(ticks=-60, type=1)


def test_a_trailing_stop_leg_has_the_trailing_type() -> None:
    body = translate.place_body(request(bracket=Bracket(stop_ticks=8, trailing=True)), MNQ)
    assert body.stop_loss_bracket == wire.BracketBody(ticks=-8, type=5)
    assert body.take_profit_bracket is None


@pytest.mark.parametrize(
    ("side", "level"), [(Side.SELL, Decimal("29540.00")), (Side.BUY, Decimal("29545.00"))]
)
def test_a_trail_is_sent_as_a_level(side: Side, level: Decimal) -> None:
    body = translate.place_body(
        request(type=OrderType.TRAILING_STOP, side=side, trail_ticks=10, reference_price=Decimal("29542.5")),
        MNQ,
    )
    assert body.trail_price == level


@given(st.integers(10_000, 30_000))
def test_prices_go_out_as_exact_decimals(ticks: int) -> None:
    price = ticks * Decimal("0.0000005")
    body = translate.place_body(
        request(instrument_id=YEN.instrument_id, type=OrderType.LIMIT, limit_price=price), YEN
    )
    text = sent(body).split('"limitPrice":')[1].split(",")[0]
    assert Decimal(text) == price
    assert len(text) <= len("0.0150000")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"type": OrderType.STOP_LIMIT, "stop_price": Decimal(1), "limit_price": Decimal(1)},
            "takes no stop-limit",
        ),
        ({"type": OrderType.LIMIT}, "needs a limit price"),
        ({"type": OrderType.STOP}, "needs a stop price"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal("29542.30")}, "off the tick grid"),
        ({"type": OrderType.TRAILING_STOP}, "needs a distance"),
        (
            {"type": OrderType.TRAILING_STOP, "trail_ticks": 1001, "reference_price": Decimal(29542)},
            "1 to 1000",
        ),
        ({"size": 0}, "at least 1"),
        ({"tag": "x" * 61}, "1 to 60 characters"),
        ({"tag": ""}, "1 to 60 characters"),
        ({"bracket": Bracket(stop_ticks=3)}, "at least 4 ticks"),
        ({"bracket": Bracket(target_ticks=0)}, "at least 1 tick"),
        ({"account_id": "PRAC-1"}, "whole number"),
    ],
)
def test_what_the_gateway_would_refuse_is_refused_before_sending(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        translate.place_body(request(**changes), MNQ)


def test_product_codes_are_read_from_both_kinds_of_id() -> None:
    assert product_code("CON.F.US.MNQ.Z26") == product_code("F.US.MNQ") == "MNQ"
    assert product_code("whatever") == ""


def test_instruments_are_hashable_by_their_facts() -> None:
    assert isinstance(MNQ, Instrument)
    assert translate.instrument(contract(), PRODUCTS) == MNQ
