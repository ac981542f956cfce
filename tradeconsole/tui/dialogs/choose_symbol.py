"""Finding an instrument by symbol, name or description."""

import asyncio
from collections.abc import Awaitable, Callable

from textual import events, on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tradeconsole.domain.instruments import Instrument
from tradeconsole.errors import TradeConsoleError
from tradeconsole.tui.dialogs.dialog import Dialog

Find = Callable[[str], Awaitable[tuple[Instrument, ...]]]

_PAUSE = 0.15
"""Seconds without typing before the venue is asked."""


class ChooseSymbol(Dialog[Instrument]):
    """Answers with the instrument chosen.

    Args:
        heading: what the instrument is for.
        find: how to search; raises `TradeConsoleError` when the venue cannot answer.
    """

    DEFAULT_CSS = """
    ChooseSymbol OptionList { height: auto; max-height: 12; border: none; padding: 0; }
    """

    def __init__(self, heading: str, find: Find, quiet: float) -> None:
        super().__init__(heading, quiet)
        self._find = find
        self._found: tuple[Instrument, ...] = ()

    def body(self) -> ComposeResult:
        entry = Input(id="text", placeholder="symbol, name or description", compact=True)
        entry.cursor_blink = False
        yield entry
        yield OptionList(id="found")
        yield Static("type to search   ↑↓ choose   Enter takes it   Esc cancels", id="state", markup=False)

    @on(Input.Changed)
    def start_search(self, event: Input.Changed) -> None:
        event.stop()
        self.search(event.value)

    @work(exclusive=True, group="search")
    async def search(self, text: str) -> None:
        """Ask the venue once typing rests; the newest text wins."""
        if not text.strip():
            return
        await asyncio.sleep(_PAUSE)
        try:
            self._found = await self._find(text.strip())
        except TradeConsoleError as error:
            self.query_one("#state", Static).update(str(error))
            return
        found = self.query_one("#found", OptionList)
        found.clear_options()
        found.add_options(Option(_line(instrument)) for instrument in self._found)
        if self._found:
            found.highlighted = 0
        else:
            self.query_one("#state", Static).update(f"nothing matches '{text}'; try a root such as MNQ")

    def on_key(self, event: events.Key) -> None:
        found = self.query_one("#found", OptionList)
        if event.key == "down":
            found.action_cursor_down()
        elif event.key == "up":
            found.action_cursor_up()
        else:
            return
        event.stop()

    @on(Input.Submitted)
    def take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one("#found", OptionList).highlighted
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])

    @on(OptionList.OptionSelected)
    def take_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._found[event.option_index])


def _line(instrument: Instrument) -> Content:
    tick = f"tick {instrument.tick_size} = {instrument.tick_value} {instrument.currency}"
    return Content.assemble(
        (f"{instrument.name:<10}", "bold"), f"{instrument.description:<30}", (f" {tick}", "$faint")
    )
