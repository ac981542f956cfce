"""Endpoints `Order/*`."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.orders import OrderStatus
from tradeconsole.emulator.bodies import Int32, Int64
from tradeconsole.emulator.gateway import Gateway
from tradeconsole.emulator.http import BadRequest, Caller, Endpoint, Payload, envelope, failure, success
from tradeconsole.emulator.journal import Cancel, Modify, Place
from tradeconsole.emulator.wire import ORDER_TYPES, REST, SIDES, STATUSES, WireOrder, order_row
from tradeconsole.exchange.records import Leg, ModifyRequest, PlaceRequest, VenueOrder

MAX_PAGE: Final = 1000
DEFAULT_PAGE: Final = 100

_ACCOUNT_NOT_FOUND: Final = 1
_ORDER_NOT_FOUND: Final = 1
_SEARCHABLE: Final = frozenset(OrderStatus) - {OrderStatus.SUSPENDED}
_SORT_FIELDS: Final = (0, 1)


class Bracket(msgspec.Struct):
    ticks: Int32
    type: Int32


class PlaceOrder(msgspec.Struct, rename="camel"):
    account_id: Int32
    contract_id: str
    type: Int32
    side: Int32
    size: Int32
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    custom_tag: str | None = None
    stop_loss_bracket: Bracket | None = None
    take_profit_bracket: Bracket | None = None
    linked_order_id: Int64 | None = None


class ModifyOrder(msgspec.Struct, rename="camel"):
    account_id: Int32
    order_id: Int64
    size: Int32 | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None


class CancelOrder(msgspec.Struct, rename="camel"):
    account_id: Int32
    order_id: Int64


class SearchOrders(msgspec.Struct, rename="camel"):
    account_id: Int32
    start_timestamp: datetime
    end_timestamp: datetime | None = None


class SearchOpenOrders(msgspec.Struct, rename="camel"):
    account_id: Int32


class SearchOrderById(msgspec.Struct, rename="camel"):
    account_id: Int32
    order_id: Int64


class OrderFilter(msgspec.Struct, rename="camel"):
    account_id: Int32
    statuses: list[Int32] | None = None
    contract_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class QueryOrders(msgspec.Struct, rename="camel"):
    filter: OrderFilter
    page_size: Int32 | None = None
    page_offset: Int32 | None = None
    sort_by: Int32 | None = None
    sort_direction: Int32 | None = None
    include_total_count: bool | None = None


def place(gateway: Gateway, caller: Caller, request: PlaceOrder) -> Payload:
    """Place an order; a refused one has an id as well. `linkedOrderId` is accepted and ignored."""
    command = Place(
        at=gateway.moment(),
        account_id=gateway.visible(caller.user, request.account_id),
        request=PlaceRequest(
            contract_id=request.contract_id,
            type=ORDER_TYPES.get(request.type),
            side=SIDES.get(request.side),
            size=request.size,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            trail_price=request.trail_price,
            tag=request.custom_tag,
            stop_loss=_leg(request.stop_loss_bracket),
            take_profit=_leg(request.take_profit_bracket),
        ),
    )
    outcome = gateway.tell(command)
    return {"orderId": outcome.order_id, **envelope(outcome)}


def modify(gateway: Gateway, caller: Caller, request: ModifyOrder) -> Payload:
    """Change size or prices of a working order; what is omitted stays."""
    command = Modify(
        at=gateway.moment(),
        account_id=gateway.visible(caller.user, request.account_id),
        request=ModifyRequest(
            order_id=request.order_id,
            size=request.size,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            trail_price=request.trail_price,
        ),
    )
    return envelope(gateway.tell(command))


def cancel(gateway: Gateway, caller: Caller, request: CancelOrder) -> Payload:
    """Cancel a working order."""
    account_id = gateway.visible(caller.user, request.account_id)
    return envelope(
        gateway.tell(Cancel(at=gateway.moment(), account_id=account_id, order_id=request.order_id))
    )


def search(gateway: Gateway, caller: Caller, request: SearchOrders) -> Payload:
    """Orders created in a window, oldest first; suspended legs are not shown here."""
    if gateway.account(caller.user, request.account_id) is None:
        return failure(_ACCOUNT_NOT_FOUND, orders=None)
    found = gateway.exchange.orders(request.account_id, request.start_timestamp, request.end_timestamp)
    return success(orders=[order_row(order, REST) for order in found if order.status in _SEARCHABLE])


def search_open(gateway: Gateway, caller: Caller, request: SearchOpenOrders) -> Payload:
    """Working orders; neither pending nor suspended ones."""
    if gateway.account(caller.user, request.account_id) is None:
        return failure(_ACCOUNT_NOT_FOUND, orders=None)
    found = gateway.exchange.orders_in(request.account_id, frozenset({OrderStatus.WORKING}))
    return success(orders=[order_row(order, REST) for order in found])


def search_by_id(gateway: Gateway, caller: Caller, request: SearchOrderById) -> Payload:
    """One order, whatever became of it."""
    account_id = gateway.visible(caller.user, request.account_id)
    order = gateway.exchange.order(account_id, request.order_id)
    return failure(_ORDER_NOT_FOUND, order=None) if order is None else success(order=order_row(order, REST))


def query(gateway: Gateway, caller: Caller, request: QueryOrders) -> Payload:
    """Orders by status, contract and time, in pages; the offset counts rows (unverified for the real gateway).

    Raises:
        BadRequest: sizes, offsets or sort keys out of range.
    """
    size, offset = _page(request)
    if gateway.account(caller.user, request.filter.account_id) is None:
        return failure(_ACCOUNT_NOT_FOUND, orders=None, totalCount=None)
    found = _filtered(gateway, request.filter)
    if request.sort_by == 1:
        found.sort(key=lambda order: order.id)
    if request.sort_direction == 1:
        found.reverse()
    rows = [order_row(order, REST) for order in found[offset : offset + size]]
    return success(orders=rows, totalCount=len(found) if request.include_total_count else None)


def _filtered(gateway: Gateway, wanted: OrderFilter) -> list[VenueOrder]:
    statuses = {STATUSES.get(code) for code in wanted.statuses or STATUSES}
    return [
        order
        for order in gateway.exchange.orders(wanted.account_id, wanted.created_after, wanted.created_before)
        if order.status in statuses and wanted.contract_id in {None, order.contract_id}
    ]


def _page(request: QueryOrders) -> tuple[int, int]:
    size = DEFAULT_PAGE if request.page_size is None else request.page_size
    offset = request.page_offset or 0
    for name, valid in (
        ("pageSize", 1 <= size <= MAX_PAGE),
        ("pageOffset", offset >= 0),
        ("sortBy", request.sort_by in {None, *_SORT_FIELDS}),
        ("sortDirection", request.sort_direction in {None, 0, 1}),
    ):
        if not valid:
            raise BadRequest(f"{name} is out of range.")
    return size, offset


def _leg(bracket: Bracket | None) -> Leg | None:
    return None if bracket is None else Leg(bracket.ticks, ORDER_TYPES.get(bracket.type))


ENDPOINTS: Final = (
    Endpoint(
        path="/api/Order/search",
        operation="Order_SearchOrders",
        shape=SearchOrders,
        handle=search,
        payload={"orders": list[WireOrder]},
    ),
    Endpoint(
        path="/api/Order/searchOpen",
        operation="Order_SearchOpenOrders",
        shape=SearchOpenOrders,
        handle=search_open,
        payload={"orders": list[WireOrder]},
    ),
    Endpoint(
        path="/api/Order/searchById",
        operation="Order_SearchOrderById",
        shape=SearchOrderById,
        handle=search_by_id,
        payload={"order": WireOrder},
    ),
    Endpoint(
        path="/api/Order/v2/query",
        operation="Order_QueryOrders",
        shape=QueryOrders,
        handle=query,
        payload={"orders": list[WireOrder], "totalCount": Int32},
        declares_problems=True,
    ),
    Endpoint(
        path="/api/Order/place",
        operation="Order_PlaceOrder",
        shape=PlaceOrder,
        handle=place,
        payload={"orderId": Int64},
    ),
    Endpoint(
        path="/api/Order/cancel",
        operation="Order_CancelOrder",
        shape=CancelOrder,
        handle=cancel,
    ),
    Endpoint(
        path="/api/Order/modify",
        operation="Order_ModifyOrder",
        shape=ModifyOrder,
        handle=modify,
    ),
)
