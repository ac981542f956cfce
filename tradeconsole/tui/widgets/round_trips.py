"""Round trips: from flat to flat, with what was left after fees."""

from typing import ClassVar

from textual.reactive import reactive

from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.cells import clock_cell, direction_cell, gain_cell
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.table import Column
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.views.models import RoundTripRow


class RoundTripsTable(LineTable[RoundTripRow]):
    """One row per finished round trip, keyed by `round_trip_id`."""

    TITLE = "Round trips"
    EMPTY = "No round trips this session. One appears when a position is flat again."
    COLUMNS: ClassVar[tuple[Column[RoundTripRow], ...]] = (
        Column(key="closed", title="Closed", width=8, drop=3, sort=lambda row: row.closed_at.timestamp(),
               cell=lambda row, look: clock_cell(row.closed_at, look.zone)),
        Column(key="side", title="Side", width=7, sort=lambda row: row.side.value,
               cell=lambda row, _: direction_cell(row.side)),
        Column(key="size", title="Size", width=4, align="right", sort=lambda row: row.size,
               cell=lambda row, _: (f"{row.size:,}", Role.STRONG)),
        Column(key="name", title="Name", width=6, grow=2, sort=lambda row: row.name,
               cell=lambda row, _: (row.name, Role.STRONG)),
        Column(key="entry", title="Entry", width=11, align="right", drop=2,
               cell=lambda row, _: (numbers.exact_price(row.entry_price, row.decimals), Role.TEXT)),
        Column(key="exit", title="Exit", width=11, align="right", drop=2,
               cell=lambda row, _: (numbers.exact_price(row.exit_price, row.decimals), Role.TEXT)),
        Column(key="held", title="Held", width=5, align="right", drop=4,
               sort=lambda row: (row.closed_at - row.opened_at).total_seconds(),
               cell=lambda row, _: (numbers.duration(row.opened_at, row.closed_at), Role.MUTED)),
        Column(key="gross", title="Gross", width=10, align="right", drop=6, sort=lambda row: row.gross_pnl,
               cell=lambda row, _: gain_cell(row.gross_pnl)),
        Column(key="fees", title="Fees", width=7, align="right", drop=5,
               cell=lambda row, _: (numbers.money(row.fees), Role.MUTED)),
        Column(key="net", title="Net P&L", width=10, align="right", sort=lambda row: row.net_pnl,
               cell=lambda row, _: gain_cell(row.net_pnl)),
    )  # fmt: skip

    rows: reactive[tuple[RoundTripRow, ...]] = reactive((), repaint=False, always_update=True)

    def key_of(self, row: RoundTripRow) -> str:
        return row.round_trip_id
