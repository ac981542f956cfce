"""What drills make the venue do: portions, refusals, scripted prices, rolls, and that all of it survives a restart."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from exchange_lab import ACCOUNT, CATALOGUE, MNQ, DictatedMarket, Lab, make_account
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.disturbances import Disturbances, Portions, Rejection
from tradeconsole.exchange.listing import Listing
from tradeconsole.exchange.records import ExchangeOptions, Latencies, PlaceCode
from tradeconsole.exchange.venue import Exchange

TODAY = date(2026, 11, 23)


def cut(lab: Lab, size: int, gap_ms: float = 100.0) -> None:
    lab.exchange.disturb(lab.now).portions = Portions(size, gap_ms)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 12))
def test_a_portion_is_the_first_lots_of_a_fill(sizes: list[int], most: int) -> None:
    pieces = [(Decimal(price), size) for price, size in enumerate(sizes)]
    now, pause = Disturbances(portions=Portions(most, 100.0)).portion(pieces)
    lots = [price for price, size in pieces for _ in range(size)]
    assert [price for price, size in now for _ in range(size)] == lots[:most]
    assert (pause is None) == (sum(sizes) <= most)


def test_a_triggered_stop_that_fills_in_portions_goes_on_behind_its_price() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY, 3)
    lab.settle()
    stop = lab.place(OrderType.STOP, Side.SELL, 3, stop_price=Decimal(27990)).order_id
    cut(lab, 1)
    lab.quote(27989.75, 27990.0)
    lab.quote(27999.75, 28000.0)
    assert (lab.order(stop).status, lab.order(stop).filled) == (OrderStatus.WORKING, 1)
    lab.settle()
    assert (lab.order(stop).status, lab.position()) == (OrderStatus.FILLED, 0)


def test_a_close_in_portions_closes_all_and_no_more() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY, 5)
    lab.settle()
    cut(lab, 2)
    assert lab.exchange.close_contract(ACCOUNT, MNQ, lab.now).success
    lab.settle()
    assert lab.position() == 0
    assert not lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.PENDING, OrderStatus.WORKING}))


def test_a_close_in_portions_never_turns_the_position_round() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    cut(lab, 2)
    assert lab.exchange.close_contract(ACCOUNT, MNQ, lab.now).success
    lab.wait(50)
    lab.place(OrderType.MARKET, Side.SELL, 4)
    lab.settle()
    trades = lab.exchange.trades(ACCOUNT)
    assert lab.position() == sum(trade.size * trade.side.sign for trade in trades) == -2


def test_a_halt_between_portions_cancels_what_is_left_of_a_market_order() -> None:
    lab = Lab()
    cut(lab, 1)
    placed = lab.place(OrderType.MARKET, Side.BUY, 3).order_id
    lab.wait(50)
    lab.exchange.set_halted(MNQ, True, lab.now)
    lab.settle()
    assert (lab.order(placed).status, lab.order(placed).filled) == (OrderStatus.CANCELLED, 1)


def test_legs_grow_with_the_portions_of_their_entry() -> None:
    lab = Lab()
    cut(lab, 1)
    entry = lab.bracket(Side.BUY, 3, -40, 40)
    sizes = []
    for _ in range(3):
        lab.wait(90)
        sizes.append({lab.order(entry + 1).size, lab.order(entry + 2).size, lab.order(entry).filled})
    lab.settle()
    assert sizes[0] == {1}
    assert {lab.order(entry + 1).size, lab.order(entry + 2).size} == {3}


def test_an_order_that_is_refused_anyway_uses_up_no_ordered_refusal() -> None:
    lab = Lab()
    lab.exchange.disturb(lab.now).rejections.append(Rejection(message="ordered"))
    assert lab.place(OrderType.MARKET, Side.BUY, 0).message != "ordered"
    refused = lab.place(OrderType.MARKET, Side.BUY)
    assert (refused.code, refused.message) == (PlaceCode.ORDER_REJECTED, "ordered")
    assert lab.place(OrderType.MARKET, Side.BUY).success


def test_what_is_due_at_this_very_moment_happens_though_time_stands() -> None:
    lab = Lab(ExchangeOptions(latencies=Latencies(fill=0.0)))
    placed = lab.place(OrderType.MARKET, Side.BUY)
    assert lab.exchange.next_due() == lab.now
    lab.exchange.advance(lab.now)
    assert lab.order(placed.order_id).status is OrderStatus.FILLED
    assert lab.exchange.next_due() is None


def test_disturbances_and_rolls_survive_a_snapshot() -> None:
    lab = Lab()
    there = lab.exchange.disturb(lab.now)
    there.rejections.append(Rejection(2, PlaceCode.ACCOUNT_REJECTED, "no", later=True))
    there.portions = Portions(2, 250.0, 3)
    there.closed = True
    lab.exchange.feed(MNQ, [(timedelta(hours=1), Decimal(28010))], lab.now)
    rolled = lab.exchange.roll("MNQ", lab.now)
    again = Exchange(CATALOGUE, DictatedMarket(MNQ, 28000.0, 28000.25, 28000.0))
    again.restore(lab.exchange.snapshot())
    assert again.disturbances == lab.exchange.disturbances
    assert again.disturbances.words() == [
        "reject ×2 code 10 later",
        "fills of 2 every 250 ms",
        "1 prices to come",
        "window closed",
    ]
    assert again.listing.is_active(rolled, TODAY)


def test_a_state_from_before_there_were_disturbances_is_taken_up() -> None:
    lab = Lab()
    fields = lab.exchange.snapshot()
    old = msgspec.msgpack.decode(fields)
    del old["disturbances"], old["rolled"]
    again = Exchange(CATALOGUE, DictatedMarket(MNQ, 28000.0, 28000.25, 28000.0))
    again.restore(msgspec.msgpack.encode(old))
    assert again.account(ACCOUNT) == make_account()


def test_the_calendar_overtakes_a_roll() -> None:
    listing = Listing(CATALOGUE)
    product = CATALOGUE.product("MNQ")
    assert listing.roll(product, TODAY).id == "CON.F.US.MNQ.H27"
    assert listing.active(product, TODAY).id == "CON.F.US.MNQ.H27"
    assert listing.active(product, date(2027, 4, 1)).id == "CON.F.US.MNQ.M27"


def test_gold_skips_october_when_it_is_rolled() -> None:
    listing = Listing(CATALOGUE)
    gold = CATALOGUE.product("MGC")
    months = [listing.roll(gold, date(2026, 5, 4)).month.letter for _ in range(4)]
    assert "V" not in months


def test_a_market_of_one_expiry_has_nothing_to_roll_to() -> None:
    contract = CATALOGUE.known("CON.F.US.EP.Z13")
    listing = Listing(CATALOGUE.pinned_to(contract))
    with pytest.raises(InvalidRequest, match="one expiry"):
        listing.roll(contract.product, TODAY)
