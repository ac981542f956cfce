"""How many contracts of a position to close."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from tradeconsole.domain.notation import count, whole_number
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.render.numbers import signed_size
from tradeconsole.tui.widgets.step_input import StepInput
from tradeconsole.views.models import PositionRow


class ClosePart(Dialog[int]):
    """Answers with a number of contracts; what closing them means is asked after."""

    DEFAULT_CSS = """
    ClosePart .row { height: 1; }
    ClosePart .row Label { width: 8; }
    """

    def __init__(self, position: PositionRow, quiet: float) -> None:
        super().__init__(f"Close {signed_size(position.size)} {position.name}", quiet)
        self._held = abs(position.size)

    def body(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Label("Close")
            yield StepInput("size", value=str(self._held))
        yield Static(
            f"of {count(self._held, 'contract')}   ↑↓ step   Enter shows the summary   Esc cancels",
            id="state",
            markup=False,
        )

    def prepare(self) -> None:
        self.query_one("#size", StepInput).focus()

    @on(StepInput.Stepped)
    def step(self, event: StepInput.Stepped) -> None:
        event.stop()
        entry = self.query_one("#size", StepInput)
        entry.value = str(min(self._held, max(1, (whole_number(entry.value) or 0) + event.steps)))

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        size = whole_number(event.value) or 0
        if 1 <= size <= self._held:
            self.dismiss(size)
        else:
            self.query_one("#state", Static).update(
                f"size: 1 to {count(self._held, 'contract')} can be closed"
            )
