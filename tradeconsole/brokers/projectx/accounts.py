"""Which accounts there are: those that the gateway calls active, and what that list leaves out.

What makes an account active is not documented. One that is locked may be left out (unverified) although it holds a position:
whatever is left out is shown as an account that cannot trade: if it was on the list, until the gateway does not know it any
more; from the start, if something is open in it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec

from tradeconsole.brokers.projectx import translate, wire
from tradeconsole.brokers.projectx.endpoints import ACCOUNTS, ORDER_SEARCH_OPEN, POSITIONS
from tradeconsole.brokers.projectx.limits import Urgency
from tradeconsole.brokers.projectx.rest import RestClient
from tradeconsole.domain.accounts import Account
from tradeconsole.domain.events import AccountReported
from tradeconsole.errors import AuthenticationFailed, BrokerError, BrokerRejected
from tradeconsole.ports import Publish

log = logging.getLogger(__name__)

R = TypeVar("R")

_PAUSE: Final = 2.0
"""Seconds between accounts that are looked at: some users have dozens that ended long ago, and one request budget."""

_AGAIN: Final = 10.0
"""Seconds before a question is repeated that was not answered."""

_OPEN_POSITIONS: Final = msgspec.structs.replace(POSITIONS, urgency=Urgency.HISTORY)
_OPEN_ORDERS: Final = msgspec.structs.replace(ORDER_SEARCH_OPEN, urgency=Urgency.HISTORY)


class Accounts:
    """The accounts of one user. `stream` is given those to stream whenever others are listed than before."""

    def __init__(
        self, rest: RestClient, publish: Publish, stream: Callable[[Sequence[Account]], Awaitable[None]]
    ) -> None:
        self._rest = rest
        self._publish = publish
        self._stream = stream
        self._listed: dict[str, Account] | None = None
        self._unlisted: dict[str, Account] = {}
        self._looking: asyncio.Task[None] | None = None

    async def active(self) -> list[Account]:
        """The active accounts; whoever came or went since they were last asked for is told."""
        accounts = await self._ask(only_active=True)
        if self._listed is None:
            self._listed = {each.account_id: each for each in accounts}
        elif accounts:  # around the reopening an empty list says nothing
            await self._follow(self._listed, accounts)
        return accounts

    def look_for_locked(self) -> None:
        """Find, in the background, what the list left out from the start; does nothing if begun."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look(), name="locked accounts")

    async def forget(self, account_id: str) -> None:
        """The gateway does not know this account: show it no more if it is not listed either."""
        await self.active()
        gone = self._unlisted.pop(account_id, None)
        if gone is not None:
            self._publish(AccountReported(msgspec.structs.replace(gone, is_visible=False)))

    async def close(self) -> None:
        """Stop looking; never raises."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _ask(self, *, only_active: bool) -> list[Account]:
        body = wire.AccountSearchBody(only_active_accounts=only_active)
        return [translate.account(row) for row in (await self._rest.call(ACCOUNTS, body)).accounts or ()]

    async def _follow(self, before: dict[str, Account], accounts: Sequence[Account]) -> None:
        """Tell of accounts that came and went, and stream those that are there: a reset makes a new one."""
        now = self._listed = {each.account_id: each for each in accounts}
        if before.keys() == now.keys():
            return
        for account_id in before.keys() - now.keys():
            self._show_unlisted(before[account_id])
        for account_id in now.keys() - before.keys():
            self._unlisted.pop(account_id, None)
            self._publish(AccountReported(now[account_id]))
        await self._stream([each for each in accounts if each.is_visible])

    def _show_unlisted(self, account: Account) -> None:
        shown = self._unlisted[account.account_id] = msgspec.structs.replace(account, can_trade=False)
        self._publish(AccountReported(shown))

    async def _look(self) -> None:
        for account in await self._answered(self._left_out) or ():
            is_open = await self._answered(partial(self._is_open, account))
            listed = self._listed or {}
            # a user all of whose accounts are locked wants to see them nevertheless
            if account.account_id not in listed and (is_open or not listed):
                self._show_unlisted(account)
            await asyncio.sleep(_PAUSE)

    async def _answered(self, ask: Callable[[], Awaitable[R]]) -> R | None:
        """Ask until there is an answer; None if it is a refusal."""
        while True:
            try:
                return await ask()
            except (AuthenticationFailed, BrokerRejected) as error:
                log.info("not looked for locked accounts: %s", error)
                return None
            except BrokerError as error:
                log.info("looking for locked accounts has to wait: %s", error)
                await asyncio.sleep(_AGAIN)

    async def _left_out(self) -> list[Account]:
        """Accounts that are not active, the newest first: they are the likeliest to matter."""
        accounts = await self._ask(only_active=False)
        found = [each for each in accounts if each.is_visible and each.account_id not in (self._listed or {})]
        return sorted(found, key=lambda each: int(each.account_id), reverse=True)

    async def _is_open(self, account: Account) -> bool:
        body = wire.AccountBody(account_id=int(account.account_id))
        if (await self._rest.call(_OPEN_POSITIONS, body)).positions:
            return True
        return bool((await self._rest.call(_OPEN_ORDERS, body)).orders)
