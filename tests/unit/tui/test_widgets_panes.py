"""Chart, equity curve and feed as a user and a screen meet them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from factories import (
    make_bars,
    make_chart_view,
    make_dashboard_view,
    make_header_view,
    make_notification_row,
    make_notifications,
)
from pictures import screen_text
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from tradeconsole.tui.render.series import DEFAULT_ZOOM, ZOOMS
from tradeconsole.tui.widgets.account_panel import figures
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.equity_curve import EquityCurve
from tradeconsole.tui.widgets.header import figures_line
from tradeconsole.tui.widgets.notifications import LIMIT, NotificationsFeed
from tradeconsole.views.models import ChartView, DashboardView, LiveBar


class Pane(App[None]):
    """One widget; writes down its messages."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.wanted: list[int] = []
        self.picked: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_chart_more_wanted(self, event: Chart.MoreWanted) -> None:
        self.wanted.append(event.bars)

    def on_chart_order_picked(self, event: Chart.OrderPicked) -> None:
        self.picked.append(event.order_id)


@asynccontextmanager
async def showing(
    widget: Widget, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[Pane, Pilot[None]]]:
    app = Pane(widget)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def chart(view: ChartView | None = None) -> Chart:
    widget = Chart()
    widget.view = view if view is not None else make_chart_view()
    return widget


def end_of(widget: Chart) -> int | None:
    return widget.port.end


def next_bar(view: ChartView) -> ChartView:
    """The live bar closed and the next one began."""
    assert view.live is not None
    time = view.live.time + 60
    live = LiveBar(time=time, open=20130.0, high=20131.0, low=20129.0, close=20130.5, volume=3)
    return view.model_copy(update={"bars": view.bars.merged(make_bars(1).slice(0, 0)), "live": live})


async def test_a_new_picture_repaints_only_the_rows_that_changed() -> None:
    regions: list[Region] = []

    class Spied(Chart):
        def refresh(self, *changed: Region, **kwargs: Any) -> Any:
            regions.extend(changed)
            return super().refresh(*changed, **kwargs)

    widget = Spied()
    view = make_chart_view()
    widget.view = view
    async with showing(widget):
        regions.clear()
        widget.view = view
        assert regions == []
        assert view.live is not None
        widget.view = view.model_copy(update={"live": view.live.model_copy(update={"close": 20123.5})})
        assert 0 in {region.y for region in regions}
        assert len(regions) <= 3


async def test_the_chart_follows_the_market_until_it_is_scrolled() -> None:
    widget = chart()
    view = make_chart_view()
    async with showing(widget) as (app, pilot):
        widget.view = next_bar(view)
        await pilot.pause()
        assert "C 20,130.50" in screen_text(app)
        before = screen_text(app).splitlines()[1]
        widget.action_left()
        await pilot.pause()
        assert "scrolled back" in screen_text(app)
        scrolled = screen_text(app).splitlines()[1]
        widget.view = next_bar(next_bar(view))
        await pilot.pause()
        assert screen_text(app).splitlines()[1] == scrolled
        assert scrolled != before
        widget.action_live()
        await pilot.pause()
        assert "scrolled back" not in screen_text(app)


async def test_scrolling_right_ends_at_the_market_again() -> None:
    widget = chart()
    async with showing(widget):
        widget.action_left()
        widget.action_page_left()
        assert end_of(widget) is not None
        widget.action_page_right()
        widget.action_right()
        assert end_of(widget) is None
        widget.action_right()
        assert end_of(widget) is None


async def test_zoom_stops_at_both_ends() -> None:
    widget = chart()
    async with showing(widget):
        assert widget.port.zoom == DEFAULT_ZOOM
        for _ in ZOOMS:
            widget.action_zoom_in()
        assert widget.port.zoom == len(ZOOMS) - 1
        for _ in range(len(ZOOMS) + 2):
            widget.action_zoom_out()
        assert widget.port.zoom == 0


async def test_more_history_is_asked_for_once_when_the_left_edge_is_near() -> None:
    widget = chart()
    async with showing(widget) as (app, pilot):
        assert app.wanted == []
        for _ in range(20):
            widget.action_page_left()
        await pilot.pause()
        assert app.wanted == [300]
        widget.view = make_chart_view(bars=330)
        await pilot.pause()
        assert app.wanted == [300, 330]


async def test_no_more_history_is_asked_for_while_loading_or_when_there_is_none() -> None:
    for state in ("loading", "complete"):
        widget = chart(make_chart_view(bars=20, loading=state == "loading", complete=state == "complete"))
        async with showing(widget) as (app, pilot):
            widget.action_page_left()
            await pilot.pause()
            assert app.wanted == []


async def test_older_bars_arriving_do_not_move_the_picture() -> None:
    widget = chart(make_chart_view(bars=300, orders=(), fills=(), average_price=None))
    async with showing(widget) as (app, pilot):
        widget.action_page_left()
        await pilot.pause()
        before = screen_text(app)
        widget.view = make_chart_view(bars=900, orders=(), fills=(), average_price=None)
        await pilot.pause()
        assert screen_text(app) == before


async def test_another_instrument_or_timeframe_starts_at_the_market_with_the_same_zoom() -> None:
    widget = chart()
    async with showing(widget):
        widget.action_zoom_out()
        widget.action_page_left()
        widget.view = make_chart_view(timeframe="5m")
        assert end_of(widget) is None
        assert widget.port.zoom == DEFAULT_ZOOM - 1
        widget.action_left()
        widget.view = make_chart_view(timeframe="5m", instrument_id="other")
        assert end_of(widget) is None


async def test_the_wheel_scrolls_and_zooms_with_ctrl() -> None:
    widget = chart()

    def wheel(kind: type[events.MouseEvent], *, ctrl: bool) -> events.MouseEvent:
        return kind(widget, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=ctrl)

    async with showing(widget) as (_, pilot):
        widget.post_message(wheel(events.MouseScrollUp, ctrl=False))
        await pilot.pause()
        assert end_of(widget) is not None
        widget.post_message(wheel(events.MouseScrollDown, ctrl=False))
        await pilot.pause()
        assert end_of(widget) is None
        widget.post_message(wheel(events.MouseScrollUp, ctrl=True))
        await pilot.pause()
        assert widget.port.zoom == DEFAULT_ZOOM + 1
        widget.post_message(wheel(events.MouseScrollDown, ctrl=True))
        await pilot.pause()
        assert widget.port.zoom == DEFAULT_ZOOM


async def test_the_bar_under_the_mouse_is_described_until_the_mouse_leaves() -> None:
    async with showing(chart()) as (app, pilot):
        await pilot.hover(Chart, offset=(41, 10))
        assert "Wed 14 Oct 09:09" in screen_text(app)
        app.widget.post_message(events.Leave(app.widget))
        await pilot.pause()
        assert "live" in screen_text(app).splitlines()[1]


def readout(app: Pane) -> str:
    """The line on top of the chart."""
    return screen_text(app).splitlines()[1]


async def test_the_crosshair_goes_bar_by_bar_and_esc_takes_it_away() -> None:
    widget = chart()
    async with showing(widget) as (app, pilot):
        widget.action_crosshair()
        await pilot.pause()
        assert "Wed 14 Oct 09:31" in readout(app)
        assert "Esc leaves" in screen_text(app)
        widget.action_left()
        widget.action_left()
        await pilot.pause()
        assert "Wed 14 Oct 09:29" in readout(app)
        assert end_of(widget) is None, "the picture rests while the bar is in sight"
        widget.action_right()
        await pilot.pause()
        assert "Wed 14 Oct 09:30" in readout(app)
        widget.action_leave()
        await pilot.pause()
        assert "live" in readout(app)
        assert "Esc leaves" not in screen_text(app)


async def test_the_crosshair_takes_the_picture_along_at_its_edges() -> None:
    widget = chart()
    async with showing(widget):
        widget.action_crosshair()
        newest = widget.port.probe
        for _ in range(60):
            widget.action_left()
        probe = widget.port.probe
        assert newest is not None
        assert probe == newest - 60 * 60
        cross = widget._picture.cross
        assert cross is not None
        assert cross.number == 0, "it stands at the left edge"
        widget.action_page_right()
        for _ in range(60):
            widget.action_right()
        assert (widget.port.probe, end_of(widget)) == (newest, None)


async def test_the_crosshair_stays_on_its_bar_while_the_market_goes_on() -> None:
    widget = chart()
    view = make_chart_view()
    async with showing(widget) as (app, pilot):
        widget.action_crosshair()
        widget.action_left()
        widget.view = next_bar(view)
        await pilot.pause()
        assert "Wed 14 Oct 09:30" in readout(app)
        widget.action_live()
        await pilot.pause()
        assert "C 20,130.50" in readout(app)


async def test_the_crosshairs_price_moves_by_rows_and_stays_on_the_chart() -> None:
    widget = chart()
    async with showing(widget):
        widget.action_higher()
        assert widget.port.level is None, "there is no crosshair to move"
        widget.action_crosshair()
        before = widget._picture.cross
        widget.action_higher()
        after = widget._picture.cross
        assert before is not None
        assert after is not None
        assert (after.x, after.y) == (before.x, before.y - 1)
        assert after.price > before.price
        for _ in range(60):
            widget.action_lower()
        frame, cross = widget._picture.frame, widget._picture.cross
        assert frame is not None
        assert cross is not None
        assert cross.y == frame.top + frame.rows - 1


async def test_another_instrument_has_no_crosshair_yet() -> None:
    widget = chart()
    async with showing(widget) as (app, pilot):
        widget.action_crosshair()
        widget.view = make_chart_view(instrument_id="other")
        await pilot.pause()
        assert widget.port.probe is None
        assert "Esc leaves" not in screen_text(app)


async def test_a_click_on_the_line_of_an_order_picks_it() -> None:
    async with showing(chart()) as (app, pilot):
        rows = screen_text(app).splitlines()
        await pilot.click(Chart, offset=(30, next(y for y, line in enumerate(rows) if "STOP 2" in line)))
        await pilot.click(Chart, offset=(30, 2))
        assert app.picked == ["tc-11"]


async def test_the_selected_order_is_highlighted() -> None:
    widget = chart()
    async with showing(widget) as (app, pilot):
        widget.selected_order_id = "tc-12"
        await pilot.pause()
        assert "TARGET 2 ━" in screen_text(app)


def test_a_nought_that_nobody_has_read_is_a_dash_in_the_account_panel() -> None:
    unread = DashboardView(balance=Decimal(50000), equity=None, open_pnl=None, day_pnl=None, proven=False)
    shown = {label: value for label, value, _ in figures(unread)}
    assert shown.pop("Balance") == "50,000.00"
    assert set(shown.values()) == {"–"}
    known = unread.model_copy(update={"realised_net": Decimal(5), "trades": 1, "working_orders": 2})
    shown = {label: value for label, value, _ in figures(known)}
    assert (shown["Trades"][0], shown["Working"], shown["Contracts"]) == ("1", "2", "–")


def test_a_day_is_the_same_figure_in_header_and_panel_and_made_of_the_two_below_it() -> None:
    view, header = make_dashboard_view(), make_header_view()
    shown = {label: value for label, value, _ in figures(view)}
    assert f"day {shown['Day P&L']}" in figures_line(header, 120).plain
    assert f"open {shown['Open P&L']}" in figures_line(header, 120).plain
    labels = list(shown)
    first = labels.index("Day P&L")
    assert labels[first : first + 3] == ["Day P&L", "Open P&L", "Realised"]
    assert view.day_pnl == Decimal(shown["Open P&L"]) + Decimal(shown["Realised"])


async def test_panes_survive_any_size_and_no_data() -> None:
    full, feed = EquityCurve(), NotificationsFeed()
    full.view = make_dashboard_view()
    feed.rows = make_notifications()
    for widget in (Chart(), chart(), EquityCurve(), full, NotificationsFeed(), feed):
        async with showing(widget) as (app, pilot):
            for size in ((200, 60), (20, 5), (3, 3), (1, 1), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            assert screen_text(app).strip()


async def test_keys_on_a_chart_without_bars_do_nothing() -> None:
    widget = Chart()
    async with showing(widget):
        widget.action_left()
        widget.action_page_right()
        widget.action_zoom_in()
        widget.action_live()
        assert end_of(widget) is None


async def test_the_equity_title_tells_the_session_so_far() -> None:
    curve = EquityCurve()
    async with showing(curve) as (app, pilot):
        assert "No equity yet" in screen_text(app)
        curve.view = make_dashboard_view()
        await pilot.pause()
        assert "+366.47" in screen_text(app)
        curve.view = None
        await pilot.pause()
        assert "No equity yet" in screen_text(app)


async def test_the_feed_is_newest_first_and_scrolls_by_keys() -> None:
    feed = NotificationsFeed()
    feed.rows = tuple(
        make_notification_row(notification_id=str(n), title=f"Event {n}", detail="")
        for n in range(LIMIT + 50)
    )
    async with showing(feed, (60, 12)) as (app, pilot):
        feed.focus()
        assert "Event 0" in screen_text(app)
        assert "250 new" in screen_text(app)
        await pilot.press("end")
        await pilot.pause(0.3)
        assert f"Event {LIMIT - 1}" in screen_text(app)
        await pilot.press("home")
        await pilot.pause(0.3)
        assert "Event 0" in screen_text(app)


async def test_the_feed_wraps_anew_when_its_width_changes() -> None:
    feed = NotificationsFeed()
    feed.rows = make_notifications()
    async with showing(feed, (120, 12)) as (app, pilot):
        wide = screen_text(app)
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert "asking its records" not in screen_text(app).splitlines()[1]
        assert "asking its records" in wide.splitlines()[1]
