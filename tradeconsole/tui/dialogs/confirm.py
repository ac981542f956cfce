"""The second key: a summary, a key different from the one that asked, and Cancel by default."""

from collections.abc import Sequence

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.keys import show_key

ROOMY = 14
"""Rows of a terminal in which a question needs no scrolling."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to happen, in words: a title, the facts, the verb, and the key that confirms it."""

    title: str
    facts: Sequence[str]
    verb: str
    key: str = "y"


class Confirm(Dialog[bool]):
    """Answers True only for a deliberate press of the confirming key, or a click on the verb. Enter cancels."""

    DEFAULT_CSS = """
    Confirm .answers { height: 1; margin-top: 1; }
    Confirm.-tight > .box { height: 100%; }
    Confirm.-tight .answers { dock: bottom; margin-top: 0; }
    """

    def __init__(self, question: Question, quiet: float) -> None:
        super().__init__(question.title, quiet)
        self.question = question

    def body(self) -> ComposeResult:
        yield Static("\n".join(self.question.facts), id="facts", markup=False)
        yield Static(answers(self.question.verb, self.question.key), classes="answers")

    def on_resize(self, event: events.Resize) -> None:
        # in a lifeboat the answers stay in sight and the facts scroll
        self.set_class(event.size.height < ROOMY, "-tight")

    def on_key(self, event: events.Key) -> None:
        event.stop()
        deliberate = self.guard.accepts(event.time)
        if event.key in {"escape", "enter", "n"}:
            self.dismiss(None)
        elif event.key == self.question.key and deliberate:
            self.dismiss(True)

    def action_confirm(self) -> None:
        """A click on the verb."""
        self.dismiss(True)


def answers(verb: str, key: str) -> Content:
    """The line of answers, the safe one first."""
    return Content.from_markup(
        "[bold reverse @click=screen.cancel] Esc Cancel [/]   [bold $danger-two @click=screen.confirm]$key ▲ $verb[/]",
        key=show_key(key),
        verb=verb,
    )
