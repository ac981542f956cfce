"""A trader's desk on a troubled gateway: real engine, adapter and emulator in one process, with a store if wanted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from emulator_fixture import Json, RunningEmulator, running_emulator

from tradeconsole.domain.events import Channel
from tradeconsole.domain.orders import Order
from tradeconsole.drills.checks import Finding, examine
from tradeconsole.drills.desk import QUICK
from tradeconsole.drills.desk import Desk as DrillDesk
from tradeconsole.drills.records import read_records
from tradeconsole.engine.engine import Engine
from tradeconsole.engine.protection.watch import ProtectionOptions
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.exchange.records import PositionBrackets
from tradeconsole.ports import Journal, JournalRecord, Restored

__all__ = ["QUICK", "Desk", "Forgetful", "desk", "trading_desk", "until"]


PATIENCE = 6.0


class Forgetful:
    """A journal for tests in which nothing is remembered."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []

    def append(self, record: JournalRecord) -> None:
        self.records.append(record)

    async def restore(self) -> Restored:
        return Restored()


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something has become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Desk(DrillDesk):
    """The desk of the drills, on the practice account of an emulator in this process."""

    def __init__(self, emulator: RunningEmulator) -> None:
        super().__init__(emulator.endpoint, str(emulator.practice_id))
        self.emulator = emulator

    async def open(self, journal: Journal | None = None, **options: Any) -> Engine:
        """Start an engine as a console does; `options` are those of the drills' desk, and risk limits by name."""
        limits = {name: options.pop(name) for name in RiskLimits.__struct_fields__ if name in options}
        options.setdefault("protection", ProtectionOptions(alert_after=0.6, act_after=1.2))
        return await super().open(journal or Forgetful(), limits=RiskLimits(**limits), **options)

    @property
    def instrument_id(self) -> str:
        return self.emulator.contract("MNQ")

    @property
    def price(self) -> Decimal:
        return Decimal(str(self.emulator.last("MNQ")))

    def size(self) -> int:
        """Contracts of MNQ held by the book."""
        position = self.engine.book.position(self.account_id, self.instrument_id)
        return position.size if position else 0

    def refuse_brackets(self) -> None:
        """Set the account to Position Brackets, as its owner does in the platform's settings: the default there."""
        self.emulator.order("account", account_id=int(self.account_id), bracket_mode="PositionBrackets")

    def keep_pairs(self, stop_ticks: int, target_ticks: int) -> None:
        """Let the platform keep a stop and a target of its own for every position, as that setting may."""
        pair = PositionBrackets(stop_ticks=stop_ticks, target_ticks=target_ticks)
        self.emulator.order("account", account_id=int(self.account_id), position_brackets=pair)

    def fill_part(self, order_id: str, size: int) -> None:
        """Let part of one of our resting orders fill at its price, whatever the market does."""
        exchange = self.emulator.gateway.exchange
        order = exchange._store.orders[int(self.engine.book.orders[order_id].broker_order_id or 0)]
        price = order.limit_price or order.stop_price
        exchange._matcher._fill(order, [(price, size)], exchange.now, resting=True)

    def legs(self, entry_id: str, *, is_open: bool = True) -> dict[str, Order]:
        """Stop and target of an entry by what their tag adds to its own, those that may still fill."""
        return {
            order.order_id.removeprefix(entry_id): order
            for order in self.orders()
            if order.parent_id == entry_id and (order.status.is_open or not is_open)
        }

    def drop_events(self, batches: int) -> None:
        self.emulator.order("events", kind="drop", batches=batches)

    async def lose_stream(self) -> None:
        """Cut both hubs and wait until the desk has noticed."""
        before = self.engine.book.channels[Channel.ACCOUNT]
        self.emulator.order("drop")
        await until(lambda: self.engine.book.channels[Channel.ACCOUNT] is not before)

    # -- what the gateway itself has --------------------------------------------------------------------------

    async def gateway_orders(self) -> list[Json]:
        """Every order there ever was, as the gateway has it."""
        await self.emulator.login()
        answer = await self.emulator.call(
            "/api/Order/search", accountId=int(self.account_id), startTimestamp="2000-01-01T00:00:00Z"
        )
        return list(answer["orders"])

    async def gateway_trades(self) -> list[Json]:
        await self.emulator.login()
        answer = await self.emulator.call(
            "/api/Trade/search", accountId=int(self.account_id), startTimestamp="2000-01-01T00:00:00Z"
        )
        return list(answer["trades"])

    async def gateway_size(self) -> int:
        await self.emulator.login()
        answer = await self.emulator.call("/api/Position/searchOpen", accountId=int(self.account_id))
        return sum(row["size"] * (1 if row["type"] == 1 else -1) for row in answer["positions"])

    async def sent(self) -> list[str]:
        """Our ids of the orders that the gateway has, refused ones included."""
        return [row["customTag"] for row in await self.gateway_orders() if _is_ours(row["customTag"])]

    async def prove(self) -> None:
        """Wait until nothing is in doubt, then compare the book with the gateway's own records to the cent."""
        await until(self.is_settled)
        await self.engine.sync.sync(self.account_id)
        wrong = [finding for finding in self.findings() if not finding.held]
        assert not wrong, wrong

    def findings(self) -> tuple[Finding, ...]:
        """What the product's own checks find now."""
        return examine(read_records(self.emulator.gateway.exchange, self.account_id), self.engine.book)


def _is_ours(tag: str | None) -> bool:
    return tag is not None and tag.startswith("tc-hand-") and tag.count("-") == 2


@asynccontextmanager
async def desk(**options: Any) -> AsyncIterator[Desk]:
    """A desk on an emulator of its own whose prices stand still until a test moves them; nothing opened yet."""
    async with running_emulator(**{"volatility": 0.0, "rate_limits": False, **options}) as emulator:
        test = Desk(emulator)
        try:
            yield test
        finally:
            await test.close()


@asynccontextmanager
async def trading_desk(journal: Journal | None = None, **options: Any) -> AsyncIterator[Desk]:
    """A desk that is connected, synced and armed."""
    async with desk() as test:
        await test.open(journal, **options)
        await test.ready()
        yield test
