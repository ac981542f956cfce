"""Accounts that the list of active ones leaves out: whoever holds a position in one sees it, whenever it was locked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from projectx_bench import ACCOUNT, Bench, bench, order
from projectx_hub_peer import until
from projectx_peer import Answer, Call, HangUp, Reply, no, ok
from trouble_desk import desk
from trouble_desk import until as patiently

from tradeconsole.brokers.projectx import accounts as accounts_module
from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import AccountReported, Channel
from tradeconsole.errors import RiskDenied

SEARCH, POSITIONS, ORDERS = "/api/Account/search", "/api/Position/searchOpen", "/api/Order/searchOpen"
POSITION = {
    "id": 1,
    "accountId": 7,
    "contractId": "CON.F.US.MNQ.Z26",
    "creationTimestamp": "2026-11-18T14:00:00+00:00",
    "type": 1,
    "size": 2,
    "averagePrice": 25000.25,
}
LOCKED = ACCOUNT | {"id": 7, "name": "50KTC-V2-1", "canTrade": False}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_module, "_PAUSE", 0.0)
    monkeypatch.setattr(accounts_module, "_AGAIN", 0.01)


class Venue:
    """The accounts of a gateway, and what is open in which."""

    def __init__(self, *inactive: dict[str, Any]) -> None:
        self.active = [ACCOUNT]
        self.inactive = list(inactive)
        self.positions: set[int] = set()
        self.orders: set[int] = set()

    def search(self, call: Call) -> Reply:
        return ok(accounts=self.active if call.body["onlyActiveAccounts"] else [*self.active, *self.inactive])

    def search_positions(self, call: Call) -> Reply:
        return ok(positions=[POSITION] if call.body["accountId"] in self.positions else [])

    def search_orders(self, call: Call) -> Reply:
        return ok(orders=[order(1)] if call.body["accountId"] in self.orders else [])


@asynccontextmanager
async def streaming(venue: Venue) -> AsyncIterator[Bench]:
    async with bench() as test:
        test.peer.script |= {
            SEARCH: venue.search,
            POSITIONS: venue.search_positions,
            ORDERS: venue.search_orders,
        }
        listed = await test.broker.connect()
        await test.broker.stream([each.account_id for each in listed])
        yield test


def told(test: Bench) -> list[Account]:
    return [event.account for event in test.of(AccountReported)]


async def looked(test: Bench) -> None:
    """Wait until the looking is over."""
    async with asyncio.timeout(30):
        task = test.broker._accounts._looking
        assert task is not None
        await task


@pytest.mark.parametrize("what", ["positions", "orders"])
async def test_a_locked_account_in_which_something_is_open_is_shown_from_the_start(what: str) -> None:
    venue = Venue(LOCKED)
    getattr(venue, what).add(7)
    async with streaming(venue) as test:
        await looked(test)
        assert [(each.account_id, each.can_trade, each.is_visible) for each in told(test)] == [
            ("7", False, True)
        ]
        await until(test.is_up(Channel.ACCOUNT), 30)
        # a stream of an account that is gone might be refused, and take the others with it
        assert not any(args == [7] for line in test.hub.lines for _, args in line.calls)


async def test_what_left_the_list_with_nothing_open_or_is_hidden_is_not_shown() -> None:
    venue = Venue(LOCKED, LOCKED | {"id": 8, "isVisible": False})
    venue.positions.add(8)
    async with streaming(venue) as test:
        await looked(test)
        assert told(test) == []
        assert [call.body["accountId"] for call in test.peer.sent_to(POSITIONS)] == [7]


async def test_newer_accounts_are_looked_at_first() -> None:
    async with streaming(Venue(LOCKED, LOCKED | {"id": 90}, LOCKED | {"id": 11})) as test:
        await looked(test)
        assert [call.body["accountId"] for call in test.peer.sent_to(POSITIONS)] == [90, 11, 7]


async def test_an_account_that_is_unlocked_later_may_trade_again() -> None:
    venue = Venue(LOCKED)
    venue.positions.add(7)
    async with streaming(venue) as test:
        await looked(test)
        venue.active = [ACCOUNT, LOCKED | {"canTrade": True}]
        await test.broker.get_accounts()
        assert [each.can_trade for each in told(test)] == [False, True]


async def test_whose_accounts_are_all_locked_sees_them_until_they_are_back() -> None:
    venue = Venue(LOCKED)
    venue.active = []
    async with streaming(venue) as test:
        await looked(test)
        assert [(each.account_id, each.can_trade) for each in told(test)] == [("7", False)]
        venue.active = [ACCOUNT]
        await test.broker.get_accounts()
        assert [(each.account_id, each.can_trade) for each in told(test)][1:] == [(str(ACCOUNT["id"]), True)]


async def test_looking_goes_on_when_the_gateway_answers_again_and_ends_when_it_refuses() -> None:
    venue = Venue(LOCKED)
    venue.positions.add(7)
    async with bench() as test:
        replies: list[Reply] = [Answer(status=503), HangUp(), HangUp(), ok(accounts=[ACCOUNT, LOCKED])]
        test.peer.script |= {
            SEARCH: lambda call: (
                ok(accounts=[ACCOUNT]) if call.body["onlyActiveAccounts"] else replies.pop(0)
            ),
            POSITIONS: no(1, positions=None),
        }
        await test.broker.connect()
        await test.broker.stream([])
        await looked(test)
        assert replies == []
        assert told(test) == []


async def test_without_streams_nothing_is_looked_for() -> None:
    async with bench() as test:
        await test.broker.connect()
        await asyncio.sleep(0.05)
        assert len(test.peer.sent_to(SEARCH)) == 1


async def test_a_console_started_after_a_lock_shows_the_position_and_places_nothing() -> None:
    async with desk() as test:
        await test.open()
        await test.ready()
        await test.buy(2)
        await patiently(lambda: test.size() == 2)
        await test.close()
        test.emulator.order("account", account_id=int(test.account_id), can_trade=False)

        engine = await test.open(reconcile=0.2)
        await patiently(lambda: engine.is_synced(test.account_id), 30)
        assert test.size() == 2
        assert not engine.book.accounts[test.account_id].can_trade
        with pytest.raises(RiskDenied, match="does not let"):
            await engine.handle(test.command())
