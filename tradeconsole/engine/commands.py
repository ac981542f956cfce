"""What a front end may ask for, carried out; every command that touches money leaves a line in the audit trail."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from tradeconsole.domain.accounts import Account, AccountKind
from tradeconsole.domain.commands import (
    Arm,
    CancelAll,
    CancelOrder,
    ClosePosition,
    Command,
    Disarm,
    DismissNotifications,
    Flatten,
    ModifyOrder,
    NudgeOrder,
    PlaceOrder,
    Reconcile,
)
from tradeconsole.domain.events import ArmedChanged, NotificationRaised
from tradeconsole.domain.notation import count, shown_signed
from tradeconsole.domain.orders import CancelBy, Order, OrderStatus
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.connection import Connection
from tradeconsole.engine.execution import Execution, describe
from tradeconsole.engine.flatten import Flattener
from tradeconsole.engine.protection.guardian import Guardian
from tradeconsole.engine.protection.keepers import Keepers
from tradeconsole.engine.risk import READ_ONLY
from tradeconsole.engine.sync import Synchroniser
from tradeconsole.errors import (
    BracketsUnavailable,
    BrokerError,
    BrokerRejected,
    InvalidRequest,
    OrderInDoubt,
    RequestRefused,
    RiskDenied,
    StorageError,
    TradeConsoleError,
)
from tradeconsole.ports import AuditEntry, Clock, Journal

T = TypeVar("T")

log = logging.getLogger(__name__)

_HARMLESS: Final = (Arm, Disarm, Reconcile, DismissNotifications)
"""Commands that send the broker nothing; arming has its own refusal."""


class Done(msgspec.Struct, frozen=True):
    """A command was carried out as far as it is ours to do; `order_ids` are ours."""

    message: str
    order_ids: tuple[str, ...] = ()


class Commands:
    """Dispatches commands to whoever carries them out."""

    def __init__(
        self,
        *,
        book: Book,
        bus: Bus,
        journal: Journal,
        clock: Clock,
        execution: Execution,
        flattener: Flattener,
        sync: Synchroniser,
        connection: Connection,
        guardian: Guardian,
        keepers: Keepers,
        read_only: bool,
    ) -> None:
        self._book = book
        self._bus = bus
        self._journal = journal
        self._clock = clock
        self._execution = execution
        self._flattener = flattener
        self._sync = sync
        self._connection = connection
        self._guardian = guardian
        self._keepers = keepers
        self._read_only = read_only
        self.read_until: datetime | None = None
        """Notifications up to this time were seen by the user."""

    async def handle(self, command: Command) -> Done:
        """Carry out a command.

        Raises:
            RequestRefused: refused here, nothing was sent.
            StorageError: it could not be written down, nothing was sent.
            BrokerError: the broker refused, failed, or did not answer.
        """
        try:
            if self._read_only and not isinstance(command, _HARMLESS):
                raise RiskDenied("read_only", READ_ONLY)
            done = await self._dispatch(command)
        except TradeConsoleError as error:
            self._audit(command, f"{type(error).__name__}: {error}")
            raise
        self._audit(command, done.message, done.order_ids[0] if len(done.order_ids) == 1 else None)
        return done

    def mark_read(self) -> None:
        """Take everything in the feed as seen."""
        if self._book.notifications:
            self.read_until = self._book.notifications[-1].time

    def is_read(self, notice: NotificationRaised) -> bool:
        return self.read_until is not None and notice.time <= self.read_until

    def _audit(self, command: Command, outcome: str, order_id: str | None = None) -> None:
        if isinstance(command, Reconcile | DismissNotifications):
            return
        entry = AuditEntry(
            time=self._clock.now(),
            who=command.origin if isinstance(command, PlaceOrder) else "hand",
            what=repr(command),
            why=outcome,
            account_id=getattr(command, "account_id", None),
            order_id=order_id or getattr(command, "order_id", None),
        )
        try:
            self._journal.append(entry)
        except StorageError:
            log.exception("the audit trail misses a line: %s", entry)

    async def _dispatch(self, command: Command) -> Done:
        match command:
            case PlaceOrder():
                return await self._place(command)
            case ModifyOrder():
                self._check_size(command)
                await self._unless_late(command.order_id, self._execution.modify(command))
                return Done("change sent", (command.order_id,))
            case NudgeOrder():
                return await self._nudge(command)
            case CancelOrder():
                return await self._cancel_one(command)
            case CancelAll():
                return await self._cancel_all(command)
            case ClosePosition() | Flatten():
                return await self._close(command)
            case Arm() | Disarm():
                return self._arm(command)
            case Reconcile():
                self._connection.wake()
                await self._sync.sync_all()
                self._guardian.retry()
                return Done("reconciled with the broker's records")
            case DismissNotifications():
                self.mark_read()
                return Done("notifications marked as read")

    async def _place(self, command: PlaceOrder) -> Done:
        try:
            order = await self._execution.place(command)
        except BracketsUnavailable as refusal:
            if not self._keepers.take_over(command.account_id):
                raise BracketsUnavailable(
                    f"{refusal} A console that runs keeps stop and target itself; a single command cannot.",
                    code=refusal.code,
                    broker_order_id=refusal.broker_order_id,
                ) from refusal
            # the refused order is certainly not at the broker: this is another one, with an id of its own
            order = await self._execution.place(command, replaces=refusal.order_id)
        words = describe(command, self._book.instruments[order.instrument_id])
        keeper = " (kept by the engine)" if order.engine_bracket else ""
        return Done(f"sent: {words}{keeper}", (order.order_id,))

    def _check_size(self, command: ModifyOrder) -> None:
        order = self._book.orders.get(command.order_id)
        if command.size is not None and order is not None and order.engine_bracket and order.parent_id:
            raise InvalidRequest(
                f"the engine sizes this {order.role} to what its entry holds: change its price, or cancel it"
            )

    async def _cancel(self, order_id: str) -> Order:
        with self._guardian.cancelling(order_id, CancelBy.HAND):
            return await self._execution.cancel(order_id)

    async def _cancel_one(self, command: CancelOrder) -> Done:
        order = await self._unless_late(command.order_id, self._cancel(command.order_id))
        if order.status is OrderStatus.FILLED:
            raise self._too_late(order)
        return Done("cancel sent", (command.order_id,))

    async def _unless_late(self, order_id: str, change: Coroutine[Any, Any, T]) -> T:
        """Make a change; if the broker refuses it because the order has ended meanwhile, say how it did."""
        try:
            return await change
        except BrokerRejected as refusal:
            order = self._book.orders[order_id]
            with suppress(BrokerError):
                await self._sync.sync(order.account_id)
            order = self._book.orders[order_id]
            if not order.status.is_final:
                raise
            raise self._too_late(order) from refusal

    def _too_late(self, order: Order) -> InvalidRequest:
        price = ""
        if order.filled and order.average_price is not None:
            price = f" at {self._book.instruments[order.instrument_id].format(order.average_price)}"
        return InvalidRequest(f"too late: the order is {order.status} already{price}")

    async def _nudge(self, command: NudgeOrder) -> Done:
        aim = await self._unless_late(command.order_id, self._execution.nudge(command))
        instrument = self._book.instruments[self._book.orders[command.order_id].instrument_id]
        unit = "tick" if abs(command.ticks) == 1 else "ticks"
        moved = f"{shown_signed(command.ticks, 0)} {unit}"
        return Done(f"moving to {instrument.format(aim)} ({moved})", (command.order_id,))

    async def _close(self, command: ClosePosition | Flatten) -> Done:
        if isinstance(command, ClosePosition):
            instrument = await self._connection.resolve(command.symbol)
            await self._execution.close(command.account_id, instrument, command.size)
            return Done(f"closing {command.size or 'all'} {instrument.name}")
        self._known_account(command.account_id)
        scope = None if command.symbol is None else await self._connection.resolve(command.symbol)
        self._flattener.start(command.account_id, scope.instrument_id if scope else None)
        return Done(f"flattening {scope.name if scope else 'everything'}: watch the feed for 'Flat'")

    async def _cancel_all(self, command: CancelAll) -> Done:
        self._known_account(command.account_id)
        scope = (
            None if command.symbol is None else (await self._connection.resolve(command.symbol)).instrument_id
        )
        orders = self._book.open_orders_of(command.account_id, scope)
        # a leg that still waits goes with its entry; asking for both would only be refused
        entries = {order.order_id for order in orders}
        wanted = [o for o in orders if o.status is not OrderStatus.SUSPENDED or o.parent_id not in entries]
        results = await asyncio.gather(
            *(self._cancel(order.order_id) for order in wanted), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, BrokerError | RequestRefused):
                raise failure
        if failures:
            await self._check_cancelled(wanted, failures[0])
        return Done(
            f"cancel sent for {count(len(orders), 'order')}", tuple(order.order_id for order in orders)
        )

    async def _check_cancelled(self, orders: list[Order], failure: BaseException) -> None:
        """Raise unless the broker's records show that all of these have ended, by our hand or otherwise."""
        if isinstance(failure, BrokerRejected | InvalidRequest):
            await self._sync.sync(orders[0].account_id)
        left = [order for order in orders if order.order_id in self._book.open_orders]
        if left:
            raise OrderInDoubt(
                f"{len(left)} of {count(len(orders), 'order')} could not be cancelled: {failure}"
            ) from failure

    def _arm(self, command: Arm | Disarm) -> Done:
        account = self._known_account(command.account_id)
        if isinstance(command, Disarm):
            self._bus.publish(ArmedChanged(command.account_id, armed=False))
            return Done(f"{account.name} disarmed")
        if self._read_only:
            raise InvalidRequest("this profile is read-only: it cannot be armed")
        if account.kind in {AccountKind.FUNDED, AccountKind.LIVE} and command.phrase != account.name:
            raise InvalidRequest(f"type the account's name to arm it: {account.name}")
        self._bus.publish(ArmedChanged(command.account_id, armed=True))
        return Done(f"{account.name} armed")

    def _known_account(self, account_id: str) -> Account:
        account = self._book.accounts.get(account_id)
        if account is None:
            raise InvalidRequest(f"there is no account {account_id}")
        return account
