"""Orders as rows: what is said of one that was refused for its bracket and went out again without it."""

from zoneinfo import ZoneInfo

from trading_factories import ACCOUNT, NOON, make_instrument, make_order

from tradeconsole.domain.events import InstrumentResolved, OrderIntended
from tradeconsole.domain.orders import Bracket, Order, OrderStatus
from tradeconsole.engine.book import Book
from tradeconsole.views.build.trading import order_rows
from tradeconsole.views.models import OrderRow

BRACKET = Bracket(40, 80)
REFUSED = make_order(
    order_id="tc-hand-1", status=OrderStatus.REJECTED, bracket=BRACKET, reason="Brackets cannot be used."
)


def rows(*orders: Order) -> dict[str, OrderRow]:
    """The rows that a book with these orders shows, by our id."""
    book = Book()
    book.apply(InstrumentResolved(make_instrument()))
    for order in orders:
        book.apply(OrderIntended(order))
    return {row.order_id: row for row in order_rows(book, ACCOUNT, NOON, ZoneInfo("UTC"))}


def successor(**over: object) -> Order:
    fields = {"order_id": "tc-hand-2", "bracket": BRACKET, "engine_bracket": True, "replaces": "tc-hand-1"}
    return make_order(**{"status": OrderStatus.FILLED, **fields, **over})


def test_an_order_refused_for_its_bracket_names_the_one_in_its_place() -> None:
    row = rows(REFUSED, successor())["tc-hand-1"]
    assert row.replaced_by == "tc-hand-2"
    assert row.reason == "replaced: the engine keeps its bracket (Brackets cannot be used.)"
    assert row.status is OrderStatus.REJECTED, "the broker did refuse it, and programs are told so"


def test_a_refusal_without_words_is_replaced_all_the_same() -> None:
    silent = make_order(order_id="tc-hand-1", status=OrderStatus.REJECTED, bracket=BRACKET)
    assert rows(silent, successor())["tc-hand-1"].reason == "replaced: the engine keeps its bracket"


def test_a_rejection_that_nothing_replaces_stays_one() -> None:
    shown = rows(REFUSED, successor(replaces=None))
    assert shown["tc-hand-1"].replaced_by is None
    assert shown["tc-hand-1"].reason == "Brackets cannot be used."


def test_the_order_in_its_place_may_be_rejected_in_earnest() -> None:
    shown = rows(REFUSED, successor(status=OrderStatus.REJECTED, reason="market closed"))
    assert shown["tc-hand-1"].replaced_by == "tc-hand-2"
    assert (shown["tc-hand-2"].replaced_by, shown["tc-hand-2"].reason) == (None, "market closed")
