"""Flatten: cancel, close, and keep at it until the broker itself says flat. Local state is never edited by it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from tradeconsole.domain.events import BrokerPosition, Severity
from tradeconsole.domain.orders import OrderReport, OrderRole, OrderStatus, OrderType
from tradeconsole.engine.book import Book
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.errors import BrokerError
from tradeconsole.ports import Broker

log = logging.getLogger(__name__)

PAUSES: Final = (0.3, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at the broker's records while nothing changes there; the last one repeats."""
ATTEMPTS: Final = 60
_ON_ITS_WAY: Final = frozenset({OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN})
_PROTECTIVE: Final = frozenset({OrderType.STOP, OrderType.TRAILING_STOP, OrderType.STOP_LIMIT})

Tell = Callable[[Severity, str, str], None]


class Flattener:
    """Brings accounts to flat, by the broker's records alone; an order on its way is waited for.

    Entries are cancelled first, then positions closed, then what is left (stops last, so that a position that
    cannot be closed is not left naked by our own hand).
    """

    def __init__(
        self, broker: Broker, book: Book, supervisor: Supervisor, tell: Tell, on_moved: Callable[[], None]
    ) -> None:
        self._broker = broker
        self._book = book
        self._supervisor = supervisor
        self._tell = tell
        self._on_moved = on_moved
        self._running: dict[tuple[str, str | None], asyncio.Task[Any]] = {}

    def start(self, account_id: str, instrument_id: str | None = None) -> "asyncio.Task[bool]":
        """Begin, or join what is already under way; the task's result tells whether the broker says flat."""
        key = (account_id, instrument_id)
        running = self._running.get(key)
        if running is None or running.done():
            running = self._supervisor.start("flatten", self._until_flat(account_id, instrument_id))
            self._running[key] = running
        return running

    def is_running(self, account_id: str, instrument_id: str) -> bool:
        """Whether a position is being brought to flat, alone or with the whole account."""
        tasks = (self._running.get((account_id, scope)) for scope in (instrument_id, None))
        return any(task is not None and not task.done() for task in tasks)

    async def _until_flat(self, account_id: str, instrument_id: str | None) -> bool:
        unchanged, before = 0, None
        for attempt in range(ATTEMPTS):
            try:
                positions, orders = seen = await self._look(account_id, instrument_id)
                unchanged, before = (unchanged if seen == before else 0), seen
                if not positions and not orders and not self._may_arrive(account_id, instrument_id):
                    self._tell(Severity.SUCCESS, "Flat", "the broker confirms: no position, no open order")
                    return True
                await self._reduce(account_id, positions, orders)
            except BrokerError as error:
                log.warning("flatten, attempt %d: %s", attempt + 1, error)
                if attempt in {2, 8, 20}:
                    self._tell(
                        Severity.ERROR, "NOT FLAT YET", f"attempt {attempt + 1}: {error}; still trying"
                    )
            self._on_moved()
            await asyncio.sleep(PAUSES[min(unchanged, len(PAUSES) - 1)])
            unchanged += 1
        self._tell(
            Severity.ERROR, "COULD NOT FLATTEN", "close the position at the broker, by phone if need be"
        )
        return False

    def _may_arrive(self, account_id: str, instrument_id: str | None) -> bool:
        """Whether an order that the broker does not show yet is on its way to it."""
        orders = self._book.open_orders_of(account_id, instrument_id)
        return any(order.status in _ON_ITS_WAY for order in orders)

    async def _look(
        self, account_id: str, instrument_id: str | None
    ) -> tuple[list[BrokerPosition], list[OrderReport]]:
        # orders first: one that fills between the two questions is then seen at least as one of them
        orders = list(await self._broker.get_open_orders(account_id, urgent=True))
        positions = [p for p in await self._broker.get_positions(account_id, urgent=True) if p.size]
        if instrument_id is None:
            return positions, orders
        return (
            [position for position in positions if position.instrument_id == instrument_id],
            [order for order in orders if order.instrument_id == instrument_id],
        )

    async def _reduce(
        self, account_id: str, positions: list[BrokerPosition], orders: list[OrderReport]
    ) -> None:
        held = {position.instrument_id for position in positions}
        guards = [order for order in orders if order.instrument_id in held and _protects(order)]
        kept = {order.broker_order_id for order in guards}
        await self._all(
            self._broker.cancel_order(account_id, order.broker_order_id)
            for order in orders
            if order.broker_order_id not in kept
        )
        await self._all(self._broker.close_position(account_id, p.instrument_id) for p in positions)

    async def _all(self, calls: Iterable[Coroutine[Any, Any, None]]) -> None:
        results = await asyncio.gather(*calls, return_exceptions=True)
        for result in results:
            if isinstance(result, BrokerError):
                log.warning("flatten: %s", result)
            elif isinstance(result, BaseException):
                raise result


def _protects(order: OrderReport) -> bool:
    return order.type in _PROTECTIVE and order.role is not OrderRole.ENTRY
