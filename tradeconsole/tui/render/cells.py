"""Cells that several tables share: sides, signed money, order status in words."""

from datetime import datetime, tzinfo
from decimal import Decimal

from tradeconsole.domain.orders import OrderRole, OrderStatus, OrderType, Side
from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.glyphs import DOWN, UP
from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.table import Cell

TYPE_WORDS = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING_STOP: "TRAIL",
    OrderType.JOIN_BID: "BID",
    OrderType.JOIN_ASK: "ASK",
}

ROLE_WORDS = {
    OrderRole.ENTRY: "entry",
    OrderRole.STOP_LOSS: "stop",
    OrderRole.TAKE_PROFIT: "target",
    OrderRole.EXIT: "exit",
}

STATUS_ROLES = {
    OrderStatus.INTENDED: Role.WARN,
    OrderStatus.SENT: Role.WARN,
    OrderStatus.UNKNOWN: Role.DOUBT,
    OrderStatus.PENDING: Role.WARN,
    OrderStatus.SUSPENDED: Role.MUTED,
    OrderStatus.WORKING: Role.ACCENT,
    OrderStatus.CANCELLING: Role.WARN,
    OrderStatus.FILLED: Role.GOOD,
    OrderStatus.CANCELLED: Role.MUTED,
    OrderStatus.EXPIRED: Role.MUTED,
    OrderStatus.REJECTED: Role.BAD,
    OrderStatus.FAILED: Role.BAD,
}


def side_cell(side: Side) -> Cell:
    """`▲ BUY` or `▼ SELL`: told apart without colour."""
    return (f"{UP} BUY", Role.UP) if side is Side.BUY else (f"{DOWN} SELL", Role.DOWN)


def direction_cell(side: Side) -> Cell:
    """`▲ LONG` or `▼ SHORT`."""
    return (f"{UP} LONG", Role.UP) if side is Side.BUY else (f"{DOWN} SHORT", Role.DOWN)


def signed_role(value: float | Decimal | None) -> Role:
    """The colour of a gain, a loss or neither."""
    if value is None or value == 0:
        return Role.MUTED
    return Role.UP if value > 0 else Role.DOWN


def gain_cell(value: Decimal | None) -> Cell:
    """Money gained or lost, signed and coloured."""
    return numbers.signed_money(value), signed_role(value)


def status_cell(status: OrderStatus, doubt_seconds: float | None) -> Cell:
    """The status in words; an unknown one is loud and shows for how long."""
    if status is OrderStatus.UNKNOWN:
        timer = "" if doubt_seconds is None else f" {numbers.age(float(int(doubt_seconds)))}"
        return f"UNKNOWN{timer}", Role.DOUBT
    return status.value, STATUS_ROLES[status]


def clock_cell(time: datetime, zone: tzinfo) -> Cell:
    """Time of day in the exchange's zone."""
    return numbers.clock(time, zone), Role.MUTED
