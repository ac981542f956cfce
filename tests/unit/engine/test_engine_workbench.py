"""The account and the watchlist that a start begins with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import MNQ, make_account, make_instrument

from tradeconsole.domain.workspace import Workspace
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.ports import BrokerHooks, Restored


class TwoAccounts(ScriptedBroker):
    """Two accounts and three products."""

    def __init__(self, hooks: BrokerHooks) -> None:
        super().__init__(hooks)
        self.account_list = [make_account(account_id="1"), make_account(account_id="2", name="second")]
        for symbol in ("ES", "CL"):
            contract = f"CON.F.US.{symbol}.Z26"
            self.instruments[symbol] = make_instrument(
                instrument_id=contract, symbol=symbol, name=f"{symbol}Z6"
            )


class SlowMemory(MemoryJournal):
    """Remembers when the test says so."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(Restored(workspace=workspace))
        self.gate = asyncio.Event()
        self.gate.set()

    async def restore(self) -> Restored:
        await self.gate.wait()
        return self.memory


@asynccontextmanager
async def started(journal: SlowMemory, account: str | None = None) -> AsyncIterator[Engine]:
    engine = Engine(
        make_broker=TwoAccounts,
        journal=journal,
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=("mnq", "ES"), account=account),
    )
    await engine.start()
    yield engine
    await engine.stop()


async def see(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def symbols(engine: Engine) -> list[str]:
    return [engine.book.instruments[key].symbol for key in engine.watchlist]


async def test_it_begins_with_the_account_last_used_and_the_watchlist_as_it_was_left() -> None:
    journal = SlowMemory(Workspace(account_id="2", added=("CL",), removed=("ES",)))
    async with started(journal) as engine:
        await see(lambda: symbols(engine) == ["MNQ", "CL"])
        assert engine.default_account() == "2"
        assert not [record for record in journal.records if isinstance(record, Workspace)]


async def test_the_account_of_the_settings_goes_before_the_one_last_used() -> None:
    async with started(SlowMemory(Workspace(account_id="2")), account="1") as engine:
        await see(lambda: engine.default_account() == "1")


async def test_an_account_that_is_gone_is_not_begun_with() -> None:
    async with started(SlowMemory(Workspace(account_id="gone"))) as engine:
        await see(lambda: engine.default_account() == "1")


async def test_no_account_is_shown_before_the_one_last_used_is_known() -> None:
    journal = SlowMemory(Workspace(account_id="2"))
    journal.gate.clear()
    async with started(journal) as engine:
        await see(lambda: len(engine.book.accounts) == 2)
        assert engine.default_account() is None
        journal.gate.set()
        await see(lambda: engine.default_account() == "2")


async def test_memory_that_comes_late_brings_symbols_but_changes_no_account_under_the_users_hands() -> None:
    async with started(SlowMemory(Workspace())) as engine:
        await see(lambda: symbols(engine) == ["MNQ", "ES"])
        engine.restore(Restored(workspace=Workspace(account_id="2", added=("CL",))))
        await see(lambda: symbols(engine) == ["MNQ", "ES", "CL"])
        assert engine.default_account() == "1"


async def test_what_is_changed_before_memory_comes_stands_beside_what_was_left() -> None:
    async with started(SlowMemory(Workspace())) as engine:
        await see(lambda: symbols(engine) == ["MNQ", "ES"])
        engine.watched.add(make_instrument(instrument_id="CON.F.US.CL.Z26", symbol="CL", name="CLZ6"))
        engine.watched.add(engine.book.by_symbol["ES"])
        late = Workspace(account_id="2", added=("MNQ",), removed=("ES",))
        engine.restore(Restored(workspace=late))
        kept = engine.workbench.kept
        assert (kept.account_id, kept.added, kept.removed) == ("2", ("MNQ", "CL"), ())


async def test_every_change_is_written_down() -> None:
    journal = SlowMemory(Workspace())
    async with started(journal) as engine:
        await see(lambda: symbols(engine) == ["MNQ", "ES"])
        engine.watched.remove(engine.book.by_symbol["MNQ"])
        engine.watched.add(make_instrument(instrument_id="CON.F.US.CL.Z26", symbol="CL", name="CLZ6"))
        engine.workbench.use_account("2")
        engine.workbench.use_account("2")
        written = [record for record in journal.records if isinstance(record, Workspace)]
        assert len(written) == 3
        assert written[-1] == Workspace(account_id="2", added=("CL",), removed=("MNQ",))


async def test_after_a_roll_a_symbol_means_the_new_contract_although_the_old_one_is_remembered() -> None:
    journal = SlowMemory(Workspace())
    old = make_instrument(instrument_id="CON.F.US.MNQ.U26", name="MNQU6")
    journal.memory = Restored(instruments=(old,))
    async with started(journal) as engine:
        await see(lambda: len(engine.watchlist) == 2)
        assert engine.watchlist[0] == MNQ
        assert engine.book.instruments[old.instrument_id] == old
