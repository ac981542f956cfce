"""Every key that works on a screen, searchable."""

from collections.abc import Mapping

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tradeconsole.actions import Action, Where, offered_on
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.keys import DANGER_WORDS, danger_mark, keys_of, show_key
from tradeconsole.tui.widgets.footer_hints import DANGER_STYLES

Remap = Mapping[str, tuple[str, ...]]

_KEYS, _LABEL = 12, 16

LIST_KEYS = (
    ("Tab", "Next panel"),
    ("↑ ↓ j k", "Move in a list"),
    ("/", "Filter a list; ! before a word leaves it out; Esc shows all"),
    ("o O", "Order a list by the next column, turn the order round"),
    ("Enter", "Open the row"),
)


def help_lines(where: Where, remap: Remap, wanted: str) -> Content:
    """One line per action of a screen that matches every word wanted, and the keys of lists."""
    words = wanted.lower().split()
    lines = [_line(action, remap) for action in offered_on(where)]
    lines += [Content.assemble((keys.ljust(_KEYS), "bold $key"), text) for keys, text in LIST_KEYS]
    found = [line for line in lines if all(word in line.plain.lower() for word in words)]
    return Content("\n").join(found) if found else Content.styled(f"No key does '{wanted}' here.", "$warning")


def _line(action: Action, remap: Remap) -> Content:
    shown = " ".join(show_key(key) for key in keys_of(action, remap))
    danger = "" if not action.danger else f" ({DANGER_WORDS[action.danger]})"
    label = f"{danger_mark(action.danger)}{action.label}".ljust(_LABEL)
    return Content.assemble(
        (shown.ljust(_KEYS), "bold $key"),
        (label, f"bold {DANGER_STYLES[action.danger]}".strip()),
        action.help,
        (danger, "$faint"),
    )


class Help(Dialog[None]):
    """Type to search, arrows to scroll, Esc to leave.

    Args:
        where: the screen that it explains.
        remap: the user's own keys.
    """

    DEFAULT_CSS = """
    Help > .box { width: 110; height: 90%; }
    Help VerticalScroll { height: 1fr; }
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
            yield Static(help_lines(self._where, self._remap, ""), id="lines", markup=False)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one("#lines", Static).update(help_lines(self._where, self._remap, event.value))

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
