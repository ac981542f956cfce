"""Moving between screens, help, the palette, the feed, and leaving."""

from tradeconsole.actions import Where
from tradeconsole.domain.commands import DismissNotifications
from tradeconsole.domain.notation import count
from tradeconsole.tui.desk import Desk
from tradeconsole.tui.dialogs.confirm import Confirm, Question
from tradeconsole.tui.flows.wording import ready, second_key


async def show(where: Where, desk: Desk) -> None:
    desk.show_screen(where)


async def next_list(desk: Desk) -> None:
    desk.next_list()


async def show_help(desk: Desk) -> None:
    desk.show_help()


async def show_palette(desk: Desk) -> None:
    desk.show_palette()


async def mark_read(desk: Desk) -> None:
    if ready(desk) is not None:
        await desk.send(DismissNotifications(), quietly=True)


async def leave(desk: Desk) -> None:
    """Ask first while an engine runs; what works at the broker goes on working."""
    if desk.live_session is None:
        desk.leave()
        return
    working = sum(order.is_open for order in desk.picture.orders or ())
    held = len(desk.picture.positions or ())
    shown = f"{count(held, 'position')} and {count(working, 'open order')}"
    header = desk.picture.header
    facts = [
        f"{shown} stay at the broker as they are."
        if header is not None and header.synced
        else f"Not synced: {shown} are shown, the broker may have others. All stay as they are."
    ]
    if any("engine" in row.enforcer for row in desk.picture.positions or ()):
        facts.append(
            "Stops kept by the engine stay too, but nobody cancels the other leg when one has filled."
        )
    question = Question(
        title="Leave the console?",
        facts=facts,
        verb="Leave",
        key=second_key(desk, "app.quit"),
    )
    if await desk.ask(Confirm(question, desk.appearance.quiet)):
        desk.leave()
