"""The order desk: takes orders in or refuses them, with the venue's codes and words; pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.market import Quote
from tradeconsole.domain.orders import OrderStatus, OrderType, Side
from tradeconsole.exchange import placement
from tradeconsole.exchange.accounts import exposure, worst_cases
from tradeconsole.exchange.agenda import Agenda, Duty
from tradeconsole.exchange.catalogue import Contract, Product
from tradeconsole.exchange.disturbances import Disturbances
from tradeconsole.exchange.firm_hours import FirmHours
from tradeconsole.exchange.listing import Listing
from tradeconsole.exchange.market import Market
from tradeconsole.exchange.matching import Matcher
from tradeconsole.exchange.placement import Prices
from tradeconsole.exchange.records import (
    CancelCode,
    CloseCode,
    ExchangeOptions,
    ModifyCode,
    ModifyRequest,
    OrderChanged,
    Outcome,
    PartialCloseCode,
    PlaceCode,
    PlaceRequest,
    UserEvent,
    VenueAccount,
    VenueOrder,
    VenuePosition,
)
from tradeconsole.exchange.store import OPEN, Store

Refusal = tuple[PlaceCode, str | None]

FOLLOWER: Final = "Follower accounts cannot cancel orders"
LIVE: Final = "Live accounts not supported"


class OrderDesk:
    """Commands on orders and positions; whoever calls has brought market and matcher to `now`."""

    def __init__(
        self,
        listing: Listing,
        market: Market,
        store: Store,
        agenda: Agenda,
        matcher: Matcher,
        disturbances: Disturbances,
        hours: FirmHours,
        options: ExchangeOptions,
        emit: Callable[[UserEvent], None],
    ) -> None:
        self._listing = listing
        self._catalogue = listing.catalogue
        self._market = market
        self._store = store
        self._agenda = agenda
        self._matcher = matcher
        self._disturbances = disturbances
        self._hours = hours
        self._options = options
        self._emit = emit

    def place(self, account_id: int, request: PlaceRequest, now: datetime) -> Outcome:
        account = self._store.accounts.get(account_id)
        if account is None:
            return Outcome(PlaceCode.ACCOUNT_NOT_FOUND)
        contract = self._catalogue.contract(request.contract_id)
        if contract is None:
            return Outcome(PlaceCode.CONTRACT_NOT_FOUND)
        judged = self._judge(account, contract, request, now)
        if not isinstance(judged, Prices):
            return self._refused(judged, account, contract, request, now)
        rejection = self._disturbances.next_rejection()
        if rejection is not None and not rejection.later:
            return self._refused((rejection.code, rejection.message), account, contract, request, now)
        entry = self._accept(account, contract, request, judged, now)
        if rejection is None:
            self._matcher.admit(entry, now)
        else:
            self._matcher.doom(entry, now)
        return Outcome(PlaceCode.SUCCESS, None, entry.id)

    def modify(self, account_id: int, request: ModifyRequest, now: datetime) -> Outcome:
        if account_id not in self._store.accounts:
            return Outcome(ModifyCode.ACCOUNT_NOT_FOUND)
        order = self._find(account_id, request.order_id)
        if order is None:
            return Outcome(ModifyCode.ORDER_NOT_FOUND)
        if order.status is OrderStatus.PENDING:
            return Outcome(ModifyCode.PENDING)
        waits = order.status is OrderStatus.SUSPENDED and self._options.modify_suspended
        if (order.status is not OrderStatus.WORKING and not waits) or self._store.is_retired(order):
            return Outcome(ModifyCode.REJECTED)
        quote = self._tradable_quote(order.contract_id, now)
        if quote is None:
            return Outcome(ModifyCode.REJECTED, placement.CLOSED)
        # an order of the platform's own is as large as its position (unverified)
        size = order.size if request.size is None or order.position_id is not None else request.size
        if size <= order.filled:
            return Outcome(ModifyCode.REJECTED, "Invalid order size.")  # (unverified)
        product = self._catalogue.known(order.contract_id).product
        prices = placement.changed_prices(order, request, product, quote)
        if isinstance(prices, str):
            return Outcome(ModifyCode.REJECTED, prices)
        changed = _with_prices(msgspec.structs.replace(order, size=size), prices, product)
        if size > order.size and self._exceeds_limit(self._store.accounts[account_id], changed):
            return Outcome(ModifyCode.REJECTED, placement.TOO_MANY_LOTS)
        self._matcher.quotes[order.contract_id] = quote
        if waits:
            # its size follows its entry, a trailing one its distance
            own = msgspec.structs.replace(order, limit_price=prices.limit, stop_price=prices.stop)
            self._matcher.rest(own, now)
        else:
            self._matcher.change(changed, now)
        return Outcome(ModifyCode.SUCCESS)

    def cancel(self, account_id: int, order_id: int, now: datetime) -> Outcome:
        if account_id not in self._store.accounts:
            return Outcome(CancelCode.ACCOUNT_NOT_FOUND)
        order = self._find(account_id, order_id)
        if order is None:
            return Outcome(CancelCode.ORDER_NOT_FOUND)
        account = self._store.accounts[account_id]
        if account.follower or not account.simulated:
            return Outcome(CancelCode.ACCOUNT_REJECTED, FOLLOWER if account.follower else LIVE)
        if order.status not in OPEN:
            return Outcome(CancelCode.UNKNOWN_ERROR)
        self._matcher.cancel(order, now)
        return Outcome(CancelCode.SUCCESS)

    def close(self, account_id: int, contract_id: str, now: datetime) -> Outcome:
        position = self._store.position(account_id, contract_id)
        problem = self._why_not_close(account_id, contract_id, position, now)
        if position is None or problem is not None:
            return Outcome(problem or CloseCode.POSITION_NOT_FOUND)
        self._reduce(position, abs(position.size), now)
        return Outcome(CloseCode.SUCCESS)

    def close_part(self, account_id: int, contract_id: str, size: int, now: datetime) -> Outcome:
        position = self._store.position(account_id, contract_id)
        problem = self._why_not_close(account_id, contract_id, position, now)
        early = problem is not None and problem < CloseCode.ORDER_REJECTED
        if position is None or early:
            return Outcome(PartialCloseCode(problem or PartialCloseCode.POSITION_NOT_FOUND))
        if not 1 <= size <= abs(position.size):
            return Outcome(PartialCloseCode.INVALID_CLOSE_SIZE)
        if not self._store.accounts[account_id].simulated:
            return Outcome(PartialCloseCode.ACCOUNT_REJECTED)
        if problem is not None:
            # from here on the codes of partial closes are those of full ones, shifted by one
            return Outcome(PartialCloseCode(problem + 1))
        self._reduce(position, size, now)
        return Outcome(PartialCloseCode.SUCCESS)

    def liquidate(self, account_id: int, now: datetime, contract_id: str | None = None) -> None:
        """Cancel all orders of an account, or of one contract, and close its positions if they can be traded."""
        for order in self._store.open_orders(account_id):
            # an entry may have taken its legs with it
            is_open = self._store.orders[order.id].status in OPEN
            if is_open and not order.closes and contract_id in {None, order.contract_id}:
                self._matcher.cancel(order, now)
        for position in self._store.positions(account_id):
            if contract_id not in {None, position.contract_id}:
                continue
            tradable = self._tradable_quote(position.contract_id, now) is not None
            if tradable and not self._is_closing(account_id, position.contract_id):
                self._reduce(position, abs(position.size), now)

    def _is_closing(self, account_id: int, contract_id: str) -> bool:
        return any(
            order.closes and order.contract_id == contract_id for order in self._store.open_orders(account_id)
        )

    def _judge(
        self, account: VenueAccount, contract: Contract, request: PlaceRequest, now: datetime
    ) -> Prices | Refusal:
        """The prices that an order will work with, or why it is refused; checks in the venue's order."""
        if not self._listing.is_active(contract, now.date()):
            return PlaceCode.CONTRACT_NOT_ACTIVE, None
        if not account.can_trade:
            return self._options.locked_code, None  # (unverified)
        if self._hours.are_over(account, contract.id, now):
            return self._options.window_code, None  # (unverified)
        if not self._market.serves(contract.id):
            return PlaceCode.ORDER_REJECTED, "Invalid symbol"
        quote = self._tradable_quote(contract.id, now)
        if quote is None:
            return PlaceCode.ORDER_REJECTED, placement.CLOSED
        self._matcher.quotes[contract.id] = quote
        prices = self._prices(account, contract.product, request, quote)
        if isinstance(prices, str):
            return PlaceCode.ORDER_REJECTED, prices
        probe = self._order(0, account, contract, request, now)
        if self._exceeds_limit(account, probe):
            return self._options.limit_code, placement.TOO_MANY_LOTS  # (unverified)
        return prices

    def _prices(
        self, account: VenueAccount, product: Product, request: PlaceRequest, quote: Quote
    ) -> Prices | str:
        reason = placement.check_shape(request, self._options)
        if reason is None and request.type is not None and request.side is not None:
            reason = placement.check_prices(
                request.type, request.side, request.limit_price, request.stop_price, product, quote
            )
        if reason is None and request.tag is not None and self._store.is_tag_used(account.id, request.tag):
            reason = placement.TAG_IN_USE
        if reason is not None:
            return reason
        prices = placement.working_prices(request, product, quote)
        if isinstance(prices, str):
            return prices
        return (
            placement.check_brackets(
                request, account.bracket_mode or self._options.bracket_mode, self._options
            )
            or prices
        )

    def _exceeds_limit(self, account: VenueAccount, order: VenueOrder) -> bool:
        """Whether an order takes the account beyond a limit; one that adds nothing never does."""
        positions = self._store.positions(account.id)
        others = [other for other in self._store.open_orders(account.id) if other.id != order.id]
        limit = account.product_limits.get(self._catalogue.known(order.contract_id).product.symbol)
        if limit is not None:
            size = worst_cases(positions, [*others, order])[order.contract_id]
            if size > limit and size > worst_cases(positions, others).get(order.contract_id, 0):
                return True
        lots = account.allowed_lots
        if lots is None:
            return False
        wanted = exposure(self._catalogue, positions, [*others, order])
        return wanted > lots and wanted > exposure(self._catalogue, positions, others)

    def _accept(
        self, account: VenueAccount, contract: Contract, request: PlaceRequest, prices: Prices, now: datetime
    ) -> VenueOrder:
        """Store and tell an order with its legs."""
        entry = self._order(self._store.next_order_id(), account, contract, request, now)
        entry = _with_prices(entry, prices, contract.product)
        stop, target = self._legs(entry, request, contract.product)
        for order in (entry, stop, target):
            if order is not None:
                self._store.put_order(order)
        for order in (stop, entry, target):
            if order is not None:
                self._emit(OrderChanged(now, order))
        return entry

    def _legs(
        self, entry: VenueOrder, request: PlaceRequest, product: Product
    ) -> tuple[VenueOrder | None, VenueOrder | None]:
        """The suspended stop-loss and take-profit of an entry; they carry their signed distance."""
        legs: list[VenueOrder | None] = []
        for leg, direction, suffix in ((request.stop_loss, -1, "SL"), (request.take_profit, 1, "TP")):
            if leg is None or leg.type is None:
                legs.append(None)
                continue
            ticks = placement.signed(leg, direction, request, self._options)
            stop = legs[0] if legs else None
            legs.append(
                VenueOrder(
                    id=self._store.next_order_id(),
                    account_id=entry.account_id,
                    contract_id=entry.contract_id,
                    symbol_id=entry.symbol_id,
                    created_at=entry.created_at,
                    updated_at=entry.updated_at,
                    status=OrderStatus.SUSPENDED,
                    type=leg.type,
                    side=entry.side.opposite,
                    size=entry.size,
                    tag=None if entry.tag is None else f"{entry.tag}-{suffix}",
                    trail_distance=ticks,
                    trail_price=ticks * product.tick,
                    parent_id=entry.id,
                    linked_id=stop.id if stop is not None else None,
                )
            )
        return legs[0], legs[1]

    def _refused(
        self,
        refusal: Refusal,
        account: VenueAccount,
        contract: Contract,
        request: PlaceRequest,
        now: datetime,
    ) -> Outcome:
        """Store a refused order; one whose type or side has no meaning cannot be kept."""
        if request.type is None or request.side is None:
            return Outcome(*refusal)
        if request.tag is not None and self._store.is_tag_used(account.id, request.tag):
            request = msgspec.structs.replace(request, tag=None)
        order = self._order(self._store.next_order_id(), account, contract, request, now)
        told_at = now + timedelta(milliseconds=self._options.latencies.rejection)
        self._emit(OrderChanged(now, order))
        self._store.put_order(msgspec.structs.replace(order, status=OrderStatus.REJECTED, updated_at=told_at))
        self._agenda.add(told_at, Duty.REPORT, order.id, order.contract_id)
        return Outcome(*refusal, order.id)

    def _order(
        self, order_id: int, account: VenueAccount, contract: Contract, request: PlaceRequest, now: datetime
    ) -> VenueOrder:
        if request.type is None or request.side is None:
            raise ValueError("an order without type or side cannot be stored")
        return VenueOrder(
            id=order_id,
            account_id=account.id,
            contract_id=contract.id,
            symbol_id=contract.product.symbol_id,
            created_at=now,
            updated_at=now,
            status=OrderStatus.PENDING,
            type=request.type,
            side=request.side,
            size=request.size,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            tag=request.tag,
        )

    def _why_not_close(
        self, account_id: int, contract_id: str, position: VenuePosition | None, now: datetime
    ) -> CloseCode | None:
        if account_id not in self._store.accounts:
            return CloseCode.ACCOUNT_NOT_FOUND
        if self._catalogue.contract(contract_id) is None:
            return CloseCode.CONTRACT_NOT_FOUND
        if position is None:
            return CloseCode.POSITION_NOT_FOUND
        if not self._market.serves(contract_id):
            return CloseCode.CONTRACT_NOT_ACTIVE
        if self._disturbances.closed or self._tradable_quote(contract_id, now) is None:
            return CloseCode.ORDER_REJECTED
        return CloseCode.ORDER_PENDING if self._is_closing(account_id, contract_id) else None

    def _reduce(self, position: VenuePosition, size: int, now: datetime) -> None:
        contract = self._catalogue.known(position.contract_id)
        side = Side.SELL if position.size > 0 else Side.BUY
        request = PlaceRequest(contract_id=contract.id, type=OrderType.MARKET, side=side, size=size)
        account = self._store.accounts[position.account_id]
        order = self._order(self._store.next_order_id(), account, contract, request, now)
        quote = self._market.quote(contract.id)
        if quote is None:
            return
        order = msgspec.structs.replace(order, closes=True)
        self._matcher.quotes[contract.id] = quote
        self._store.put_order(order)
        self._emit(OrderChanged(now, order))
        self._matcher.admit(order, now)

    def _tradable_quote(self, contract_id: str, now: datetime) -> Quote | None:
        """The quote, if there is one and the contract is trading."""
        if contract_id in self._matcher.halted or not self._market.is_open(contract_id, now):
            return None
        return self._market.quote(contract_id)

    def _find(self, account_id: int, order_id: int) -> VenueOrder | None:
        order = self._store.orders.get(order_id)
        return order if order is not None and order.account_id == account_id else None


def _with_prices(order: VenueOrder, prices: Prices, product: Product) -> VenueOrder:
    distance: Decimal | None = None
    if order.type is OrderType.TRAILING_STOP and prices.trail_ticks is not None:
        distance = prices.trail_ticks * product.tick
    return msgspec.structs.replace(
        order,
        limit_price=prices.limit,
        stop_price=prices.stop,
        trail_distance=prices.trail_ticks,
        trail_price=distance,
    )
