"""What all dialogs share: they float, Esc cancels them, and keys confirm only when they are deliberate."""

from typing import ClassVar, Final, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from tradeconsole.tui.guard import KeyGuard

Answer = TypeVar("Answer")

_NONE: Final[list[tuple[int, str]]] = []
"""No style of a dialog depends on the terminal's size, and each class for a size costs a round of styling."""


class Dialog(ModalScreen[Answer | None]):
    """A question on top of a screen. Its answer is None when cancelled.

    Args:
        heading: title in the frame.
        quiet: seconds the keyboard must have rested before a key confirms.
    """

    HORIZONTAL_BREAKPOINTS = VERTICAL_BREAKPOINTS = _NONE
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > .box { width: 64; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; overflow-y: auto; }
    """

    def __init__(self, heading: str, quiet: float) -> None:
        super().__init__()
        self.heading = heading
        self._quiet = quiet
        self.guard = KeyGuard(quiet, float("inf"))

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = Content(self.heading)
            yield from self.body()

    def body(self) -> ComposeResult:
        """What the dialog holds."""
        yield from ()

    def on_mount(self, event: events.Mount) -> None:
        # the event's own time is on the clock of the keys' times
        self.guard = KeyGuard(self._quiet, event.time)
        self.prepare()

    def prepare(self) -> None:
        """Fill in what the dialog shows, once it is there."""

    def action_cancel(self) -> None:
        self.dismiss(None)
