"""A console that times its own orders: `order_console.py RESULTS ORDERS (alone|rested|drawing) URL USER`."""

import asyncio
import inspect
import json
import re
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from aiohttp.http_writer import StreamWriter

from tradeconsole import bootstrap
from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.domain.commands import Arm, CancelAll, PlaceOrder
from tradeconsole.domain.orders import Bracket, OrderType, Side
from tradeconsole.settings import Overrides, load_settings
from tradeconsole.tui.app import TradeConsole
from tradeconsole.tui.session_app import SessionApp
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.views.local import LocalSession
from tradeconsole.views.session import Session

_TAG: Final = re.compile(rb'"customTag":"([^"]+)"')
AT_ONCE: Final = 10
"""Orders placed before all are cancelled, so that no limit on open orders is reached."""
RESTS: Final = {"alone": 0.0, "rested": 0.13, "drawing": 0.0}
"""Seconds between two orders, by mode."""
SETTLE: Final = 0.15
"""Seconds in which the gateway has told all about what was placed or cancelled."""
WARM_UP: Final = 20


class Wire:
    """Notes when the bytes of each order are given to the socket, by the order's tag.

    Before, not after: on loopback the call itself wakes the receiving process, which is no part of ours.
    """

    def __init__(self) -> None:
        self.left: dict[str, int] = {}

    def watch(self) -> None:
        """Look at everything that aiohttp writes from here on."""
        wire, original_write, original_lines = self, StreamWriter._write, StreamWriter._writelines

        def write(writer: StreamWriter, chunk: Any) -> None:
            wire._note((chunk,))
            original_write(writer, chunk)

        def writelines(writer: StreamWriter, chunks: Iterable[Any]) -> None:
            pieces = tuple(chunks)
            wire._note(pieces)
            original_lines(writer, pieces)

        StreamWriter._write = write  # type: ignore[method-assign]
        StreamWriter._writelines = writelines  # type: ignore[method-assign]

    def _note(self, chunks: Iterable[Any]) -> None:
        for chunk in chunks:
            if found := _TAG.search(bytes(chunk)):
                self.left[found[1].decode()] = time.perf_counter_ns()


async def place_orders(session: LocalSession, wire: Wire, orders: int, rest: float) -> list[float]:
    """Place bracketed limit orders far from the market, one after the other; milliseconds of each to the wire."""
    engine = session._engine
    _lift_budgets(engine.broker)
    while not (account := engine.default_account()) or not engine.is_synced(account):
        await asyncio.sleep(0.05)
    instrument = await engine.connection.resolve("MNQ")
    while engine.book.price(instrument.instrument_id) is None:
        await asyncio.sleep(0.05)
    await session._handle(Arm(account))
    price = instrument.quantize(engine.book.price(instrument.instrument_id) or 0)
    taken = []
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
        began = time.perf_counter_ns()
        done = await session._handle(command)
        if number >= WARM_UP:
            taken.append((wire.left[done.order_ids[0]] - began) / 1e6)
        if number % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(SETTLE)
            await session._handle(CancelAll(account))
            while engine.book.open_orders:
                await asyncio.sleep(SETTLE)
        await asyncio.sleep(rest)
    return taken


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


Measure = Callable[[LocalSession], Coroutine[Any, Any, list[float]]]


async def _alone(open_session: Callable[[], Any], measure_in: Measure) -> dict[str, Any]:
    session = await open_session()
    return {"taken": await session._thread.call(measure_in(session))}


async def _drawing(open_session: Callable[[], Any], measure_in: Measure) -> dict[str, Any]:
    results: dict[str, Any] = {}

    async def opened() -> Session:
        session = await open_session()

        async def measure() -> None:
            await asyncio.sleep(2)
            app.show_screen(app._base_screen().WHERE.CHART)
            await asyncio.sleep(1)
            app.start_drawing()
            began, before = time.monotonic(), app.pictures
            results["taken"] = await session._thread.call(measure_in(session))
            results["pictures"] = (app.pictures - before) / (time.monotonic() - began)
            app.exit()

        app.run_worker(measure(), group="measure")
        return session

    app = RestlessConsole(opened)
    await app.run_async()
    return results


async def measure_orders(orders: int, mode: str, url: str, user: str) -> dict[str, Any]:
    """Milliseconds of each order, and how busy the screen was."""
    settings = load_settings(Overrides(url=url, user=user))
    wire = Wire()
    wire.watch()
    async with AsyncExitStack() as stack:

        async def open_session() -> LocalSession:
            return await stack.enter_async_context(bootstrap.open_session(settings))

        def measure_in(session: LocalSession) -> Coroutine[Any, Any, list[float]]:
            return place_orders(session, wire, orders, RESTS[mode])

        return await (_drawing if mode == "drawing" else _alone)(open_session, measure_in)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(measure_orders(int(sys.argv[2]), *sys.argv[3:6]))))
