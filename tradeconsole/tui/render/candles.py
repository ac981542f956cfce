"""Candles and volume in box-drawing characters, half a cell fine; rising and falling also differ in shape if asked."""

from collections.abc import Sequence

from tradeconsole.tui.render.canvas import Canvas
from tradeconsole.tui.render.glyphs import EIGHTHS
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.scale import PriceScale
from tradeconsole.tui.render.series import Candle, Zoom

_NOTHING, _WICK, _BODY = 0, 1, 2

_THIN = {
    (_NOTHING, _WICK): "╷",
    (_WICK, _NOTHING): "╵",
    (_WICK, _WICK): "│",
    (_NOTHING, _BODY): "╻",
    (_BODY, _NOTHING): "╹",
    (_WICK, _BODY): "╽",
    (_BODY, _WICK): "╿",
    (_BODY, _BODY): "┃",
}
"""One column: what the upper and the lower half of a cell hold."""


def draw_candles(
    canvas: Canvas,
    candles: Sequence[Candle],
    *,
    left: int,
    top: int,
    scale: PriceScale,
    zoom: Zoom,
    hollow: bool,
) -> None:
    """Draw candles from `left` to the right, `zoom.slot` columns each.

    Args:
        hollow: rising candles are drawn as outlines, so that no colour is needed to tell them.
    """
    for number, candle in enumerate(candles):
        x = left + number * zoom.slot
        rose = candle.rose
        role = Role.CANDLE_UP if rose else Role.CANDLE_DOWN
        body = scale.half(max(candle.open, candle.close)), scale.half(min(candle.open, candle.close))
        wick = scale.half(candle.high), scale.half(candle.low)
        if zoom.body == 1:
            _thin(canvas, x, top, wick, body, role, hollow=hollow and rose)
        elif hollow and rose:
            _outline(canvas, x, top, wick, body, role, zoom.body)
        else:
            _block(canvas, x, top, wick, body, role, zoom.body)


def _thin(
    canvas: Canvas,
    x: int,
    top: int,
    wick: tuple[int, int],
    body: tuple[int, int],
    role: Role,
    *,
    hollow: bool,
) -> None:
    first, last = wick[0] // 2, wick[1] // 2
    cells = [(_held(2 * row, wick, body), _held(2 * row + 1, wick, body)) for row in range(first, last + 1)]
    text = "".join("║" if hollow and _BODY in cell else _THIN[cell] for cell in cells)
    canvas.column(x, top + first, text, role)


def _block(
    canvas: Canvas, x: int, top: int, wick: tuple[int, int], body: tuple[int, int], role: Role, width: int
) -> None:
    middle = x + width // 2
    for row in range(wick[0] // 2, wick[1] // 2 + 1):
        upper, lower = _held(2 * row, wick, body), _held(2 * row + 1, wick, body)
        if _BODY not in {upper, lower}:
            canvas.put(middle, top + row, _THIN[upper, lower], role)
        else:
            char = "█" if upper == lower else "▀" if upper == _BODY else "▄"
            canvas.text(x, top + row, char * width, role)


def _outline(
    canvas: Canvas, x: int, top: int, wick: tuple[int, int], body: tuple[int, int], role: Role, width: int
) -> None:
    middle, inner = x + width // 2, " " * (width - 2)
    first, last = body[0] // 2, body[1] // 2
    for row in (*range(wick[0] // 2, first), *range(last + 1, wick[1] // 2 + 1)):
        cell = _held(2 * row, wick, body), _held(2 * row + 1, wick, body)
        canvas.put(middle, top + row, _THIN[cell], role)
    if first == last:
        canvas.text(x, top + first, f"╞{'═' * (width - 2)}╡", role)
        return
    canvas.text(x, top + first, f"┌{'─' * (width - 2)}┐", role)
    for row in range(first + 1, last):
        canvas.text(x, top + row, f"│{inner}│", role)
    canvas.text(x, top + last, f"└{'─' * (width - 2)}┘", role)
    if wick[0] // 2 < first:
        canvas.put(middle, top + first, "┴", role)
    if wick[1] // 2 > last:
        canvas.put(middle, top + last, "┬", role)


def _held(half: int, wick: tuple[int, int], body: tuple[int, int]) -> int:
    if body[0] <= half <= body[1]:
        return _BODY
    return _WICK if wick[0] <= half <= wick[1] else _NOTHING


def draw_volume(
    canvas: Canvas, candles: Sequence[Candle], *, left: int, top: int, rows: int, zoom: Zoom
) -> int:
    """Draw volume columns in eighths of a cell; returns the volume that fills the pane."""
    most = max((candle.volume for candle in candles), default=0)
    if most <= 0:
        return 0
    for number, candle in enumerate(candles):
        x = left + number * zoom.slot
        role = Role.VOLUME_UP if candle.rose else Role.VOLUME_DOWN
        eighths = max(round(candle.volume / most * rows * 8), 1 if candle.volume > 0 else 0)
        full, rest = divmod(eighths, 8)
        text = (EIGHTHS[rest] if rest else "") + "█" * full
        for column in range(x, x + zoom.body):
            canvas.column(column, top + rows - len(text), text, role)
    return most
