"""The strongest confirmation: a word that must be typed, letter by letter."""

from textual import events, on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from tradeconsole.tui.dialogs.dialog import Dialog


class UnpastedInput(Input):
    """Takes typed letters only: a pasted word confirms nothing."""

    def on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()


class TypedWord(Dialog[str]):
    """Answers with the word once it is typed exactly and Enter pressed.

    Args:
        heading: what is about to happen.
        facts: why a word is asked for.
        word: what must be typed.
    """

    def __init__(self, heading: str, facts: str, word: str, quiet: float) -> None:
        super().__init__(heading, quiet)
        self._facts = facts
        self._word = word

    def body(self) -> ComposeResult:
        yield Static(self._facts, markup=False)
        yield Static(f"Type {self._word} and press Enter. Esc cancels.", markup=False)
        entry = UnpastedInput(id="word", compact=True, select_on_focus=False)
        entry.cursor_blink = False
        yield entry
        yield Static("", id="wrong", markup=False)

    @on(Input.Submitted)
    def check(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self._word:
            self.dismiss(event.value)
        else:
            self.query_one("#wrong", Static).update(f"That is not {self._word}.")
