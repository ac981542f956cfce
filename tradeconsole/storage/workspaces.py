"""What users have set up at the console: a row for each broker."""

from collections.abc import Iterable
from typing import Final

import msgspec

from tradeconsole.domain.workspace import Workspace
from tradeconsole.storage.pool import Connection

_SAVE: Final = """
INSERT INTO workspaces AS earlier (broker, account_id, added, removed, stamp) VALUES ($1, $2, $3, $4, $6)
ON CONFLICT (broker) DO UPDATE SET
    account_id = coalesce(excluded.account_id, earlier.account_id),
    added = ARRAY(SELECT symbol FROM unnest(earlier.added) WITH ORDINALITY AS each (symbol, place)
                  WHERE symbol <> ALL ($5) ORDER BY place) || excluded.added,
    removed = ARRAY(SELECT symbol FROM unnest(earlier.removed) WITH ORDINALITY AS each (symbol, place)
                    WHERE symbol <> ALL ($5) ORDER BY place) || excluded.removed,
    stamp = greatest(excluded.stamp, earlier.stamp)
"""


async def save_workspaces(
    connection: Connection, broker: str, workspaces: Iterable[tuple[int, Workspace]]
) -> None:
    """Lay workspaces, each with its stamp, over what is stored: who wrote them may not have known of it.

    A late one is not dropped as other records are: what it says of its symbols may be said nowhere else.
    """
    rows = [
        (broker, kept.account_id, kept.added, kept.removed, kept.named, stamp) for stamp, kept in workspaces
    ]
    await connection.executemany(_SAVE, rows)


_LOAD: Final = "SELECT account_id, added, removed FROM workspaces WHERE broker = $1"


async def load_workspace(connection: Connection, broker: str) -> Workspace:
    """The workspace as it was left; an empty one if there was none."""
    rows = await connection.fetch(_LOAD, broker)
    return msgspec.convert(dict(rows[0]), Workspace) if rows else Workspace()
