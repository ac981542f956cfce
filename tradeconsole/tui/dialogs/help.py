"""Every key that works on a screen, searchable."""

from collections.abc import Mapping, Sequence

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tradeconsole.actions import Action, Danger, Where, offered_on
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.keys import DANGER_WORDS, danger_mark, keys_of, show_key
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.tui.widgets.footer_hints import DANGER_STYLES

Remap = Mapping[str, tuple[str, ...]]

_KEYS, _LABEL = 10, 16

LIST_KEYS = (
    ("Tab", "Next panel", "Go to the next list or field."),
    ("↑ ↓ j k", "Move", "Move in a list."),
    ("/", "Filter", "Filter a list; ! before a word leaves it out; Esc shows all."),
    ("o O", "Order", "Order a list by the next column, turn the order round."),
    ("Enter", "Open", "Open the row."),
)


class Entry(msgspec.Struct, frozen=True):
    """One line of help."""

    keys: str
    label: str
    help: str
    style: str = ""

    def matches(self, words: Sequence[str]) -> bool:
        """Whether every word occurs, in any order."""
        text = f"{self.keys} {self.label} {self.help}".lower()
        return all(word in text for word in words)

    def shown(self, width: int) -> Content:
        """The entry with its text wrapped under itself."""
        indent = _KEYS + _LABEL
        text = wrap(self.help, max(width - indent, _LABEL))
        return Content.assemble(
            (self.keys.ljust(_KEYS), "bold $key"),
            (self.label.ljust(_LABEL), f"bold {self.style}".strip()),
            ("\n" + " " * indent).join(text),
        )


def help_lines(where: Where, remap: Remap, wanted: str, width: int) -> Content:
    """The actions of a screen and the keys of lists that match every word wanted, and what the marks mean."""
    words = wanted.lower().split()
    entries = [_entry(action, remap) for action in offered_on(where)]
    entries += [Entry(keys, label, text) for keys, label, text in LIST_KEYS]
    found = [entry.shown(width) for entry in entries if entry.matches(words)]
    if not found:
        return Content.styled(f"No key does '{wanted}' here.", "$warning")
    return Content("\n").join(found)


def legend() -> Content:
    """What the marks before an action's name ask for."""
    gap = Content("   ")
    return gap.join(
        Content.styled(f"{danger_mark(danger)} {DANGER_WORDS[danger]}", DANGER_STYLES[danger])
        for danger in Danger
        if danger
    )


def _entry(action: Action, remap: Remap) -> Entry:
    shown = " ".join(show_key(key) for key in keys_of(action, remap))
    label = f"{danger_mark(action.danger)}{action.label}"
    return Entry(shown, label, action.help, DANGER_STYLES[action.danger])


class Help(Dialog[None]):
    """Type to search, arrows to scroll, Esc to leave.

    Args:
        where: the screen that it explains.
        remap: the user's own keys.
    """

    DEFAULT_CSS = """
    Help > .box { width: 110; height: 90%; }
    Help VerticalScroll { height: 1fr; scrollbar-gutter: stable; }
    """

    def __init__(self, where: Where, remap: Remap, quiet: float) -> None:
        super().__init__(f"Keys on the {where} screen", quiet)
        self._where = where
        self._remap = remap

    def body(self) -> ComposeResult:
        entry = Input(id="search", placeholder="type to search, Esc to leave", compact=True)
        entry.cursor_blink = False
        yield entry
        with VerticalScroll(can_focus=False):
            yield Static(id="lines", markup=False)
        yield Static(legend())

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        lines = self.query_one("#lines", Static)
        wanted = self.query_one("#search", Input).value
        lines.update(help_lines(self._where, self._remap, wanted, lines.size.width))

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_key(self, event: events.Key) -> None:
        pages = self.query_one(VerticalScroll)
        moves = {
            "down": pages.scroll_down,
            "up": pages.scroll_up,
            "pagedown": pages.scroll_page_down,
            "pageup": pages.scroll_page_up,
        }
        if event.key in moves:
            event.stop()
            moves[event.key](animate=False)
