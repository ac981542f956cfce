"""A firm's account rules: the trailing floor, the daily limit, the hours, and what they do to orders and positions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from exchange_lab import ACCOUNT, CATALOGUE, ES, MNQ, DictatedMarket, Lab, told
from hypothesis import given
from hypothesis import strategies as st

from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange.account_rules import (
    Boundary,
    Plan,
    Standing,
    Verdict,
    is_window_closed,
    judge,
    next_boundary,
    next_day,
    opening,
)
from tradeconsole.exchange.records import PlaceCode, VenueAccount
from tradeconsole.exchange.venue import Exchange

MONEY = st.decimals(Decimal(-200_000), Decimal(400_000), places=2)
PLANS = st.builds(
    Plan, start=st.sampled_from([Decimal(0), Decimal(50_000)]), loss_limit=st.just(Decimal(2_000))
)
COMBINE = Plan(start=Decimal(50_000), loss_limit=Decimal(2_000), daily_loss=Decimal(1_000))
NO_DLL = Plan(start=Decimal(50_000), loss_limit=Decimal(2_000))
MORNING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""Monday 09:00 in Chicago."""


def under(plan: Plan, balance: int = 50_000, **fields: object) -> Lab:
    return Lab(balance=Decimal(balance), start_balance=plan.start, plan=plan, **fields)


def account(lab: Lab) -> VenueAccount:
    found = lab.exchange.account(ACCOUNT)
    assert found is not None
    return found


def standing(lab: Lab) -> Standing:
    found = account(lab).standing
    assert found is not None
    return found


# -- the floor and the daily limit, as sums


@given(PLANS, st.lists(MONEY, max_size=12))
def test_the_floor_never_falls_and_never_passes_the_start(plan: Plan, ends: list[Decimal]) -> None:
    stands = opening(plan, plan.start)
    for balance in ends:
        after = next_day(plan, stands, balance)
        assert after.floor is not None
        assert stands.floor is not None
        assert stands.floor <= after.floor <= plan.start
        stands = after


@given(PLANS, st.lists(MONEY, min_size=1, max_size=12))
def test_the_floor_is_the_best_end_of_a_day_less_the_limit_capped_at_the_start(
    plan: Plan, ends: list[Decimal]
) -> None:
    stands = opening(plan, plan.start)
    for balance in ends:
        stands = next_day(plan, stands, balance)
    assert plan.loss_limit is not None
    assert stands.floor == min(plan.start, max([plan.start, *ends]) - plan.loss_limit) or stands.floor == max(
        plan.start - plan.loss_limit, min(plan.start, max(ends) - plan.loss_limit)
    )


@given(MONEY, MONEY)
def test_equity_is_judged_at_the_cent(day_balance: Decimal, equity: Decimal) -> None:
    stands = Standing(floor=Decimal(48_000), day_balance=day_balance)
    expected = (
        Verdict.BREACHED
        if equity <= 48_000
        else Verdict.DAY_OVER
        if day_balance - equity >= 1_000
        else Verdict.FINE
    )
    assert judge(COMBINE, stands, equity) is expected


@given(MONEY)
def test_without_limits_every_equity_is_fine(equity: Decimal) -> None:
    free = Plan(start=Decimal(0))
    assert judge(free, opening(free, Decimal(0)), equity) is Verdict.FINE


def test_an_express_account_starts_at_nothing_with_its_floor_below_and_locks_at_zero() -> None:
    express = Plan(start=Decimal(0), loss_limit=Decimal(2_000))
    stands = opening(express, Decimal(0))
    floors = [stands.floor]
    for balance in (500, 1_700, 1_200, 2_600, 9_000):
        stands = next_day(express, stands, Decimal(balance))
        floors.append(stands.floor)
    assert floors == [-2_000, -1_500, -300, -300, 0, 0]


def test_a_scale_allows_what_the_last_end_of_a_day_has_earned() -> None:
    scale = ((Decimal(-(10**9)), Decimal(2)), (Decimal(1_500), Decimal(3)), (Decimal(2_001), Decimal(5)))
    express = Plan(start=Decimal(0), loss_limit=Decimal(2_000), scaling=scale)
    stands = opening(express, Decimal(0))
    lots = [stands.max_lots]
    for balance in (-500, 1_499, 1_500, 2_000, 2_001, 1_000):
        stands = next_day(express, stands, Decimal(balance))
        lots.append(stands.max_lots)
    assert lots == [2, 2, 2, 3, 3, 5, 2]


def test_profit_of_the_day_does_not_scale_before_its_end() -> None:
    scale = ((Decimal(-(10**9)), Decimal("0.2")), (Decimal(100), Decimal("0.5")))
    lab = under(Plan(start=Decimal(0), scaling=scale), balance=0)
    assert not lab.place(OrderType.MARKET, Side.BUY, 3).success
    assert lab.place(OrderType.MARKET, Side.BUY, 2).success
    lab.settle()
    lab.trade(28_100.0)
    lab.quote(28_100.0, 28_100.25)
    lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
    lab.settle()
    assert lab.balance() > 100
    assert not lab.place(OrderType.MARKET, Side.BUY, 3).success
    lab.wait_until(datetime(2026, 11, 23, 23, 0, tzinfo=UTC))
    assert lab.place(OrderType.MARKET, Side.BUY, 5).success


def test_a_limit_of_a_product_counts_its_contracts_and_working_orders() -> None:
    lab = Lab(product_limits={"MNQ": 3, "ES": 0})
    lab.market.quotes[ES] = Quote(ES, MORNING, bid=7_000.0, ask=7_000.25, last=7_000.0)
    assert lab.place(OrderType.LIMIT, Side.BUY, 2, limit_price=Decimal(27_000)).success
    assert not lab.place(OrderType.MARKET, Side.BUY, 2).success
    assert lab.place(OrderType.MARKET, Side.BUY, 1).success
    lab.settle()
    assert lab.place(OrderType.MARKET, Side.SELL, 4).success
    refused = lab.place(OrderType.MARKET, Side.BUY, 1, contract_id=ES)
    assert (refused.code, refused.message) == (PlaceCode.ORDER_REJECTED, "Maximum position exceeded.")


# -- the clock


@pytest.mark.parametrize(
    ("utc", "expected", "boundary"),
    [
        ("2026-11-23T15:00:00Z", "2026-11-23T21:08:00Z", Boundary.FLATTEN),
        ("2026-11-23T21:08:00Z", "2026-11-23T21:10:00Z", Boundary.CLOSE),
        ("2026-11-23T21:10:00Z", "2026-11-23T23:00:00Z", Boundary.ROLL),
        ("2026-11-23T23:00:00Z", "2026-11-24T21:08:00Z", Boundary.FLATTEN),
        ("2026-07-06T20:09:00Z", "2026-07-06T20:10:00Z", Boundary.CLOSE),
        ("2026-10-31T23:00:00Z", "2026-11-01T21:08:00Z", Boundary.FLATTEN),
    ],
)
def test_a_firm_acts_by_the_clock_of_chicago_summer_and_winter(
    utc: str, expected: str, boundary: Boundary
) -> None:
    moment, what = next_boundary(datetime.fromisoformat(utc))
    assert (moment, what) == (datetime.fromisoformat(expected), boundary)


@given(st.integers(0, 2 * 365 * 86_400).map(lambda second: MORNING + timedelta(seconds=second)))
def test_boundaries_come_in_order_and_always_later(now: datetime) -> None:
    first, what = next_boundary(now)
    second, then = next_boundary(first)
    assert now < first < second
    assert (
        then
        is {
            Boundary.FLATTEN: Boundary.CLOSE,
            Boundary.CLOSE: Boundary.ROLL,
            Boundary.ROLL: Boundary.FLATTEN,
        }[what]
    )
    assert is_window_closed(first) is (what is Boundary.CLOSE)


# -- what they do


def test_a_breach_in_the_middle_of_the_day_liquidates_and_locks_the_account() -> None:
    lab = under(NO_DLL)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    resting = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27_000)).order_id
    lab.settle()
    lab.quote(27_760.0, 27_760.25)
    assert account(lab).can_trade
    events = lab.trade(27_750.0)
    assert "account 49997.56" in " ".join(told(events))
    assert not account(lab).can_trade
    lab.settle()
    assert (lab.position(), lab.order(resting).status) == (0, OrderStatus.CANCELLED)
    assert standing(lab).breached
    assert lab.place(OrderType.MARKET, Side.BUY).code is PlaceCode.ACCOUNT_VIOLATION


def test_a_breach_lasts_over_the_day() -> None:
    lab = under(NO_DLL)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    lab.trade(27_700.0)
    lab.quote(27_700.0, 27_700.25)
    lab.wait_until(MORNING + timedelta(days=2))
    assert (account(lab).can_trade, standing(lab).breached) == (False, True)


def test_a_loss_that_is_closed_at_once_is_judged_too() -> None:
    lab = under(COMBINE)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    lab.place(OrderType.STOP, Side.SELL, 4, stop_price=Decimal(27900))
    lab.quote(27_870.0, 27_870.25)
    lab.settle()
    assert lab.position() == 0
    assert (standing(lab).day_over, standing(lab).breached) == (True, False)


def test_the_daily_limit_blocks_until_the_day_rolls_and_says_so_twice() -> None:
    lab = under(COMBINE)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    lab.trade(27_870.0)
    lab.quote(27_870.0, 27_870.25)
    lab.settle()
    assert (account(lab).can_trade, standing(lab).day_over, lab.position()) == (False, True, 0)
    assert lab.place(OrderType.MARKET, Side.BUY).code is PlaceCode.ACCOUNT_VIOLATION
    rolled = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    lab.wait_until(rolled - timedelta(seconds=1))
    assert not account(lab).can_trade
    events = lab.wait_until(rolled)
    assert [line.split()[1] for line in told(events)] == ["account"]
    assert account(lab).can_trade
    assert standing(lab).day_balance == account(lab).balance


def test_without_a_daily_limit_the_same_loss_does_nothing() -> None:
    lab = under(NO_DLL)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    lab.trade(27_870.0)
    lab.quote(27_870.0, 27_870.25)
    assert (account(lab).can_trade, lab.position()) == (True, 4)


def test_positions_are_closed_and_orders_cancelled_at_fifteen_past_eight() -> None:
    lab = under(COMBINE)
    entry = lab.bracket(Side.BUY, 2, -400, 400)
    resting = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27_000)).order_id
    lab.settle()
    lab.wait_until(datetime(2026, 11, 23, 21, 8, 1, tzinfo=UTC))
    assert lab.position() == 0
    ended = {lab.order(order_id).status for order_id in (entry + 1, entry + 2, resting)}
    assert ended == {OrderStatus.CANCELLED}


@pytest.mark.parametrize(
    ("clock", "code"),
    [
        ("21:09:59", PlaceCode.SUCCESS),
        ("21:10:00", PlaceCode.OUTSIDE_TRADING_HOURS),
        ("22:59:59", PlaceCode.OUTSIDE_TRADING_HOURS),
        ("23:00:00", PlaceCode.SUCCESS),
    ],
)
def test_from_ten_past_three_until_five_no_order_is_taken(clock: str, code: PlaceCode) -> None:
    lab = under(COMBINE)
    lab.wait_until(datetime.fromisoformat(f"2026-11-23T{clock}Z"))
    placed = lab.place(OrderType.MARKET, Side.BUY)
    assert placed.code is code
    assert placed.order_id is not None


def test_an_account_without_a_plan_trades_through_the_afternoon() -> None:
    lab = Lab()
    lab.place(OrderType.MARKET, Side.BUY)
    lab.wait_until(datetime(2026, 11, 23, 21, 30, tzinfo=UTC))
    assert lab.place(OrderType.MARKET, Side.BUY).success
    lab.settle()
    assert lab.position() == 2


def test_what_a_halt_kept_open_is_closed_as_soon_as_it_trades_again() -> None:
    lab = under(COMBINE)
    lab.place(OrderType.MARKET, Side.BUY, 2)
    lab.settle()
    lab.exchange.set_halted(MNQ, True, lab.now)
    lab.wait_until(datetime(2026, 11, 23, 21, 12, tzinfo=UTC))
    assert lab.position() == 2
    lab.exchange.set_halted(MNQ, False, lab.now)
    lab.quote(28_000.0, 28_000.25)
    lab.settle()
    assert lab.position() == 0


def test_a_profit_of_the_day_raises_the_floor_only_at_its_end() -> None:
    lab = under(NO_DLL)
    lab.place(OrderType.MARKET, Side.BUY, 5)
    lab.settle()
    lab.trade(28_100.0)
    lab.quote(28_100.0, 28_100.25)
    lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
    lab.settle()
    assert standing(lab).floor == 48_000
    lab.wait_until(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))
    assert standing(lab).floor == account(lab).balance - 2_000


def test_open_positions_of_all_contracts_count() -> None:
    lab = under(NO_DLL)
    lab.market.quotes[ES] = Quote(
        ES, MORNING, bid=7_000.0, ask=7_000.25, last=7_000.0, bid_size=10, ask_size=10
    )
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.place(OrderType.MARKET, Side.SELL, 2, contract_id=ES)
    lab.settle()
    lab.trade(27_870.0)
    lab.quote(27_870.0, 27_870.25)
    assert account(lab).can_trade
    lab.market.add(Quote(ES, lab.now, bid=7_010.0, ask=7_010.25, bid_size=10, ask_size=10))
    lab.market.quotes[ES] = Quote(ES, lab.now, bid=7_010.0, ask=7_010.25, last=7_010.0)
    lab.wait(1)
    assert not account(lab).can_trade


def test_the_standing_survives_a_snapshot() -> None:
    lab = under(COMBINE)
    lab.place(OrderType.MARKET, Side.BUY, 4)
    lab.settle()
    lab.trade(27_870.0)
    lab.quote(27_870.0, 27_870.25)
    again = Exchange(CATALOGUE, DictatedMarket(MNQ, 27_870.0, 27_870.25, 27_870.0))
    again.restore(lab.exchange.snapshot())
    assert again.account(ACCOUNT) == account(lab)
    again.advance(datetime(2026, 11, 23, 23, 0, tzinfo=UTC))
    kept = again.account(ACCOUNT)
    assert kept is not None
    assert kept.can_trade


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"follower": True}, "Follower accounts cannot cancel orders"),
        ({"simulated": False}, "Live accounts not supported"),
    ],
)
def test_followers_and_live_accounts_cannot_cancel(fields: dict[str, bool], message: str) -> None:
    lab = Lab(**fields)
    resting = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27_000)).order_id
    assert resting is not None
    refused = lab.exchange.cancel(ACCOUNT, resting, lab.now)
    assert (refused.code, refused.message) == (6, message)


def test_a_live_account_cannot_close_in_part() -> None:
    lab = Lab(simulated=False)
    lab.place(OrderType.MARKET, Side.BUY, 2)
    lab.settle()
    assert lab.exchange.partial_close(ACCOUNT, MNQ, 1, lab.now).code == 9
