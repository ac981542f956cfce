"""Domain objects for tests, sensible unless told otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeconsole.domain.accounts import Account, AccountKind
from tradeconsole.domain.events import BrokerPosition
from tradeconsole.domain.instruments import ContractMonth, Instrument
from tradeconsole.domain.market import Bar, BarSeries, Quote, Tick
from tradeconsole.domain.orders import Order, OrderReport, OrderStatus, OrderType, Side
from tradeconsole.domain.portfolio import Fill

ACCOUNT = "26282486"
MNQ = "CON.F.US.MNQ.Z26"
NOON = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)
"""A Wednesday, 12:00 in Chicago: every product trades."""


def make_instrument(**over: Any) -> Instrument:
    fields: dict[str, Any] = {
        "instrument_id": MNQ,
        "symbol": "MNQ",
        "name": "MNQZ6",
        "description": "Micro E-mini Nasdaq-100: December 2026",
        "tick_size": Decimal("0.25"),
        "tick_value": Decimal("0.5"),
        "month": ContractMonth(2026, 12),
    }
    return Instrument(**{**fields, **over})


def make_account(**over: Any) -> Account:
    fields: dict[str, Any] = {
        "account_id": ACCOUNT,
        "name": "PRAC-V2-1",
        "balance": Decimal(150000),
        "kind": AccountKind.PRACTICE,
    }
    return Account(**{**fields, **over})


def make_order(**over: Any) -> Order:
    fields: dict[str, Any] = {
        "order_id": "tc-hand-1",
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "size": 2,
        "status": OrderStatus.INTENDED,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Order(**{**fields, **over})


def make_report(**over: Any) -> OrderReport:
    fields: dict[str, Any] = {
        "broker_order_id": "3400000001",
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "size": 2,
        "status": OrderStatus.WORKING,
        "created_at": NOON,
        "updated_at": NOON,
        "tag": "tc-hand-1",
    }
    return OrderReport(**{**fields, **over})


def make_fill(**over: Any) -> Fill:
    fields: dict[str, Any] = {
        "fill_id": "3000000001",
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "broker_order_id": "3400000001",
        "side": Side.BUY,
        "size": 2,
        "price": Decimal(21000),
        "time": NOON,
        "fees": Decimal("1.22"),
    }
    return Fill(**{**fields, **over})


def make_stated(**over: Any) -> BrokerPosition:
    fields: dict[str, Any] = {
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "size": 2,
        "average_price": Decimal(21000),
        "opened_at": NOON,
        "position_id": "7001",
    }
    return BrokerPosition(**{**fields, **over})


def make_quote(**over: Any) -> Quote:
    fields: dict[str, Any] = {
        "instrument_id": MNQ,
        "time": NOON,
        "bid": 20999.75,
        "ask": 21000.0,
        "last": 21000.0,
    }
    return Quote(**{**fields, **over})


def make_tick(**over: Any) -> Tick:
    fields: dict[str, Any] = {"instrument_id": MNQ, "time": NOON, "price": 21000.0, "size": 1}
    return Tick(**{**fields, **over})


def make_bars(count: int, *, start: datetime = NOON, seconds: int = 60) -> BarSeries:
    """Bars that climb a tick each."""
    return BarSeries.from_bars(
        Bar(start + timedelta(seconds=seconds * i), 100.0 + i, 101.0 + i, 99.0 + i, 100.25 + i, 10 + i)
        for i in range(count)
    )
