"""What can be done to an exchange from outside the trade: locks, halts, prices, rolls; pure."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from tradeconsole.errors import InvalidRequest
from tradeconsole.exchange.catalogue import Catalogue, Contract
from tradeconsole.exchange.desk import OrderDesk
from tradeconsole.exchange.disturbances import Disturbances, ScriptedPrice
from tradeconsole.exchange.inquiry import Inquiry
from tradeconsole.exchange.listing import Listing
from tradeconsole.exchange.records import (
    AccountChanged,
    BracketMode,
    ExchangeEvent,
    PositionBrackets,
    VenueAccount,
)


class Intervention(Inquiry, ABC):
    """Orders of whoever runs the venue, a drill for example; each says when it happens."""

    catalogue: Catalogue
    listing: Listing
    disturbances: Disturbances
    _desk: OrderDesk
    _told: list[ExchangeEvent]

    @abstractmethod
    def _run_to(self, to: datetime) -> None:
        """Bring everything to a moment."""

    @abstractmethod
    def _flow(self, to: datetime, quiet_until: datetime | None) -> None:
        """Let the market go forward, and what is due with it."""

    @abstractmethod
    def open_account(self, account: VenueAccount) -> None:
        """Add an account."""

    @abstractmethod
    def _catch_up(self, contract_id: str) -> None:
        """Tell and match what a halt has held back."""

    def set_can_trade(self, account_id: int, can_trade: bool, now: datetime) -> None:
        """Lock or unlock an account."""
        self._run_to(now)
        account = msgspec.structs.replace(self._store.accounts[account_id], can_trade=can_trade)
        self._store.accounts[account_id] = account
        self._told.append(AccountChanged(self._now, account))

    def reset_account(self, account_id: int, new_id: int, name: str, now: datetime) -> None:
        """Start an account afresh, as a trader does after a breach: the old one is closed and hidden for good."""
        self._run_to(now)
        self._desk.liquidate(account_id, self._now)
        old = msgspec.structs.replace(self._store.accounts[account_id], can_trade=False, is_visible=False)
        new = msgspec.structs.replace(
            old,
            id=new_id,
            name=name,
            balance=old.start_balance,
            can_trade=True,
            is_visible=True,
            standing=None,
        )
        self._store.accounts[account_id] = old
        self.open_account(new)
        for account in (old, self._store.accounts[new_id]):
            self._told.append(AccountChanged(self._now, account))

    def set_bracket_mode(self, account_id: int, mode: BracketMode, now: datetime) -> None:
        """Choose which brackets an account takes, as its owner does in the platform's settings."""
        self._run_to(now)
        account = self._store.accounts[account_id]
        self._store.accounts[account_id] = msgspec.structs.replace(account, bracket_mode=mode)

    def set_position_brackets(self, account_id: int, brackets: PositionBrackets, now: datetime) -> None:
        """Choose what the platform keeps for positions, as their owner does in its settings.

        What is open is brought in step with its next fill (unverified).
        """
        self._run_to(now)
        account = self._store.accounts[account_id]
        self._store.accounts[account_id] = msgspec.structs.replace(account, position_brackets=brackets)

    def set_halted(self, contract_id: str, halted: bool, now: datetime) -> None:
        """Halt or resume trading in a contract: no matching, no market events, orders refused.

        With the end of a halt come the quote of the moment and what has changed in the depth meanwhile.
        """
        self._run_to(now)
        if halted:
            self._matcher.halted.add(contract_id)
        elif contract_id in self._matcher.halted:
            self._matcher.halted.discard(contract_id)
            self._catch_up(contract_id)

    def move_price(self, contract_id: str, ticks: int, now: datetime) -> None:
        """Shift a contract's price by ticks for good; quote and print come at once.

        Raises:
            InvalidRequest: the market has no such contract.
        """
        self._run_to(now)
        self._market.move(contract_id, ticks)
        self._flow(self._now, None)

    def set_price(self, contract_id: str, price: Decimal, now: datetime) -> None:
        """Shift a contract's price so that it trades at `price` now.

        Raises:
            InvalidRequest: the market has no such contract, or no price to start from.
        """
        self._run_to(now)
        self.move_price(contract_id, self._ticks_to(contract_id, price), self._now)

    def feed(self, contract_id: str, prices: list[tuple[timedelta, Decimal]], now: datetime) -> None:
        """Let a contract trade at prices, each some time after `now`, over whatever its market does between them.

        Raises:
            InvalidRequest: the market has no such contract, or no price to start from.
        """
        self._run_to(now)
        self._ticks_to(contract_id, Decimal(0))
        self.disturbances.add_prices(
            [ScriptedPrice(self._now + after, contract_id, price) for after, price in prices]
        )

    def roll(self, symbol: str, now: datetime) -> Contract:
        """Make a product's next expiry the active one; that contract. Prices of the old one go on (unverified).

        Raises:
            InvalidRequest: no such product, or no other expiry.
        """
        self._run_to(now)
        return self.listing.roll(self.catalogue.product(symbol), self._now.date())

    def disturb(self, now: datetime) -> Disturbances:
        """What is in force, to be changed as of now."""
        self._run_to(now)
        return self.disturbances

    def _trade_script(self) -> None:
        """Trade the scripted prices whose time has come."""
        while (scripted := self.disturbances.next_price) is not None and scripted.time <= self._now:
            self.disturbances.script.remove(scripted)
            self._market.move(scripted.contract_id, self._ticks_to(scripted.contract_id, scripted.price))
            self._flow(self._now, None)

    def _ticks_to(self, contract_id: str, price: Decimal) -> int:
        """From a contract's last price to another, in ticks."""
        product = self.catalogue.known(contract_id).product
        quote = self._market.quote(contract_id)
        if quote is None or quote.last is None:
            raise InvalidRequest(f"'{contract_id}' has no price yet")
        return product.ticks_of(price) - product.ticks_of(quote.last)
