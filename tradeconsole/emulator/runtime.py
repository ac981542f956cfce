"""One running emulator: everything put together, started and stopped as a whole."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import msgspec
from starlette.types import ASGIApp

from tradeconsole.emulator.app import build_app
from tradeconsole.emulator.clock import GatewayClock
from tradeconsole.emulator.control import Control, control_routes
from tradeconsole.emulator.faults import Faults
from tradeconsole.emulator.gateway import Gateway, User
from tradeconsole.emulator.home import Endpoint, Home, Installation
from tradeconsole.emulator.http_connection import HttpLimits
from tradeconsole.emulator.hubs import Channel, HubConnection, HubLimits, Hubs, Key
from tradeconsole.emulator.journal import Journal
from tradeconsole.emulator.limits import RequestBudgets
from tradeconsole.emulator.listener import Listener
from tradeconsole.emulator.market_feed import MarketFeed
from tradeconsole.emulator.marks import Marks
from tradeconsole.emulator.options import EmulatorOptions
from tradeconsole.emulator.pump import Pump
from tradeconsole.emulator.scenario import demo_accounts, scenario_accounts
from tradeconsole.emulator.switchboard import turn_all
from tradeconsole.emulator.switches import Switches, TokenTime
from tradeconsole.emulator.tokens import TokenIssuer, secret_of
from tradeconsole.emulator.unrest import keep_dropping
from tradeconsole.emulator.user_feed import UserFeed
from tradeconsole.emulator.world import build_world
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.records import ExchangeOptions


class Emulator:
    """An emulator in this process; `async with` starts and stops it.

    Raises on entering:
        ConfigError: the port is taken, the state folder is in use or unfit.
        DataFileError: the replay file cannot be used.
    """

    def __init__(
        self,
        options: EmulatorOptions,
        *,
        switches: Switches | None = None,
        rules: ExchangeOptions | None = None,
        limits: HubLimits | None = None,
        http: HttpLimits | None = None,
    ) -> None:
        self._options = options
        self._switches = switches or Switches()
        if options.event_latency_ms is not None:
            self._switches.event_latency_ms = options.event_latency_ms
        self._rules = rules or ExchangeOptions()
        if options.scenario is not None:
            turn_all(options.scenario.switches, self._switches, self._rules)
        turn_all(options.switches, self._switches, self._rules)
        self._limits = limits or HubLimits()
        self._http = http or HttpLimits()
        self._home = None if options.state_dir is None else Home(options.state_dir.absolute())
        self._claim: IO[str] | None = None
        self._followed: dict[str, bool] = {}

    async def __aenter__(self) -> "Emulator":
        try:
            await self._start()
        except BaseException:
            self._release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._beat, self._dropping):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._home is not None:
            self._home.withdraw()
        await self.listener.stop()
        self.gateway.keep()
        if self.gateway.journal is not None:
            self.gateway.journal.close()
        self._release()

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers, and as whom to log in."""
        user = next(iter(self.gateway.users.values()))
        scenario = self._options.scenario
        name = self._options.user if scenario is None else scenario.users[0].name
        return Endpoint(self.listener.url, name, user.key)

    async def failed(self) -> None:
        """Wait for the emulator to break; returns only by raising."""
        await asyncio.shield(self._beat)

    async def _start(self) -> None:
        installation = self._install()
        self.gateway = self._build_gateway(installation)
        self.hubs = Hubs(
            self.gateway.faults,
            switches=self._switches,
            subscribed=self._greet,
            changed=self._follow,
        )
        gateway = self.gateway
        self._market_feed = MarketFeed(self.hubs, gateway.exchange, gateway.contract, self._switches)
        user_feed = UserFeed(self.hubs, gateway.exchange, gateway.faults, self._switches)
        self.pump = Pump(
            gateway,
            self._market_feed,
            user_feed,
            skip=self._world.skip,
        )
        # what happened while nobody was here is told by nobody
        gateway.settle()
        gateway.keep()
        gateway.on_events(self.pump.accept)
        control = Control(gateway, self.hubs)
        self.listener = self._listen(build_app(gateway, self.hubs, control_routes(control)), installation)
        gateway.cut = self.listener.abort
        gateway.refuse = self.listener.refuse
        await self.listener.start()
        self._beat = asyncio.create_task(self.pump.run())
        self._dropping = asyncio.create_task(keep_dropping(self.hubs, self._switches))
        if self._home is not None:
            self._home.remember(msgspec.structs.replace(installation, port=self.listener.port))
            self._home.announce(self.endpoint)

    def _install(self) -> Installation:
        """Claim the state folder, and find or make what identifies this emulator."""
        options = self._options
        if self._home is None:
            return Installation.fresh(key=options.key, seed=options.seed)
        self._home.create()
        self._claim = self._home.run(leased=options.shared)
        installation = self._home.installation() or Installation.fresh(key=options.key, seed=options.seed)
        if options.key is not None:
            installation = msgspec.structs.replace(installation, key=options.key)
        return installation

    def _build_gateway(self, installation: Installation) -> Gateway:
        options = self._options
        scenario = options.scenario
        if scenario is None:
            users: tuple[User, ...] = (User(options.user.lower(), installation.key),)
            accounts = demo_accounts(users[0].name, installation.number)
        else:
            users = tuple(User(user.name.lower(), user.key, user.login) for user in scenario.users)
            accounts = scenario_accounts(scenario.users, installation.number)
        self._world = world = build_world(
            options, installation.seed, self._rules, levels=self._switches.depth_levels
        )
        journal = None
        reached = None
        if self._home is not None:
            journal = Journal(self._home.snapshot, self._home.journal, world.description)
            reached = journal.restore(world.exchange)
        if reached is None:
            for account in accounts:
                world.exchange.open_account(account)
        clock, marks = world.start_clock(reached), Marks(options.seed)
        return Gateway(
            exchange=world.exchange,
            catalogue=world.catalogue,
            serves=world.serves,
            clock=clock,
            users=users,
            tokens=TokenIssuer(
                installation.secret
                if options.seed is None
                else secret_of(options.seed, (user.key for user in users)),
                seconds=self._token_clock(clock),
                draw_id=marks.token,
            ),
            budgets=RequestBudgets(enforced=options.rate_limits),
            marks=marks,
            faults=Faults(),
            switches=self._switches,
            limits=self._limits,
            journal=journal,
        )

    def _token_clock(self, clock: GatewayClock) -> Callable[[], float]:
        """The clock that tokens live by."""
        options, wanted = self._options, self._switches.token_time
        stands = options.frozen and (options.start is not None or options.replay is not None)
        if wanted is TokenTime.GATEWAY or (wanted is TokenTime.AUTO and stands):
            return lambda: clock.now().timestamp()
        return time.time

    def _listen(self, app: ASGIApp, installation: Installation) -> Listener:
        """The port asked for; else the one of the last run, so that clients find their way back; else a free one."""
        if self._options.port == 0 and installation.port:
            with suppress(ConfigError):
                return Listener(app, installation.port, self._http)
        return Listener(app, self._options.port, self._http)

    def _greet(self, connection: HubConnection, channel: Channel, key: Key) -> None:
        if channel in {Channel.QUOTES, Channel.DEPTH}:
            self._market_feed.greet(connection, channel, key)

    def _follow(self) -> None:
        """Let the exchange report what somebody listens to, and nothing else."""
        exchange = self.gateway.exchange
        wanted = {
            contract_id: bool(self.hubs.listeners(Channel.DEPTH, contract_id))
            for contract_id in self.hubs.market_contracts()
            if self.gateway.contract(contract_id) is not None
        }
        for contract_id in self._followed.keys() - wanted.keys():
            exchange.unfollow(contract_id)
            self._market_feed.forget(contract_id)
        for contract_id, depth in wanted.items():
            if self._followed.get(contract_id) is not depth:
                exchange.follow(contract_id, depth=depth)
        self._followed = wanted
        self.pump.wake()

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None
