"""What is drawn over and around candles: orders, average price, last price, fills, axes and the crosshair."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

import msgspec

from tradeconsole.domain.orders import OrderRole, Side
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.canvas import Canvas
from tradeconsole.tui.render.glyphs import DOWN, UP
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.scale import DAY, PriceScale, price_labels, thinned, time_marks
from tradeconsole.tui.render.series import Candle, Zoom
from tradeconsole.views.models import ChartFill, ChartView

_LINE = {OrderRole.STOP_LOSS: Role.STOP, OrderRole.TAKE_PROFIT: Role.TARGET}
_TAG = {OrderRole.STOP_LOSS: Role.TAG_STOP, OrderRole.TAKE_PROFIT: Role.TAG_TARGET}


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are on the canvas: the plot's corner and size, the axis to its right, the candles in it."""

    top: int
    width: int
    axis: int
    scale: PriceScale
    zoom: Zoom
    first_x: int
    candles: tuple[Candle, ...]
    seconds: int
    decimals: int

    @property
    def rows(self) -> int:
        return self.scale.rows

    @property
    def span(self) -> int:
        """Seconds that one candle covers."""
        return self.seconds * self.zoom.merge

    def price_at(self, row: int, tick: float) -> float:
        """The price of a row, on the tick grid."""
        return round(round(self.scale.price(row) / tick) * tick, self.decimals)

    def candle_at(self, x: int) -> int | None:
        """Number of the candle in a column; None beside them."""
        number = (x - self.first_x) // self.zoom.slot
        return number if 0 <= number < len(self.candles) and x < self.width else None


class Crosshair(NamedTuple):
    """A cell of the plot that is pointed at: number of its candle, column and row, and the price there."""

    number: int
    x: int
    y: int
    price: float


def mouse_crosshair(frame: Frame, x: int, y: int, tick: float) -> Crosshair | None:
    """The crosshair through a cell under the mouse; None beside the candles."""
    number = frame.candle_at(x)
    if number is None:
        return None
    return Crosshair(number, x, y, frame.price_at(y - frame.top, tick))


def key_crosshair(frame: Frame, time: int, level: float | None) -> Crosshair | None:
    """The crosshair on the candle that holds a time, at a price or at its close; None if that is not in sight."""
    number = bisect_right([candle.time for candle in frame.candles], time) - 1
    if number < 0:
        return None
    price = frame.candles[number].close if level is None else level
    x = frame.first_x + number * frame.zoom.slot + frame.zoom.body // 2
    return Crosshair(number, x, frame.top + frame.scale.row(price), price)


def price_tag(canvas: Canvas, frame: Frame, row: int, price: float, role: Role) -> None:
    """A price on the axis, reversed, over whatever label is there."""
    if frame.axis and 0 <= row < frame.rows:
        text = numbers.price(price, frame.decimals)
        canvas.text(frame.width, frame.top + row, f" {text:<{frame.axis - 1}}", role)


def draw_axis(canvas: Canvas, frame: Frame, tick: float) -> None:
    """Price labels at round prices, with faint dots across the plot."""
    for row, price in price_labels(frame.scale, tick, frame.decimals):
        canvas.row_under(frame.top + row, frame.width, "·", Role.FAINT, start=3, step=6)
        if frame.axis:
            text = numbers.price(price, frame.decimals)
            if canvas.is_free(frame.width, frame.top + row, frame.axis):
                canvas.text(frame.width + 1, frame.top + row, text, Role.MUTED)


def draw_times(canvas: Canvas, frame: Frame, y: int | None, bottom: int, zone: tzinfo) -> None:
    """Time labels in row `y`, if there is one, and a line down to `bottom` where a trading day, month or year begins."""
    times = [candle.time for candle in frame.candles]
    line, role = ("┊", Role.FAINT) if frame.seconds >= DAY else ("╎", Role.MUTED)
    marks = time_marks(times, frame.span, frame.zoom.slot, zone)
    for column, mark in thinned(marks, frame.zoom.slot, frame.width - frame.first_x):
        x = frame.first_x + column
        if y is not None:
            canvas.text(x, y, mark.text, Role.TEXT if mark.boundary else Role.MUTED)
        if mark.boundary and mark.bar > 0:
            for row in range(frame.top, bottom):
                canvas.under(x, row, line, role)


def draw_average(canvas: Canvas, frame: Frame, view: ChartView) -> None:
    """The position's average price as a line with its size."""
    if view.average_price is None or view.position == 0 or not frame.scale.shows(view.average_price):
        return
    row = frame.scale.row(view.average_price)
    price_tag(canvas, frame, row, view.average_price, Role.TAG_AVERAGE)
    text = f" {numbers.signed_size(view.position)} "
    x = frame.width - len(text) - 2
    if canvas.is_free(x, frame.top + row, len(text)):
        canvas.text(x, frame.top + row, text, Role.STRONG)
    canvas.row_under(frame.top + row, frame.width, "─", Role.AVERAGE)


def draw_orders(
    canvas: Canvas, frame: Frame, view: ChartView, selected: str | None, *, crowded: Collection[int]
) -> dict[int, str]:
    """Working orders as lines across with a label; those off the picture as arrows at its edge.

    Args:
        crowded: rows in which several prices meet, so that the axis cannot name them all: labels do it there.

    Returns:
        Canvas row of each line that is on the picture → order id, for the mouse.
    """
    rows: dict[int, str] = {}
    ends: dict[int, int] = {}
    lines: dict[int, tuple[str, Role]] = {}
    for order in sorted(view.orders, key=lambda order: order.order_id == selected):
        chosen = order.order_id == selected
        line, tag = _LINE.get(order.role, Role.ENTRY), _TAG.get(order.role, Role.TAG_ENTRY)
        price = numbers.price(order.price, frame.decimals)
        label = f" {UP if order.side is Side.BUY else DOWN} {order.label} "
        if frame.scale.shows(order.price):
            row = frame.scale.row(order.price)
            rows[frame.top + row] = order.order_id
            price_tag(canvas, frame, row, order.price, tag)
            lines[row] = ("━" if chosen else "╌", line)
            label += f"{price} " if row in crowded else ""
        else:
            above = order.price > frame.scale.high
            row = 0 if above else frame.rows - 1
            label = f" {'↑' if above else '↓'}{label}{price} "
        x = ends.get(row, 0)
        ends[row] = canvas.text(x, frame.top + row, label, tag if chosen else line)
    for row, (char, role) in lines.items():
        canvas.row_under(frame.top + row, frame.width, char, role)
    return rows


def crowded_rows(frame: Frame, view: ChartView, last: float) -> frozenset[int]:
    """Rows of the plot in which more than one of last price, average and orders fall."""
    prices = [last, *(order.price for order in view.orders)]
    if view.average_price is not None and view.position:
        prices.append(view.average_price)
    found = Counter(frame.scale.row(price) for price in prices if frame.scale.shows(price))
    return frozenset(row for row, count in found.items() if count > 1)


def draw_last(canvas: Canvas, frame: Frame, price: float, *, rose: bool) -> None:
    """The last price: a tag on the axis and faint dots across."""
    if not frame.scale.shows(price):
        return
    row = frame.scale.row(price)
    price_tag(canvas, frame, row, price, Role.TAG_UP if rose else Role.TAG_DOWN)
    canvas.row_under(frame.top + row, frame.width, "┈", Role.UP if rose else Role.DOWN)


def fills_on(frame: Frame, fills: Iterable[ChartFill]) -> dict[int, list[ChartFill]]:
    """Our executions by the number of the candle they happened in."""
    found: dict[int, list[ChartFill]] = {}
    if not frame.candles:
        return found
    times = [candle.time for candle in frame.candles]
    for fill in fills:
        if times[0] <= fill.time < times[-1] + frame.span:
            found.setdefault(bisect_right(times, fill.time) - 1, []).append(fill)
    return found


def draw_fills(canvas: Canvas, frame: Frame, fills: dict[int, list[ChartFill]]) -> None:
    """▲ below the bar we bought in, ▼ above the bar we sold in."""
    for number, executed in fills.items():
        candle = frame.candles[number]
        x = frame.first_x + number * frame.zoom.slot + frame.zoom.body // 2
        for side in {fill.side for fill in executed}:
            bought = side is Side.BUY
            row = frame.scale.row(candle.low) + 1 if bought else frame.scale.row(candle.high) - 1
            row = min(max(row, 0), frame.rows - 1)
            canvas.put(x, frame.top + row, UP if bought else DOWN, Role.ACCENT)


def draw_crosshair(canvas: Canvas, frame: Frame, cross: Crosshair, bottom: int) -> None:
    """A cross through a cell of the plot, with its price on the axis."""
    for row in range(frame.top, bottom):
        canvas.under(cross.x, row, "┊", Role.MUTED)
    if frame.top <= cross.y < frame.top + frame.rows:
        canvas.row_under(cross.y, frame.width, "┈", Role.MUTED)
        price_tag(canvas, frame, cross.y - frame.top, cross.price, Role.TAG_CURSOR)


def price_range(candles: Sequence[Candle], view: ChartView) -> tuple[float, float]:
    """Lowest and highest price to show: the candles, and our own prices unless they lie far away."""
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    reach = max(high - low, 8 * view.tick) * 0.5
    own = [order.price for order in view.orders]
    if view.average_price is not None and view.position:
        own.append(view.average_price)
    near = [price for price in own if low - reach <= price <= high + reach]
    return min([low, *near]), max([high, *near])
