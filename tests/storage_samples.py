"""One record of each kind for storage tests, with every optional field in use somewhere."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trading_factories import ACCOUNT, MNQ, NOON, make_account, make_fill, make_instrument, make_order

from tradeconsole.domain.events import CancelAsked, NotificationRaised, RoundTripVoided, Severity
from tradeconsole.domain.orders import Bracket, CancelBy, Order, OrderRole, OrderStatus, OrderType, Side
from tradeconsole.domain.portfolio import Position, RoundTrip
from tradeconsole.domain.workspace import Workspace
from tradeconsole.ports import AuditEntry, EquityPoint, JournalRecord, PositionCleared


def make_full_order(**over: Any) -> Order:
    """An order in which no field is left at its default."""
    fields: dict[str, Any] = {
        "order_id": "tc-full",
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "side": Side.SELL,
        "type": OrderType.STOP_LIMIT,
        "size": 3,
        "status": OrderStatus.WORKING,
        "created_at": NOON,
        "updated_at": NOON + timedelta(microseconds=123456),
        "role": OrderRole.STOP_LOSS,
        "origin": "strategy:overnight",
        "limit_price": Decimal("20000.25"),
        "stop_price": Decimal("20000.50"),
        "trail_ticks": 8,
        "bracket": Bracket(40, None, trailing=True),
        "engine_bracket": True,
        "filled": 1,
        "average_price": Decimal(60001) / Decimal(3),
        "broker_order_id": "9056",
        "parent_id": "tc-parent",
        "replaces": "tc-refused",
        "cancel_by": CancelBy.HAND,
        "cancel_asked_at": NOON + timedelta(seconds=2),
        "reason": "déjà vu — “half filled”",
        "sent_at": NOON + timedelta(milliseconds=1),
        "acknowledged_at": NOON + timedelta(milliseconds=9),
    }
    return Order(**{**fields, **over})


def make_position(**over: Any) -> Position:
    fields: dict[str, Any] = {
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "size": -2,
        "average_price": Decimal("21000.125"),
        "opened_at": NOON,
        "round_trip_id": f"{ACCOUNT}.3000000001",
        "entered": 3,
        "entry_points": Decimal("63000.375"),
        "exited": 1,
        "exit_points": Decimal("20999.75"),
        "gross_pnl": Decimal("0.75"),
        "fees": Decimal("2.22"),
        "peak_size": 3,
    }
    return Position(**{**fields, **over})


def make_round_trip(**over: Any) -> RoundTrip:
    fields: dict[str, Any] = {
        "round_trip_id": f"{ACCOUNT}.3000000001",
        "account_id": ACCOUNT,
        "instrument_id": MNQ,
        "side": Side.BUY,
        "size": 2,
        "entry_price": Decimal(21000),
        "exit_price": Decimal("21010.25"),
        "opened_at": NOON,
        "closed_at": NOON + timedelta(minutes=5),
        "gross_pnl": Decimal(41),
        "fees": Decimal("2.44"),
    }
    return RoundTrip(**{**fields, **over})


def make_notification(number: int = 1, *, time: datetime = NOON, **over: Any) -> NotificationRaised:
    fields: dict[str, Any] = {
        "notification_id": f"n-{number}",
        "time": time,
        "severity": Severity.WARNING,
        "title": f"notice {number}",
        "detail": "more of it",
        "key": "channel",
        "account_id": ACCOUNT,
    }
    return NotificationRaised(**{**fields, **over})


ONE_OF_EACH: tuple[JournalRecord, ...] = (
    make_instrument(),
    make_account(),
    make_full_order(),
    make_fill(gross_pnl=Decimal("-1.5"), order_id="tc-full"),
    make_position(),
    PositionCleared(ACCOUNT, "CON.F.US.MES.Z26"),
    make_round_trip(),
    RoundTripVoided(ACCOUNT, "gone"),
    make_notification(),
    EquityPoint(ACCOUNT, NOON, Decimal("150041.25")),
    AuditEntry(time=NOON, who="hand", what="place", why="ticket", account_id=ACCOUNT, order_id="tc-full"),
    Workspace(account_id=ACCOUNT, added=("6E", "CL"), removed=("NQ",), undone=("ES",)),
    CancelAsked("tc-elsewhere", CancelBy.HAND, NOON),
)


def make_orders(count: int, *, prefix: str = "tc") -> list[Order]:
    """Distinct open orders."""
    return [make_order(order_id=f"{prefix}-{number}", status=OrderStatus.WORKING) for number in range(count)]
