"""The market stream: sparse quotes merged, prints and depth read, all on the tick grid.

A quote tells only what has changed, so the newest full quote of each contract is kept; a new connection begins with
full ones, and what was kept before it is forgotten. Quotes may pause while trades go on, so prints move the last
price that later quotes build on.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.hub_connection import Call, Handler
from tradeconsole.brokers.projectx.order_book import OrderBook
from tradeconsole.brokers.projectx.stamps import VenueStamps
from tradeconsole.domain.events import DepthReceived, QuoteReceived, TickReceived
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Aggressor, Quote, Tick
from tradeconsole.ports import Clock, MarketSubscription, Publish

_QUOTE: Final = msgspec.json.Decoder(tuple[str, wire.QuoteData], strict=False)
_PRINTS: Final = msgspec.json.Decoder(tuple[str, list[wire.PrintData | None] | wire.PrintData], strict=False)
_DEPTH: Final = msgspec.json.Decoder(tuple[str, list[wire.DepthData | None] | wire.DepthData], strict=False)

_AGGRESSOR: Final = {0: Aggressor.BUY, 1: Aggressor.SELL}

_MAX_SNAPPED: Final = 20_000
"""Prices remembered per contract; beyond that the memory starts anew."""


class _Grid(dict[float, float]):
    """Prices as they arrive, to the same price on the tick grid; remembered, because prices repeat."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self._snap = instrument.snap

    def __missing__(self, price: float) -> float:
        if len(self) >= _MAX_SNAPPED:
            self.clear()
        snapped = self[price] = self._snap(price)
        return snapped


def subscriptions(wanted: Iterable[MarketSubscription]) -> list[Call]:
    """The hub calls that bring what is wanted, quotes before prints before depth."""
    calls: dict[Call, None] = {}
    for each in sorted(wanted):
        calls["SubscribeContractQuotes", each.instrument_id] = None
        calls["SubscribeContractTrades", each.instrument_id] = None
        if each.depth:
            calls["SubscribeContractMarketDepth", each.instrument_id] = None
    return list(calls)


class MarketStream:
    """Turns market hub events into domain events. `instrument` finds a contract that is already known."""

    def __init__(
        self,
        publish: Publish,
        instrument: Callable[[str], Instrument | None],
        clock: Clock,
        stamps: VenueStamps,
    ) -> None:
        self._publish = publish
        self._instrument = instrument
        self._clock = clock
        self._stamps = stamps
        self._quotes: dict[str, Quote] = {}
        self._books: dict[str, OrderBook] = {}
        self._grids: dict[str, _Grid] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """By lower-cased event name."""
        return {
            "gatewayquote": self._on_quote,
            "gatewaytrade": self._on_prints,
            "gatewaydepth": self._on_depth,
        }

    def reset(self) -> None:
        """A new connection begins: what the last one said no longer merges."""
        self._quotes.clear()
        self._books.clear()

    def quote(self, instrument_id: str) -> Quote | None:
        """The newest quote of the stream."""
        return self._quotes.get(instrument_id)

    def _on_quote(self, arguments: msgspec.Raw) -> None:
        instrument_id, new = _QUOTE.decode(arguments)
        grid = self._grid(instrument_id)
        if grid is None:
            return
        time = new.timestamp or new.last_updated or self._clock.now()
        old = self._quotes.get(instrument_id)
        if old is None:
            old = Quote(instrument_id, time)
        quote = Quote(
            instrument_id,
            time,
            old.bid if new.best_bid is None else grid[new.best_bid],
            old.ask if new.best_ask is None else grid[new.best_ask],
            old.last if new.last_price is None else grid[new.last_price],
            None,
            None,
            old.open if new.open is None else grid[new.open],
            old.high if new.high is None else grid[new.high],
            old.low if new.low is None else grid[new.low],
            old.change if new.change is None else new.change,
            old.change_percent if new.change_percent is None else new.change_percent,
            old.volume if new.volume is None else int(new.volume),
        )
        self._quotes[instrument_id] = quote
        self._stamps.happened(time)
        self._publish(QuoteReceived(quote))

    def _on_prints(self, arguments: msgspec.Raw) -> None:
        instrument_id, payload = _PRINTS.decode(arguments)
        grid = self._grid(instrument_id)
        if grid is None:
            return
        for row in payload if isinstance(payload, list) else (payload,):
            if row is None:
                continue
            aggressor = _AGGRESSOR.get(row.type, Aggressor.NONE)
            tick = Tick(instrument_id, row.timestamp, grid[row.price], int(row.volume), aggressor)
            self._stamps.happened(tick.time)
            self._publish(TickReceived(tick))
            self._follow(tick)

    def _follow(self, tick: Tick) -> None:
        old = self._quotes.get(tick.instrument_id)
        if old is None or old.last == tick.price or tick.time < old.time:
            return
        # kept for the next sparse quote to build on; the print itself has told everybody
        self._quotes[tick.instrument_id] = msgspec.structs.replace(
            old,
            time=tick.time,
            last=tick.price,
            high=None if old.high is None else max(old.high, tick.price),
            low=None if old.low is None else min(old.low, tick.price),
        )

    def _on_depth(self, arguments: msgspec.Raw) -> None:
        instrument_id, payload = _DEPTH.decode(arguments)
        grid = self._grid(instrument_id)
        if grid is None:
            return
        book = self._books.setdefault(instrument_id, OrderBook())
        changed, time = False, None
        for row in payload if isinstance(payload, list) else (payload,):
            if row is not None:
                changed |= book.apply(row.type, grid[row.price], int(row.volume))
                time = row.timestamp or time
        if changed:
            self._publish(DepthReceived(book.depth(instrument_id, time or self._clock.now())))

    def _grid(self, instrument_id: str) -> _Grid | None:
        grid = self._grids.get(instrument_id)
        if grid is None:
            instrument = self._instrument(instrument_id)
            if instrument is None:  # never subscribed: without its grid the prices mean nothing
                return None
            grid = self._grids[instrument_id] = _Grid(instrument)
        return grid
