"""Storms among the events: doubled, reversed and lost ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tradeconsole.domain.commands import NudgeOrder
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.drills.drill import Drill
from tradeconsole.drills.theatre import Staging, Theatre

_EVERY: Final = 10_000
_LOOKS: Final = 1.0


def _disordered(kind: str) -> Callable[[Theatre], Awaitable[None]]:
    async def storm(theatre: Theatre) -> None:
        """Entries, moves, a stop that fills, a flip and a partial close, all told in disorder."""
        desk = theatre.desk
        theatre.order("events", kind=kind, batches=_EVERY)
        await desk.buy_protected()
        resting = await desk.rest()
        for ticks in (1, 1, -3, 2):
            await desk.handle(NudgeOrder(order_id=resting.order_id, ticks=ticks))
        theatre.move(-60)
        await theatre.until(lambda: desk.size() == 1, "stop and resting order to fill")
        await desk.buy(3, side=Side.SELL)
        await theatre.until(lambda: desk.size() == -2, "the position to turn round")
        await desk.close_position(1)
        await theatre.until(lambda: desk.size() == -1, "a part to be closed")

    return storm


async def lost_fill(theatre: Theatre) -> None:
    """A resting order and a stop fill, and no event says so."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest(10)
    theatre.order("events", kind="drop", batches=_EVERY)
    theatre.move(-12)
    await asyncio.sleep(0.3)
    theatre.expect(
        "the events were lost",
        desk.order(resting.order_id).status is OrderStatus.WORKING,
        "the desk has heard nothing",
    )
    theatre.move(-40)
    await asyncio.sleep(0.2)


async def lost_cancel(theatre: Theatre) -> None:
    """Orders are cancelled by the trader, and no event says so."""
    desk = theatre.desk
    await desk.buy_protected()
    orders = [await desk.rest(ticks) for ticks in (30, 40)]
    stop = await desk.buy(type=OrderType.STOP, stop_price=desk.price + 40 * desk.tick)
    await theatre.until(lambda: desk.order(stop).status is OrderStatus.WORKING, "a stop entry to work")
    theatre.order("events", kind="drop", batches=_EVERY)
    for order_id in (*(order.order_id for order in orders), stop):
        await desk.cancel(order_id)
    await asyncio.sleep(0.2)


_OFTEN: Final = Staging(reconcile=_LOOKS)
_HOW: Final = f"the desk looks at the broker's records every {_LOOKS:g} s (a trader's: 15 s); short waits"

DRILLS: Final = (
    Drill(
        name="duplicate-events",
        what="every event of the account comes twice",
        bound=3.0,
        storm=_disordered("duplicate"),
        staging=_OFTEN,
        how=_HOW,
    ),
    Drill(
        name="reordered-events",
        what="the events of the account come in reverse order",
        bound=3.0,
        storm=_disordered("reverse"),
        staging=_OFTEN,
        how=_HOW,
    ),
    Drill(
        name="lost-fill",
        what="a resting order and a stop fill, and the events are lost",
        bound=3.0,
        storm=lost_fill,
        staging=_OFTEN,
        how=_HOW,
    ),
    Drill(
        name="lost-cancel",
        what="orders are cancelled, and the events are lost",
        bound=3.0,
        storm=lost_cancel,
        staging=_OFTEN,
        how=_HOW,
    ),
)
