"""Booking of fills: netted positions, half-turn trades, charges and cash; pure and exact.

P&L of a closing fill is (its money − the cost of what it closes), gross; that cost is a share of the whole, or of the
oldest contracts held. Over a round trip both come to the same, and so does what is held while it lasts: what is not in
the one figure is in the position's cost, and in its average price from then on (unverified). Where a part of a position is closed and
its share of the cost is not a round figure, P&L is rounded to 1/10000 and the difference stays in the cost of the
rest, so that the sum over a round trip is exact: the value of a tick is a multiple of 1/10000 for every product.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tradeconsole.domain.orders import Side
from tradeconsole.exchange.catalogue import Contract
from tradeconsole.exchange.records import Lot, LotMatching, VenueAccount, VenuePosition, VenueTrade

_FINEST_MONEY: Final = Decimal("0.0001")
_FINEST_PRICE: Final = Decimal("0.000000001")


class Execution(msgspec.Struct, frozen=True, gc=False):
    """A fill before it is booked."""

    account_id: int
    order_id: int
    side: Side
    size: int
    price: Decimal
    time: datetime


class Booking(msgspec.Struct, frozen=True):
    """What a fill did, in order: one trade, or two where it closed and opened; the positions it leaves.

    A position with size 0 is gone; a flip gives it and the new one.
    """

    trades: tuple[VenueTrade, ...]
    positions: tuple[VenuePosition, ...]
    account: VenueAccount


def book(
    account: VenueAccount,
    position: VenuePosition | None,
    contract: Contract,
    execution: Execution,
    next_trade_id: Callable[[], int],
    next_position_id: Callable[[], int],
    matching: LotMatching = LotMatching.AVERAGE,
) -> Booking:
    """Book one fill. One larger than the opposite position closes it and opens the rest."""
    held = position.size if position is not None else 0
    closing = min(execution.size, abs(held)) if held * execution.side.sign < 0 else 0
    trades: list[VenueTrade] = []
    positions: list[VenuePosition] = []
    if position is not None and closing:
        pnl, position = _close(position, contract, execution, closing, matching)
        trades.append(_trade(contract, execution, closing, pnl, next_trade_id()))
        positions.append(position)
    opening = execution.size - closing
    if opening:
        trade = _trade(contract, execution, opening, None, next_trade_id())
        trades.append(trade)
        base = position if position is not None and position.size else None
        positions.append(_open(base, contract, execution, trade, next_position_id))
    cash = sum(
        ((trade.gross_pnl or Decimal(0)) - trade.fees - trade.commissions for trade in trades), Decimal(0)
    )
    account = msgspec.structs.replace(account, balance=account.balance + cash)
    return Booking(tuple(trades), tuple(positions), account)


def _close(
    position: VenuePosition, contract: Contract, execution: Execution, size: int, matching: LotMatching
) -> tuple[Decimal, VenuePosition]:
    signed = size * execution.side.sign
    point_value = contract.product.point_value
    money = execution.price * point_value * signed
    remaining = position.size + signed
    closed, lots = _oldest(position, size)
    # what closes all costs all, whatever has been taken to be closed before
    by_lot = matching is LotMatching.FIFO and remaining != 0
    paid = position.cost * size / abs(position.size)
    if by_lot:
        paid = -sum((lot.price * lot.size for lot in closed), Decimal(0)) * point_value * execution.side.sign
    pnl = -(money + paid).quantize(_FINEST_MONEY)
    cost = position.cost + money + pnl
    average = position.average_price
    if by_lot:
        average = plain((cost / (remaining * point_value)).quantize(_FINEST_PRICE))
    return plain(pnl), msgspec.structs.replace(
        position, size=remaining, cost=cost, average_price=average, lots=lots
    )


def _oldest(position: VenuePosition, size: int) -> tuple[list[Lot], tuple[Lot, ...]]:
    """A position's oldest contracts, so many, and what is left of it."""
    lots = list(position.lots) or [Lot(abs(position.size), position.average_price)]
    closed: list[Lot] = []
    while size:
        taken = min(size, lots[0].size)
        closed.append(Lot(taken, lots[0].price))
        rest = Lot(lots[0].size - taken, lots[0].price)
        lots[:1] = [rest] if rest.size else []
        size -= taken
    return closed, tuple(lots)


def _open(
    position: VenuePosition | None,
    contract: Contract,
    execution: Execution,
    trade: VenueTrade,
    next_position_id: Callable[[], int],
) -> VenuePosition:
    signed = trade.size * execution.side.sign
    money = execution.price * contract.product.point_value * signed
    lot = Lot(trade.size, execution.price)
    if position is None:
        return VenuePosition(
            id=next_position_id(),
            account_id=execution.account_id,
            contract_id=contract.id,
            display_name=contract.display_name,
            created_at=execution.time,
            size=signed,
            average_price=execution.price,
            cost=money,
            opening_trades=(trade.id,),
            lots=(lot,),
        )
    size, cost = position.size + signed, position.cost + money
    average = (cost / (size * contract.product.point_value)).quantize(_FINEST_PRICE)
    return msgspec.structs.replace(
        position,
        size=size,
        cost=cost,
        average_price=plain(average),
        opening_trades=(*position.opening_trades, trade.id),
        lots=(*(position.lots or (Lot(abs(position.size), position.average_price),)), lot),
    )


def _trade(
    contract: Contract, execution: Execution, size: int, pnl: Decimal | None, trade_id: int
) -> VenueTrade:
    return VenueTrade(
        id=trade_id,
        account_id=execution.account_id,
        contract_id=contract.id,
        order_id=execution.order_id,
        created_at=execution.time,
        side=execution.side,
        size=size,
        price=execution.price,
        gross_pnl=pnl,
        fees=contract.product.fee * size,
        commissions=contract.product.commission * size,
    )


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    value = value.normalize()
    exponent = value.as_tuple().exponent
    return value.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else value
