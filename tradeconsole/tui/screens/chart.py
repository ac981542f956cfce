"""The chart screen: candles as large as the terminal, with our orders and fills on them."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from tradeconsole.actions import Where
from tradeconsole.tui.keys import bindings_on
from tradeconsole.tui.render.numbers import price
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.views.models import OrderRow


class ChartScreen(ConsoleScreen):
    """The chart, and one line about the order selected on it."""

    WHERE = Where.CHART
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(Where.CHART)]
    AUTO_FOCUS = None

    def body(self) -> ComposeResult:
        yield Chart().data_bind(ConsoleScreen.look, ConsoleScreen.selected_order_id, view=ConsoleScreen.chart)
        yield Static(id="selected", markup=False)

    def watch_selected_order_id(self) -> None:
        self._describe()

    def watch_orders(self) -> None:
        self._describe()

    def _describe(self) -> None:
        order = next((row for row in self.orders if row.order_id == self.selected_order_id), None)
        self.query_one("#selected", Static).update(describe(order), layout=False)


def describe(order: OrderRow | None) -> Content:
    """The selected order in one line, with its echo."""
    if order is None:
        return Content.styled("Tab selects a working order; then ⇧↑ ⇧↓ move it, x cancels it", "$faint")
    at = f" @ {price(order.price, order.decimals)}" if order.price is not None else ""
    return Content.assemble(
        (
            f"{'▲' if order.side.sign > 0 else '▼'} {order.side} {order.size} {order.name} {order.type}{at}",
            "bold",
        ),
        f"  {order.role}  {order.status}  ",
        (order.trail, "$faint"),
    )
