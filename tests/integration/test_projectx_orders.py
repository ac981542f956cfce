"""The adapter's orders and records: changes, cancels, pages, windows, against scripted peers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from projectx_bench import MNQ, NOW, Bench, bench, order
from projectx_peer import Answer, Call, HangUp, no, ok

from tradeconsole.brokers.projectx import records
from tradeconsole.domain.events import OrderReported
from tradeconsole.domain.market import Span
from tradeconsole.domain.orders import OrderStatus
from tradeconsole.errors import BrokerRejected, InvalidRequest, OrderInDoubt

ACCOUNT_ID = "26282486"
BAR = {"t": "2026-11-18T14:59:00+00:00", "o": 25000, "h": 25000, "l": 25000, "c": 25000, "v": 1}


async def know(test: Bench, *rows: dict[str, Any]) -> None:
    """Let the adapter have read these open orders."""
    test.peer.script["/api/Order/v2/query"] = ok(orders=list(rows), totalCount=len(rows))
    await test.broker.get_open_orders(ACCOUNT_ID)


# -- changing ----------------------------------------------------------------------------------------------------


async def test_a_modification_sends_only_what_changes() -> None:
    async with bench() as test:
        await know(test, order(5))
        test.peer.script["/api/Order/modify"] = ok()
        await test.broker.modify_order(ACCOUNT_ID, "5", limit_price=Decimal("25001.5000"))
        (sent,) = test.peer.sent_to("/api/Order/modify")
        assert sent.body == {"accountId": 26282486, "orderId": 5, "limitPrice": 25001.5}


async def test_an_order_never_heard_of_is_looked_up_before_it_is_changed() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/searchById"] = ok(
            order=order(6, type=5, side=1, limitPrice=None, stopPrice=24990, trailDistance=40)
        )
        test.peer.script["/api/Order/modify"] = ok()
        test.peer.script["/api/History/retrieveBars"] = ok(bars=[BAR])
        await test.broker.modify_order(ACCOUNT_ID, "6", stop_price=Decimal("24999.75"))
        assert test.peer.sent_to("/api/Order/modify")[0].body["trailPrice"] == 24999.75


async def test_a_gateway_that_cannot_look_up_orders_gets_the_change_as_it_is() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/modify"] = ok()
        await test.broker.modify_order(ACCOUNT_ID, "5", stop_price=Decimal("25001.50"))
        assert test.peer.sent_to("/api/Order/modify")[0].body["stopPrice"] == 25001.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 0}, "size must be at least 1"),
        ({"limit_price": Decimal("25000.10")}, "tick"),
        ({"stop_price": Decimal("NaN")}, "no price"),
    ],
    ids=str,
)
async def test_a_change_that_the_gateway_would_refuse_is_not_sent(change: dict[str, Any], words: str) -> None:
    async with bench() as test:
        await know(test, order(5))
        with pytest.raises(InvalidRequest, match=words):
            await test.broker.modify_order(ACCOUNT_ID, "5", **change)
        assert not test.peer.sent_to("/api/Order/modify")


@pytest.mark.parametrize(
    ("side", "level", "fits"),
    [
        (1, "24999.75", True),
        (1, "24750", True),
        (1, "24749.75", False),
        (1, "25000", False),
        (1, "25000.25", False),
        (1, "0.25", False),
        (0, "25000.25", True),
        (0, "25250.25", False),
        (0, "24999.75", False),
    ],
)
async def test_a_trail_is_moved_to_a_level_that_makes_sense_or_not_at_all(
    side: int, level: str, fits: bool
) -> None:
    async with bench() as test:
        await know(test, order(6, type=5, side=side, limitPrice=None, stopPrice=24990, trailDistance=40))
        test.peer.script["/api/Order/modify"] = ok()
        test.peer.script["/api/History/retrieveBars"] = ok(bars=[BAR])
        change = test.broker.modify_order(ACCOUNT_ID, "6", stop_price=Decimal(level))
        if fits:
            await change
            assert test.peer.sent_to("/api/Order/modify")[0].body == {
                "accountId": 26282486,
                "orderId": 6,
                "trailPrice": float(level),
            }
        else:
            with pytest.raises(InvalidRequest, match="1 to 1000 ticks"):
                await change
            assert not test.peer.sent_to("/api/Order/modify")


# -- cancelling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "meaning"), [(2, OrderStatus.FILLED), (3, OrderStatus.CANCELLED), (5, OrderStatus.REJECTED)]
)
async def test_cancelling_what_has_ended_tells_how_it_ended(status: int, meaning: OrderStatus) -> None:
    async with bench() as test:
        test.peer.script["/api/Order/cancel"] = no(5)
        test.peer.script["/api/Order/searchById"] = ok(order=order(7, status=status))
        await test.broker.cancel_order(ACCOUNT_ID, "7")
        (report,) = [event.report for event in test.of(OrderReported)]
        assert (report.broker_order_id, report.status) == ("7", meaning)
        assert len(test.peer.sent_to("/api/Order/cancel")) == 1


async def test_an_order_that_works_on_although_it_was_cancelled_is_an_error() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/cancel"] = no(5)
        test.peer.script["/api/Order/searchById"] = ok(order=order(7))
        with pytest.raises(BrokerRejected, match=r"failed to cancel the order.*it is working"):
            await test.broker.cancel_order(ACCOUNT_ID, "7")
        assert [event.report.status for event in test.of(OrderReported)] == [OrderStatus.WORKING]


async def test_a_cancel_whose_outcome_cannot_be_read_is_in_doubt() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/cancel"] = no(5)
        test.peer.script["/api/Order/searchById"] = HangUp()
        with pytest.raises(OrderInDoubt, match="record cannot be read"):
            await test.broker.cancel_order(ACCOUNT_ID, "7")


@pytest.mark.parametrize("record", [Answer(status=404), no(1, order=None), ok(order=None)], ids=str)
async def test_without_a_record_the_refusal_of_a_cancel_stands(record: Answer) -> None:
    async with bench() as test:
        test.peer.script["/api/Order/cancel"] = no(5)
        test.peer.script["/api/Order/searchById"] = record
        with pytest.raises(BrokerRejected, match="cannot be cancelled: it may be finished already") as caught:
            await test.broker.cancel_order(ACCOUNT_ID, "7")
        assert caught.value.code == 5


async def test_other_refusals_of_a_cancel_ask_nothing() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/cancel"] = no(6, "Follower accounts cannot cancel orders")
        with pytest.raises(BrokerRejected, match="Follower accounts"):
            await test.broker.cancel_order(ACCOUNT_ID, "7")
        assert not test.peer.sent_to("/api/Order/searchById")


# -- open orders -------------------------------------------------------------------------------------------------


async def test_suspended_legs_are_open_orders() -> None:
    async with bench() as test:
        await know(test, order(1), order(2, status=8, parentOrderId=1))
        reports = await test.broker.get_open_orders(ACCOUNT_ID)
        assert [report.status for report in reports] == [OrderStatus.WORKING, OrderStatus.SUSPENDED]
        assert test.peer.sent_to("/api/Order/v2/query")[0].body == {
            "filter": {"accountId": 26282486, "statuses": [1, 6, 7, 8]},
            "pageSize": 100,
            "pageOffset": 0,
            "sortBy": 1,
            "sortDirection": 0,
            "includeTotalCount": True,
        }


def pages(total: int, *, of: str, counted: bool = True, cap: int = 100) -> Callable[[Call], Answer]:
    """A query of so many orders whose offset counts rows or pages."""

    def answer(call: Call) -> Answer:
        offset = call.body["pageOffset"] * (cap if of == "pages" else 1)
        page = [order(number) for number in range(total)][offset : offset + cap]
        return ok(orders=page, totalCount=total if counted else None)

    return answer


@pytest.mark.parametrize("of", ["rows", "pages"])
@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 250, 300])
async def test_all_pages_are_read_whatever_the_offset_counts(of: str, total: int) -> None:
    async with bench() as test:
        test.peer.script["/api/Order/v2/query"] = pages(total, of=of)
        reports = await test.broker.get_open_orders(ACCOUNT_ID)
        assert [int(report.broker_order_id) for report in reports] == list(range(total))
        assert not test.peer.sent_to("/api/Order/searchOpen")


async def test_pages_smaller_than_asked_for_are_read_too() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/v2/query"] = pages(120, of="pages", cap=50)
        assert len(await test.broker.get_open_orders(ACCOUNT_ID)) == 120


async def test_a_full_page_of_a_query_that_does_not_count_is_completed_by_the_list() -> None:
    async with bench() as test:
        test.peer.script["/api/Order/v2/query"] = ok(orders=[order(n) for n in range(100)])
        test.peer.script["/api/Order/searchOpen"] = ok(orders=[order(n) for n in range(50, 130)])
        assert len(await test.broker.get_open_orders(ACCOUNT_ID)) == 130


@pytest.mark.parametrize("refusal", [Answer(status=404), Answer({"title": "Bad page"}, status=400)], ids=str)
async def test_a_gateway_without_the_query_is_asked_the_old_way(
    refusal: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench() as test:
        test.peer.script["/api/Order/v2/query"] = refusal
        test.peer.script["/api/Order/searchOpen"] = ok(orders=[order(1)])
        for _ in range(2):
            (report,) = await test.broker.get_open_orders(ACCOUNT_ID)
            assert report.broker_order_id == "1"
        assert len(test.peer.sent_to("/api/Order/v2/query")) == 1
        assert "cannot list suspended orders" in caplog.text


# -- windows -----------------------------------------------------------------------------------------------------

NEWEST = {"Order": "orders", "Trade": "trades"}


def trade(number: int, time: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "accountId": 26282486,
        "contractId": MNQ,
        "creationTimestamp": time.isoformat(),
        "price": 25000,
        "profitAndLoss": None,
        "fees": 0.36,
        "side": 0,
        "size": 1,
        "voided": False,
        "orderId": number,
    }


class Ledger:
    """Records at given times, which an answer leaves out beyond a silent cap; both ends of a span are exclusive."""

    def __init__(self, times: list[datetime], cap: int = 1_000) -> None:
        self.times = times
        self.cap = cap
        self.spans: list[Span] = []

    def _within(self, call: Call) -> list[tuple[int, datetime]]:
        start, end = (datetime.fromisoformat(call.body[f"{name}Timestamp"]) for name in ("start", "end"))
        self.spans.append(Span(start, end))
        return [(n, time) for n, time in enumerate(self.times) if start < time < end][: self.cap]

    def orders(self, call: Call) -> Answer:
        found = self._within(call)
        return ok(orders=[order(n, creationTimestamp=time.isoformat()) for n, time in found])

    def trades(self, call: Call) -> Answer:
        return ok(trades=[trade(n, time) for n, time in reversed(self._within(call))])


async def test_a_short_span_is_one_question() -> None:
    async with bench() as test:
        ledger = Ledger([NOW - timedelta(hours=1)])
        test.peer.script["/api/Order/search"] = ledger.orders
        span = Span(NOW - timedelta(days=1), NOW)
        assert len(await test.broker.get_orders(ACCOUNT_ID, span)) == 1
        assert ledger.spans == [span]
        assert test.peer.sent_to("/api/Order/search")[0].body["startTimestamp"] == "2026-11-17T15:00:00Z"


@pytest.mark.parametrize("kind", ["orders", "trades"])
async def test_a_long_span_is_asked_for_in_windows_without_a_seam(kind: str) -> None:
    async with bench() as test:
        start = NOW - timedelta(days=30)
        # also exactly where windows meet
        ledger = Ledger([start + timedelta(days=day, hours=hour) for day in range(30) for hour in (0, 9)][1:])
        test.peer.script["/api/Order/search"] = ledger.orders
        test.peer.script["/api/Trade/search"] = ledger.trades
        span = Span(start, NOW)
        if kind == "orders":
            found = [int(report.broker_order_id) for report in await test.broker.get_orders(ACCOUNT_ID, span)]
        else:
            found = [int(fill.fill_id) for fill in await test.broker.get_fills(ACCOUNT_ID, span)]
        assert found == list(range(59))
        assert len(ledger.spans) == 5
        assert all(each.length <= records.WINDOW + timedelta(seconds=1) for each in ledger.spans)


async def test_a_span_that_may_have_been_cut_is_asked_for_in_halves() -> None:
    async with bench() as test:
        ledger = Ledger([NOW - timedelta(seconds=10 * n + 5) for n in range(2_345)])
        test.peer.script["/api/Trade/search"] = ledger.trades
        fills = await test.broker.get_fills(ACCOUNT_ID, Span(NOW - timedelta(days=1), NOW))
        assert sorted(int(fill.fill_id) for fill in fills) == list(range(2_345))
        assert [fill.time for fill in fills] == sorted(fill.time for fill in fills)


async def test_a_gateway_that_always_gives_a_round_number_is_not_asked_for_ever() -> None:
    async with bench() as test:
        rows = [trade(n, datetime(2026, 11, 18, tzinfo=UTC)) for n in range(1_000)]
        test.peer.script["/api/Trade/search"] = ok(trades=rows)
        assert len(await test.broker.get_fills(ACCOUNT_ID, Span(NOW - timedelta(minutes=4), NOW))) == 1_000
        assert len(test.peer.sent_to("/api/Trade/search")) < 20
