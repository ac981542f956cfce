"""The chart pane: candles that follow the market, scroll, zoom and tell about the bar under the mouse."""

from typing import ClassVar

import msgspec
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tradeconsole.tui.render.chart import Picture, Port, draw_chart, room_in, series_of
from tradeconsole.tui.render.palette import Look, Role, Styles, default_look, styles_of
from tradeconsole.tui.render.series import ZOOMS
from tradeconsole.views.models import ChartView

CROSSHAIR_TITLE = "Chart: crosshair, Esc leaves"

STEP_COLUMNS = 8
"""Columns that one key press or wheel notch scrolls."""


class Chart(Widget):
    """Draws `view`; what of it is visible is the widget's own business and survives new bars.

    Keys arrive as calls of the `action_…` methods, which the screens bind to the table of actions.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        border: round $foreground 20%;
    }
    """

    view: reactive[ChartView | None] = reactive(None, repaint=False, always_update=True)
    look: reactive[Look] = reactive(default_look, repaint=False)
    selected_order_id: reactive[str | None] = reactive(None, repaint=False)
    port: reactive[Port] = reactive(Port(), repaint=False)

    BORDER_TITLE: ClassVar[str] = "Chart"

    class MoreWanted(Message):
        """The left edge is near: bars older than the `bars` closed ones at hand would soon be seen."""

        def __init__(self, chart: "Chart", bars: int) -> None:
            super().__init__()
            self.chart, self.bars = chart, bars

        @property
        def control(self) -> "Chart":
            return self.chart

    class OrderPicked(Message):
        """The line of a working order was clicked."""

        def __init__(self, chart: "Chart", order_id: str) -> None:
            super().__init__()
            self.chart, self.order_id = chart, order_id

        @property
        def control(self) -> "Chart":
            return self.chart

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._picture = Picture()
        self._styles: Styles | None = None
        self._asked: tuple[str, str, int] | None = None

    # -- data in

    def watch_view(self, old: ChartView | None, new: ChartView | None) -> None:
        if _subject(old) != _subject(new):
            self.port = Port(zoom=self.port.zoom)
        self._draw()

    def watch_selected_order_id(self) -> None:
        self._draw()

    def watch_port(self, old: Port, new: Port) -> None:
        if (old.probe is None) is not (new.probe is None):
            self.border_title = self.BORDER_TITLE if new.probe is None else CROSSHAIR_TITLE
        self._draw()

    def watch_look(self) -> None:
        self.notify_style_update()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    # -- drawing

    def _draw(self) -> None:
        """Draw anew and repaint the rows that came out different."""
        width, height = self.size
        if not self.is_attached or not width or not height:
            return
        before: Picture | None = self._picture
        if self._styles is None:
            self._styles = styles_of(self.look.colors, self.background_colors[1].rich_color)
            before = None
        port = msgspec.structs.replace(self.port, selected_order_id=self.selected_order_id)
        self._picture = draw_chart(self.view, port, self.look, self._styles, width, height, before)
        old = before.lines if before is not None else ()
        for y, line in enumerate(self._picture.lines):
            if y >= len(old) or line is not old[y]:
                self.refresh(Region(0, y, width, 1))
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        view = self.view
        if view is None or not self._picture.wants_older or view.loading or view.complete:
            return
        wish = (*_subject(view), len(view.bars))
        if wish != self._asked:
            self._asked = wish
            self.post_message(self.MoreWanted(self, len(view.bars)))

    def render_line(self, y: int) -> Strip:
        lines = self._picture.lines
        if y < len(lines):
            return lines[y].strip
        return Strip.blank(self.size.width, self._styles[Role.TEXT] if self._styles else None)

    # -- moving about

    def _scroll(self, candles: int) -> None:
        frame = self._picture.frame
        if self.view is None or frame is None:
            return
        series = series_of(self.view, self.port.zoom)
        end = series.scrolled(self.port.end, candles, room_in(frame.width, self.port.zoom))
        self.port = msgspec.structs.replace(self.port, end=end)

    def _point(self, candles: int) -> None:
        """Move the crosshair, and the picture with it where it would leave that."""
        frame = self._picture.frame
        if self.view is None or frame is None or self.port.probe is None:
            return
        series = series_of(self.view, self.port.zoom)
        probe, end = series.stepped(self.port.probe, candles), self.port.end
        if probe < frame.candles[0].time:
            end = series.stepped(probe, room_in(frame.width, self.port.zoom) - 1)
        elif probe > frame.candles[-1].time:
            end = probe
        if end == series.newest:
            end = None
        self.port = msgspec.structs.replace(self.port, probe=probe, end=end)

    def _move(self, *, scrolled: int, pointed: int) -> None:
        if self.port.probe is None:
            self._scroll(scrolled)
        else:
            self._point(pointed)

    def _zoom(self, step: int) -> None:
        zoom = min(max(self.port.zoom + step, 0), len(ZOOMS) - 1)
        self.port = msgspec.structs.replace(self.port, zoom=zoom)

    @property
    def _step(self) -> int:
        return max(STEP_COLUMNS // ZOOMS[self.port.zoom].slot, 1)

    @property
    def _page(self) -> int:
        frame = self._picture.frame
        return 1 if frame is None else max(room_in(frame.width, self.port.zoom) - self._step, 1)

    def action_left(self) -> None:
        """A few candles towards older ones; the crosshair goes one by one."""
        self._move(scrolled=-self._step, pointed=-1)

    def action_right(self) -> None:
        """A few candles towards the newest; the crosshair goes one by one."""
        self._move(scrolled=self._step, pointed=1)

    def action_page_left(self) -> None:
        """Nearly one picture towards older candles."""
        self._move(scrolled=-self._page, pointed=-self._page)

    def action_page_right(self) -> None:
        """Nearly one picture towards the newest candle."""
        self._move(scrolled=self._page, pointed=self._page)

    def action_zoom_in(self) -> None:
        """Wider candles, or fewer bars merged into one."""
        self._zoom(1)

    def action_zoom_out(self) -> None:
        """Narrower candles, or more bars merged into one."""
        self._zoom(-1)

    def action_live(self) -> None:
        """Back to the newest candle, and follow it."""
        probe = self.port.probe
        if probe is not None and self.view is not None:
            probe = series_of(self.view, self.port.zoom).newest
        self.port = msgspec.structs.replace(self.port, end=None, probe=probe)

    def action_crosshair(self) -> None:
        """Put the crosshair on the newest candle in sight, or take it away."""
        frame = self._picture.frame
        if self.port.probe is not None:
            self.action_leave()
        elif frame is not None:
            self.port = msgspec.structs.replace(self.port, probe=frame.candles[-1].time)

    def action_leave(self) -> None:
        """Take the crosshair away."""
        self.port = msgspec.structs.replace(self.port, probe=None, level=None)

    def action_higher(self) -> None:
        """The crosshair's price one row up."""
        self._level(-1)

    def action_lower(self) -> None:
        """The crosshair's price one row down."""
        self._level(1)

    def _level(self, rows: int) -> None:
        frame, cross, view = self._picture.frame, self._picture.cross, self.view
        if frame is None or cross is None or view is None or self.port.probe is None:
            return
        row = min(max(cross.y - frame.top + rows, 0), frame.rows - 1)
        price = frame.price_at(row, view.tick)
        self.port = msgspec.structs.replace(self.port, level=price)

    # -- mouse

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._zoom(1) if event.ctrl else self._scroll(-self._step)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._zoom(-1) if event.ctrl else self._scroll(self._step)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        self._point_at(None if offset is None else (offset.x, offset.y))

    def on_leave(self) -> None:
        self._point_at(None)

    def _point_at(self, cell: tuple[int, int] | None) -> None:
        self.port = msgspec.structs.replace(self.port, cursor=cell)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        order_id = self._picture.order_rows.get(offset.y) if offset is not None else None
        if order_id is not None:
            self.post_message(self.OrderPicked(self, order_id))


def _subject(view: ChartView | None) -> tuple[str, str]:
    return ("", "") if view is None else (view.instrument_id, view.timeframe)
