"""Storms of the venue itself: halts, refusals, partial fills."""

import asyncio
from typing import Final

from tradeconsole.domain.commands import CancelOrder
from tradeconsole.domain.orders import Bracket, OrderStatus
from tradeconsole.drills.checks import shown_covered
from tradeconsole.drills.drill import SHORT_WAITS, Drill
from tradeconsole.drills.plan import SYMBOL
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.engine.protection.watch import Policy, ProtectionOptions
from tradeconsole.errors import BrokerRejected, RequestRefused, TradeConsoleError


async def halt(theatre: Theatre) -> None:
    """Trading stops with a position open; entries are refused, and what the market passed fills when it goes on."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest(20)
    theatre.order("halt", contract=SYMBOL)
    outcome = await desk.attempt(desk.command())
    refused = isinstance(outcome, BrokerRejected | RequestRefused)
    theatre.expect("refused while halted", refused, f"an entry is answered: {outcome}")
    theatre.move(-45)
    await asyncio.sleep(0.5)
    still = desk.size() == 2 and desk.order(resting.order_id).status is OrderStatus.WORKING
    theatre.expect("nothing fills while halted", still, f"the desk holds {desk.size():+d}, its order works")
    theatre.order("halt", contract=SYMBOL, halted=False)


async def rejected_bracket(theatre: Theatre) -> None:
    """The account takes no brackets: the engine keeps the stop itself, and shows as bare what nobody protects."""
    desk = theatre.desk
    outcome = await desk.attempt(desk.command(2, bracket=Bracket(stop_ticks=40, target_ticks=80)))
    words = str(outcome) if isinstance(outcome, TradeConsoleError) else outcome.message
    await theatre.until(lambda: desk.size() == 2 == _covered(theatre), "the position to be protected")
    theatre.expect(
        "no position without its protection",
        _covered(theatre) == desk.size(),
        f"the trader is told: {words}; the desk holds {desk.size():+d}, {_covered(theatre)} covered",
    )
    await desk.buy()
    await theatre.until(lambda: desk.size() == 3, "a plain entry to fill")
    theatre.expect(
        "a bare contract is shown as such",
        _covered(theatre) == 2,
        f"the desk holds {desk.size():+d} and shows {_covered(theatre)} of them covered",
    )
    theatre.order("drop", hub="user")
    theatre.move(-45)
    await theatre.until(lambda: desk.size() == 1, "the stop to fill")
    await theatre.until(lambda: not desk.orders(OrderStatus.WORKING), "the target to be cancelled")


async def lost_stop(theatre: Theatre) -> None:
    """A stop of the engine's is cancelled elsewhere and its event lost: shown bare, told, and placed again as set."""
    desk = theatre.desk
    await desk.buy(2, bracket=Bracket(stop_ticks=40, target_ticks=80))
    await theatre.until(lambda: desk.size() == 2 == _covered(theatre), "the position to be protected")
    stop = next(order for order in desk.orders(OrderStatus.WORKING) if order.stop_price is not None)
    theatre.order("events", kind="drop", batches=1)
    theatre.cancel_elsewhere(stop)
    await theatre.until(lambda: _covered(theatre) == 0, "the position to be shown unprotected")
    shown = f"found in the records: {_covered(theatre)} of {desk.size()} covered"
    theatre.expect("shown unprotected", _covered(theatre) == 0, shown)
    await theatre.until(lambda: desk.told("UNPROTECTED: LONG 2"), "the alarm")
    theatre.expect("the alarm is raised", desk.told("UNPROTECTED: LONG 2"), "the feed says: UNPROTECTED")
    await theatre.until(lambda: _covered(theatre) == 2, "a new stop")
    theatre.expect(
        "the stop is placed again", _covered(theatre) == 2, "2 of 2 covered by a stop of the engine"
    )


def _covered(theatre: Theatre) -> int:
    return shown_covered(theatre.desk.engine.book, theatre.desk.account_id)


async def partial_fill(theatre: Theatre) -> None:
    """An entry with a bracket fills in portions; the links break after the first, the rest fills meanwhile."""
    desk = theatre.desk
    theatre.order("fills", size=3, gap_ms=400)
    order_id = await desk.buy(8, bracket=Bracket(stop_ticks=60, target_ticks=80))
    await theatre.until(lambda: desk.order(order_id).filled, "a part of the entry to fill")
    filled = desk.order(order_id).filled
    theatre.order("outage", seconds=1.5)
    await asyncio.sleep(1.5)
    await theatre.recovers()
    theatre.expect(
        "the rest is found",
        filled < desk.order(order_id).filled == desk.size(),
        f"{filled} filled before, {desk.order(order_id).filled} of 8 after",
    )


async def roll(theatre: Theatre) -> None:
    """The next expiry becomes the active one, with a position and an order in the old one."""
    desk = theatre.desk
    await desk.buy_protected()
    resting = await desk.rest(20)
    old = desk.engine.book.by_symbol[SYMBOL].name
    theatre.order("roll", product=SYMBOL)
    outcome = await desk.attempt(desk.command())
    refused = isinstance(outcome, BrokerRejected | RequestRefused)
    theatre.expect("nothing enters the old contract", refused, f"an entry in {old} is answered: {outcome}")
    theatre.move(-25)
    theatre.expect(
        "the old order stays under control", await desk.attempt(CancelOrder(resting.order_id)), "cancelled"
    )


DRILLS: Final = (
    Drill(
        name="halt",
        what="trading is halted with a position open, and goes on elsewhere",
        bound=4.0,
        storm=halt,
    ),
    Drill(
        name="contract-roll",
        what="the next expiry becomes the active one, with a position in the old one",
        bound=4.0,
        storm=roll,
    ),
    Drill(
        name="rejected-bracket",
        what="the account takes no brackets",
        bound=4.0,
        storm=rejected_bracket,
        staging=Staging(brackets="PositionBrackets"),
    ),
    Drill(
        name="lost-stop",
        what="a stop that the engine keeps is cancelled on the firm's own page, and the event is lost",
        bound=4.0,
        storm=lost_stop,
        staging=Staging(
            brackets="PositionBrackets",
            reconcile=1.0,
            protection=ProtectionOptions(policy=Policy.REPLACE, alert_after=0.5, act_after=1.0),
        ),
        how=f"a missing stop is placed again after 1 s (a trader's default: an alarm alone); {SHORT_WAITS}",
    ),
    Drill(
        name="partial-fill",
        what="an entry fills in portions, the links break, and the rest fills meanwhile",
        bound=4.0,
        storm=partial_fill,
    ),
)
