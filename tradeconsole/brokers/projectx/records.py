"""The gateway's records of orders and fills: pages and windows put together, in spite of limits that nobody documents."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Final, TypeVar

from tradeconsole.brokers.projectx import wire
from tradeconsole.brokers.projectx.endpoints import (
    ORDER_BY_ID,
    ORDER_QUERY,
    ORDER_SEARCH,
    ORDER_SEARCH_OPEN,
    TRADES,
)
from tradeconsole.brokers.projectx.rest import EndpointMissing, RestClient
from tradeconsole.domain.market import Span
from tradeconsole.errors import BrokerRejected

log = logging.getLogger(__name__)

R = TypeVar("R", wire.OrderRow, wire.TradeRow)

PAGE: Final = 100
"""Orders per page of the query; its largest page is not documented (unverified)."""

WINDOW: Final = timedelta(days=7)
"""Longest span asked for at once: long ones are slow, and may be cut without a word (unverified)."""

_SEAM: Final = timedelta(seconds=1)
"""How far windows overlap: whether their ends are inclusive is not documented (unverified)."""

_SILENT_CAP: Final = 1_000
"""So many rows, or a multiple, may be what a gateway cut an answer to (unverified): the span is asked for in halves."""

_SHORTEST: Final = timedelta(minutes=1)

_OPEN: Final = (
    wire.OrderStatus.OPEN,
    wire.OrderStatus.PENDING,
    wire.OrderStatus.PENDING_CANCELLATION,
    wire.OrderStatus.SUSPENDED,
)
_BAD_REQUEST: Final = 400


class Records:
    """Reads orders and fills of one user. Rows come in the order of their ids, each once."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest
        self._has_query = True

    async def open_orders(self, account: int, *, urgent: bool = False) -> list[wire.OrderRow]:
        """Every order that may still fill, suspended bracket legs included where the gateway can list them."""
        rows: dict[int, wire.OrderRow] = {}
        if not (self._has_query and await self._query(rows, account, urgent)):
            # the plain list hides suspended legs, but has every order that works
            body = wire.AccountBody(account_id=account)
            plain = (await self._rest.call(ORDER_SEARCH_OPEN.when(urgent), body)).orders or []
            rows |= {row.id: row for row in plain}
        return _sorted(rows)

    async def order(self, account: int, order_id: int) -> wire.OrderRow | None:
        """One order, ahead of all queries; None if the gateway does not know it.

        Raises:
            EndpointMissing: this gateway cannot tell.
        """
        body = wire.OrderIdBody(account_id=account, order_id=order_id)
        try:
            return (await self._rest.call(ORDER_BY_ID.when(urgent=True), body)).order
        except BrokerRejected:
            return None

    async def orders(self, account: int, span: Span) -> list[wire.OrderRow]:
        """Orders created in the span."""

        async def ask(part: Span) -> list[wire.OrderRow]:
            return (await self._rest.call(ORDER_SEARCH, _body(account, part))).orders or []

        return await _collect(span, ask)

    async def trades(self, account: int, span: Span) -> list[wire.TradeRow]:
        """Executions in the span."""

        async def ask(part: Span) -> list[wire.TradeRow]:
            return (await self._rest.call(TRADES, _body(account, part))).trades or []

        return await _collect(span, ask)

    async def _query(self, rows: dict[int, wire.OrderRow], account: int, urgent: bool) -> bool:
        """Fill in all pages of the query; whether that is certainly all."""
        try:
            if await self._page(rows, account, 0, urgent):
                return True
            # whether the offset counts rows or pages is not documented (unverified): the total tells what works
            for step in (PAGE, 1):
                for number in count(1):
                    before = len(rows)
                    if await self._page(rows, account, number * step, urgent):
                        return True
                    if len(rows) == before:
                        break
        except EndpointMissing:
            self._give_up_query("does not have that query")
        except BrokerRejected as error:
            if error.code != _BAD_REQUEST:
                raise
            self._give_up_query(str(error))
        return False

    async def _page(self, rows: dict[int, wire.OrderRow], account: int, offset: int, urgent: bool) -> bool:
        body = wire.OrderQueryBody(
            filter=wire.OrderFilter(account_id=account, statuses=_OPEN),
            page_size=PAGE,
            page_offset=offset,
            sort_by=wire.SORT_BY_ID,
            sort_direction=wire.ASCENDING,
            include_total_count=True,
        )
        reply = await self._rest.call(ORDER_QUERY.when(urgent), body)
        page = reply.orders or []
        rows |= {row.id: row for row in page}
        if reply.total_count is None:
            return offset == 0 and len(page) < PAGE
        return len(rows) >= reply.total_count

    def _give_up_query(self, why: str) -> None:
        self._has_query = False
        log.warning(
            "this gateway cannot list suspended orders: bracket legs show only when they work (%s)", why
        )


async def _collect(span: Span, ask: Callable[[Span], Awaitable[list[R]]]) -> list[R]:
    rows: dict[int, R] = {}
    for window in _windows(span):
        await _gather(rows, window, ask)
    return _sorted(rows)


async def _gather(rows: dict[int, R], span: Span, ask: Callable[[Span], Awaitable[list[R]]]) -> None:
    found = await ask(span)
    rows |= {row.id: row for row in found}
    if found and len(found) % _SILENT_CAP == 0 and span.length > _SHORTEST:
        middle = span.start + span.length / 2
        await _gather(rows, Span(span.start, middle + _SEAM), ask)
        await _gather(rows, Span(middle, span.end), ask)


def _windows(span: Span) -> Iterator[Span]:
    start = span.start
    while span.end - start > WINDOW:
        yield Span(start, start + WINDOW + _SEAM)
        start += WINDOW
    yield Span(start, span.end)


def _sorted(rows: dict[int, R]) -> list[R]:
    return [rows[key] for key in sorted(rows)]


def _body(account: int, span: Span) -> wire.SpanBody:
    return wire.SpanBody(account_id=account, start_timestamp=span.start, end_timestamp=span.end)
