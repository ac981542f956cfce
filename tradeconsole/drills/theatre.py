"""Where a drill is played: a gateway of its own, a folder of its own, and a desk on it; all gone at the end."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Literal, Self

import msgspec

from tradeconsole.brokers.projectx.connection import Timings
from tradeconsole.domain.events import Channel, ChannelState
from tradeconsole.domain.orders import Order, OrderType, Side
from tradeconsole.drills.checks import Finding, examine
from tradeconsole.drills.desk import PATIENCE, QUICK, Desk, Stalled, until
from tradeconsole.drills.plan import SYMBOL
from tradeconsole.drills.records import GatewayRecords, read_records
from tradeconsole.drills.stage_clock import StageClock
from tradeconsole.drills.storage import make_store
from tradeconsole.drills.timeline import Timeline, Who
from tradeconsole.drills.victim import Post, Victim
from tradeconsole.emulator.control import Control
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.journal import Cancel, Place
from tradeconsole.emulator.operations import AccountChange, ClockOrder, Operation, operation
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.runtime import Emulator
from tradeconsole.engine.protection.watch import ProtectionOptions
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.exchange.records import ExchangeOptions, Latencies, PlaceRequest
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.store import Store

SWIFT: Final = Latencies(fill=1.0, rejection=1.0, activation=2.0, sibling_cancel=2.0)
"""A venue that takes a millisecond or two for everything."""

_LOOK: Final = 0.02


class Staging(msgspec.Struct, frozen=True, kw_only=True):
    """How a drill's stage is set.

    Attributes:
        timings: the adapter's patience.
        hubs: the gateway's timers.
        event_latency_ms: from an event at the gateway to its message on the user hub.
        reconcile: seconds between the desk's looks at the broker's records.
        skew: seconds by which the desk's clock is ahead of the gateway's.
        brackets: what the account is set to on the platform; None leaves it as it is.
        database: with a PostgreSQL of its own, else what is remembered is in the spool alone.
        limits: the desk's risk limits.
        protection: what the engine does about a position whose stop is missing, and how soon.
        rate_limits: the gateway enforces its request budgets.
        opens: the desk is connected and armed before the storm; else the storm opens it.
    """

    timings: Timings = QUICK
    hubs: HubLimits = HubLimits()
    event_latency_ms: float = 10.0
    reconcile: float = 2.0
    skew: float = 0.0
    brackets: Literal["AutoOCO", "PositionBrackets"] | None = None
    database: bool = False
    limits: RiskLimits = RiskLimits()
    protection: ProtectionOptions = ProtectionOptions()
    rate_limits: bool = True
    opens: bool = True


class Theatre:
    """One gateway and one desk for the length of a drill; `async with` sets it up and clears it away.

    Args:
        staging: how it is set.
        seed: fixes the gateway's ids, and what the storm draws by lot.
        bound: seconds from calm within which the desk must agree with the gateway.
    """

    def __init__(self, staging: Staging, *, seed: int, bound: float) -> None:
        self.staging = staging
        self.seed = seed
        self.bound = bound
        self.slowest = 0.0
        """The longest that the desk took to agree with the gateway."""
        self.clock = StageClock(staging.skew)
        self.timeline = Timeline(lambda: self.clock.elapsed)
        self.findings: list[Finding] = []
        """What the drill itself has checked."""
        self.asked_elsewhere = 0
        """Orders asked for at desks of other processes."""
        self.desk: Desk
        self._store: Store | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _set_up(self) -> None:
        self.folder = Path(
            self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="tradeconsole-drill-", ignore_cleanup_errors=True)
            )
        )
        staging = self.staging
        self.emulator = Emulator(
            EmulatorOptions(
                seed=self.seed,
                volatility=0.0,
                event_latency_ms=staging.event_latency_ms,
                rate_limits=staging.rate_limits,
            ),
            rules=ExchangeOptions(latencies=SWIFT),
            limits=staging.hubs,
        )
        await self._stack.enter_async_context(self.emulator)
        self._control = Control(self.emulator.gateway, self.emulator.hubs)
        self.desk = Desk(self.emulator.endpoint, self._account(), timeline=self.timeline)
        self.database = EmbeddedServer(self.folder / "postgres", grace=0.0) if staging.database else None
        if self.database is not None:
            # root's PostgreSQL runs as somebody else, who must get to his files
            self.folder.chmod(0o755)
            self._stack.push_async_callback(self._end_database)
            await self.start_database()
        self._stack.push_async_callback(self.close_desk)
        if staging.opens:
            await self.open_desk()

    def _account(self) -> str:
        """The practice account, set to the brackets that the drill wants."""
        practice = self.emulator.gateway.exchange.accounts(self.emulator.endpoint.user)[0]
        if self.staging.brackets is not None:
            settings = AccountChange(account_id=practice.id, bracket_mode=self.staging.brackets)
            self._control.carry_out("account", settings)
        return str(practice.id)

    # -- the desk --------------------------------------------------------------------------------------------

    @property
    def spool(self) -> Path:
        """Where desks of this drill remember."""
        return self.folder / "spool"

    async def open_desk(self, *, wait: bool = True) -> None:
        """Open the desk with what it remembers, and wait until it can trade if wanted; then it is armed."""
        self._store = make_store(
            self.spool,
            None if self.database is None else self.database.dsn,
            self.desk.storage_changed,
            self.desk.restored_late,
        )
        await self._store.open()
        await self.desk.open(
            self._store.journal,
            bars=self._store.bars if self.staging.database else None,
            clock=self.clock,
            database=self.staging.database,
            timings=self.staging.timings,
            reconcile=self.staging.reconcile,
            limits=self.staging.limits,
            protection=self.staging.protection,
        )
        if wait:
            await self.desk.ready()

    async def close_desk(self) -> None:
        """End the desk as a trader does who goes home."""
        await self.desk.close()
        if self._store is not None:
            await self._store.close()
            self._store = None

    async def reopen_desk(self) -> None:
        """Open the desk after its end, and wait until it agrees with the gateway; raises `Stalled`."""
        started = self.clock.elapsed
        self.note("a new desk is opened on what the old one has written down")
        await self.open_desk()
        await self.recovers(started)

    async def start_victim(self) -> Victim:
        """A desk in a process of its own, on the same spool, to be killed."""
        victim = await Victim.start(Post(self.emulator.endpoint, self.desk.account_id, str(self.spool)))
        self._stack.push_async_callback(victim.kill)
        self.note(f"a desk is opened in process {victim.pid}")
        return victim

    async def kill(self, victim: Victim) -> None:
        """Kill a desk's process."""
        self.note(f"kill -9 {victim.pid}")
        await victim.kill()

    @property
    def waiting(self) -> int:
        """Records that the database does not have yet."""
        return self._store.journal.pending if self._store is not None else 0

    # -- the database ----------------------------------------------------------------------------------------

    async def start_database(self) -> None:
        """Let the database run."""
        if self.database is not None:
            await asyncio.to_thread(self.database.start)

    async def end_database(self) -> None:
        """Let the database go away, and wait until it is gone."""
        if self.database is not None:
            server = self.database
            server.release()
            await until(lambda: not (server.data / "postmaster.pid").exists(), "PostgreSQL to end", 30.0)

    async def _end_database(self) -> None:
        await self.end_database()

    # -- the gateway -----------------------------------------------------------------------------------------

    def order(self, name: str, **arguments: object) -> None:
        """Give the gateway's control plane an order, such as `order("outage", seconds=2.0)`."""
        known = _operation(name)
        words = ", ".join(f"{key}={value}" for key, value in arguments.items())
        self.note(f"{known.help} ({words})" if words else known.help)
        self._control.carry_out(name, msgspec.convert(arguments, known.arguments))

    def move(self, ticks: int) -> None:
        """Let the market move."""
        self.order("move", contract=SYMBOL, ticks=ticks)

    def cancel_elsewhere(self, order: Order) -> None:
        """Let somebody cancel an order on the firm's own page, past the desk."""
        self.note(f"somebody cancels the {order.role} on the firm's own page")
        gateway = self.emulator.gateway
        number = int(order.broker_order_id or 0)
        gateway.tell(Cancel(at=gateway.moment(), account_id=self._account_number, order_id=number))

    def trade_elsewhere(self, side: Side, size: int) -> None:
        """Let somebody trade at the market on the firm's own page, past the desk."""
        self.note(f"somebody places {side} {size} at the market on the firm's own page")
        gateway = self.emulator.gateway
        request = PlaceRequest(
            contract_id=self.desk.instrument_id, type=OrderType.MARKET, side=side, size=size
        )
        gateway.tell(Place(at=gateway.moment(), account_id=self._account_number, request=request))

    @property
    def _account_number(self) -> int:
        return int(self.desk.account_id)

    def pass_time(self, seconds: float) -> None:
        """Skip some time, for the desk and for the gateway."""
        self.clock.move_on(seconds)
        self.note(f"{seconds:g} s are skipped: the clocks of desk and gateway move on together")
        self._control.carry_out("clock", ClockOrder(step_seconds=seconds))

    def note(self, what: str) -> None:
        """Tell what the storm does."""
        self.timeline.note(Who.STORM, what)

    def records(self) -> GatewayRecords:
        """What the gateway has on the account."""
        return read_records(self.emulator.gateway.exchange, self.desk.account_id)

    # -- the verdict -----------------------------------------------------------------------------------------

    def expect(self, check: str, held: object, compared: str) -> None:
        """Add what this drill checks by itself."""
        self.findings.append(Finding(check, bool(held), compared))

    def examine(self) -> tuple[Finding, ...]:
        """The desk against the gateway's records, as they are now."""
        return examine(self.records(), self.desk.engine.book, self.desk.asked + self.asked_elsewhere)

    def agrees(self) -> bool:
        """Whether the desk is connected, in no doubt, and right."""
        return (
            self.desk.is_settled()
            and self.desk.state(Channel.MARKET) is ChannelState.UP
            and all(finding.held for finding in self.examine())
        )

    async def recovers(self, since: float | None = None) -> None:
        """Wait until the desk agrees with the gateway by itself; the time counts from now, or `since` (elapsed).

        Raises:
            Stalled: it does not within the drill's bound.
        """
        started = self.clock.elapsed if since is None else since
        while not self.agrees():
            if self.clock.elapsed - started > self.bound:
                raise Stalled(f"not all known {self.bound:g} s after the storm")
            await asyncio.sleep(_LOOK)
        self.slowest = max(self.slowest, self.clock.elapsed - started)

    async def until(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something has become true; raises `Stalled`."""
        await until(condition, what, seconds)


def _operation(name: str) -> Operation:
    known = operation(name)
    if known is None:
        raise KeyError(name)
    return known
