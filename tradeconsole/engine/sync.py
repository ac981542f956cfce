"""Keeps the book true to the broker's records: on connect, on reconnect, on doubt, and every few seconds."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import (
    Channel,
    ChannelState,
    InstrumentResolved,
    OrderReported,
    Severity,
    Synced,
)
from tradeconsole.domain.market import Span
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.connection import Tell
from tradeconsole.engine.reconcile import BrokerRecords, Mismatch, reconcile
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.errors import BrokerError, InvalidRequest, RateLimited
from tradeconsole.ports import Broker, Clock

log = logging.getLogger(__name__)

OVERLAP: Final = timedelta(minutes=5)
"""How far each query reaches back before the last one: records may appear late."""
FARTHEST: Final = timedelta(days=30)
DOUBT_SECONDS: Final = 1.0
"""How often the broker is asked while an order or a position is in doubt."""
DOUBT_ROUNDS: Final = 12
"""So many questions are asked at that pace; then the pause doubles each time."""
RESTING_ROUNDS: Final = 4
"""Only in every so many rounds are accounts asked for in which nothing is at stake and nothing has changed."""
STREAM_SECONDS: Final = 3.0
"""Patience with a stream that is being opened, before the first question."""
_IN_DOUBT: Final = frozenset({OrderStatus.SENT, OrderStatus.UNKNOWN})


class Synchroniser:
    """Asks, reconciles, publishes. One question round at a time."""

    def __init__(
        self,
        *,
        broker: Broker,
        book: Book,
        bus: Bus,
        clock: Clock,
        telemetry: Telemetry,
        tell: Tell,
        in_view: Callable[[], str | None],
    ) -> None:
        self._broker = broker
        self._book = book
        self._bus = bus
        self._clock = clock
        self._telemetry = telemetry
        self._tell = tell
        self._in_view = in_view
        self._wanted = asyncio.Event()
        self._lock = asyncio.Lock()
        self._asked: dict[str, datetime] = {}
        self._mismatched: dict[str, frozenset[Mismatch]] = {}

    def request(self) -> None:
        """Reconcile soon; may be called as often as one likes."""
        self._wanted.set()

    async def run(self, interval: float) -> None:
        """Reconcile for ever: every `interval` seconds, sooner when asked or in doubt.

        What every account costs is paid each time for those in use alone, because users may have dozens.
        While something is in doubt only its account is asked for, and ever less often, so that a doubt that lasts
        does not use up the broker's request budget.
        """
        doubts = failures = rounds = 0
        await self._wait_for_stream()
        while True:
            pause = min(interval, DOUBT_SECONDS * 2 ** max(0, doubts - DOUBT_ROUNDS)) if doubts else interval
            asked = await self._is_asked_within(pause)
            try:
                if asked or rounds % RESTING_ROUNDS == 0:
                    await self.sync_all()
                    rounds = 1
                elif not doubts or pause == interval:
                    await self._sync_lively()
                    rounds += 1
                else:
                    for account_id in self._accounts_in_doubt():
                        await self.sync(account_id)
                failures = 0
            except BrokerError as error:
                log.warning("reconciliation has to wait: %s", error)
                if not failures:
                    self._tell(Severity.WARNING, "The broker's records cannot be read", str(error))
                # only a spent budget asks for longer pauses; a gateway that is away may be back at any moment
                spent = failures if isinstance(error, RateLimited) else 0
                await asyncio.sleep(min(interval, DOUBT_SECONDS * 2**spent))
                failures += 1
                self.request()
            doubts = doubts + 1 if self.is_in_doubt() else 0

    async def _wait_for_stream(self) -> None:
        """Let the stream come up first: what is read before it does would have to be read again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STREAM_SECONDS):
                while self._book.channels[Channel.ACCOUNT].state is ChannelState.CONNECTING:
                    await self._wanted.wait()
                    self._wanted.clear()
        self.request()

    async def _is_asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return False
        self._wanted.clear()
        return True

    async def sync_all(self, accounts: Mapping[str, Account] | None = None) -> None:
        """Reconcile every account that is shown; `accounts` as for `sync`.

        Raises:
            BrokerError: the broker could not be asked; the book stays as it is and unsynced.
        """
        accounts = await self._accounts() if accounts is None else accounts
        for account_id in self._shown():
            await self.sync(account_id, accounts)

    async def _sync_lively(self) -> None:
        """Reconcile the accounts in use, and those of which the broker says something new."""
        accounts = await self._accounts()
        for account_id in self._shown():
            changed = accounts.get(account_id) != self._book.accounts[account_id]
            if changed or self._is_lively(account_id):
                await self.sync(account_id, accounts)

    def _shown(self) -> list[str]:
        return [account.account_id for account in self._book.shown_accounts()]

    def _is_lively(self, account_id: str) -> bool:
        book = self._book
        return bool(
            account_id == self._in_view()
            or account_id in book.armed
            or account_id not in book.synced
            or self._mismatched.get(account_id)
            or book.open_orders_of(account_id)
            or any(book.positions(account_id))
        )

    async def sync(self, account_id: str, accounts: Mapping[str, Account] | None = None) -> None:
        """Reconcile one account until nothing moves while asking (three rounds at most).

        `accounts` are what the broker has just said of them; None asks. If its stream broke or came back while the
        broker was asked, the book is not synced and asks again soon.
        """
        async with self._lock:
            stream = self._book.channels[Channel.ACCOUNT]
            for _ in range(3):
                with self._telemetry.timed("reconcile"):
                    records = await self._ask(account_id, accounts)
                await self._resolve(records)
                result = reconcile(self._book, records, self._mismatched.get(account_id, frozenset()))
                for event in result.events:
                    if isinstance(event, OrderReported):
                        self._telemetry.count("reconcile.orders")
                    self._bus.publish(event)
                if records.quiet:
                    break
                accounts = None  # what moved may have moved the balance
            self._mismatched[account_id] = result.mismatched
            self._asked[account_id] = records.asked_at
            if self._book.channels[Channel.ACCOUNT] is not stream:
                self.request()
                return
            self._bus.publish(Synced(account_id, self._clock.now(), result.differences))

    def is_in_doubt(self) -> bool:
        """Whether an order or a position waits for the broker's records to settle it."""
        return bool(self._accounts_in_doubt())

    def _accounts_in_doubt(self) -> set[str]:
        doubtful = {
            order.account_id for order in self._book.open_orders.values() if order.status in _IN_DOUBT
        }
        doubtful |= {account_id for account_id, found in self._mismatched.items() if found}
        doubtful |= {account_id for account_id, _ in self._book.mismatches}
        return doubtful & set(self._shown())

    async def _accounts(self) -> dict[str, Account]:
        return {account.account_id: account for account in await self._broker.get_accounts()}

    async def _ask(self, account_id: str, accounts: Mapping[str, Account] | None) -> BrokerRecords:
        now = self._clock.now()
        movements = self._book.movements
        positions = await self._broker.get_positions(account_id)
        fills_since = self._fills_since(account_id, now, [p.opened_at for p in positions])
        orders_since = self._orders_since(account_id, now)
        until = now + OVERLAP
        # in this order: an order that ends in between is in the second answer as it ended
        open_orders = await self._broker.get_open_orders(account_id)
        orders = await self._broker.get_orders(account_id, Span(orders_since, until))
        fills = await self._broker.get_fills(account_id, Span(fills_since, until))
        accounts = await self._accounts() if accounts is None else accounts
        account = accounts.get(account_id) or self._book.accounts[account_id]
        return BrokerRecords(
            account=account,
            asked_at=now,
            orders_since=orders_since,
            fills_since=fills_since,
            open_orders=tuple(open_orders),
            orders=tuple(orders),
            fills=tuple(fills),
            positions=tuple(positions),
            quiet=movements == self._book.movements,
        )

    def _fills_since(self, account_id: str, now: datetime, opened: list[datetime]) -> datetime:
        if account_id in self._asked:
            return self._asked[account_id] - OVERLAP
        known = [fill.time for (owner, _), fill in self._book.fills.items() if owner == account_id]
        start = min([now - timedelta(days=1), *opened, *([max(known)] if known else [])])
        return max(start - OVERLAP, now - FARTHEST)

    def _orders_since(self, account_id: str, now: datetime) -> datetime:
        created = [order.created_at for order in self._book.open_orders_of(account_id)]
        start = self._asked.get(account_id, now - timedelta(days=1))
        return max(min([start, *created]) - OVERLAP, now - FARTHEST)

    async def _resolve(self, records: BrokerRecords) -> None:
        named = {position.instrument_id for position in records.positions}
        named |= {fill.instrument_id for fill in records.fills}
        named |= {report.instrument_id for report in (*records.orders, *records.open_orders)}
        for instrument_id in named - self._book.instruments.keys():
            try:
                self._bus.publish(InstrumentResolved(await self._broker.resolve(instrument_id)))
            except InvalidRequest as error:
                log.warning("the broker names an instrument that it does not know: %s", error)
