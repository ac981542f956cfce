"""The whole chart as one picture: information line, candles with our marks, volume, axes."""

from typing import Final

import msgspec

from tradeconsole.domain.market import Timeframe
from tradeconsole.domain.orders import Side
from tradeconsole.tui.render import numbers, overlays
from tradeconsole.tui.render.candles import draw_candles, draw_volume
from tradeconsole.tui.render.canvas import Canvas, Line
from tradeconsole.tui.render.palette import Look, Role, Styles
from tradeconsole.tui.render.scale import fit_prices, trading_day
from tradeconsole.tui.render.series import DEFAULT_ZOOM, ZOOMS, Candle, Series
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.views.models import ChartFill, ChartView

_GAP = 2  # columns between the newest candle and the axis
_AXIS_FROM = 30  # narrower charts go without a price axis
_TIMES_FROM = 6  # lower charts go without a time axis
_VOLUME_FROM = 12


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """How the user looks at a chart.

    `end` is the start of the rightmost candle (seconds since the epoch), None to follow the market. `probe` is the
    start of the candle under the keyboard's crosshair, `level` the price it was moved to, None for the close of that
    candle. `cursor` is the cell under the mouse, which the keyboard's crosshair outranks.
    """

    zoom: int = DEFAULT_ZOOM
    end: int | None = None
    probe: int | None = None
    level: float | None = None
    cursor: tuple[int, int] | None = None
    selected_order_id: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn chart and where things are on it: `order_rows` maps rows to the order whose line is there."""

    lines: tuple[Line, ...] = ()
    frame: overlays.Frame | None = None
    order_rows: dict[int, str] = {}
    cross: overlays.Crosshair | None = None
    wants_older: bool = False
    """Less than another picture's worth of bars is left of this one."""


class Layout(msgspec.Struct, frozen=True):
    """How a chart of some size is divided: rows of each part, columns of plot and price axis."""

    info: int
    plot: int
    volume: int
    times: int
    width: int
    axis: int


def layout(width: int, height: int, label: int) -> Layout:
    """Divide a size; `label` is the width of a price. What does not fit leaves: volume, times, axis, information."""
    info = 1 if height >= 3 else 0
    times = 1 if height >= _TIMES_FROM else 0
    volume = min(height // 6, 8) if height >= _VOLUME_FROM else 0
    axis = label + 2 if width >= max(_AXIS_FROM, label + 12) else 0
    return Layout(info, max(height - info - times - volume, 1), volume, times, width - axis, axis)


def room_in(width: int, zoom: int) -> int:
    """How many candles a plot of some width holds."""
    return max((width - _GAP) // ZOOMS[zoom].slot, 1)


def series_of(view: ChartView, zoom: int) -> Series:
    """The view's bars as candles at a zoom level."""
    seconds = Timeframe.parse(view.timeframe).seconds
    return Series(view.bars, view.live, seconds=seconds, merge=ZOOMS[zoom].merge)


def draw_chart(
    view: ChartView | None,
    port: Port,
    look: Look,
    styles: Styles,
    width: int,
    height: int,
    before: Picture | None = None,
) -> Picture:
    """Draw a chart into `width` × `height` cells, whatever they are.

    Args:
        before: the last picture in the same look and styles; its lines are used again where nothing changed.
    """
    if width <= 0 or height <= 0:
        return Picture()
    if view is None:
        return _message("Waiting for the engine…", look, styles, width, height)
    series = series_of(view, port.zoom)
    decimals = view.decimals
    newest = series.window(port.end, 1)
    if not newest:
        return _message(_why_empty(view), look, styles, width, height)
    parts = layout(width, height, len(numbers.price(newest[0].high, decimals)))
    zoom = ZOOMS[port.zoom]
    room = room_in(parts.width, port.zoom)
    candles = series.window(port.end, room)
    frame = overlays.Frame(
        top=parts.info,
        width=parts.width,
        axis=parts.axis,
        scale=fit_prices(*overlays.price_range(candles, view), parts.plot, view.tick),
        zoom=zoom,
        first_x=max(parts.width - _GAP - len(candles) * zoom.slot, 0),
        candles=tuple(candles),
        seconds=Timeframe.parse(view.timeframe).seconds,
        decimals=decimals,
    )
    canvas = Canvas(width, height)
    fills = overlays.fills_on(frame, view.fills)
    cross = _crosshair(frame, port, view.tick)
    order_rows = _draw_plot(canvas, frame, view, port, look, fills, cross)
    _draw_below(canvas, frame, parts, look)
    if parts.info:
        _draw_info(canvas, frame, view, port, look, fills, cross)
    lines = canvas.lines(styles, ascii_only=look.ascii_only, before=before.lines if before else ())
    older = series.older_than(candles[0].time)
    return Picture(
        lines=lines, frame=frame, order_rows=order_rows, cross=cross, wants_older=older < room * zoom.merge
    )


def _crosshair(frame: overlays.Frame, port: Port, tick: float) -> overlays.Crosshair | None:
    if port.probe is not None:
        return overlays.key_crosshair(frame, port.probe, port.level)
    return overlays.mouse_crosshair(frame, *port.cursor, tick) if port.cursor is not None else None


def _draw_plot(
    canvas: Canvas,
    frame: overlays.Frame,
    view: ChartView,
    port: Port,
    look: Look,
    fills: dict[int, list[ChartFill]],
    cross: overlays.Crosshair | None,
) -> dict[int, str]:
    draw_candles(
        canvas,
        frame.candles,
        left=frame.first_x,
        top=frame.top,
        scale=frame.scale,
        zoom=frame.zoom,
        hollow=look.monochrome,
    )
    overlays.draw_fills(canvas, frame, fills)
    overlays.draw_average(canvas, frame, view)
    last = view.live.close if view.live is not None else view.bars.close[-1]
    crowded = overlays.crowded_rows(frame, view, last)
    order_rows = overlays.draw_orders(canvas, frame, view, port.selected_order_id, crowded=crowded)
    newest = frame.candles[-1]
    overlays.draw_last(canvas, frame, last, rose=last >= newest.open)
    if cross is not None:
        overlays.draw_crosshair(canvas, frame, cross, frame.top + frame.rows)
    overlays.draw_axis(canvas, frame, view.tick)
    return order_rows


def _draw_below(canvas: Canvas, frame: overlays.Frame, parts: Layout, look: Look) -> None:
    bottom = frame.top + frame.rows
    if parts.volume:
        most = draw_volume(
            canvas, frame.candles, left=frame.first_x, top=bottom, rows=parts.volume, zoom=frame.zoom
        )
        if parts.axis:
            canvas.text(frame.width + 1, bottom, numbers.compact(most), Role.MUTED)
    y = bottom + parts.volume
    overlays.draw_times(canvas, frame, y if parts.times else None, y, look.zone)


_BETWEEN: Final = 2
_WEEKDAY: Final = len("Wed ")


def _draw_info(
    canvas: Canvas,
    frame: overlays.Frame,
    view: ChartView,
    port: Port,
    look: Look,
    fills: dict[int, list[ChartFill]],
    cross: overlays.Crosshair | None,
) -> None:
    """The line on top: as many facts as fit, the most wanted first."""
    shown = len(frame.candles) - 1 if cross is None else cross.number
    candle = frame.candles[shown]
    x = canvas.text(0, 0, _heading(frame, view), Role.STRONG)
    facts = _facts(frame, view, candle, fills.get(shown, []), look, cross)
    if port.end is not None:
        facts.insert(1, ("scrolled back", Role.WARN))
    for text, role in facts:
        if text and x + _BETWEEN + len(text) <= canvas.width:
            x = canvas.text(x + _BETWEEN, 0, text, role)


def _facts(
    frame: overlays.Frame,
    view: ChartView,
    candle: Candle,
    fills: list[ChartFill],
    look: Look,
    cross: overlays.Crosshair | None,
) -> list[tuple[str, Role]]:
    """What there is to say about a candle, the most wanted first; `cross` is there if the user asks about this one."""
    role = Role.CANDLE_UP if candle.rose else Role.CANDLE_DOWN
    decimals = frame.decimals
    when, width = _when(frame, candle, look), frame.width + frame.axis
    traded = "  ".join(
        f"{'BUY' if fill.side is Side.BUY else 'SELL'} {fill.size} @ {numbers.price(fill.price, decimals)}"
        for fill in fills
    )
    volume = f"V {numbers.compact(candle.volume)}"
    busy = [("loading…" if view.loading else "", Role.WARN), (view.note, Role.WARN)]
    change = (numbers.signed_price(candle.close - candle.open, decimals), role)
    if cross is not None:
        room = width - len(_heading(frame, view)) - len(when) - len(volume) - 3 * _BETWEEN
        prices = _prices(candle, decimals, room, dense=True)
        if prices.startswith("C"):  # the day of the week is wanted less than open, high and low
            when = when[_WEEKDAY:]
            prices = _prices(candle, decimals, room + _WEEKDAY, dense=True)
        return [
            (when, Role.TEXT),
            (prices, role),
            (traded, Role.ACCENT),
            (volume, Role.TEXT),
            *busy,
            (f"at {numbers.price(cross.price, decimals)}", Role.MUTED),
            change,
        ]
    return [
        (_prices(candle, decimals, width - len(view.name) - 8), role),
        *busy,
        (traded, Role.ACCENT),
        (volume, Role.TEXT),
        change,
        ("live" if candle.live else when, Role.MUTED),
    ]


def _prices(candle: Candle, decimals: int, room: int, *, dense: bool = False) -> str:
    """Open, high, low and close if they fit, `dense` if need be, or the close alone."""
    o, h, low, c = (
        numbers.price(value, decimals) for value in (candle.open, candle.high, candle.low, candle.close)
    )
    forms = [f"O {o}  H {h}  L {low}  C {c}"]
    if dense:
        forms.append(f"O{o} H{h} L{low} C{c}")
    return next((form for form in forms if len(form) <= room), f"C {c}")


def _heading(frame: overlays.Frame, view: ChartView) -> str:
    merged = f" ×{frame.zoom.merge}" if frame.zoom.merge > 1 else ""
    return f"{view.name} {view.timeframe}{merged}"


def _when(frame: overlays.Frame, candle: Candle, look: Look) -> str:
    if frame.seconds < 86_400:
        return numbers.local_time(candle.time, look.zone).strftime("%a %d %b %H:%M")
    return trading_day(candle.time, look.zone).strftime("%a %d %b %Y")


def _why_empty(view: ChartView) -> str:
    if view.loading:
        return f"Loading {view.name} {view.timeframe}…"
    if view.note:
        return f"No {view.timeframe} bars of {view.name}: {view.note}"
    return f"No {view.timeframe} bars of {view.name} yet. The first one appears with the next trade."


def _message(text: str, look: Look, styles: Styles, width: int, height: int) -> Picture:
    canvas = Canvas(width, height)
    lines = wrap(text, max(width - 4, 1))
    for number, line in enumerate(lines):
        canvas.text(max((width - len(line)) // 2, 0), (height - len(lines)) // 2 + number, line, Role.MUTED)
    return Picture(lines=canvas.lines(styles, ascii_only=look.ascii_only))
