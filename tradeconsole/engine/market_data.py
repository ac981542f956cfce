"""Market data: who wants which streams, how old they are, and the charts that live on them."""

import asyncio
import logging
from collections.abc import Hashable, Iterable
from datetime import datetime

from tradeconsole.domain.events import (
    BarClosed,
    Channel,
    ChannelChanged,
    ChannelState,
    ChartLoaded,
    QuoteReceived,
    TickReceived,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Timeframe
from tradeconsole.domain.sessions import Calendar
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.charts import SETTLE, ChartFeed
from tradeconsole.engine.history import History
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.errors import BrokerError, InvalidRequest
from tradeconsole.ports import Broker, Clock, MarketSubscription

log = logging.getLogger(__name__)

ChartKey = tuple[str, Timeframe]


class MarketData:
    """Ref-counted subscriptions, ages, and live charts."""

    def __init__(
        self,
        *,
        broker: Broker,
        book: Book,
        bus: Bus,
        clock: Clock,
        calendar: Calendar,
        history: History,
        supervisor: Supervisor,
    ) -> None:
        self._broker = broker
        self._book = book
        self._bus = bus
        self._clock = clock
        self._calendar = calendar
        self._history = history
        self._supervisor = supervisor
        self._wants: dict[Hashable, frozenset[str]] = {}
        self._declared: frozenset[MarketSubscription] = frozenset()
        self._received: dict[str, float] = {}
        self._charts: dict[ChartKey, ChartFeed] = {}
        self._watched: dict[Hashable, ChartKey] = {}
        self._by_instrument: dict[str, tuple[ChartFeed, ...]] = {}
        bus.subscribe(self._on_quote, QuoteReceived)
        bus.subscribe(self._on_tick, TickReceived)
        bus.subscribe(self._on_channel, ChannelChanged)

    # -- subscriptions --------------------------------------------------------------------------------------

    def want(self, owner: Hashable, instrument_ids: Iterable[str]) -> None:
        """Replace what one owner wants streamed; the union of all owners' wishes is subscribed."""
        self._wants[owner] = frozenset(instrument_ids)
        self._declare()

    def release(self, owner: Hashable) -> None:
        """Forget an owner's wishes."""
        if self._wants.pop(owner, None) is not None:
            self._declare()

    def wanted(self) -> frozenset[str]:
        """All instruments that should be streaming."""
        return frozenset().union(*self._wants.values())

    def age(self, instrument_id: str) -> float | None:
        """Seconds since anything was received for an instrument; None if never."""
        at = self._received.get(instrument_id)
        return None if at is None else self._clock.monotonic() - at

    def expects_data(self) -> bool:
        """Whether any subscribed market is open now, so that silence means trouble."""
        now = self._clock.now()
        instruments = (self._book.instruments.get(key) for key in self.wanted())
        return any(self._calendar.is_open(i.group, now) for i in instruments if i)

    def _declare(self) -> None:
        declared = frozenset(MarketSubscription(instrument_id) for instrument_id in self.wanted())
        if declared != self._declared:
            self._declared = declared
            self._supervisor.start("subscribe", self._subscribe(declared))

    async def _subscribe(self, wanted: frozenset[MarketSubscription]) -> None:
        try:
            await self._broker.subscribe(wanted)
        except BrokerError as error:
            # the adapter keeps the declared set and replays it when the stream is back
            log.warning("subscriptions wait for the stream: %s", error)
        except InvalidRequest as error:
            log.warning("one of the streams does not exist: %s", error)

    def _on_quote(self, event: QuoteReceived) -> None:
        self._received[event.quote.instrument_id] = self._clock.monotonic()

    def _on_tick(self, event: TickReceived) -> None:
        tick = event.tick
        self._received[tick.instrument_id] = self._clock.monotonic()
        for feed in self._by_instrument.get(tick.instrument_id, ()):
            closed = feed.add(tick)
            if closed is not None:
                self._bus.publish(BarClosed(tick.instrument_id, feed.timeframe, closed))
                self._supervisor.start("bar.refresh", self._refresh(feed, closed.time))

    def _on_channel(self, event: ChannelChanged) -> None:
        if event.channel is Channel.MARKET and event.state is ChannelState.UP:
            for feed in self._charts.values():
                self._supervisor.start("chart.backfill", self._load(feed))

    # -- charts ---------------------------------------------------------------------------------------------

    def watch_chart(
        self, owner: Hashable, instrument: Instrument, timeframe: Timeframe, bars: int
    ) -> ChartFeed:
        """The one live chart that an owner looks at, loading it (or more of it) if it is not there yet."""
        key = (instrument.instrument_id, timeframe)
        self._watched[owner] = key
        feed = self._charts.get(key)
        if feed is None:
            feed = self._charts[key] = ChartFeed(instrument, timeframe, self._calendar, self._history)
            known = self._by_instrument.get(instrument.instrument_id, ())
            self._by_instrument[instrument.instrument_id] = (*known, feed)
            self._drop_unwatched()
        if feed.want(bars):
            self._supervisor.start("chart.load", self._load(feed))
        return feed

    def unwatch_chart(self, owner: Hashable) -> None:
        """The owner looks at no chart any more."""
        if self._watched.pop(owner, None) is not None:
            self._drop_unwatched()

    def _drop_unwatched(self) -> None:
        # the bars stay in the history's memory, only the live bar is given up
        keep = set(self._watched.values())
        for key in [key for key in self._charts if key not in keep]:
            feed = self._charts.pop(key)
            self._by_instrument[key[0]] = tuple(f for f in self._by_instrument[key[0]] if f is not feed)

    def _told(self, feed: ChartFeed) -> None:
        self._bus.publish(ChartLoaded(feed.instrument.instrument_id, feed.timeframe))

    async def _load(self, feed: ChartFeed) -> None:
        try:
            await feed.load(self._clock.now(), lambda: self._told(feed))
        except BrokerError as error:
            feed.note = f"history is not complete: {error}"
        self._told(feed)

    async def _refresh(self, feed: ChartFeed, closed: datetime) -> None:
        # the broker's own bar replaces the one built here, which may lack prints
        await asyncio.sleep(SETTLE.total_seconds())
        try:
            await feed.refresh(closed, self._clock.now())
        except BrokerError as error:
            log.warning("bar of %s could not be checked with the broker: %s", closed, error)
        self._told(feed)
