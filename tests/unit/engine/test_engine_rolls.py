"""Contracts that roll under the console: what is watched moves on, what is held is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import MNQ, make_fill, make_instrument, make_stated

from tradeconsole.domain.events import FillReported, InstrumentResolved, PositionReported, Severity
from tradeconsole.domain.instruments import ContractMonth, Instrument
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.ports import MarketSubscription, Restored

OLD = make_instrument()
RETIRED = msgspec.structs.replace(OLD, active=False)
NEW = make_instrument(instrument_id="CON.F.US.MNQ.H27", name="MNQH7", month=ContractMonth(2027, 3))
ES = make_instrument(instrument_id="CON.F.US.EP.Z26", symbol="ES", name="ESZ6")


class Desk:
    """A connected engine whose broker knows what the test says."""

    def __init__(self, *instruments: Instrument, memory: Restored | None = None) -> None:
        self.engine = Engine(
            make_broker=ScriptedBroker,
            journal=MemoryJournal(memory),
            bars=None,
            calendar=OpenCalendar(),
            options=EngineOptions(watchlist=("MNQ", "ES"), reconcile_seconds=60),
        )
        self.broker: ScriptedBroker = self.engine.broker  # type: ignore[assignment]
        self.broker.instruments = {each.name: each for each in instruments}

    def roll(self) -> None:
        """Let the broker tell of the roll, as adapters do."""
        self.broker.instruments = {"MNQH7": NEW, "ESZ6": ES}
        for instrument in (RETIRED, NEW):
            self.engine.bus.publish(InstrumentResolved(instrument))

    def told(self, severity: Severity) -> list[str]:
        return [each.title for each in self.engine.book.notifications if each.severity is severity]

    def streamed(self) -> set[str]:
        return {wanted.instrument_id for wanted in self.broker.wanted}


@asynccontextmanager
async def desk(*instruments: Instrument, memory: Restored | None = None) -> AsyncIterator[Desk]:
    test = Desk(*(instruments or (OLD, ES)), memory=memory)
    await test.engine.start()
    try:
        await until(lambda: len(test.engine.watchlist) == 2)
        yield test
    finally:
        await test.engine.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_the_watchlist_follows_a_roll_and_keeps_its_order() -> None:
    async with desk() as test:
        test.roll()
        assert test.engine.watchlist == [NEW.instrument_id, ES.instrument_id]
        assert test.told(Severity.WARNING) == ["MNQ has rolled from MNQZ6 to MNQH7"]
        await until(lambda: test.streamed() == {NEW.instrument_id, ES.instrument_id})
        assert await test.engine.connection.resolve("MNQ") == NEW
        assert (await test.engine.connection.resolve("MNQZ6")).instrument_id == MNQ


async def test_a_roll_is_told_once() -> None:
    async with desk() as test:
        test.roll()
        test.roll()
        assert len(test.told(Severity.WARNING)) == 1
        assert len(test.engine.watchlist) == 2


async def test_whoever_holds_the_old_contract_is_told_and_goes_on_seeing_it() -> None:
    async with desk() as test:
        test.engine.bus.publish(FillReported(make_fill(size=2)))
        test.roll()
        test.roll()
        assert test.told(Severity.ERROR) == ["MNQZ6 is not the active contract any more, and you hold +2"]
        assert MNQ in test.engine.market.wanted()


async def test_a_position_found_in_an_old_contract_is_told() -> None:
    async with desk() as test:
        test.roll()
        assert not test.told(Severity.ERROR)
        test.engine.bus.publish(FillReported(make_fill(size=2)))
        assert len(test.told(Severity.ERROR)) == 1


async def test_a_roll_between_two_runs_is_followed_from_the_start() -> None:
    memory = Restored(instruments=(OLD, ES))
    async with desk(NEW, ES, memory=memory) as test:
        assert test.engine.watchlist == [NEW.instrument_id, ES.instrument_id]
        test.engine.bus.publish(FillReported(make_fill(size=2)))
        test.engine.bus.publish(InstrumentResolved(RETIRED))
        assert test.told(Severity.ERROR) == ["MNQZ6 is not the active contract any more, and you hold +2"]


async def test_an_old_contract_in_the_records_is_no_news() -> None:
    async with desk() as test:
        older = make_instrument(instrument_id="CON.F.US.MNQ.U26", name="MNQU6", active=False)
        test.engine.bus.publish(InstrumentResolved(older))
        test.engine.bus.publish(PositionReported(make_stated(instrument_id="CON.F.US.MNQ.U26", size=0)))
        assert not test.told(Severity.ERROR) + test.told(Severity.WARNING)
        assert test.engine.watchlist[0] == MNQ
        assert test.streamed() >= {MarketSubscription(MNQ).instrument_id}
