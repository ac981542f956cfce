"""The venue's recorded event sequences and delays (plain market, bracket, leg fills, rejection, resting orders)."""

from decimal import Decimal

from exchange_lab import ACCOUNT, START, Lab, told

from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.records import ExchangeOptions, ModifyRequest, OrderChanged, PositionChanged

ONCE = ExchangeOptions(repeat_account_events=False)


def test_a_market_order_is_pending_then_trade_order_position_account() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY, 2)
    assert told(lab.settle()) == [
        "0 order market pending",
        "5 trade BUY 2 at 28000.25",
        "5 order market filled",
        "5 position +2 at 28000.25",
        "5 account 149998.78",
        "5 account 149998.78",
    ]


def test_a_bracket_comes_with_suspended_legs_that_wake_after_the_fill() -> None:
    lab = Lab(ONCE)
    lab.bracket(Side.SELL, 1, stop=101, target=-99)
    assert told(lab.settle()) == [
        "0 order stop suspended",
        "0 order market pending",
        "0 order limit suspended",
        "5 trade SELL 1 at 28000.00",
        "5 order market filled",
        "5 position -1 at 28000.00",
        "5 account 149999.39",
        "25 order limit working 27975.25",
        "25 order stop working 28025.25",
    ]


def test_legs_of_a_bracket_are_linked_tagged_and_carry_their_signed_distance_while_suspended() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.SELL, 1, stop=101, target=-99, tag="glt-1")
    stop, target = lab.order(entry_id + 1), lab.order(entry_id + 2)
    assert (stop.status, stop.type, stop.side) == (OrderStatus.SUSPENDED, OrderType.STOP, Side.BUY)
    assert (stop.parent_id, stop.linked_id, stop.tag) == (entry_id, None, "glt-1-SL")
    assert (target.parent_id, target.linked_id, target.tag) == (entry_id, stop.id, "glt-1-TP")
    assert (stop.trail_distance, stop.trail_price) == (101, Decimal("25.25"))
    assert (target.trail_distance, target.trail_price) == (-99, Decimal("-24.75"))
    assert stop.created_at == target.created_at == lab.order(entry_id).created_at
    lab.settle()
    assert lab.order(stop.id).trail_distance is None


def test_a_leg_that_fills_reports_the_entry_trade_again_and_cancels_its_sibling_twelve_ms_later() -> None:
    lab = Lab(ONCE)
    lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    filled = told(lab.quote(27997.25, 27997.5))
    assert filled == [
        "1001 order stop filled 27997.75",
        "1001 trade SELL 1 at 27997.25 pnl -6.00",
        "1001 trade BUY 1 at 28000.25 again",
        "1001 position +0 at 28000.25",
        "1001 account 149992.78",
    ]
    assert told(lab.settle()) == ["1013 order limit cancelled 28002.75"]
    assert lab.position() == 0


def test_a_rejected_order_is_pending_and_then_rejected_and_stored_at_once() -> None:
    lab = Lab()
    outcome = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal("27999.10"))
    assert lab.order(outcome.order_id).status is OrderStatus.REJECTED
    assert told(lab.settle()) == ["0 order limit pending 27999.10", "2.5 order limit rejected 27999.10"]


def test_a_resting_order_works_at_once_and_tells_changes_and_cancellation() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27990)).order_id or 0
    assert told(lab.wait()) == ["0 order limit pending 27990.00", "0 order limit working 27990.00"]
    lab.wait(10)
    lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, limit_price=Decimal(27991)), lab.now)
    assert told(lab.wait()) == ["10 order limit working 27991.00"]
    lab.wait(10)
    lab.exchange.cancel(ACCOUNT, order_id, lab.now)
    assert told(lab.settle()) == ["20 order limit cancelled 27991.00"]


def test_the_update_time_of_an_order_moves_with_all_changes_but_fills() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    lab.quote(28002.75, 28003.0)
    entry, stop, target = (lab.order(entry_id + offset) for offset in range(3))
    assert entry.updated_at == entry.created_at == START
    assert (target.updated_at - START).total_seconds() == 0.025
    lab.settle()
    assert (lab.order(stop.id).updated_at - START).total_seconds() == 1.013


def test_each_opening_from_flat_has_a_position_id_of_its_own() -> None:
    lab = Lab()
    ids = []
    for _ in range(2):
        lab.place(OrderType.MARKET, Side.BUY)
        ids += [event.position.id for event in lab.settle() if isinstance(event, PositionChanged)]
        lab.exchange.close_contract(ACCOUNT, lab.exchange.positions(ACCOUNT)[0].contract_id, lab.now)
        lab.settle()
    assert len(set(ids)) == 2


def test_a_closing_order_is_a_market_order_without_a_tag() -> None:
    lab = Lab(ONCE)
    lab.place(OrderType.MARKET, Side.BUY, 3)
    lab.settle()
    assert lab.exchange.close_contract(ACCOUNT, "CON.F.US.MNQ.Z26", lab.now).code == 0
    events = lab.settle()
    assert told(events) == [
        "1000 order market pending",
        "1005 trade SELL 3 at 28000.00 pnl -1.50",
        "1005 trade BUY 3 at 28000.25 again",
        "1005 order market filled",
        "1005 position +0 at 28000.25",
        "1005 account 149994.84",
    ]
    closing = next(event.order for event in events if isinstance(event, OrderChanged))
    assert closing.tag is None


def test_order_and_trade_numbers_start_where_the_venue_counts_and_grow_by_one() -> None:
    lab = Lab()
    first = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    second = lab.place(OrderType.MARKET, Side.BUY).order_id
    lab.settle()
    assert (first, second) == (3_400_000_000, 3_400_000_003)
    assert [trade.id for trade in lab.exchange.trades(ACCOUNT)] == [3_000_000_001, 3_000_000_000]
