"""The dashboard: how the account stands, what the markets do, what is held, and what happened."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tradeconsole.actions import Where
from tradeconsole.tui.keys import bindings_on
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.widgets.account_panel import AccountPanel
from tradeconsole.tui.widgets.equity_curve import EquityCurve
from tradeconsole.tui.widgets.notifications import NotificationsFeed
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.watchlist import Watchlist


class DashboardScreen(ConsoleScreen):
    """Account figures and equity at the left, watchlist and positions at the right, the feed below."""

    WHERE = Where.DASHBOARD
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(Where.DASHBOARD)]
    AUTO_FOCUS = "Watchlist"

    def body(self) -> ComposeResult:
        account = AccountPanel().data_bind(view=ConsoleScreen.dashboard)
        account.border_title = "Account"
        yield account
        yield Watchlist().data_bind(ConsoleScreen.look, rows=ConsoleScreen.watchlist)
        yield EquityCurve().data_bind(ConsoleScreen.look, view=ConsoleScreen.dashboard)
        yield PositionsTable().data_bind(
            ConsoleScreen.look, rows=ConsoleScreen.positions, empty_text=ConsoleScreen.unproven
        )
        yield NotificationsFeed().data_bind(ConsoleScreen.look, rows=ConsoleScreen.notifications)
