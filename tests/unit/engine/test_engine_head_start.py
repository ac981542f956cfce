"""Tasks with a head start: what has happened when they are made, and that they end as all tasks do."""

import asyncio

import pytest

from tradeconsole.engine.head_start import head_start


async def test_the_work_has_got_as_far_as_it_can_without_waiting() -> None:
    gate, steps = asyncio.Event(), []

    async def work() -> str:
        steps.append("begun")
        await asyncio.sleep(0)
        steps.append("turned")
        await gate.wait()
        return "done"

    task = head_start(work())
    assert steps == ["begun"]
    gate.set()
    assert await task == "done"
    assert steps == ["begun", "turned"]


@pytest.mark.parametrize("waits", [False, True])
async def test_result_and_error_come_out_of_it_whether_it_waited_or_not(waits: bool) -> None:
    async def work(fail: bool) -> int:
        if waits:
            await asyncio.sleep(0)
        if fail:
            raise LookupError
        return 1

    assert await head_start(work(fail=False)) == 1
    with pytest.raises(LookupError):
        await head_start(work(fail=True))


async def test_an_error_of_what_it_waits_for_reaches_the_work() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            return await answer
        except LookupError:
            return "found out"

    task = head_start(work())
    answer.set_exception(LookupError())
    assert await task == "found out"


async def test_a_time_limit_of_the_work_ends_the_work_and_not_who_began_it() -> None:
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "too late"
        return "in time"

    caller = asyncio.current_task()
    task = head_start(work())
    assert asyncio.current_task() is caller
    assert await asyncio.shield(task) == "too late"


@pytest.mark.parametrize("turns", [0, 1])
async def test_the_work_is_told_when_its_task_is_cancelled(turns: int) -> None:
    told: list[type[BaseException]] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as end:
            told.append(type(end))
            raise

    task = head_start(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == [asyncio.CancelledError if turns else GeneratorExit]
