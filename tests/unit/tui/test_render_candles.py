"""Candles and volume drawn by hand-checked examples: half cells, zoom, hollow bodies, ASCII."""

from tradeconsole.tui.render.candles import draw_candles, draw_volume
from tradeconsole.tui.render.canvas import Canvas
from tradeconsole.tui.render.palette import Role, default_look, styles_of
from tradeconsole.tui.render.scale import PriceScale
from tradeconsole.tui.render.series import ZOOMS, Candle, Zoom

STYLES = styles_of(default_look().colors)
SCALE = PriceScale(0.0, 9.0, 5)
"""Ten half cells; the upper half of row 0 is 9, the lower half of row 4 is 0."""

RISING = Candle(0, 2.0, 9.0, 0.0, 7.0, 8)
FALLING = Candle(60, 7.0, 9.0, 0.0, 2.0, 4)
NARROW, WIDE = Zoom(2, 1, 1), Zoom(4, 3, 1)


def draw(*candles: Candle, zoom: Zoom = NARROW, hollow: bool = False, ascii_only: bool = False) -> list[str]:
    canvas = Canvas(len(candles) * zoom.slot, 5)
    draw_candles(canvas, candles, left=0, top=0, scale=SCALE, zoom=zoom, hollow=hollow)
    return [line.strip.text.rstrip() for line in canvas.lines(STYLES, ascii_only=ascii_only)]


def test_a_candle_is_a_wick_with_a_heavy_body_half_a_cell_fine() -> None:
    assert draw(RISING) == ["│", "┃", "┃", "┃", "│"]
    assert draw(Candle(0, 3.0, 8.0, 1.0, 6.0, 1)) == ["╷", "╽", "┃", "╿", "╵"]


def test_a_candle_that_did_not_move_is_half_a_cell() -> None:
    assert draw(Candle(0, 5.0, 5.0, 5.0, 5.0, 1)) == ["", "", "╹", "", ""]
    assert draw(Candle(0, 4.0, 4.0, 4.0, 4.0, 1)) == ["", "", "╻", "", ""]


def test_rising_and_falling_differ_in_colour() -> None:
    canvas = Canvas(4, 5)
    draw_candles(canvas, (RISING, FALLING), left=0, top=0, scale=SCALE, zoom=NARROW, hollow=False)
    first, second = canvas.lines(STYLES)[1].strip
    assert first.style == STYLES[Role.CANDLE_UP]
    assert second.style == STYLES[Role.CANDLE_DOWN]


def test_wide_candles_have_a_block_for_a_body() -> None:
    assert draw(FALLING, zoom=WIDE) == [" │", "███", "███", "███", " │"]
    assert draw(Candle(0, 6.0, 8.0, 1.0, 3.0, 1), zoom=WIDE) == [" ╷", "▄▄▄", "███", "▀▀▀", " ╵"]


def test_without_colour_a_rising_body_is_hollow_and_a_falling_one_filled() -> None:
    assert draw(RISING, FALLING, hollow=True) == ["│ │", "║ ┃", "║ ┃", "║ ┃", "│ │"]
    assert draw(RISING, FALLING, zoom=WIDE, hollow=True) == [
        " │   │",
        "┌┴┐ ███",
        "│ │ ███",
        "└┬┘ ███",
        " │   │",
    ]


def test_a_hollow_body_of_one_row_is_still_no_filled_one() -> None:
    assert draw(Candle(0, 4.0, 5.0, 4.0, 5.0, 1), zoom=WIDE, hollow=True) == ["", "", "╞═╡", "", ""]


def test_candles_in_ascii_keep_direction_and_wick() -> None:
    assert draw(RISING, FALLING, hollow=True, ascii_only=True) == ["| |", "O #", "O #", "O #", "| |"]


def test_candles_outside_the_canvas_are_clipped() -> None:
    canvas = Canvas(3, 2)
    draw_candles(canvas, (RISING,) * 9, left=-2, top=-1, scale=SCALE, zoom=NARROW, hollow=False)
    assert [line.strip.cell_length for line in canvas.lines(STYLES)] == [3, 3]


def test_volume_fills_its_pane_in_eighths() -> None:
    canvas = Canvas(4, 2)
    assert draw_volume(canvas, (RISING, FALLING), left=0, top=0, rows=2, zoom=NARROW) == 8
    assert [line.strip.text for line in canvas.lines(STYLES)] == ["█   ", "█ █ "]


def test_the_smallest_volume_is_still_visible() -> None:
    canvas = Canvas(4, 2)
    crumb = Candle(60, 7.0, 9.0, 0.0, 2.0, 1)
    draw_volume(canvas, (Candle(0, 1.0, 1.0, 1.0, 1.0, 10_000), crumb), left=0, top=0, rows=2, zoom=NARROW)
    assert canvas.lines(STYLES)[1].strip.text == "█ ▁ "


def test_no_volume_draws_nothing() -> None:
    canvas = Canvas(2, 2)
    still = Candle(0, 1.0, 1.0, 1.0, 1.0, 0)
    assert draw_volume(canvas, (still,), left=0, top=0, rows=2, zoom=NARROW) == 0
    assert draw_volume(canvas, (), left=0, top=0, rows=2, zoom=NARROW) == 0
    assert canvas.lines(STYLES)[0].strip.text == "  "


def test_every_zoom_level_has_a_body_with_a_middle_inside_its_slot() -> None:
    for zoom in ZOOMS:
        assert zoom.body % 2 == 1
        assert zoom.body <= zoom.slot
        assert zoom.merge == 1 or zoom.slot == 1
    widths = [zoom.slot / zoom.merge for zoom in ZOOMS]
    assert widths == sorted(widths)


def test_what_is_drawn_behind_never_covers_what_is_drawn() -> None:
    canvas = Canvas(6, 1)
    end = canvas.text(1, 0, "A B", Role.TEXT)
    canvas.row_under(0, 6, "-", Role.FAINT)
    canvas.under(0, 0, "x", Role.FAINT)
    assert end == 4
    assert canvas.lines(STYLES)[0].strip.text == "-A B--"


def test_cells_beside_a_tag_do_not_take_its_background() -> None:
    canvas = Canvas(4, 1)
    canvas.put(0, 0, "a", Role.TAG_UP)
    canvas.put(2, 0, "b", Role.UP)
    tag, rest, mark = canvas.lines(STYLES)[0].strip
    assert (tag.text, tag.style) == ("a", STYLES[Role.TAG_UP])
    assert (rest.text, rest.style) == (" ", STYLES[Role.TEXT])
    assert (mark.text, mark.style) == ("b ", STYLES[Role.UP])
