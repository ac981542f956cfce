"""The engine did not start, or is gone: says so plainly and offers the way out."""

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from tradeconsole.tui.dialogs.dialog import Dialog


class Stopped(Dialog[bool]):
    """Answers True when the user wants to leave; Esc keeps the last picture on screen.

    Args:
        heading: what happened.
        reason: one line: what, where, how to mend.
        advice: what it means for orders.
    """

    def __init__(self, heading: str, reason: str, advice: str, quiet: float) -> None:
        super().__init__(heading, quiet)
        self._reason = reason
        self._advice = advice

    def body(self) -> ComposeResult:
        yield Static(self._reason, markup=False)
        yield Static(Content.styled(f"\n{self._advice}", "$faint"), markup=False)
        yield Static(
            Content.from_markup(
                "\n[bold @click=screen.leave] q Quit [/]   [@click=screen.cancel]Esc Look around[/]"
            )
        )

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in {"q", "ctrl+q"}:
            self.dismiss(True)
        elif event.key == "escape":
            self.dismiss(None)

    def action_leave(self) -> None:
        """A click on Quit."""
        self.dismiss(True)
