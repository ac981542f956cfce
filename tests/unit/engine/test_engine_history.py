"""History: memory, then storage, then the broker for what is missing; one flight at a time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_broker import ScriptedBroker
from trading_factories import MNQ, NOON, make_bars

from tradeconsole.domain.market import BarSeries, Span, Timeframe
from tradeconsole.engine.clock import VenueClock
from tradeconsole.engine.history import History
from tradeconsole.engine.spans import merged, missing
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.errors import BrokerUnavailable, StorageError
from tradeconsole.ports import BrokerHooks

MINUTE = Timeframe.parse("1m")


def minutes(first: int, last: int) -> Span:
    return Span(NOON + timedelta(minutes=first), NOON + timedelta(minutes=last))


class MemoryBars:
    """A bar store in memory."""

    def __init__(self) -> None:
        self.bars = BarSeries.empty()
        self.spans: list[Span] = []
        self.broken = False

    async def load(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        return self.bars.between(span)

    async def covered(self, instrument_id: str, timeframe: Timeframe, span: Span) -> Sequence[Span]:
        if self.broken:
            raise StorageError("the database is away")
        return self.spans

    async def save(self, instrument_id: str, timeframe: Timeframe, bars: BarSeries, covered: Span) -> None:
        if self.broken:
            raise StorageError("the database is away")
        self.bars = self.bars.merged(bars)
        self.spans = merged([*self.spans, covered])


@pytest.fixture
def broker() -> ScriptedBroker:
    broker = ScriptedBroker(BrokerHooks(publish=lambda _: None, clock=VenueClock()))
    broker.bars = make_bars(200)
    return broker


@pytest.fixture
def store() -> MemoryBars:
    return MemoryBars()


async def test_bars_are_asked_for_once(broker: ScriptedBroker, store: MemoryBars) -> None:
    history = History(broker, store, Telemetry())
    first = await history.get(MNQ, MINUTE, minutes(0, 100))
    again = await history.get(MNQ, MINUTE, minutes(20, 80))
    assert (len(first), len(again)) == (100, 60)
    assert broker.bar_calls == [minutes(0, 100)]


async def test_only_the_missing_part_is_fetched(broker: ScriptedBroker, store: MemoryBars) -> None:
    history = History(broker, store, Telemetry())
    await history.get(MNQ, MINUTE, minutes(50, 100))
    assert len(await history.get(MNQ, MINUTE, minutes(0, 150))) == 150
    assert sorted(broker.bar_calls[1:]) == [minutes(0, 50), minutes(100, 150)]


async def test_what_was_stored_is_not_asked_of_the_broker(broker: ScriptedBroker, store: MemoryBars) -> None:
    await History(broker, store, Telemetry()).get(MNQ, MINUTE, minutes(0, 100))
    broker.bar_calls.clear()
    assert len(await History(broker, store, Telemetry()).get(MNQ, MINUTE, minutes(0, 100))) == 100
    assert not broker.bar_calls


async def test_empty_stretches_are_remembered(broker: ScriptedBroker, store: MemoryBars) -> None:
    broker.bars = BarSeries.empty()
    history = History(broker, store, Telemetry())
    for _ in range(2):
        assert not await history.get(MNQ, MINUTE, minutes(0, 100))
    assert len(broker.bar_calls) == 1


async def test_many_askers_share_one_flight(broker: ScriptedBroker, store: MemoryBars) -> None:
    broker.bar_gate = asyncio.Event()
    history = History(broker, store, Telemetry())
    tasks = [asyncio.ensure_future(history.get(MNQ, MINUTE, minutes(0, 100))) for _ in range(5)]
    await asyncio.sleep(0.01)
    broker.bar_gate.set()
    assert [len(bars) for bars in await asyncio.gather(*tasks)] == [100] * 5
    assert len(broker.bar_calls) == 1


async def test_storage_trouble_does_not_keep_bars_from_the_chart(
    broker: ScriptedBroker, store: MemoryBars
) -> None:
    store.broken = True
    assert len(await History(broker, store, Telemetry()).get(MNQ, MINUTE, minutes(0, 100))) == 100


async def test_a_failed_fetch_is_not_taken_for_an_empty_market(
    broker: ScriptedBroker, store: MemoryBars
) -> None:
    history = History(broker, store, Telemetry())
    broker.reachable = False
    with pytest.raises(BrokerUnavailable):
        await history.get(MNQ, MINUTE, minutes(0, 100))
    broker.reachable = True
    assert len(await history.get(MNQ, MINUTE, minutes(0, 100))) == 100


async def test_bars_built_here_give_way_to_the_brokers(broker: ScriptedBroker, store: MemoryBars) -> None:
    history = History(broker, store, Telemetry())
    await history.get(MNQ, MINUTE, minutes(0, 10))
    history.add_provisional(MNQ, MINUTE, make_bars(1, start=NOON + timedelta(minutes=10)))
    assert history.in_memory(MNQ, MINUTE).open[-1] == 100.0
    await history.refresh(MNQ, MINUTE, minutes(10, 11))
    assert history.in_memory(MNQ, MINUTE).open[-1] == 110.0
    assert len(store.bars) == 11


spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda s: minutes(s[0], s[0] + s[1])), max_size=6
)


@given(spans, st.integers(0, 60), st.integers(1, 40))
def test_missing_and_covered_together_make_the_whole(covered: list[Span], start: int, length: int) -> None:
    wanted = minutes(start, start + length)
    gaps = missing(wanted, covered)
    inside = {m for span in covered for m in range(100) if span.start <= minutes(m, m).start < span.end}
    open_minutes = {m for gap in gaps for m in range(200) if gap.start <= minutes(m, m).start < gap.end}
    assert open_minutes == set(range(start, start + length)) - inside
    assert gaps == merged(gaps)
