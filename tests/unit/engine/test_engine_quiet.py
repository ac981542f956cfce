"""Commands without streams: a price is fetched before, the outcome awaited after."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest
from scripted_broker import MemoryJournal, OpenCalendar, ScriptedBroker
from trading_factories import ACCOUNT, MNQ, NOON, make_account, make_fill, make_report, make_stated

from tradeconsole.domain.commands import Arm, CancelOrder, Flatten, PlaceOrder
from tradeconsole.domain.events import AccountReported, BrokerPosition, CancelAsked
from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import CancelBy, Order, OrderRequest, OrderStatus, OrderType, Side
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.errors import AuthenticationFailed, RiskDenied
from tradeconsole.ports import AuditEntry, BrokerHooks, JournalRecord

LIMIT = PlaceOrder(
    account_id=ACCOUNT, symbol="MNQ", side=Side.BUY, size=2, type=OrderType.LIMIT, limit_price=Decimal(21000)
)


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr("tradeconsole.engine.quiet.PAUSE", 0.001)
    monkeypatch.setattr("tradeconsole.engine.flatten.PAUSES", (0.001,))
    engine = Engine(
        make_broker=ScriptedBroker,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=(), quiet=True),
    )
    await engine.start_quietly()
    await engine.handle(Arm(ACCOUNT))
    return engine


def broker_of(engine: Engine) -> ScriptedBroker:
    assert isinstance(engine.broker, ScriptedBroker)
    return engine.broker


def price(engine: Engine, last: float, monkeypatch: pytest.MonkeyPatch) -> None:
    async def quote(instrument_id: str) -> Quote:
        return Quote(MNQ, NOON, last=last)

    monkeypatch.setattr(broker_of(engine), "get_market_quote", quote)


async def test_an_order_returns_when_the_records_show_its_outcome(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(engine, 21000.0, monkeypatch)

    def fill(request: OrderRequest) -> str:
        broker_of(engine).orders.append(make_report(tag=request.tag, status=OrderStatus.FILLED, filled=2))
        broker_of(engine).fills.append(make_fill())
        broker_of(engine).positions.append(make_stated())
        return "3400000001"

    broker_of(engine).on_place = fill
    done = await engine.handle(LIMIT)
    assert engine.book.orders[done.order_ids[0]].status is OrderStatus.FILLED


async def test_the_collar_looks_at_a_fetched_price(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    price(engine, 15000.0, monkeypatch)
    with pytest.raises(RiskDenied, match="away from 15,000"):
        await engine.handle(LIMIT)
    assert not broker_of(engine).placed


async def test_flatten_returns_when_the_broker_says_flat(engine: Engine) -> None:
    broker_of(engine).positions = [make_stated()]
    broker_of(engine).on_close = lambda _instrument, _size: broker_of(engine).positions.clear()
    await engine.handle(Flatten(ACCOUNT))
    assert broker_of(engine).closed == [(MNQ, None)]


async def test_wrong_credentials_end_a_command_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(
        make_broker=ScriptedBroker,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=(), quiet=True),
    )

    async def refuse() -> list[object]:
        raise AuthenticationFailed("wrong user or key")

    monkeypatch.setattr(broker_of(engine), "connect", refuse)
    with pytest.raises(AuthenticationFailed):
        await engine.start_quietly()


async def test_only_the_account_concerned_is_asked_about_and_arming_asks_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    price(engine, 21000.0, monkeypatch)
    engine.bus.publish(AccountReported(make_account(account_id="999", name="OTHER")))
    asked: list[str] = []
    plain = broker_of(engine).get_positions

    async def watched(account_id: str) -> Sequence[BrokerPosition]:
        asked.append(account_id)
        return await plain(account_id)

    monkeypatch.setattr(broker_of(engine), "get_positions", watched)
    await engine.handle(Arm(ACCOUNT))
    assert asked == []
    await engine.handle(LIMIT)
    assert set(asked) == {ACCOUNT}


async def test_a_position_closed_today_that_was_opened_before_is_not_taken_for_a_short(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker_of(engine).fills.append(make_fill(side=Side.SELL))
    await engine.start_quietly()
    assert engine.book.position(ACCOUNT, MNQ) is None


async def test_only_its_own_orders_are_recorded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    price(engine, 21000.0, monkeypatch)
    broker_of(engine).open_orders.append(make_report(tag="tc-hand-other", broker_order_id="77"))
    broker_of(engine).fills.append(make_fill())
    broker_of(engine).positions.append(make_stated())
    done = await engine.handle(LIMIT)
    assert isinstance(engine.journal, MemoryJournal)
    written = {type(record).__name__ for record in engine.journal.records}
    assert written == {"Order", "AuditEntry"}
    assert {r.order_id for r in engine.journal.records if isinstance(r, Order)} == set(done.order_ids)


@pytest.mark.parametrize("broken", [False, True], ids=["written down", "that cannot be written down"])
async def test_a_cancel_of_somebodys_order_is_on_record_before_it_leaves(
    engine: Engine, broken: bool
) -> None:
    broker, journal = broker_of(engine), engine.journal
    assert isinstance(journal, MemoryJournal)
    report = make_report(tag="tc-hand-other", broker_order_id="77")
    broker.open_orders.append(report)
    await engine.sync.sync(ACCOUNT)
    journal.broken = broken
    before: list[JournalRecord] = []

    def cancelled(_broker_order_id: str) -> None:
        before.extend(record for record in journal.records if not isinstance(record, AuditEntry))
        broker.open_orders.clear()
        broker.orders.append(msgspec.structs.replace(report, status=OrderStatus.CANCELLED))

    broker.on_cancel = cancelled
    await engine.handle(CancelOrder("tc-hand-other"))
    assert broker.cancelled == ["77"]
    if not broken:
        (record,) = before
        assert isinstance(record, CancelAsked)
        assert (record.order_id, record.by) == ("tc-hand-other", CancelBy.HAND)


class Accounts(ScriptedBroker):
    """Three accounts; writes down whose records were read."""

    def __init__(self, hooks: BrokerHooks) -> None:
        super().__init__(hooks)
        self.account_list = [make_account(account_id=key) for key in ("1", "2", "3")]
        self.read: list[str] = []

    async def get_positions(self, account_id: str, *, urgent: bool = False) -> Sequence[BrokerPosition]:
        self.read.append(account_id)
        return await super().get_positions(account_id, urgent=urgent)


async def test_only_the_records_of_accounts_in_view_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeconsole.engine.flatten.PAUSES", (0.001,))
    engine = Engine(
        make_broker=Accounts,
        journal=MemoryJournal(),
        bars=None,
        calendar=OpenCalendar(),
        options=EngineOptions(watchlist=(), quiet=True),
    )
    await engine.start_quietly()
    broker = broker_of(engine)
    assert isinstance(broker, Accounts)
    assert broker.read == ["1"]
    await engine.attend("2")
    await engine.attend("2")
    assert broker.read == ["1", "2"]
    assert engine.is_synced("2")
    assert not engine.is_synced("3")
    await engine.handle(Flatten("3"))
    assert engine.is_synced("3")
