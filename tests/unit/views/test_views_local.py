"""A local session: frames out of the engine's thread, commands into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import (
    ACCOUNT,
    MNQ,
    NOON,
    make_account,
    make_bars,
    make_fill,
    make_instrument,
    make_quote,
    make_report,
    make_tick,
)

from tradeconsole.domain.commands import Arm, NudgeOrder, PlaceOrder
from tradeconsole.domain.events import (
    AccountReported,
    Channel,
    ChannelChanged,
    ChannelState,
    Event,
    FillReported,
    InstrumentResolved,
    OrderReported,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.orders import Bracket, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.thread import EngineThread
from tradeconsole.errors import InvalidRequest, RiskDenied
from tradeconsole.ports import Budget
from tradeconsole.views.local import LocalSession
from tradeconsole.views.models import Frame
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Focus, History, Preview


class Station:
    """A session over an engine in its own thread, and what was seen of its frames so far."""

    def __init__(self) -> None:
        self.thread = EngineThread()
        self.thread.start()
        self.engine = self.thread.submit(self._make()).result()
        self.broker: ScriptedBroker = self.engine.broker  # type: ignore[assignment]
        self.broker.bars = make_bars(
            600, start=datetime.now(NOON.tzinfo).replace(second=0) - timedelta(minutes=600)
        )
        self.session = LocalSession(self.thread, self.engine, SessionInfo(profile="test"), fps=200)
        self.seen: dict[str, object] = {}

    async def _make(self) -> Engine:
        return Engine(
            make_broker=ScriptedBroker,
            journal=MemoryJournal(),
            bars=None,
            calendar=OpenCalendar(),
            options=EngineOptions(watchlist=("MNQ",)),
        )

    async def publish(self, *events: Event) -> None:
        async def work() -> None:
            for event in events:
                self.engine.bus.publish(event)

        await self.thread.call(work())

    async def see(self, condition, what: str) -> Frame:  # type: ignore[no-untyped-def]
        """Take frames until the picture put together from them is as wanted."""
        async with asyncio.timeout(5), aclosing(self.session.frames()) as frames:
            async for frame in frames:
                self.seen.update({k: v for k, v in frame if v is not None})
                picture = Frame(**self.seen)  # type: ignore[arg-type]
                if condition(picture):
                    return picture
        raise AssertionError(f"never saw {what}")


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    station = Station()
    await station.thread.call(station.engine.start())
    await station.see(lambda f: f.header and f.header.synced and f.watchlist, "a synced header")
    await station.publish(QuoteReceived(make_quote()))
    yield station
    await station.session.close()
    await station.thread.call(station.engine.stop())
    station.thread.stop()


async def test_every_section_is_there_soon(station: Station) -> None:
    picture = await station.see(lambda f: all(section is not None for _, section in f), "all sections")
    assert picture.chart
    assert len(picture.chart.bars) >= 599


async def test_an_order_is_seen_on_its_way(station: Station) -> None:
    await station.session.send(Arm(ACCOUNT))
    command = PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=2, bracket=Bracket(40, 80))
    receipt = await station.session.send(command)
    order_id = receipt.order_ids[0]
    assert receipt.message == "sent: BUY 2 MNQZ6 market, stop 40 ticks, target 80 ticks"
    picture = await station.see(lambda f: f.orders, "the order")
    assert picture.orders
    assert picture.orders[0].status is OrderStatus.SENT
    stop = make_report(
        broker_order_id="3400000002", tag=f"{order_id}-SL", type=OrderType.STOP, side=Side.SELL,
        stop_price=Decimal(20990), role=OrderRole.STOP_LOSS, parent_broker_id="3400000001",
    )  # fmt: skip
    await station.publish(
        OrderReported(
            make_report(tag=order_id, status=OrderStatus.FILLED, filled=2, average_price=Decimal(21000))
        ),
        FillReported(make_fill()),
        OrderReported(stop),
        TickReceived(make_tick(price=21002.5)),
    )
    picture = await station.see(lambda f: f.positions and f.positions[0].open_pnl == 10, "the position's P&L")
    (position,) = picture.positions or ()
    assert (position.size, position.protected, position.protection) == (2, 2, "broker stop 20,990.00")
    picture = await station.see(lambda f: f.chart.orders and f.chart.fills, "marks on the chart")
    assert picture.chart
    assert picture.chart.orders[0].label == "SL SELL 2"
    assert picture.chart.average_price == 21000.0
    row = next(row for row in picture.orders or () if row.order_id == order_id)
    assert "ack" in row.trail
    assert "filled 2/2 @ 21,000.00" in row.trail
    receipt = await station.session.send(NudgeOrder(order_id=f"{order_id}-SL", ticks=2))
    assert receipt.message == "moving to 20,990.50 (+2 ticks)"
    assert station.broker.modified[-1]["stop"] == Decimal("20990.50")


async def test_what_is_held_without_a_price_leaves_profit_and_equity_unknown(station: Station) -> None:
    gold = make_instrument(instrument_id="CON.F.US.GCE.Z26", symbol="GC", name="GCZ6")
    await station.publish(InstrumentResolved(gold), FillReported(make_fill(instrument_id=gold.instrument_id)))

    async def sampled() -> list[datetime]:
        station.engine.equity.sample(NOON)
        return [time for time, _ in station.engine.equity.since(ACCOUNT, NOON)]

    def unknown(f: Frame) -> bool:
        header, panel = f.header, f.dashboard
        if not f.positions or header is None or panel is None:
            return False
        return all(
            figure is None for figure in (header.open_pnl, header.day_pnl, panel.open_pnl, panel.equity)
        )

    await station.see(unknown, "a position without a price")
    assert NOON not in await station.thread.call(sampled())
    await station.publish(QuoteReceived(make_quote(instrument_id=gold.instrument_id, last=21001.0)))
    await station.see(lambda f: f.header.open_pnl == 4 and f.dashboard.equity, "the price")


async def test_what_the_broker_has_not_confirmed_is_unknown_unless_something_is_held(
    station: Station,
) -> None:
    def unknown(f: Frame) -> bool:
        header, panel = f.header, f.dashboard
        if header is None or panel is None or header.synced or panel.proven:
            return False
        return all(
            figure is None
            for figure in (header.open_pnl, header.day_pnl, panel.open_pnl, panel.day_pnl, panel.equity)
        )

    def flat(f: Frame) -> bool:
        return f.header.open_pnl == f.header.day_pnl == f.dashboard.day_pnl == 0 and f.dashboard.proven

    await station.see(flat, "a flat account")
    await station.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.KICKED, "another session"))
    await station.see(unknown, "figures that nobody vouches for")
    await station.publish(FillReported(make_fill()), TickReceived(make_tick(price=21002.5)))
    await station.see(lambda f: f.header.open_pnl == 10 and not f.header.synced, "what is known to be held")


async def test_news_of_an_account_out_of_view_say_whose_they_are(station: Station) -> None:
    other = make_account(account_id="999", name="OTHER")
    await station.publish(
        AccountReported(other), FillReported(make_fill(account_id="999", time=datetime.now(UTC)))
    )
    await station.see(
        lambda f: any(row.title.startswith("OTHER: Filled: bought 2 MNQZ6") for row in f.notifications),
        "the fill with its account",
    )
    await station.session.watch(Focus(account_id="999"))
    await station.see(
        lambda f: any(row.title.startswith("Filled: bought 2 MNQZ6") for row in f.notifications),
        "the fill of the account in view",
    )


async def test_refusals_cross_the_thread_as_they_are(station: Station) -> None:
    with pytest.raises(RiskDenied, match="not armed"):
        await station.session.send(PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=1))


async def test_a_preview_tells_cost_risk_and_refusal(station: Station) -> None:
    await station.publish(FillReported(make_fill()))
    command = PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=2, bracket=Bracket(40, 80))
    view = await station.session.preview(Preview(command))
    assert (view.risk, view.reward, view.ratio) == (Decimal("40.0"), Decimal("80.0"), 2.0)
    assert (view.fees, view.resulting_position) == (Decimal("2.44"), 4)
    assert "not armed" in (view.refusal or "")


async def test_what_closes_opens_nothing_and_pays_once(station: Station) -> None:
    await station.publish(FillReported(make_fill()))

    async def preview(size: int) -> tuple[int, Decimal | None]:
        order = PlaceOrder(account_id=ACCOUNT, symbol="MNQ", side=Side.SELL, size=size)
        view = await station.session.preview(Preview(order))
        return view.opens, view.fees

    assert await preview(2) == (0, Decimal("1.22"))
    assert await preview(5) == (3, Decimal("4.88"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (History(symbol="MNQ", limit=1_000_001), "at most 1,000,000 bars"),
        (History(symbol="MNQ", start=datetime(1800, 1, 1, tzinfo=UTC), limit=2), "since 1970-01-01"),
    ],
)
async def test_a_history_that_nobody_means_is_refused(station: Station, query: History, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await station.session.history(query)


async def test_times_at_the_edges_of_the_calendar_have_no_bars(station: Station) -> None:
    first, second = datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)
    last = datetime(9999, 12, 31, tzinfo=UTC)
    for query in (
        History(symbol="MNQ", start=first, end=second),
        History(symbol="MNQ", end=second),
        History(symbol="MNQ", start=last),
    ):
        assert not len((await station.session.history(query)).bars)


async def test_the_longest_bars_reach_back_to_where_time_begins(station: Station) -> None:
    for timeframe in ("99999m", "99999d", "99999mo"):
        await station.session.history(History(symbol="MNQ", timeframe=timeframe, limit=1_000_000))


async def test_history_is_oldest_first_and_cut_to_the_newest(station: Station) -> None:
    answer = await station.session.history(History(symbol="MNQ", limit=10))
    assert len(answer.bars) == 10
    assert list(answer.bars.time) == sorted(answer.bars.time)
    assert answer.bars.close[-1] == station.broker.bars.close[-1]


async def test_naive_times_are_refused(station: Station) -> None:
    with pytest.raises(InvalidRequest, match="no zone"):
        await station.session.history(History(symbol="MNQ", start=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point


async def test_a_request_budget_shows_in_the_header_when_it_runs_short(station: Station) -> None:
    plenty = Budget("general", 140, 200, 60.0)
    station.broker.budget_list = [plenty, Budget("history", 37, 45, 30.0)]

    def is_told(picture: Frame) -> bool:
        scarce = picture.header is not None and bool(picture.header.scarce)
        return scarce and picture.system is not None and len(picture.system.budgets) == 2

    picture = await station.see(is_told, "the scarce budget")
    assert picture.header is not None
    assert [(each.name, each.used, each.limit) for each in picture.header.scarce] == [("history", 37, 45)]


@pytest.mark.parametrize("held", [False, True])
async def test_what_is_looked_at_follows_a_roll_unless_it_is_held(station: Station, held: bool) -> None:
    new = make_instrument(instrument_id="CON.F.US.MNQ.H27", name="MNQH7")
    await station.session.watch(Focus(symbol=MNQ))
    await station.see(lambda f: f.chart and f.chart.name == "MNQZ6", "the chosen contract")
    if held:
        await station.publish(FillReported(make_fill()))
    await station.publish(InstrumentResolved(make_instrument(active=False)), InstrumentResolved(new))
    shown = "MNQZ6" if held else "MNQH7"
    await station.see(lambda f: f.chart and f.ticket and f.chart.name == f.ticket.name == shown, shown)
    await station.session.watch(Focus(symbol=MNQ))
    await station.see(lambda f: f.chart and f.chart.name == shown, f"still {shown}")


async def test_unknown_symbols_and_timeframes_are_refused(station: Station) -> None:
    for focus in (Focus(symbol="NOPE"), Focus(timeframe="1x")):
        with pytest.raises(InvalidRequest):
            await station.session.watch(focus)


async def test_other_timeframes_and_more_bars_come_when_asked_for(station: Station) -> None:
    await station.session.watch(Focus(symbol="MNQ", timeframe="5m", bars=20))
    await station.see(
        lambda f: f.chart and f.chart.timeframe == "5m" and len(f.chart.bars) == 20, "twenty bars"
    )
    await station.session.watch(Focus(symbol="MNQ", timeframe="5m", bars=90))
    await station.see(lambda f: f.chart and len(f.chart.bars) == 90, "ninety bars")
    assert {key[1].seconds for key in station.engine.market._charts} == {300}


async def test_the_watchlist_streams_what_it_shows(station: Station) -> None:
    await station.session.remove_symbol("MNQ")
    await station.see(lambda f: f.watchlist == (), "an empty watchlist")
    await station.session.add_symbol("MNQ")
    await station.see(lambda f: f.watchlist, "the row again")
    assert {sub.instrument_id for sub in station.broker.wanted} == {MNQ}
