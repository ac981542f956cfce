"""The trade screen: chart, positions, orders and the ticket side by side, as far as the terminal allows."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.reactive import reactive

from tradeconsole.actions import Where
from tradeconsole.tui.keys import bindings_on
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.fills import FillsTable
from tradeconsole.tui.widgets.notifications import NotificationsFeed
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.round_trips import RoundTripsTable
from tradeconsole.tui.widgets.ticket import Ticket

LISTS: Final = ("orders", "fills", "round-trips")


class TradeScreen(ConsoleScreen):
    """One of the lists shows at a time where there is no room for all; the ticket floats where it has no pane."""

    WHERE = Where.TRADE
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(Where.TRADE)]
    AUTO_FOCUS = "OrdersTable"

    list_shown: reactive[str] = reactive(LISTS[0], repaint=False, init=False)

    def body(self) -> ComposeResult:
        with Vertical(id="left"):
            yield Chart().data_bind(
                ConsoleScreen.look, ConsoleScreen.selected_order_id, view=ConsoleScreen.chart
            )
            yield PositionsTable().data_bind(
                ConsoleScreen.look, rows=ConsoleScreen.positions, empty_text=ConsoleScreen.unproven
            )
            with Container(id="lists"):
                yield OrdersTable(id="orders", classes="-shown").data_bind(
                    ConsoleScreen.look,
                    rows=ConsoleScreen.orders,
                    empty_text=ConsoleScreen.unproven,
                    highlighted_key=ConsoleScreen.selected_order_id,
                )
                yield FillsTable(id="fills").data_bind(
                    ConsoleScreen.look, rows=ConsoleScreen.fills, empty_text=ConsoleScreen.unproven
                )
                yield RoundTripsTable(id="round-trips").data_bind(
                    ConsoleScreen.look, rows=ConsoleScreen.round_trips, empty_text=ConsoleScreen.unproven
                )
        with Vertical(id="right"):
            ticket = Ticket().data_bind(ConsoleScreen.account_id, view=ConsoleScreen.ticket)
            ticket.border_title = "Ticket"
            yield ticket
            yield NotificationsFeed().data_bind(ConsoleScreen.look, rows=ConsoleScreen.notifications)

    def watch_list_shown(self, shown: str) -> None:
        for name in LISTS:
            self.query_one(f"#{name}").set_class(name == shown, "-shown")

    def next_list(self) -> None:
        """Turn to the next list and focus it."""
        self.list_shown = LISTS[(LISTS.index(self.list_shown) + 1) % len(LISTS)]
        self.query_one(f"#{self.list_shown}").focus()

    @property
    def ticket_pane(self) -> Ticket | None:
        """The ticket, where this terminal has room for it beside the chart."""
        return self.query_one(Ticket) if self.query_one("#right").display else None
