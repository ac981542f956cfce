"""Orders out: gate, intent, one call, and an honest state whatever comes back.

A placement is written down before it is sent and sent once. The broker's reply alone never makes it working: its
events, or its records, do. No reply makes it unknown, and the broker's records settle it.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from tradeconsole.domain.commands import ModifyOrder, NudgeOrder, PlaceOrder
from tradeconsole.domain.events import (
    OrderAccepted,
    OrderChanged,
    OrderDoubted,
    OrderFailed,
    OrderIntended,
    OrderRejected,
    OrderSent,
)
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.notation import count
from tradeconsole.domain.orders import Order, OrderRequest, OrderRole, OrderStatus, OrderType
from tradeconsole.engine import risk
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.identity import new_order_id
from tradeconsole.engine.telemetry import Telemetry
from tradeconsole.errors import (
    BrokerError,
    BrokerRejected,
    BrokerUnavailable,
    InvalidRequest,
    OrderInDoubt,
    RateLimited,
    RequestRefused,
)
from tradeconsole.ports import Broker, Clock, Journal

T = TypeVar("T")

_MOVABLE = frozenset({OrderStatus.WORKING})
_EXITS = {
    OrderType.MARKET: OrderRole.EXIT,
    OrderType.STOP: OrderRole.STOP_LOSS,
    OrderType.STOP_LIMIT: OrderRole.STOP_LOSS,
    OrderType.TRAILING_STOP: OrderRole.STOP_LOSS,
}
_ADDRESSABLE = frozenset(
    {
        OrderStatus.PENDING,
        OrderStatus.SUSPENDED,
        OrderStatus.WORKING,
        OrderStatus.CANCELLING,
        OrderStatus.SENT,
    }
)


class Execution:
    """Places, modifies and cancels orders at one broker."""

    def __init__(
        self,
        *,
        broker: Broker,
        book: Book,
        bus: Bus,
        journal: Journal,
        clock: Clock,
        telemetry: Telemetry,
        situation: Callable[[str, Instrument], risk.Situation],
        resolve: Callable[[str], Coroutine[Any, Any, Instrument]],
        on_doubt: Callable[[], None],
        keeps_brackets: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._broker = broker
        self._book = book
        self._bus = bus
        self._journal = journal
        self._clock = clock
        self._telemetry = telemetry
        self._situation = situation
        self._resolve = resolve
        self._on_doubt = on_doubt
        self._keeps_brackets = keeps_brackets
        self._aims: dict[str, Decimal] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._carried: set[asyncio.Task[Any]] = set()
        bus.subscribe(self._forget_aim, OrderChanged)

    # -- placing --------------------------------------------------------------------------------------------

    async def place(self, command: PlaceOrder, *, replaces: str | None = None) -> Order:
        """Check, write down and send one order; returns it as the book has it after the broker's reply.

        `replaces` names the refused order that this one stands for.

        Raises:
            RequestRefused: refused here, nothing was sent.
            StorageError: the intent could not be written down, nothing was sent.
            BrokerRejected: the broker said no.
            BrokerUnavailable: it certainly did not reach the broker.
            OrderInDoubt: it may have; the order is shown as unknown until the records tell.
        """
        return await self._seen_through(self._place(command, replaces))

    async def _place(self, command: PlaceOrder, replaces: str | None) -> Order:
        started = time.perf_counter()
        instrument = await self._resolve(command.symbol)
        order = self.draft(command, instrument, replaces=replaces)
        risk.check(order, self._situation(order.account_id, instrument))
        await self._put_down_and_send(order, started)
        return self._book.orders[order.order_id]

    async def place_leg(self, leg: Order) -> None:
        """Write down and send a stop or target that the engine keeps; it can only close. Raises as `place`."""
        await self._seen_through(self._place_leg(leg))

    async def _place_leg(self, leg: Order) -> None:
        started = time.perf_counter()
        instrument = self._book.instruments[leg.instrument_id]
        risk.check_leg(leg, self._situation(leg.account_id, instrument))
        await self._put_down_and_send(leg, started)

    async def _put_down_and_send(self, order: Order, started: float) -> None:
        order_id = order.order_id
        self._journal.append(order)
        self._telemetry.observe("order.gate", time.perf_counter() - started)
        # the book has it at once, for the next order's gate; whoever only watches hears of it when it has left
        self._bus.hold(OrderIntended(order))
        self._bus.hold(OrderSent(order_id, self._clock.now()))
        asyncio.get_running_loop().call_soon(self._bus.release)
        try:
            with self._telemetry.timed("order.reply"):
                broker_order_id = await self._broker.place_order(self._request(order))
        except (BrokerUnavailable, RateLimited, InvalidRequest) as error:
            self._bus.publish(OrderFailed(order_id, str(error), self._clock.now()))
            raise
        except BrokerRejected as error:
            error.order_id = order_id
            self._bus.publish(OrderRejected(order_id, str(error), self._clock.now(), error.broker_order_id))
            raise
        except BrokerError as error:
            self._doubt(order_id, str(error))
            raise OrderInDoubt(f"{error}; the broker's records are being asked what became of it") from error
        except BaseException:
            # cancelled or broken in the middle of the call: nobody knows what the broker got
            self._doubt(order_id, "the call was interrupted")
            raise
        self._bus.publish(OrderAccepted(order_id, broker_order_id, self._clock.now()))

    def draft(self, command: PlaceOrder, instrument: Instrument, *, replaces: str | None = None) -> Order:
        """The order that a command would send; nothing is written or sent."""
        now = self._clock.now()
        return Order(
            order_id=new_order_id(command.origin, now),
            account_id=command.account_id,
            instrument_id=instrument.instrument_id,
            side=command.side,
            type=command.type,
            size=command.size,
            status=OrderStatus.INTENDED,
            created_at=now,
            updated_at=now,
            role=self._role(command, instrument),
            origin=command.origin,
            limit_price=command.limit_price,
            stop_price=command.stop_price,
            trail_ticks=command.trail_ticks,
            bracket=command.bracket or None,
            engine_bracket=bool(command.bracket) and self._keeps_brackets(command.account_id),
            replaces=replaces,
        )

    def _role(self, command: PlaceOrder, instrument: Instrument) -> OrderRole:
        """What an order is for: one that can only make the position smaller protects it, takes its profit or leaves it."""
        position = self._book.position(command.account_id, instrument.instrument_id)
        closes = -command.side.sign * (position.size if position else 0)
        if command.bracket or command.size > closes:
            return OrderRole.ENTRY
        return _EXITS.get(command.type, OrderRole.TAKE_PROFIT)

    def _request(self, order: Order) -> OrderRequest:
        price = self._book.price(order.instrument_id) if order.type is OrderType.TRAILING_STOP else None
        instrument = self._book.instruments[order.instrument_id]
        return OrderRequest(
            account_id=order.account_id,
            instrument_id=order.instrument_id,
            side=order.side,
            type=order.type,
            size=order.size,
            tag=order.order_id,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            trail_ticks=order.trail_ticks,
            reference_price=None if price is None else instrument.quantize(price),
            bracket=None if order.engine_bracket else order.bracket,
        )

    def _doubt(self, order_id: str, reason: str) -> None:
        self._bus.publish(OrderDoubted(order_id, reason, self._clock.now()))
        self._on_doubt()

    # -- changing -------------------------------------------------------------------------------------------

    async def modify(self, command: ModifyOrder) -> Order:
        """Change a working order's size or prices.

        Raises:
            RequestRefused: the order cannot be changed so, nothing was sent.
            BrokerError: as `place`; after `OrderInDoubt` the records tell which price holds.
        """
        return await self._seen_through(self._change(command, self._check_change))

    async def resize(self, command: ModifyOrder) -> Order:
        """Give a leg that the engine keeps another size; as `modify`, but needs no arming: it follows its position."""
        return await self._seen_through(self._change(command, self._check_leg))

    async def _change(self, command: ModifyOrder, check: Callable[[Order, Order], None]) -> Order:
        async with self._changing(command.order_id):
            return await self._modify(command, check)

    def _changing(self, order_id: str) -> asyncio.Lock:
        # one change of an order at a time: two on the wire could arrive in either order
        return self._locks.setdefault(order_id, asyncio.Lock())

    async def _modify(self, command: ModifyOrder, check: Callable[[Order, Order], None]) -> Order:
        order = self._open(command.order_id)
        if order.status not in _MOVABLE:
            raise InvalidRequest(f"the order is {order.status}: only working orders can be changed")
        changed = msgspec.structs.replace(
            order,
            size=command.size if command.size is not None else order.size,
            limit_price=command.limit_price if command.limit_price is not None else order.limit_price,
            stop_price=command.stop_price if command.stop_price is not None else order.stop_price,
        )
        if changed == order:
            return order
        check(order, changed)
        await self._call(
            self._broker.modify_order(
                order.account_id,
                order.broker_order_id or "",
                size=command.size,
                limit_price=command.limit_price,
                stop_price=command.stop_price,
            )
        )
        return self._book.orders[order.order_id]

    def _check_change(self, order: Order, changed: Order) -> None:
        instrument = self._book.instruments[order.instrument_id]
        situation = self._situation(order.account_id, instrument)
        if changed.size <= order.filled:
            raise InvalidRequest(f"{order.filled} of {order.size} are filled: the size must stay above that")
        others = tuple(other for other in situation.open_orders if other.order_id != order.order_id)
        resized = msgspec.structs.replace(changed, bracket=None, filled=0, size=changed.size - order.filled)
        if order.type is OrderType.TRAILING_STOP:
            # a trail is placed by its distance and moved by its level, which only the venue can judge
            resized = msgspec.structs.replace(resized, stop_price=None, trail_ticks=order.trail_ticks or 1)
        if changed.size > order.size:
            risk.check(resized, msgspec.structs.replace(situation, open_orders=others))
        elif changed.price != order.price:
            risk.check_move(resized, situation)
        else:
            for rule in risk.SENSE:
                rule(resized, situation)

    def _check_leg(self, order: Order, changed: Order) -> None:
        instrument = self._book.instruments[order.instrument_id]
        left = msgspec.structs.replace(changed, size=changed.size - order.filled, filled=0)
        risk.check_leg(left, self._situation(order.account_id, instrument))

    async def nudge(self, command: NudgeOrder) -> Decimal:
        """Move a working order's price by whole ticks; quick repeats add up. Returns the price aimed at."""
        return await self._seen_through(self._nudge(command))

    async def _nudge(self, command: NudgeOrder) -> Decimal:
        async with self._changing(command.order_id):
            return await self._step(command)

    async def _step(self, command: NudgeOrder) -> Decimal:
        order = self._open(command.order_id)
        price = self._aims.get(order.order_id, order.price)
        if price is None:
            raise InvalidRequest(f"a {order.type} order has no price to move")
        aim = self._book.instruments[order.instrument_id].offset(price, command.ticks)
        is_stop = order.stop_price is not None
        change = ModifyOrder(
            order_id=order.order_id, stop_price=aim if is_stop else None, limit_price=None if is_stop else aim
        )
        self._aims[order.order_id] = aim
        try:
            await self._modify(change, self._check_change)
        except BaseException:
            self._aims.pop(order.order_id, None)
            raise
        return aim

    def _forget_aim(self, event: OrderChanged) -> None:
        order = event.order
        if self._aims.get(order.order_id) == order.price or order.status.is_final:
            self._aims.pop(order.order_id, None)
        if order.status.is_final:
            self._locks.pop(order.order_id, None)

    async def cancel(self, order_id: str) -> Order:
        """Cancel one open order.

        Raises:
            InvalidRequest: it is not open, or the broker has not confirmed it yet.
            BrokerError: the broker refused or did not answer.
        """
        order = self._open(order_id)
        if order.broker_order_id is None or order.status not in _ADDRESSABLE:
            raise InvalidRequest(
                f"the order is {order.status}: it can be cancelled once the broker's records show it"
            )
        await self._seen_through(
            self._call(self._broker.cancel_order(order.account_id, order.broker_order_id))
        )
        return self._book.orders[order_id]

    async def close(self, account_id: str, instrument: Instrument, size: int | None = None) -> None:
        """Close a position, or part of it, at the market. Needs no arming: it can only reduce.

        Raises:
            InvalidRequest: there is no such position, or the size is not part of it.
            BrokerError: the broker refused or did not answer.
        """
        position = self._book.position(account_id, instrument.instrument_id)
        if position is None:
            raise InvalidRequest(f"no open position in {instrument.name}")
        held = abs(position.size)
        if size is not None and not 1 <= size <= held:
            raise InvalidRequest(f"size {size}: the position has {held} to close")
        part = None if size in {None, held} else size
        await self._seen_through(
            self._call(self._broker.close_position(account_id, instrument.instrument_id, part))
        )

    # -- how calls are made ---------------------------------------------------------------------------------

    def _open(self, order_id: str) -> Order:
        order = self._book.orders.get(order_id)
        if order is None:
            raise InvalidRequest(f"there is no order {order_id}")
        if order.status.is_final:
            raise InvalidRequest(f"the order is {order.status} already")
        return order

    async def _seen_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry out a request to its end even if whoever asked is gone: what was sent must be followed.

        The task begins before the gate, so that nothing that the intent has woken gets between it and the wire.
        """
        carried = asyncio.create_task(work)
        self._carried.add(carried)
        carried.add_done_callback(self._carried.discard)
        return await asyncio.shield(carried)

    async def _call(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            with self._telemetry.timed("order.reply"):
                return await call
        except RequestRefused:
            raise
        except (OrderInDoubt, BrokerRejected):
            self._on_doubt()  # the book may be behind: read the records before anyone acts again
            raise


def describe(command: PlaceOrder, instrument: Instrument) -> str:
    """An order in one line: `BUY 2 MNQZ6 market, stop 40 ticks, target 80 ticks`."""
    words = [f"{command.side} {command.size} {instrument.name} {command.type}"]
    prices = {"": command.limit_price, "stop": command.stop_price}
    words[0] += "".join(
        f" {name} {instrument.format(price)}".replace("  ", " ")
        for name, price in prices.items()
        if price is not None
    )
    if command.trail_ticks is not None and command.type is OrderType.TRAILING_STOP:
        words.append(f"trail {count(command.trail_ticks, 'tick')}")
    if command.bracket:
        if command.bracket.stop_ticks is not None:
            trails = " trailing" if command.bracket.trailing else ""
            words.append(f"stop {count(command.bracket.stop_ticks, 'tick')}{trails}")
        if command.bracket.target_ticks is not None:
            words.append(f"target {count(command.bracket.target_ticks, 'tick')}")
    return ", ".join(words)
