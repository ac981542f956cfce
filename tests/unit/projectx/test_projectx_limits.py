"""The request budget: never one too many, the urgent first, nothing lost to a cancelled waiter."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeconsole.brokers.projectx.limits import RateLimiter, SlidingLog, Urgency
from tradeconsole.brokers.projectx.rest import GENERAL_LIMIT

EVEN = dict.fromkeys(Urgency, 1.0)


@settings(max_examples=200)
@given(
    st.integers(1, 6),
    st.floats(0.5, 5),
    st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_than_the_limit(limit: int, window: float, pauses: list[float]) -> None:
    log, now, sent = SlidingLog(limit, window), 0.0, []
    for pause in pauses:
        now += pause
        if (wait := log.delay(now, limit)) > 0:
            now += wait
            assert log.delay(now, limit) < 1e-9
        log.add(now)
        sent.append(now)
    for start in sent:
        assert sum(start <= time < start + window - 1e-6 for time in sent) <= limit


@settings(max_examples=100)
@given(
    st.integers(1, 5),
    # sixty-fourths are exact as floats, so that both sides count the same moments
    st.lists(st.integers(0, 128).map(lambda n: n / 64), min_size=1, max_size=40),
)
def test_the_log_never_waits_longer_than_it_must(limit: int, pauses: list[float]) -> None:
    log, now, sent = SlidingLog(limit, 1.0), 0.0, list[float]()
    for pause in pauses:
        now += pause
        recent = [moment for moment in sent if moment > now - 1.0]
        must_wait = len(recent) >= limit
        assert (log.delay(now, limit) > 0) == must_wait
        if not must_wait:
            log.add(now)
            sent.append(now)


async def arrivals(limiter: RateLimiter, wanted: list[tuple[str, Urgency]]) -> list[str]:
    order: list[str] = []

    async def one(name: str, urgency: Urgency) -> None:
        await limiter.acquire(urgency)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, urgency in wanted:
            group.create_task(one(name, urgency))
    return order


async def test_a_cancel_overtakes_everything_that_waits() -> None:
    limiter = RateLimiter("general", 1, 0.05, time.monotonic, EVEN)
    await limiter.acquire(Urgency.QUERY)
    order = await arrivals(
        limiter,
        [
            ("bars", Urgency.HISTORY),
            ("query", Urgency.QUERY),
            ("place", Urgency.ORDER),
            ("cancel", Urgency.CANCEL),
        ],
    )
    assert order == ["cancel", "place", "query", "bars"]


async def test_equals_go_first_come_first_served() -> None:
    limiter = RateLimiter("general", 1, 0.02, time.monotonic, EVEN)
    wanted = [(str(index), Urgency.ORDER) for index in range(5)]
    assert await arrivals(limiter, wanted) == [name for name, _ in wanted]


async def test_queries_cannot_spend_what_a_cancel_needs() -> None:
    limiter = RateLimiter("general", 10, 60.0, time.monotonic)
    for _ in range(7):
        await limiter.acquire(Urgency.QUERY)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await limiter.acquire(Urgency.QUERY)
    async with asyncio.timeout(1):
        for _ in range(3):
            await limiter.acquire(Urgency.CANCEL)
    assert limiter.budget.used == 10


async def test_a_cancelled_waiter_takes_no_slot() -> None:
    limiter = RateLimiter("general", 1, 0.03, time.monotonic, EVEN)
    await limiter.acquire(Urgency.ORDER)
    waiter = asyncio.create_task(limiter.acquire(Urgency.ORDER))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    await asyncio.sleep(0.05)
    assert limiter.budget.used == 0
    async with asyncio.timeout(1):
        await limiter.acquire(Urgency.ORDER)


async def test_a_slot_granted_to_a_task_cancelled_in_the_same_turn_goes_back() -> None:
    now = 0.0
    limiter = RateLimiter("general", 1, 60.0, lambda: now, EVEN)
    await limiter.acquire(Urgency.ORDER)
    task = asyncio.create_task(limiter.acquire(Urgency.ORDER))
    await asyncio.sleep(0)
    now = 61.0
    limiter._grant()
    assert limiter.budget.used == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert limiter.budget.used == 0


async def test_while_the_gateway_refuses_only_the_urgent_go_on() -> None:
    limiter = RateLimiter("general", 10, 60.0, time.monotonic)
    limiter.hold(30)
    async with asyncio.timeout(1):
        await limiter.acquire(Urgency.CANCEL)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await limiter.acquire(Urgency.ORDER)


async def test_the_budget_can_be_seen() -> None:
    limiter = RateLimiter("history", 45, 30.0, time.monotonic)
    await limiter.acquire(Urgency.HISTORY)
    budget = limiter.budget
    assert (budget.name, budget.used, budget.limit, budget.window) == ("history", 1, 45, 30.0)


async def test_a_free_slot_is_taken_without_waiting_and_never_out_of_turn() -> None:
    limiter = RateLimiter("general", 2, 60, time.monotonic, EVEN)
    assert limiter.take(Urgency.QUERY)
    assert limiter.take(Urgency.QUERY)
    assert limiter.take(Urgency.CANCEL) is None
    assert limiter.budget.used == 2


async def test_a_slot_that_is_given_back_is_for_the_next_who_waits() -> None:
    limiter = RateLimiter("general", 1, 60, time.monotonic, EVEN)
    slot = limiter.take(Urgency.QUERY)
    assert slot is not None
    waiting = asyncio.create_task(limiter.acquire(Urgency.QUERY))
    await asyncio.sleep(0)
    limiter.give_back(slot)
    async with asyncio.timeout(5):
        await waiting
    assert limiter.budget.used == 1


def test_a_slot_given_back_after_its_window_changes_nothing() -> None:
    now = 0.0
    limiter = RateLimiter("general", 1, 60, lambda: now, EVEN)
    slot = limiter.take(Urgency.QUERY)
    now = 61.0
    assert limiter.take(Urgency.QUERY) == now
    assert slot is not None
    limiter.give_back(slot)
    assert limiter.budget.used == 1


async def test_a_free_slot_goes_to_a_cancel_before_those_that_wait_and_not_to_their_equals() -> None:
    limiter = RateLimiter("general", 10, 60, time.monotonic)
    limiter.hold(60)
    waiting = asyncio.create_task(limiter.acquire(Urgency.ORDER))
    await asyncio.sleep(0)
    limiter._blocked_until = 0.0
    assert not limiter.take(Urgency.QUERY)
    assert not limiter.take(Urgency.ORDER)
    assert limiter.take(Urgency.CANCEL)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_with_180_calls_of_the_minute_used_a_cancel_leaves_at_once_and_nothing_else_does() -> None:
    limiter = RateLimiter("general", *GENERAL_LIMIT, time.monotonic)
    for _ in range(180):
        assert limiter.take(Urgency.CANCEL)
    for urgency in (Urgency.ORDER, Urgency.QUERY, Urgency.HISTORY):
        assert not limiter.take(urgency)
    assert limiter.take(Urgency.CANCEL)


@pytest.mark.parametrize(
    ("urgency", "most"), [(Urgency.ORDER, 170), (Urgency.QUERY, 144), (Urgency.HISTORY, 126)]
)
async def test_looking_leaves_room_for_placing_and_placing_for_the_way_out(
    urgency: Urgency, most: int
) -> None:
    limiter = RateLimiter("general", *GENERAL_LIMIT, time.monotonic)
    assert sum(limiter.take(urgency) is not None for _ in range(200)) == most
