"""The engine: one loop, one writer; everything between a front end's command and the broker."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from tradeconsole.domain.accounts import Account
from tradeconsole.domain.commands import CancelAll, ClosePosition, Command, Flatten, PlaceOrder
from tradeconsole.domain.events import (
    Channel,
    ChannelChanged,
    ChannelState,
    HeartbeatPassed,
    PositionChanged,
    PositionReported,
    Severity,
    StorageChanged,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.sessions import Calendar
from tradeconsole.engine import risk
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.clock import VenueClock
from tradeconsole.engine.commands import Commands, Done
from tradeconsole.engine.connection import Connection
from tradeconsole.engine.equity import EquityCurve
from tradeconsole.engine.execution import Execution
from tradeconsole.engine.flatten import Flattener
from tradeconsole.engine.history import History
from tradeconsole.engine.market_data import MarketData
from tradeconsole.engine.notices import Notices
from tradeconsole.engine.protection.alarms import Alarms
from tradeconsole.engine.protection.guardian import Guardian
from tradeconsole.engine.protection.keepers import Keepers
from tradeconsole.engine.protection.watch import ProtectionOptions
from tradeconsole.engine.quiet import QuietLane
from tradeconsole.engine.recorder import Recorder
from tradeconsole.engine.rolls import Rolls
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.engine.sync import Synchroniser
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.engine.watchlist import Watchlist
from tradeconsole.engine.workbench import Workbench
from tradeconsole.ports import BarStore, Broker, BrokerHooks, Journal, Restored

log = logging.getLogger(__name__)

BEAT: Final = 0.25
"""Seconds between heartbeats."""
EQUITY_BEATS: Final = 20
"""Heartbeats between points of the equity curve."""


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is told at its start."""

    watchlist: tuple[str, ...]
    quiet: bool = False
    """For one-shot commands: no streams, no memory, and only its own orders recorded."""
    reconcile_seconds: float = 15.0
    account: str | None = None
    """Name or id of the account to begin with; None: the one last used, else the first that may trade."""
    limits: risk.RiskLimits = risk.RiskLimits()
    protection: ProtectionOptions = ProtectionOptions()


class Engine:
    """Book, bus and everything that hangs on them, for one broker. Lives on one event loop."""

    def __init__(
        self,
        *,
        make_broker: Callable[[BrokerHooks], Broker],
        journal: Journal,
        bars: BarStore | None,
        calendar: Calendar,
        options: EngineOptions,
        clock: VenueClock | None = None,
    ) -> None:
        self.options = options
        self.calendar = calendar
        self.clock = clock or VenueClock()
        self.telemetry = Telemetry()
        self.book = Book()
        self.bus = Bus(self.book.apply)
        self.supervisor = Supervisor(self._task_failed)
        self.journal = journal
        self.notices = Notices(self.bus, self.book, self.clock.now)
        self.recorder = Recorder(self.bus, journal, self._spool_trouble, quiet=options.quiet)
        self.equity = EquityCurve(self.book, journal)
        self.workbench = Workbench(self.bus)
        self.beats = 0
        self.streaming = False
        self.broker = make_broker(self._hooks())
        self.connection = Connection(self.broker, self.book, self.bus, self.notices.raise_)
        self.history = History(self.broker, bars, self.telemetry)
        self.market = MarketData(
            broker=self.broker,
            book=self.book,
            bus=self.bus,
            clock=self.clock,
            calendar=calendar,
            history=self.history,
            supervisor=self.supervisor,
        )
        self.watched = Watchlist(options.watchlist, self.workbench, self.connection, self.market.want)
        self.watchlist = self.watched.ids
        """Instrument ids, in the order shown."""
        self.sync = self._make_sync()
        self.keepers = Keepers(
            broker_does=self.broker.capabilities.brackets, may_keep=self._may_keep, notices=self.notices
        )
        self.execution = Execution(
            broker=self.broker,
            book=self.book,
            bus=self.bus,
            journal=journal,
            clock=self.clock,
            telemetry=self.telemetry,
            situation=self.situation,
            resolve=self.connection.resolve,
            on_doubt=self.sync.request,
            keeps_brackets=self.keepers.is_engine,
        )
        self.flattener = Flattener(
            self.broker, self.book, self.supervisor, self.notices.raise_, self.sync.request
        )
        self.guardian = self._make_guardian()
        self.quiet = QuietLane(self.broker, self.book, self.bus, self.connection, self.sync, self.flattener)
        self.commands = self._make_commands()
        Rolls(self.book, self.bus, self.connection, self.supervisor, self.notices, self.watched.replace)
        self.bus.subscribe(self._on_channel, ChannelChanged)
        self.bus.subscribe(self._on_stated, PositionReported)
        self.bus.subscribe(self._on_position, PositionChanged)

    def _hooks(self) -> BrokerHooks:
        return BrokerHooks(
            publish=self.bus.publish,
            clock=self.clock,
            observe_time=self.clock.observe,
            expects_data=self._expects_data,
            observe=self.telemetry.observe,
        )

    def _make_sync(self) -> Synchroniser:
        return Synchroniser(
            broker=self.broker,
            book=self.book,
            bus=self.bus,
            clock=self.clock,
            telemetry=self.telemetry,
            tell=self.notices.raise_,
            in_view=lambda: self.workbench.in_view or self.default_account(),
        )

    def _make_guardian(self) -> Guardian:
        mend = not self.options.limits.read_only
        alarms = Alarms(
            book=self.book,
            notices=self.notices,
            flattener=self.flattener,
            monotonic=self.clock.monotonic,
            options=self.options.protection,
            may_act=mend,
        )
        return Guardian(
            book=self.book,
            bus=self.bus,
            clock=self.clock,
            execution=self.execution,
            flattener=self.flattener,
            supervisor=self.supervisor,
            alarms=alarms,
            is_synced=self.is_synced,
            on_doubt=self.sync.request,
            mend=mend,
            can_resize=self.broker.capabilities.modify,
        )

    def _make_commands(self) -> Commands:
        return Commands(
            book=self.book,
            bus=self.bus,
            journal=self.journal,
            clock=self.clock,
            execution=self.execution,
            flattener=self.flattener,
            sync=self.sync,
            connection=self.connection,
            guardian=self.guardian,
            keepers=self.keepers,
            read_only=self.options.limits.read_only,
        )

    # -- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Remember, connect and stream in the background; returns at once. Health is in the book."""
        self.streaming = True
        self.supervisor.keep("heartbeat", self._beat)
        self.supervisor.keep("guardian", self.guardian.run)
        self.supervisor.start("start", self._start())

    async def start_quietly(self) -> None:
        """Log in with request and reply only, and reconcile the account begun with; for one-shot commands.

        Raises:
            BrokerError: the broker cannot be reached or refuses.
        """
        accounts = await self.connection.log_in()
        account_id = self.default_account()
        if account_id is not None:
            await self._read_quietly(account_id, {account.account_id: account for account in accounts})

    async def attend(self, account_id: str) -> None:
        """Without streams: reconcile an account that nobody has looked at before.

        Raises:
            BrokerError: the broker could not be asked.
        """
        if not self.streaming and account_id not in self.book.synced and account_id in self.book.accounts:
            await self._read_quietly(account_id, None)

    async def _read_quietly(self, account_id: str, accounts: Mapping[str, Account] | None) -> None:
        await self.sync.sync(account_id, accounts)
        if self.sync.is_in_doubt():
            # no fills from before are remembered here: where they would matter, the broker's word holds
            await self.sync.sync(account_id)

    async def stop(self) -> None:
        """End everything; orders at the broker stay as they are."""
        await self.supervisor.close()
        await self.broker.close()

    async def _start(self) -> None:
        await asyncio.gather(self._remember(), self.connection.log_in_patiently())
        await self.broker.stream([account.account_id for account in self.book.shown_accounts()])
        self.supervisor.keep("reconcile", lambda: self.sync.run(self.options.reconcile_seconds))
        self.sync.request()
        await self.watched.load()

    async def _remember(self) -> None:
        self.restore(await self.journal.restore())

    def restore(self, memory: Restored) -> None:
        """Take over what was remembered; may also be called late, when the database was away at the start."""
        self.book.restore(memory)
        self.equity.restore(memory.equity)
        self.notices.remember()
        self.market.want("positions", {p.instrument_id for p in memory.positions if p.size})
        self.guardian.remember()
        self.keepers.remember(self.guardian.open_accounts())
        self.commands.mark_read()
        is_late = self.workbench.is_known
        self.workbench.remember(memory.workspace)
        if is_late:
            self.supervisor.start("watchlist", self.watched.load())
        self.sync.request()

    async def _beat(self) -> None:
        while True:
            started = self.clock.monotonic()
            await asyncio.sleep(BEAT)
            self.telemetry.loop_lag = max(0.0, self.clock.monotonic() - started - BEAT)
            self.telemetry.observe("loop.lag", self.telemetry.loop_lag)
            self.beats += 1
            self.bus.publish(HeartbeatPassed(self.beats))
            if self.beats % EQUITY_BEATS == 0:
                self.equity.sample(self.clock.now())

    # -- reactions ------------------------------------------------------------------------------------------

    def storage_changed(self, event: StorageChanged) -> None:
        """Told by the journal, on this loop."""
        self.bus.publish(event)

    def _on_channel(self, event: ChannelChanged) -> None:
        if event.state is ChannelState.UP and event.channel is not Channel.MARKET:
            self.sync.request()

    def _on_stated(self, event: PositionReported) -> None:
        if self.book.mismatches:
            self.sync.request()

    def _on_position(self, event: PositionChanged) -> None:
        held = {key[1] for key, ledger in self.book.ledgers.items() if ledger.position}
        self.market.want("positions", held)

    def _may_keep(self) -> bool:
        return self.streaming and not self.options.limits.read_only

    def _expects_data(self) -> bool:
        return self.market.expects_data()

    def _task_failed(self, name: str, error: Exception) -> None:
        self.notices.raise_(Severity.ERROR, f"Internal fault in {name}", f"{type(error).__name__}: {error}")

    def _spool_trouble(self, reason: str) -> None:
        self.bus.publish(StorageChanged(available=False, reason=reason))

    def default_account(self) -> str | None:
        """The account to begin with: the one of the settings, the one last used, else the first that may trade."""
        if self.streaming and not self.workbench.is_known:
            return None  # a moment later it might be another one
        accounts = self.book.shown_accounts()
        wanted = [a for a in accounts if self.options.account in {a.account_id, a.name}]
        wanted = wanted or [a for a in accounts if a.account_id == self.workbench.account_id]
        tradable = [account for account in accounts if account.can_trade]
        chosen = wanted or tradable or accounts
        return chosen[0].account_id if chosen else None

    async def handle(self, command: Command) -> Done:
        """Carry out a command; see `Commands.handle`. Without streams it returns when the records show the outcome."""
        if self.streaming:
            return await self.commands.handle(command)
        if isinstance(command, PlaceOrder | CancelAll | ClosePosition | Flatten):
            await self.attend(command.account_id)
        await self.quiet.prepare(command)
        done = await self.commands.handle(command)
        await self.quiet.follow(command, done)
        return done

    # -- what the risk gate looks at ------------------------------------------------------------------------

    def situation(self, account_id: str, instrument: Instrument) -> risk.Situation:
        """Everything the risk rules look at, as of now."""
        instrument_id = instrument.instrument_id
        now = self.clock.now()
        position = self.book.position(account_id, instrument_id)
        is_open = self.calendar.is_open(instrument.group, now)
        return risk.Situation(
            account=self.book.accounts.get(account_id),
            instrument=instrument,
            quote=self.book.quotes.get(instrument_id),
            quote_age=self.market.age(instrument_id),
            position=position.size if position else 0,
            open_orders=tuple(self.book.open_orders_of(account_id, instrument_id)),
            armed=account_id in self.book.armed,
            synced=self.is_synced(account_id),
            session_open=is_open,
            session_note="" if is_open else self._opens(instrument, now),
            limits=self.options.limits,
            supported=self.broker.capabilities.order_types,
            can_bracket=self.broker.capabilities.brackets or self._may_keep(),
            streaming=self.streaming,
        )

    def is_synced(self, account_id: str) -> bool:
        """Whether the book is reconciled, and the stream that keeps it so is up."""
        stream = self.book.channels[Channel.ACCOUNT].state
        return account_id in self.book.synced and (stream is ChannelState.UP or not self.streaming)

    def _opens(self, instrument: Instrument, now: datetime) -> str:
        change = self.calendar.next_change(instrument.group, now)
        return f": opens {change.astimezone(self.calendar.zone):%a %H:%M} Chicago" if change else ""
