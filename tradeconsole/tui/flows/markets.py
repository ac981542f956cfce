"""Choosing what is watched: instruments, timeframes, and the part of the chart."""

from functools import partial

import msgspec

from tradeconsole.domain.instruments import Instrument
from tradeconsole.errors import TradeConsoleError
from tradeconsole.tui.desk import ChartMove, Desk
from tradeconsole.tui.dialogs.choose_symbol import ChooseSymbol
from tradeconsole.views.session import Focus, Search, Session

TIMEFRAMES = ("1m", "5m", "15m", "1h", "1d")


async def choose_symbol(desk: Desk) -> None:
    """Another instrument for ticket and chart."""
    chosen = await _choose(desk, "Instrument of ticket and chart")
    if chosen is not None:
        desk.look_at(msgspec.structs.replace(desk.watching, symbol=chosen.instrument_id))


async def add_symbol(desk: Desk) -> None:
    chosen = await _choose(desk, "Add to the watchlist")
    if chosen is None or desk.live_session is None:
        return
    try:
        await desk.live_session.add_symbol(chosen.symbol)
    except TradeConsoleError as error:
        desk.say(str(error), "error")
    else:
        desk.say(f"{chosen.symbol} is on the watchlist.")


async def remove_symbol(desk: Desk) -> None:
    row = desk.selected_symbol()
    if row is None:
        desk.say("Select the instrument to remove first: ↓ in the watchlist.", "warning")
        return
    if desk.live_session is None:
        return
    try:
        await desk.live_session.remove_symbol(row.symbol)
    except TradeConsoleError as error:
        desk.say(str(error), "error")
    else:
        desk.say(f"{row.symbol} is off the watchlist.")


async def _choose(desk: Desk, heading: str) -> Instrument | None:
    session = desk.live_session
    if session is None:
        desk.say("The engine is not connected.", "warning")
        return None
    return await desk.ask(ChooseSymbol(heading, partial(_find, session), desk.appearance.quiet))


async def _find(session: Session, text: str) -> tuple[Instrument, ...]:
    return await session.search(Search(text))


async def timeframe(desk: Desk) -> None:
    _turn_timeframe(desk, 1)


async def timeframe_back(desk: Desk) -> None:
    _turn_timeframe(desk, -1)


def _turn_timeframe(desk: Desk, step: int) -> None:
    current = desk.watching.timeframe
    at = TIMEFRAMES.index(current) if current in TIMEFRAMES else 0
    chosen = TIMEFRAMES[(at + step) % len(TIMEFRAMES)]
    desk.look_at(msgspec.structs.replace(desk.watching, timeframe=chosen, bars=Focus().bars))


async def move_chart(move: ChartMove, desk: Desk) -> None:
    desk.move_chart(move)
