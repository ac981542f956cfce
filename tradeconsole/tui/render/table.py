"""Table lines: which columns fit, and cells as segments. Numbers are never cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, NamedTuple, TypeVar

from rich.segment import Segment
from textual.strip import Strip

from tradeconsole.tui.render.glyphs import CURSOR, fit, fit_number, narrow, to_ascii
from tradeconsole.tui.render.palette import REVERSED, UNDIMMED, Look, Role, Styles

Row = TypeVar("Row")

Sortable = int | float | str | Decimal
Cell = tuple[str, Role]
"""Text and what it means."""

_MARGIN = 1  # the cursor's own column
_NARROWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a table.

    `width` in cells. Columns with the highest `drop` leave first when the terminal is narrow, equal ones together;
    those with 0 stay.
    A column that may `grow` shares what is left over, up to that many cells more. `sort` gives what rows are
    ordered by, None where a row has no such value; `watch` a number whose changes flash.
    """

    key: str
    title: str
    width: int
    cell: Callable[[Row, Look], Cell]
    align: Literal["left", "right"] = "left"
    drop: int = 0
    grow: int = 0
    sort: Callable[[Row], Sortable | None] | None = None
    watch: Callable[[Row], float | Decimal | None] | None = None


class Placed(NamedTuple, Generic[Row]):
    """A column that is on screen, and its width there."""

    column: Column[Row]
    width: int


def place(columns: Sequence[Column[Row]], width: int) -> tuple[Placed[Row], ...]:
    """Columns that fit into `width` cells, in their order, with the spare cells given to those that may grow.

    Where even the columns that stay do not fit, they leave from the right; only the last one is ever narrowed.
    """
    chosen = list(columns)
    while (spare := width - _needed(chosen)) < 0 and len(chosen) > 1:
        first = max(column.drop for column in chosen)
        if first:
            chosen = [column for column in chosen if column.drop != first]
        elif chosen[-1].align == "left" and chosen[-1].width + spare >= _NARROWEST:
            break
        else:
            chosen.pop()
    growing = sum(1 for column in chosen if column.grow)
    placed = []
    for column in chosen:
        extra = 0
        if spare < 0 and column is chosen[-1]:
            extra = max(spare, -column.width)
        elif column.grow and spare > 0:
            extra = min(column.grow, spare // growing)
            growing, spare = growing - 1, spare - extra
        placed.append(Placed(column, column.width + extra))
    return tuple(placed)


def column_at(placed: Sequence[Placed[Row]], x: int) -> Column[Row] | None:
    """The column under a cell of the line; None left or right of all."""
    start = _MARGIN
    for column, width in placed:
        if start <= x < start + width + 1:
            return column
        start += width + 1
    return None


def header_strip(
    placed: Sequence[Placed[Row]],
    styles: Styles,
    width: int,
    *,
    sorted_by: str | None = None,
    descending: bool = False,
    ascii_only: bool = False,
) -> Strip:
    """The line of titles; the column that orders the table carries an arrow."""
    parts = [" " * _MARGIN]
    for column, cells in placed:
        title = column.title
        if column.key == sorted_by:
            title += "▼" if descending else "▲"
        parts.append(title.rjust(cells)[:cells] if column.align == "right" else fit(title, cells))
    text = parts[0] + " ".join(parts[1:])
    return _line(
        [Segment(to_ascii(text) if ascii_only else text, styles[Role.MUTED])], len(text), styles, width
    )


def row_strip(
    placed: Sequence[Placed[Row]],
    row: Row,
    look: Look,
    styles: Styles,
    width: int,
    *,
    selected: bool = False,
    dim: bool = False,
    lead: str = "",
    flashes: Sequence[Role | None] = (),
) -> Strip:
    """One row.

    Args:
        lead: goes before the first cell; marks a child of the row above.
        flashes: a role per placed column that replaces the cell's own for a moment.
    """
    runs = [(CURSOR if selected else " ", Role.ACCENT)]
    used = _MARGIN
    for index, (column, cells) in enumerate(placed):
        text, role = column.cell(row, look)
        if flashes and (flash := flashes[index]) is not None:
            role = flash
        elif dim and role not in UNDIMMED:
            role = Role.MUTED
        if index == 0 and lead:
            text = lead + text
        text = fit_number(text, cells) if column.align == "right" else fit(narrow(text), cells)
        _append(runs, f"{text} ", role)
        used += cells + 1
    segments = [Segment(to_ascii(text) if look.ascii_only else text, styles[role]) for text, role in runs]
    return _line(segments, used, styles, width)


def with_rail(strip: Strip, y: int, height: int, top: int, count: int, look: Look, styles: Styles) -> Strip:
    """A line with one more cell that shows which part of a long table is in sight.

    Args:
        y: which of the `height` visible rows it is.
        top: index of the first visible row of `count`.
    """
    length = max(height * height // count, 1)
    start = round(top / max(count - height, 1) * (height - length))
    held = start <= y < start + length
    char = "▐" if held else " "
    text = to_ascii(char) if look.ascii_only else char
    return Strip([*strip, Segment(text, styles[Role.MUTED])], strip.cell_length + 1)


def _append(runs: list[Cell], text: str, role: Role) -> None:
    """Add text to a line, joined to what is before it where one style will do; a background paints only the words."""
    before, last = runs[-1]
    if role in REVERSED:
        left, right = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
        runs += [(text[:left], Role.TEXT), (text.strip(), role), (text[len(text) - right :], Role.TEXT)]
    elif role == last:
        runs[-1] = before + text, role
    else:
        runs.append((text, role))


def _line(segments: list[Segment], used: int, styles: Styles, width: int) -> Strip:
    """Segments of `used` cells as a line of exactly `width`."""
    if used <= width:
        return Strip([*segments, Segment(" " * (width - used), styles[Role.TEXT])], width)
    return Strip(segments, used).crop(0, width)


def _needed(columns: Sequence[Column[Row]]) -> int:
    return _MARGIN + sum(column.width for column in columns) + max(len(columns) - 1, 0)
