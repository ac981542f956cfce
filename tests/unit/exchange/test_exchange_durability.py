"""Time and memory: the same whatever the steps, after a restart, and over a long absence."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from exchange_lab import ACCOUNT, CATALOGUE, ES, MNQ, START, Lab, make_account
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.market import Quote, Tick
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.feed import PathMarket
from tradeconsole.exchange.records import (
    DepthChanged,
    ExchangeEvent,
    ExchangeOptions,
    Leg,
    ModifyRequest,
    PlaceRequest,
    TradeReported,
)
from tradeconsole.exchange.synthetic import SyntheticSource
from tradeconsole.exchange.venue import Exchange


def make_exchange(options: ExchangeOptions | None = None, seed: int = 42) -> Exchange:
    market = PathMarket(CATALOGUE, SyntheticSource(CATALOGUE, seed), START, seed)
    return Exchange(CATALOGUE, market, options)


def with_account(exchange: Exchange) -> Exchange:
    exchange.open_account(make_account())
    return exchange


def last(exchange: Exchange, contract_id: str = MNQ) -> Decimal:
    quote = exchange.quote(contract_id)
    assert quote is not None
    assert quote.last is not None
    return CATALOGUE.known(contract_id).product.owed(quote.last)


def place_grid(exchange: Exchange, now: datetime, points: tuple[int, ...]) -> None:
    """Resting orders around the market, a bracketed entry and a trailing stop."""
    price = last(exchange)
    orders = [
        PlaceRequest(contract_id=MNQ, type=kind, side=side, size=1, **{field: price + sign * distance})
        for distance in points
        for kind, field, side, sign in (
            (OrderType.LIMIT, "limit_price", Side.BUY, -1),
            (OrderType.LIMIT, "limit_price", Side.SELL, 1),
            (OrderType.STOP, "stop_price", Side.BUY, 1),
        )
    ]
    orders.append(
        PlaceRequest(
            contract_id=MNQ,
            type=OrderType.MARKET,
            side=Side.BUY,
            size=2,
            stop_loss=Leg(-80, OrderType.TRAILING_STOP),
            take_profit=Leg(160, OrderType.LIMIT),
        )
    )
    for request in orders:
        assert exchange.place(ACCOUNT, request, now).success


def account_events(events: list[ExchangeEvent]) -> list[ExchangeEvent]:
    return [event for event in events if not isinstance(event, (Quote, Tick, DepthChanged))]


def test_the_same_seed_and_steps_give_the_same_bytes() -> None:
    states = []
    for _ in range(2):
        exchange = with_account(make_exchange())
        place_grid(exchange, START, (10, 30))
        events = exchange.advance(START + timedelta(minutes=90))
        states.append((exchange.snapshot(), events))
    assert states[0] == states[1]


@settings(max_examples=8, deadline=None)
@given(
    steps=st.lists(st.integers(1, 900_000), min_size=1, max_size=30),
    followed=st.booleans(),
    partial=st.booleans(),
)
def test_what_fills_does_not_depend_on_the_steps_of_time_nor_on_who_is_looking(
    steps: list[int], followed: bool, partial: bool
) -> None:
    options = ExchangeOptions(partial_fills=partial)
    leaping, stepping = with_account(make_exchange(options)), with_account(make_exchange(options))
    if followed:
        stepping.follow(MNQ, depth=True)
    for exchange in (leaping, stepping):
        place_grid(exchange, START, (5, 20, 60))
    end = START + timedelta(milliseconds=sum(steps))
    expected = account_events(leaping.advance(end))
    told, now = [], START
    for step in steps:
        now += timedelta(milliseconds=step)
        told += account_events(stepping.advance(now))
    assert told == expected
    assert leaping.snapshot() == stepping.snapshot()


def test_a_restored_exchange_is_equal_and_goes_on_like_the_first() -> None:
    first = with_account(make_exchange())
    place_grid(first, START, (4, 12, 40))
    first.move_price(MNQ, -6, START + timedelta(seconds=20))
    first.set_halted(ES, True, first.now)
    # in the middle of the venue's delays
    first.advance(START + timedelta(seconds=20, milliseconds=3))
    second = make_exchange()
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    until = START + timedelta(hours=3)
    assert account_events(second.advance(until)) == account_events(first.advance(until))
    assert second.snapshot() == first.snapshot()
    assert second.trades(ACCOUNT) == first.trades(ACCOUNT)
    assert not second.is_open(ES)


def test_a_restored_exchange_can_be_traded_on_with_fresh_numbers() -> None:
    first = with_account(make_exchange())
    place_grid(first, START, (4,))
    first.advance(START + timedelta(minutes=1))
    second = make_exchange()
    second.restore(first.snapshot())
    request = PlaceRequest(contract_id=MNQ, type=OrderType.MARKET, side=Side.SELL, size=1, tag="x")
    outcomes = [exchange.place(ACCOUNT, request, exchange.now) for exchange in (first, second)]
    assert outcomes[0] == outcomes[1]
    assert not second.place(ACCOUNT, request, second.now).success


def restarted(lab: Lab) -> Lab:
    """The same market with an exchange that was restored from the lab's snapshot."""
    fresh = Lab()
    fresh.market, fresh.now = lab.market, lab.now
    fresh.exchange = Exchange(CATALOGUE, lab.market)
    fresh.exchange.restore(lab.exchange.snapshot())
    return fresh


def test_a_restart_between_a_legs_fill_and_its_siblings_end_does_not_revive_the_sibling() -> None:
    lab = Lab()
    entry_id = lab.bracket(Side.BUY, 1, stop=-10, target=10)
    lab.settle()
    lab.quote(28002.75, 28003.0)
    lab = restarted(lab)
    lab.quote(27990.0, 27990.25)
    assert lab.position() == 0
    lab.settle()
    assert lab.order(entry_id + 1).status is OrderStatus.CANCELLED


def test_a_restart_before_a_crossing_modification_is_matched_keeps_its_market_price() -> None:
    lab = Lab()
    order_id = lab.place(OrderType.LIMIT, Side.BUY, limit_price=Decimal(27990)).order_id or 0
    lab.exchange.modify(ACCOUNT, ModifyRequest(order_id=order_id, limit_price=Decimal(28100)), lab.now)
    lab = restarted(lab)
    lab.quote(28000.0, 28000.25)
    lab.settle()
    assert lab.order(order_id).filled_price == Decimal("28000.25")


def test_three_days_of_absence_fill_what_was_reached_and_only_that() -> None:
    exchange = with_account(make_exchange())
    price = last(exchange)
    ids = {}
    for distance in (50, 100, 150, 5000):
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            limit = price + sign * distance
            request = PlaceRequest(
                contract_id=MNQ, type=OrderType.LIMIT, side=side, size=1, limit_price=limit
            )
            ids[exchange.place(ACCOUNT, request, START).order_id or 0] = (side, limit)
    exchange.follow(MNQ)
    until = START + timedelta(days=3)
    events = exchange.advance(until)
    market_events = [event for event in events if isinstance(event, (Quote, Tick))]
    assert min(event.time for event in market_events) >= until - timedelta(minutes=1)
    minute = SyntheticSource(CATALOGUE, 42)
    bars = minute.bars(CATALOGUE.known(MNQ), int(START.timestamp()), int(until.timestamp()))
    lowest, highest = min(bars.low) * Decimal("0.25"), max(bars.high) * Decimal("0.25")
    filled = {order.id for order in exchange.orders_in(ACCOUNT, frozenset({OrderStatus.FILLED}))}
    reached = {
        order_id
        for order_id, (side, limit) in ids.items()
        if (limit > lowest if side is Side.BUY else limit < highest)
    }
    assert filled == reached
    assert 0 < len(filled) < len(ids)
    for trade in exchange.trades(ACCOUNT):
        assert trade.price == ids[trade.order_id][1]
        index = (int(trade.created_at.timestamp()) - bars.time[0]) // 60
        assert bars.low[index] <= trade.price * 4 <= bars.high[index]


def test_commands_take_time_forward_and_never_back() -> None:
    exchange = with_account(make_exchange())
    later = START + timedelta(seconds=10)
    request = PlaceRequest(contract_id=MNQ, type=OrderType.MARKET, side=Side.BUY, size=1)
    exchange.place(ACCOUNT, request, later)
    assert exchange.now == later
    order_id = exchange.place(ACCOUNT, request, START).order_id or 0
    order = exchange.order(ACCOUNT, order_id)
    assert order is not None
    assert order.created_at == later
    assert exchange.next_due() == later + timedelta(milliseconds=5)
    exchange.advance(later + timedelta(milliseconds=5))
    assert exchange.next_due() is None


def test_the_next_market_event_is_when_it_says() -> None:
    exchange = with_account(make_exchange())
    assert exchange.next_market_event() is None
    exchange.follow(MNQ)
    upcoming = exchange.next_market_event()
    assert upcoming is not None
    assert exchange.advance(upcoming - timedelta(microseconds=1)) == []
    assert exchange.advance(upcoming)[0].time == upcoming


def test_only_followed_contracts_are_told_and_depth_only_when_wanted() -> None:
    exchange = with_account(make_exchange())
    place_grid(exchange, START, (2,))
    exchange.follow(ES)
    events = exchange.advance(START + timedelta(seconds=30))
    assert {event.instrument_id for event in events if isinstance(event, (Quote, Tick))} == {ES}
    assert not any(isinstance(event, DepthChanged) for event in events)
    exchange.follow(ES, depth=True)
    assert any(isinstance(event, DepthChanged) for event in exchange.advance(START + timedelta(seconds=60)))
    exchange.unfollow(ES)
    assert account_events(events := exchange.advance(START + timedelta(seconds=90))) == events


def test_after_a_halt_the_book_that_was_followed_is_whole_again() -> None:
    exchange = with_account(make_exchange())
    exchange.follow(MNQ, depth=True)
    book: dict[tuple[Side, float], int] = {}

    def live(seconds: int) -> list[ExchangeEvent]:
        events = exchange.advance(exchange.now + timedelta(seconds=seconds))
        for event in events:
            for row in event.rows if isinstance(event, DepthChanged) else ():
                book[row.side, row.price] = row.size
        return events

    live(20)
    exchange.set_halted(MNQ, True, exchange.now)
    assert live(20) == []
    exchange.set_halted(MNQ, False, exchange.now)
    resumed = live(0)
    assert [type(event) for event in resumed] == [Quote, DepthChanged]
    live(5)
    depth = exchange.depth(MNQ)
    shown = {price for (_, price), size in book.items() if size}
    assert shown == {level.price for level in (*depth.bids, *depth.asks)}


def test_a_moved_price_reaches_orders_at_once_also_where_nobody_follows() -> None:
    exchange = with_account(make_exchange())
    price = last(exchange)
    stop = PlaceRequest(contract_id=MNQ, type=OrderType.STOP, side=Side.SELL, size=1, stop_price=price - 400)
    exchange.place(ACCOUNT, stop, START)
    now = START + timedelta(seconds=7)
    exchange.move_price(MNQ, -1700, now)
    trades = [event.trade for event in exchange.advance(now) if isinstance(event, TradeReported)]
    assert [(trade.created_at, trade.side) for trade in trades] == [(now, Side.SELL)]
    assert abs(trades[0].price - (price - 425)) < 30


@pytest.mark.parametrize("offset", [Decimal(75), Decimal("-33.25"), Decimal(0)])
def test_a_set_price_is_where_the_contract_trades(offset: Decimal) -> None:
    exchange = with_account(make_exchange())
    now = START + timedelta(seconds=9)
    exchange.advance(now)
    exchange.follow(MNQ)
    wanted = last(exchange) + offset
    exchange.set_price(MNQ, wanted, now)
    exchange.advance(now)
    assert last(exchange) == wanted


def test_an_unknown_contract_cannot_be_followed_or_moved() -> None:
    exchange = with_account(make_exchange())
    for command in (exchange.follow, lambda contract: exchange.move_price(contract, 1, START)):
        with pytest.raises(InvalidRequest, match=r"has no prices for 'CON\.X'"):
            command("CON.X")
    assert exchange.advance(START + timedelta(seconds=1)) == []


def test_a_naive_time_is_an_error() -> None:
    exchange = with_account(make_exchange())
    with pytest.raises(TypeError):
        exchange.advance(datetime(2026, 11, 24))  # noqa: DTZ001 - the point of the test


def test_an_account_is_opened_once() -> None:
    lab = Lab()
    with pytest.raises(InvalidRequest, match="account 7 exists already"):
        lab.exchange.open_account(make_account())
    assert [account.id for account in lab.exchange.accounts("demo")] == [ACCOUNT]
    assert lab.exchange.accounts("somebody") == []


def test_orders_and_trades_are_found_by_window_in_the_venues_order() -> None:
    lab = Lab()
    ids = []
    for _ in range(3):
        ids.append(lab.place(OrderType.MARKET, Side.BUY).order_id)
        lab.settle()
    middle = START + timedelta(seconds=1)
    assert [order.id for order in lab.exchange.orders(ACCOUNT)] == ids
    assert [order.id for order in lab.exchange.orders(ACCOUNT, middle)] == ids[1:]
    assert [order.id for order in lab.exchange.orders(ACCOUNT, middle, middle)] == ids[1:2]
    assert [trade.order_id for trade in lab.exchange.trades(ACCOUNT)] == ids[::-1]
    assert [trade.order_id for trade in lab.exchange.trades(ACCOUNT, middle)] == ids[:0:-1]
