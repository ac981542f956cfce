"""How many market messages a second one core takes from hub bytes to book, bars and session marks."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from feed import FeedBroker, ListedSocket, Tape, make_engine
from reporting import Figure, report

from tradeconsole.engine.thread import EngineThread
from tradeconsole.views.local import LocalSession
from tradeconsole.views.sections import SessionInfo
from tradeconsole.views.session import Focus

MESSAGES = 20_000
RECORDS = 10
GOAL = 50_000
ROUNDS = 3

METHOD = f"""
event: one record (a sparse quote, or a print of the tape) as the text of a WebSocket message, until the book has it,
bars are built and the sections of the screen are marked; hub code, bus, book, charts and session are the real ones,
the socket is a list. Meanwhile a front end takes 10 frames/s of the trade screen (its cost is included).
{MESSAGES * RECORDS:,} records in messages of {RECORDS}; process CPU time, best of {ROUNDS} rounds
"""


async def _measure(prints_every: int) -> float:
    """Records per second of CPU."""
    engine = make_engine(FeedBroker)
    session = LocalSession(EngineThread(), engine, SessionInfo(profile="bench"))
    await engine.start()
    while len(engine.watchlist) < 6:
        await asyncio.sleep(0.01)
    await session._watch(Focus(symbol="MNQ", bars=500))
    reader = asyncio.get_running_loop().create_task(_take_frames(session))
    await asyncio.sleep(0.3)
    tape, start = Tape(prints_every=prints_every), datetime.now(UTC)
    messages = [tape.message(RECORDS, start + timedelta(milliseconds=number)) for number in range(MESSAGES)]
    assert isinstance(engine.broker, FeedBroker)
    began = time.process_time()
    await engine.broker.listen(ListedSocket(messages))
    taken = time.process_time() - began
    reader.cancel()
    with suppress(asyncio.CancelledError):
        await reader
    await engine.stop()
    assert all(quote.bid for quote in engine.book.quotes.values()), "the book must have heard the tape"
    return MESSAGES * RECORDS / taken


async def _take_frames(session: LocalSession) -> None:
    while True:
        await session._next_frame()


def main() -> None:
    quotes = max(asyncio.run(_measure(0)) for _ in range(ROUNDS))
    mixed = max(asyncio.run(_measure(4)) for _ in range(ROUNDS))
    report(
        "Hub bytes to book, bars and session marks",
        METHOD,
        [
            Figure(name="quotes, hub bytes to book", value=quotes, unit="1/s", budget=GOAL, at_least=True),
            Figure(
                name="4 quotes : 1 print, hub bytes to book and bars",
                value=mixed,
                unit="1/s",
                budget=GOAL,
                at_least=True,
            ),
        ],
    )


if __name__ == "__main__":
    main()
