"""Watchlist: last, bid, ask and the day's change of each instrument; old values dim."""

from typing import ClassVar

from textual.reactive import reactive

from tradeconsole.actions import BY_ID
from tradeconsole.tui.keys import show_key
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.cells import signed_role
from tradeconsole.tui.render.palette import Look, Role
from tradeconsole.tui.render.table import Cell, Column
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.views.models import WatchRow

_ADD = show_key(BY_ID["watch.add"].keys[0])


def _change(row: WatchRow, _: Look) -> Cell:
    return numbers.signed_price(row.change, row.decimals), signed_role(row.change)


def _percent(row: WatchRow, _: Look) -> Cell:
    return numbers.percent(row.change_percent), signed_role(row.change_percent)


def _age(row: WatchRow, _: Look) -> Cell:
    return numbers.age(row.age), Role.WARN if row.stale else Role.MUTED


class Watchlist(LineTable[WatchRow]):
    """One row per watched instrument, keyed by `instrument_id`; last, bid and ask flash when they move."""

    TITLE = "Watchlist"
    EMPTY = f"No instruments watched. Press {_ADD} to add a symbol."
    COLUMNS: ClassVar[tuple[Column[WatchRow], ...]] = (
        Column(key="name", title="Name", width=7, grow=3, sort=lambda row: row.name,
               cell=lambda row, _: (row.name, Role.STRONG)),
        Column(key="last", title="Last", width=10, align="right", watch=lambda row: row.last,
               cell=lambda row, _: (numbers.price(row.last, row.decimals), Role.STRONG)),
        Column(key="change", title="Change", width=9, align="right", drop=3, cell=_change),
        Column(key="percent", title="%", width=7, align="right", drop=1, sort=lambda row: row.change_percent,
               cell=_percent),
        Column(key="bid", title="Bid", width=10, align="right", drop=4, watch=lambda row: row.bid,
               cell=lambda row, _: (numbers.price(row.bid, row.decimals), Role.TEXT)),
        Column(key="ask", title="Ask", width=10, align="right", drop=4, watch=lambda row: row.ask,
               cell=lambda row, _: (numbers.price(row.ask, row.decimals), Role.TEXT)),
        Column(key="volume", title="Volume", width=7, align="right", drop=5, sort=lambda row: row.volume,
               cell=lambda row, _: (numbers.compact(row.volume), Role.MUTED)),
        Column(key="age", title="Age", width=5, align="right", drop=2, sort=lambda row: row.age, cell=_age),
    )  # fmt: skip

    rows: reactive[tuple[WatchRow, ...]] = reactive((), repaint=False, always_update=True)

    def key_of(self, row: WatchRow) -> str:
        return row.instrument_id

    def is_dim(self, row: WatchRow) -> bool:
        return row.stale
