"""What the venue refuses: its codes, its words and the order of its checks."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from exchange_lab import ACCOUNT, ES, MNQ, Lab

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.placement import CLOSED, OUT_OF_RANGE, POSITION_BRACKETS, TAG_IN_USE
from tradeconsole.exchange.records import (
    BracketMode,
    CancelCode,
    CloseCode,
    ExchangeOptions,
    Leg,
    ModifyCode,
    ModifyRequest,
    PartialCloseCode,
    PlaceCode,
    PlaceRequest,
)

REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("off-tick limit", {"kind": OrderType.LIMIT, "limit_price": Decimal("27990.1")},
     "Invalid limit price. Price is not aligned to tick size."),
    ("off-tick stop", {"kind": OrderType.STOP, "stop_price": Decimal("28010.1")},
     "Invalid stop price. Price is not aligned to tick size."),
    ("buy stop below the market", {"kind": OrderType.STOP, "stop_price": Decimal(27990)}, OUT_OF_RANGE),
    ("buy stop at the last price", {"kind": OrderType.STOP, "stop_price": Decimal(28000)}, OUT_OF_RANGE),
    ("sell stop above the market", {"kind": OrderType.STOP, "side": Side.SELL, "stop_price": Decimal(28010)},
     OUT_OF_RANGE),
    ("sell stop at the last price", {"kind": OrderType.STOP, "side": Side.SELL, "stop_price": Decimal(28000)},
     OUT_OF_RANGE),
    ("buy with a positive stop-loss", {"stop_loss": Leg(40, OrderType.STOP)},
     "Invalid stop loss ticks (40). Ticks should be less than zero when longing."),
    ("sell with a positive take-profit", {"side": Side.SELL, "take_profit": Leg(426, OrderType.LIMIT)},
     "Invalid take profit ticks (426). Ticks should be less than zero when going short."),
    ("sell with a negative stop-loss", {"side": Side.SELL, "stop_loss": Leg(-50, OrderType.STOP)},
     "Invalid stop loss ticks (-50). Stop loss tick value should be at least 4 ticks."),
    ("stop-loss too close", {"stop_loss": Leg(-3, OrderType.STOP)},
     "Invalid stop loss ticks (-3). Stop loss tick value should be at least 4 ticks."),
    ("stop-loss of the wrong type", {"stop_loss": Leg(-40, OrderType.LIMIT)}, "Invalid stop loss type (Limit)"),
    ("trailing stop without a level", {"kind": OrderType.TRAILING_STOP}, "Trail Distance not set."),
    ("off-tick trail", {"kind": OrderType.TRAILING_STOP, "trail_price": Decimal("28010.1")},
     "Invalid trail price. Price is not aligned to tick size."),
    ("trail given as a distance", {"kind": OrderType.TRAILING_STOP, "trail_price": Decimal("0.25")},
     "Trail Distance exceeds maximum (1000)"),
    ("stop-limit", {"kind": OrderType.STOP_LIMIT, "limit_price": Decimal(28010), "stop_price": Decimal(28010)},
     "Invalid order type."),
    ("size zero", {"size": 0}, "Invalid order size."),
    ("limit without a price", {"kind": OrderType.LIMIT}, "Invalid limit price. Price is not set."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refused_order_says_why_in_the_venues_words_and_is_kept(
    fields: dict[str, Any], message: str
) -> None:
    lab = Lab()
    outcome = lab.place(**{"kind": OrderType.MARKET, "side": Side.BUY, **fields})
    assert (outcome.code, outcome.message) == (PlaceCode.ORDER_REJECTED, message)
    assert lab.order(outcome.order_id).status is OrderStatus.REJECTED
    assert lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING, OrderStatus.SUSPENDED})) == []


def test_a_limit_order_may_be_any_distance_away() -> None:
    lab = Lab()
    assert lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(24750)).success


def test_a_tag_is_used_up_for_ever_also_by_a_refused_order() -> None:
    lab = Lab()
    refused = lab.place(OrderType.LIMIT, Side.BUY, tag="one", limit_price=Decimal("1.1"))
    again = lab.place(OrderType.MARKET, Side.BUY, tag="one")
    assert not refused.success
    assert (again.code, again.message) == (PlaceCode.ORDER_REJECTED, TAG_IN_USE)
    tags = [order.tag for order in lab.exchange.orders(ACCOUNT)]
    assert tags == ["one", None]


def test_an_unknown_account_or_contract_leaves_no_order_behind() -> None:
    lab = Lab()
    request = PlaceRequest(contract_id=MNQ, type=OrderType.MARKET, side=Side.BUY, size=1)
    assert lab.exchange.place(99, request, lab.now).code == PlaceCode.ACCOUNT_NOT_FOUND
    unknown = msgspec.structs.replace(request, contract_id="CON.F.US.XXX.Z26")
    outcome = lab.exchange.place(ACCOUNT, unknown, lab.now)
    assert (outcome.code, outcome.order_id) == (PlaceCode.CONTRACT_NOT_FOUND, None)
    assert lab.exchange.orders(ACCOUNT) == []


def test_only_the_active_contract_can_be_traded() -> None:
    lab = Lab()
    outcome = lab.place(OrderType.MARKET, Side.BUY, contract_id="CON.F.US.MNQ.H27")
    assert outcome.code == PlaceCode.CONTRACT_NOT_ACTIVE
    assert lab.order(outcome.order_id).status is OrderStatus.REJECTED


def test_a_contract_without_a_quote_is_an_invalid_symbol() -> None:
    assert Lab().place(OrderType.MARKET, Side.BUY, contract_id=ES).message == "Invalid symbol"


def test_a_trailing_stop_needs_a_last_price() -> None:
    lab = Lab()
    lab.market.quotes[MNQ] = msgspec.structs.replace(lab.market.quotes[MNQ], last=None)
    outcome = lab.place(OrderType.TRAILING_STOP, Side.SELL, trail_price=Decimal(27990))
    assert outcome.message == "Cannot trail without a last price"


def test_a_closed_or_halted_market_takes_no_orders() -> None:
    lab = Lab()
    lab.exchange.set_halted(MNQ, True, lab.now)
    assert lab.place(OrderType.MARKET, Side.BUY).message == CLOSED
    lab.exchange.set_halted(MNQ, False, lab.now)
    assert lab.place(OrderType.MARKET, Side.BUY).success
    lab.market.open = False
    assert lab.place(OrderType.MARKET, Side.BUY).message == CLOSED


def test_a_locked_account_takes_no_orders_but_can_be_closed() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY)
    lab.settle()
    lab.exchange.set_can_trade(ACCOUNT, False, lab.now)
    assert lab.place(OrderType.MARKET, Side.BUY).code == PlaceCode.ACCOUNT_VIOLATION
    assert lab.exchange.close_contract(ACCOUNT, MNQ, lab.now).success


def test_brackets_are_refused_for_accounts_with_position_brackets() -> None:
    lab = Lab(bracket_mode=BracketMode.POSITION)
    outcome = lab.place(OrderType.MARKET, Side.BUY, take_profit=Leg(20, OrderType.LIMIT))
    assert outcome.message == POSITION_BRACKETS
    assert lab.place(OrderType.MARKET, Side.BUY).success


def test_lenient_signs_give_legs_the_sign_of_their_direction() -> None:
    lab = Lab(ExchangeOptions(strict_bracket_signs=False))
    entry_id = lab.bracket(Side.BUY, 1, stop=40, target=60)
    assert [lab.order(entry_id + leg).trail_distance for leg in (1, 2)] == [-40, 60]


def test_the_position_limit_counts_working_orders_and_ten_micros_as_a_mini() -> None:
    lab = Lab(max_lots=Decimal(1))
    assert lab.place(OrderType.MARKET, Side.BUY, 6).success
    lab.settle()
    assert lab.place(OrderType.LIMIT, Side.BUY, 4, limit_price=Decimal(27990)).success
    refused = lab.place(OrderType.MARKET, Side.BUY, 1)
    assert (refused.code, refused.message) == (PlaceCode.ORDER_REJECTED, "Maximum position exceeded.")
    assert lab.place(OrderType.MARKET, Side.SELL, 6).success


def test_an_order_that_only_reduces_is_taken_even_beyond_the_limit() -> None:
    lab = Lab(max_lots=Decimal("0.2"))
    lab.place(OrderType.MARKET, Side.BUY, 2)
    lab.settle()
    assert lab.place(OrderType.STOP, Side.SELL, 2, stop_price=Decimal(27990)).success
    assert lab.place(OrderType.LIMIT, Side.SELL, 2, limit_price=Decimal(28010)).success


def test_a_modification_is_judged_like_a_placement() -> None:
    lab = Lab()
    limit = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27990)).order_id or 0
    stop = lab.place(OrderType.STOP, Side.SELL, stop_price=Decimal(27990)).order_id or 0

    def change(order_id: int, **fields: Any) -> tuple[int, str | None]:
        outcome = lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, **fields), lab.now)
        return outcome.code, outcome.message

    off_tick = "Invalid limit price. Price is not aligned to tick size."
    assert change(limit, limit_price=Decimal("27990.1")) == (ModifyCode.REJECTED, off_tick)
    assert change(stop, stop_price=Decimal(28010)) == (ModifyCode.REJECTED, "Invalid stop price")
    assert change(limit, size=0)[0] == ModifyCode.REJECTED
    assert change(12345)[0] == ModifyCode.ORDER_NOT_FOUND
    assert change(stop, stop_price=Decimal(27995), size=3) == (ModifyCode.SUCCESS, None)
    assert (lab.order(stop).stop_price, lab.order(stop).size) == (Decimal(27995), 3)
    assert lab.exchange.modify(99, ModifyRequest(order_id=stop), lab.now).code == ModifyCode.ACCOUNT_NOT_FOUND
    assert lab.order(limit).limit_price == Decimal(27990)


def test_suspended_pending_and_finished_orders_cannot_be_modified() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)

    def code(order_id: int) -> int:
        return lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, size=1), lab.now).code

    assert [code(entry_id), code(entry_id + 1)] == [ModifyCode.PENDING, ModifyCode.REJECTED]
    lab.settle()
    assert code(entry_id) == ModifyCode.REJECTED


def test_a_trail_can_be_modified_to_any_distance() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.TRAILING_STOP, Side.SELL, trail_price=Decimal(27990)).order_id or 0
    changed = ModifyRequest(order_id=order_id, trail_price=Decimal("0.25"))
    assert lab.exchange.modify(ACCOUNT, changed, lab.now).success
    assert lab.order(order_id).trail_distance == 111_999


def test_cancelling_twice_is_an_unknown_error_and_an_unknown_order_is_not_found() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27990)).order_id or 0
    codes = [lab.exchange.cancel(ACCOUNT, target, lab.now).code for target in (order_id, order_id, 1)]
    assert codes == [CancelCode.SUCCESS, CancelCode.UNKNOWN_ERROR, CancelCode.ORDER_NOT_FOUND]
    assert lab.exchange.cancel(99, order_id, lab.now).code == CancelCode.ACCOUNT_NOT_FOUND


def test_closing_answers_with_its_own_codes() -> None:
    lab = Lab()
    exchange = lab.exchange
    assert exchange.close_contract(99, MNQ, lab.now).code == CloseCode.ACCOUNT_NOT_FOUND
    assert exchange.close_contract(ACCOUNT, "CON.F.US.XXX.Z26", lab.now).code == CloseCode.CONTRACT_NOT_FOUND
    assert exchange.close_contract(ACCOUNT, MNQ, lab.now).code == CloseCode.POSITION_NOT_FOUND
    lab.place(OrderType.MARKET, Side.BUY, 3)
    lab.settle()
    for size in (0, 4, -1):
        outcome = exchange.partial_close(ACCOUNT, MNQ, size, lab.now)
        assert (outcome.code, outcome.message) == (PartialCloseCode.INVALID_CLOSE_SIZE, None)
    assert exchange.partial_close(ACCOUNT, MNQ, 1, lab.now).success
    assert exchange.close_contract(ACCOUNT, MNQ, lab.now).code == CloseCode.ORDER_PENDING
    assert exchange.partial_close(ACCOUNT, MNQ, 1, lab.now).code == PartialCloseCode.ORDER_PENDING
    lab.settle()
    assert lab.position() == 2
    exchange.set_halted(MNQ, True, lab.now)
    assert exchange.close_contract(ACCOUNT, MNQ, lab.now).code == CloseCode.ORDER_REJECTED
    assert exchange.partial_close(ACCOUNT, MNQ, 1, lab.now).code == PartialCloseCode.ORDER_REJECTED
