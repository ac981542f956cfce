"""Which rows a table shows and in which order: filters, sorting, children under their parents."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

from tradeconsole.tui.render.table import Column, Row, Sortable


class Arrangement(Generic[Row]):
    """Rows in the order in which they are shown, found by key or position."""

    __slots__ = ("_children", "_index", "rows")

    def __init__(self, arranged: Iterable[tuple[Row, bool]], key_of: Callable[[Row], str]) -> None:
        """Take rows in their final order; true marks a child of the row above."""
        pairs = list(arranged)
        self.rows = [row for row, _ in pairs]
        self._index = {key_of(row): index for index, row in enumerate(self.rows)}
        self._children = frozenset(key_of(row) for row, is_child in pairs if is_child)

    def __len__(self) -> int:
        return len(self.rows)

    def index(self, key: str | None) -> int | None:
        """Where the row with a key is; None without it."""
        return None if key is None else self._index.get(key)

    def is_child(self, key: str) -> bool:
        """Whether the row with a key belongs to the row above it."""
        return key in self._children


def matches(text: str, wanted: str) -> bool:
    """Whether a row's text passes a filter: every word occurs, case aside; a leading `!` turns it round."""
    inverse = wanted.startswith("!")
    words = wanted.removeprefix("!").casefold().split()
    if not words:
        return True
    folded = text.casefold()
    return all(word in folded for word in words) != inverse


def ordered(rows: Iterable[Row], column: Column[Row] | None, *, descending: bool) -> list[Row]:
    """Rows sorted by a column; equal ones keep their order, those without a value come last either way."""
    listed = list(rows)
    if column is None or column.sort is None:
        return listed
    valued = [(column.sort(row), row) for row in listed]
    known = [(value, row) for value, row in valued if value is not None]
    known.sort(key=_value, reverse=descending)
    return [row for _, row in known] + [row for value, row in valued if value is None]


def _value(pair: tuple[Sortable, Row]) -> Any:
    return pair[0]


def nested(
    rows: Sequence[Row], key: Callable[[Row], str], parent: Callable[[Row], str | None]
) -> list[tuple[Row, bool]]:
    """Rows with their children right below them; true marks a child.

    Every row appears once: one whose parent is absent, or is a child itself, stands alone.
    """
    present = {key(row) for row in rows}
    roots = {key(row) for row in rows if parent(row) not in present}
    children: dict[str | None, list[Row]] = {}
    for row in rows:
        if parent(row) in roots:
            children.setdefault(parent(row), []).append(row)
    arranged = []
    for row in rows:
        if parent(row) not in roots:
            arranged.append((row, False))
            arranged.extend((child, True) for child in children.get(key(row), ()))
    return arranged
