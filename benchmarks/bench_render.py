"""What drawing costs: candle charts against plotext, streaming tables against Textual's DataTable."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

import msgspec
import plotext
from reporting import Figure, report
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import DataTable, Static

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from factories import make_chart_view, make_quote_row

from tradeconsole.tui.render.chart import Port, draw_chart
from tradeconsole.tui.render.palette import default_look, styles_of
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.watchlist import Watchlist
from tradeconsole.views.models import ChartView, WatchRow

WIDTH, HEIGHT = 160, 45
RUNS, FRAMES = 5, 20
BAR_PER_COLUMN = 4
LOOK = default_look()
STYLES = styles_of(LOOK.colors)
BUDGET = 5.0

METHOD = f"""
{WIDTH}×{HEIGHT} cells; CPU milliseconds of this process per frame, median of {RUNS} runs of {FRAMES} frames
picture: bars in, strips out, 145 candles drawn
screen: new data in, terminal bytes out, through a headless Textual app that draws as fast as it can
table: 200 rows of 8 columns, every number new in every frame, no flashes
"""


class Bench(App[None]):
    """One widget on an otherwise empty screen."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def picture_cost(draw: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    draw()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(FRAMES):
            draw()
        times.append((time.process_time() - start) * 1000 / FRAMES)
    return median(times)


def screen_cost(widget: Widget, change: Callable[[int], object]) -> float:
    """CPU milliseconds from new data to terminal bytes."""

    async def draw(app: Bench, run: int) -> float:
        start = time.process_time()
        for frame in range(FRAMES):
            change(run * FRAMES + frame)
            for _ in range(3):
                await asyncio.sleep(0)
            app.screen._on_timer_update()
        return (time.process_time() - start) * 1000 / FRAMES

    async def measure() -> float:
        app = Bench(widget)
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            await pilot.pause()
            await draw(app, 0)
            return median([await draw(app, run) for run in range(RUNS)])

    return asyncio.run(measure())


def chart_picture(bars: int) -> float:
    view, port = make_chart_view(bars=bars), Port(zoom=BAR_PER_COLUMN)
    return picture_cost(lambda: draw_chart(view, port, LOOK, STYLES, WIDTH, HEIGHT))


def plotext_screen() -> float:
    os.environ |= {"COLUMNS": str(WIDTH), "LINES": str(HEIGHT + 2)}  # it draws no larger than its terminal
    bars = make_chart_view(bars=145).bars
    data = {
        "date": list(range(len(bars))),
        "open": list(bars.open),
        "close": list(bars.close),
        "high": list(bars.high),
        "low": list(bars.low),
    }
    static = Static()

    def change(_: int) -> None:
        plotext.figure.clear()
        plotext.figure.plot_size(WIDTH, HEIGHT)
        plotext.figure.draw(plotext.figure.candlestick(data))
        static.update(Text.from_ansi(str(plotext.figure.build())))

    return screen_cost(static, change)


def chart_screen(bars: int) -> float:
    view = make_chart_view(bars=bars)
    chart = Chart()
    chart.view = view
    random = Random(1)

    def change(_: int) -> None:
        chart.view = ticked(view, random)

    return screen_cost(chart, change)


def ticked(view: ChartView, random: Random) -> ChartView:
    """The same chart after one more trade."""
    assert view.live is not None
    price = 20123.0 + random.randrange(-6, 7) / 4
    live = view.live.model_copy(update={"close": price, "volume": random.randrange(400, 900)})
    return view.model_copy(update={"live": live})


def quotes(frame: int) -> tuple[WatchRow, ...]:
    base = make_quote_row()
    return tuple(
        base.model_copy(
            update={
                "instrument_id": f"I{row}",
                "name": f"N{row:03d}",
                "last": 20_000.0 + (row * 7 + frame * 13) % 400 / 4,
                "bid": 20_000.0 + (row * 5 + frame * 11) % 400 / 4,
                "ask": 20_000.0 + (row * 3 + frame * 17) % 400 / 4,
                "change": (row + frame * 3) % 90 - 45.0,
                "change_percent": ((row + frame * 3) % 90 - 45) / 100,
                "volume": 10_000 + row * frame,
                "age": (frame % 90) / 10,
            }
        )
        for row in range(200)
    )


FEED = [quotes(frame) for frame in range(RUNS * FRAMES)]


def own_table_screen() -> float:
    table = Watchlist()
    table.look = msgspec.structs.replace(LOOK, motion=False)

    def change(frame: int) -> None:
        table.rows = FEED[frame]

    return screen_cost(table, change)


def data_table_screen() -> float:
    table: DataTable[Text] = DataTable(cursor_type="row")
    columns = Watchlist.COLUMNS

    def cells(row: WatchRow) -> list[Text]:
        return [Text(column.cell(row, LOOK)[0].rjust(column.width)) for column in columns]

    def change(frame: int) -> None:
        if not table.columns:
            table.add_columns(*[column.title.rjust(column.width) for column in columns])
            for row in FEED[0]:
                table.add_row(*cells(row))
        for y, row in enumerate(FEED[frame]):
            for x, cell in enumerate(cells(row)):
                table.update_cell_at((y, x), cell)  # type: ignore[arg-type]

    return screen_cost(table, change)


def main() -> None:
    few, many = chart_picture(200), chart_picture(10_000)
    chart_few, chart_many, theirs = chart_screen(200), chart_screen(10_000), plotext_screen()
    own, peer = own_table_screen(), data_table_screen()
    report(
        "Drawing",
        METHOD,
        [
            Figure(name="chart picture, 200 bars", value=few, unit="ms", budget=BUDGET),
            Figure(name="chart picture, 10,000 bars loaded", value=many, unit="ms", budget=BUDGET),
            Figure(name="chart screen, 200 bars, live bar moves", value=chart_few, unit="ms", budget=BUDGET),
            Figure(
                name="chart screen, 10,000 bars, live bar moves", value=chart_many, unit="ms", budget=BUDGET
            ),
            Figure(name="plotext candlestick in a Static, 145 bars", value=theirs, unit="ms"),
            Figure(name="plotext / ours", value=theirs / chart_many, unit="times", budget=15, at_least=True),
            Figure(name="table screen, 200×8 all new", value=own, unit="ms", budget=BUDGET),
            Figure(name="DataTable screen, 200×8 all new", value=peer, unit="ms"),
            Figure(name="DataTable / ours", value=peer / own, unit="times", budget=8, at_least=True),
        ],
    )


if __name__ == "__main__":
    main()
