"""What users have set up at the console: a row for each broker."""

from collections.abc import Iterable
from typing import Final

import msgspec

from tradeconsole.domain.workspace import Workspace
from tradeconsole.storage.pool import Connection
from tradeconsole.storage.upserts import upsert

_COLUMNS: Final = ("account_id", "added", "removed")

_SAVE: Final = upsert("workspaces", ("broker",), _COLUMNS)


async def save_workspaces(
    connection: Connection, broker: str, workspaces: Iterable[tuple[int, Workspace]]
) -> None:
    """Write workspaces, each with its stamp."""
    rows = [(broker, kept.account_id, kept.added, kept.removed, stamp) for stamp, kept in workspaces]
    await connection.executemany(_SAVE, rows)


_LOAD: Final = f"SELECT {', '.join(_COLUMNS)} FROM workspaces WHERE broker = $1"  # noqa: S608 -- names from above


async def load_workspace(connection: Connection, broker: str) -> Workspace:
    """The workspace as it was left; an empty one if there was none."""
    rows = await connection.fetch(_LOAD, broker)
    return msgspec.convert(dict(rows[0]), Workspace) if rows else Workspace()
