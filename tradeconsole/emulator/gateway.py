"""The gateway behind its surfaces: users, the exchange in time, and everything that a call may need."""

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from tradeconsole.emulator.clock import GatewayClock
from tradeconsole.emulator.faults import Faults, RestFault
from tradeconsole.emulator.hubs import HubLimits
from tradeconsole.emulator.journal import AnyCommand, Journal, Turn
from tradeconsole.emulator.limits import RequestBudgets
from tradeconsole.emulator.marks import Marks
from tradeconsole.emulator.scenario import LoginOutcome
from tradeconsole.emulator.switchboard import Value, find_switch, turn
from tradeconsole.emulator.switches import Switches
from tradeconsole.emulator.tokens import TokenIssuer
from tradeconsole.emulator.unrest import Reopening
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.catalogue import Catalogue, Contract
from tradeconsole.exchange.listing import Listing
from tradeconsole.exchange.records import ExchangeEvent, Outcome, VenueAccount
from tradeconsole.exchange.venue import Exchange

NOBODY = 0
"""An account id that does not exist: what a caller sees of other users' accounts."""

SNAPSHOT_EVERY_COMMANDS = 500


Peer = tuple[str, int]
"""Address and port of a client; tells connections apart."""


class User(msgspec.Struct, frozen=True):
    """Somebody who may log in. `name` is in lower case."""

    name: str
    key: str
    login: LoginOutcome = LoginOutcome.OK


class Gateway:
    """State and services of one emulator; surfaces hold nothing of their own.

    Args:
        serves: whether there is a market for a contract id.
        journal: writes down every command; None forgets.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        catalogue: Catalogue,
        serves: Callable[[str], bool],
        clock: GatewayClock,
        users: tuple[User, ...],
        tokens: TokenIssuer,
        budgets: RequestBudgets,
        marks: Marks,
        faults: Faults,
        switches: Switches,
        limits: HubLimits,
        journal: Journal | None,
    ) -> None:
        self.exchange = exchange
        self.catalogue = catalogue
        self._serves = serves
        self.clock = clock
        self.users = {user.name: user for user in users}
        self.tokens = tokens
        self.budgets = budgets
        self.marks = marks
        self.faults = faults
        self.switches = switches
        self._reopening = Reopening(switches)
        self.limits = limits
        self.journal = journal
        self._accept: Callable[[list[ExchangeEvent]], None] = _ignore
        self.cut: Callable[[Peer], None] = _ignore
        """Resets the connection of a client."""
        self.refuse: Callable[[float], None] = _ignore
        """Closes the port for some seconds."""

    def on_events(self, accept: Callable[[list[ExchangeEvent]], None]) -> None:
        """Who takes the exchange's events, in order and each once."""
        self._accept = accept

    @property
    def listing(self) -> Listing:
        """Which contracts are active."""
        return self.exchange.listing

    @property
    def today(self) -> date:
        """The date by which the exchange decides which contracts are active."""
        return self.clock.now().date()

    def contract(self, contract_id: str) -> Contract | None:
        """A contract that has a market here, active or expired."""
        return self.catalogue.contract(contract_id) if self._serves(contract_id) else None

    def moment(self) -> datetime:
        """The time of a command that is given now."""
        return max(self.clock.now(), self.exchange.now)

    def tell(self, command: AnyCommand) -> Outcome:
        """Give the exchange a command, and write it down before anybody hears of its outcome."""
        outcome = command.apply(self.exchange)
        if self.journal is not None:
            self.journal.append(command)
            if self.journal.appended >= SNAPSHOT_EVERY_COMMANDS:
                self.keep()
        self.settle()
        return outcome

    def turn(self, name: str, value: Value) -> None:
        """Turn a switch while everything runs.

        Raises:
            ConfigError: no such switch, none of its values, or one that is fixed.
        """
        switch = find_switch(name)
        switch.read(value)
        if switch.fixed:
            raise ConfigError(f"{switch.name} is set at the start: use a scenario file")
        if switch.venue:
            self.tell(Turn(at=self.moment(), name=switch.name, value=value))
        else:
            turn(switch, value, self.switches, self.exchange.options)
            self.faults.stalled = self.switches.stall
            self.settle()

    def next_fault(self, path: str) -> RestFault | None:
        """What happens to a call to a path (in lower case) instead of its normal course."""
        return self.faults.next_rest(path) or self._reopening.fault(self.clock.now())

    def keep(self) -> None:
        """Write the present state to disk."""
        if self.journal is not None:
            self.journal.take_snapshot(self.exchange.snapshot(), self.exchange.now)

    def account(self, user: str, account_id: int) -> VenueAccount | None:
        """An account, if it is the user's."""
        account = self.exchange.account(account_id)
        return account if account is not None and account.user == user else None

    def visible(self, user: str, account_id: int) -> int:
        """The account id, or that of nobody when it is not the user's."""
        return NOBODY if self.account(user, account_id) is None else account_id

    def settle(self) -> None:
        """Bring the exchange to the present, so that nothing that is read is of the past."""
        self._accept(self.exchange.advance(self.clock.now()))


def _ignore(_: object) -> None:
    """Nobody listens yet."""
