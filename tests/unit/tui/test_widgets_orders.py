"""What the list of orders says of refusals: loud where an order was lost, quiet where another took its place."""

from decimal import Decimal

import pytest
from factories import make_bracket, make_order_row
from textual.app import App, ComposeResult

from tradeconsole.domain.orders import OrderStatus, OrderType
from tradeconsole.tui.render.palette import Role, default_look
from tradeconsole.tui.render.table import Cell, place
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


def at_market(**over: object) -> OrderRow:
    return make_order_row(**{"type": OrderType.MARKET, "limit_price": None, **over})


@pytest.mark.parametrize(("average", "words"), [("20110", "20,110.00"), ("20110.125", "20,110.1250")])
def test_a_filled_market_order_shows_what_it_was_filled_at(average: str, words: str) -> None:
    assert cell(at_market(), "price") == ("market", Role.MUTED)
    assert cell(at_market(average_price=Decimal(average)), "price") == (words, Role.TEXT)


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (72, ["side", "filled", "name", "price", "status", "role", "average"]),
        (76, ["side", "filled", "name", "type", "price", "status", "role", "average"]),
        (118, ["side", "filled", "name", "type", "price", "status", "role", "average", "echo"]),
    ],
)
def test_an_echo_that_would_be_cut_off_makes_way_for_prices(cells: int, shown: list[str]) -> None:
    assert [column.key for column, _ in place(OrdersTable.COLUMNS, cells)] == shown


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


async def test_the_frame_tells_the_whole_echo_of_the_row_under_the_cursor() -> None:
    async with Orders().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(OrdersTable)
        order = make_order_row(trail="sent 09:29:02.114 → working")
        table.rows = (order, refused())
        assert not table.border_subtitle
        table.highlighted_key = order.order_id
        assert table.border_subtitle == order.trail
        table.rows = (order.model_copy(update={"trail": "sent 09:29:02.114 → filled"}), refused())
        assert table.border_subtitle == "sent 09:29:02.114 → filled"
        table.highlighted_key = "tc-09"
        assert table.border_subtitle == "no"
        table.rows = (order,)
        assert not table.border_subtitle
