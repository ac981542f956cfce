"""What streams bring to a console, fetched for commands that run without them: a price before, the outcome after."""

import asyncio
from typing import Final

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
from tradeconsole.domain.events import QuoteReceived
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.commands import Done
from tradeconsole.engine.connection import Connection
from tradeconsole.engine.flatten import Flattener
from tradeconsole.engine.sync import Synchroniser
from tradeconsole.errors import OrderInDoubt
from tradeconsole.ports import Broker

LOOKS: Final = 20
PAUSE: Final = 0.15
"""Seconds between looks at the records while an order settles."""
_UNSETTLED: Final = frozenset({OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.PENDING})


class QuietLane:
    """Asks the broker where a console would have been told."""

    def __init__(
        self,
        broker: Broker,
        book: Book,
        bus: Bus,
        connection: Connection,
        sync: Synchroniser,
        flattener: Flattener,
    ) -> None:
        self._broker = broker
        self._book = book
        self._bus = bus
        self._connection = connection
        self._sync = sync
        self._flattener = flattener

    async def prepare(self, command: Command) -> None:
        """Fetch the price that the risk gate compares with.

        Raises:
            InvalidRequest: the symbol does not exist.
            BrokerError: the broker could not be asked.
        """
        instrument_id = None
        if isinstance(command, PlaceOrder):
            instrument_id = (await self._connection.resolve(command.symbol)).instrument_id
        elif isinstance(command, ModifyOrder | NudgeOrder) and command.order_id in self._book.orders:
            instrument_id = self._book.orders[command.order_id].instrument_id
        if instrument_id is not None:
            self._bus.publish(QuoteReceived(await self._broker.get_market_quote(instrument_id)))

    async def follow(self, command: Command, done: Done) -> None:
        """Stay until the broker's records show what became of a command.

        Raises:
            OrderInDoubt: an account could not be brought to flat.
            BrokerError: the broker could not be asked.
        """
        if isinstance(command, Flatten):
            scope = await self._connection.resolve(command.symbol) if command.symbol else None
            if not await self._flattener.start(command.account_id, scope.instrument_id if scope else None):
                raise OrderInDoubt("the broker does not confirm flat: look at the account now")
        account_id = self._account_of(command, done)
        if account_id is None:
            return
        for _ in range(LOOKS):
            await self._sync.sync(account_id)
            if not any(self._book.orders[order_id].status in _UNSETTLED for order_id in done.order_ids):
                return
            await asyncio.sleep(PAUSE)

    def _account_of(self, command: Command, done: Done) -> str | None:
        """The account in which a command has changed something at the broker; None if it has not."""
        match command:
            case Arm() | Disarm() | Reconcile() | DismissNotifications():
                return None
            case ModifyOrder() | NudgeOrder() | CancelOrder():
                return self._book.orders[done.order_ids[0]].account_id
            case PlaceOrder() | CancelAll() | ClosePosition() | Flatten():
                return command.account_id
