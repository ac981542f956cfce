"""A cancel in a traffic jam: history saturates its limit, 180 calls of the minute are used, questions wait in line."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bench_order import gateway
from processes import Home
from reporting import Figure, quantile, report

from tradeconsole import bootstrap
from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.http_connection import HttpConnection
from tradeconsole.domain.commands import Arm, CancelOrder, PlaceOrder
from tradeconsole.domain.market import Span, Timeframe
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.engine.engine import Engine
from tradeconsole.settings import Overrides, load_settings
from tradeconsole.views.local import LocalSession

ORDERS: Final = 15
DOWNLOADS: Final = 150
USED: Final = 180
ROUNDS: Final = 3
_CANCEL: Final = b"POST /api/Order/cancel "

METHOD = f"""
event: a cancel, sent by the front end's thread through the real engine and adapter, until the request's bytes are given to
the socket; "engine side" begins when the engine's loop takes the command up. Meanwhile {DOWNLOADS} downloads of a day of
minutes each have spent the limit on bars and wait for more of it, {USED} other calls were made within the minute, and
reconciliation waits too. The gateway emulator keeps the real gateway's limits (200 calls in 60 s, 50 of bars in 30 s);
{ROUNDS} consoles, {ORDERS} cancels each
"""


async def _ready(session: LocalSession) -> str:
    engine = session._engine
    while not (account := engine.default_account()) or not engine.is_synced(account):
        await asyncio.sleep(0.05)
    await session.send(Arm(account))
    return account


async def _place(session: LocalSession, account: str) -> list[str]:
    engine = session._engine
    instrument = await session._thread.call(engine.connection.resolve("MNQ"))
    while engine.book.price(instrument.instrument_id) is None:
        await asyncio.sleep(0.05)
    price = instrument.quantize(engine.book.price(instrument.instrument_id) or 0)
    ids: list[str] = []
    for number in range(ORDERS):
        command = PlaceOrder(
            account_id=account,
            symbol="MNQ",
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT,
            limit_price=price - Decimal(100 + number),
        )
        ids += (await session.send(command)).order_ids
    while any(engine.book.orders[each].status is not OrderStatus.WORKING for each in ids):
        await asyncio.sleep(0.05)
    return ids


async def _jam(engine: Engine, account: str, waiting: set[asyncio.Task[Any]]) -> None:
    """Spend both limits, and leave a queue before each. On the engine's loop."""
    broker = engine.broker
    assert isinstance(broker, ProjectXBroker)
    instrument = await engine.connection.resolve("MNQ")
    now, day = engine.clock.now(), timedelta(days=1)

    def begin(work: Coroutine[Any, Any, Any]) -> None:
        waiting.add(asyncio.get_running_loop().create_task(work))

    for number in range(DOWNLOADS):
        span = Span(now - (number + 2) * day, now - (number + 1) * day)
        begin(broker.get_historical_data(instrument.instrument_id, Timeframe.parse("1m"), span))
    general, history = broker.budgets()
    while history.used < history.limit:
        await asyncio.sleep(0.01)
        _, history = broker.budgets()
    while general.used < USED:  # as flattening asks: questions of this kind wait for nothing
        await broker.get_positions(account, urgent=True)
        general, _ = broker.budgets()
    for _ in range(20):
        begin(broker.get_positions(account))


async def _cancel(session: LocalSession, ids: list[str]) -> list[tuple[float, float]]:
    """Milliseconds from `session.send` to the engine's loop, and from there to the wire."""
    arrived = wire = 0
    handle, ask = session._handle, HttpConnection.ask

    async def handle_timed(command: Any) -> Any:
        nonlocal arrived
        arrived = time.perf_counter_ns()
        return await handle(command)

    async def ask_timed(connection: HttpConnection, request: bytes, patience: float) -> Any:
        nonlocal wire
        if request.startswith(_CANCEL):
            wire = time.perf_counter_ns()
        return await ask(connection, request, patience)

    session._handle = handle_timed  # type: ignore[method-assign]
    HttpConnection.ask = ask_timed  # type: ignore[method-assign]
    taken = []
    for order_id in ids:
        sent = time.perf_counter_ns()
        await session.send(CancelOrder(order_id))
        taken.append(((arrived - sent) / 1e6, (wire - arrived) / 1e6))
        await asyncio.sleep(0.05)
    return taken


async def measure_cancels(url: str, user: str) -> dict[str, Any]:
    """One console in a jam of its own making."""
    async with bootstrap.open_session(load_settings(Overrides(url=url, user=user))) as session:
        account = await _ready(session)
        ids = await _place(session, account)
        waiting: set[asyncio.Task[Any]] = set()
        await session._thread.call(_jam(session._engine, account, waiting))
        before = [budget.used for budget in session._engine.broker.budgets()]
        taken = await _cancel(session, ids)
        queued = sum(not task.done() for task in waiting)
        for task in waiting:
            session._thread._loop.call_soon_threadsafe(task.cancel)
        return {"taken": taken, "used": before, "queued": queued}


def measure() -> dict[str, Any]:
    with Home() as home, gateway(home, "limited") as endpoint:
        results = home.folder / "results.json"
        subprocess.run(
            [sys.executable, __file__, str(results), endpoint["url"], endpoint["user"]],
            env=home.environment(TRADECONSOLE_API_KEY=endpoint["key"]),
            check=True,
            timeout=180,
        )
        return dict(json.loads(results.read_text()))


def main() -> None:
    found = [measure() for _ in range(ROUNDS)]
    engine = [wire for each in found for _, wire in each["taken"]]
    hop = [arrived for each in found for arrived, _ in each["taken"]]
    figures = [
        Figure(name="cancel in a jam, engine side, median", value=quantile(engine, 0.5), unit="ms"),
        Figure(name="cancel in a jam, engine side, longest", value=max(engine), unit="ms", budget=50),
        Figure(name="  from the front end, longest", value=max(hop), unit="ms"),
        Figure(
            name="  calls of the minute used before, least", value=min(e["used"][0] for e in found), unit=""
        ),
        Figure(name="  bars calls used before, least", value=min(e["used"][1] for e in found), unit=""),
        Figure(name="  calls still in line after, least", value=min(e["queued"] for e in found), unit=""),
    ]
    report("A cancel in a traffic jam", METHOD, figures)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(asyncio.run(measure_cancels(*sys.argv[2:4]))))
    else:
        main()
