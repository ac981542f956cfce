"""The figures of the selected account for the session."""

from decimal import Decimal
from typing import TypeVar

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tradeconsole.domain.notation import count
from tradeconsole.tui.render.numbers import NOTHING, money, signed_money
from tradeconsole.tui.widgets.header import gain_style
from tradeconsole.views.models import DashboardView

T = TypeVar("T", int, Decimal)

_LABEL = 12

Line = tuple[str, str, str]
"""Label, value, style of the value."""


def _gain(label: str, amount: Decimal | None) -> Line:
    return label, signed_money(amount), gain_style(amount)


def _count(number: int | None) -> str:
    return NOTHING if number is None else str(number)


def figures(view: DashboardView) -> list[Line]:
    """Most important first, so that a short panel loses the least; a nought that nobody has read is a dash.

    What the header calls `day` is the same figure: open and realised, which follow it.
    """

    def told(value: T) -> T | None:
        return value if value or view.proven else None

    rate = f"{view.wins / view.trades:.0%}" if view.trades else NOTHING
    trades = f"{view.trades}  won {view.wins}  lost {view.losses}  {rate}"
    lines: list[Line] = [
        ("Equity", money(view.equity), "bold"),
        ("Balance", money(view.balance), ""),
        _gain("Day P&L", view.day_pnl),
        _gain("Open P&L", view.open_pnl),
        _gain("Realised", told(view.realised_net)),
        _gain("gross", told(view.realised_gross)),
        ("fees", signed_money(told(-view.fees)), ""),
        ("Trades", trades if told(view.trades) is not None else NOTHING, ""),
        _gain("Best", view.best),
        _gain("Worst", view.worst),
        ("Contracts", _count(told(view.contracts)), ""),
        ("Working", _count(told(view.working_orders)), ""),
    ]
    if view.unknown_orders:
        doubt = ("UNKNOWN", f"{count(view.unknown_orders, 'order')} in doubt", "bold reverse $warning")
        lines.insert(0, doubt)
    return lines


class AccountPanel(Widget):
    """Balance, equity, P&L gross and net, trades won and lost, exposure."""

    DEFAULT_CSS = """
    AccountPanel { height: 1fr; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    view: reactive[DashboardView | None] = reactive(None)

    def render(self) -> Content:
        if self.view is None:
            return Content.styled("waiting for the account…", "$faint")
        shown = figures(self.view)[: max(1, self.content_size.height)]
        return Content("\n").join(
            Content.assemble((label.ljust(_LABEL), "$faint"), (value, style)) for label, value, style in shown
        )
