"""Accounts for whose positions the platform keeps a stop and a target of its own, beside those that the engine keeps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from trouble_desk import Desk, trading_desk, until

from tradeconsole.domain.commands import ClosePosition, Flatten
from tradeconsole.domain.orders import Bracket, Order, OrderStatus, Side
from tradeconsole.engine.protection.coverage import Coverage, coverage, describe

BRACKET = Bracket(stop_ticks=40, target_ticks=80)
TICK = Decimal("0.25")


@asynccontextmanager
async def platform_desk(stop_ticks: int = 40, target_ticks: int = 80) -> AsyncIterator[Desk]:
    """A desk on an account that takes no brackets, and for which the platform keeps a pair of its own."""
    async with trading_desk() as test:
        test.keep_pairs(stop_ticks, target_ticks)
        yield test


def platforms(test: Desk) -> list[Order]:
    """Working orders that we have not sent."""
    return [order for order in test.orders(OrderStatus.WORKING) if not order.order_id.startswith("tc-")]


def engines(test: Desk) -> list[Order]:
    """Working stops and targets of the engine's own."""
    return [order for order in test.orders(OrderStatus.WORKING) if order.engine_bracket]


def is_over(test: Desk) -> bool:
    return test.size() == 0 and not test.engine.book.open_orders


def cover_of(test: Desk) -> Coverage | None:
    position = test.engine.book.position(test.account_id, test.instrument_id)
    return None if position is None else coverage(test.engine.book, position)


async def entered(test: Desk, size: int = 2, side: Side = Side.BUY) -> str:
    """An entry with a bracket, guarded by whoever does."""
    order_id = await test.buy(size, side=side, bracket=BRACKET)
    await until(lambda: len(platforms(test)) == 2)
    await until(
        lambda: (
            test.is_settled()
            and (position := test.engine.book.position(test.account_id, test.instrument_id))
            and coverage(test.engine.book, position).is_complete
        )
    )
    return order_id


async def test_the_platforms_stop_is_shown_as_protection() -> None:
    async with platform_desk() as test:
        await test.buy(2)
        await until(lambda: (cover := cover_of(test)) is not None and cover.is_complete)
        cover = cover_of(test)
        assert cover is not None
        fill = test.orders(OrderStatus.FILLED)[0].average_price or Decimal(0)
        assert (cover.enforcer, cover.stopped) == ("broker", 2)
        assert describe(cover, test.engine.book.instruments[test.instrument_id], test.engine.clock.now()) == (
            f"broker stop {fill - 40 * TICK:,.2f}"
        )
        await test.prove()
        assert not test.told("No stop")


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("stop_ticks", "ticks"), [(20, -70), (40, -70), (60, -70), (40, 90)])
async def test_orders_that_meet_leave_nobody_the_other_way_round(
    side: Side, stop_ticks: int, ticks: int
) -> None:
    async with platform_desk(stop_ticks) as test:
        entry = await entered(test, side=side)
        await until(lambda: set(test.legs(entry)) == {"-SL", "-TP"})
        # past all of them at once: both stops, or both targets
        test.emulator.order("move", contract="MNQ", ticks=ticks * side.sign)
        await until(lambda: is_over(test), 10)
        await test.prove()
        assert is_over(test)
        assert await test.gateway_size() == 0


@pytest.mark.parametrize("side", list(Side))
async def test_what_the_second_of_two_stops_opens_is_flattened(side: Side) -> None:
    async with platform_desk(stop_ticks=60) as test:
        entry = await entered(test, side=side)
        await until(lambda: set(test.legs(entry)) == {"-SL", "-TP"})
        platforms_stop = next(order for order in platforms(test) if order.stop_price is not None)
        test.fill_part(platforms_stop.order_id, 2)
        test.fill_part(test.legs(entry)["-SL"].order_id, 2)
        await until(lambda: test.told("Closed twice"), 10)
        await until(lambda: is_over(test), 10)
        await test.prove()
        assert await test.gateway_size() == 0


async def test_a_position_that_changes_keeps_both_pairs_in_step() -> None:
    async with platform_desk(stop_ticks=60) as test:
        entry = await entered(test, 3)
        await until(lambda: set(test.legs(entry)) == {"-SL", "-TP"})
        await test.engine.handle(ClosePosition(test.account_id, "MNQ", 2))
        await until(lambda: {o.remaining for o in test.engine.book.open_orders.values()} == {1})
        assert len(test.engine.book.open_orders) == 4
        await test.prove()
        await test.engine.handle(Flatten(test.account_id))
        await until(lambda: test.told("the broker confirms"))
        await until(lambda: is_over(test))
        await test.prove()
        assert not test.told("UNPROTECTED")
