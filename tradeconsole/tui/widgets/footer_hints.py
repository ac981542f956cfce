"""The line of key hints at the bottom: what can be done here, with its danger as symbol and colour."""

from collections.abc import Mapping, Sequence
from typing import Final

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tradeconsole.actions import BY_ID, Action, Danger, Where, offered_on
from tradeconsole.tui.keys import PANIC, danger_mark, keys_of, show_key

MOST: Final = 8
"""Context keys shown at once; `?` shows all."""

DANGER_STYLES: Final = {
    Danger.NONE: "",
    Danger.ONE_KEY: "$danger-one",
    Danger.TWO_KEYS: "$danger-two",
    Danger.TYPED: "$danger-typed",
}

_PLACES: Final = {
    Where.DASHBOARD: "screen.dashboard",
    Where.TRADE: "screen.trade",
    Where.CHART: "screen.chart",
}


def hints(where: Where) -> tuple[Action, ...]:
    """The context actions of a screen by rank, at most eight; screens and panic have places of their own."""
    kept = {*_PLACES.values(), PANIC}
    ranked = [action for action in offered_on(where) if action.footer is not None and action.id not in kept]
    ranked.sort(key=lambda action: action.footer or 0)
    return tuple(ranked[: MOST - 1])


def hint(action: Action, remap: Mapping[str, tuple[str, ...]]) -> Content:
    """One hint: key, danger symbol, label; a click does what the key does."""
    style = DANGER_STYLES[action.danger]
    text = Content.assemble(
        (show_key(keys_of(action, remap)[0]), "bold $key"),
        (f" {danger_mark(action.danger)}{action.label}", style),
    )
    return text.stylize(Style.from_meta({"action": action.id}))


def footer_line(where: Where, remap: Mapping[str, tuple[str, ...]], width: int) -> Content:
    """Panic always, then the hints that fit, most important first, and the other screens where room is left."""
    gap = Content("  ")
    shown = [hint(BY_ID[PANIC], remap), *(hint(action, remap) for action in hints(where))]
    places = gap.join(_place(place, where, remap) for place in _PLACES)
    while len(shown) > 1 and _width(shown) > width:
        shown.pop()
    left = gap.join(shown)
    spare = width - left.cell_length - places.cell_length
    return left + Content(" " * spare) + places if spare >= 2 else left


def _place(place: Where, here: Where, remap: Mapping[str, tuple[str, ...]]) -> Content:
    action = BY_ID[_PLACES[place]]
    if place is here:
        return Content.styled(f"{show_key(keys_of(action, remap)[0])} {action.label}", "bold reverse")
    return hint(action, remap)


def _width(shown: Sequence[Content]) -> int:
    return sum(content.cell_length for content in shown) + 2 * (len(shown) - 1)


class FooterHints(Widget):
    """Key hints of one screen."""

    DEFAULT_CSS = """
    FooterHints { dock: bottom; height: 1; padding: 0 1; background: $panel; }
    """

    remap: reactive[Mapping[str, tuple[str, ...]]] = reactive({})

    def __init__(self, where: Where) -> None:
        super().__init__()
        self._where = where

    async def on_click(self, event: events.Click) -> None:
        """A click on a hint does what its key does."""
        if (action_id := event.style.meta.get("action")) in BY_ID:
            await self.run_action(f"app.perform('{action_id}')")

    def render(self) -> Content:
        return footer_line(self._where, self.remap, self.content_size.width)
