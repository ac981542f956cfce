"""Booking of fills: netted positions at average cost, half-turn trades, charges and cash; pure and exact.

P&L of a closing fill is (its money − the cost of what it closes), gross. Where a part of a position is closed and
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
from tradeconsole.exchange.records import VenueAccount, VenuePosition, VenueTrade

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
) -> Booking:
    """Book one fill. One larger than the opposite position closes it and opens the rest."""
    held = position.size if position is not None else 0
    closing = min(execution.size, abs(held)) if held * execution.side.sign < 0 else 0
    trades: list[VenueTrade] = []
    positions: list[VenuePosition] = []
    if position is not None and closing:
        pnl, position = _close(position, contract, execution, closing)
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
    position: VenuePosition, contract: Contract, execution: Execution, size: int
) -> tuple[Decimal, VenuePosition]:
    signed = size * execution.side.sign
    money = execution.price * contract.product.point_value * signed
    remaining = position.size + signed
    pnl = -(money + position.cost * size / abs(position.size)).quantize(_FINEST_MONEY)
    cost = position.cost + money + pnl
    return plain(pnl), msgspec.structs.replace(position, size=remaining, cost=cost)


def _open(
    position: VenuePosition | None,
    contract: Contract,
    execution: Execution,
    trade: VenueTrade,
    next_position_id: Callable[[], int],
) -> VenuePosition:
    signed = trade.size * execution.side.sign
    money = execution.price * contract.product.point_value * signed
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
        )
    size, cost = position.size + signed, position.cost + money
    average = (cost / (size * contract.product.point_value)).quantize(_FINEST_PRICE)
    return msgspec.structs.replace(
        position,
        size=size,
        cost=cost,
        average_price=plain(average),
        opening_trades=(*position.opening_trades, trade.id),
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
