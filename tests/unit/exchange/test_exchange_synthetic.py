"""The seeded market: the same for the same seed, plausible, and one with its own history."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest
from exchange_lab import CATALOGUE, ES, MNQ, START
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.market import Bar, BarSeries, Quote, Tick, Timeframe
from tradeconsole.exchange.days import day_start
from tradeconsole.exchange.feed import PathMarket
from tradeconsole.exchange.market import Interest
from tradeconsole.exchange.records import DepthChanged, MarketEvent
from tradeconsole.exchange.synthetic import IsOpen, SyntheticSource

MINUTE = Timeframe.parse("1m")
EVERYTHING = Interest(everything=True, depth=True)


def make_market(
    seed: int = 42, start: datetime = START, is_open: IsOpen | None = None, **options: float
) -> PathMarket:
    source = SyntheticSource(CATALOGUE, seed, is_open=is_open, **options)
    return PathMarket(CATALOGUE, source, start, seed)


def history(
    market: PathMarket, contract_id: str, timeframe: str, days: float, limit: int = 20_000
) -> BarSeries:
    start = market.now - timedelta(days=days)
    return market.bars(contract_id, Timeframe.parse(timeframe), start, market.now, limit)


def lived(market: PathMarket, contract_id: str, span: timedelta) -> list[MarketEvent]:
    market.watch(contract_id, EVERYTHING)
    return list(market.advance(market.now + span))


def test_the_same_seed_gives_the_same_bars_and_another_seed_others() -> None:
    assert history(make_market(), MNQ, "1m", 2) == history(make_market(), MNQ, "1m", 2)
    assert history(make_market(), MNQ, "1m", 2) != history(make_market(seed=43), MNQ, "1m", 2)


def test_the_live_path_closes_into_the_bars_that_history_returns() -> None:
    market = make_market()
    events = lived(market, MNQ, timedelta(minutes=7))
    prints: dict[datetime, list[Tick]] = {}
    for event in events:
        if isinstance(event, Tick):
            prints.setdefault(event.time.replace(second=0, microsecond=0), []).append(event)
    assert len(prints) == 7
    for bar in market.bars(MNQ, MINUTE, START, market.now, 100):
        ticks = prints[bar.time]
        prices = [tick.price for tick in ticks]
        assert bar == Bar(
            bar.time, prices[0], max(prices), min(prices), prices[-1], sum(tick.size for tick in ticks)
        )


def test_history_of_any_unit_comes_from_the_same_prints() -> None:
    market = make_market(start=START + timedelta(seconds=1234, milliseconds=567))
    seconds = history(market, MNQ, "1s", 0.02)
    minutes = history(market, MNQ, "1m", 3)
    for timeframe in ("5m", "15m", "1h", "7m"):
        length = Timeframe.parse(timeframe).seconds
        for bar in list(history(market, MNQ, timeframe, 2))[-40:]:
            assert bar == merged(minutes, int(bar.time.timestamp()), length)
    for bar in list(minutes)[-10:]:
        assert bar == merged(seconds, int(bar.time.timestamp()), 60)


def test_days_begin_at_five_in_the_afternoon_of_chicago_and_weeks_on_sunday() -> None:
    market = make_market()
    minutes = history(market, ES, "1m", 5)
    days = history(market, ES, "1d", 4)
    assert [bar.time.hour for bar in days] == [23] * 3
    for bar in days:
        assert bar == merged(minutes, int(bar.time.timestamp()), 86_400)
    for length, count in (("2d", 2), ("2w", 14)):
        starts = [bar.time for bar in history(market, ES, length, 120)]
        assert len(starts) > 3
        steps = {round((later - earlier) / timedelta(days=1)) for earlier, later in pairwise(starts)}
        assert steps == {count}
    weeks = history(market, ES, "1w", 30)
    assert {(bar.time.weekday(), bar.time.hour) for bar in weeks} == {(6, 22), (6, 23)}


def test_the_bar_in_progress_is_told_only_when_asked_for_and_holds_what_has_traded() -> None:
    market = make_market()
    lived(market, MNQ, timedelta(minutes=2, seconds=20))
    whole = market.bars(MNQ, MINUTE, START, market.now, 10)
    partial = market.bars(MNQ, MINUTE, START, market.now, 10, include_partial=True)
    assert (len(whole), len(partial)) == (2, 3)
    lived(market, MNQ, timedelta(seconds=40))
    complete = market.bars(MNQ, MINUTE, START, market.now, 10).bar(-1)
    begun = partial.bar(-1)
    assert (begun.time, begun.open) == (complete.time, complete.open)
    assert begun.volume < complete.volume


def test_a_limit_keeps_the_newest_bars() -> None:
    market = make_market()
    assert history(market, MNQ, "1m", 1, limit=10) == history(market, MNQ, "1m", 1).tail(10)


def test_sixty_days_of_minutes_are_whole_and_continuous() -> None:
    bars = history(make_market(), MNQ, "1m", 60, limit=100_000)
    assert len(bars) == 60 * 1440
    for index in range(len(bars)):
        low, high = bars.low[index], bars.high[index]
        assert low <= min(bars.open[index], bars.close[index])
        assert high >= max(bars.open[index], bars.close[index])
    assert all(abs(later - close) <= 0.25 for close, later in zip(bars.close, bars.open[1:], strict=False))
    assert all(price % 0.25 == 0 for price in bars.close)


def test_the_day_session_is_livelier_than_the_night() -> None:
    bars = history(make_market(start=datetime(2026, 11, 24, 0, 0, tzinfo=UTC)), MNQ, "1m", 20, limit=100_000)
    ranges: dict[bool, list[float]] = {True: [], False: []}
    volumes: dict[bool, list[int]] = {True: [], False: []}
    for bar in bars:
        if bar.time.hour in {15, 16, 17, 18, 19, 3, 4, 5, 6}:
            ranges[bar.time.hour >= 15].append(bar.high - bar.low)
            volumes[bar.time.hour >= 15].append(bar.volume)
    assert mean(ranges[True]) > 1.5 * mean(ranges[False])
    assert mean(volumes[True]) > 3 * mean(volumes[False])


@pytest.mark.parametrize("symbol", ["ES", "NQ", "6E", "6J", "ZT", "CL", "GC", "ZC", "LE", "MBT"])
def test_a_product_moves_as_much_in_a_day_as_its_volatility_says(symbol: str) -> None:
    product = CATALOGUE.product(symbol)
    contract = CATALOGUE.active(product, START.date())
    bars = history(make_market(), contract.id, "1d", 61)
    assert len(bars) == 60
    moves = [(bar.close - bar.open) / bar.open * 100 for bar in bars]
    spread = mean(move * move for move in moves) ** 0.5
    assert 0.6 * product.volatility < spread < 1.7 * product.volatility
    assert all(0.5 * product.price < bar.close < 2 * product.price for bar in bars)


def test_a_micro_and_its_mini_have_the_same_prices() -> None:
    market = make_market()
    micro, mini = (history(market, contract, "1m", 1) for contract in (MNQ, "CON.F.US.ENQ.Z26"))
    assert micro.close == mini.close
    assert sum(micro.volume) > sum(mini.volume)


def test_quotes_carry_the_figures_of_the_session() -> None:
    market = make_market()
    events = lived(market, MNQ, timedelta(minutes=3))
    quote = [event for event in events if isinstance(event, Quote)][-1]
    session = datetime.fromtimestamp(day_start(int(START.timestamp())), UTC)
    bars = market.bars(MNQ, MINUTE, session, market.now, 5000, include_partial=True)
    now = market.quote(MNQ)
    assert now is not None
    assert (now.open, now.high, now.low) == (bars.open[0], max(bars.high), min(bars.low))
    assert (now.volume, now.last) == (sum(bars.volume), bars.close[-1])
    assert (quote.bid, quote.ask, quote.high) == (now.bid, now.ask, now.high)
    before = market.bars(MNQ, MINUTE, session - timedelta(minutes=1), session, 1).close[-1]
    assert now.change == pytest.approx(bars.close[-1] - before)


@settings(max_examples=25, deadline=None)
@given(
    milliseconds=st.one_of(st.integers(1, 130_000), st.sampled_from([20_001, 20_002, 80_001])),
    ticks=st.integers(-40, 40),
)
def test_a_quote_is_the_same_whether_its_market_was_followed_or_only_asked(
    milliseconds: int, ticks: int
) -> None:
    followed, asked = make_market(), make_market()
    followed.watch(MNQ, EVERYTHING)
    for market in (followed, asked):
        list(market.advance(START + timedelta(seconds=40)))
        market.move(MNQ, ticks)
        list(market.advance(START + timedelta(seconds=40, milliseconds=milliseconds)))
    assert followed.quote(MNQ) == asked.quote(MNQ)
    assert followed.depth(MNQ) == asked.depth(MNQ)


def test_the_last_price_of_a_quote_is_that_of_the_last_print() -> None:
    market = make_market()
    last = None
    for pause in (70, 55, 65):
        for event in lived(market, MNQ, timedelta(seconds=pause)):
            if isinstance(event, Tick):
                last = event.price
            elif isinstance(event, Quote) and last is not None:
                assert event.last == last
        market.move(MNQ, 25)


def test_depth_increments_rebuild_the_book_around_the_quote() -> None:
    market = make_market()
    before = market.depth(MNQ)
    book = {("BUY", level.price): level.size for level in before.bids}
    book |= {("SELL", level.price): level.size for level in before.asks}
    for event in lived(market, MNQ, timedelta(minutes=1)):
        if isinstance(event, DepthChanged):
            for row in event.rows:
                if row.size:
                    book[row.side, row.price] = row.size
                else:
                    del book[row.side, row.price]
    depth = market.depth(MNQ)
    quote = market.quote(MNQ)
    assert quote is not None
    assert (depth.bids[0].price, depth.asks[0].price) == (quote.bid, quote.ask)
    assert sorted((price for side, price in book if side == "BUY"), reverse=True) == [
        level.price for level in depth.bids
    ]
    assert sorted(price for side, price in book if side == "SELL") == [level.price for level in depth.asks]
    assert [level.price for level in depth.asks] == [
        depth.asks[0].price + 0.25 * index for index in range(10)
    ]
    assert [level.price for level in depth.bids] == [
        depth.bids[0].price - 0.25 * index for index in range(10)
    ]
    assert min(level.size for level in (*depth.bids, *depth.asks)) >= 1


def test_the_volume_profile_adds_up_to_the_volume_of_the_session() -> None:
    market = make_market(start=START + timedelta(seconds=30))
    profile = market.profile(MNQ)
    quote = market.quote(MNQ)
    assert quote is not None
    assert sum(volume for _, volume in profile) == quote.volume
    assert (profile[0][0], profile[-1][0]) == (quote.low, quote.high)


def test_more_activity_means_more_events_of_the_same_bars() -> None:
    calm, busy = make_market(activity=0.3), make_market(activity=2.0)
    span = timedelta(minutes=2)
    assert len(lived(calm, MNQ, span)) * 3 < len(lived(busy, MNQ, span))
    assert history(calm, MNQ, "1m", 1) == history(busy, MNQ, "1m", 1)


def test_a_market_without_volatility_stands_still() -> None:
    bars = history(make_market(volatility=0.0), MNQ, "1m", 2)
    assert set(bars.high) | set(bars.low) == {29_500.0}


def is_weekday(group: ProductGroup, time: datetime) -> bool:
    return time.weekday() < 5 and not (time.hour == 22 and group is ProductGroup.EQUITY_INDEX)


def test_a_calendar_leaves_no_bars_and_no_events_while_it_is_closed() -> None:
    market = make_market(start=datetime(2026, 11, 20, 21, 59, tzinfo=UTC), is_open=is_weekday)
    bars = history(market, MNQ, "1m", 10)
    assert all(bar.time.weekday() < 5 and bar.time.hour != 22 for bar in bars)
    assert market.is_open(MNQ, market.now)
    assert not market.is_open(MNQ, market.now + timedelta(minutes=5))
    market.watch(MNQ, EVERYTHING)
    events = list(market.advance(datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC)))
    assert max(event.time for event in events) < datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert lived(market, MNQ, timedelta(minutes=1))


def test_a_weekend_moves_the_price_no_more_than_a_night() -> None:
    market = make_market(start=datetime(2026, 11, 23, 12, tzinfo=UTC), is_open=is_weekday)
    bars = list(history(market, MNQ, "1m", 60, limit=100_000))
    gaps = [
        abs(later.open - earlier.close)
        for earlier, later in pairwise(bars)
        if later.time - earlier.time > timedelta(days=1)
    ]
    assert len(gaps) >= 8
    assert mean(gaps) < 29_500 * 0.0125


def test_a_moved_price_goes_on_from_there_and_is_part_of_history() -> None:
    market, plain = make_market(), make_market()
    for each in (market, plain):
        lived(each, MNQ, timedelta(seconds=90))
    before = market.quote(MNQ)
    market.move(MNQ, 40)
    events = list(market.advance(market.now))
    after = market.quote(MNQ)
    assert before is not None
    assert after is not None
    assert (after.bid, after.ask) == ((before.bid or 0) + 10, (before.ask or 0) + 10)
    assert [type(event) for event in events if not isinstance(event, DepthChanged)] == [Quote, Tick]
    assert after.volume == (before.volume or 0) + 1
    for each in (market, plain):
        lived(each, MNQ, timedelta(minutes=3))
    moved, unmoved = (each.bars(MNQ, MINUTE, START, each.now, 10) for each in (market, plain))
    differences = [round(one - other, 2) for one, other in zip(moved.close, unmoved.close, strict=True)]
    assert differences == [0.0, 10.0, 10.0, 10.0]
    mixed = moved.bar(1)
    assert mixed.high - mixed.low >= 10
    assert mixed.volume == unmoved.bar(1).volume + 1


def merged(bars: BarSeries, start: int, length: int) -> Bar:
    inside = [bar for bar in bars if start <= bar.time.timestamp() < start + length]
    return Bar(
        datetime.fromtimestamp(start, UTC),
        inside[0].open,
        max(bar.high for bar in inside),
        min(bar.low for bar in inside),
        inside[-1].close,
        sum(bar.volume for bar in inside),
    )
