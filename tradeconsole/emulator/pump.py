"""Moves the exchange with the clock and sees to it that every event is delivered at its time."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.market_feed import MarketFeed
from tradeconsole.emulator.user_feed import UserFeed
from tradeconsole.exchange.records import (
    AccountChanged,
    ExchangeEvent,
    MarketEvent,
    OrderChanged,
    PositionChanged,
    TradeReported,
    UserEvent,
)

MARKET_INTERVAL_SECONDS: Final = 0.05
"""Market events are sent in batches at most this often."""

IDLE_SECONDS: Final = 5.0
"""A market that nobody follows is still brought to the present this often."""

SNAPSHOT_SECONDS: Final = 300.0


class Pump:
    """The emulator's heart: one task, asleep until something is due.

    Args:
        skip: given the present, where to jump to when nothing happens for long; None stays.
    """

    def __init__(
        self,
        gateway: Gateway,
        market_feed: MarketFeed,
        user_feed: UserFeed,
        *,
        skip: Callable[[datetime], datetime | None],
    ) -> None:
        self._gateway = gateway
        self._market_feed = market_feed
        self._user_feed = user_feed
        self._skip = skip
        self._pending: deque[UserEvent] = deque()
        self._wake = asyncio.Event()
        self._looked = 0.0
        self._kept = 0.0

    def accept(self, events: list[ExchangeEvent]) -> None:
        """Send market events, and user events once they are old enough; wakes the pump for the rest."""
        market: list[MarketEvent] = []
        for event in events:
            if isinstance(event, OrderChanged | TradeReported | PositionChanged | AccountChanged):
                self._pending.append(event)
            else:
                market.append(event)
        if market:
            self._market_feed.publish(market)
        ripe = self._gateway.clock.now() - self._delivery()
        due: list[UserEvent] = []
        while self._pending and self._pending[0].time <= ripe:
            due.append(self._pending.popleft())
        self._user_feed.publish(due)
        self._wake.set()

    def wake(self) -> None:
        """Look again at what is due: the clock was changed, or somebody follows a market."""
        self._wake.set()

    async def run(self) -> None:
        """Keep going until cancelled."""
        loop = asyncio.get_running_loop()
        self._kept = loop.time()
        while True:
            # everybody has a turn, however much is due
            await asyncio.sleep(0)
            self._gateway.settle()
            self._looked = loop.time()
            self._jump()
            self._keep()
            # a command in between may bring the next look forward
            while (delay := self._delay(loop.time())) > 0:
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._wake.wait()

    def _delay(self, now: float) -> float:
        """Seconds until the exchange needs to be looked at again."""
        clock, exchange = self._gateway.clock, self._gateway.exchange
        moments = [exchange.next_due()]
        if self._pending:
            moments.append(self._pending[0].time + self._delivery())
        waits = [clock.seconds_until(moment) for moment in moments if moment is not None]
        market = exchange.next_market_event()
        quiet = None if market is None else clock.seconds_until(market)
        if quiet is not None:
            waits.append(max(quiet, self._looked + MARKET_INTERVAL_SECONDS - now))
        return min((wait for wait in waits if wait is not None), default=self._looked + IDLE_SECONDS - now)

    def _delivery(self) -> timedelta:
        """From a user event to its message, in emulated time, with the lag that was ordered."""
        gateway = self._gateway
        return timedelta(milliseconds=gateway.switches.event_latency_ms + gateway.faults.lag_ms)

    def _keep(self) -> None:
        if self._looked - self._kept > SNAPSHOT_SECONDS:
            self._gateway.keep()
            self._kept = self._looked

    def _jump(self) -> None:
        clock = self._gateway.clock
        if not clock.is_frozen and (moment := self._skip(clock.now())) is not None:
            clock.skip_to(moment)
