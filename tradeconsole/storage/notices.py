"""What the user was told, and the audit trail of what users asked for."""

from collections.abc import Iterable
from typing import Final

import msgspec

from tradeconsole.domain.events import NotificationRaised
from tradeconsole.ports import AuditEntry
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_NOTIFICATION: Final = ("time", "severity", "title", "detail", "key", "account_id")

_SAVE: Final = upsert("notifications", ("broker", "notification_id"), _NOTIFICATION)


async def save_notifications(
    connection: Connection, broker: str, notifications: Iterable[tuple[int, NotificationRaised]]
) -> None:
    """Write notifications, each with its stamp."""
    rows = [
        (broker, raised.notification_id, *(getattr(raised, name) for name in _NOTIFICATION), stamp)
        for stamp, raised in notifications
    ]
    await connection.executemany(_SAVE, rows)


_LOAD: Final = f"""
SELECT * FROM (
    SELECT notification_id, {", ".join(_NOTIFICATION)}
    FROM notifications
    WHERE broker = $1
    ORDER BY time DESC, stamp DESC
    LIMIT $2
) newest
ORDER BY time, notification_id
"""  # noqa: S608 -- names from above


async def load_notifications(
    connection: Connection, broker: str, limit: int
) -> tuple[NotificationRaised, ...]:
    """The newest notifications, oldest first."""
    rows = await connection.fetch(_LOAD, broker, limit)
    return tuple(msgspec.convert(dict(row), NotificationRaised) for row in rows)


_AUDIT: Final = """
INSERT INTO audit (broker, stamp, time, who, what, why, account_id, order_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
"""


async def save_audit(connection: Connection, broker: str, entries: Iterable[tuple[int, AuditEntry]]) -> None:
    """Add to the audit trail."""
    rows = [
        (broker, stamp, entry.time, entry.who, entry.what, entry.why, entry.account_id, entry.order_id)
        for stamp, entry in entries
    ]
    await connection.executemany(_AUDIT, rows)
