"""A line through values over time in braille dots, two by four per cell, with its own axes."""

from collections.abc import Sequence
from datetime import tzinfo

from textual.strip import Strip

from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.canvas import Canvas
from tradeconsole.tui.render.palette import Look, Role, Styles
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.views.models import EquityView

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Braille dot of each column and row of a cell."""

_AXIS_FROM = 34
_TIMES_FROM = 5

EMPTY = "No equity yet. The curve begins with the first fill or price of the session."


def draw_curve(curve: EquityView, look: Look, styles: Styles, width: int, height: int) -> list[Strip]:
    """Draw equity into `width` × `height` cells: rising against its start in one colour, falling in the other."""
    canvas = Canvas(width, height)
    if not curve.values or width <= 0 or height <= 0:
        for y, line in enumerate(wrap(EMPTY, max(width - 2, 1))):
            canvas.text(1, y, line, Role.MUTED)
        return [line.strip for line in canvas.lines(styles, ascii_only=look.ascii_only)]
    low, high = _rounded_range(min(curve.values), max(curve.values))
    labels = [_whole(high), _whole((high + low) / 2), _whole(low)]
    axis = max(map(len, labels)) + 1 if width >= _AXIS_FROM else 0
    rows = height - 1 if height >= _TIMES_FROM else height
    plot = width - axis
    start = curve.values[0]
    heights = _sampled(curve, plot * 2)
    scale = (rows * 4 - 1) / (high - low)
    levels = [round((high - value) * scale) for value in heights]
    role = Role.UP if curve.values[-1] >= start else Role.DOWN
    if look.ascii_only:
        _draw_plain(canvas, levels, role)
    else:
        _draw_dots(canvas, levels, role)
    base = round((high - start) * scale) // 4
    canvas.row_under(base, plot, "┈", Role.MUTED)
    if axis:
        for y, label in zip((0, rows // 2, rows - 1), labels, strict=True):
            if y == 0 or rows >= 5 or y == rows - 1:
                canvas.text(plot + 1, y, label, Role.MUTED)
    if rows < height:
        _draw_times(canvas, curve.times[0], curve.times[-1], plot, rows, look.zone)
    return [line.strip for line in canvas.lines(styles, ascii_only=look.ascii_only)]


def _rounded_range(low: float, high: float) -> tuple[float, float]:
    """A range that holds all values and is never empty, so that a cent does not fill the pane."""
    if high - low < 2:
        middle = (high + low) / 2
        return middle - 1, middle + 1
    return low, high


def _sampled(curve: EquityView, dots: int) -> list[float]:
    """One value per dot column: the last one known by then."""
    first, last = curve.times[0], curve.times[-1]
    span = last - first
    if span <= 0:
        return [curve.values[-1]] * dots
    sampled = []
    index = 0
    for dot in range(dots):
        time = first + span * dot / max(dots - 1, 1)
        while index + 1 < len(curve.times) and curve.times[index + 1] <= time:
            index += 1
        sampled.append(curve.values[index])
    return sampled


def _draw_dots(canvas: Canvas, levels: Sequence[int], role: Role) -> None:
    cells: dict[tuple[int, int], int] = {}
    before: int | None = None
    for dot, level in enumerate(levels):
        # join to the neighbour, so that steep moves stay one line
        top, bottom = (level, level) if before is None else (min(level, before), max(level, before))
        for y in range(top, bottom + 1):
            cell = dot // 2, y // 4
            cells[cell] = cells.get(cell, 0) | _DOTS[dot % 2][y % 4]
        before = level
    for (x, row), bits in cells.items():
        canvas.put(x, row, chr(0x2800 + bits), role)


def _draw_plain(canvas: Canvas, levels: Sequence[int], role: Role) -> None:
    for dot in range(0, len(levels), 2):
        canvas.put(dot // 2, levels[dot] // 4, "*", role)


def _draw_times(canvas: Canvas, first: float, last: float, width: int, y: int, zone: tzinfo) -> None:
    begin, end = (numbers.local_time(time, zone).strftime("%H:%M") for time in (first, last))
    canvas.text(0, y, begin, Role.MUTED)
    if width >= 2 * len(end) + 2:
        canvas.text(width - len(end), y, end, Role.MUTED)


def _whole(value: float) -> str:
    return f"{value:,.0f}"
