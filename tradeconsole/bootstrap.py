"""The composition root: settings become an engine with its broker, storage and session. Only here are concretes named."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from tradeconsole.brokers.projectx.adapter import ProjectXBroker
from tradeconsole.brokers.projectx.connection import ProjectXConnection, Timings
from tradeconsole.domain.events import Channel, ChannelState, Severity, StorageChanged
from tradeconsole.domain.sessions import Calendar, load_calendar
from tradeconsole.emulator.home import Endpoint
from tradeconsole.emulator.process import EmulatorProcess, reset
from tradeconsole.engine.clock import VenueClock
from tradeconsole.engine.engine import Engine, EngineOptions
from tradeconsole.engine.protection.watch import Policy, ProtectionOptions
from tradeconsole.engine.risk import RiskLimits
from tradeconsole.engine.thread import EngineThread
from tradeconsole.engine.venue_calendar import VenueCalendar
from tradeconsole.errors import BrokerError, ConfigError
from tradeconsole.ports import Broker, BrokerHooks, Restored
from tradeconsole.settings import Profile, Settings, is_loopback, shipped
from tradeconsole.storage.embedded import EmbeddedServer
from tradeconsole.storage.store import Store
from tradeconsole.storage.tables import Windows
from tradeconsole.views.local import LocalSession
from tradeconsole.views.sections import SessionInfo

MakeBroker = Callable[[BrokerHooks], Broker]

DEFAULT_FPS: Final = 10.0
EMULATOR_CHECK: Final = 1.0
"""Seconds between looks whether the emulator is still there."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_session(
    settings: Settings, *, streams: bool = True, storage: bool = True, fps: float = DEFAULT_FPS
) -> AsyncIterator[LocalSession]:
    """A session with an engine of this process, for the profile in use.

    With `streams` the engine connects in the background and keeps trying; without, it logs in and reconciles once
    before the session is handed over, and disturbs no console that streams as the same user. Without `storage`
    bars are not cached, and what happens is written to the spool alone, which the next console takes over.

    Raises:
        ConfigError: profile or credentials are not usable.
        StorageError: the spool cannot be written, or the database is of another release.
        BrokerError: the emulator does not start, or (without streams) the broker cannot be reached.
    """
    async with AsyncExitStack() as stack:
        emulator = EmulatorProcess(sim_folder(settings)) if settings.active.emulator else None
        make_broker = await _reach(settings, emulator, stack)
        thread = EngineThread()
        thread.start()
        stack.callback(thread.stop)
        desk = _Desk(settings, make_broker, storage=storage)
        stack.push_async_callback(_close, thread, desk)
        engine = await thread.call(desk.open(streams=streams))
        if emulator is not None:
            keeper = asyncio.get_running_loop().create_task(_keep_alive(emulator, engine))
            stack.callback(keeper.cancel)
        session = LocalSession(thread, engine, _info(settings), fps)
        yield session
        await session.close()


async def _close(thread: EngineThread, desk: "_Desk") -> None:
    await thread.call(desk.close())


class _Desk:
    """Engine and storage, made and ended on the engine's loop."""

    def __init__(self, settings: Settings, make_broker: MakeBroker, *, storage: bool) -> None:
        self._settings = settings
        self._make_broker = make_broker
        self._damage: list[str] = []
        self._store = open_store(settings, self._on_storage, self._on_restored_late, self._damage.append)
        self._storage = storage
        self._engine: Engine | None = None

    async def open(self, *, streams: bool) -> Engine:
        settings = self._settings
        clock = VenueClock()
        await self._store.open(database=self._storage)
        self._engine = Engine(
            make_broker=self._make_broker,
            journal=self._store.journal,
            bars=self._store.bars if self._storage and _keeps_bars(settings.active) else None,
            calendar=_calendar(settings, clock),
            clock=clock,
            options=_options(settings, quiet=not streams),
        )
        for report in self._damage:
            self._engine.notices.raise_(Severity.WARNING, "Damaged records were put aside", report)
        await (self._engine.start() if streams else self._engine.start_quietly())
        return self._engine

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.stop()
        await self._store.close()

    def _on_storage(self, event: StorageChanged) -> None:
        if self._engine is not None:
            self._engine.storage_changed(event)

    def _on_restored_late(self, memory: Restored) -> None:
        if self._engine is not None:
            self._engine.restore(memory)


def open_store(
    settings: Settings,
    on_storage: Callable[[StorageChanged], None] = lambda _: None,
    on_restored_late: Callable[[Restored], None] = lambda _: None,
    on_damage: Callable[[str], None] = lambda _: None,
) -> Store:
    """The storage of the profile in use; nothing is opened or started yet."""
    dsn = settings.storage.dsn
    data = settings.folders.data
    return Store(
        dsn.get_secret_value() if dsn else EmbeddedServer(data / "postgres"),
        data / "spool",
        broker=settings.profile,
        migrations=shipped("migrations"),
        on_storage=on_storage,
        on_restored_late=on_restored_late,
        on_damage=on_damage,
        windows=Windows(
            orders=timedelta(days=settings.storage.order_days),
            fills=timedelta(days=settings.storage.fill_days),
            round_trips=timedelta(days=settings.storage.fill_days),
        ),
    )


def sim_folder(settings: Settings) -> Path:
    """Where the emulator of a profile keeps its state."""
    return settings.folders.data / "emulator" / settings.profile


async def reset_sim(settings: Settings) -> None:
    """Forget the simulated accounts and everything remembered of them.

    Raises:
        ConfigError: the profile in use is not a simulated one.
        RequestRefused: a console uses the emulator.
        StorageError: the database is away; the emulator has been reset all the same.
    """
    if not settings.active.emulator:
        raise ConfigError(f"profile '{settings.profile}' is not simulated: there is nothing of ours to reset")
    await asyncio.to_thread(reset, sim_folder(settings))
    store = open_store(settings)
    await store.open()
    try:
        await store.journal.forget()
    finally:
        await store.close()


async def _reach(settings: Settings, emulator: EmulatorProcess | None, stack: AsyncExitStack) -> MakeBroker:
    """How to make the broker of the profile in use; starts the emulator if that is it."""
    timings = Timings(reply=settings.engine.order_timeout_seconds)
    if emulator is None:
        connection = _gateway(settings)
    else:
        stack.callback(emulator.release)
        connection = _simulated(settings, await asyncio.to_thread(emulator.start_or_attach))

    def make(hooks: BrokerHooks) -> Broker:
        return ProjectXBroker(
            connection,
            hooks.publish,
            hooks.clock,
            observe_time=hooks.observe_time,
            observe=hooks.observe,
            expects_data=hooks.expects_data,
            timings=timings,
        )

    return make


async def _keep_alive(emulator: EmulatorProcess, engine: Engine) -> None:
    """Start the emulator again when it has died under the console; like a gateway, it remembers."""
    while True:
        await asyncio.sleep(EMULATOR_CHECK)
        if engine.book.channels[Channel.MARKET].state is ChannelState.DOWN:
            try:
                await asyncio.to_thread(emulator.start_or_attach)
            except BrokerError as error:
                log.warning("%s", error)


def _simulated(settings: Settings, endpoint: Endpoint) -> ProjectXConnection:
    return ProjectXConnection(
        api_url=endpoint.url,
        rtc_url=endpoint.url,
        user=endpoint.user,
        key=lambda: endpoint.key,
        firm=settings.active.firm or settings.profile,
    )


async def try_login(settings: Settings, key: SecretStr) -> list[str]:
    """Log in with a key and nothing else; names of the accounts.

    Raises:
        AuthenticationFailed: the firm refuses.
        BrokerError: it cannot be reached.
    """
    broker = ProjectXBroker(_connection(settings, key.get_secret_value), lambda _: None, VenueClock())
    try:
        return [account.name for account in await broker.connect()]
    finally:
        await broker.close()


def _gateway(settings: Settings) -> ProjectXConnection:
    settings.api_key()  # a missing key is told before anything is started
    return _connection(settings, lambda: settings.api_key().get_secret_value())


def _connection(settings: Settings, key: Callable[[], str]) -> ProjectXConnection:
    profile = settings.active
    return ProjectXConnection(
        api_url=profile.rest_url,
        rtc_url=profile.hubs_url,
        user=profile.user,
        key=key,
        firm=profile.firm or settings.profile,
        live=profile.live,
    )


def _calendar(settings: Settings, clock: VenueClock) -> Calendar:
    local = settings.engine.calendar_file
    if settings.active.calendar == "venue":
        return VenueCalendar(clock, load_calendar("continuous"), load_calendar("cme", local))
    return load_calendar(settings.active.calendar, local)


def _keeps_bars(profile: Profile) -> bool:
    """Whether bars may be cached: an emulator that somebody runs on this machine is another market every time."""
    return profile.emulator or not is_loopback(profile.api_url)


def _options(settings: Settings, *, quiet: bool) -> EngineOptions:
    risk = settings.risk
    return EngineOptions(
        quiet=quiet,
        watchlist=settings.engine.watchlist,
        reconcile_seconds=settings.engine.reconcile_seconds,
        account=settings.active.account,
        limits=RiskLimits(
            max_order_size=risk.max_order_size,
            max_position=risk.max_position,
            max_open_orders=risk.max_open_orders,
            price_collar_percent=risk.price_collar_percent,
            max_data_age=settings.engine.stale_after_seconds,
            read_only=settings.active.read_only,
        ),
        protection=ProtectionOptions(
            policy=Policy(settings.protection.unprotected),
            alert_after=settings.protection.alert_after_seconds,
            act_after=settings.protection.act_after_seconds,
        ),
    )


def _info(settings: Settings) -> SessionInfo:
    return SessionInfo(
        profile=settings.profile,
        stale_after=settings.engine.stale_after_seconds,
        default_stop_ticks=settings.risk.stop_ticks,
        default_target_ticks=settings.risk.target_ticks,
    )
