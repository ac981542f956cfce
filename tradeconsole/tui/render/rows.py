"""Which rows a table shows and in which order: filters, sorting, children under their parents."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tradeconsole.tui.render.table import Column, Row, Sortable


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
