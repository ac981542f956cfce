"""Which numbers of a table just changed, and which way."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Generic

from tradeconsole.tui.render.palette import Role
from tradeconsole.tui.render.table import Column, Placed, Row

Watched = tuple[float | Decimal | None, ...]


class FlashLog(Generic[Row]):
    """Remembers the watched numbers of every row and lights those that moved, until told to forget."""

    def __init__(self, columns: Sequence[Column[Row]], key_of: Callable[[Row], str]) -> None:
        self._watches = [(column.key, column.watch) for column in columns if column.watch is not None]
        self._key_of = key_of
        self._seen: dict[str, Watched] = {}
        self._lit: dict[tuple[str, str], Role] = {}

    def note(self, rows: Iterable[Row], *, light: bool) -> bool:
        """Take in the newest rows; true if anything is lit now. A row's first sight lights nothing."""
        if not self._watches or not light:
            self._seen.clear()
            return bool(self._lit)
        seen = {}
        for row in rows:
            key = self._key_of(row)
            values = seen[key] = tuple(watch(row) for _, watch in self._watches)
            before = self._seen.get(key, values)
            if values != before:
                self._light(key, before, values)
        self._seen = seen
        return bool(self._lit)

    def _light(self, key: str, before: Watched, values: Watched) -> None:
        for (name, _), old, new in zip(self._watches, before, values, strict=True):
            if old is not None and new is not None and new != old:
                self._lit[key, name] = Role.FLASH_UP if float(new) > float(old) else Role.FLASH_DOWN

    def roles(self, key: str, placed: Sequence[Placed[Row]]) -> tuple[Role | None, ...]:
        """What a row's cells are lit with; empty if nothing is lit anywhere."""
        return tuple(self._lit.get((key, column.key)) for column, _ in placed) if self._lit else ()

    def forget(self) -> None:
        """Put all lights out."""
        self._lit.clear()
