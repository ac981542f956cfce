"""The streaming table as a user and a screen meet it: cursor, filter, order, flashes, and what is repainted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from factories import make_bracket, make_order_row, make_orders, make_quote_row, make_watchlist
from pictures import screen_text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.pilot import Pilot

from tradeconsole.tui.render.palette import default_look
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.watchlist import Watchlist
from tradeconsole.views.models import OrderRow, WatchRow


class Desk(App[None]):
    """One table, and a key of the app that must not fire while a filter is typed."""

    BINDINGS = [Binding("x", "note_cancel", "Cancel")]  # noqa: RUF012 - Textual's own shape

    def __init__(self, table: LineTable[Any]) -> None:
        super().__init__()
        self.table = table
        self.cancels = 0
        self.messages: list[tuple[str, str | None]] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def action_note_cancel(self) -> None:
        self.cancels += 1

    def on_line_table_row_highlighted(self, event: LineTable.RowHighlighted) -> None:
        self.messages.append(("highlighted", event.key))

    def on_line_table_row_selected(self, event: LineTable.RowSelected) -> None:
        self.messages.append(("selected", event.key))


@asynccontextmanager
async def desk(
    table: LineTable[Any], rows: tuple[Any, ...], size: tuple[int, int] = (80, 12)
) -> AsyncIterator[tuple[Desk, Pilot[None]]]:
    table.rows = rows
    app = Desk(table)
    async with app.run_test(size=size) as pilot:
        table.focus()
        await pilot.pause()
        yield app, pilot


def many(count: int) -> tuple[WatchRow, ...]:
    return tuple(
        make_quote_row(instrument_id=f"I{n:02d}", name=f"N{n:02d}", last=float(n)) for n in range(count)
    )


def cursor(table: LineTable[Any]) -> str | None:
    return table.highlighted_key


def order(table: LineTable[Any]) -> str | None:
    return table.sort_by


def keys(table: LineTable[Any]) -> list[str]:
    return [table.key_of(row) for row in table.shown_rows]


async def test_nothing_is_highlighted_until_the_user_moves() -> None:
    async with desk(Watchlist(), many(3)) as (app, pilot):
        assert cursor(app.table) is None
        await pilot.press("j")
        assert cursor(app.table) == "I00"
        await pilot.press("j", "down", "down", "down")
        assert cursor(app.table) == "I02"
        await pilot.press("k", "up")
        assert cursor(app.table) == "I00"


async def test_home_end_and_pages_move_the_cursor_and_keep_it_in_sight() -> None:
    async with desk(Watchlist(), many(40)) as (app, pilot):
        await pilot.press("end")
        assert cursor(app.table) == "I39"
        assert "▸N39" in screen_text(app)
        await pilot.press("home")
        assert "▸N00" in screen_text(app)
        await pilot.press("pagedown")
        assert cursor(app.table) == "I09"
        assert "▸N09" in screen_text(app)


async def test_the_header_stays_while_rows_scroll() -> None:
    async with desk(Watchlist(), many(40)) as (app, pilot):
        await pilot.press("end")
        assert screen_text(app).splitlines()[1].startswith("│ Name")


async def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    async with desk(Watchlist(), many(3)) as (app, pilot):
        await pilot.press("j", "j")
        app.table.rows = (*reversed(many(3)), *many(5)[3:])
        await pilot.pause()
        assert cursor(app.table) == "I01"
        assert app.table.highlighted_row is app.table.shown_rows[1]


async def test_no_other_row_is_taken_when_the_highlighted_one_vanishes() -> None:
    async with desk(OrdersTable(), (make_order_row(), make_order_row(order_id="tc-02"))) as (app, pilot):
        await pilot.press("j")
        app.table.rows = (make_order_row(order_id="tc-02"),)
        await pilot.pause()
        assert cursor(app.table) is None
        assert app.table.highlighted_row is None
        assert app.messages[-1] == ("highlighted", None)
        await pilot.press("j")
        assert cursor(app.table) == "tc-02"


async def test_enter_and_double_click_open_the_row() -> None:
    async with desk(Watchlist(), many(3)) as (app, pilot):
        await pilot.press("enter")
        assert ("selected", None) not in app.messages
        await pilot.press("j", "enter")
        assert app.messages[-1] == ("selected", "I00")
        await pilot.click(Watchlist, offset=(5, 3))
        assert app.messages[-1] == ("highlighted", "I01")
        await pilot.double_click(Watchlist, offset=(5, 4))
        assert app.messages[-1] == ("selected", "I02")


async def test_a_click_below_the_rows_does_nothing() -> None:
    async with desk(Watchlist(), many(1)) as (app, pilot):
        await pilot.click(Watchlist, offset=(5, 8))
        assert cursor(app.table) is None


async def test_a_filter_is_typed_live_and_its_letters_reach_nobody_else() -> None:
    async with desk(OrdersTable(), make_orders(), size=(100, 14)) as (app, pilot):
        await pilot.press("slash", "r", "e", "x")
        assert app.cancels == 0
        assert app.table.filter_text == "rex"
        assert "Nothing matches" in screen_text(app)
        await pilot.press("backspace", "j")
        assert app.table.filter_text == "rej"
        assert keys(app.table) == ["tc-04"]
        assert "1 of 7  /rej▏" in screen_text(app)
        await pilot.press("enter", "x")
        assert app.cancels == 1
        assert keys(app.table) == ["tc-04"]
        assert "/rej▏" not in screen_text(app)
        await pilot.press("escape")
        assert len(keys(app.table)) == 7


async def test_markup_in_a_filter_is_only_text() -> None:
    async with desk(Watchlist(), many(2)) as (app, pilot):
        await pilot.press("slash", "left_square_bracket", "r", "e", "d", "right_square_bracket")
        assert "/[red]" in screen_text(app)


async def test_the_filter_looks_at_columns_that_are_not_on_screen_too() -> None:
    async with desk(OrdersTable(), make_orders(), size=(40, 12)) as (app, _):
        app.table.filter_text = "!target"
        assert "tc-12" not in keys(app.table)
        assert len(keys(app.table)) == 6


async def test_o_walks_through_the_columns_and_ends_as_the_rows_came() -> None:
    async with desk(Watchlist(), make_watchlist(), size=(120, 12)) as (app, pilot):
        came = keys(app.table)
        await pilot.press("o")
        assert order(app.table) == "name"
        assert [row.name for row in app.table.shown_rows] == ["M6EZ6", "MCLX6", "MESZ6", "MNQZ6"]
        await pilot.press("O")
        assert [row.name for row in app.table.shown_rows] == ["MNQZ6", "MESZ6", "MCLX6", "M6EZ6"]
        for _ in range(4):
            await pilot.press("o")
        assert order(app.table) is None
        assert keys(app.table) == came


async def test_a_click_on_a_title_orders_and_a_second_one_turns_round() -> None:
    async with desk(Watchlist(), make_watchlist(), size=(120, 12)) as (app, pilot):
        header = screen_text(app).splitlines()[1]
        offset = (header.index("Volume") + 2, 1)
        await pilot.click(Watchlist, offset=offset)
        assert (app.table.sort_by, app.table.descending) == ("volume", False)
        assert "Volume▲" in screen_text(app)
        await pilot.click(Watchlist, offset=offset)
        assert "Volume▼" in screen_text(app)


async def test_legs_stay_under_their_entry_whatever_the_order() -> None:
    rows = (make_order_row(order_id="tc-99", name="AAAZ6"), *reversed(make_bracket()))
    async with desk(OrdersTable(), rows, size=(120, 12)) as (app, _):
        for column in ("name", "price", "status"):
            app.table.sort_by = column
            shown = keys(app.table)
            entry = shown.index("tc-10")
            assert set(shown[entry + 1 : entry + 3]) == {"tc-11", "tc-12"}


class Counting(Watchlist):
    """Notes which lines are repainted."""

    def __init__(self) -> None:
        super().__init__()
        self.regions: list[Region] = []

    def refresh(self, *regions: Region, **kwargs: Any) -> Any:
        if hasattr(self, "regions"):
            self.regions.extend(regions or (Region(0, 0, 999, 999),))
        return super().refresh(*regions, **kwargs)


async def test_only_the_lines_that_changed_are_repainted() -> None:
    table = Counting()
    table.look = msgspec.structs.replace(default_look(), motion=False)
    async with desk(table, many(6)) as (_, pilot):
        table.regions.clear()
        rows = list(many(6))
        rows[3] = make_quote_row(instrument_id="I03", name="N03", last=3.25)
        table.rows = tuple(rows)
        assert [(region.y, region.height) for region in table.regions] == [(4, 1)]
        await pilot.pause()
        assert "3.25" in screen_text(pilot.app)
        table.regions.clear()
        table.rows = tuple(rows)
        assert table.regions == []


async def test_rows_out_of_sight_are_not_drawn() -> None:
    drawn: list[str] = []

    class Spied(Watchlist):
        def is_dim(self, row: WatchRow) -> bool:
            drawn.append(row.instrument_id)
            return False

    table = Spied()
    async with desk(table, many(200)):
        drawn.clear()
        table.rows = many(200)
        assert drawn == [f"I{n:02d}" for n in range(9)]


@pytest.mark.parametrize("motion", [True, False])
async def test_a_changed_price_flashes_shortly_unless_motion_is_reduced(motion: bool) -> None:
    table = Watchlist()
    table.look = msgspec.structs.replace(default_look(), motion=motion)

    def reversed_texts() -> list[str]:
        return [
            segment.text.strip()
            for segment in table.render_line(1)
            if segment.style and segment.style.reverse
        ]

    async with desk(table, ()) as (_, pilot):
        table.rows = (make_quote_row(),)
        table.rows = (make_quote_row(last=20124.0),)
        assert reversed_texts() == (["20,124.00"] if motion else [])
        await pilot.pause(0.4)
        assert reversed_texts() == []


async def test_an_empty_table_says_how_to_fill_it_or_why_it_is_empty() -> None:
    async with desk(OrdersTable(), ()) as (app, pilot):
        assert "No orders yet" in screen_text(app)
        app.table.empty_text = "Connecting to the gateway…"
        await pilot.pause()
        assert "Connecting" in screen_text(app)
        assert "No orders yet" not in screen_text(app)


async def test_the_title_counts_rows() -> None:
    async with desk(Watchlist(), many(3)) as (app, pilot):
        assert "Watchlist 3" in screen_text(app)
        app.table.rows = many(2)
        await pilot.pause()
        assert "Watchlist 2" in screen_text(app)


async def test_a_table_survives_any_size() -> None:
    async with desk(OrdersTable(), make_orders()) as (app, pilot):
        await pilot.press("end")
        for size in ((200, 60), (20, 5), (3, 3), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "rejected" in screen_text(app)


async def test_rows_may_come_before_the_table_is_on_screen() -> None:
    table = OrdersTable()
    table.rows = make_orders()
    table.filter_text = "tc"
    assert isinstance(table.rows[0], OrderRow)


async def test_the_wheel_scrolls_rows_and_leaves_the_cursor_where_it_is() -> None:
    async with desk(Watchlist(), many(40)) as (app, pilot):
        app.animation_level = "none"
        await pilot.press("j")
        wheel = events.MouseScrollDown(app.table, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=False)
        app.table.post_message(wheel)
        await pilot.pause(0.1)
        assert app.table.scroll_offset.y > 0
        assert cursor(app.table) == "I00"


async def test_a_long_table_shows_a_rail_and_a_short_one_does_not() -> None:
    async with desk(Watchlist(), many(40)) as (app, pilot):
        assert "▐" in screen_text(app)
        app.table.rows = many(3)
        await pilot.pause()
        assert "▐" not in screen_text(app)
