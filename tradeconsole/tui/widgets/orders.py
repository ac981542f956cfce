"""Orders: side, price, how much is filled, where each stands, and what happened to it so far."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.content import Content
from textual.reactive import reactive

from tradeconsole.actions import BY_ID
from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType
from tradeconsole.tui.keys import show_key
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.cells import ROLE_WORDS, TYPE_WORDS, side_cell, status_cell
from tradeconsole.tui.render.glyphs import to_ascii
from tradeconsole.tui.render.palette import Look, Role
from tradeconsole.tui.render.rows import nested
from tradeconsole.tui.render.table import Cell, Column
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.views.models import OrderRow

_ROLE_COLOURS = {OrderRole.STOP_LOSS: Role.STOP, OrderRole.TAKE_PROFIT: Role.TARGET}
_EXPLAINED = frozenset({OrderStatus.REJECTED, OrderStatus.FAILED, OrderStatus.UNKNOWN})

_ARM = show_key(BY_ID["account.arm"].keys[0])
_BUY = show_key(BY_ID["order.buy"].keys[0])
_SELL = show_key(BY_ID["order.sell"].keys[0])


def _price(row: OrderRow, _: Look) -> Cell:
    """What it asks for; what it got where it asked for none."""
    if row.price is not None:
        return numbers.price(row.price, row.decimals), Role.STRONG
    if row.average_price is not None:
        return numbers.exact_price(row.average_price, row.decimals), Role.TEXT
    return ("market", Role.MUTED) if row.type is OrderType.MARKET else (numbers.NOTHING, Role.MUTED)


def _average(row: OrderRow, _: Look) -> Cell:
    if row.average_price is None:
        return "", Role.MUTED
    return numbers.exact_price(row.average_price, row.decimals), Role.TEXT


def _role(row: OrderRow, _: Look) -> Cell:
    return ROLE_WORDS[row.role], _ROLE_COLOURS.get(row.role, Role.TEXT)


def _status(row: OrderRow, _: Look) -> Cell:
    if row.replaced_by is not None:
        return "replaced", Role.MUTED
    return status_cell(row.status, row.doubt_seconds)


def _echo(row: OrderRow, _: Look) -> Cell:
    if row.replaced_by is not None:
        return row.reason, Role.MUTED
    if row.reason and row.status in _EXPLAINED:
        return row.reason, Role.WARN if row.status is OrderStatus.UNKNOWN else Role.BAD
    return row.trail or row.reason, Role.MUTED


class OrdersTable(LineTable[OrderRow]):
    """One row per order, keyed by `order_id`, bracket legs below their entry; orders that are over dim.

    One that was refused for its bracket stands below the order that took its place: it is no loss. The echo of the
    row under the cursor stands in the frame, where it needs no column.
    """

    DEFAULT_CSS = """
    OrdersTable { border-subtitle-color: $foreground 70%; }
    """

    TITLE = "Orders"
    EMPTY = f"No orders yet. Arm with {_ARM}, then press {_BUY} to buy or {_SELL} to sell."
    COLUMNS: ClassVar[tuple[Column[OrderRow], ...]] = (
        Column(key="side", title="Side", width=8, sort=lambda row: row.side.value,
               cell=lambda row, _: side_cell(row.side)),
        Column(key="filled", title="Fill", width=5, align="right",
               cell=lambda row, _: (f"{row.filled}/{row.size}", Role.STRONG)),
        Column(key="name", title="Name", width=6, grow=2, drop=1, sort=lambda row: row.name,
               cell=lambda row, _: (row.name, Role.STRONG)),
        Column(key="type", title="Type", width=7, drop=5,
               cell=lambda row, _: (TYPE_WORDS[row.type], Role.TEXT)),
        Column(key="price", title="Price", width=11, align="right", cell=_price,
               sort=lambda row: row.price if row.price is not None else row.average_price),
        Column(key="status", title="Status", width=12, sort=lambda row: row.status.value, cell=_status),
        Column(key="role", title="Role", width=6, drop=2, sort=lambda row: row.role.value, cell=_role),
        Column(key="average", title="Filled at", width=11, align="right", drop=4, cell=_average),
        Column(key="updated", title="Changed", width=8, drop=7, sort=lambda row: row.updated_at.timestamp(),
               cell=lambda row, look: (numbers.clock(row.updated_at, look.zone), Role.MUTED)),
        Column(key="echo", title="Echo", width=41, drop=6, grow=62, cell=_echo),
    )  # fmt: skip

    rows: reactive[tuple[OrderRow, ...]] = reactive((), repaint=False, always_update=True)

    _told = ""

    def watch_rows(self) -> None:
        super().watch_rows()
        self._tell_echo()

    def watch_look(self) -> None:
        super().watch_look()
        self._tell_echo()

    def watch_highlighted_key(self, old: str | None, new: str | None) -> None:
        super().watch_highlighted_key(old, new)
        self._tell_echo()

    def _tell_echo(self) -> None:
        row = self.highlighted_row
        told = "" if row is None else _echo(row, self.look)[0]
        told = to_ascii(told) if self.look.ascii_only else told
        if told != self._told:
            self._told = told
            self.border_subtitle = Content(told)

    def key_of(self, row: OrderRow) -> str:
        return row.order_id

    def is_dim(self, row: OrderRow) -> bool:
        return not row.is_open

    def arranged(self, rows: Sequence[OrderRow]) -> Iterable[tuple[OrderRow, bool]]:
        return nested(rows, self.key_of, lambda row: row.parent_id or row.replaced_by)
