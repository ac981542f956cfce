"""A session as one-shot verbs see it: frames laid over each other until the picture shows what is waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

from tradeconsole.domain.commands import Reconcile
from tradeconsole.errors import BrokerError, BrokerUnavailable, InvalidRequest
from tradeconsole.views.models import AccountChoice, BudgetView, Frame, OrderRow, PositionRow
from tradeconsole.views.session import Focus, Session

PATIENCE: Final = 15.0
"""Seconds to wait for a picture of things that the engine knows already."""

GLANCE: Final = 0.5
"""Seconds in which a picture shows what the engine has just learnt."""

PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at the broker's records."""


class Picture:
    """The newest state of everything the session shows of the account in view."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._frames = session.frames()
        self._next: asyncio.Task[Frame] | None = None
        self._frame = Frame()

    @property
    def accounts(self) -> tuple[AccountChoice, ...]:
        return self._frame.header.accounts if self._frame.header else ()

    @property
    def budgets(self) -> tuple[BudgetView, ...]:
        """What this session has used of the gateway's request limits."""
        return self._frame.system.budgets if self._frame.system else ()

    @property
    def account(self) -> AccountChoice:
        """The account in view.

        Raises:
            InvalidRequest: the user has none.
        """
        account = self._frame.header.account if self._frame.header else None
        if account is None:
            raise InvalidRequest("the gateway lists no account for this user")
        return account

    @property
    def orders(self) -> tuple[OrderRow, ...]:
        """Open ones with their legs after them, then those that are over, the newest first."""
        return tuple(row for row in self._frame.orders or () if row.account_id == self.account.account_id)

    @property
    def positions(self) -> tuple[PositionRow, ...]:
        return tuple(row for row in self._frame.positions or () if row.account_id == self.account.account_id)

    async def choose(self, wanted: str | None) -> AccountChoice:
        """Look at the account with that name or id; None keeps the one in view.

        Raises:
            InvalidRequest: there is none such.
        """
        await self.until(self._is_complete)
        if wanted is None:
            return self.account
        found = [choice for choice in self.accounts if wanted in {choice.account_id, choice.name}]
        if not found:
            known = ", ".join(choice.name for choice in self.accounts) or "none"
            raise InvalidRequest(f"there is no account '{wanted}': known are {known}")
        if found[0].account_id == self.account.account_id:
            return self.account
        self._frame = Frame()
        await self.session.watch(Focus(account_id=found[0].account_id, chart=False))
        await self.until(lambda: self._is_complete() and self.account.account_id == found[0].account_id)
        return self.account

    async def until(self, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Take in frames until the picture shows it.

        Raises:
            BrokerUnavailable: it did not in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while not holds():
            if self._next is None:
                self._next = asyncio.ensure_future(anext(self._frames))
            done, _ = await asyncio.wait({self._next}, timeout=max(0.0, deadline - loop.time()))
            if not done:
                raise BrokerUnavailable(f"no answer from the engine within {patience:g} s")
            frame, self._next = self._next.result(), None
            fresh = {name: getattr(frame, name) for name in frame.model_fields_set}
            self._frame = self._frame.model_copy(update={k: v for k, v in fresh.items() if v is not None})

    async def settle(self, holds: Callable[[], bool], pauses: Iterable[float] = PAUSES) -> bool:
        """Compare with the broker's records until the picture shows it; False if it does not in time.

        The pauses keep it far below the gateway's request limit, which a console of the same user needs too.
        """
        for pause in (0.0, *pauses):
            if pause:
                await asyncio.sleep(pause)
                with suppress(BrokerError):
                    await self.session.send(Reconcile())
            with suppress(BrokerUnavailable):
                await self.until(holds, GLANCE)
                return True
        return False

    def family(self, order_ids: Iterable[str]) -> tuple[OrderRow, ...]:
        """Rows of orders of ours, and of the legs of their brackets."""
        wanted = set(order_ids)
        return tuple(row for row in self.orders if row.order_id in wanted or row.parent_id in wanted)

    async def close(self) -> None:
        """Take in no more frames."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})
        await self._frames.aclose()

    def _is_complete(self) -> bool:
        frame = self._frame
        return frame.header is not None and frame.orders is not None and frame.positions is not None


@asynccontextmanager
async def picture_of(session: Session, account: str | None = None) -> AsyncIterator[Picture]:
    """The session's picture, complete, with an account in view.

    Raises:
        InvalidRequest: there is no such account.
        BrokerUnavailable: the engine gives no picture.
    """
    picture = Picture(session)
    try:
        await picture.choose(account)
        yield picture
    finally:
        await picture.close()
