"""The supervisor's tasks: reported when they fail, ended together, even those that had not begun."""

import asyncio
import inspect

from tradeconsole.engine.supervisor import Supervisor


async def test_a_task_that_fails_is_reported_by_name() -> None:
    told: list[tuple[str, str]] = []
    supervisor = Supervisor(lambda name, error: told.append((name, str(error))))

    async def fail() -> None:
        raise ValueError("no good")

    await supervisor.start("work", fail())
    assert told == [("work", "no good")]


async def test_closing_leaves_no_work_unawaited_that_had_not_begun() -> None:
    supervisor = Supervisor(lambda _name, _error: None)

    async def never() -> None:
        raise AssertionError("it must not begin")

    work = never()
    supervisor.start("work", work)
    await supervisor.close()
    await asyncio.sleep(0)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
