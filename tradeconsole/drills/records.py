"""The gateway's own records of one account, taken where it keeps them, not through the wire being tested. Pure."""

from decimal import Decimal

import msgspec

from tradeconsole.exchange.records import VenueOrder, VenuePosition, VenueTrade
from tradeconsole.exchange.venue import Exchange


class GatewayRecords(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that there ever was on an account, as of one moment."""

    account_id: str
    orders: tuple[VenueOrder, ...]
    trades: tuple[VenueTrade, ...]
    """Without voided ones."""
    positions: tuple[VenuePosition, ...]
    balance: Decimal
    start_balance: Decimal


def read_records(exchange: Exchange, account_id: str) -> GatewayRecords:
    """What the gateway has on an account of its own.

    Raises:
        KeyError: there is no such account.
    """
    number = int(account_id)
    account = exchange.account(number)
    if account is None:
        raise KeyError(account_id)
    return GatewayRecords(
        account_id=account_id,
        orders=tuple(exchange.orders(number)),
        trades=tuple(trade for trade in exchange.trades(number) if not trade.voided),
        positions=tuple(exchange.positions(number)),
        balance=account.balance,
        start_balance=account.start_balance,
    )
