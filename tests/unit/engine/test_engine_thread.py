"""The engine's thread as its front end sees it: results, errors, and who gives way to whom."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator

import pytest

from tradeconsole.engine import thread as thread_module
from tradeconsole.engine.thread import EngineThread
from tradeconsole.errors import InvalidRequest


@pytest.fixture
def engine() -> Iterator[EngineThread]:
    engine = EngineThread()
    engine.start()
    yield engine
    engine.stop()


async def test_work_runs_on_the_engines_thread_and_its_errors_come_back(engine: EngineThread) -> None:
    async def work(fail: bool) -> str:
        await asyncio.sleep(0)
        if fail:
            raise InvalidRequest("no")
        return threading.current_thread().name

    for call in (engine.call, engine.call_first):
        assert await call(work(fail=False)) == "engine"
        with pytest.raises(InvalidRequest):
            await call(work(fail=True))


async def test_the_front_end_rests_until_an_order_has_had_its_turns(
    engine: EngineThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_module, "GIVE_WAY", 30.0)
    done: list[str] = []

    async def order() -> None:
        async def send() -> None:
            done.append("sent")
            await asyncio.sleep(0.05)

        await asyncio.get_running_loop().create_task(send())

    asking = asyncio.ensure_future(engine.call_first(order()))
    asyncio.get_running_loop().call_soon(lambda: done.append("front end goes on"))
    await asking
    assert done == ["sent", "front end goes on"]


async def test_an_engine_that_is_busy_does_not_stop_the_front_end(engine: EngineThread) -> None:
    free = threading.Event()

    async def work() -> None:
        pass

    blocked = engine.submit(_blocks(free))
    asking = asyncio.ensure_future(engine.call_first(work()))
    await asyncio.sleep(0)
    assert not asking.done()
    free.set()
    await asking
    blocked.result()


async def _blocks(free: threading.Event) -> None:
    assert free.wait(30)


async def test_cancelling_a_call_cancels_the_work(engine: EngineThread) -> None:
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    asking = asyncio.ensure_future(engine.call_first(work()))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await asyncio.to_thread(cancelled.wait, 30)


def test_what_has_settled_is_out_of_the_collectors_sight_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_module, "_SETTLED", (0.0,))
    engine = EngineThread()
    engine.start()
    deadline = time.monotonic() + 30
    while not gc.get_freeze_count() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert gc.get_freeze_count()
    engine.stop()
    assert not gc.get_freeze_count()
