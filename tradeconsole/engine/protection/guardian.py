"""Keeps stop and target of entries where the broker does not, and watches every position for its protection.

What has to be done is worked out from the book alone (`slices`, `plan`); this carries it out, one call at a time for
each kind of leg of each entry. It acts only on a book that agrees with the broker's records, and leaves a position
alone while it is being flattened.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Final

from tradeconsole.domain.commands import ModifyOrder
from tradeconsole.domain.events import (
    CancelAsked,
    Event,
    FillBooked,
    HeartbeatPassed,
    OrderChanged,
    PositionChanged,
    PositionReported,
    Synced,
)
from tradeconsole.domain.orders import CancelBy, Order, OrderRole, OrderStatus
from tradeconsole.engine import reconcile
from tradeconsole.engine.book import Book, Key
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.execution import Execution
from tradeconsole.engine.flatten import Flattener
from tradeconsole.engine.identity import leg_id
from tradeconsole.engine.protection.alarms import Alarms
from tradeconsole.engine.protection.plan import CancelOrder, Decisions, PlaceLeg, ResizeLeg, Step, steps
from tradeconsole.engine.protection.slices import Families, Slice, is_overtaken, slices
from tradeconsole.engine.protection.watch import Budget
from tradeconsole.engine.supervisor import Supervisor
from tradeconsole.errors import (
    AuthenticationFailed,
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    RateLimited,
    RequestRefused,
    TradeConsoleError,
)
from tradeconsole.ports import Clock

log = logging.getLogger(__name__)

CONFIRMATION: Final = 1.0
"""Seconds that a change may take to show in the broker's events before it is asked for again."""
FRESH: Final = timedelta(seconds=2)
"""Records read so short a time ago are ground enough to act while the stream is down."""
PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds after a call that failed, by how often it has in a row; the last one repeats."""
_RESIZES: Final = 3
"""So often the broker may refuse to resize a leg before it is replaced."""

_NO_EFFECT: Final = (RequestRefused, BrokerRejected, BrokerUnavailable, RateLimited, AuthenticationFailed)
"""After these a call has certainly changed nothing at the broker."""

Lane = tuple[str, OrderRole]
"""An entry and a kind of its orders: changes within one are made one after the other."""


class Guardian:
    """The engine's own brackets. Does nothing until it is started; `mend` says whether it may act at the broker."""

    def __init__(
        self,
        *,
        book: Book,
        bus: Bus,
        clock: Clock,
        execution: Execution,
        flattener: Flattener,
        supervisor: Supervisor,
        alarms: Alarms,
        is_synced: Callable[[str], bool],
        on_doubt: Callable[[], None],
        mend: bool,
        can_resize: bool,
    ) -> None:
        self._book = book
        self._bus = bus
        self._clock = clock
        self._execution = execution
        self._flattener = flattener
        self._supervisor = supervisor
        self._alarms = alarms
        self._is_synced = is_synced
        self._on_doubt = on_doubt
        self._mend = mend
        self._can_resize = can_resize
        self._families = Families()
        self._dirty: set[Key] = set()
        self._wake = asyncio.Event()
        self._busy: set[Lane] = set()
        self._rest_until: dict[Lane, float] = {}
        self._failures: dict[Lane, int] = defaultdict(int)
        self._budgets: dict[Lane, Budget] = defaultdict(Budget)
        self._refusals: dict[str, int] = defaultdict(int)
        self._cancelling: Counter[str] = Counter()
        self._overdue: set[str] = set()
        bus.subscribe(self._order, OrderChanged)
        bus.subscribe(self._fill, FillBooked)
        bus.subscribe(self._moved, PositionChanged, PositionReported)
        bus.subscribe(self._check_cancels, Synced)
        bus.subscribe(self._everything, HeartbeatPassed, Synced)

    # -- life -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Guard for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            dirty, self._dirty = self._dirty, set()
            for key in dirty:
                self._attend(key)

    def remember(self) -> None:
        """Take in orders and fills that the book was given without events."""
        for order in self._book.orders.values():
            self._families.take_order(order)
        for fill in self._book.fills.values():
            self._families.take_fill(fill)
        self._everything()

    def open_accounts(self) -> set[str]:
        """Accounts in which brackets that the engine keeps are not over."""
        return {
            key[0]
            for key in self._families.positions()
            for found in slices(self._book, self._families, key)
            if found.by_engine and not found.is_over
        }

    @contextmanager
    def cancelling(self, order_id: str, by: CancelBy) -> Iterator[None]:
        """While somebody cancels an order: who does is on record before it leaves, for whatever comes after.

        A stop or target that the user takes away is no loss, and is not placed again.
        """
        order = self._book.orders.get(order_id)
        is_users = order is not None and order.cancel_by is CancelBy.HAND and by is not CancelBy.HAND
        if order is None or order.status.is_final or is_users:
            yield
            return
        now = self._clock.now()
        self._bus.publish(CancelAsked(order_id, by, now))
        self._cancelling[order_id] += 1
        try:
            yield
        except _NO_EFFECT:
            if self._book.orders[order_id].cancel_asked_at == now:  # nobody has asked since
                # what was asked for before may still take effect
                self._bus.publish(CancelAsked(order_id, order.cancel_by, order.cancel_asked_at))
            raise
        finally:
            self._cancelling[order_id] -= 1

    def retry(self) -> None:
        """Forget how often things have failed, and try again."""
        self._budgets.clear()
        self._rest_until.clear()
        self._failures.clear()
        self._everything()

    # -- events ---------------------------------------------------------------------------------------------

    def _touch(self, key: Key) -> None:
        self._dirty.add(key)
        self._wake.set()

    def _order(self, event: OrderChanged) -> None:
        order = event.order
        self._families.take_order(order)
        if order.parent_id is not None or order.bracket:
            self._rest_until.pop((order.parent_id or order.order_id, order.role), None)
        self._touch((order.account_id, order.instrument_id))

    def _fill(self, event: FillBooked) -> None:
        self._families.take_fill(event.fill)
        order = self._book.orders.get(event.fill.order_id or "")
        if order is not None:
            self._families.take_order(order)
        self._touch((event.fill.account_id, event.fill.instrument_id))

    def _moved(self, event: PositionChanged | PositionReported) -> None:
        where = event.position if isinstance(event, PositionReported) else event
        self._touch((where.account_id, where.instrument_id))

    def _everything(self, _event: Event | None = None) -> None:
        for key in {*self._families.positions(), *self._book.ledgers}:
            self._touch(key)

    def _check_cancels(self, event: Synced) -> None:
        """Take back what was asked for so long ago that it would show in the broker's records.

        Only the second records after that count: the first may have been asked for before.
        """
        overdue: set[str] = set()
        for order in self._book.open_orders_of(event.account_id):
            asked_at = order.cancel_asked_at
            if (
                asked_at is not None
                and order.status is not OrderStatus.CANCELLING
                and not self._cancelling[order.order_id]
                and event.time - asked_at >= reconcile.NEVER_ARRIVED
            ):
                overdue.add(order.order_id)
                if order.order_id in self._overdue:
                    self._bus.publish(CancelAsked(order.order_id, None, None))
                    self._alarms.cancel_lost(order)
        self._overdue = overdue | {
            order_id
            for order_id in self._overdue
            if self._book.orders[order_id].account_id != event.account_id
        }

    # -- what has to be done --------------------------------------------------------------------------------

    def _attend(self, key: Key) -> None:
        found = slices(self._book, self._families, key)
        if not self._flattener.is_running(*key):
            decisions = self._decisions(key)
            self._alarms.look(key, self._families, found, decisions)
            if self._mend and self._is_proven(key[0]):
                self._undo_turn(key)
                for each in found:
                    self._mend_slice(each, decisions)
        for each in found:
            if each.is_over:
                self._families.leave_out(each.entry_id)

    def _undo_turn(self, key: Key) -> None:
        """Flatten what a leg has opened that came second, once the broker says as well that it is held."""
        stated, ledger = self._book.stated.get(key), self._book.ledgers.get(key)
        if stated is None or ledger is None or stated.size != ledger.size:
            return
        if is_overtaken(self._book, self._families, key):
            self._flattener.start(*key)

    def _is_proven(self, account_id: str) -> bool:
        """Whether the book is as the broker's records: by the stream, or, while it is down, by records just read."""
        synced = self._book.synced.get(account_id)
        just_read = synced is not None and self._clock.now() - synced.time < FRESH
        return just_read or self._is_synced(account_id)

    def _decisions(self, key: Key) -> Decisions:
        rigid = {order_id for order_id, count in self._refusals.items() if count >= _RESIZES}
        if not self._can_resize:
            rigid |= {leg for legs in self._families.entries(key).values() for leg in legs}
        return Decisions(
            rigid=frozenset(rigid),
            replace=self._alarms.replaces(key),
        )

    def _mend_slice(self, found: Slice, decisions: Decisions) -> None:
        entry = found.entry
        instrument_id = next(
            (order.instrument_id for order in (entry, *_orders(found)) if order is not None), ""
        )
        instrument = self._book.instruments.get(instrument_id)
        if instrument is None:
            return
        lanes: dict[Lane, list[Step]] = defaultdict(list)
        for step in steps(found, instrument, decisions):
            lanes[found.entry_id, self._role(step)].append(step)
        now = self._clock.monotonic()
        for lane, work in lanes.items():
            if lane not in self._busy and self._rest_until.get(lane, 0.0) <= now:
                self._busy.add(lane)
                self._supervisor.start("protection", self._carry_out(lane, found, work))

    def _role(self, step: Step) -> OrderRole:
        return step.role if isinstance(step, PlaceLeg) else self._book.orders[step.order_id].role

    # -- doing it -------------------------------------------------------------------------------------------

    async def _carry_out(self, lane: Lane, found: Slice, work: list[Step]) -> None:
        # what a failed call leaves is seen at the next look; until then nothing is asked twice
        self._rest_until[lane] = self._clock.monotonic() + CONFIRMATION
        try:
            for step in work:
                await self._perform(lane, found, step)
            self._failures.pop(lane, None)
        except TradeConsoleError as error:
            self._failed(lane, error)
        finally:
            self._busy.discard(lane)
            self._everything()

    async def _perform(self, lane: Lane, found: Slice, step: Step) -> None:
        match step:
            case PlaceLeg():
                await self._place(lane, found, step)
            case ResizeLeg(order_id, size):
                try:
                    await self._execution.resize(ModifyOrder(order_id=order_id, size=size))
                except BrokerError:
                    self._refusals[order_id] += 1
                    raise
            case CancelOrder(order_id, renew):
                with self.cancelling(order_id, CancelBy.RENEWAL) if renew else nullcontext():
                    # putting it on record has touched the order, but is no answer
                    self._rest_until[lane] = self._clock.monotonic() + CONFIRMATION
                    await self._execution.cancel(order_id)

    async def _place(self, lane: Lane, found: Slice, step: PlaceLeg) -> None:
        now, entry = self._clock.now(), found.entry
        if entry is None:
            return
        budget = self._budgets[lane]
        broken = budget.is_broken
        if not budget.spend(self._clock.monotonic()):
            if not broken:
                self._alarms.gave_up(entry, step.role)
            return
        await self._execution.place_leg(
            Order(
                order_id=leg_id(found.entry_id, step.role, step.number),
                account_id=entry.account_id,
                instrument_id=entry.instrument_id,
                side=step.side,
                type=step.type,
                size=step.size,
                status=OrderStatus.INTENDED,
                created_at=now,
                updated_at=now,
                role=step.role,
                origin=entry.origin,
                limit_price=step.price if step.role is OrderRole.TAKE_PROFIT else None,
                stop_price=step.price if step.role is OrderRole.STOP_LOSS else None,
                trail_ticks=step.trail_ticks,
                engine_bracket=True,
                parent_id=found.entry_id,
            )
        )

    def _failed(self, lane: Lane, error: TradeConsoleError) -> None:
        pause = PAUSES[min(self._failures[lane], len(PAUSES) - 1)]
        self._failures[lane] += 1
        self._rest_until[lane] = self._clock.monotonic() + pause
        log.warning("protection of %s, %s: %s; again in %.1f s", *lane, error, pause)
        if not isinstance(error, RequestRefused):
            self._on_doubt()


def _orders(found: Slice) -> list[Order]:
    return [leg.order for leg in (*found.stops, *found.targets)]
