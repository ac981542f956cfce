"""Fills: our executions, as they came."""

from typing import ClassVar

from textual.reactive import reactive

from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.cells import clock_cell, gain_cell, side_cell
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.table import Column
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.views.models import FillRow


class FillsTable(LineTable[FillRow]):
    """One row per execution, keyed by `fill_id`."""

    TITLE = "Fills"
    EMPTY = "No fills this session. They appear here as orders execute."
    COLUMNS: ClassVar[tuple[Column[FillRow], ...]] = (
        Column(key="time", title="Time", width=8, drop=1, sort=lambda row: row.time.timestamp(),
               cell=lambda row, look: clock_cell(row.time, look.zone)),
        Column(key="side", title="Side", width=6, sort=lambda row: row.side.value,
               cell=lambda row, _: side_cell(row.side)),
        Column(key="size", title="Size", width=4, align="right", sort=lambda row: row.size,
               cell=lambda row, _: (f"{row.size:,}", Role.STRONG)),
        Column(key="name", title="Name", width=6, grow=2, sort=lambda row: row.name,
               cell=lambda row, _: (row.name, Role.STRONG)),
        Column(key="price", title="Price", width=10, align="right", sort=lambda row: row.price,
               cell=lambda row, _: (numbers.price(row.price, row.decimals), Role.TEXT)),
        Column(key="realised", title="Realised", width=10, align="right", drop=2, sort=lambda row: row.realised,
               cell=lambda row, _: gain_cell(row.realised)),
        Column(key="fees", title="Fees", width=7, align="right", drop=3,
               cell=lambda row, _: (numbers.money(row.fees), Role.MUTED)),
    )  # fmt: skip

    rows: reactive[tuple[FillRow, ...]] = reactive((), repaint=False, always_update=True)

    def key_of(self, row: FillRow) -> str:
        return row.fill_id
