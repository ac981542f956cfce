"""Long-running tasks under one roof: named, restarted when they fail, ended together."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

log = logging.getLogger(__name__)

BACKOFF: Final = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Seconds before a failed task is started again; the last one repeats."""


class Supervisor:
    """Runs background tasks. `on_failure(name, error)` is told of each failure."""

    def __init__(self, on_failure: Callable[[str, Exception], None]) -> None:
        self._on_failure = on_failure
        self._tasks: set[asyncio.Task[Any]] = set()

    def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` for ever: when it raises it is reported and started again; when it returns it is done."""
        self.start(name, self._restarting(name, work))

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` once; a failure is reported."""
        task = asyncio.get_running_loop().create_task(self._reporting(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # a task that is cancelled before its first step would leave the work unawaited
        task.add_done_callback(lambda _: work.close())
        return task

    async def close(self) -> None:
        """Cancel everything and wait until it has ended."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reporting(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await work
        except Exception as error:
            log.exception("task %s failed", name)
            self._on_failure(name, error)
            return None

    async def _restarting(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                await work()
            except Exception as error:
                log.exception("task %s failed and is started again", name)
                self._on_failure(name, error)
                await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
            else:
                return
