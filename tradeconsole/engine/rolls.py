"""Follows contracts that roll: the watchlist moves on to the new one, and whoever still holds the old one is told."""

import logging
from collections.abc import Callable
from typing import Final

from tradeconsole.domain.events import InstrumentResolved, PositionChanged, Severity
from tradeconsole.domain.instruments import Instrument
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.connection import Connection
from tradeconsole.engine.notices import Notices
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.errors import BrokerError, InvalidRequest

log = logging.getLogger(__name__)

Replace = Callable[[Instrument, Instrument], bool]
"""Puts the second instrument into the place of the first on the watchlist; whether the first was there."""

_ADVICE: Final = "close it while the market still trades it; nothing opens a new position there"


class Rolls:
    """Watches which contracts are the active ones. Brokers tell of a roll by resolving the old contract as inactive."""

    def __init__(
        self,
        book: Book,
        bus: Bus,
        connection: Connection,
        supervisor: Supervisor,
        notices: Notices,
        replace: Replace,
    ) -> None:
        self._book = book
        self._connection = connection
        self._supervisor = supervisor
        self._notices = notices
        self._replace = replace
        self._warned: set[tuple[str, str]] = set()
        bus.subscribe(self._resolved, InstrumentResolved)
        bus.subscribe(self._position_changed, PositionChanged)

    def _resolved(self, event: InstrumentResolved) -> None:
        instrument = event.instrument
        if instrument.active:
            self._follow(instrument)
            return
        current = self._book.by_symbol.get(instrument.symbol)
        if current is not None and current.instrument_id == instrument.instrument_id:
            # remembered from an earlier day: what is active now has to be asked for
            self._supervisor.start(f"roll {instrument.symbol}", self._find_active(instrument.symbol))
        for account_id, instrument_id in self._book.ledgers:
            if instrument_id == instrument.instrument_id:
                self._warn(account_id, instrument)

    async def _find_active(self, symbol: str) -> None:
        try:
            await self._connection.resolve(symbol)
        except (BrokerError, InvalidRequest) as error:
            log.warning("the active contract of %s is not known: %s", symbol, error)

    def _follow(self, new: Instrument) -> None:
        for old in list(self._book.instruments.values()):
            if (
                old.symbol == new.symbol
                and old.instrument_id != new.instrument_id
                and self._replace(old, new)
            ):
                self._notices.raise_(
                    Severity.WARNING,
                    f"{new.symbol} has rolled from {old.name} to {new.name}",
                    f"the watchlist shows {new.name} now; orders for {new.symbol} go there",
                    key=f"roll.{new.symbol}",
                )

    def _position_changed(self, event: PositionChanged) -> None:
        instrument = self._book.instruments.get(event.instrument_id)
        if event.position is None:
            self._warned.discard((event.account_id, event.instrument_id))
        elif instrument is not None and not instrument.active:
            self._warn(event.account_id, instrument)

    def _warn(self, account_id: str, instrument: Instrument) -> None:
        position = self._book.position(account_id, instrument.instrument_id)
        key = (account_id, instrument.instrument_id)
        if position is None or key in self._warned:
            return
        self._warned.add(key)
        self._notices.raise_(
            Severity.ERROR,
            f"{instrument.name} is not the active contract any more, and you hold {position.size:+d}",
            _ADVICE,
            key=f"held.{instrument.instrument_id}",
            account_id=account_id,
        )
