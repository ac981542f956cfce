"""The console on a paced feed, for measurements from outside: `feed_console.py RATE`."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from feed import FeedBroker, PacedSocket, make_engine

from tradeconsole.engine.engine import Engine
from tradeconsole.engine.thread import EngineThread
from tradeconsole.tui.app import TradeConsole
from tradeconsole.views.local import LocalSession
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Session

FPS = 10.0


class Feed:
    """An engine in its thread, fed with so many quotes a second."""

    def __init__(self, rate: float) -> None:
        self.thread = EngineThread()
        self._rate = rate
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> Session:
        self.thread.start()
        engine = await self.thread.call(self._start())
        return LocalSession(self.thread, engine, SessionInfo(profile="bench"), FPS)

    async def _start(self) -> Engine:
        engine = make_engine(FeedBroker)
        await engine.start()
        while len(engine.watchlist) < 6:
            await asyncio.sleep(0.01)
        if self._rate:
            self._listening = _start(engine.broker.listen(PacedSocket(self._rate)))  # type: ignore[attr-defined]
        return engine


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


def main(rate: float) -> None:
    feed = Feed(rate)
    TradeConsole(feed.open).run()


if __name__ == "__main__":
    main(float(sys.argv[1]))
