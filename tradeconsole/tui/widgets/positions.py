"""Positions: what is held, what it is worth, and which stop protects it."""

from typing import ClassVar

from textual.reactive import reactive

from tradeconsole.actions import BY_ID
from tradeconsole.tui.keys import show_key
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.cells import gain_cell, signed_role
from tradeconsole.tui.render.glyphs import DOWN, UP
from tradeconsole.tui.render.palette import Look, Role
from tradeconsole.tui.render.table import Cell, Column
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.views.models import PositionRow

_BUY = show_key(BY_ID["order.buy"].keys[0])
_SELL = show_key(BY_ID["order.sell"].keys[0])


def position_key(row: PositionRow) -> str:
    """Names a position for good: account and instrument."""
    return f"{row.account_id}/{row.instrument_id}"


def protection_cell(row: PositionRow) -> Cell:
    """The protection in words; contracts without a stop are loud, and as loud if nobody knows of one."""
    held = abs(row.size)
    if row.protected < held and not row.proven:
        return "?? NOT CHECKED YET", Role.ALARM
    if row.protected <= 0:
        return "!! UNPROTECTED", Role.ALARM
    if row.protected < held:
        return f"!! UNPROTECTED {held - row.protected} of {held}", Role.ALARM
    return row.protection, Role.GOOD


def _size(row: PositionRow, _: Look) -> Cell:
    return f"{UP if row.size > 0 else DOWN} {numbers.signed_size(row.size)}", signed_role(row.size)


def _ticks(row: PositionRow, _: Look) -> Cell:
    return numbers.signed_ticks(row.open_ticks), signed_role(row.open_ticks)


class PositionsTable(LineTable[PositionRow]):
    """One row per open position, keyed by `position_key`; the last price flashes, stale rows dim."""

    TITLE = "Positions"
    EMPTY = f"Flat. Press {_BUY} to buy or {_SELL} to sell the watched instrument."
    COLUMNS: ClassVar[tuple[Column[PositionRow], ...]] = (
        Column(key="size", title="Size", width=7, align="right", sort=lambda row: row.size, cell=_size),
        Column(key="name", title="Name", width=6, grow=2, sort=lambda row: row.name,
               cell=lambda row, _: (row.name, Role.STRONG)),
        Column(key="average", title="Average", width=11, align="right", drop=2,
               cell=lambda row, _: (numbers.exact_price(row.average_price, row.decimals), Role.TEXT)),
        Column(key="last", title="Last", width=9, align="right", drop=3, watch=lambda row: row.last,
               cell=lambda row, _: (numbers.price(row.last, row.decimals), Role.TEXT)),
        Column(key="ticks", title="Ticks", width=6, align="right", drop=4, cell=_ticks),
        Column(key="pnl", title="Open P&L", width=10, align="right", sort=lambda row: row.open_pnl,
               cell=lambda row, _: gain_cell(row.open_pnl)),
        Column(key="protection", title="Protection", width=21, grow=30,
               cell=lambda row, _: protection_cell(row)),
        Column(key="fees", title="Fees", width=7, align="right", drop=6,
               cell=lambda row, _: (numbers.money(row.fees), Role.MUTED)),
        Column(key="opened", title="Opened", width=8, drop=5, sort=lambda row: row.opened_at.timestamp(),
               cell=lambda row, look: (numbers.clock(row.opened_at, look.zone), Role.MUTED)),
    )  # fmt: skip

    rows: reactive[tuple[PositionRow, ...]] = reactive((), repaint=False, always_update=True)

    def key_of(self, row: PositionRow) -> str:
        return position_key(row)

    def is_dim(self, row: PositionRow) -> bool:
        return row.stale
