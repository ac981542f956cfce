"""What every adapter must show, whatever venue it speaks to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from venues import PRICE, SYMBOL, VENUES, Venue

from tradeconsole.domain.events import (
    AccountReported,
    BrokerEvent,
    Channel,
    ChannelChanged,
    ChannelState,
    DepthReceived,
    InstrumentResolved,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import Bracket, OrderRequest, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.errors import BrokerRejected, BrokerUnavailable, InvalidRequest, OrderInDoubt

WORKING, FILLED, CANCELLED = OrderStatus.WORKING, OrderStatus.FILLED, OrderStatus.CANCELLED


@pytest_asyncio.fixture(params=list(VENUES))
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[Venue]:
    async with VENUES[request.param]() as running:
        await running.open()
        yield running


def order(venue: Venue, **changes: Any) -> OrderRequest:
    base = OrderRequest(
        account_id=venue.account_id,
        instrument_id=venue.instrument.instrument_id,
        side=Side.BUY,
        type=OrderType.MARKET,
        size=1,
        tag=venue.tag(),
    )
    return msgspec.structs.replace(base, **changes)


def limit(venue: Venue, price: Decimal, **changes: Any) -> OrderRequest:
    return order(venue, type=OrderType.LIMIT, limit_price=price, **changes)


async def hold(venue: Venue, size: int = 2, **changes: Any) -> str:
    """Be long `size` contracts; returns the entry's id."""
    placed = await venue.broker.place_order(order(venue, size=size, **changes))
    await venue.size(size)
    return placed


def lately() -> Span:
    now = datetime.now(UTC)
    return Span(now - timedelta(hours=1), now + timedelta(minutes=5))


# -- orders ------------------------------------------------------------------------------------------------------


async def test_a_market_order_fills_and_everything_about_it_is_told(venue: Venue) -> None:
    request = order(venue, size=2)
    placed = await venue.broker.place_order(request)
    report = await venue.status(placed, FILLED)
    assert (report.tag, report.filled, report.side, report.type) == (
        request.tag,
        2,
        Side.BUY,
        OrderType.MARKET,
    )
    await venue.until(lambda: sum(fill.size for fill in venue.fills(placed)) == 2)
    (fill, *_) = venue.fills(placed)
    assert (fill.side, fill.account_id) == (Side.BUY, venue.account_id)
    assert abs(fill.price - PRICE) <= 4 * venue.instrument.tick_size
    assert fill.fees > 0
    await venue.size(2)
    position = venue.position()
    assert position is not None
    assert position.average_price == report.average_price


async def test_the_account_pays_what_the_fills_say(venue: Venue) -> None:
    (before, *_) = await venue.broker.get_accounts()
    await hold(venue, 2)
    await venue.broker.close_position(venue.account_id, venue.instrument.instrument_id)
    await venue.size(0)
    await venue.until(lambda: len(venue.fills()) >= 2)
    paid = sum((fill.fees for fill in venue.fills()), Decimal(0))
    gained = sum((fill.gross_pnl or Decimal(0) for fill in venue.fills()), Decimal(0))

    def balances() -> list[Decimal]:
        return [event.account.balance for event in venue.told if isinstance(event, AccountReported)]

    await venue.until(lambda: before.balance + gained - paid in balances())
    (after, *_) = await venue.broker.get_accounts()
    assert after.balance == before.balance + gained - paid


async def test_a_limit_order_works_until_the_price_goes_through_it(venue: Venue) -> None:
    price = PRICE - 10
    placed = await venue.broker.place_order(limit(venue, price))
    report = await venue.status(placed, WORKING)
    assert (report.limit_price, report.filled) == (price, 0)
    venue.world.set_price(price - 2)
    report = await venue.status(placed, FILLED)
    assert report.average_price is not None
    assert report.average_price <= price


async def test_a_stop_order_becomes_a_market_order_at_its_stop(venue: Venue) -> None:
    stop = PRICE + 10
    placed = await venue.broker.place_order(order(venue, type=OrderType.STOP, stop_price=stop))
    assert (await venue.status(placed, WORKING)).stop_price == stop
    venue.world.set_price(stop + 1)
    report = await venue.status(placed, FILLED)
    assert report.average_price is not None
    assert report.average_price >= stop


async def test_a_trailing_stop_follows_and_does_not_come_back(venue: Venue) -> None:
    if OrderType.TRAILING_STOP not in venue.broker.capabilities.order_types:
        pytest.skip("the venue has no trailing stops")
    await hold(venue, 1)
    placed = await venue.broker.place_order(
        order(venue, side=Side.SELL, type=OrderType.TRAILING_STOP, trail_ticks=40, reference_price=PRICE)
    )
    trail = (await venue.status(placed, WORKING)).trail_ticks
    # a venue may measure the distance from the price at which the order arrives
    assert trail is not None
    assert abs(trail - 40) <= 4
    venue.world.set_price(PRICE + 20)
    await asyncio.sleep(0.2)
    venue.world.set_price(PRICE + 5)
    report = await venue.status(placed, FILLED)
    assert report.average_price is not None
    assert report.average_price > PRICE


@pytest.mark.parametrize(
    ("kind", "side"), [(OrderType.JOIN_BID, Side.BUY), (OrderType.JOIN_ASK, Side.SELL)], ids=str
)
async def test_an_order_that_joins_a_side_rests_at_its_best_price(
    venue: Venue, kind: OrderType, side: Side
) -> None:
    if kind not in venue.broker.capabilities.order_types:
        pytest.skip("the venue has no such orders")
    placed = await venue.broker.place_order(order(venue, side=side, type=kind))
    report = await venue.status(placed, WORKING)
    quote = await venue.broker.get_market_quote(venue.instrument.instrument_id)
    best = quote.bid if side is Side.BUY else quote.ask
    assert best is not None
    assert report.limit_price == venue.instrument.quantize(best)


async def test_a_trailing_stop_can_be_moved_closer(venue: Venue) -> None:
    if OrderType.TRAILING_STOP not in venue.broker.capabilities.order_types:
        pytest.skip("the venue has no trailing stops")
    await hold(venue, 1)
    placed = await venue.broker.place_order(
        order(venue, side=Side.SELL, type=OrderType.TRAILING_STOP, trail_ticks=40, reference_price=PRICE)
    )
    await venue.status(placed, WORKING)
    await venue.broker.modify_order(venue.account_id, placed, stop_price=PRICE - 3)
    # measured from the price at which the change arrives
    await venue.until(lambda: abs((venue.order(placed).trail_ticks or 0) - 12) <= 4)  # type: ignore[union-attr]
    with pytest.raises(InvalidRequest, match="below the last price"):
        await venue.broker.modify_order(venue.account_id, placed, stop_price=PRICE + 50)


async def test_a_refusal_carries_the_venues_words_and_the_order_is_not_working(venue: Venue) -> None:
    request = limit(venue, PRICE - 50)
    await venue.broker.place_order(request)
    with pytest.raises(BrokerRejected) as caught:
        await venue.broker.place_order(request)
    assert len(str(caught.value)) > 10
    open_orders = await venue.broker.get_open_orders(venue.account_id)
    assert [report.tag for report in open_orders] == [request.tag]


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": -1},
        {"type": OrderType.LIMIT},
        {"type": OrderType.LIMIT, "limit_price": PRICE + Decimal("0.10")},
        {"type": OrderType.STOP},
        {"instrument_id": "nothing of the kind"},
    ],
    ids=str,
)
async def test_a_malformed_order_is_never_sent(venue: Venue, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await venue.broker.place_order(order(venue, **wrong))
    assert await venue.broker.get_orders(venue.account_id, lately()) == []


async def test_the_short_forms_place_the_same_orders(venue: Venue) -> None:
    broker = venue.broker
    bought = await broker.place_market_order(venue.account_id, SYMBOL, Side.BUY, 1, tag=venue.tag())
    await venue.status(bought, FILLED)
    offered = await broker.place_limit_order(
        venue.account_id, SYMBOL, Side.SELL, 1, PRICE + 50, tag=venue.tag()
    )
    assert (await venue.status(offered, WORKING)).limit_price == PRICE + 50


async def test_a_cancelled_order_is_gone_and_cancelling_it_again_is_harmless(venue: Venue) -> None:
    placed = await venue.broker.place_order(limit(venue, PRICE - 50))
    await venue.status(placed, WORKING)
    await venue.broker.cancel_order(venue.account_id, placed)
    await venue.status(placed, CANCELLED)
    assert await venue.broker.get_open_orders(venue.account_id) == []
    await venue.broker.cancel_order(venue.account_id, placed)
    assert venue.reports(placed)[-1].status is CANCELLED


async def test_a_cancel_that_loses_the_race_is_no_error_and_tells_of_the_fill(venue: Venue) -> None:
    placed = await venue.broker.place_order(order(venue))
    await venue.status(placed, FILLED)
    told = len(venue.reports(placed))
    await venue.broker.cancel_order(venue.account_id, placed)
    assert [report.status for report in venue.reports(placed)[told:]] == [FILLED]
    await venue.size(1)


async def test_a_modified_order_works_at_its_new_price_and_size(venue: Venue) -> None:
    placed = await venue.broker.place_order(limit(venue, PRICE - 50))
    await venue.status(placed, WORKING)
    await venue.broker.modify_order(venue.account_id, placed, limit_price=PRICE - 40)
    await venue.until(lambda: venue.order(placed).limit_price == PRICE - 40)  # type: ignore[union-attr]
    await venue.broker.modify_order(venue.account_id, placed, size=3)
    await venue.until(lambda: venue.order(placed).size == 3)  # type: ignore[union-attr]
    report = venue.order(placed)
    assert report is not None
    assert (report.status, report.limit_price) == (WORKING, PRICE - 40)


async def test_a_finished_order_cannot_be_modified(venue: Venue) -> None:
    placed = await venue.broker.place_order(order(venue))
    await venue.status(placed, FILLED)
    with pytest.raises(BrokerRejected):
        await venue.broker.modify_order(venue.account_id, placed, limit_price=PRICE)


async def test_an_unknown_order_cannot_be_cancelled(venue: Venue) -> None:
    with pytest.raises(BrokerRejected):
        await venue.broker.cancel_order(venue.account_id, "1")


# -- brackets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
async def test_a_bracket_protects_what_was_filled(venue: Venue, side: Side, sign: int) -> None:
    bracket = Bracket(stop_ticks=40, target_ticks=60)
    placed = await venue.broker.place_order(order(venue, side=side, size=2, bracket=bracket))
    report = await venue.status(placed, FILLED)
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [WORKING, WORKING])
    stop, target = venue.legs(placed)
    assert report.average_price is not None
    assert (stop.role, target.role) == (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
    assert stop.stop_price == venue.instrument.offset(report.average_price, -sign * 40)
    assert target.limit_price == venue.instrument.offset(report.average_price, sign * 60)
    assert stop.side is target.side is side.opposite
    assert stop.size == target.size == 2


async def test_a_trailing_leg_follows_the_market(venue: Venue) -> None:
    if OrderType.TRAILING_STOP not in venue.broker.capabilities.order_types:
        pytest.skip("the venue has no trailing stops")
    placed = await hold(venue, 1, bracket=Bracket(stop_ticks=40, trailing=True))
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [WORKING])
    (stop,) = venue.legs(placed)
    assert (stop.role, stop.type) == (OrderRole.STOP_LOSS, OrderType.TRAILING_STOP)
    assert stop.trail_ticks == 40
    venue.world.set_price(PRICE + 20)
    await asyncio.sleep(0.2)
    venue.world.set_price(PRICE + 5)
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [FILLED])
    await venue.size(0)


async def test_when_one_leg_fills_the_other_goes(venue: Venue) -> None:
    placed = await hold(venue, 2, bracket=Bracket(stop_ticks=40, target_ticks=60))
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [WORKING, WORKING])
    venue.world.set_price(PRICE + 20)
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [CANCELLED, FILLED])
    await venue.size(0)
    closing = [fill for fill in venue.fills() if fill.gross_pnl is not None]
    assert sum((fill.gross_pnl for fill in closing if fill.gross_pnl), Decimal(0)) > 0


async def test_legs_that_wait_for_their_entry_are_open_orders(venue: Venue) -> None:
    placed = await venue.broker.place_order(limit(venue, PRICE - 50, bracket=Bracket(40, 60)))
    await venue.status(placed, WORKING)
    reports = {report.role: report for report in await venue.broker.get_open_orders(venue.account_id)}
    assert set(reports) == {None, OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT}
    assert reports[OrderRole.STOP_LOSS].status is OrderStatus.SUSPENDED
    assert reports[OrderRole.STOP_LOSS].parent_broker_id == placed
    await venue.broker.cancel_order(venue.account_id, placed)
    await venue.status(placed, CANCELLED)
    assert await venue.broker.get_open_orders(venue.account_id) == []


async def test_a_leg_can_be_moved_without_its_sibling(venue: Venue) -> None:
    placed = await hold(venue, 1, bracket=Bracket(40, 60))
    await venue.until(lambda: [leg.status for leg in venue.legs(placed)] == [WORKING, WORKING])
    stop, target = venue.legs(placed)
    await venue.broker.modify_order(venue.account_id, stop.broker_order_id, stop_price=PRICE - 5)
    await venue.until(lambda: venue.legs(placed)[0].stop_price == PRICE - 5)
    assert venue.legs(placed)[1].limit_price == target.limit_price


# -- positions ---------------------------------------------------------------------------------------------------


async def test_a_position_can_be_closed_in_parts(venue: Venue) -> None:
    instrument_id = venue.instrument.instrument_id
    await hold(venue, 3)
    await venue.broker.close_position(venue.account_id, instrument_id, 1)
    await venue.size(2)
    await venue.broker.close_position(venue.account_id, instrument_id)
    await venue.size(0)
    assert await venue.broker.get_positions(venue.account_id) == []


async def test_closing_never_flips(venue: Venue) -> None:
    instrument_id = venue.instrument.instrument_id
    await hold(venue, 1)
    with pytest.raises(BrokerRejected):
        await venue.broker.close_position(venue.account_id, instrument_id, 2)
    (position,) = await venue.broker.get_positions(venue.account_id)
    assert position.size == 1
    await venue.broker.close_position(venue.account_id, instrument_id)
    await venue.size(0)
    with pytest.raises(BrokerRejected):
        await venue.broker.close_position(venue.account_id, instrument_id)


async def test_short_positions_are_negative(venue: Venue) -> None:
    await venue.broker.place_order(order(venue, side=Side.SELL, size=2))
    await venue.size(-2)
    (position,) = await venue.broker.get_positions(venue.account_id)
    assert position.size == -2
    assert position == venue.position()


# -- records and streams say the same ----------------------------------------------------------------------------


async def test_the_records_equal_what_the_stream_told(venue: Venue) -> None:
    first = await hold(venue, 2, bracket=Bracket(40, 60))
    await venue.until(lambda: [leg.status for leg in venue.legs(first)] == [WORKING, WORKING])
    resting = await venue.broker.place_order(limit(venue, PRICE - 50))
    await venue.status(resting, WORKING)
    gone = await venue.broker.place_order(limit(venue, PRICE - 60))
    await venue.status(gone, WORKING)
    await venue.broker.cancel_order(venue.account_id, gone)
    await venue.status(gone, CANCELLED)

    recorded = {r.broker_order_id: r for r in await venue.broker.get_orders(venue.account_id, lately())}
    recorded |= {r.broker_order_id: r for r in await venue.broker.get_open_orders(venue.account_id)}
    assert {first, resting, gone, *(leg.broker_order_id for leg in venue.legs(first))} == set(recorded)
    for broker_order_id, record in recorded.items():
        told = venue.order(broker_order_id)
        assert told is not None
        # when an order was touched last is told in two precisions, and not at all for fills
        assert msgspec.structs.replace(record, updated_at=told.updated_at, created_at=told.created_at) == told
        assert abs(record.created_at - told.created_at) < timedelta(milliseconds=1)

    fills = await venue.broker.get_fills(venue.account_id, lately())
    assert len(fills) == len(venue.fills())
    for fill, told_fill in zip(fills, venue.fills(), strict=True):
        assert msgspec.structs.replace(fill, time=told_fill.time) == told_fill
    assert list(await venue.broker.get_positions(venue.account_id)) == [venue.position()]


async def test_fills_come_oldest_first(venue: Venue) -> None:
    for _ in range(3):
        placed = await venue.broker.place_order(order(venue))
        await venue.status(placed, FILLED)
    await venue.size(3)
    times = [fill.time for fill in await venue.broker.get_fills(venue.account_id, lately())]
    assert len(times) == 3
    assert times == sorted(times)


async def test_records_outside_the_span_are_left_out(venue: Venue) -> None:
    await hold(venue, 1)
    past = Span(datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) - timedelta(days=1))
    assert await venue.broker.get_orders(venue.account_id, past) == []
    assert await venue.broker.get_fills(venue.account_id, past) == []


# -- instruments and market data ---------------------------------------------------------------------------------


async def test_a_contract_goes_by_symbol_name_and_id(venue: Venue) -> None:
    instrument = venue.instrument
    for text in (SYMBOL, instrument.name, instrument.instrument_id):
        assert await venue.broker.resolve(text) == instrument
    assert instrument.symbol == SYMBOL
    assert instrument.active
    assert any(isinstance(e, InstrumentResolved) and e.instrument == instrument for e in venue.told)


async def test_an_unknown_symbol_is_invalid(venue: Venue) -> None:
    with pytest.raises(InvalidRequest):
        await venue.broker.resolve("NOSUCH")


async def test_instruments_can_be_searched(venue: Venue) -> None:
    assert venue.instrument in await venue.broker.search_instruments(SYMBOL)


async def test_quotes_flow_on_the_grid(venue: Venue) -> None:
    instrument = venue.instrument

    def full() -> Any:
        quotes = [event.quote for event in venue.told if isinstance(event, QuoteReceived)]
        return next((q for q in reversed(quotes) if None not in {q.bid, q.ask, q.last}), None)

    quote = await venue.until(full)
    assert quote.instrument_id == instrument.instrument_id
    assert quote.bid < quote.ask
    for price in (quote.bid, quote.ask, quote.last):
        assert price == instrument.snap(price)
    assert (await venue.broker.get_market_quote(instrument.instrument_id)).bid is not None


async def test_prints_flow(venue: Venue) -> None:
    tick = await venue.until(lambda: next((e.tick for e in venue.told if isinstance(e, TickReceived)), None))
    assert tick is not None
    assert tick.size > 0
    assert tick.price == venue.instrument.snap(tick.price)


async def test_depth_has_its_best_prices_first(venue: Venue) -> None:
    if not venue.broker.capabilities.depth:
        pytest.skip("the venue shows no depth")

    def two_sided() -> Any:
        return next(
            (e.depth for e in venue.told if isinstance(e, DepthReceived) and e.depth.bids and e.depth.asks),
            None,
        )

    depth = await venue.until(two_sided)
    bids, asks = [level.price for level in depth.bids], [level.price for level in depth.asks]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


@pytest.mark.parametrize("text", ["1m", "5m", "1h"])
async def test_history_is_closed_unique_and_oldest_first(venue: Venue, text: str) -> None:
    timeframe = Timeframe.parse(text)
    now = datetime.now(UTC)
    span = Span(now - timedelta(hours=30), now)
    bars = await venue.broker.get_historical_data(venue.instrument.instrument_id, timeframe, span)
    assert len(bars) > 5
    times = list(bars.time)
    assert times == sorted(set(times))
    assert all(span.start.timestamp() <= start for start in times)
    assert times[-1] + timeframe.seconds <= datetime.now(UTC).timestamp() + 1
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume >= 0


async def test_a_span_is_half_open(venue: Venue) -> None:
    end = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    span = Span(end - timedelta(minutes=10), end)
    minute = Timeframe.parse("1m")
    bars = await venue.broker.get_historical_data(venue.instrument.instrument_id, minute, span)
    assert [bar.time for bar in bars] == [span.start + timedelta(minutes=n) for n in range(10)]


# -- when things fail --------------------------------------------------------------------------------------------


def is_loss(event: BrokerEvent) -> bool:
    """Whether the market stream was told to be lost."""
    return (
        isinstance(event, ChannelChanged)
        and event.channel is Channel.MARKET
        and event.state is not ChannelState.UP
    )


async def test_after_a_lost_stream_everything_flows_again(venue: Venue) -> None:
    before = len(venue.told)
    venue.world.drop_streams()
    # the streams may be back before anybody looks: what counts is that their loss was told
    await venue.until(lambda: any(is_loss(event) for event in venue.told[before:]))
    await venue.until(lambda: all(venue.state(channel) is ChannelState.UP for channel in Channel))
    seen = len(venue.told)
    placed = await venue.broker.place_order(order(venue))
    await venue.status(placed, FILLED)
    await venue.until(lambda: any(isinstance(event, QuoteReceived) for event in venue.told[seen:]))


async def test_a_lost_reply_leaves_an_order_in_doubt_that_the_records_settle(venue: Venue) -> None:
    request = limit(venue, PRICE - 50)
    venue.world.lose_next_reply()
    with pytest.raises(OrderInDoubt):
        await venue.broker.place_order(request)
    reports = await venue.broker.get_open_orders(venue.account_id)
    assert [report.tag for report in reports] == [request.tag]


async def test_an_unreachable_venue_was_certainly_not_reached(venue: Venue) -> None:
    venue.world.go_down(0.5)
    await venue.until(lambda: venue.state(Channel.ACCOUNT) is ChannelState.DOWN)
    with pytest.raises(BrokerUnavailable):
        await venue.broker.place_order(order(venue))
    await venue.until(lambda: venue.state(Channel.ACCOUNT) is ChannelState.UP)
    assert await venue.broker.get_orders(venue.account_id, lately()) == []


async def test_after_closing_nothing_more_is_told(venue: Venue) -> None:
    await venue.broker.close()
    count = len(venue.told)
    venue.world.set_price(PRICE + 5)
    await asyncio.sleep(0.3)
    assert len(venue.told) == count
    await venue.broker.close()
