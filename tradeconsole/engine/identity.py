"""Our order ids: unique for ever, sortable by time, carrying who asked; they double as the broker's tag."""

import os
import re
from datetime import datetime
from typing import Final

from tradeconsole.domain.orders import OrderRole
from tradeconsole.errors import InvalidRequest

PREFIX: Final = "tc"
ELSEWHERE: Final = "broker"
"""Origin of orders that are none of ours."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_MAX_ORIGIN: Final = 20
_SUFFIXES: Final = {OrderRole.STOP_LOSS: "SL", OrderRole.TAKE_PROFIT: "TP"}
_ROLES: Final = {suffix: role for role, suffix in _SUFFIXES.items()}
_LEG: Final = re.compile(rf"({PREFIX}-[^-]+-[^-]+)-(SL|TP)(\d*)")


def new_order_id(origin: str, now: datetime) -> str:
    """`tc-hand-01J9…`: our prefix, the origin, and a ULID (48 bits of milliseconds, 80 bits of chance).

    Raises:
        InvalidRequest: the origin cannot be part of a tag.
    """
    if not origin.replace("_", "").replace(".", "").isalnum() or len(origin) > _MAX_ORIGIN:
        raise InvalidRequest(f"origin '{origin}' must be at most {_MAX_ORIGIN} letters, digits, '.' or '_'")
    value = int(now.timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10))
    digits = [_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)]
    return f"{PREFIX}-{origin}-{''.join(digits)}"


def origin_of(order_id: str) -> str:
    """Who asked for an order: `hand`, a strategy's name, or `ELSEWHERE`."""
    parts = order_id.split("-")
    return parts[1] if parts[0] == PREFIX and len(parts) > 2 else ELSEWHERE


def leg_id(entry_id: str, role: OrderRole, number: int) -> str:
    """Id of an entry's stop or target, as the gateway names them too: `…-SL`; its `number`-th after that `…-SL2`.

    A tag is used up for ever, also by an order that was refused, so that each new try counts on.
    """
    return f"{entry_id}-{_SUFFIXES[role]}{number if number > 1 else ''}"


def leg_of(order_id: str) -> tuple[str, OrderRole] | None:
    """The entry that an id makes its order a stop or target of, and which of them; None for other orders."""
    match = _LEG.fullmatch(order_id)
    return (match[1], _ROLES[match[2]]) if match else None


def leg_number(order_id: str) -> int:
    """Which try of its kind a leg's id names: 1 for `…-SL`, 2 for `…-SL2`; 0 for ids of other orders."""
    match = _LEG.fullmatch(order_id)
    return int(match[3] or 1) if match else 0
