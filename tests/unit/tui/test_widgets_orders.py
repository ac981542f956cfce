"""What the list of orders says of refusals: loud where an order was lost, quiet where another took its place."""

import pytest
from factories import make_bracket, make_order_row
from textual.app import App, ComposeResult

from tradeconsole.domain.orders import OrderStatus
from tradeconsole.tui.render.palette import Role, default_look
from tradeconsole.tui.render.table import Cell
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.views.models import OrderRow

REASON = "replaced: the engine keeps its bracket (Brackets cannot be used.)"


def refused(**over: object) -> OrderRow:
    return make_order_row(
        **{"order_id": "tc-09", "status": OrderStatus.REJECTED, "is_open": False, "reason": "no", **over}
    )


def cell(row: OrderRow, key: str) -> Cell:
    column = next(column for column in OrdersTable.COLUMNS if column.key == key)
    return column.cell(row, default_look())


@pytest.mark.parametrize("key", ["status", "echo"])
def test_an_order_that_another_replaced_is_no_alarm(key: str) -> None:
    text, role = cell(refused(replaced_by="tc-10", reason=REASON), key)
    assert str(text).startswith("replaced")
    assert role is Role.MUTED


def test_a_real_rejection_is_loud_and_says_why() -> None:
    assert cell(refused(), "status") == ("rejected", Role.BAD)
    assert cell(refused(), "echo") == ("no", Role.BAD)


class Orders(App[None]):
    def compose(self) -> ComposeResult:
        yield OrdersTable()


async def test_it_stands_below_the_order_in_its_place() -> None:
    async with Orders().run_test() as pilot:
        table = pilot.app.query_one(OrdersTable)
        entry, stop, target = make_bracket()
        table.rows = (stop, target, make_order_row(), refused(replaced_by=entry.order_id), entry)
        shown = [row.order_id for row in table.shown_rows]
    assert shown == ["tc-01", entry.order_id, stop.order_id, target.order_id, "tc-09"]
