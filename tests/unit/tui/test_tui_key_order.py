"""Keys that arrive in a burst act in the order typed, also when one of them moves the focus or opens a dialog."""

import asyncio
from collections.abc import Iterable

import msgspec
import pytest
from consoles import STILL, Console, running
from factories import make_frame, make_header_view, make_preview
from fakes import ScriptedSession
from textual import events

from tradeconsole.tui.dialogs.confirm import Confirm
from tradeconsole.tui.dialogs.help import Help
from tradeconsole.tui.draft import Draft
from tradeconsole.tui.screens.chart import ChartScreen
from tradeconsole.tui.screens.trade import TradeScreen
from tradeconsole.tui.widgets.ticket import Ticket

BUY_2 = ("b", "2", "tab", "3", "5", "tab", "7", "5")
"""Other figures than a fresh ticket has."""


WIDE, NARROW = (120, 40), (80, 24)


def script() -> ScriptedSession:
    return ScriptedSession([make_frame(header=make_header_view(armed=True))], preview=make_preview())


def burst(console: Console, keys: Iterable[str]) -> None:
    """Post keys as a terminal does when they arrive in one packet: all before the first is handled."""
    for key in keys:
        console.app.post_message(events.Key(key, key if len(key) == 1 else None))


def draft(console: Console) -> Draft:
    tickets = console.app.screen.query(Ticket)
    return tickets.first().draft if tickets else Draft()


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("first", ["1", "2", "3"])
async def test_a_burst_fills_the_fields_of_the_ticket_as_typed(first: str, size: tuple[int, int]) -> None:
    async with running(script(), size=size) as console:
        burst(console, [first, *BUY_2])
        await console.until(lambda: draft(console).target == "75", "the last field filled")
        assert (draft(console).size, draft(console).stop) == ("2", "35")


async def test_shift_tab_goes_back_before_the_digits_behind_it() -> None:
    async with running(script()) as console:
        burst(console, ["2", *BUY_2, "shift+tab", "5", "5"])
        await console.until(lambda: draft(console).stop == "55", "the stop typed anew")
        assert (draft(console).size, draft(console).target) == ("2", "75")


async def test_digits_of_one_field_are_all_kept() -> None:
    async with running(script()) as console:
        burst(console, ["2", "b", *"123456789"])
        await console.until(lambda: draft(console).size == "123456789", "all digits")


async def test_keys_wait_for_a_dialog_that_an_earlier_one_opens() -> None:
    async with running(script()) as console:
        burst(console, ["2", *BUY_2, "enter", "5", "5"])
        await console.dialog(Confirm)
        assert (
            draft(console) == Draft()
        )  # the summary has no ticket: the digits typed behind Enter changed nothing
        assert console.find(Ticket).draft.target == "75"


async def test_panic_overtakes_the_keys_that_wait() -> None:
    async with running(script()) as console:
        await console.press("2", "b")
        burst(console, [*"1" * 40, "ctrl+x"])
        dialog = await console.dialog(Confirm)
        assert dialog.question.title == "PANIC"
        assert len(console.find(Ticket).draft.size) < 40


HASTY = msgspec.structs.replace(STILL, patience=0.0)
"""Gives a key no time to take effect, as a machine that is much too busy."""


async def test_what_is_typed_behind_a_key_without_effect_is_dropped_and_the_user_told() -> None:
    async with running(script(), appearance=HASTY) as console:
        burst(console, ["2", *BUY_2])
        await console.said(
            "Too busy for what you typed: 8 keys were dropped. Look where you are, then type again."
        )
        await console.until(
            lambda: isinstance(console.app.screen, TradeScreen), "the effect of the first key"
        )
        ticket = console.find(Ticket).draft
        assert (ticket.size, ticket.stop, ticket.target) == ("1", "40", "80")


async def test_the_rest_of_a_burst_is_dropped_with_its_beginning() -> None:
    async with running(script(), appearance=HASTY) as console:
        late = [
            events.Key(key, key) for key in "34"
        ]  # their time is that of the burst, though they are read later
        burst(console, ["2", *BUY_2])
        await console.said("8 keys were dropped")
        for key in late:
            console.app.post_message(key)
        await asyncio.sleep(0.6)
        await console.press("question_mark")
        await console.dialog(Help)
        assert isinstance(console.app._base_screen(), TradeScreen)


async def test_keys_typed_after_a_look_are_taken_again() -> None:
    async with running(script(), appearance=HASTY) as console:
        burst(console, ["2", "1"])
        await console.said("1 key was dropped")
        await asyncio.sleep(0.6)
        await console.press("3")
        await console.until(lambda: isinstance(console.app.screen, ChartScreen), "the chart")


async def test_panic_is_never_dropped() -> None:
    async with running(script(), appearance=HASTY) as console:
        burst(console, ["2", *BUY_2, "ctrl+x"])
        dialog = await console.dialog(Confirm)
        assert dialog.question.title == "PANIC"
