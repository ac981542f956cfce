"""Each data widget on canned view-models, alone on the screen."""

from typing import Any

import msgspec
import pytest
from factories import (
    make_chart_view,
    make_dashboard_view,
    make_fills,
    make_notifications,
    make_orders,
    make_position_row,
    make_quote_row,
    make_round_trips,
    make_watchlist,
)
from pictures import Snapshot, screen_text
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from tradeconsole.tui.render.palette import default_look
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.equity_curve import EquityCurve
from tradeconsole.tui.widgets.fills import FillsTable
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.tui.widgets.notifications import NotificationsFeed
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.round_trips import RoundTripsTable
from tradeconsole.tui.widgets.watchlist import Watchlist

WIDE, NARROW = (120, 14), (60, 10)
SIZES = [WIDE, NARROW]
PLAIN = msgspec.structs.replace(default_look(), ascii_only=True, monochrome=True, motion=False)


class Alone(App[None]):
    """One widget that fills the terminal."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def table(kind: type[LineTable[Any]], rows: tuple[Any, ...]) -> Alone:
    widget = kind()
    widget.rows = rows
    return Alone(widget)


def chart(**over: Any) -> Chart:
    widget = Chart()
    widget.view = make_chart_view(**over)
    return widget


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_watchlist(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await snapshot(table(Watchlist, make_watchlist()), size)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_positions(snapshot: Snapshot, size: tuple[int, int]) -> None:
    rows = (
        make_position_row(),
        make_position_row(
            instrument_id="ES", name="MESZ6", size=-3, protected=1, open_pnl=-1234.5, open_ticks=-98.3
        ),
        make_position_row(instrument_id="CL", name="MCLX6", protected=0, stale=True),
    )
    await snapshot(table(PositionsTable, rows), size, press=("down",))


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_orders(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await snapshot(table(OrdersTable, make_orders()), size, press=("down", "down"))


async def test_orders_filtered(snapshot: Snapshot) -> None:
    await snapshot(table(OrdersTable, make_orders()), NARROW, press=("slash", "s", "e", "l", "l"))


async def test_orders_empty(snapshot: Snapshot) -> None:
    await snapshot(table(OrdersTable, ()), NARROW)


async def test_fills(snapshot: Snapshot) -> None:
    await snapshot(table(FillsTable, make_fills()), WIDE)


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_round_trips(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await snapshot(table(RoundTripsTable, make_round_trips()), size, press=("o",))


@pytest.mark.parametrize("size", [(80, 12), (36, 14)], ids=["wide", "narrow"])
async def test_notifications(snapshot: Snapshot, size: tuple[int, int]) -> None:
    feed = NotificationsFeed()
    feed.rows = make_notifications()
    await snapshot(Alone(feed), size)


@pytest.mark.parametrize("size", [(118, 32), (60, 14), (26, 8)], ids=["large", "small", "tiny"])
async def test_chart(snapshot: Snapshot, size: tuple[int, int]) -> None:
    await snapshot(Alone(chart()), size)


async def test_chart_with_a_selected_order_under_the_mouse(snapshot: Snapshot) -> None:
    async def point(pilot: Pilot[None]) -> None:
        widget = pilot.app.query_one(Chart)
        widget.selected_order_id = "tc-11"
        await pilot.hover(Chart, offset=(40, 12))

    await snapshot(Alone(chart()), (100, 26), before=point)


async def test_chart_zoomed_in_without_colour(snapshot: Snapshot) -> None:
    async def zoom(pilot: Pilot[None]) -> None:
        widget = pilot.app.query_one(Chart)
        widget.look = msgspec.structs.replace(default_look(), monochrome=True)
        widget.action_zoom_in()

    await snapshot(Alone(chart()), (80, 24), before=zoom)


async def test_chart_scrolled_back_over_merged_bars(snapshot: Snapshot) -> None:
    async def move(pilot: Pilot[None]) -> None:
        widget = pilot.app.query_one(Chart)
        widget.action_zoom_out()
        widget.action_zoom_out()
        widget.action_page_left()

    await snapshot(Alone(chart(bars=2000)), (100, 24), before=move)


async def test_chart_of_days(snapshot: Snapshot) -> None:
    await snapshot(Alone(chart(timeframe="1d", orders=(), fills=(), average_price=None)), (100, 20))


async def test_chart_while_loading(snapshot: Snapshot) -> None:
    await snapshot(Alone(chart(bars=0, live=None, loading=True)), (60, 8))


async def test_equity_curve(snapshot: Snapshot) -> None:
    curve = EquityCurve()
    curve.view = make_dashboard_view()
    await snapshot(Alone(curve), (80, 14))


@pytest.mark.parametrize("kind", ["chart", "curve", "table", "feed"])
async def test_everything_is_ascii_when_asked(snapshot: Snapshot, kind: str) -> None:
    cases: dict[str, tuple[Chart | EquityCurve | Watchlist | NotificationsFeed, str, Any]] = {
        "chart": (Chart(), "view", make_chart_view()),
        "curve": (EquityCurve(), "view", make_dashboard_view()),
        "table": (Watchlist(), "rows", (make_quote_row(change=-1.0, change_percent=-0.1),)),
        "feed": (NotificationsFeed(), "rows", make_notifications()),
    }
    widget, name, value = cases[kind]
    widget.look = PLAIN
    widget.styles.border = ("ascii", "white")
    setattr(widget, name, value)

    async def check(pilot: Pilot[None]) -> None:
        await pilot.pause()
        assert screen_text(pilot.app).isascii()

    await snapshot(Alone(widget), (70, 16), before=check)
