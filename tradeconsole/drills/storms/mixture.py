"""The drill by lot: a trader's actions and troubles of every kind, drawn by a seed, then calm."""

import asyncio
from random import Random
from typing import Final

import msgspec

from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Command,
    Flatten,
    ModifyOrder,
    NudgeOrder,
    Reconcile,
)
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.domain.orders import Bracket, Order, OrderType
from tradeconsole.drills.desk import QUICK, Desk
from tradeconsole.drills.drill import SHORT_WAITS, Drill
from tradeconsole.drills.plan import (
    SYMBOL,
    Action,
    Cancel,
    CancelElsewhere,
    CancelEverything,
    Close,
    Enter,
    FlattenEverything,
    Nudge,
    Plan,
    Resize,
    TradeElsewhere,
    Trouble,
    draw_plan,
)
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.engine.risk import RiskLimits

_GIVEN_UP: Final = 10.0
_STAGING: Final = Staging(
    timings=msgspec.structs.replace(QUICK, reply=0.5, kicked=(0.2,)),
    reconcile=1.0,
    limits=RiskLimits(max_data_age=30.0),
)
_LAST_WORDS: Final = 0.05
"""Seconds in which the desk hears what the gateway said last."""
BOUND: Final = 8.0


async def by_lot(theatre: Theatre) -> None:
    """Play the plan that the seed draws."""
    await play_plan(theatre, draw_plan(Random(theatre.seed)))  # noqa: S311 -- chance, no secret


async def play_plan(theatre: Theatre, plan: Plan) -> None:
    """Play a plan, then let the gateway be well again."""
    for each in plan:
        for trouble in each.troubles:
            _make_trouble(theatre, trouble)
        await asyncio.gather(*(_act(theatre, action) for action in each.actions))
        if each.restarts:
            # the gateway is taken to list no locked account as active (unverified): such a one is not shown from a start
            _unlock(theatre)
            await theatre.close_desk()
            await theatre.open_desk(wait=False)
        if each.move is not None:
            theatre.move(each.move.ticks)
        await asyncio.sleep(each.pause_ms / 1000)
    await _calm(theatre)


def _make_trouble(theatre: Theatre, trouble: Trouble) -> None:
    own = {"account_id": int(theatre.desk.account_id)} if trouble.name == "account" else {}
    theatre.order(trouble.name, **own, **trouble.arguments)


def _is_kicked(desk: Desk) -> bool:
    return ChannelState.KICKED in {desk.state(Channel.ACCOUNT), desk.state(Channel.MARKET)}


def _unlock(theatre: Theatre) -> None:
    theatre.order("account", account_id=int(theatre.desk.account_id), can_trade=True)


async def _calm(theatre: Theatre) -> None:
    theatre.order("clear")
    theatre.order("halt", contract=SYMBOL, halted=False)
    _unlock(theatre)
    desk = theatre.desk
    await asyncio.sleep(_LAST_WORDS)
    await theatre.until(lambda: desk.is_ready() or _is_kicked(desk), "the desk to be connected", BOUND)
    if _is_kicked(desk):
        # who was thrown out twice waits for the trader
        await desk.attempt(Reconcile())
    await theatre.until(desk.is_ready, "the desk to be connected and reconciled", BOUND)
    if theatre.desk.engine.sync.is_in_doubt():
        theatre.pass_time(_GIVEN_UP)


async def _act(theatre: Theatre, action: Action) -> None:
    desk = theatre.desk
    if isinstance(action, Enter) and desk.account_id not in desk.engine.book.armed:
        await desk.attempt(Arm(desk.account_id))  # a desk that was opened again begins disarmed
    match action:
        case CancelElsewhere(which=which):
            order = _chosen(desk, which)
            if order is not None and order.broker_order_id is not None:
                theatre.cancel_elsewhere(order)
            return
        case TradeElsewhere(side=side, size=size):
            if desk.has_price():
                theatre.trade_elsewhere(side, size)
            return
    command = _command(desk, action)
    if command is not None:
        await desk.attempt(command)


Asked = Enter | Nudge | Resize | Cancel | CancelEverything | Close | FlattenEverything


def _command(desk: Desk, action: Asked) -> Command | None:
    """What the trader asks for; None if there is nothing that it could be done to."""
    match action:
        case Enter():
            return _entry(desk, action)
        case CancelEverything():
            return CancelAll(desk.account_id)
        case Close(whole=whole):
            return ClosePosition(desk.account_id, SYMBOL, None if whole else 1)
        case FlattenEverything():
            return Flatten(desk.account_id)
        case Nudge() | Resize() | Cancel():
            order = _chosen(desk, action.which)
            return None if order is None else _change(order, action)


def _chosen(desk: Desk, which: int) -> Order | None:
    orders = sorted(desk.engine.book.open_orders_of(desk.account_id), key=lambda order: order.order_id)
    return orders[which % len(orders)] if orders else None


def _change(order: Order, action: Nudge | Resize | Cancel) -> Command:
    match action:
        case Nudge(ticks=ticks):
            return NudgeOrder(order_id=order.order_id, ticks=ticks)
        case Resize(size=size):
            return ModifyOrder(order_id=order.order_id, size=size)
        case Cancel():
            return CancelOrder(order.order_id)


def _entry(desk: Desk, action: Enter) -> Command | None:
    if not desk.has_price():
        return None
    distance = action.side.sign * action.ticks * desk.tick
    return desk.command(
        action.size,
        side=action.side,
        type=action.type,
        limit_price=desk.price - distance if action.type is OrderType.LIMIT else None,
        stop_price=desk.price + distance if action.type is OrderType.STOP else None,
        trail_ticks=action.ticks if action.type is OrderType.TRAILING_STOP else None,
        bracket=Bracket(stop_ticks=action.ticks, target_ticks=2 * action.ticks) if action.bracket else None,
    )


DRILLS: Final = (
    Drill(
        name="random",
        what="a trader's actions and troubles of every kind, drawn by the seed, then calm",
        bound=BOUND,
        storm=by_lot,
        staging=_STAGING,
        how=f"the grace of {_GIVEN_UP:g} s for late orders is skipped on both clocks; {SHORT_WAITS}",
    ),
)
