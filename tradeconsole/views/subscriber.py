"""One front end as the engine sees it: what it looks at, what has gone stale, the next frame. On the engine's loop."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from tradeconsole.domain.events import (
    AccountChanged,
    AccountReported,
    ArmedChanged,
    BarClosed,
    ChannelChanged,
    ChartLoaded,
    Event,
    FillBooked,
    HeartbeatPassed,
    InstrumentResolved,
    NotificationRaised,
    OrderChanged,
    PositionChanged,
    QuoteReceived,
    RoundTripClosed,
    RoundTripVoided,
    StorageChanged,
    Synced,
    TickReceived,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Timeframe
from tradeconsole.engine.engine import Engine
from tradeconsole.views.models import Frame
from tradeconsole.views.sections import Sections, SessionInfo
from tradeconsole.views.session import Focus

_PRICES: Final = frozenset({"header", "watchlist", "positions", "dashboard", "ticket", "chart"})
_ORDERS: Final = frozenset({"orders", "positions", "chart", "dashboard", "ticket"})
_ALL: Final = frozenset(Frame.model_fields)

_MARKS: Final[dict[type, frozenset[str]]] = {
    OrderChanged: _ORDERS,
    FillBooked: frozenset({"fills", "dashboard", "chart", "header"}),
    PositionChanged: _ORDERS | {"header"},
    RoundTripClosed: frozenset({"round_trips", "dashboard"}),
    RoundTripVoided: frozenset({"round_trips", "dashboard"}),
    AccountReported: frozenset({"header", "dashboard"}),
    AccountChanged: frozenset({"header", "dashboard"}),
    ArmedChanged: frozenset({"header", "ticket"}),
    Synced: frozenset({"header", "dashboard", "ticket", "system", "positions"}),
    ChannelChanged: frozenset({"header", "dashboard", "ticket", "positions"}),
    StorageChanged: frozenset({"header"}),
    NotificationRaised: frozenset({"notifications", "header"}),
    InstrumentResolved: frozenset({"watchlist", "ticket", "positions", "orders"}),
    ChartLoaded: frozenset({"chart"}),
    BarClosed: frozenset({"chart"}),
}
_EVERY_SECOND: Final = 4
"""Heartbeats after which ages are shown anew although nothing else happened."""


class Subscriber:
    """Stale sections and the frames made of them, at most `fps` a second."""

    def __init__(self, engine: Engine, info: SessionInfo, fps: float) -> None:
        self._engine = engine
        self._gap = 1 / fps
        self._focus = Focus()
        self._instrument: Instrument | None = None
        self._timeframe = Timeframe.parse(self._focus.timeframe)
        self._stale: set[str] = set(_ALL)
        self._wake = asyncio.Event()
        self._wake.set()
        self._last = 0.0
        self._sections = Sections(engine, info, self)
        engine.bus.subscribe(self._price, QuoteReceived, TickReceived)
        engine.bus.subscribe(self._beat, HeartbeatPassed)
        engine.bus.subscribe(self._event, *_MARKS)
        self._handlers: tuple[Callable[[Any], None], ...] = (self._price, self._beat, self._event)

    @property
    def focus(self) -> Focus:
        return self._focus

    @property
    def account_id(self) -> str | None:
        """The account looked at."""
        return self._focus.account_id or self._engine.default_account()

    @property
    def instrument(self) -> Instrument | None:
        """The instrument of ticket and chart: the chosen one, else the first of the watchlist."""
        if self._instrument is not None:
            return self._instrument
        first = next(iter(self._engine.watchlist), None)
        return self._engine.book.instruments.get(first) if first else None

    @property
    def timeframe(self) -> Timeframe:
        return self._timeframe

    async def watch(self, focus: Focus) -> None:
        """Look at something else.

        Raises:
            InvalidRequest: symbol or timeframe do not exist.
        """
        timeframe = Timeframe.parse(focus.timeframe)
        instrument = None
        if focus.symbol is not None:
            instrument = self._meant(await self._engine.connection.resolve(focus.symbol))
            self._engine.market.want(self, {instrument.instrument_id})
        if focus.account_id is not None:
            await self._engine.attend(focus.account_id)
            self._engine.workbench.use_account(focus.account_id)
        self._focus, self._instrument, self._timeframe = focus, instrument, timeframe
        if not focus.chart:
            self._engine.market.unwatch_chart(self)
        self.mark(_ALL)

    def mark(self, sections: frozenset[str]) -> None:
        """These sections have changed."""
        self._stale |= sections
        self._wake.set()

    async def next_frame(self) -> Frame:
        """Wait until something changed and the last frame is old enough, then build what changed."""
        await self._wake.wait()
        delay = self._last + self._gap - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        self._last = time.monotonic()
        stale, self._stale = self._stale, set()
        self._wake.clear()
        built: dict[str, object] = {}
        for name in stale:
            started = time.perf_counter()
            built[name] = self._sections.build(name)
            self._engine.telemetry.observe(f"frame.{name}", time.perf_counter() - started)
            # an order that arrives meanwhile does not wait for the rest of the picture
            await asyncio.sleep(0)
        return Frame(**built)

    def close(self) -> None:
        """Stop listening and give up what only this front end wanted."""
        for handler in self._handlers:
            self._engine.bus.unsubscribe(handler)
        self._engine.market.release(self)
        self._engine.market.unwatch_chart(self)

    def _price(self, event: QuoteReceived | TickReceived) -> None:
        if not self._wake.is_set() or "watchlist" not in self._stale:
            self.mark(_PRICES)

    def _beat(self, event: HeartbeatPassed) -> None:
        self.mark(frozenset({"header"}))
        if event.count % _EVERY_SECOND == 0:
            self.mark(frozenset({"watchlist", "orders", "ticket", "system"}))

    def _event(self, event: Event) -> None:
        if isinstance(event, InstrumentResolved) and self._instrument is not None:
            meant = self._meant(self._instrument)
            if meant.instrument_id != self._instrument.instrument_id:
                self._instrument = meant
                self._engine.market.want(self, {meant.instrument_id})
                self.mark(_ALL)
        self.mark(_MARKS[type(event)])

    def _meant(self, chosen: Instrument) -> Instrument:
        """What to show for a chosen contract: the active one, once it has rolled and nothing is held in the old one."""
        book = self._engine.book
        known, active = book.instruments.get(chosen.instrument_id, chosen), book.by_symbol.get(chosen.symbol)
        held = any(key[1] == chosen.instrument_id and ledger.size for key, ledger in book.ledgers.items())
        return chosen if known.active or held or active is None else active
