"""A gateway that was away: whoever notices first that it is back brings the rest of it back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from projectx_bench import ACCOUNT, Bench, bench
from projectx_hub_peer import until
from projectx_peer import QUICK, Call, HangUp, ok

from tradeconsole.brokers.projectx.lookout import Lookout
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.errors import (
    AuthenticationFailed,
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    RateLimited,
)

SEARCH = "/api/Account/search"
LONG_WAITS = msgspec.structs.replace(
    QUICK, connect=30.0, reply=30.0, handshake=30.0, invocation=30.0, silence=1000.0, reconnect=(60.0,)
)
"""An attempt succeeds however slow the machine is, and what comes too late is not repaired by another one."""


@asynccontextmanager
async def streaming() -> AsyncIterator[Bench]:
    """A broker with both streams up, whose hubs wait for a minute once they are lost."""
    async with bench(LONG_WAITS) as test:
        await test.broker.connect()
        await test.broker.stream(["26282486"])
        await are_both(test, ChannelState.UP)
        yield test


async def are_both(test: Bench, state: ChannelState) -> None:
    await until(lambda: both(test, state), 30)


def both(test: Bench, state: ChannelState) -> bool:
    return all(test.states(channel)[-1:] == [state] for channel in (Channel.ACCOUNT, Channel.MARKET))


def looks(test: Bench) -> list[Call]:
    """Questions for the active accounts, which is how the gateway is looked for."""
    return [call for call in test.peer.sent_to(SEARCH) if call.body["onlyActiveAccounts"]]


async def lose_hubs(test: Bench) -> None:
    test.hub.status = 503
    for line in test.hub.lines:
        await line.drop()
    await are_both(test, ChannelState.DOWN)


async def test_hubs_come_back_as_soon_as_the_gateway_answers() -> None:
    async with streaming() as test:
        test.peer.script[SEARCH] = HangUp()
        await lose_hubs(test)
        await until(lambda: test.states(Channel.ORDERS)[-1] is ChannelState.DOWN, 30)
        test.hub.status = None
        test.peer.script[SEARCH] = ok(accounts=[ACCOUNT])
        await are_both(test, ChannelState.UP)


async def test_a_hub_that_comes_back_brings_the_other_one() -> None:
    async with streaming() as test:
        await lose_hubs(test)
        test.hub.status = None
        test.broker._market_hub.wake()
        await are_both(test, ChannelState.UP)


async def test_a_gateway_that_answers_is_not_asked_again_and_again() -> None:
    async with streaming() as test:
        await lose_hubs(test)
        await until(lambda: len(looks(test)) > 1, 30)
        await asyncio.sleep(0.4)
        # at the start, and once for each hub that was lost
        assert len(looks(test)) <= 3


async def test_closing_ends_the_looking() -> None:
    async with streaming() as test:
        test.peer.script[SEARCH] = HangUp()
        await lose_hubs(test)
        await until(lambda: test.states(Channel.ORDERS)[-1] is ChannelState.DOWN, 30)
        await test.broker.close()
        asked = len(test.peer.sent_to(SEARCH))
        await asyncio.sleep(0.3)
        assert len(test.peer.sent_to(SEARCH)) == asked


class Gateway:
    """Answers questions as the list says, and then for ever as its last entry does."""

    def __init__(self, *answers: BrokerError | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.unasked = 100.0

    async def ask(self) -> None:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if answer is not None:
            raise answer

    def lookout(self) -> Lookout:
        return Lookout(self.ask, lambda: self.unasked, 0.01)


@pytest.mark.parametrize(
    "answer", [None, BrokerRejected("no"), AuthenticationFailed("no"), RateLimited("too many")]
)
async def test_any_answer_of_the_gateway_ends_the_looking(answer: BrokerError | None) -> None:
    away = BrokerUnavailable("nobody answers")
    gateway = Gateway(away, away, answer)
    lookout = gateway.lookout()
    lookout.begin()
    lookout.begin()
    await until(lambda: lookout._task is not None and lookout._task.done())
    assert gateway.asked == 3
    lookout.begin()
    await until(lambda: gateway.asked == 4)
    await lookout.close()


async def test_while_others_ask_the_lookout_does_not() -> None:
    gateway = Gateway(None)
    gateway.unasked = 0.0
    lookout = gateway.lookout()
    lookout.begin()
    await asyncio.sleep(0.1)
    assert gateway.asked == 0
    gateway.unasked = 100.0
    await until(lambda: gateway.asked == 1)
    await lookout.close()


async def test_a_lookout_that_never_began_can_be_closed() -> None:
    await Gateway(None).lookout().close()
