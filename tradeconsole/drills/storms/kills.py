"""Storms on the machine: the desk's process is killed in the middle of things, or its database goes away."""

from collections.abc import Iterable
from typing import Final

from tradeconsole.domain.orders import OrderStatus
from tradeconsole.drills.drill import SHORT_WAITS, Drill
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.exchange.records import VenueOrder

_GIVEN_UP: Final = 10.0


async def kill_placement(theatre: Theatre) -> None:
    """Killed while an order's answer is awaited: first one that arrived, then one that never does."""
    victim = await theatre.start_victim()
    theatre.order("fail", path="order/place", after=True, lose="hang")
    theatre.asked_elsewhere += 1
    victim.tell("buy protected")
    await theatre.until(lambda: theatre.records().orders, "the order to arrive")
    await theatre.kill(victim)
    await theatre.reopen_desk()
    theatre.expect(
        "the order that arrived is known",
        theatre.desk.size() == 2,
        f"the new desk holds {theatre.desk.size():+d}",
    )
    await theatre.close_desk()

    victim = await theatre.start_victim()
    theatre.order("fail", path="order/place", delay_ms=20_000, lose="cut")
    theatre.asked_elsewhere += 1
    victim.tell("buy")
    await theatre.until(lambda: not _waits_for_rest(theatre), "the order to be on its way")
    await theatre.kill(victim)
    await theatre.open_desk()
    unknown = theatre.desk.orders(OrderStatus.UNKNOWN)
    theatre.expect(
        "the lost order is remembered", len(unknown) == 1, f"{len(unknown)} orders are shown as unknown"
    )
    theatre.pass_time(_GIVEN_UP)


def _waits_for_rest(theatre: Theatre) -> bool:
    """Whether a fault ordered for a call has not met its call yet."""
    return any(fault.startswith("rest ") for fault in theatre.emulator.gateway.faults.pending())


async def kill_fill(theatre: Theatre) -> None:
    """Killed at the moment in which stop and resting order fill."""
    victim = await theatre.start_victim()
    theatre.asked_elsewhere += 2
    await victim.do("buy protected")
    await victim.do("rest")
    theatre.move(-45)
    await theatre.until(lambda: len(theatre.records().trades) > 1, "the fills at the gateway")
    await theatre.kill(victim)
    await theatre.reopen_desk()


async def kill_flatten(theatre: Theatre) -> None:
    """Killed in the middle of a flatten: before the position is closed, then before its answer is read."""
    for turn, fault in enumerate(({"delay_ms": 20_000.0, "lose": "cut"}, {"after": True, "lose": "hang"})):
        victim = await theatre.start_victim()
        theatre.asked_elsewhere += 2
        await victim.do("buy protected")
        await victim.do("rest")
        theatre.order("fail", path="closeContract", **fault)
        victim.tell("flatten")
        await theatre.until(lambda: not _waits_for_rest(theatre), "the flatten to close the position")
        await theatre.until(lambda: not _resting(theatre.records().orders), "the flatten to cancel the entry")
        if turn:
            await theatre.until(lambda: not theatre.records().positions, "the position to be closed")
        await theatre.kill(victim)
        await theatre.reopen_desk()
        await theatre.desk.flatten()
        await theatre.close_desk()
    await theatre.reopen_desk()


def _resting(orders: Iterable[VenueOrder]) -> bool:
    return any(order.status is OrderStatus.WORKING and order.parent_id is None for order in orders)


async def database_gone(theatre: Theatre) -> None:
    """PostgreSQL goes away while trading; the desk is ended and opened without it, then it comes back."""
    desk = theatre.desk
    await desk.buy_protected()
    await theatre.until(lambda: not theatre.waiting, "the database to have everything")
    theatre.note("PostgreSQL is ended")
    await theatre.end_database()
    theatre.move(-45)
    await theatre.until(lambda: desk.size() == 0, "the stop to fill")
    await desk.buy_protected(1)
    await theatre.until(lambda: not desk.engine.book.storage.available, "the loss to be told", 15.0)
    theatre.expect("trading goes on", desk.size() == 1, f"{theatre.waiting} records wait in the spool")
    await theatre.close_desk()
    await theatre.reopen_desk()
    await desk.rest()
    theatre.note("PostgreSQL is started")
    await theatre.start_database()
    await theatre.until(lambda: not theatre.waiting, "the spool to be emptied", 30.0)
    await theatre.close_desk()
    await theatre.reopen_desk()
    await theatre.until(lambda: not theatre.waiting, "the database to have every record")


_ALONE: Final = Staging(opens=False, event_latency_ms=40.0)
_HOW: Final = f"what is remembered is in the spool alone, no database; {SHORT_WAITS}"

DRILLS: Final = (
    Drill(
        name="kill-placement",
        what="kill -9 while an order's answer is awaited",
        bound=8.0,
        storm=kill_placement,
        staging=_ALONE,
        how=f"the grace of {_GIVEN_UP:g} s for late orders is skipped on both clocks; {_HOW}",
    ),
    Drill(
        name="kill-fill",
        what="kill -9 while a stop and a resting order fill",
        bound=8.0,
        storm=kill_fill,
        staging=_ALONE,
        how=_HOW,
    ),
    Drill(
        name="kill-flatten",
        what="kill -9 in the middle of a flatten",
        bound=8.0,
        storm=kill_flatten,
        staging=_ALONE,
        how=_HOW,
    ),
    Drill(
        name="database-gone",
        what="PostgreSQL goes away while trading, and the desk is restarted without it",
        bound=8.0,
        storm=database_gone,
        staging=Staging(database=True),
        how=f"with an embedded PostgreSQL of its own; {SHORT_WAITS}",
    ),
)
