"""Orders on their way out: checked against what the gateway is known to refuse, sent once, refusals named."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from tradeconsole.brokers.projectx import refusals, translate, wire
from tradeconsole.brokers.projectx.contracts import Contracts
from tradeconsole.brokers.projectx.endpoints import (
    ALREADY_FINISHED,
    CLOSE_CONTRACT,
    CONTRACT_NOT_ACTIVE,
    ORDER_CANCEL,
    ORDER_MODIFY,
    ORDER_PLACE,
    PARTIAL_CLOSE,
)
from tradeconsole.brokers.projectx.records import Records
from tradeconsole.brokers.projectx.rest import EndpointMissing, RestClient
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import OrderReport, OrderRequest, OrderType
from tradeconsole.errors import BrokerError, BrokerRejected, InvalidRequest, OrderInDoubt


class OrderDesk:
    """Places, changes and cancels orders, and closes positions.

    It remembers open orders as they were last reported, because how one is changed depends on what it is. `quote`
    gives the newest price of a contract; `tell` is told of an order whose record had to be read.
    """

    def __init__(
        self,
        rest: RestClient,
        contracts: Contracts,
        records: Records,
        quote: Callable[[str], Awaitable[Quote]],
        tell: Callable[[OrderReport], None],
    ) -> None:
        self._rest = rest
        self._contracts = contracts
        self._records = records
        self._quote = quote
        self._tell = tell
        self._open: dict[str, OrderReport] = {}

    def remember(self, report: OrderReport) -> None:
        """Take note of what an order is."""
        if report.status.is_final:
            self._open.pop(report.broker_order_id, None)
        else:
            self._open[report.broker_order_id] = report

    async def place(self, request: OrderRequest) -> str:
        """Send one order; raises as `OrderInterface.place_order` does."""
        instrument = self._contracts.known(request.instrument_id)
        if instrument is None or not instrument.active:
            instrument = await self._contracts.resolve(request.instrument_id)
        body = translate.place_body(request, instrument)
        try:
            reply = await self._rest.call(ORDER_PLACE, body)
        except BrokerRejected as error:
            if error.code == CONTRACT_NOT_ACTIVE:
                raise await self._rolled(instrument, error) from None
            raise refusals.of_placement(error) from None
        if reply.order_id is None:
            raise OrderInDoubt("the gateway accepted the order without giving it an id")
        return str(reply.order_id)

    async def _rolled(self, instrument: Instrument, error: BrokerRejected) -> BrokerRejected:
        self._contracts.forget_active()
        try:
            active = await self._contracts.active_of(instrument.instrument_id)
        except BrokerError:
            active = None
        instead = f"; the active one is {active.name}" if active else ""
        return BrokerRejected(
            f"{instrument.name} is not the active contract any more{instead}",
            code=error.code,
            broker_order_id=error.broker_order_id,
        )

    async def modify(
        self,
        account_id: str,
        broker_order_id: str,
        *,
        size: int | None,
        limit_price: Decimal | None,
        stop_price: Decimal | None,
    ) -> None:
        """Change a working order; raises as `OrderInterface.modify_order` does."""
        account = translate.wire_id(account_id, "an account")
        order_id = translate.wire_id(broker_order_id, "an order")
        if size is not None and size < 1:
            raise InvalidRequest(f"size must be at least 1, not {size}")
        order = self._open.get(broker_order_id) or await self._look_up(account, order_id)
        if order is not None:
            known = self._contracts.known(order.instrument_id)
            instrument = known or await self._contracts.get(order.instrument_id)
            limit_price = translate.on_grid(limit_price, instrument)
            stop_price = translate.on_grid(stop_price, instrument)
        is_trailing = order is not None and order.type is OrderType.TRAILING_STOP
        if is_trailing and order is not None and stop_price is not None:
            last = (await self._quote(order.instrument_id)).last
            translate.check_trail_level(stop_price, last, order.side, instrument)
        body = wire.ModifyBody(
            account_id=account,
            order_id=order_id,
            size=size,
            limit_price=limit_price,
            stop_price=None if is_trailing else stop_price,
            trail_price=stop_price if is_trailing else None,
        )
        await self._rest.call(ORDER_MODIFY, body)

    async def cancel(self, account_id: str, broker_order_id: str) -> None:
        """Cancel a working order; one that has ended already is told as it is, and no error."""
        account = translate.wire_id(account_id, "an account")
        order_id = translate.wire_id(broker_order_id, "an order")
        try:
            await self._rest.call(ORDER_CANCEL, wire.OrderIdBody(account_id=account, order_id=order_id))
        except BrokerRejected as error:
            if error.code != ALREADY_FINISHED:
                raise
            await self._settle(account, order_id, error)

    async def _settle(self, account: int, order_id: int, refusal: BrokerRejected) -> None:
        """Tell what became of an order that the gateway would not cancel.

        Raises:
            BrokerRejected: it has not ended, or nobody knows.
            OrderInDoubt: its record cannot be read now.
        """
        try:
            report = await self._look_up(account, order_id)
        except BrokerError as error:
            raise OrderInDoubt(f"{refusal}; its record cannot be read: {error}") from None
        if report is None:
            raise refusal
        self._tell(report)
        if report.status.is_open:
            raise BrokerRejected(
                f"the gateway failed to cancel the order and does not say why: it is {report.status}",
                code=refusal.code,
            )

    async def _look_up(self, account: int, order_id: int) -> OrderReport | None:
        try:
            row = await self._records.order(account, order_id)
        except EndpointMissing:
            return None
        return None if row is None else translate.order_report(row)

    async def close(self, account_id: str, instrument_id: str, quantity: int | None) -> None:
        """Close a position or a part of it; raises as `PositionInterface.close_position` does."""
        if quantity is not None and quantity < 1:
            raise InvalidRequest(f"the size to close must be at least 1, not {quantity}")
        body = wire.CloseBody(
            account_id=translate.wire_id(account_id, "an account"), contract_id=instrument_id, size=quantity
        )
        await self._rest.call(CLOSE_CONTRACT if quantity is None else PARTIAL_CLOSE, body)
