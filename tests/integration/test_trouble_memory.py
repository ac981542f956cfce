"""What a restart brings back besides trades: the chart out of the cache, and the whole feed."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from storage_harness import StoreHarness
from trouble_desk import Desk, desk, until

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.domain.commands import Flatten
from tradeconsole.domain.market import Bar, BarSeries, Span, Timeframe
from tradeconsole.engine.charts import ChartFeed
from tradeconsole.engine.thread import EngineThread
from tradeconsole.errors import BrokerUnavailable
from tradeconsole.storage.store import Store
from tradeconsole.views.local import LocalSession
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Focus

BARS = 300
TIMEFRAMES = ("1m", "1h")


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


async def start(test: Desk, store: Store) -> None:
    await test.open(store.journal, bars=store.bars)
    await test.ready()


async def charts(test: Desk) -> dict[str, ChartFeed]:
    """The charts of MNQ, loaded as far as they can be."""
    instrument = test.engine.book.by_symbol["MNQ"]
    feeds = {
        text: test.engine.market.watch_chart(text, instrument, Timeframe.parse(text), BARS)
        for text in TIMEFRAMES
    }
    await until(lambda: all(not feed.loading and feed.series for feed in feeds.values()))
    return feeds


async def test_after_a_restart_the_chart_comes_from_the_cache(
    harness: StoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, list[Span]] = {}

    async def refuse(
        _broker: ProjectXBroker, _instrument_id: str, timeframe: Timeframe, span: Span
    ) -> BarSeries:
        asked.setdefault(str(timeframe), []).append(span)
        raise BrokerUnavailable("no bars today")

    async with desk() as test:
        store = await harness.open()
        await start(test, store)
        before: dict[str, list[Bar]] = {key: list(feed.series) for key, feed in (await charts(test)).items()}
        await test.close()
        await store.close()

        monkeypatch.setattr(ProjectXBroker, "get_historical_data", refuse)
        store = await harness.open()
        await start(test, store)
        for key, feed in (await charts(test)).items():
            assert len(before[key]) == BARS
            known = {bar.time: bar for bar in before[key]}
            shown = [bar for bar in feed.series if bar.time in known]
            # a bar may have closed meanwhile, and pushed the oldest out of the picture
            assert len(shown) >= BARS - 2
            assert all(bar == known[bar.time] for bar in shown)
            assert all(span.start > before[key][-1].time for span in asked.get(key, []))
        await test.close()


async def test_a_start_begins_with_the_account_last_used_and_the_watchlist_as_it_was_left(
    harness: StoreHarness, tmp_path: Path
) -> None:
    async with desk() as test:
        combine = str(test.emulator.combine_id)
        store = await harness.open()
        await start(test, store)
        session = LocalSession(EngineThread(), test.engine, SessionInfo(profile="sim"))
        await session._watch(Focus(account_id=combine))
        await session._add_symbol("CL")
        await session._remove_symbol("MNQ")
        shutil.copytree(harness.folder / "spool", tmp_path / "killed" / "spool")
        await session._close()
        await test.close()
        await store.close()

        again = StoreHarness(harness.dsn, tmp_path / "killed")
        try:
            await test.open((await again.open()).journal, watchlist=("MNQ", "ES"))
            contracts = [test.emulator.contract(symbol) for symbol in ("ES", "CL")]
            await until(lambda: test.engine.watchlist == contracts)
            assert test.engine.default_account() == combine
        finally:
            await test.close()
            await again.close()


async def test_the_whole_feed_is_there_after_leaving_and_after_a_kill(
    harness: StoreHarness, tmp_path: Path
) -> None:
    async with desk() as test:
        store = await harness.open()
        await start(test, store)
        await test.buy_protected()
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await test.prove()
        first = list(test.engine.book.notifications)
        await test.close()
        await store.close()

        store = await harness.open()
        await start(test, store)
        assert test.engine.book.notifications[: len(first)] == first
        await test.buy_protected()
        second = list(test.engine.book.notifications)
        equity = test.engine.equity.since(test.account_id, first[0].time)
        shutil.copytree(harness.folder / "spool", tmp_path / "killed" / "spool")
        await test.close()
        await store.close()

        again = StoreHarness(harness.dsn, tmp_path / "killed")
        try:
            await start(test, await again.open())
            told = test.engine.book.notifications
            assert told[: len(second)] == second
            assert {notice.title for notice in told[len(second) :]} <= {
                "Order channel up",
                "Account stream up",
                "Market data up",
            }
            assert len({notice.notification_id for notice in told}) == len(told)
            assert test.engine.equity.since(test.account_id, first[0].time)[: len(equity)] == equity
        finally:
            await test.close()
            await again.close()
