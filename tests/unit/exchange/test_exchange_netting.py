"""Positions, half-turn trades, charges and cash."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from exchange_lab import CATALOGUE, make_account
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.orders import Side
from tradeconsole.exchange.netting import Booking, Execution, book
from tradeconsole.exchange.records import VenueAccount, VenuePosition, VenueTrade

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class Books:
    """One account's bookings in one contract."""

    def __init__(self, contract_id: str) -> None:
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
