"""Positions, half-turn trades, charges and cash."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import pytest
from exchange_lab import CATALOGUE, make_account
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import Side
from tradeconsole.exchange.netting import Booking, Execution, book
from tradeconsole.exchange.records import LotMatching, VenueAccount, VenuePosition, VenueTrade

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Books:
    """One account's bookings in one contract."""

    def __init__(self, contract_id: str, matching: LotMatching = LotMatching.AVERAGE) -> None:
        self.matching = matching
        contract = CATALOGUE.contract(contract_id)
        assert contract is not None
        self.contract = contract
        self.account: VenueAccount = make_account()
        self.position: VenuePosition | None = None
        self.trades: list[VenueTrade] = []
        self._trade_ids, self._position_ids = count(1), count(1)

    def fill(self, side: Side, size: int, price: str | Decimal) -> Booking:
        booking = book(
            self.account,
            self.position,
            self.contract,
            Execution(self.account.id, 1, side, size, Decimal(price), NOW),
            lambda: next(self._trade_ids),
            lambda: next(self._position_ids),
            self.matching,
        )
        self.account = booking.account
        self.trades.extend(booking.trades)
        last = booking.positions[-1]
        self.position = last if last.size else None
        return booking


def test_the_recorded_round_turn_nets_as_the_venue_booked_it() -> None:
    books = Books("CON.F.US.MNQ.Z26")
    books.fill(Side.BUY, 1, "29539")
    books.fill(Side.SELL, 1, "29542.25")
    opening, closing = books.trades
    assert (opening.gross_pnl, opening.fees, opening.commissions) == (None, Decimal("0.36"), Decimal("0.25"))
    assert closing.gross_pnl == Decimal("6.5")
    assert books.account.balance == Decimal(150_000) + Decimal("5.28")


def test_a_short_position_earns_when_it_is_bought_back_lower() -> None:
    books = Books("CON.F.US.EP.Z26")
    books.fill(Side.SELL, 2, "7730.25")
    booking = books.fill(Side.BUY, 2, "7728.00")
    assert booking.trades[0].gross_pnl == Decimal(225)
    assert booking.positions[0].size == 0
    assert booking.positions[0].average_price == Decimal("7730.25")


def test_scale_ins_average_and_partial_closes_keep_the_average() -> None:
    books = Books("CON.F.US.MNQ.Z26")
    books.fill(Side.BUY, 1, "29000")
    books.fill(Side.BUY, 2, "29001")
    assert books.position is not None
    assert (books.position.size, books.position.average_price) == (3, Decimal("29000.666666667"))
    books.fill(Side.SELL, 1, "29010")
    assert (books.position.size, books.position.average_price) == (2, Decimal("29000.666666667"))
    books.fill(Side.SELL, 2, "29010")
    assert sum(trade.gross_pnl or 0 for trade in books.trades) == Decimal(56)


def test_a_fill_through_flat_is_two_trades_and_a_new_position() -> None:
    books = Books("CON.F.US.MNQ.Z26")
    books.fill(Side.BUY, 2, "29000")
    booking = books.fill(Side.SELL, 5, "29001")
    assert [(trade.size, trade.gross_pnl) for trade in booking.trades] == [(2, Decimal(4)), (3, None)]
    assert [(position.id, position.size) for position in booking.positions] == [(1, 0), (2, -3)]
    assert books.position is not None
    assert books.position.average_price == Decimal(29001)


def test_the_balance_check_of_the_reference_holds() -> None:
    balance = Decimal("150175.38") + 555 - Decimal("5.55") - Decimal("3.75")
    assert balance == Decimal("150721.08")
    books = Books("CON.F.US.MNQ.Z26")
    books.fill(Side.BUY, 15, "29000")
    books.fill(Side.SELL, 15, "29018.5")
    charges = sum(trade.fees + trade.commissions for trade in books.trades)
    assert books.account.balance == Decimal(150_000) + 555 - charges


fills = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(-4000, 4000)), min_size=1, max_size=30
)


@settings(max_examples=150, deadline=None)
@given(fills=fills, contract_id=st.sampled_from(["CON.F.US.MNQ.Z26", "CON.F.US.FVA.Z26", "CON.F.US.CLE.F27"]))
def test_booked_profit_is_the_mark_to_market_of_the_fills_and_the_position_their_sum(
    fills: list[tuple[Side, int, int]], contract_id: str
) -> None:
    books = Books(contract_id)
    product = books.contract.product
    base = product.ticks_of(product.price or 30_000.0)
    for side, size, ticks in fills:
        books.fill(side, size, (base + ticks) * product.tick)
    mark = base * product.tick
    held = sum(side.sign * size for side, size, _ in fills)
    exact = sum(
        ((mark - (base + ticks) * product.tick) * side.sign * size * product.point_value)
        for side, size, ticks in fills
    )
    realised = sum((trade.gross_pnl or Decimal(0)) for trade in books.trades)
    open_pnl = Decimal(0)
    if books.position is not None:
        open_pnl = mark * product.point_value * books.position.size - books.position.cost
    assert realised + open_pnl == exact
    assert held == (books.position.size if books.position else 0)
    assert sum(trade.size for trade in books.trades) == sum(size for _, size, _ in fills)
    charges = sum((trade.fees + trade.commissions) for trade in books.trades)
    assert books.account.balance == Decimal(150_000) + realised - charges


@pytest.mark.parametrize(
    ("matching", "results", "averages"),
    [
        # 2 at 100 and 2 at 110 are 4 at 105: closing one at 112 earns 7, and so do the others
        (LotMatching.AVERAGE, ["350", "700", "350"], ["105", "105", "105"]),
        # 112 − 100 = 12; (112 − 100) + (112 − 110) = 14; 112 − 110 = 2
        (LotMatching.FIFO, ["600", "700", "100"], ["106.666666667", "110", "110"]),
    ],
)
def test_a_part_that_is_closed_costs_its_share_or_what_came_first(
    matching: LotMatching, results: list[str], averages: list[str]
) -> None:
    books = Books("CON.F.US.EP.Z26", matching)
    books.fill(Side.BUY, 2, "100")
    books.fill(Side.BUY, 2, "110")
    positions = [books.fill(Side.SELL, size, "112").positions[-1] for size in (1, 2, 1)]
    assert [trade.gross_pnl for trade in books.trades[2:]] == [Decimal(result) for result in results]
    assert [position.average_price for position in positions] == [Decimal(price) for price in averages]


@pytest.mark.parametrize("matching", LotMatching)
def test_a_fill_that_turns_a_position_closes_all_of_its_lots(matching: LotMatching) -> None:
    books = Books("CON.F.US.EP.Z26", matching)
    books.fill(Side.SELL, 1, "110")
    books.fill(Side.SELL, 1, "100")
    books.fill(Side.BUY, 3, "90")
    # (110 + 100 − 2 × 90) × 50
    assert [trade.gross_pnl for trade in books.trades[2:]] == [Decimal(1500), None]
    assert books.position is not None
    assert (books.position.size, books.position.average_price) == (1, Decimal(90))


def test_matching_can_be_changed_while_a_position_is_held() -> None:
    books = Books("CON.F.US.EP.Z26")
    books.fill(Side.BUY, 1, "100")
    books.fill(Side.BUY, 1, "110")
    books.fill(Side.SELL, 1, "110")
    books.matching = LotMatching.FIFO
    books.fill(Side.SELL, 1, "110")
    # all in all 110 − 100, of which 110 − 105 has been booked already
    assert [trade.gross_pnl for trade in books.trades[2:]] == [Decimal(250), Decimal(250)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(Side)), st.integers(1, 5), st.integers(100, 140)),
        min_size=1,
        max_size=25,
    )
)
def test_from_flat_to_flat_both_come_to_the_same(fills: list[tuple[Side, int, int]]) -> None:
    both = [Books("CON.F.US.EP.Z26", matching) for matching in LotMatching]
    for side, size, price in fills:
        for books in both:
            books.fill(side, size, Decimal(price))
            held = books.position
            if held is not None:
                assert sum(lot.size for lot in held.lots) == abs(held.size)
        if both[0].position is None:
            assert both[0].account.balance == both[1].account.balance
