"""How long a chart of 10,000 bars takes: from PostgreSQL to a drawn frame, and from memory."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from feed import INSTRUMENTS, FeedBroker, ForgetfulJournal, wavy_bars
from processes import Home
from reporting import Figure, quantile, report

from tradeconsole.domain.market import BarSeries, Span, Timeframe
from tradeconsole.domain.sessions import load_calendar
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.thread import EngineThread
from tradeconsole.settings import shipped
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.store import Store
from tradeconsole.tui.render.chart import Port, draw_chart
from tradeconsole.tui.render.palette import default_look, styles_of
from tradeconsole.views.local import LocalSession
from tradeconsole.views.models import ChartView
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Focus

BARS = 10_000
ROUNDS = 15
SIZE = (160, 45)

METHOD = f"""
event: `watch` of a chart of {BARS:,} one-minute bars, until the frame that holds them all is built (all its sections)
and the chart of it is drawn at {SIZE[0]}×{SIZE[1]} cells. From PostgreSQL: an engine with nothing in memory, the embedded
server over its socket. From memory: the same engine turns to another timeframe and back. {ROUNDS} rounds, wall time
"""


class CountingBroker(FeedBroker):
    """Counts how often it was asked for bars of minutes."""

    asked = 0

    async def get_historical_data(self, instrument_id: str, timeframe: Timeframe, span: Span) -> BarSeries:
        self.asked += str(timeframe) == "1m"
        return await super().get_historical_data(instrument_id, timeframe, span)


async def _first_picture(session: LocalSession, timeframe: str, bars: int) -> float:
    """Seconds from `watch` to the drawn chart with that many bars."""
    began = time.perf_counter()
    await session._watch(Focus(symbol="MNQ", timeframe=timeframe, bars=bars))
    while True:
        view = (await session._next_frame()).chart
        if view is not None and view.timeframe == timeframe and len(view.bars) >= bars:
            _draw(view)
            return time.perf_counter() - began


def _draw(view: ChartView) -> None:
    look = default_look()
    picture = draw_chart(view, Port(), look, styles_of(look.colors, None), *SIZE)
    assert len(picture.lines) == SIZE[1]


async def _round(store: Store) -> tuple[float, float]:
    """Seconds from PostgreSQL and from memory, with an engine of its own."""
    engine = Engine(
        make_broker=CountingBroker,
        journal=ForgetfulJournal(),
        bars=store.bars,
        calendar=load_calendar("continuous"),
        options=EngineOptions(watchlist=("MNQ",)),
    )
    session = LocalSession(EngineThread(), engine, SessionInfo(profile="bench"), fps=1_000)
    await engine.connection.log_in()
    await engine.connection.resolve("MNQ")
    assert isinstance(engine.broker, CountingBroker)
    stored = await _first_picture(session, "1m", BARS)
    assert engine.broker.asked == 0, "all bars must come from PostgreSQL"
    await _first_picture(session, "5m", 100)
    kept = await _first_picture(session, "1m", BARS)
    await session._close()
    await engine.stop()
    return stored, kept


async def _measure(home: Home) -> list[tuple[float, float]]:
    store = Store(
        EmbeddedServer(home.data / "postgres"),
        home.data / "spool",
        broker="bench",
        migrations=shipped("migrations"),
    )
    await store.open()
    found, minute = INSTRUMENTS["MNQ"], Timeframe.parse("1m")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    # some of the future too, so that no minute that passes meanwhile has to be asked for
    span = Span(now - timedelta(days=10), now + timedelta(hours=1))
    await store.bars.save(found.instrument_id, minute, wavy_bars(found, minute, span), span)
    rounds = [await _round(store) for _ in range(ROUNDS)]
    await store.close()
    return rounds


def main() -> None:
    with Home() as home:
        rounds = asyncio.run(_measure(home))
    stored = [each[0] * 1e3 for each in rounds]
    kept = [each[1] * 1e3 for each in rounds]
    report(
        f"Chart of {BARS:,} bars",
        METHOD,
        [
            Figure(
                name="chart of 10,000 bars from PostgreSQL, median",
                value=quantile(stored, 0.5),
                unit="ms",
                budget=40,
            ),
            Figure(name="chart of 10,000 bars from PostgreSQL, worst", value=max(stored), unit="ms"),
            Figure(
                name="chart of 10,000 bars from memory, median",
                value=quantile(kept, 0.5),
                unit="ms",
                budget=5,
            ),
            Figure(name="chart of 10,000 bars from memory, worst", value=max(kept), unit="ms"),
        ],
    )


if __name__ == "__main__":
    main()
