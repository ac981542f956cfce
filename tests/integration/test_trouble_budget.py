"""The gateway's request budget: what a start asks for, and a start after others have spent it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from trouble_desk import Desk, Forgetful, desk, until

from tradeconsole.emulator.limits import WINDOWS, Budget, RequestBudgets
from tradeconsole.engine.protection.coverage import coverage
from tradeconsole.ports import Restored
from tradeconsole.views.build.trading import position_rows

LOGIN = ("login", "accounts", "contracts", "accounts that are not active")
PER_ACCOUNT = ("positions", "working orders", "orders", "fills")
ROUND = 1 + 2 * len(PER_ACCOUNT)
"""The accounts, and the records of each of the demo user's two."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """A desk on a gateway that counts requests in a time of its own."""

    def __init__(self, test: Desk) -> None:
        self.desk = test
        self.seconds = Clock()
        test.emulator.gateway.budgets = RequestBudgets(seconds=self.seconds)

    @property
    def used(self) -> int:
        return self.desk.emulator.gateway.budgets.used(self.desk.emulator.user, Budget.OTHER)

    async def all_synced(self) -> None:
        """Wait until the start has asked all that it asks."""
        engine = self.desk.engine
        await self.desk.ready()
        await until(lambda: len(engine.book.synced) == len(engine.book.shown_accounts()))

    def leave(self, requests: int) -> None:
        """Spend all but so many requests, as other programs of this user would."""
        for _ in range(WINDOWS[Budget.OTHER][0] - self.used - requests):
            self.desk.emulator.gateway.budgets.admit(self.desk.emulator.user, Budget.OTHER)

    def pass_window(self) -> None:
        self.seconds.now += WINDOWS[Budget.OTHER][1] + 1


@pytest_asyncio.fixture
async def counted() -> AsyncIterator[Counted]:
    async with desk() as test:
        yield Counted(test)


class Remembers(Forgetful):
    """A journal that kept an entry and its fill; the kill came before the legs were told."""

    def __init__(self, test: Desk, entry: str) -> None:
        super().__init__()
        book = test.engine.book
        self._memory = Restored(
            accounts=tuple(book.accounts.values()),
            instruments=tuple(book.instruments.values()),
            orders=(book.orders[entry],),
            fills=tuple(book.fills.values()),
            positions=tuple(book.positions(test.account_id)),
        )

    async def restore(self) -> Restored:
        return self._memory


async def test_a_start_asks_the_gateway_for_each_thing_once(counted: Counted) -> None:
    await counted.desk.open(reconcile=3600.0)
    await counted.all_synced()
    assert counted.used <= len(LOGIN) + ROUND


async def test_a_quiet_minute_costs_few_requests(counted: Counted) -> None:
    await counted.desk.open(reconcile=3600.0)
    await counted.all_synced()
    before = counted.used
    for _ in range(4):
        await counted.desk.engine.sync.sync_all()
    assert counted.used - before <= 4 * ROUND


async def test_a_start_without_budget_claims_nothing_says_why_and_goes_on_when_there_is_some(
    counted: Counted,
) -> None:
    test = counted.desk
    await test.open()
    await test.ready()
    entry = await test.buy_protected()
    memory = Remembers(test, entry)
    await test.close()

    counted.leave(len(LOGIN))
    await test.open(memory)
    await until(lambda: test.told("request limit"))
    assert not test.engine.is_synced(test.account_id)
    (row,) = position_rows(
        test.engine.book, test.account_id, frozenset(), test.engine.clock.now(), proven=False
    )
    assert (row.size, row.protected, row.proven) == (2, 0, False)

    counted.pass_window()
    await test.ready()
    (position,) = test.engine.book.positions(test.account_id)
    assert coverage(test.engine.book, position).is_complete
    await test.prove()
