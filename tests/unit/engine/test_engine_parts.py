"""Clock, telemetry, supervisor, bus, ids, protection, notices."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import ACCOUNT, MNQ, NOON, make_fill, make_instrument, make_report

from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    FillReported,
    InstrumentResolved,
    NotificationRaised,
    OrderReported,
    Severity,
    StorageChanged,
    Synced,
)
from tradeconsole.domain.instruments import ProductGroup
from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType, Side
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.clock import VenueClock
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.identity import new_order_id, origin_of
from tradeconsole.engine.notices import Notices
from tradeconsole.engine.protection.coverage import coverage, describe
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.engine.venue_calendar import VenueCalendar
from tradeconsole.errors import InvalidRequest


def test_a_venue_in_the_past_sets_the_time() -> None:
    clock = VenueClock()
    replayed = datetime(2013, 10, 7, 14, 30, tzinfo=UTC)
    clock.observe(replayed)
    assert clock.is_elsewhere
    assert timedelta() <= clock.now() - replayed < timedelta(seconds=5)


def test_a_stamp_that_arrives_late_does_not_turn_time_back() -> None:
    clock = VenueClock()
    clock.observe(datetime(2013, 10, 7, 14, 30, tzinfo=UTC))
    before = clock.now()
    clock.observe(datetime(2013, 10, 7, 14, 29, 59, tzinfo=UTC))
    assert clock.now() >= before


def test_skew_is_measured_and_not_followed() -> None:
    clock = VenueClock()
    clock.observe(datetime.now(UTC) + timedelta(seconds=3))
    assert not clock.is_elsewhere
    assert timedelta(seconds=2) < clock.skew < timedelta(seconds=4)


def test_a_replay_keeps_real_sessions_and_the_demo_its_own() -> None:
    clock = VenueClock()
    calendar = VenueCalendar(clock, load_calendar("continuous"), load_calendar("cme"))
    saturday = datetime(2013, 10, 12, 15, 0, tzinfo=UTC)
    assert calendar.name == "DEMO 24/7"
    assert calendar.is_open(ProductGroup.EQUITY_INDEX, saturday)
    clock.observe(saturday)
    assert calendar.name == "CME"
    assert not calendar.is_open(ProductGroup.EQUITY_INDEX, saturday)


def test_quantiles_are_within_a_bucket() -> None:
    telemetry = Telemetry()
    for i in range(1, 1001):
        telemetry.observe("stage", i / 1000)
    (stats,) = telemetry.stages()
    assert stats.count == 1000
    assert 0.5 <= stats.p50 <= 0.57
    assert 0.99 <= stats.p99 <= 1.0
    assert stats.max == 1.0


async def test_a_failing_task_is_started_again_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeconsole.engine.supervisor.BACKOFF", (0.001,))
    failures: list[str] = []
    done = asyncio.Event()
    supervisor = Supervisor(lambda name, error: failures.append(f"{name}: {error}"))

    async def work() -> None:
        if len(failures) < 2:
            raise ValueError("no luck")
        done.set()

    supervisor.keep("stubborn", work)
    async with asyncio.timeout(5):
        await done.wait()
    await supervisor.close()
    assert failures == ["stubborn: no luck"] * 2


def test_handlers_see_events_in_one_order_and_do_not_stop_each_other() -> None:
    seen: list[object] = []
    bus = Bus(lambda _: ())
    first, second = StorageChanged(available=True), StorageChanged(available=False)

    def broken(event: object) -> None:
        if event is first:
            bus.publish(second)
        raise RuntimeError("a fault in a handler")

    bus.subscribe(broken, StorageChanged)
    bus.subscribe(seen.append, StorageChanged)
    bus.publish(first)
    assert seen == [first, second]
    bus.unsubscribe(seen.append)
    bus.publish(first)
    assert len(seen) == 2


def test_what_is_held_is_state_at_once_and_told_in_order_before_the_next() -> None:
    applied: list[object] = []
    told: list[object] = []
    first, second, third = (StorageChanged(available=False, pending=number) for number in range(3))
    followed = ChannelChanged(Channel.ORDERS, ChannelState.UP)

    def apply(event: object) -> tuple[ChannelChanged, ...]:
        applied.append(event)
        return (followed,) if event is first else ()

    bus = Bus(apply)
    bus.subscribe(told.append, StorageChanged, ChannelChanged)
    bus.hold(first)
    bus.hold(second)
    assert applied == [first, followed, second]
    assert not told
    bus.publish(third)
    assert told == [first, followed, second, third]
    assert applied == told


def test_what_is_held_is_told_once_when_it_is_released() -> None:
    told: list[object] = []
    first = StorageChanged(available=False, pending=1)
    bus = Bus(lambda _: ())
    bus.subscribe(told.append, StorageChanged)
    bus.hold(first)
    bus.release()
    bus.release()
    assert told == [first]


def test_a_handler_that_holds_is_served_after_the_event_it_heard() -> None:
    first, second = (StorageChanged(available=False, pending=number) for number in range(2))
    told: list[object] = []
    bus = Bus(lambda _: ())

    def answer(event: StorageChanged) -> None:
        if event is first:
            bus.hold(second)

    bus.subscribe(answer, StorageChanged)
    bus.subscribe(told.append, StorageChanged)
    bus.publish(first)
    assert told == [first, second]


def test_an_event_that_cannot_be_applied_is_told_to_nobody_and_stops_nobody() -> None:
    good, bad = (StorageChanged(available=False, pending=number) for number in range(2))
    told: list[object] = []

    def apply(event: object) -> tuple[()]:
        if event is bad:
            raise RuntimeError
        return ()

    bus = Bus(apply)
    bus.subscribe(told.append, StorageChanged)
    bus.hold(bad)
    bus.publish(good)
    assert told == [good]


def test_order_ids_are_unique_sorted_by_time_and_fit_into_a_tag() -> None:
    ids = [new_order_id("overnight_range", NOON + timedelta(seconds=i)) for i in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    assert all(len(order_id) + len("-SL") <= 60 for order_id in ids)
    assert {origin_of(order_id) for order_id in ids} == {"overnight_range"}
    assert origin_of(f"{ids[0]}-SL") == "overnight_range"
    assert origin_of("somebody's own tag") == "broker"
    with pytest.raises(InvalidRequest):
        new_order_id("a-b", NOON)


def held_book() -> Book:
    book = Book()
    bus = Bus(book.apply)
    bus.publish(InstrumentResolved(make_instrument()))
    bus.publish(FillReported(make_fill()))
    return book


def stop(**over: object):  # type: ignore[no-untyped-def]
    fields = {"type": OrderType.STOP, "side": Side.SELL, "stop_price": Decimal(20990), "role": OrderRole.STOP_LOSS,
              "tag": "tc-hand-1-SL", "broker_order_id": "2", "parent_broker_id": "3400000001", **over}  # fmt: skip
    return OrderReported(make_report(**fields))


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        ([], "UNPROTECTED"),
        ([stop(status=OrderStatus.SUSPENDED)], "UNPROTECTED"),
        ([stop(side=Side.BUY)], "UNPROTECTED"),
        ([stop(role=OrderRole.ENTRY)], "UNPROTECTED"),
        ([stop(size=1)], "broker stop 20,990.00 for 1 of 2"),
        ([stop()], "broker stop 20,990.00"),
        ([stop(parent_broker_id=None)], "engine stop 20,990.00"),
        (
            [stop(size=1), stop(size=1, broker_order_id="3", tag="tc-hand-2-SL", parent_broker_id=None)],
            "broker+engine stop 20,990.00, 20,990.00",
        ),
    ],
)
def test_protection_is_proven_by_working_stops_alone(reports: list[OrderReported], words: str) -> None:
    book = held_book()
    for report in reports:
        book.apply(report)
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    assert describe(coverage(book, position), make_instrument(), NOON) == words


def test_an_old_proof_of_protection_is_shown_with_its_age() -> None:
    book = held_book()
    book.apply(stop())
    position = book.position(ACCOUNT, MNQ)
    assert position is not None
    later = NOON + timedelta(seconds=75)
    words = describe(coverage(book, position), make_instrument(), later)
    assert words == "broker stop 20,990.00, seen 75 s ago"
    book.apply(Synced(ACCOUNT, later))
    assert describe(coverage(book, position), make_instrument(), later) == "broker stop 20,990.00"


def notices_after(*events: object) -> list[NotificationRaised]:
    book = Book()
    bus = Bus(book.apply)
    Notices(bus, book, lambda: NOON)
    bus.publish(InstrumentResolved(make_instrument()))
    for event in events:
        bus.publish(event)  # type: ignore[arg-type]
    return book.notifications


def test_fills_and_round_trips_are_told_with_their_figures() -> None:
    sell = make_fill(
        fill_id="3000000002", side=Side.SELL, price=Decimal(21010), time=NOON + timedelta(seconds=1)
    )
    titles = [n.title for n in notices_after(FillReported(make_fill()), FillReported(sell))]
    assert titles == [
        "Filled: bought 2 MNQZ6 @ 21,000.00",
        "Filled: sold 2 MNQZ6 @ 21,010.00",
        "Round trip: long 2 MNQZ6, net +37.56",
    ]


def test_the_feed_writes_amounts_as_the_tables_do() -> None:
    sell = make_fill(
        fill_id="3000000002", side=Side.SELL, price=Decimal(20000), time=NOON + timedelta(seconds=1)
    )
    told = notices_after(FillReported(make_fill()), FillReported(sell))
    assert told[1].detail == "gross −4,000.00, fees 1.22"
    assert told[2].title == "Round trip: long 2 MNQZ6, net −4,002.44"
    assert told[2].detail == "gross −4,000.00, fees 2.44"


def test_old_history_is_not_news() -> None:
    assert not notices_after(FillReported(make_fill(time=NOON - timedelta(days=2))))


def test_a_channel_is_told_when_it_changes_and_not_again() -> None:
    down = ChannelChanged(Channel.MARKET, ChannelState.DOWN, "connection refused")
    told = notices_after(down, down, ChannelChanged(Channel.MARKET, ChannelState.UP))
    assert [(n.severity, n.title) for n in told] == [
        (Severity.ERROR, "Market data down"),
        (Severity.SUCCESS, "Market data up"),
    ]


async def test_an_engine_without_a_broker_keeps_trying_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeconsole.engine.connection.RETRY", (0.01,))
    engine = Engine(
        make_broker=ScriptedBroker,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=("MNQ", "NOSUCH")),
    )
    broker: ScriptedBroker = engine.broker  # type: ignore[assignment]
    broker.reachable = False
    await engine.start()
    async with asyncio.timeout(5):
        while engine.book.channels[Channel.ORDERS].state is not ChannelState.DOWN:
            await asyncio.sleep(0.001)
    assert engine.book.channels[Channel.ORDERS].reason == "nobody answers"
    broker.reachable = True
    async with asyncio.timeout(5):
        while not (engine.watchlist and engine.is_synced(ACCOUNT)):
            await asyncio.sleep(0.001)
    await engine.stop()
    assert engine.watchlist == [MNQ]
    assert any("NOSUCH is not on the watchlist" in notice.title for notice in engine.book.notifications)
