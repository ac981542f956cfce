"""The whole chart: any size, what is on it, and what stands at its edges."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from factories import NOW, make_bars, make_chart_view
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.strip import Strip

from tradeconsole.domain.market import BarSeries
from tradeconsole.domain.orders import OrderRole, Side
from tradeconsole.tui.render.chart import Picture, Port, draw_chart, room_in, series_of
from tradeconsole.tui.render.overlays import Frame
from tradeconsole.tui.render.palette import Look, Role, default_look, styles_of
from tradeconsole.tui.render.series import ZOOMS
from tradeconsole.views.models import ChartFill, ChartOrder, ChartView

LOOK = default_look()
STYLES = styles_of(LOOK.colors)
VIEW = make_chart_view()
BARE = make_chart_view(orders=(), fills=(), average_price=None, position=0)


def draw(
    view: ChartView | None = VIEW, width: int = 100, height: int = 30, look: Look = LOOK, **port: Any
) -> Picture:
    return draw_chart(view, Port(**port), look, STYLES, width, height)


def strips(picture: Picture) -> list[Strip]:
    return [line.strip for line in picture.lines]


def lines(picture: Picture) -> list[str]:
    return [strip.text for strip in strips(picture)]


def line_with(picture: Picture, text: str) -> str:
    return next(line for line in lines(picture) if text in line)


@given(
    width=st.integers(0, 170),
    height=st.integers(0, 50),
    zoom=st.integers(0, len(ZOOMS) - 1),
    bars=st.integers(0, 40),
    plain=st.booleans(),
    cursor=st.none() | st.tuples(st.integers(-2, 170), st.integers(-2, 50)),
)
@settings(max_examples=120, deadline=None)
def test_any_size_is_filled_exactly(
    width: int, height: int, zoom: int, bars: int, plain: bool, cursor: tuple[int, int] | None
) -> None:
    look = msgspec.structs.replace(LOOK, ascii_only=plain, monochrome=plain)
    picture = draw(make_chart_view(bars=bars), width, height, look, zoom=zoom, cursor=cursor)
    expected = height if width and height else 0
    assert [strip.cell_length for strip in strips(picture)] == [width] * expected
    assert all(sum(len(segment.text) for segment in strip) == width for strip in strips(picture))
    if plain:
        assert all(line.isascii() for line in lines(picture))


def test_the_top_line_tells_of_the_newest_bar() -> None:
    assert lines(draw())[0].startswith(
        "MNQZ6 1m  O 20,122.50  H 20,124.75  L 20,121.25  C 20,123.25  V 412  +0.75  live"
    )


def test_the_top_line_tells_of_the_bar_under_the_mouse_in_exchange_time() -> None:
    picture = draw()
    frame = picture.frame
    assert frame is not None
    number = len(frame.candles) - 7
    candle = frame.candles[number]
    picture = draw(cursor=(frame.first_x + number * frame.zoom.slot, 10))
    top = lines(picture)[0]
    assert f"C {candle.close:,.2f}" in top
    assert "Wed 14 Oct 09:25" in top
    assert datetime.fromtimestamp(candle.time, UTC).strftime("%H:%M") == "14:25"
    assert "BUY 2 @ 20,110.00" in top


def test_the_cursor_puts_a_price_on_the_tick_grid_on_the_axis() -> None:
    frame = draw().frame
    assert frame is not None
    picture = draw(cursor=(frame.first_x, 3))
    tag = [segment for segment in strips(picture)[3] if segment.style == STYLES[Role.TAG_CURSOR]]
    price = float(tag[0].text.replace(",", ""))
    assert price * 4 == round(price * 4)
    assert frame.scale.row(price) == 3 - frame.top


def test_a_cursor_beside_the_candles_points_at_nothing() -> None:
    assert lines(draw(cursor=(99, 5))) == lines(draw())


def test_the_crosshair_of_the_keyboard_reads_a_whole_bar_even_in_80_columns() -> None:
    candle = framed(draw(width=78)).candles[-7]
    picture = draw(BARE, width=78, probe=candle.time)
    prices = f"O{candle.open:,.2f} H{candle.high:,.2f} L{candle.low:,.2f} C{candle.close:,.2f}"
    assert f"  14 Oct 09:25  {prices}  V " in lines(picture)[0]


def test_the_crosshair_of_the_keyboard_stands_on_the_close_of_its_bar() -> None:
    candle = framed(draw()).candles[-20]
    picture = draw(BARE, probe=candle.time)
    cross = picture.cross
    assert cross is not None
    assert cross.price == candle.close
    tag = [segment for segment in strips(picture)[cross.y] if segment.style == STYLES[Role.TAG_CURSOR]]
    assert tag[0].text.strip() == f"{candle.close:,.2f}"
    assert "┊" in {line[cross.x] for line in lines(picture)}


def test_the_crosshair_names_the_price_that_it_was_moved_to() -> None:
    frame = framed(draw(BARE))
    level = frame.price_at(3, 0.25)
    picture = draw(BARE, width=140, probe=frame.candles[-20].time, level=level)
    assert f"at {level:,.2f}" in lines(picture)[0]
    assert picture.cross is not None
    assert picture.cross.y == frame.top + 3


def test_the_keyboard_goes_before_a_mouse_that_rests_on_the_chart() -> None:
    frame = framed(draw())
    time = frame.candles[-20].time
    assert lines(draw(probe=time, cursor=(frame.first_x, 5))) == lines(draw(probe=time))


def test_a_crosshair_on_a_bar_that_is_out_of_sight_is_not_drawn() -> None:
    assert lines(draw(probe=0)) == lines(draw())


def test_a_line_marks_where_the_trading_day_rolls() -> None:
    roll = int(datetime(2026, 10, 13, 17, tzinfo=LOOK.zone).timestamp())
    bars = make_bars(60, end=datetime.fromtimestamp(roll + 30 * 60, UTC))
    picture = draw(
        make_chart_view(bars=1, live=None, orders=(), fills=(), position=0).model_copy(update={"bars": bars})
    )
    frame = framed(picture)
    x = frame.first_x + [candle.time for candle in frame.candles].index(roll) * frame.zoom.slot
    marked = {line.index("╎") for line in lines(picture) if "╎" in line}
    assert marked == {x}
    assert lines(picture)[-1][x:].startswith("Wed 14")


def framed(picture: Picture) -> Frame:
    assert picture.frame is not None
    return picture.frame


def test_every_working_order_has_a_line_with_label_and_price() -> None:
    picture = draw()
    assert "▼ STOP 2 ╌" in line_with(picture, "20,100.00")
    assert "▼ TARGET 2 ╌" in line_with(picture, "20,130.00")
    assert "▲ LMT 2 " in line_with(picture, "20,095.00")
    assert set(picture.order_rows.values()) == {"tc-01", "tc-11", "tc-12"}
    for row, order_id in picture.order_rows.items():
        order = next(order for order in VIEW.orders if order.order_id == order_id)
        assert f"{order.price:,.2f}" in lines(picture)[row]


def test_the_selected_order_stands_out_in_shape() -> None:
    assert "━" in line_with(draw(selected_order_id="tc-11"), "20,100.00")
    assert "━" not in line_with(draw(selected_order_id="tc-12"), "20,100.00")


def test_orders_in_one_row_keep_both_labels() -> None:
    near = [
        ChartOrder(order_id=name, price=20_110.0, label=name, side=Side.BUY, role=OrderRole.ENTRY)
        for name in ("ONE", "TWO")
    ]
    picture = draw(make_chart_view(orders=tuple(near), average_price=None, fills=()))
    assert "▲ ONE 20,110.00  ▲ TWO 20,110.00" in line_with(picture, "ONE")


def test_an_order_whose_row_the_last_price_shares_still_shows_its_price() -> None:
    target = ChartOrder(
        order_id="t", price=20_123.5, label="TARGET 2", side=Side.SELL, role=OrderRole.TAKE_PROFIT
    )
    picture = draw(make_chart_view(orders=(target,), fills=(), average_price=None), height=16)
    line = line_with(picture, "TARGET")
    assert "▼ TARGET 2 20,123.50" in line
    assert line.rstrip().endswith("20,123.25")


def test_orders_far_away_are_arrows_at_the_edge_and_leave_the_scale_alone() -> None:
    far = (
        ChartOrder(order_id="far", price=30_000.0, label="LMT 1", side=Side.SELL, role=OrderRole.ENTRY),
        ChartOrder(order_id="low", price=10_000.0, label="STOP 1", side=Side.SELL, role=OrderRole.STOP_LOSS),
    )
    picture = draw(make_chart_view(orders=far, fills=(), average_price=None, position=0))
    plain = draw(BARE)
    assert picture.frame is not None
    assert plain.frame is not None
    assert picture.frame.scale == plain.frame.scale
    top, bottom = picture.frame.top, picture.frame.top + picture.frame.rows - 1
    assert "↑ ▼ LMT 1 30,000.00" in lines(picture)[top]
    assert "↓ ▼ STOP 1 10,000.00" in lines(picture)[bottom]
    assert picture.order_rows == {}


def test_the_average_price_carries_the_position() -> None:
    line = line_with(draw(), "20,110.00")
    assert " L 2 " in line
    assert "──" in line
    assert all("──" not in line for line in lines(draw(BARE)))


def test_the_last_price_is_tagged_on_the_axis() -> None:
    picture = draw(BARE)
    tags = [
        segment.text.strip()
        for strip in strips(picture)
        for segment in strip
        if segment.style == STYLES[Role.TAG_UP]
    ]
    assert tags == ["20,123.25"]


def test_fills_are_marked_on_their_bars_buys_below_and_sells_above() -> None:
    fills = (
        ChartFill(time=NOW.timestamp() - 600, price=20_100.0, side=Side.BUY, size=1),
        ChartFill(time=NOW.timestamp() - 1200, price=20_100.0, side=Side.SELL, size=1),
        ChartFill(time=NOW.timestamp() - 10**7, price=20_100.0, side=Side.SELL, size=1),
    )
    view = make_chart_view(orders=(), average_price=None, fills=fills)
    picture = draw(view)
    frame = picture.frame
    assert frame is not None
    text = lines(picture)
    marks = {(x, y): char for y, line in enumerate(text) for x, char in enumerate(line) if char in "▲▼"}
    assert sorted(marks.values()) == ["▲", "▼"]
    for (x, y), char in marks.items():
        number = frame.candle_at(x)
        assert number is not None
        candle = frame.candles[number]
        wanted = fills[0] if char == "▲" else fills[1]
        assert candle.time <= wanted.time < candle.time + 60
        if char == "▲":
            assert y - frame.top > frame.scale.row(candle.low)
        else:
            assert y - frame.top < frame.scale.row(candle.high)


def test_candles_are_drawn_where_the_axis_says() -> None:
    picture = draw(BARE)
    frame = picture.frame
    assert frame is not None
    for number, candle in enumerate(frame.candles):
        x = frame.first_x + number * frame.zoom.slot
        column = [lines(picture)[frame.top + row][x] for row in range(frame.rows)]
        drawn = [row for row, char in enumerate(column) if char in "│╷╵┃╻╹╽╿"]
        assert drawn[0] == frame.scale.row(candle.high)
        assert drawn[-1] == frame.scale.row(candle.low)


def test_small_charts_give_up_volume_then_times_then_the_axis() -> None:
    large, low, lower, thin = draw(BARE), draw(BARE, height=10), draw(BARE, height=5), draw(BARE, width=20)
    assert "2,773" in "".join(lines(large))
    assert "09:15" in lines(low)[-1]
    assert not any("█" in line for line in lines(low))
    assert "09:15" not in "".join(lines(lower))
    assert lower.frame is not None
    assert lower.frame.axis > 0
    assert thin.frame is not None
    assert thin.frame.axis == 0
    assert thin.frame.width == 20


def test_without_colour_the_picture_differs_in_shape() -> None:
    assert lines(draw(look=msgspec.structs.replace(LOOK, monochrome=True))) != lines(draw())


def test_scrolled_back_the_picture_says_so() -> None:
    end = series_of(VIEW, 5).scrolled(None, -20, room_in(89, 5))
    picture = draw(end=end)
    assert "scrolled back" in lines(picture)[0]
    assert "live" not in lines(picture)[0]


def test_merged_bars_say_how_many() -> None:
    assert lines(draw(make_chart_view(bars=2000), zoom=0))[0].startswith("MNQZ6 1m ×20  O ")


@pytest.mark.parametrize(("bars", "wanted"), [(300, False), (70, True)])
def test_the_picture_wants_older_bars_when_less_than_another_one_is_left(bars: int, wanted: bool) -> None:
    assert draw(make_chart_view(bars=bars)).wants_older is wanted


def test_a_daily_bar_is_named_by_its_trading_day() -> None:
    picture = draw(make_chart_view(timeframe="1d", live=None))
    assert "Tue 13 Oct 2026" in lines(picture)[0]


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (None, "Waiting for the engine"),
        (make_chart_view(bars=0, live=None, loading=True), "Loading MNQZ6 1m"),
        (make_chart_view(bars=0, live=None, note="market closed until Sunday 17:00"), "closed until Sunday"),
        (make_chart_view(bars=0, live=None), "yet"),
    ],
)
def test_a_chart_without_bars_says_why(view: ChartView | None, said: str) -> None:
    picture = draw(view, 80, 10)
    assert said in " ".join(line.strip() for line in lines(picture))
    assert picture.frame is None


def test_bars_that_arrive_while_older_ones_load_are_shown() -> None:
    assert "loading…" in lines(draw(make_chart_view(loading=True)))[0]


def test_a_market_that_never_moved_is_a_line_in_the_middle() -> None:
    flat = BarSeries.from_bars([])
    live = VIEW.live
    assert live is not None
    still = live.model_copy(update={"open": 5.0, "high": 5.0, "low": 5.0, "close": 5.0, "volume": 0})
    picture = draw(
        make_chart_view(bars=0, live=still, orders=(), fills=(), average_price=None).model_copy(
            update={"bars": flat}
        )
    )
    assert picture.frame is not None
    row = picture.frame.scale.row(5.0)
    assert 0 < row < picture.frame.rows - 1
