"""Storms on request and reply: answers lost, errors after acceptance, requests refused for their number."""

import asyncio
from typing import Any, Final

from tradeconsole.domain.orders import Bracket, OrderStatus, OrderType
from tradeconsole.drills.drill import SHORT_WAITS, Drill
from tradeconsole.drills.theatre import Theatre
from tradeconsole.errors import BrokerError, OrderInDoubt, RateLimited, RequestRefused

_GIVEN_UP: Final = 10.0
"""Seconds after which an order that no record shows is known never to have arrived."""


async def lost_accepted(theatre: Theatre) -> None:
    """Two orders are accepted and their answers lost: once cut, once never given; the hub tells nothing of one."""
    await _doubted(theatre, {"after": True, "lose": "cut"})
    await theatre.recovers()
    theatre.order("events", kind="drop", batches=20)
    await _doubted(theatre, {"after": True, "lose": "hang"})


async def lost_not_accepted(theatre: Theatre) -> None:
    """Two orders are lost on their way; they must be given up after the grace, and never sent again."""
    await _doubted(theatre, {"lose": "cut"})
    await theatre.until(theatre.desk.is_ready, "the desk to be reconciled")
    await _doubted(theatre, {"lose": "hang"})
    doubted = theatre.desk.orders(OrderStatus.UNKNOWN)
    theatre.expect("shown as unknown", len(doubted) == 2, f"{len(doubted)} of 2 orders are shown as unknown")
    await asyncio.sleep(0.5)
    theatre.pass_time(_GIVEN_UP)


async def error_after_accept(theatre: Theatre) -> None:
    """The gateway takes orders and answers 502, 500 and a web page."""
    for fault in ({"status": 502}, {"status": 500}, {"status": 200, "body": "<html>"}):
        await _doubted(theatre, {"after": True, **fault}, type=OrderType.LIMIT, limit_price=_low(theatre))
        await theatre.recovers()


def _low(theatre: Theatre) -> Any:
    return theatre.desk.price - 400 * theatre.desk.tick


async def _doubted(theatre: Theatre, fault: dict[str, Any], **over: Any) -> None:
    """Place an order whose answer meets a fault: the trader must be told that nobody knows."""
    theatre.order("fail", path="order/place", **fault)
    bracket = None if over else Bracket(stop_ticks=40, target_ticks=80)
    outcome = await theatre.desk.attempt(theatre.desk.command(2, **{"bracket": bracket, **over}))
    held = isinstance(outcome, OrderInDoubt)
    theatre.expect(
        "a lost answer is a doubt", held, f"the trader is told: {outcome}" if held else "taken for certain"
    )


async def rate_storm(theatre: Theatre) -> None:
    """429 for everything for a second and a half: entries fail closed, a cancel gets through afterwards."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest()
    theatre.order("fail", path="order/place", status=429)
    outcome = await desk.attempt(desk.command())
    theatre.expect("429 is certain", isinstance(outcome, RateLimited), f"the trader is told: {outcome}")
    theatre.order("throttle", seconds=1.5)
    outcome = await desk.attempt(desk.command())
    theatre.expect(
        "an entry fails closed",
        isinstance(outcome, BrokerError | RequestRefused),
        f"the trader is told: {outcome}",
    )
    await asyncio.sleep(1.5)
    await theatre.until(desk.is_ready, "the desk to be reconciled after the storm")
    await desk.cancel(resting.order_id)


DRILLS: Final = (
    Drill(
        name="lost-answer-accepted",
        what="orders are accepted and their answers lost, the events of one too",
        bound=4.0,
        storm=lost_accepted,
    ),
    Drill(
        name="lost-answer-refused",
        what="orders are lost on their way to the gateway",
        bound=4.0,
        storm=lost_not_accepted,
        how=f"the grace of {_GIVEN_UP:g} s for late orders is skipped on both clocks; {SHORT_WAITS}",
    ),
    Drill(
        name="error-after-accept",
        what="the gateway takes orders and answers 502, 500 and a web page",
        bound=4.0,
        storm=error_after_accept,
    ),
    Drill(
        name="rate-storm",
        what="the gateway answers 429 to everything for a while",
        bound=4.0,
        storm=rate_storm,
    ),
)
