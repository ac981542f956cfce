"""Which contract a symbol means today. Ids are never made up front: the gateway rolls them without notice.

The list of active contracts is one request; it is read anew every few hours, and at once when an order was refused
because its contract has rolled. Contracts outside the list (expired ones) are looked up by id.
"""

import asyncio
import logging
import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tradeconsole.brokers.projectx import translate, wire
from tradeconsole.brokers.projectx.endpoints import CONTRACT_BY_ID, CONTRACT_SEARCH, CONTRACTS_AVAILABLE
from tradeconsole.brokers.projectx.products import Products, product_code
from tradeconsole.brokers.projectx.rest import RestClient
from tradeconsole.domain.events import InstrumentResolved
from tradeconsole.domain.instruments import Instrument
from tradeconsole.errors import BrokerError, BrokerRejected, BrokerUnavailable, InvalidRequest
from tradeconsole.ports import Clock, Publish

log = logging.getLogger(__name__)

READ_AGAIN: Final = timedelta(hours=4)
"""Age of the list at which it is read again: at what hour the gateway rolls a contract is not documented."""

_RETRY: Final = timedelta(minutes=1)

_ID_PREFIX: Final = "CON."

_NAME: Final = re.compile(r"(.+?)([FGHJKMNQUVXZ])(\d{1,2})")
"""A contract's name: symbol, month letter, one or two digits of the year."""


class Contracts:
    """Contracts of one gateway. Every instrument is published once before anything else names it."""

    def __init__(
        self, rest: RestClient, products: Products, publish: Publish, clock: Clock, *, live: bool
    ) -> None:
        self._rest = rest
        self._products = products
        self._publish = publish
        self._clock = clock
        self._live = live
        self._known: dict[str, Instrument] = {}
        self._active: dict[str, Instrument] = {}
        self._missing: set[str] = set()
        self._told: dict[str, Instrument] = {}
        self._due: datetime | None = None
        self._lock = asyncio.Lock()

    def known(self, instrument_id: str) -> Instrument | None:
        """A contract met before, without asking the gateway."""
        return self._known.get(instrument_id)

    def forget_active(self) -> None:
        """The list of active contracts is out of date: read it again at the next question."""
        self._due = None

    async def resolve(self, text: str) -> Instrument:
        """The tradable contract that a symbol, contract name or id means now.

        Raises:
            InvalidRequest: there is none, or it has expired; the message names the active one.
        """
        text = text.strip()
        instrument = await self._find(text)
        if instrument is None:
            example = next(iter(self._active), "MNQ")
            raise InvalidRequest(f"no contract '{text}' at the gateway: expected a symbol such as {example}")
        if not instrument.active:
            active = self._active.get(instrument.symbol)
            instead = f"; the active one is {active.name}" if active else ""
            raise InvalidRequest(f"{instrument.name} is not tradable any more{instead}")
        return self.tell(instrument)

    async def get(self, instrument_id: str) -> Instrument:
        """The contract with that id, active or not.

        Raises:
            InvalidRequest: the gateway does not know it.
        """
        await self.refresh()
        instrument = self._known.get(instrument_id) or await self._look_up(instrument_id)
        if instrument is None:
            raise InvalidRequest(f"no contract '{instrument_id}' at the gateway")
        return self.tell(instrument)

    async def search(self, text: str) -> list[Instrument]:
        """Contracts that match; those of the same symbol first, because the gateway's search is fuzzy."""
        body = wire.ContractSearchBody(search_text=text, live=self._live)
        rows = (await self._rest.call(CONTRACT_SEARCH, body)).contracts or []
        found = [self._learn(row) for row in rows]
        wanted = text.strip().upper()
        return sorted(found, key=lambda each: (wanted not in {each.symbol, each.name}, each.name))

    async def active_of(self, instrument_id: str) -> Instrument | None:
        """The active contract of the same product, read afresh if `forget_active` was called."""
        await self.refresh()
        code = product_code(instrument_id)
        return next(
            (each for each in self._active.values() if product_code(each.instrument_id) == code), None
        )

    def tell(self, instrument: Instrument) -> Instrument:
        """Publish an instrument unless it was published as it is."""
        if self._told.get(instrument.instrument_id) != instrument:
            self._told[instrument.instrument_id] = instrument
            self._publish(InstrumentResolved(instrument))
        return instrument

    async def _find(self, text: str) -> Instrument | None:
        await self.refresh()
        if text.startswith(_ID_PREFIX):
            return self._known.get(text) or await self._look_up(text)
        wanted = text.upper()
        if wanted in self._active:
            return self._active[wanted]
        by_name = next((each for each in self._known.values() if each.name == wanted), None)
        return by_name or await self._expired(wanted)

    async def _expired(self, name: str) -> Instrument | None:
        """A contract by its name, although it is not on the list: its id differs from the active one's in the month."""
        match = _NAME.fullmatch(name)
        active = self._active.get(match[1]) if match else None
        if match is None or active is None or active.month is None:
            return None
        head = active.instrument_id.rpartition(".")[0]
        return await self._look_up(f"{head}.{match[2]}{_full_year(match[3], active.month.year) % 100:02d}")

    async def _look_up(self, instrument_id: str) -> Instrument | None:
        if instrument_id in self._missing:
            return None
        try:
            reply = await self._rest.call(CONTRACT_BY_ID, wire.ContractByIdBody(contract_id=instrument_id))
            found = reply.contract
        except BrokerRejected:
            found = None
        if found is None:
            log.warning("the gateway does not know contract %s", instrument_id)
            self._missing.add(instrument_id)  # old records name it again and again
            return None
        return self._learn(found)

    async def refresh(self) -> None:
        """Read the list of active contracts if it is old; publishes what has rolled.

        Raises:
            BrokerError: there is no list yet, and none can be had.
        """
        async with self._lock:
            now = self._clock.now()
            # a clock that was set back (another replay) makes the list as old as one that went on
            if self._due is not None and self._due - READ_AGAIN <= now < self._due:
                return
            try:
                rows = await self._read()
            except BrokerError as error:
                if not self._active:
                    raise
                # around the reopening the gateway answers nothing of use: yesterday's list is better than none
                log.warning("the list of contracts could not be read again: %s", error)
                self._due = now + _RETRY
                return
            self._active = {each.symbol: each for each in map(self._learn, rows)}
            self._due = now + READ_AGAIN
            self._missing.clear()
            self._retire()

    async def _read(self) -> list[wire.ContractRow]:
        rows = (
            await self._rest.call(CONTRACTS_AVAILABLE, wire.AvailableContractsBody(live=self._live))
        ).contracts
        if not rows:
            hint = "; the account has no live data entitlement" if self._live else ""
            raise BrokerUnavailable(f"the gateway lists no contracts{hint}")
        return rows

    def _retire(self) -> None:
        for old in [each for each in self._known.values() if each.active]:
            new = self._active.get(old.symbol)
            # a product that is not listed at all may be missing by mistake: the gateway refuses it if not
            if new is not None and new.instrument_id != old.instrument_id:
                retired = self._known[old.instrument_id] = msgspec.structs.replace(old, active=False)
                if old.instrument_id in self._told:
                    self.tell(retired)
                    self.tell(new)

    def _learn(self, row: wire.ContractRow) -> Instrument:
        instrument = self._known[row.id] = translate.instrument(row, self._products)
        return instrument


def _full_year(digits: str, near: int) -> int:
    """The year that one or two digits mean: the one nearest to `near`."""
    cycle = 10 if len(digits) == 1 else 100
    first = near // cycle * cycle + int(digits)
    return min((first - cycle, first, first + cycle), key=lambda year: abs(year - near))
