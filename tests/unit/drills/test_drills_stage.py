"""The stage's time and its timeline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import ACCOUNT, MNQ, NOON, make_fill, make_instrument, make_report

from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    FillReported,
    InstrumentResolved,
    OrderReported,
    StorageChanged,
    Synced,
)
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.drills.stage_clock import StageClock
from tradeconsole.drills.timeline import Timeline, Who
from tradeconsole.engine.engine import Engine, EngineOptions


def test_skipped_time_has_passed_for_the_desk_and_for_the_drill() -> None:
    clock = StageClock()
    before, elapsed = clock.now(), clock.elapsed
    clock.move_on(300)
    assert clock.now() - before >= timedelta(seconds=300)
    assert clock.elapsed - elapsed >= 300
    assert clock.skipped == 300


def test_a_wrong_clock_knows_how_wrong_it_is() -> None:
    clock = StageClock(skew=3.0)
    clock.observe(datetime.now(UTC))
    assert timedelta(seconds=-4) < clock.skew < timedelta(seconds=-2)
    clock.set_skew(-3.0)
    clock.observe(datetime.now(UTC))
    assert timedelta(seconds=2) < clock.skew < timedelta(seconds=4)
    assert not clock.is_elsewhere


@asynccontextmanager
async def watched(*, database: bool = False) -> AsyncIterator[tuple[Timeline, Engine]]:
    timeline = Timeline(lambda: 1.5)
    engine = Engine(
        make_broker=ScriptedBroker,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=()),
    )
    timeline.watch(engine, ACCOUNT, database=database)
    engine.bus.publish(InstrumentResolved(make_instrument()))
    yield timeline, engine
    await engine.stop()


def said(timeline: Timeline) -> list[str]:
    return [moment.what for moment in timeline.moments]


async def test_the_timeline_tells_each_change_of_an_order_once_in_words() -> None:
    async with watched() as (timeline, engine):
        for _ in range(2):
            engine.bus.publish(OrderReported(make_report()))
        engine.bus.publish(OrderReported(make_report(status=OrderStatus.FILLED, filled=2)))
        engine.bus.publish(FillReported(make_fill()))
        assert said(timeline) == [
            "order BUY 2 MNQZ6 is working",
            "order BUY 2 MNQZ6 is filled",
            "books a fill: bought 2 MNQZ6 @ 21,000.00, holds +2",
        ]
        assert {(moment.ms, moment.who) for moment in timeline.moments} == {(1500, Who.DESK)}


async def test_the_timeline_tells_reconciliation_when_it_was_lost_before() -> None:
    async with watched() as (timeline, engine):
        for _ in range(2):
            engine.bus.publish(Synced(ACCOUNT, NOON))
        engine.bus.publish(ChannelChanged(Channel.ACCOUNT, ChannelState.DOWN, "cut"))
        engine.bus.publish(Synced("another", NOON))
        engine.bus.publish(Synced(ACCOUNT, NOON, ("one order too many",)))
        assert said(timeline) == [
            "reconciled with the broker's records",
            "account stream down: cut",
            "records say: one order too many",
            "reconciled with the broker's records",
        ]


async def test_a_missing_database_is_told_only_where_there_should_be_one() -> None:
    for database, lines in ((False, []), (True, ["database away, 3 records waiting in the spool"])):
        async with watched(database=database) as (timeline, engine):
            for _ in range(2):
                engine.bus.publish(StorageChanged(available=False, reason="gone", pending=3))
            assert said(timeline) == lines


async def test_the_instrument_of_a_timeline_is_named_as_traders_name_it() -> None:
    async with watched() as (timeline, engine):
        engine.bus.publish(OrderReported(make_report(instrument_id="CON.F.US.XYZ.Z26")))
        assert MNQ not in said(timeline)[0]
        assert "CON.F.US.XYZ.Z26" in said(timeline)[0]
