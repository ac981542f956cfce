"""Getting flat: one instrument, or everything at once."""

import asyncio

from tradeconsole.domain.commands import ClosePosition, Disarm, Flatten
from tradeconsole.domain.notation import count
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.dialogs.close_part import ClosePart
from tradeconsole.tui.dialogs.confirm import Confirm, Question
from tradeconsole.tui.flows.wording import ready, second_key, stakes
from tradeconsole.tui.keys import PANIC
from tradeconsole.tui.render.numbers import signed_money, signed_size
from tradeconsole.views.models import Frame, PositionRow


async def close(desk: Desk) -> None:
    """Close the selected position at the market, or part of it; without a selection, the watched instrument's."""
    header = ready(desk)
    if header is None or header.account is None:
        return
    position = desk.selected_position()
    if position is None and desk.picture.ticket is not None:
        position = _held(desk.picture, desk.picture.ticket.instrument_id)
    if position is None:
        desk.say("There is no position to close.", "warning")
        return
    held = abs(position.size)
    size: int | None = held
    if held > 1:
        size = await desk.ask(ClosePart(position, desk.appearance.quiet))
    if size is None:
        return
    facts = [stakes(header), _holding(position), f"{size} of {held} at the market; other orders stay."]
    question = Question(
        title=f"Close {size} {position.name}?",
        facts=facts,
        verb="Close",
        key=second_key(desk, "position.close"),
    )
    if await desk.ask(Confirm(question, desk.appearance.quiet)):
        account_id = header.account.account_id
        await desk.send(ClosePosition(account_id, position.instrument_id, None if size == held else size))


async def flatten(desk: Desk) -> None:
    """Cancel and close the selected position's instrument; without a selection, the watched one's."""
    header = ready(desk)
    if header is None or header.account is None:
        return
    position = desk.selected_position()
    target = position or desk.picture.ticket
    if target is None:
        desk.say("There is no instrument to flatten.", "warning")
        return
    name, instrument_id = target.name, target.instrument_id
    held = position or _held(desk.picture, instrument_id)
    working = sum(
        order.is_open and order.instrument_id == instrument_id for order in desk.picture.orders or ()
    )
    if held is None and not working and header.synced:
        desk.say(f"{name} is flat and has no open orders.")
        return
    facts = [
        stakes(header),
        _holding(held) if held is not None else f"{name}: {'flat' if header.synced else 'position unknown'}",
        f"{count(working, 'open order')} of {name} will be cancelled.",
    ]
    question = Question(
        title=f"Flatten {name}?", facts=facts, verb="Flatten", key=second_key(desk, "position.flatten")
    )
    if await desk.ask(Confirm(question, desk.appearance.quiet)):
        await desk.send(Flatten(header.account.account_id, instrument_id))


async def panic(desk: Desk) -> None:
    """Cancel all, close all, disarm: armed or not, on every screen, over every dialog."""
    header = ready(desk)
    if header is None or header.account is None:
        return
    account_id = header.account.account_id
    positions = desk.picture.positions or ()
    working = sum(order.is_open for order in desk.picture.orders or ())
    facts = [
        stakes(header),
        *(_holding(position) for position in positions),
        f"Cancel {count(working, 'open order')}, close {count(len(positions), 'position')} at the market, disarm.",
    ]
    question = Question(title="PANIC", facts=facts, verb="FLATTEN EVERYTHING", key=second_key(desk, PANIC))
    if not await desk.ask(Confirm(question, desk.appearance.quiet)):
        return
    desk.cancel_dialogs()
    # a broker that answers slowly must not keep the console armed
    await asyncio.gather(desk.send(Flatten(account_id)), desk.send(Disarm(account_id)))


def _holding(position: PositionRow) -> str:
    return f"{position.name}  {signed_size(position.size)}  open {signed_money(position.open_pnl)}"


def _held(picture: Frame, instrument_id: str) -> PositionRow | None:
    return next(
        (position for position in picture.positions or () if position.instrument_id == instrument_id), None
    )
