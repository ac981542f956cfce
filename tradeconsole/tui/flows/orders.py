"""Sending, moving, editing and cancelling orders, each with the confirmation that its risk asks for."""

from decimal import Decimal

from tradeconsole.actions import BY_ID, Danger
from tradeconsole.domain.commands import CancelAll, CancelOrder, ModifyOrder, NudgeOrder, PlaceOrder
from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import Side
from tradeconsole.errors import TradeConsoleError
from tradeconsole.tui.confirmation import danger_of_cancel, danger_of_move
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.dialogs.confirm import Confirm, Question
from tradeconsole.tui.dialogs.edit_order import EditOrder
from tradeconsole.tui.dialogs.loosen import Loosen
from tradeconsole.tui.flows.wording import key_for, ready, second_key, stakes
from tradeconsole.tui.keys import keys_of
from tradeconsole.tui.render.numbers import price, signed_money, signed_size
from tradeconsole.tui.widgets.ticket import risk_words
from tradeconsole.views.models import OrderRow, PreviewView
from tradeconsole.views.session import Preview

_UP, _DOWN = "order.up", "order.down"


async def buy(desk: Desk) -> None:
    _open(desk, Side.BUY)


async def sell(desk: Desk) -> None:
    _open(desk, Side.SELL)


def _open(desk: Desk, side: Side) -> None:
    header = ready(desk)
    if header is None:
        return
    if not header.armed:
        desk.say(
            f"DISARMED: orders that add risk are refused; {key_for(desk, 'account.arm')} arms.", "warning"
        )
    desk.open_ticket(side)


async def submit(desk: Desk, order: PlaceOrder) -> bool:
    """Preview, summary, second key, send. True if the engine took it."""
    header, session = ready(desk), desk.live_session
    if header is None or session is None:
        return False
    try:
        preview = await session.preview(Preview(order))
    except TradeConsoleError as error:
        desk.say(str(error), "error")
        return False
    if preview.refusal is not None:
        hint = "" if header.armed else f" ({key_for(desk, 'account.arm')} arms)"
        desk.say(f"Refused: {preview.refusal}{hint}", "error")
        return False
    question = Question(
        title="Send this order?",
        facts=[stakes(header), preview.summary, *_stakes_of(preview)],
        verb=f"Send {order.side}",
        key=second_key(desk, "order.buy", "order.sell"),
    )
    if not await desk.ask(Confirm(question, desk.appearance.quiet)):
        desk.say("Not sent.")
        return False
    receipt = await desk.send(order)
    if receipt is not None and receipt.order_ids:
        desk.follow_order(receipt.order_ids[0])
    return receipt is not None


def _stakes_of(preview: PreviewView) -> list[str]:
    parts = [risk_words(preview)]
    if preview.reward is not None:
        parts.append(f"reward {signed_money(preview.reward)}")
    if preview.ratio is not None:
        parts.append(f"{preview.ratio:.1f} R")
    if preview.fees is not None:
        parts.append(f"fees {signed_money(-preview.fees)}")
    return ["  ".join(parts), f"position then: {signed_size(preview.resulting_position)}"]


async def up(desk: Desk) -> None:
    await _nudge(desk, +1)


async def down(desk: Desk) -> None:
    await _nudge(desk, -1)


async def _nudge(desk: Desk, ticks: int) -> None:
    order = _chosen(desk, "move")
    if order is None:
        return
    if not order.can_move:
        desk.say(f"This order cannot be moved: it is {order.status}.", "warning")
        return
    wanted = ticks
    if danger_of_move(order, Decimal(ticks), desk.picture.positions or ()) is not Danger.ONE_KEY:
        wanted = await _loosened(desk, order, ticks)
    if wanted and desk.nudges.add(order.order_id, wanted):
        await _send_nudges(desk, order.order_id)


async def _loosened(desk: Desk, order: OrderRow, ticks: int) -> int:
    """Ticks to give way after the second key; 0 if the user thought better of it."""
    instrument = await desk.instrument(order.name, order.instrument_id)
    if instrument is None:
        desk.say(f"The tick size of {order.name} is not known yet; nothing was sent.", "warning")
        return 0
    steps = {key: sign for name, sign in ((_UP, 1), (_DOWN, -1)) for key in _keys(desk, name)}
    dialog = Loosen(
        order,
        ticks,
        tick_size=instrument.tick_size,
        tick_value=instrument.tick_value,
        steps=steps,
        key=second_key(desk, _UP, _DOWN),
        quiet=desk.appearance.quiet,
    )
    return dialog.ticks if await desk.ask(dialog) else 0


async def _send_nudges(desk: Desk, order_id: str) -> None:
    message = ""
    while ticks := desk.nudges.take(order_id):
        receipt = await desk.send(NudgeOrder(order_id=order_id, ticks=ticks), quietly=True)
        if receipt is None:
            desk.nudges.drop(order_id)
            return
        message = receipt.message
    if message:
        desk.say(message)


async def edit(desk: Desk) -> None:
    order = _chosen(desk, "edit")
    if order is None:
        return
    if not order.can_move:
        desk.say(f"This order cannot be changed: it is {order.status}.", "warning")
        return
    instrument = await desk.instrument(order.name, order.instrument_id)
    tick = instrument.tick_size if instrument is not None else Decimal(1).scaleb(-order.decimals)
    change = await desk.ask(EditOrder(order, tick, desk.appearance.quiet))
    if change is None:
        return
    question = Question(
        title="Change this order?",
        facts=_change_facts(desk, order, change),
        verb="Change",
        key=second_key(desk, "order.edit"),
    )
    if await desk.ask(Confirm(question, desk.appearance.quiet)):
        await desk.send(change)


def _change_facts(desk: Desk, order: OrderRow, change: ModifyOrder) -> list[str]:
    facts = [_describe(order)]
    wanted = change.stop_price if change.stop_price is not None else change.limit_price
    if wanted is not None:
        facts.append(f"price {price(order.price, order.decimals)} → {price(wanted, order.decimals)}")
        move = wanted - (order.price or Decimal(0))
        if danger_of_move(order, move, desk.picture.positions or ()) is not Danger.ONE_KEY:
            facts.append("This gives the protecting stop more room: more can be lost.")
    if change.size is not None:
        facts.append(f"size {order.size} → {change.size}")
    return facts


async def cancel(desk: Desk) -> None:
    order = _chosen(desk, "cancel")
    if order is None:
        return
    if not order.can_cancel:
        desk.say(f"This order cannot be cancelled: it is {order.status}.", "warning")
        return
    if danger_of_cancel(order, desk.picture.positions or ()) is not Danger.ONE_KEY:
        question = Question(
            title="Cancel a protecting stop?",
            facts=[_describe(order), "Nothing else will limit the loss of what it protects."],
            verb="Cancel the stop",
            key=second_key(desk, "order.cancel"),
        )
        if not await desk.ask(Confirm(question, desk.appearance.quiet)):
            return
    await desk.send(CancelOrder(order.order_id))


async def cancel_all(desk: Desk) -> None:
    header = ready(desk)
    if header is None or header.account is None:
        return
    working = [order for order in desk.picture.orders or () if order.is_open]
    if not working:
        desk.say("There are no open orders on this account.")
        return
    guards = sum(
        danger_of_cancel(order, desk.picture.positions or ()) is Danger.TWO_KEYS for order in working
    )
    facts = [stakes(header), f"{count(len(working), 'open order')} of all instruments."]
    if guards:
        facts.append(
            f"{guards} of them {'protects' if guards == 1 else 'protect'} a position, which will stand without a stop."
        )
    question = Question(
        title="Cancel all orders?", facts=facts, verb="Cancel all", key=second_key(desk, "order.cancel_all")
    )
    if await desk.ask(Confirm(question, desk.appearance.quiet)):
        await desk.send(CancelAll(header.account.account_id))


async def next_order(desk: Desk) -> None:
    """Select the next working order, one after the other."""
    ids = [order.order_id for order in desk.picture.orders or () if order.is_open and order.price is not None]
    if not ids:
        desk.say("There are no working orders to select.")
        return
    current = desk.selected_order()
    at = ids.index(current.order_id) if current is not None and current.order_id in ids else -1
    desk.select_order(ids[(at + 1) % len(ids)])


def _chosen(desk: Desk, verb: str) -> OrderRow | None:
    if ready(desk) is None:
        return None
    order = desk.selected_order()
    if order is None:
        desk.say(f"Select the order to {verb} first: ↓ in the list of orders, Tab on the chart.", "warning")
    return order


def _describe(order: OrderRow) -> str:
    at = f" @ {price(order.price, order.decimals)}" if order.price is not None else ""
    return f"{order.side} {order.size} {order.name} {order.type}{at} ({order.role}, {order.status})"


def _keys(desk: Desk, action_id: str) -> tuple[str, ...]:
    return keys_of(BY_ID[action_id], desk.appearance.keys)
