"""Every check of the drills can fail: a true picture holds, and each forgery is found by the check that is for it."""

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from tradeconsole.domain.orders import OrderStatus, Side
from tradeconsole.drills import checks
from tradeconsole.drills.checks import examine
from tradeconsole.drills.desk import until
from tradeconsole.drills.records import GatewayRecords, read_records
from tradeconsole.drills.theatre import Staging, Theatre
from tradeconsole.engine.book import Book
from tradeconsole.exchange.records import VenueOrder

ASKED = 4


class Picture(NamedTuple):
    """What a desk shows and what its gateway has, after some trading."""

    records: GatewayRecords
    book: Book


@pytest.fixture(scope="module")
def picture() -> Picture:
    """A round trip that was stopped out, a position turned round, a protected entry and a resting order."""
    return asyncio.run(trade())


async def trade() -> Picture:
    async with Theatre(Staging(), seed=7, bound=10.0) as theatre:
        desk = theatre.desk
        await desk.buy_protected()
        theatre.move(-45)
        await theatre.until(lambda: desk.size() == 0, "the stop to fill")
        await desk.buy(1)
        await theatre.until(lambda: desk.size() == 1, "an entry to fill")
        await desk.buy_protected(2)
        await desk.rest()
        await theatre.recovers()
        return Picture(theatre.records(), desk.engine.book)


def failed(records: GatewayRecords, book: Book, asked: int = ASKED) -> set[str]:
    return {finding.check for finding in examine(records, book, asked) if not finding.held}


def test_a_true_picture_holds_and_says_what_was_compared(picture: Picture) -> None:
    findings = examine(*picture, ASKED)
    assert all(finding.held and finding.compared for finding in findings)
    assert len({finding.check for finding in findings}) == len(findings) == 8
    told = {finding.check: finding.compared for finding in findings}
    assert told["no order twice"] == "4 orders at the gateway, 4 taken of 4 asked for, each tag once"
    assert re.fullmatch(r"MNQ [HMUZ]\d\d \+3", told["positions equal the gateway's"])
    assert re.match(r"MNQ [HMUZ]\d\d 2/3 covered", told["protected, or shown unprotected"])


Forge = Callable[[GatewayRecords], GatewayRecords]


def changed(**over: Any) -> Forge:
    return lambda records: msgspec.structs.replace(records, **over)


def order(match: Callable[[VenueOrder], bool], **over: Any) -> Forge:
    """Change one of the gateway's orders."""

    def forge(records: GatewayRecords) -> GatewayRecords:
        orders = list(records.orders)
        index = next(i for i, each in enumerate(orders) if match(each))
        orders[index] = msgspec.structs.replace(orders[index], **over)
        return msgspec.structs.replace(records, orders=tuple(orders))

    return forge


def once_more(records: GatewayRecords) -> GatewayRecords:
    """The gateway has the first order a second time."""
    again = msgspec.structs.replace(records.orders[0], id=99)
    return msgspec.structs.replace(records, orders=(*records.orders, again))


def under_another_tag(records: GatewayRecords) -> GatewayRecords:
    """The gateway has an order more than were asked for, with a tag of its own."""
    again = msgspec.structs.replace(records.orders[0], id=99, tag="tc-hand-01ANOTHER")
    return msgspec.structs.replace(records, orders=(*records.orders, again))


def newest_trade(**over: Any) -> Forge:
    def forge(records: GatewayRecords) -> GatewayRecords:
        first, *rest = records.trades
        return msgspec.structs.replace(records, trades=(msgspec.structs.replace(first, **over), *rest))

    return forge


def position(**over: Any) -> Forge:
    def forge(records: GatewayRecords) -> GatewayRecords:
        held = msgspec.structs.replace(records.positions[0], **over)
        return msgspec.structs.replace(records, positions=(held,))

    return forge


def closing_trade_with(gross: Decimal) -> Forge:
    def forge(records: GatewayRecords) -> GatewayRecords:
        trades = [
            trade if trade.gross_pnl is None else msgspec.structs.replace(trade, gross_pnl=gross)
            for trade in records.trades
        ]
        return msgspec.structs.replace(records, trades=tuple(trades))

    return forge


def is_working_leg(order: VenueOrder) -> bool:
    return order.status is OrderStatus.WORKING and order.stop_price is not None


def rests(order: VenueOrder) -> bool:
    return order.status is OrderStatus.WORKING and order.parent_id is None


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (once_more, "no order twice"),
        (under_another_tag, "no order twice"),
        (order(rests, status=OrderStatus.CANCELLED), "none forgotten"),
        (order(rests, limit_price=Decimal(20000)), "none forgotten"),
        (lambda r: msgspec.structs.replace(r, orders=r.orders[:-1]), "none forgotten"),
        (newest_trade(price=Decimal(1)), "fills equal the gateway's trades"),
        (newest_trade(side=Side.SELL), "fills equal the gateway's trades"),
        (newest_trade(commissions=Decimal(1)), "fills equal the gateway's trades"),
        (lambda r: msgspec.structs.replace(r, trades=r.trades[1:]), "fills equal the gateway's trades"),
        (position(size=2), "positions equal the gateway's"),
        (position(size=-3), "positions equal the gateway's"),
        (changed(positions=()), "positions equal the gateway's"),
        (closing_trade_with(Decimal("-40.01")), "round trips equal the gateway's trades"),
        (changed(balance=Decimal("149951.01")), "P&L to the cent"),
        (changed(start_balance=Decimal("149999.99")), "P&L to the cent"),
        (order(is_working_leg, status=OrderStatus.CANCELLED), "protected, or shown unprotected"),
        (order(is_working_leg, size=1), "protected, or shown unprotected"),
    ],
)
def test_a_forged_record_is_found_by_the_check_that_is_for_it(
    picture: Picture, forge: Forge, check: str
) -> None:
    assert check in failed(forge(picture.records), picture.book)


@pytest.fixture
def book(picture: Picture) -> Book:
    """The desk's book, to be spoiled."""
    spoiled = Book()
    spoiled.__dict__.update({k: v.copy() if hasattr(v, "copy") else v for k, v in vars(picture.book).items()})
    return spoiled


def test_an_order_whose_outcome_is_unknown_is_found(picture: Picture, book: Book) -> None:
    first = next(iter(book.orders.values()))
    book.orders["tc-hand-lost"] = msgspec.structs.replace(
        first, order_id="tc-hand-lost", broker_order_id=None, status=OrderStatus.UNKNOWN
    )
    assert failed(picture.records, book) == {"nothing in doubt"}


def test_an_order_that_the_book_calls_failed_but_the_gateway_has_is_found(
    picture: Picture, book: Book
) -> None:
    resting = next(o for o in book.orders.values() if o.status is OrderStatus.WORKING and o.parent_id is None)
    book.orders[resting.order_id] = msgspec.structs.replace(
        resting, status=OrderStatus.FAILED, broker_order_id=None
    )
    assert "none forgotten" in failed(picture.records, book)


def test_protection_that_the_desk_only_imagines_is_found(picture: Picture, book: Book) -> None:
    stop = next(o for o in book.open_orders.values() if o.stop_price is not None)
    book.open_orders["imagined"] = msgspec.structs.replace(stop, order_id="imagined", size=1)
    assert failed(picture.records, book) == {"protected, or shown unprotected"}


def test_protection_that_the_desk_does_not_see_is_found(picture: Picture, book: Book) -> None:
    stop = next(o for o in book.open_orders.values() if o.stop_price is not None)
    del book.open_orders[stop.order_id]
    assert failed(picture.records, book) == {"protected, or shown unprotected"}


def test_a_round_trip_too_many_is_found(picture: Picture, book: Book) -> None:
    trip = next(iter(book.round_trips.values()))
    book.round_trips["again"] = msgspec.structs.replace(trip, round_trip_id="again")
    assert failed(picture.records, book) == {"round trips equal the gateway's trades"}


def test_thirds_of_a_tick_are_the_same_money_and_a_cent_is_not(picture: Picture, book: Book) -> None:
    trip_id, trip = next(iter(book.round_trips.items()))
    book.round_trips[trip_id] = msgspec.structs.replace(trip, gross_pnl=trip.gross_pnl + Decimal("1e-20"))
    assert not failed(picture.records, book)
    book.round_trips[trip_id] = msgspec.structs.replace(trip, gross_pnl=trip.gross_pnl + Decimal("0.01"))
    assert "round trips equal the gateway's trades" in failed(picture.records, book)


def test_a_long_list_of_troubles_is_cut(picture: Picture) -> None:
    empty = msgspec.structs.replace(picture.records, trades=())
    found = checks.fills_equal(empty, picture.book)
    assert found.compared.endswith("; and 1 more")


def test_records_of_another_account_are_not_to_be_had() -> None:
    async def ask() -> None:
        async with Theatre(Staging(opens=False), seed=7, bound=1.0) as theatre:
            with pytest.raises(KeyError):
                read_records(theatre.emulator.gateway.exchange, "1")

    asyncio.run(ask())


async def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(Exception, match=r"waited 0\.05 s in vain for nothing to be true"):
        await until(lambda: False, "nothing to be true", 0.05)
