"""What a drill's desk remembers with: the product's own storage, with a database or without."""

from collections.abc import Callable
from pathlib import Path

from tradeconsole.domain.events import StorageChanged
from tradeconsole.ports import Restored
from tradeconsole.settings import shipped
from tradeconsole.storage.store import Store


def make_store(
    spool: Path,
    dsn: str | None,
    on_storage: Callable[[StorageChanged], None] = lambda _: None,
    on_memory: Callable[[Restored], None] = lambda _: None,
) -> Store:
    """A drill's storage, not opened yet; without a DSN its database is away for good, and the spool is all that remembers."""
    nowhere = f"postgresql://nobody@/nothing?host={spool.parent / 'no-database'}"
    return Store(
        dsn or nowhere,
        spool,
        broker="drill",
        migrations=shipped("migrations"),
        on_storage=on_storage,
        on_restored_late=on_memory,
    )
