"""Bars in a real PostgreSQL: what was saved is loaded, and what is known to be complete is remembered."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from storage_harness import StoreHarness
from trading_factories import MNQ, NOON, make_bars

from tradeconsole.domain.market import Bar, BarSeries, Span, Timeframe
from tradeconsole.storage.bars import PostgresBarStore

MINUTE = Timeframe.parse("1m")


@pytest_asyncio.fixture
async def harness(dsn: str, tmp_path: Path) -> AsyncIterator[StoreHarness]:
    harness = StoreHarness(dsn, tmp_path)
    yield harness
    await harness.close()


@pytest_asyncio.fixture
async def bars(harness: StoreHarness) -> PostgresBarStore:
    return (await harness.open()).bars


def minutes(first: int, last: int) -> Span:
    return Span(NOON + timedelta(minutes=first), NOON + timedelta(minutes=last))


async def test_ten_thousand_bars_come_back_bit_for_bit(bars: PostgresBarStore) -> None:
    series = make_bars(10_000)
    await bars.save(MNQ, MINUTE, series, minutes(0, 10_000))
    assert await bars.load(MNQ, MINUTE, minutes(0, 10_000)) == series
    assert await bars.load(MNQ, MINUTE, minutes(5_000, 5_003)) == series.slice(5_000, 5_003)


async def test_series_are_kept_apart_by_instrument_and_timeframe(bars: PostgresBarStore) -> None:
    await bars.save(MNQ, MINUTE, make_bars(5), minutes(0, 5))
    assert len(await bars.load("other", MINUTE, minutes(0, 5))) == 0
    assert len(await bars.load(MNQ, Timeframe.parse("5m"), minutes(0, 5))) == 0
    assert await bars.covered(MNQ, Timeframe.parse("5m"), minutes(0, 5)) == []


async def test_nothing_stored_is_nothing_covered(bars: PostgresBarStore) -> None:
    assert await bars.load(MNQ, MINUTE, minutes(0, 10)) == BarSeries.empty()
    assert await bars.covered(MNQ, MINUTE, minutes(0, 10)) == []


async def test_covered_spans_join_where_they_touch_and_stay_apart_where_they_do_not(
    bars: PostgresBarStore,
) -> None:
    for first, last in ((0, 10), (20, 30), (10, 12), (40, 50), (45, 60)):
        await bars.save(MNQ, MINUTE, BarSeries.empty(), minutes(first, last))
    assert await bars.covered(MNQ, MINUTE, minutes(-100, 100)) == [
        minutes(0, 12),
        minutes(20, 30),
        minutes(40, 60),
    ]
    assert await bars.covered(MNQ, MINUTE, minutes(5, 25)) == [minutes(5, 12), minutes(20, 25)]


async def test_an_empty_stretch_is_remembered_as_covered(bars: PostgresBarStore) -> None:
    await bars.save(MNQ, MINUTE, BarSeries.empty(), minutes(0, 60))
    assert await bars.covered(MNQ, MINUTE, minutes(0, 60)) == [minutes(0, 60)]
    assert len(await bars.load(MNQ, MINUTE, minutes(0, 60))) == 0


async def test_pieces_saved_in_any_order_make_one_series(bars: PostgresBarStore) -> None:
    series = make_bars(3_000)
    for first in (2_000, 0, 1_000):
        await bars.save(MNQ, MINUTE, series.slice(first, first + 1_000), minutes(first, first + 1_000))
    assert await bars.load(MNQ, MINUTE, minutes(0, 3_000)) == series


async def test_saving_a_span_again_replaces_its_bars(bars: PostgresBarStore) -> None:
    await bars.save(MNQ, MINUTE, make_bars(10), minutes(0, 10))
    fresh = BarSeries.from_bars([Bar(NOON + timedelta(minutes=4), 1.0, 1.0, 1.0, 1.0, 1)])
    await bars.save(MNQ, MINUTE, fresh, minutes(3, 6))
    loaded = await bars.load(MNQ, MINUTE, minutes(0, 10))
    assert [bar.volume for bar in loaded] == [10, 11, 12, 1, 16, 17, 18, 19]


async def test_a_block_that_has_become_empty_leaves_no_row(
    bars: PostgresBarStore, harness: StoreHarness
) -> None:
    await bars.save(MNQ, MINUTE, make_bars(10), minutes(0, 10))
    await bars.save(MNQ, MINUTE, BarSeries.empty(), minutes(0, 10))
    assert await harness.value("SELECT count(*) FROM bar_blocks") == 0


async def test_writers_at_the_same_time_lose_nothing(bars: PostgresBarStore, harness: StoreHarness) -> None:
    other = (await harness.open()).bars
    series = make_bars(600)
    pieces = [(first, first + 50) for first in range(0, 600, 50)]
    await asyncio.gather(
        *(
            (bars, other)[number % 2].save(MNQ, MINUTE, series.slice(*piece), minutes(*piece))
            for number, piece in enumerate(pieces)
        )
    )
    assert await bars.load(MNQ, MINUTE, minutes(0, 600)) == series
    assert await bars.covered(MNQ, MINUTE, minutes(0, 600)) == [minutes(0, 600)]


async def test_blocks_are_stored_as_they_are_and_read_through_the_key(
    bars: PostgresBarStore, harness: StoreHarness
) -> None:
    await bars.save(MNQ, MINUTE, make_bars(10_000), minutes(0, 10_000))
    sizes = await harness.fetch(
        "SELECT bars, length(data) AS bytes, pg_column_size(data) AS kept FROM bar_blocks"
    )
    assert sum(row["bars"] for row in sizes) == 10_000
    assert all(row["bytes"] == row["bars"] * 48 == row["kept"] for row in sizes)
