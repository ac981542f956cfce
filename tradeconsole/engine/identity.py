"""Our order ids: unique for ever, sortable by time, carrying who asked; they double as the broker's tag."""

import secrets
from datetime import datetime
from typing import Final

from tradeconsole.errors import InvalidRequest

PREFIX: Final = "tc"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MAX_ORIGIN: Final = 20


def new_order_id(origin: str, now: datetime) -> str:
    """`tc-hand-01J9…`: our prefix, the origin, and a ULID (48 bits of milliseconds, 80 bits of chance).

    Raises:
        InvalidRequest: the origin cannot be part of a tag.
    """
    if not origin.replace("_", "").replace(".", "").isalnum() or len(origin) > _MAX_ORIGIN:
        raise InvalidRequest(f"origin '{origin}' must be at most {_MAX_ORIGIN} letters, digits, '.' or '_'")
    value = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    digits = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{PREFIX}-{origin}-{''.join(digits)}"


def origin_of(order_id: str) -> str:
    """Who asked for an order: `hand`, a strategy's name, or `broker` for orders made elsewhere."""
    parts = order_id.split("-")
    return parts[1] if parts[0] == PREFIX and len(parts) > 2 else "broker"
