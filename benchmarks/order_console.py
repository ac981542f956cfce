"""A console that times its own orders: `order_console.py RESULTS ORDERS (alone|rested|drawing) URL USER`."""

import asyncio
import inspect
import json
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from order_stages import Stages

from tradeconsole import bootstrap
from tradeconsole.actions import Where
from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.domain.commands import Arm, CancelAll, PlaceOrder
from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.settings import Overrides, load_settings
from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.session_app import SessionApp
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.views.local import LocalSession
from tradeconsole.views.session import Session

AT_ONCE: Final = 10
"""Orders placed before all are cancelled, so that no limit on open orders is reached."""
RESTS: Final = {"alone": 0.0, "rested": 0.13, "drawing": 0.0}
"""Seconds between two orders, by mode."""
SETTLE: Final = 0.15
"""Seconds in which the gateway has told all about what was placed or cancelled."""
WARM_UP: Final = 20


async def place_orders(session: LocalSession, orders: int, rest: float) -> dict[str, Any]:
    """Send bracketed limit orders far from the market, one after the other, as a front end does.

    Returns `taken`, for each order its milliseconds to each of `STAGES`, and `processor`.
    """
    engine = session._engine
    _lift_budgets(engine.broker)
    while not (account := engine.default_account()) or not engine.is_synced(account):
        await asyncio.sleep(0.05)
    instrument = await session._thread.call(engine.connection.resolve("MNQ"))
    while engine.book.price(instrument.instrument_id) is None:
        await asyncio.sleep(0.05)
    await session.send(Arm(account))
    price = instrument.quantize(engine.book.price(instrument.instrument_id) or 0)
    stages = Stages(session)
    taken, processor = [], []
    for number in range(orders + WARM_UP):
        command = PlaceOrder(
            account_id=account,
            symbol="MNQ",
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT,
            limit_price=price - Decimal(100 + number % 7),
            bracket=Bracket(40, 80),
        )
        stages.begin()
        await session.send(command)
        if number >= WARM_UP:
            taken.append(stages.taken())
            processor.append(stages.processor())
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(SETTLE)
            await session.send(CancelAll(account))
            while engine.book.open_orders:
                await asyncio.sleep(SETTLE)
        await asyncio.sleep(rest)
    return {"taken": taken, "processor": processor}


def _lift_budgets(broker: object) -> None:
    assert isinstance(broker, ProjectXBroker)
    for limiter in (broker._rest._general, broker._rest._history):
        limiter._allowed = dict.fromkeys(limiter._allowed, 1_000_000)


class RestlessConsole(TradeConsole):
    """Draws its chart again and again, as fast as it can."""

    CSS_PATH = inspect.getfile(SessionApp).replace("session_app.py", "app.tcss")
    pictures = 0

    def start_drawing(self) -> None:
        self.run_worker(self._draw_for_ever(), group="restless")

    async def _draw_for_ever(self) -> None:
        while True:
            for chart in self.screen.query(Chart):
                # another zoom is another picture, every row of it
                (chart.action_zoom_in if self.pictures % 2 else chart.action_zoom_out)()
                self.pictures += 1
            await asyncio.sleep(0)


OpenSession = Callable[[], Coroutine[Any, Any, LocalSession]]


async def _quiet(open_session: OpenSession, orders: int, rest: float) -> dict[str, Any]:
    return await place_orders(await open_session(), orders, rest)


async def _drawing(open_session: OpenSession, orders: int, rest: float) -> dict[str, Any]:
    results: dict[str, Any] = {}

    async def opened() -> Session:
        session = await open_session()

        async def measure() -> None:
            while not isinstance(app.screen, ConsoleScreen):
                await asyncio.sleep(0.1)
            app.show_screen(Where.CHART)
            await asyncio.sleep(1)
            app.start_drawing()
            began, before = time.monotonic(), app.pictures
            results.update(await place_orders(session, orders, rest))
            results["pictures"] = (app.pictures - before) / (time.monotonic() - began)
            app.exit()

        app.run_worker(measure(), group="measure")
        return session

    app = RestlessConsole(opened)
    await app.run_async()
    return results


async def measure_orders(orders: int, mode: str, url: str, user: str) -> dict[str, Any]:
    """What `place_orders` found, and in `pictures` how often a second the screen was drawn."""
    settings = load_settings(Overrides(url=url, user=user))
    async with AsyncExitStack() as stack:

        async def open_session() -> LocalSession:
            return await stack.enter_async_context(bootstrap.open_session(settings))

        return await (_drawing if mode == "drawing" else _quiet)(open_session, orders, RESTS[mode])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(measure_orders(int(sys.argv[2]), *sys.argv[3:6]))))
