"""The lines of one table at one width and look: header, rows, words in place of rows."""

from collections.abc import Sequence
from typing import Generic

from rich.segment import Segment
from textual.color import Color
from textual.strip import Strip

from tradeconsole.tui.render.palette import Look, Role, Styles, styles_of
from tradeconsole.tui.render.table import Column, Row, header_strip, place, row_strip, with_rail
from tradeconsole.tui.render.wrap import wrap

_LIT, _LIT_WITHOUT_FOCUS = 0.22, 0.10  # how much of the accent is mixed into the row under the cursor


class TableLines(Generic[Row]):
    """Draws lines of `width` cells on a background; `is_long` keeps the last cell for the rail."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        look: Look,
        background: Color,
        width: int,
        *,
        has_focus: bool,
        is_long: bool,
    ) -> None:
        colors = look.colors
        accent = Color.parse(colors.accent if has_focus else colors.foreground)
        lit = background.blend(accent, _LIT if has_focus else _LIT_WITHOUT_FOCUS)
        self.width, self.is_long = width, is_long
        self._look = look
        self._plain: Styles = styles_of(colors, background.rich_color)
        self._lit: Styles = styles_of(colors, lit.rich_color)
        self._row_width = width - is_long
        self.placed = place(columns, self._row_width)

    def header(self, sorted_by: str | None, *, descending: bool) -> Strip:
        """The titles."""
        return header_strip(
            self.placed,
            self._plain,
            self.width,
            sorted_by=sorted_by,
            descending=descending,
            ascii_only=self._look.ascii_only,
        )

    def row(self, row: Row, *, selected: bool, dim: bool, lead: str, flashes: Sequence[Role | None]) -> Strip:
        """One row, without the rail; the one under the cursor on a brighter background."""
        return row_strip(
            self.placed,
            row,
            self._look,
            self._lit if selected else self._plain,
            self._row_width,
            selected=selected,
            dim=dim,
            lead=lead,
            flashes=flashes,
        )

    def railed(self, strip: Strip, y: int, height: int, top: int, count: int) -> Strip:
        """A row with its cell of the rail, where the table is longer than the pane."""
        return with_rail(strip, y, height, top, count, self._look, self._plain) if self.is_long else strip

    def words(self, text: str, line: int) -> Strip:
        """One line of a wrapped text in place of rows; blank outside the text."""
        lines = wrap(text, max(self.width - 2, 1)) if text else []
        shown = f" {lines[line]}" if 0 <= line < len(lines) else ""
        strip = Strip([Segment(shown, self._plain[Role.MUTED])])
        return strip.adjust_cell_length(self.width, self._plain[Role.TEXT])
