"""A new price or size for a working order."""

from decimal import Decimal

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from tradeconsole.domain.commands import ModifyOrder
from tradeconsole.domain.notation import grouped_number, whole_number
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.widgets.step_input import StepInput
from tradeconsole.views.models import OrderRow


class EditOrder(Dialog[ModifyOrder]):
    """Answers with the change wanted; what it means for risk is asked after.

    Args:
        order: the order as it stands.
        tick_size: what one step of the price is.
    """

    DEFAULT_CSS = """
    EditOrder .row { height: 1; }
    EditOrder .row Label { width: 8; }
    """

    def __init__(self, order: OrderRow, tick_size: Decimal, quiet: float) -> None:
        super().__init__(f"Edit {order.side} {order.type} {order.name}", quiet)
        self.order = order
        self._tick_size = tick_size

    def body(self) -> ComposeResult:
        order = self.order
        stands = "" if order.price is None else f"{order.price:.{order.decimals}f}"
        with Horizontal(classes="row"):
            yield Label("Price")
            yield StepInput("price", characters="0123456789.,", value=stands)
        with Horizontal(classes="row"):
            yield Label("Size")
            yield StepInput("size", value=str(order.size))
        yield Static(
            "↑↓ step a tick   Tab next field   Enter shows the summary   Esc cancels",
            id="state",
            markup=False,
        )

    def prepare(self) -> None:
        entry = self.query_one("#price", StepInput)
        entry.disabled = self.order.price is None
        (self.query_one("#size", StepInput) if entry.disabled else entry).focus()

    @on(StepInput.Stepped)
    def step(self, event: StepInput.Stepped) -> None:
        event.stop()
        entry = self.query_one(f"#{event.field}", StepInput)
        if event.field == "size":
            entry.value = str(max(1, (whole_number(entry.value) or 0) + event.steps))
        elif (value := grouped_number(entry.value)) is not None:
            entry.value = f"{value + event.steps * self._tick_size:.{self.order.decimals}f}"

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        change = self._change()
        if isinstance(change, str):
            self.query_one("#state", Static).update(change)
        else:
            self.dismiss(change)

    def _change(self) -> ModifyOrder | str:
        """The change, or why there is none."""
        order = self.order
        size = whole_number(self.query_one("#size", StepInput).value) or 0
        typed = self.query_one("#price", StepInput).value
        wanted = grouped_number(typed)
        if wanted is None and order.price is not None:
            return f"price: '{typed}' is not a number"
        moved = wanted if wanted != order.price else None
        if moved is None and size == order.size:
            return "nothing has changed; Esc leaves"
        is_limit = order.stop_price is None
        return ModifyOrder(
            order_id=order.order_id,
            size=size if size != order.size else None,
            limit_price=moved if is_limit else None,
            stop_price=None if is_limit else moved,
        )
