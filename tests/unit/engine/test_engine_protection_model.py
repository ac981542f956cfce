"""The engine's brackets against a venue that fills, loses, delays and refuses as hypothesis pleases."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from trading_factories import (
    ACCOUNT,
    MNQ,
    NOON,
    make_fill,
    make_instrument,
    make_order,
    make_report,
    make_stated,
)

from tradeconsole.domain.events import (
    CancelAsked,
    Event,
    FillReported,
    InstrumentResolved,
    OrderAccepted,
    OrderDoubted,
    OrderFailed,
    OrderIntended,
    OrderRejected,
    OrderReported,
    OrderSent,
    PositionReported,
)
from tradeconsole.domain.orders import Bracket, CancelBy, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.identity import leg_id, leg_of
from tradeconsole.engine.protection.plan import CancelOrder, Decisions, PlaceLeg, ResizeLeg, Step, lost, steps
from tradeconsole.engine.protection.slices import Families, Slice, slices, turned
from tradeconsole.engine.reports import interrupted

KEY = (ACCOUNT, MNQ)
UNANSWERED = {OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN}


class VenueOrder(msgspec.Struct):
    """An order as the venue has it."""

    broker_id: str
    tag: str
    side: Side
    size: int
    status: OrderStatus = OrderStatus.WORKING
    filled: int = 0


class Call(msgspec.Struct):
    """A call of ours that has not been answered."""

    lane: tuple[str, OrderRole]
    step: Step
    order_id: str


class EngineBrackets(RuleBasedStateMachine):
    """A venue, what it has told (in any order), and an engine that acts on what it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.bus = Bus(self.book.apply)
        self.bus.publish(InstrumentResolved(make_instrument()))
        self.venue: dict[str, VenueOrder] = {}
        self.told: list[Event] = []
        self.calls: list[Call] = []
        self.position = 0
        self.count = 0
        self.races = False
        self.replace = False
        self.families = Families()

    # -- the venue ------------------------------------------------------------------------------------------

    def next_id(self) -> str:
        self.count += 1
        return str(1000 + self.count)

    def tell(self, order: VenueOrder) -> None:
        self.told.append(
            OrderReported(
                make_report(
                    broker_order_id=order.broker_id,
                    tag=order.tag,
                    side=order.side,
                    size=order.size,
                    filled=order.filled,
                    status=order.status,
                    type=OrderType.MARKET,
                )
            )
        )

    def accept(self, order_id: str, side: Side, size: int) -> VenueOrder:
        order = VenueOrder(self.next_id(), order_id, side, size)
        assert order_id not in self.venue, "a tag was used twice"
        self.venue[order_id] = order
        self.tell(order)
        return order

    def fill(self, order: VenueOrder, size: int) -> None:
        order.filled += size
        if order.filled == order.size:
            order.status = OrderStatus.FILLED
        self.position += size * order.side.sign
        self.count += 1
        fill = make_fill(
            fill_id=str(self.count),
            broker_order_id=order.broker_id,
            side=order.side,
            size=size,
            time=NOON.replace(microsecond=self.count),
        )
        self.told.append(FillReported(fill))
        self.tell(order)
        self.state()

    def state(self) -> None:
        self.told.append(PositionReported(make_stated(size=self.position)))

    def working(self, *, legs: bool) -> list[VenueOrder]:
        orders = [order for order in self.venue.values() if order.status is OrderStatus.WORKING]
        return [order for order in orders if (leg_of(order.tag) is not None) is legs]

    # -- what happens ---------------------------------------------------------------------------------------

    @rule(size=st.integers(1, 3), side=st.sampled_from(Side), at_once=st.booleans())
    def enter(self, size: int, side: Side, at_once: bool) -> None:
        if self.position and self.position * side.sign < 0:
            return
        order_id = f"tc-hand-{self.next_id()}"
        entry = make_order(
            order_id=order_id,
            side=side,
            size=size,
            bracket=Bracket(40, 80),
            engine_bracket=True,
            created_at=NOON.replace(microsecond=self.count),
        )
        self.bus.publish(OrderIntended(entry))
        self.bus.publish(OrderSent(order_id, NOON))
        order = self.accept(order_id, side, size)
        if at_once:
            self.fill(order, size)

    @precondition(lambda self: self.working(legs=False))
    @rule(data=st.data())
    def fill_entry(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.working(legs=False)))
        if self.position * order.side.sign >= 0:
            self.fill(order, data.draw(st.integers(1, order.size - order.filled)))

    @precondition(lambda self: self.working(legs=True))
    @rule(data=st.data())
    def fill_leg(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.working(legs=True)))
        size = data.draw(st.integers(1, order.size - order.filled))
        held = -self.position * order.side.sign
        self.races |= size > held
        self.fill(order, size)

    @precondition(lambda self: self.position)
    @rule(data=st.data())
    def close_by_other_means(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, abs(self.position)))
        side = Side.SELL if self.position > 0 else Side.BUY
        order = VenueOrder(self.next_id(), f"theirs-{self.count}", side, size)
        self.venue[order.tag] = order
        self.fill(order, size)

    @precondition(lambda self: self.working(legs=True))
    @rule(data=st.data(), status=st.sampled_from([OrderStatus.CANCELLED, OrderStatus.EXPIRED]))
    def cancel_by_other_means(self, data: st.DataObject, status: OrderStatus) -> None:
        order = data.draw(st.sampled_from([*self.working(legs=True), *self.working(legs=False)]))
        order.status = status
        self.tell(order)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        event = self.told.pop(data.draw(st.integers(0, len(self.told) - 1)))
        self.bus.publish(event)
        if data.draw(st.booleans()):
            self.bus.publish(event)

    @precondition(lambda self: len(self.told) > 1)
    @rule()
    def hear_all(self) -> None:
        told, self.told = self.told, []
        for event in told:
            self.bus.publish(event)

    @rule(replace=st.booleans())
    def choose_policy(self, replace: bool) -> None:
        self.replace = replace

    @precondition(lambda self: self.book.orders)
    @rule()
    def act(self) -> None:
        for found in self.slices():
            for step in steps(found, make_instrument(), self.decisions()):
                role = step.role if isinstance(step, PlaceLeg) else self.book.orders[step.order_id].role
                lane = (found.entry_id, role)
                if all(call.lane != lane for call in self.calls):
                    self.send(found, lane, step)

    def send(self, found: Slice, lane: tuple[str, OrderRole], step: Step) -> None:
        if isinstance(step, PlaceLeg):
            self.check_placement(found, step)
            order_id = leg_id(found.entry_id, step.role, step.number)
            leg = make_order(
                order_id=order_id,
                side=step.side,
                size=step.size,
                role=step.role,
                parent_id=found.entry_id,
                engine_bracket=True,
            )
            self.bus.publish(OrderIntended(leg))
            self.bus.publish(OrderSent(order_id, NOON))
        else:
            order_id = step.order_id
            assert self.book.orders[order_id].status not in UNANSWERED
            if isinstance(step, CancelOrder) and step.renew:
                self.bus.publish(CancelAsked(order_id, CancelBy.RENEWAL, NOON))
        self.calls.append(Call(lane, step, order_id))

    def check_placement(self, found: Slice, step: PlaceLeg) -> None:
        """What is sent may close no more than what the engine has been told of, by whichever report came first."""
        book, mine = self.book, [o for o in self.book.orders.values() if o.parent_id == found.entry_id]
        known = {o.order_id: 0 for o in book.orders.values()}
        for fill in book.fills.values():
            known[book.order_ids.get((ACCOUNT, fill.broker_order_id), "")] = (
                known.get(book.order_ids.get((ACCOUNT, fill.broker_order_id), ""), 0) + fill.size
            )
        gone = sum(max(order.filled, known[order.order_id]) for order in mine)
        assert step.size <= known[found.entry_id] - gone
        stated = book.stated.get(KEY)
        assert stated is None or step.size <= -stated.size * step.side.sign
        before = [order for order in mine if order.role is step.role]
        assert not any(order.status in UNANSWERED and order.remaining > 0 for order in before)
        if not self.replace and before and before[-1].status in {OrderStatus.CANCELLED, OrderStatus.REJECTED}:
            last = before[-1]
            spent = max(last.filled, known[last.order_id]) >= last.size
            assert spent or last.cancel_by is CancelBy.RENEWAL

    @precondition(lambda self: self.calls)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(
            ["accepted", "accepted", "accepted", "lost", "vanished", "refused", "unsent"]
        ),
    )
    def answer(self, data: st.DataObject, outcome: str) -> None:
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        if outcome in {"accepted", "lost"}:
            self.carry_out(call)
        if isinstance(call.step, PlaceLeg):
            self.answer_placement(call.order_id, outcome)

    def answer_placement(self, order_id: str, outcome: str) -> None:
        events: dict[str, Event] = {
            "lost": OrderDoubted(order_id, "no answer", NOON),
            "vanished": OrderDoubted(order_id, "no answer", NOON),
            "refused": OrderRejected(order_id, "through the market", NOON),
            "unsent": OrderFailed(order_id, "nobody answers", NOON),
        }
        if outcome == "accepted":
            events[outcome] = OrderAccepted(order_id, self.venue[order_id].broker_id, NOON)
        self.bus.publish(events[outcome])

    def carry_out(self, call: Call) -> None:
        match call.step:
            case PlaceLeg(side=side, size=size):
                self.accept(call.order_id, side, size)
            case ResizeLeg(size=size):
                order = self.venue[call.order_id]
                if order.status is OrderStatus.WORKING and size > order.filled:
                    order.size = size
                    self.tell(order)
            case CancelOrder():
                order = self.venue[call.order_id]
                if order.status is OrderStatus.WORKING:
                    order.status = OrderStatus.CANCELLED
                    self.tell(order)

    @rule(arrived=st.booleans())
    def restart(self, arrived: bool) -> None:
        for call in self.calls:
            if arrived:
                self.carry_out(call)
        self.calls.clear()
        before = self.book
        self.book = Book()
        self.bus = Bus(self.book.apply)
        self.bus.publish(InstrumentResolved(make_instrument()))
        for order in before.orders.values():
            self.bus.publish(OrderIntended(interrupted(order)))
        for fill in before.fills.values():
            self.bus.publish(FillReported(fill))

    # -- what must hold -------------------------------------------------------------------------------------

    def decisions(self) -> Decisions:
        return Decisions(replace=self.replace)

    def slices(self) -> list[Slice]:
        self.families = Families()
        for order in self.book.orders.values():
            self.families.take_order(order)
        for fill in self.book.fills.values():
            self.families.take_fill(fill)
        return slices(self.book, self.families, KEY)

    @invariant()
    def there_is_one_stop_and_one_target_at_most(self) -> None:
        for entry in self.book.orders.values():
            if entry.parent_id is None:
                for word in ("SL", "TP"):
                    live = [
                        o for o in self.working(legs=True) if o.tag.startswith(f"{entry.order_id}-{word}")
                    ]
                    assert len(live) <= 1, live

    def settle(self) -> None:
        """Everything is told, every doubt settled by the venue's records; twice, because acts have consequences."""
        for event in self.told:
            self.bus.publish(event)
        self.told.clear()
        for order in list(self.book.orders.values()):
            there = self.venue.get(order.order_id)
            if there is None and order.status in UNANSWERED:
                self.bus.publish(OrderFailed(order.order_id, "never arrived", NOON))
            elif there is not None:
                self.tell(there)
                self.bus.publish(self.told.pop())
        self.bus.publish(PositionReported(make_stated(size=self.position)))

    def teardown(self) -> None:
        while self.calls:
            call = self.calls.pop()
            self.carry_out(call)
        self.settle()
        for _ in range(12):
            self.act()
            if not self.calls:
                break
            while self.calls:
                self.carry_out(self.calls.pop())
            self.settle()
        else:
            raise AssertionError("it does not come to rest")
        found = self.slices()
        held = self.book.position(*KEY)
        assert (held.size if held else 0) == self.position
        legs = self.working(legs=True)
        if self.position == 0:
            assert not legs, "something works although nothing is held"
        if turned(self.book, self.families, KEY):
            assert self.races
            return
        for each in found:
            assert each.low == each.high
            live = [leg.left for leg in each.stops if leg.is_live]
            if each.low and not live:
                assert lost(each, self.decisions()) is not None, "naked, and nobody is told"
            assert sum(live) <= each.low
            assert not live or live == [each.low]
        stops = sum(order.size - order.filled for order in legs if "-SL" in order.tag)
        assert stops <= abs(self.position)


TestEngineBrackets: Any = EngineBrackets.TestCase
TestEngineBrackets.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
