"""Gets the broker connected and keeps trying: log in, stream, resolve the watchlist, reconcile."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    AccountReported,
    Channel,
    ChannelChanged,
    ChannelState,
    InstrumentResolved,
    Severity,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.errors import AuthenticationFailed, BrokerError, InvalidRequest
from tradeconsole.ports import Broker

log = logging.getLogger(__name__)

RETRY: Final = (0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to log in; the last one repeats: a gateway that is away may be back at any moment."""
REFUSED_RETRY: Final = 60.0
"""Seconds after wrong credentials: they rarely mend themselves, and lock-outs are real."""

Tell = Callable[[Severity, str, str], None]


class Connection:
    """Logs in and resolves symbols at one broker."""

    def __init__(self, broker: Broker, book: Book, bus: Bus, tell: Tell) -> None:
        self._broker = broker
        self._book = book
        self._bus = bus
        self._tell = tell

    async def log_in(self) -> Sequence[Account]:
        """Log in once and put the accounts into the book.

        Raises:
            AuthenticationFailed: wrong credentials.
            BrokerError: nobody answers, or not in a way that we understand.
        """
        accounts = await self._broker.connect()
        for account in accounts:
            self._bus.publish(AccountReported(account))
        self._bus.publish(ChannelChanged(Channel.ORDERS, ChannelState.UP))
        return accounts

    async def log_in_patiently(self) -> Sequence[Account]:
        """Log in, however long it takes; every failure is told."""
        attempt = 0
        while True:
            try:
                return await self.log_in()
            except AuthenticationFailed as error:
                self._down(str(error))
                self._tell(Severity.ERROR, "Login refused", str(error))
                await asyncio.sleep(REFUSED_RETRY)
            except BrokerError as error:
                self._down(str(error))
                await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
            attempt += 1

    def wake(self) -> None:
        """Let streams that wait, or have given up, connect now."""
        self._broker.wake()

    def _down(self, reason: str) -> None:
        log.warning("not connected: %s", reason)
        for channel in Channel:
            if self._book.channels[channel].reason != reason:
                self._bus.publish(ChannelChanged(channel, ChannelState.DOWN, reason))

    async def resolve(self, symbol: str) -> Instrument:
        """The active contract of a symbol, from the book or from the broker.

        Raises:
            InvalidRequest: the broker knows no such contract, or it has expired.
            BrokerError: the broker could not be asked.
        """
        found = self._book.by_symbol.get(symbol.upper()) or self._book.instruments.get(symbol)
        if found is not None:
            known = self._book.instruments[found.instrument_id]
            # a symbol whose contract has rolled means another one by now; its name goes on meaning what it meant
            if known.active or symbol.upper() != known.symbol:
                return known
        instrument = await self._broker.resolve(symbol)
        self._bus.publish(InstrumentResolved(instrument))
        return instrument

    async def resolve_all(self, symbols: Sequence[str], found: Callable[[Instrument], None]) -> None:
        """Resolve symbols in order, however long that takes; those that the broker does not have are told."""
        for symbol in symbols:
            attempt = 0
            while True:
                try:
                    found(await self.resolve(symbol))
                except InvalidRequest as error:
                    self._tell(Severity.WARNING, f"{symbol} is not on the watchlist", str(error))
                except BrokerError as error:
                    log.warning("%s cannot be resolved yet: %s", symbol, error)
                    await asyncio.sleep(RETRY[min(attempt, len(RETRY) - 1)])
                    attempt += 1
                    continue
                break
