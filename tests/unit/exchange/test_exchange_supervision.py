"""Accounts under rules in a market that moves: limits are hit at the same price however time passes, sums stay exact."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from exchange_lab import ACCOUNT, CATALOGUE, ES, MNQ, Lab, make_account
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Quote, Tick
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.exchange.account_rules import Plan, Standing, Verdict, judge, room
from tradeconsole.exchange.accounts import exposure
from tradeconsole.exchange.disturbances import Portions
from tradeconsole.exchange.feed import PathMarket
from tradeconsole.exchange.records import (
    DepthChanged,
    ExchangeEvent,
    ExchangeOptions,
    PlaceCode,
    PlaceRequest,
    VenueAccount,
)
from tradeconsole.exchange.synthetic import SyntheticSource
from tradeconsole.exchange.venue import Exchange

CME = load_calendar("cme")
MORNING = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CORN = "CON.F.US.ZCE.Z26"
MONEY = st.decimals(Decimal(-9_000), Decimal(9_000), places=2)


def end_of(group: ProductGroup, now: datetime) -> datetime | None:
    session = CME.session_at(group, now)
    return None if session is None else session.close


def market_of(plan: Plan, *, seed: int = 42) -> Exchange:
    exchange = Exchange(CATALOGUE, PathMarket(CATALOGUE, SyntheticSource(CATALOGUE, seed), MORNING, seed))
    exchange.open_account(make_account(balance=Decimal(50_000), plan=plan))
    return exchange


def enter(exchange: Exchange, contract_id: str, side: Side, size: int, now: datetime = MORNING) -> None:
    request = PlaceRequest(contract_id=contract_id, type=OrderType.MARKET, side=side, size=size)
    assert exchange.place(ACCOUNT, request, now).success


def account_of(exchange: Exchange) -> VenueAccount:
    account = exchange.account(ACCOUNT)
    assert account is not None
    return account


def account_events(events: list[ExchangeEvent]) -> list[ExchangeEvent]:
    return [event for event in events if not isinstance(event, (Quote, Tick, DepthChanged))]


@given(
    floor=st.none() | st.just(Decimal(48_000)),
    limit=st.none() | st.just(Decimal(1_000)),
    day=MONEY,
    equity=MONEY,
    loss=st.decimals(Decimal(0), Decimal(9_000), places=2),
)
def test_within_its_room_an_account_can_lose_without_hitting_a_limit(
    floor: Decimal | None, limit: Decimal | None, day: Decimal, equity: Decimal, loss: Decimal
) -> None:
    plan = Plan(start=Decimal(50_000), daily_loss=limit)
    standing = Standing(floor=floor, day_balance=50_000 + day)
    left = room(plan, standing, 50_000 + equity)
    fine = judge(plan, standing, 50_000 + equity - loss) is Verdict.FINE
    assert fine is (left is None or loss < left)


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.integers(1, 1_500_000), min_size=1, max_size=25),
    limit=st.integers(60, 600),
    sizes=st.tuples(st.integers(1, 6), st.integers(0, 2)),
    side=st.sampled_from(Side),
    followed=st.booleans(),
)
def test_a_limit_is_hit_at_the_same_moment_in_leaps_in_steps_and_over_a_restart(
    steps: list[int], limit: int, sizes: tuple[int, int], side: Side, followed: bool
) -> None:
    plan = Plan(start=Decimal(50_000), loss_limit=Decimal(2_000), daily_loss=Decimal(limit))
    leaping, stepping, restarted = market_of(plan), market_of(plan), market_of(plan)
    if followed:
        stepping.follow(MNQ)
    for exchange in (leaping, stepping, restarted):
        enter(exchange, MNQ, side, sizes[0])
        if sizes[1]:
            enter(exchange, ES, side.opposite, sizes[1])
    expected = account_events(leaping.advance(MORNING + timedelta(milliseconds=sum(steps))))
    told, told_again, now = [], [], MORNING
    for step in steps:
        now += timedelta(milliseconds=step)
        told += account_events(stepping.advance(now))
        told_again += account_events(restarted.advance(now))
        kept, restarted = restarted.snapshot(), market_of(plan, seed=42)
        restarted = Exchange(CATALOGUE, PathMarket(CATALOGUE, SyntheticSource(CATALOGUE, 42), MORNING, 42))
        restarted.restore(kept)
    assert told == told_again == expected
    assert leaping.snapshot() == stepping.snapshot() == restarted.snapshot()


def test_a_day_that_is_slept_through_ends_flat_and_blocked_or_at_the_closing() -> None:
    plan = Plan(start=Decimal(50_000), daily_loss=Decimal(100))
    exchange = market_of(plan)
    enter(exchange, MNQ, Side.BUY, 5)
    exchange.advance(MORNING + timedelta(hours=9))
    assert exchange.positions(ACCOUNT) == []
    last = exchange.trades(ACCOUNT)[0]
    flatten = datetime(2026, 11, 23, 21, 8, tzinfo=UTC)
    assert last.created_at <= flatten + timedelta(seconds=1)
    assert account_of(exchange).can_trade


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "limit", "bracket", "close", "cancel", "move", "wait"]),
        st.integers(1, 8),
        st.integers(-60, 60),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(ACTIONS, st.integers(1, 3), st.booleans())
def test_money_adds_up_and_no_rule_is_broken_whatever_is_done(
    actions: list[tuple[str, int, int]], portion: int, partial: bool
) -> None:
    plan = Plan(start=Decimal(50_000), loss_limit=Decimal(2_000), daily_loss=Decimal(400))
    lab = Lab(
        ExchangeOptions(partial_fills=partial),
        balance=Decimal(50_000),
        start_balance=Decimal(50_000),
        plan=plan,
        max_lots=Decimal("1.6"),
    )
    lab.exchange.disturb(lab.now).portions = Portions(portion, 30.0)
    price = 28_000.0
    for action, size, ticks in actions:
        price += ticks * 4 if action == "move" else 0
        act(lab, action, size, price)
        check(lab)
    # a closing that was cancelled is taken up with the next price
    lab.settle()
    lab.quote(price, price + 0.25)
    lab.settle()
    check(lab)
    account = account_of(lab.exchange)
    assert account.standing is not None
    if account.standing.is_blocked:
        assert (lab.position(), account.can_trade) == (0, False)
        assert not lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING, OrderStatus.PENDING}))


def act(lab: Lab, action: str, size: int, price: float) -> None:
    match action:
        case "buy" | "sell":
            lab.place(OrderType.MARKET, Side(action.upper()), size)
        case "limit":
            lab.place(OrderType.LIMIT, Side.BUY, size, limit_price=Decimal(str(price - size)))
        case "bracket":
            legs = {"ticks": -8, "type": OrderType.STOP}, {"ticks": 8, "type": OrderType.LIMIT}
            lab.place(OrderType.MARKET, Side.BUY, size, stop_loss=legs[0], take_profit=legs[1])
        case "close":
            lab.exchange.close_contract(ACCOUNT, MNQ, lab.now)
        case "cancel":
            for order in lab.exchange.orders_in(ACCOUNT, frozenset({OrderStatus.WORKING}))[:1]:
                lab.exchange.cancel(ACCOUNT, order.id, lab.now)
        case "move":
            lab.trade(price)
            lab.quote(price, price + 0.25, size)
        case _:
            lab.wait(size * 20)


def check(lab: Lab) -> None:
    """Cash is what the trades say, positions are what they left, and the limit of lots was never passed."""
    trades = lab.exchange.trades(ACCOUNT)
    cash = sum((trade.gross_pnl or 0) - trade.fees - trade.commissions for trade in trades)
    assert lab.balance() == 50_000 + cash
    assert lab.position() == sum(trade.size * trade.side.sign for trade in trades)
    assert exposure(CATALOGUE, lab.exchange.positions(ACCOUNT), ()) <= Decimal("1.6")
    orders = {order.id: order for order in lab.exchange.orders(ACCOUNT)}
    for order in orders.values():
        filled = sum(trade.size for trade in trades if trade.order_id == order.id)
        assert filled == order.filled <= order.size


@pytest.mark.parametrize(
    ("contract", "flat_at"),
    [
        (CORN, datetime(2026, 11, 23, 19, 18, tzinfo=UTC)),  # closes at 13:20
        (MNQ, datetime(2026, 11, 23, 21, 8, tzinfo=UTC)),
    ],
)
def test_a_product_that_closes_early_is_flat_two_minutes_before(contract: str, flat_at: datetime) -> None:
    lab = Lab(end_of=end_of, balance=Decimal(50_000), plan=Plan(start=Decimal(50_000)))
    lab.market.quotes[contract] = Quote(
        contract, MORNING, bid=450.0, ask=450.25, last=450.0, bid_size=9, ask_size=9
    )
    enter(lab.exchange, contract, Side.BUY, 1, lab.now)
    lab.wait_until(flat_at - timedelta(seconds=1))
    assert lab.position() == 1
    lab.wait_until(flat_at + timedelta(seconds=1))
    assert lab.position() == 0


@pytest.mark.parametrize(
    ("clock", "code"), [("19:17:59", PlaceCode.SUCCESS), ("19:18:00", PlaceCode.OUTSIDE_TRADING_HOURS)]
)
def test_nothing_is_opened_that_could_not_be_flat_by_an_early_close(clock: str, code: PlaceCode) -> None:
    lab = Lab(end_of=end_of, balance=Decimal(50_000), plan=Plan(start=Decimal(50_000)))
    lab.market.quotes[CORN] = Quote(CORN, MORNING, bid=450.0, ask=450.25, last=450.0)
    now = datetime.fromisoformat(f"2026-11-23T{clock}Z")
    assert lab.place(OrderType.MARKET, Side.BUY, contract_id=MNQ).success
    lab.wait_until(now)
    assert lab.place(OrderType.MARKET, Side.BUY, contract_id=CORN).code is code
    assert lab.place(OrderType.MARKET, Side.BUY, contract_id=MNQ).success


def test_on_a_day_with_an_early_close_positions_go_before_it() -> None:
    """The day after Thanksgiving: equity index closes at 12:15 in Chicago."""
    start = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    closes = end_of(ProductGroup.EQUITY_INDEX, start)
    assert closes is not None
    assert closes < datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
    lab = Lab(start=start, end_of=end_of, balance=Decimal(50_000), plan=Plan(start=Decimal(50_000)))
    enter(lab.exchange, MNQ, Side.BUY, 1, start)
    lab.wait_until(closes - timedelta(minutes=1))
    assert lab.position() == 0
