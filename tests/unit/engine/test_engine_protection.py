"""Slices, plans and watches: what the engine's brackets and alarms follow from; every case by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
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
    FillReported,
    InstrumentResolved,
    OrderIntended,
    OrderReported,
    PositionAdjusted,
    PositionReported,
)
from tradeconsole.domain.orders import Bracket, CancelBy, Order, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.engine.book import Book
from tradeconsole.engine.bus import Bus
from tradeconsole.engine.identity import leg_id, leg_number, leg_of
from tradeconsole.engine.protection.plan import (
    CancelOrder,
    Decisions,
    PlaceLeg,
    ResizeLeg,
    Step,
    is_unexplained,
    lost,
    steps,
)
from tradeconsole.engine.protection.slices import Families, Slice, slices, turned
from tradeconsole.engine.protection.watch import (
    Budget,
    Call,
    Exposure,
    Policy,
    ProtectionOptions,
    Watch,
    look,
)

KEY = (ACCOUNT, MNQ)
ENTRY = "tc-hand-1"
BRACKET = Bracket(stop_ticks=40, target_ticks=80)
PLACE_STOP = PlaceLeg(
    role=OrderRole.STOP_LOSS, type=OrderType.STOP, side=Side.SELL, size=2, number=1, price=Decimal("20990.00")
)
PLACE_TARGET = PlaceLeg(
    role=OrderRole.TAKE_PROFIT, type=OrderType.LIMIT, side=Side.SELL, size=2, number=1, price=Decimal("21020.00")
)  # fmt: skip


class Desk:
    """A book that is told things, and what follows for the engine's brackets."""

    def __init__(self) -> None:
        self.book = Book()
        self.bus = Bus(self.book.apply)
        self.bus.publish(InstrumentResolved(make_instrument()))

    def entry(self, order_id: str = ENTRY, broker_id: str = "1", **over: Any) -> None:
        fields = {"status": OrderStatus.FILLED, "bracket": BRACKET, "engine_bracket": True, **over}
        self.bus.publish(OrderIntended(make_order(order_id=order_id, broker_order_id=broker_id, **fields)))

    def leg(self, word: str = "SL", broker_id: str = "11", *, of: str = ENTRY, **over: Any) -> Order:
        stop = word.startswith("SL")
        fields: dict[str, Any] = {
            "order_id": f"{of}-{word}",
            "parent_id": of,
            "engine_bracket": True,
            "broker_order_id": broker_id,
            "side": Side.SELL,
            "role": OrderRole.STOP_LOSS if stop else OrderRole.TAKE_PROFIT,
            "type": OrderType.STOP if stop else OrderType.LIMIT,
            "status": OrderStatus.WORKING,
            "stop_price": Decimal(20990) if stop else None,
            "limit_price": None if stop else Decimal(21020),
            **over,
        }
        order = make_order(**fields)
        self.bus.publish(OrderIntended(order))
        return order

    def fill(self, broker_id: str, size: int, side: Side = Side.BUY, *, at: int = 0) -> None:
        number = len(self.book.fills) + 1
        self.bus.publish(
            FillReported(
                make_fill(
                    fill_id=str(number),
                    broker_order_id=broker_id,
                    size=size,
                    side=side,
                    time=NOON + timedelta(seconds=at or number),
                )
            )
        )

    def states(self, size: int) -> None:
        self.bus.publish(PositionReported(make_stated(size=size)))

    @property
    def families(self) -> Families:
        families = Families()
        for order in self.book.orders.values():
            families.take_order(order)
        for fill in self.book.fills.values():
            families.take_fill(fill)
        return families

    def slices(self) -> list[Slice]:
        return slices(self.book, self.families, KEY)

    def held(self) -> dict[str, tuple[int, int]]:
        return {each.entry_id: (each.low, each.high) for each in self.slices()}

    def steps(self, **decisions: Any) -> list[Step]:
        chosen = Decisions(
            **{name: frozenset(v) if isinstance(v, set) else v for name, v in decisions.items()}
        )
        return [step for each in self.slices() for step in steps(each, make_instrument(), chosen)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# -- what an entry holds ---------------------------------------------------------------------------------------


def test_nothing_is_held_before_a_fill_whatever_the_order_says(desk: Desk) -> None:
    desk.entry(filled=2)
    assert desk.held() == {ENTRY: (0, 0)}
    assert desk.steps() == []


def test_a_fill_calls_for_stop_and_target_measured_from_it(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    assert desk.steps() == [PLACE_STOP, PLACE_TARGET]


def test_a_short_is_guarded_from_above(desk: Desk) -> None:
    desk.entry(side=Side.SELL)
    desk.fill("1", 2, Side.SELL)
    stop, target = desk.steps()
    assert isinstance(stop, PlaceLeg)
    assert isinstance(target, PlaceLeg)
    assert (stop.side, stop.price, target.price) == (Side.BUY, Decimal(21010), Decimal(20980))


def test_a_trailing_stop_has_a_distance_and_no_price(desk: Desk) -> None:
    desk.entry(bracket=Bracket(stop_ticks=40, trailing=True))
    desk.fill("1", 1)
    (stop,) = desk.steps()
    assert isinstance(stop, PlaceLeg)
    assert (stop.type, stop.price, stop.trail_ticks) == (OrderType.TRAILING_STOP, None, 40)


def test_a_report_of_a_filled_leg_counts_before_its_fill_does(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg()
    desk.leg("TP", "12", status=OrderStatus.FILLED, filled=2)
    assert desk.held() == {ENTRY: (0, 0)}
    assert desk.steps() == [CancelOrder(f"{ENTRY}-SL")]


def test_a_fill_of_a_leg_counts_before_its_report_does(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg()
    desk.leg("TP", "12")
    desk.fill("12", 1, Side.SELL)
    assert desk.held() == {ENTRY: (1, 1)}
    assert desk.steps() == [ResizeLeg(f"{ENTRY}-SL", 1)]
    desk.fill("12", 1, Side.SELL)
    assert desk.steps() == [CancelOrder(f"{ENTRY}-SL")]


def test_less_is_sure_than_the_fills_say_while_the_broker_states_less(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg(size=1)
    desk.leg("TP", "12", size=2)
    desk.states(1)
    assert desk.held() == {ENTRY: (1, 2)}
    assert desk.steps() == [], "nothing grows beyond what is sure, nothing shrinks below what is possible"
    desk.states(0)
    assert desk.held() == {ENTRY: (0, 2)}
    assert desk.steps() == []


def test_other_exits_take_bare_contracts_first_and_the_oldest_entry_next(desk: Desk) -> None:
    desk.entry("tc-hand-1", "1", created_at=NOON)
    desk.entry("tc-hand-2", "2", created_at=NOON + timedelta(seconds=1))
    desk.fill("1", 2)
    desk.fill("bare", 1)
    desk.fill("2", 2)
    desk.fill("manual", 2, Side.SELL)
    assert desk.held() == {"tc-hand-1": (1, 1), "tc-hand-2": (2, 2)}
    desk.fill("manual", 2, Side.SELL)
    assert desk.held() == {"tc-hand-1": (0, 0), "tc-hand-2": (1, 1)}


def test_what_was_before_the_position_was_flat_guards_nothing_after(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.fill("manual", 2, Side.SELL)
    desk.fill("bare", 2)
    assert desk.held() == {ENTRY: (0, 0)}


def test_a_fill_that_turns_the_position_round_opens_only_what_is_left_of_it(desk: Desk) -> None:
    desk.fill("bare", 1, Side.SELL)
    desk.entry(size=3)
    desk.fill("1", 3)
    assert desk.held() == {ENTRY: (2, 2)}


def test_contracts_whose_fills_are_not_to_be_had_belong_to_legs_that_still_work(desk: Desk) -> None:
    desk.entry()
    desk.leg()
    desk.bus.publish(PositionAdjusted(make_stated(size=2), "the broker says so"))
    assert desk.held() == {ENTRY: (2, 2)}
    assert not any(isinstance(step, CancelOrder) for step in desk.steps())


def test_legs_of_a_forgotten_entry_are_still_linked(desk: Desk) -> None:
    desk.fill("1", 2)
    for broker_id, word, price in (("11", "SL", "stop_price"), ("12", "TP", "limit_price")):
        report = make_report(
            broker_order_id=broker_id, tag=f"{ENTRY}-{word}", side=Side.SELL, type=OrderType.STOP,
            **{price: Decimal(20990)},
        )  # fmt: skip
        desk.bus.publish(OrderReported(report))
    assert desk.held() == {ENTRY: (2, 2)}
    assert desk.steps() == []
    desk.fill("12", 2, Side.SELL)
    assert desk.steps() == [CancelOrder(f"{ENTRY}-SL")]


def test_legs_that_the_broker_links_are_left_to_it(desk: Desk) -> None:
    desk.entry(engine_bracket=False)
    desk.fill("1", 2)
    desk.leg(engine_bracket=False, size=1)
    assert desk.held() == {ENTRY: (2, 2)}
    assert desk.steps() == []


def test_an_entry_is_not_over_while_fills_that_were_reported_are_on_their_way(desk: Desk) -> None:
    desk.entry(filled=2)
    (found,) = desk.slices()
    assert not found.is_over
    desk.fill("1", 2)
    desk.fill("manual", 2, Side.SELL)
    (found,) = desk.slices()
    assert found.is_over


def test_an_entry_that_was_left_out_comes_back_with_all_its_legs(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 1)
    desk.leg(status=OrderStatus.FILLED, filled=1, size=1)
    desk.fill("11", 1, Side.SELL)
    families = desk.families
    families.leave_out(ENTRY)
    assert families.positions() == []
    families.take_order(desk.book.orders[ENTRY])
    assert families.entries(KEY) == {ENTRY: [f"{ENTRY}-SL"]}


# -- what is done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN])
def test_an_unanswered_stop_is_waited_for(desk: Desk, status: OrderStatus) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg(status=status, broker_order_id=None)
    assert desk.steps() == [PLACE_TARGET]


def test_legs_grow_with_their_entry(desk: Desk) -> None:
    desk.entry(size=5, status=OrderStatus.WORKING)
    desk.fill("1", 2)
    desk.leg()
    desk.leg("TP", "12")
    desk.fill("1", 2)
    assert desk.steps() == [ResizeLeg(f"{ENTRY}-SL", 4), ResizeLeg(f"{ENTRY}-TP", 4)]


def test_a_leg_that_cannot_be_resized_is_replaced(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg(size=1)
    assert desk.steps(rigid={f"{ENTRY}-SL"}) == [CancelOrder(f"{ENTRY}-SL", renew=True), PLACE_TARGET]
    desk.leg(size=1, status=OrderStatus.CANCELLED, cancel_by=CancelBy.RENEWAL)
    follow = msgspec.structs.replace(PLACE_STOP, number=2)
    assert desk.steps() == [follow, PLACE_TARGET]


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_a_stop_that_ended_without_our_doing_is_lost_and_placed_again_only_by_policy(
    desk: Desk, status: OrderStatus
) -> None:
    desk.entry()
    desk.fill("1", 2)
    stop = desk.leg(status=status, stop_price=Decimal(20995))
    desk.leg("TP", "12")
    (found,) = desk.slices()
    assert lost(found, Decisions()) == stop
    assert desk.steps() == []
    again = msgspec.structs.replace(PLACE_STOP, number=2, price=Decimal(20995))
    assert desk.steps(replace=True) == [again]
    desk.leg(status=status, stop_price=Decimal(20995), cancel_by=CancelBy.HAND)
    assert desk.steps(replace=True) == []


def test_of_a_forgotten_entry_a_cancelled_stop_may_have_been_taken_away(desk: Desk) -> None:
    desk.leg("TP", "12")
    desk.bus.publish(
        OrderReported(make_report(broker_order_id="11", tag=f"{ENTRY}-SL", status=OrderStatus.CANCELLED))
    )
    desk.fill("1", 2)
    (found,) = desk.slices()
    assert found.high == 2
    assert is_unexplained(found)
    assert desk.steps(replace=True) == []
    desk.entry(sent_at=NOON)
    (found,) = desk.slices()
    assert not is_unexplained(found)
    assert len(desk.steps(replace=True)) == 1


def test_a_stop_that_never_arrived_is_followed_by_another_under_a_new_tag(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg(status=OrderStatus.FAILED, broker_order_id=None)
    desk.leg("SL2", "13", status=OrderStatus.FAILED, broker_order_id=None)
    desk.leg("TP", "12")
    (step,) = desk.steps()
    assert isinstance(step, PlaceLeg)
    assert step.number == 3


def test_of_two_live_stops_one_is_taken_out(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg()
    desk.leg("SL2", "13")
    desk.leg("TP", "12")
    assert desk.steps() == [CancelOrder(f"{ENTRY}-SL2")]


def test_what_is_left_of_an_entry_goes_when_a_leg_is_done(desk: Desk) -> None:
    desk.entry(size=3, status=OrderStatus.WORKING)
    desk.fill("1", 2)
    desk.leg()
    desk.leg("TP", "12", status=OrderStatus.FILLED, filled=2)
    assert desk.steps() == [CancelOrder(f"{ENTRY}-SL"), CancelOrder(ENTRY)]


def test_a_leg_that_fills_with_nothing_to_close_is_seen(desk: Desk) -> None:
    desk.entry()
    desk.fill("1", 2)
    desk.leg()
    desk.leg("TP", "12")
    desk.fill("12", 2, Side.SELL)
    assert turned(desk.book, desk.families, KEY) == 0
    desk.fill("11", 2, Side.SELL)
    assert turned(desk.book, desk.families, KEY) == 2


def test_ids_of_legs_count_on_and_tell_their_entry() -> None:
    assert [leg_id(ENTRY, OrderRole.STOP_LOSS, number) for number in (1, 2)] == [
        f"{ENTRY}-SL",
        f"{ENTRY}-SL2",
    ]
    assert leg_of(f"{ENTRY}-TP12") == (ENTRY, OrderRole.TAKE_PROFIT)
    assert (leg_number(f"{ENTRY}-TP12"), leg_number(f"{ENTRY}-SL"), leg_number(ENTRY)) == (12, 1, 0)
    assert leg_of(ENTRY) is None
    assert leg_of("somebody-else-SL") is None


# -- when it becomes an alarm ----------------------------------------------------------------------------------

NAKED = Exposure(size=2, promised=2)
COVERED = Exposure(size=2, promised=2, stopped=2)


def calls(*exposures: tuple[float, Exposure], policy: Policy = Policy.ALERT) -> list[tuple[float, Call]]:
    """What a watch with 3 and 10 seconds of patience calls for, and when."""
    watch, heard = Watch(), []
    for now, exposure in exposures:
        watch, called = look(watch, exposure, now, ProtectionOptions(policy=policy))
        heard += [(now, call) for call in called]
    return heard


def test_a_missing_stop_alarms_after_a_while_reminds_and_is_relieved() -> None:
    seen = [(t, NAKED) for t in (0.0, 2.9, 3.0, 30.0, 62.9, 63.0)]
    assert calls(*seen, (64.0, COVERED), (65.0, COVERED)) == [
        (3.0, Call.ALARM),
        (63.0, Call.ALARM),
        (64.0, Call.RELIEVED),
    ]


def test_a_stop_known_to_be_lost_alarms_as_soon_as_no_close_explains_it() -> None:
    bare = msgspec.structs.replace(NAKED, lost=True)
    assert calls((0.0, bare), (0.4, bare), (0.5, bare)) == [(0.5, Call.ALARM)]
    assert calls((0.0, bare), (0.4, Exposure())) == []


@pytest.mark.parametrize("policy", [Policy.REPLACE, Policy.FLATTEN])
def test_the_policy_acts_once_and_anew_after_relief(policy: Policy) -> None:
    seen = [(t, NAKED) for t in (0.0, 3.0, 9.9, 10.0, 20.0)]
    again = [(t, NAKED) for t in (40.0, 43.0, 50.0)]
    acts = [at for at, call in calls(*seen, (30.0, COVERED), *again, policy=policy) if call is Call.ACT]
    assert acts == [10.0, 50.0]
    assert not [call for _, call in calls(*seen) if call is Call.ACT]


def test_the_policy_acts_on_nothing_that_the_user_may_have_taken_away() -> None:
    options = ProtectionOptions(policy=Policy.FLATTEN, alert_after=3, act_after=10)
    doubtful = Exposure(size=2, promised=2, unexplained=2)
    partly = Exposure(size=4, promised=4, unexplained=2)
    watch, said = Watch(), []
    for now in range(30):
        watch, calls = look(watch, doubtful if now < 15 else partly, float(now), options)
        said += [(now, call) for call in calls]
    assert said == [(3, Call.ALARM), (25, Call.ACT)]


def test_a_stop_that_comes_in_time_is_worth_no_word() -> None:
    assert calls((0.0, NAKED), (2.9, COVERED), (10.0, COVERED)) == []


def test_a_position_without_a_promise_is_mentioned_once_until_it_is_flat() -> None:
    bare = Exposure(size=1)
    assert calls((0.0, bare), (3.0, bare), (90.0, bare)) == [(3.0, Call.MENTION)]
    assert calls((0.0, bare), (3.0, bare), (4.0, Exposure()), (5.0, bare), (8.0, bare)) == [
        (3.0, Call.MENTION),
        (8.0, Call.MENTION),
    ]


def test_stops_for_more_than_is_held_are_warned_of_once() -> None:
    crowded = Exposure(size=-2, promised=2, stopped=4)
    assert calls((0.0, crowded), (2.9, crowded), (3.0, crowded), (99.0, crowded)) == [(3.0, Call.WARN)]
    assert calls((0.0, crowded), (2.0, COVERED), (4.0, crowded)) == []


@pytest.mark.parametrize(
    ("before", "after", "call"),
    [
        (Exposure(size=2, stopped=3), Exposure(size=-3, stopped=5), Call.WARN),
        (Exposure(size=2), Exposure(size=-3), Call.MENTION),
        (NAKED, Exposure(size=-3, promised=3), Call.ALARM),
    ],
)
def test_a_position_that_is_turned_round_is_spoken_of_anew(
    before: Exposure, after: Exposure, call: Call
) -> None:
    assert calls((0.0, before), (3.0, before), (4.0, after), (6.9, after), (7.0, after)) == [
        (3.0, call),
        (7.0, call),
    ]


def test_shorts_are_covered_as_longs_are() -> None:
    assert calls((0.0, Exposure(size=-2, promised=2, stopped=2)), (9.0, Exposure(size=-2, stopped=2))) == []


def test_a_budget_breaks_at_the_seventh_placement_in_a_minute_and_stays_broken() -> None:
    budget = Budget()
    assert [budget.spend(float(second)) for second in range(7)] == [True] * 6 + [False]
    assert budget.is_broken
    assert not budget.spend(1000.0)
    slow = Budget()
    assert all(slow.spend(second * 11.0) for second in range(50))
