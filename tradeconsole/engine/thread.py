"""The engine's own thread and event loop, so that no repaint of a front end delays an order."""

import asyncio
import gc
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

SWITCH_INTERVAL: Final = 0.0005
"""Seconds that another thread may hold the interpreter against the engine's."""

GIVE_WAY: Final = 0.003
"""Seconds that a front end rests at most while what it asked for leaves."""
_TURNS: Final = 3
"""Turns of the loop from the arrival of an order to its way out: task made, request begun, sent."""

_COLLECT: Final = (2_000, 5, 20)
_SETTLED: Final = (3.0, 15.0)
"""Seconds after which whatever exists is there to stay, and no collection looks through it any more: one of all objects of
a console holds the interpreter for 60 ms."""


class EngineThread:
    """An event loop in a thread; `call` runs a coroutine there and awaits it here."""

    def __init__(self, name: str = "engine") -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        gc.set_threshold(*_COLLECT)
        for seconds in _SETTLED:
            self._loop.call_later(seconds, gc.freeze)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start a coroutine on the engine's loop from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine's loop; cancelling the call cancels the coroutine."""
        return await asyncio.wrap_future(self.submit(work))

    async def call_first(self, work: Coroutine[Any, Any, T]) -> T:
        """As `call`, for what must leave at once: the calling thread rests until the loop has turned a few times.

        A repaint that went on meanwhile would hold the interpreter against the engine again and again.
        """
        submitted = self.submit(work)
        passed = threading.Event()
        self._loop.call_soon_threadsafe(self._pass, _TURNS, passed)
        passed.wait(GIVE_WAY)
        return await asyncio.wrap_future(submitted)

    def _pass(self, turns: int, passed: threading.Event) -> None:
        if turns:
            self._loop.call_soon(self._pass, turns - 1, passed)
        else:
            passed.set()

    def stop(self) -> None:
        """End the loop and wait for the thread; whatever still runs on it is cancelled."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        gc.unfreeze()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - optional: not built for every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
