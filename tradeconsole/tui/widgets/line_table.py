"""A table for rows that stream: drawn line by line, repainting only the lines that changed."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from tradeconsole.tui.render.changes import changed_spans
from tradeconsole.tui.render.flash import FlashLog
from tradeconsole.tui.render.glyphs import BRANCH
from tradeconsole.tui.render.palette import Look, default_look
from tradeconsole.tui.render.rows import Arrangement, matches, ordered
from tradeconsole.tui.render.table import Column, Row, column_at
from tradeconsole.tui.render.table_lines import TableLines

FLASH_SECONDS = 0.18


class LineTable(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """Rows in fixed columns under a header, with a cursor that stays on its row while rows move.

    A subclass names `COLUMNS`, `TITLE` and `EMPTY` and says what a row's key is. When the row under the cursor
    vanishes nothing is highlighted until the user moves, so that a key never acts on a row that slid into place.
    """

    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size: 0 0;
        border: round $foreground 20%;
        border-title-color: $foreground 70%;
        &:focus { border: round $accent; border-title-color: $accent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_by(1)", "Next row", show=False, id="table.down"),
        Binding("up,k", "cursor_by(-1)", "Previous row", show=False, id="table.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("home", "cursor_to_end(False)", "First row", show=False, id="table.first"),
        Binding("end", "cursor_to_end(True)", "Last row", show=False, id="table.last"),
        Binding("enter", "select", "Open the row", show=False, id="table.select"),
        Binding(
            "slash", "filter", "Filter: words, or ! and words to leave out", show=False, id="table.filter"
        ),
        Binding("o", "sort", "Order by the next column", show=False, id="table.sort"),
        Binding("O", "reverse", "Turn the order round", show=False, id="table.reverse"),
    ]

    COLUMNS: ClassVar[tuple[Column[Any], ...]] = ()
    TITLE: ClassVar[str] = ""
    EMPTY: ClassVar[str] = "Nothing here."

    rows: reactive[tuple[Row, ...]] = reactive((), repaint=False, always_update=True)
    look: reactive[Look] = reactive(default_look, repaint=False)
    filter_text: reactive[str] = reactive("", repaint=False)
    sort_by: reactive[str | None] = reactive(None, repaint=False)
    descending: reactive[bool] = reactive(False, repaint=False)
    highlighted_key: reactive[str | None] = reactive(None, repaint=False)
    empty_text: reactive[str] = reactive("", repaint=False)
    """Said instead of `EMPTY`, where the reason is known: connecting, no account."""

    class RowMessage(Message):
        """Something happened to one row."""

        def __init__(self, table: "LineTable[Any]", key: str | None) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "LineTable[Any]":
            return self.table

    class RowHighlighted(RowMessage):
        """The cursor moved to a row; `key` is None when its row vanished."""

    class RowSelected(RowMessage):
        """A row was opened with Enter or a double click."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._shown: Arrangement[Row] = Arrangement((), self.key_of)
        self._resting_index = 0
        self._lines: TableLines[Row] | None = None
        self._strips: dict[int, Strip] = {}
        self._flashes: FlashLog[Row] = FlashLog(self.COLUMNS, self.key_of)
        self._flash_timer: Timer | None = None
        self._typing = False
        self._title = ""

    # -- what a subclass says of its rows

    @abstractmethod
    def key_of(self, row: Row) -> str:
        """What names a row for good."""

    def text_of(self, row: Row) -> str:
        """What a filter looks at: all cells."""
        return " ".join(column.cell(row, self.look)[0] for column in self.COLUMNS)

    def is_dim(self, row: Row) -> bool:
        """Whether a row is stale or over."""
        return False

    def arranged(self, rows: Sequence[Row]) -> Iterable[tuple[Row, bool]]:
        """Rows in their final order; true marks a child of the row above."""
        return ((row, False) for row in rows)

    # -- what a screen may ask

    @property
    def highlighted_row(self) -> Row | None:
        """The row under the cursor."""
        index = self._shown.index(self.highlighted_key)
        return None if index is None else self._shown.rows[index]

    @property
    def shown_rows(self) -> tuple[Row, ...]:
        """Rows that pass the filter, in the order on screen."""
        return tuple(self._shown.rows)

    # -- data in

    def watch_rows(self) -> None:
        self._rearrange()

    def watch_filter_text(self) -> None:
        self._rearrange()

    def watch_sort_by(self) -> None:
        self._rearrange()

    def watch_descending(self) -> None:
        self._rearrange()

    def watch_look(self) -> None:
        self._redraw()

    def watch_empty_text(self) -> None:
        self._redraw()

    def watch_highlighted_key(self, old: str | None, new: str | None) -> None:
        if (index := self._shown.index(new)) is not None:
            self._resting_index = index
            self._reveal(index)
        self._repaint_changed()
        self.post_message(self.RowHighlighted(self, new))

    def _rearrange(self) -> None:
        wanted = self.filter_text
        rows = [row for row in self.rows if matches(self.text_of(row), wanted)] if wanted else self.rows
        column = next((column for column in self.COLUMNS if column.key == self.sort_by), None)
        count = len(self._shown)
        self._shown = Arrangement(
            self.arranged(ordered(rows, column, descending=self.descending)), self.key_of
        )
        self._note_changes()
        self._update_title()
        if self._shown.index(self.highlighted_key) is None:
            self.highlighted_key = None
        if len(self._shown) == count and count:
            self._repaint_changed()
        else:
            self.virtual_size = Size(0, len(self._shown) + 1)
            self._strips.clear()
            self.refresh()

    def _note_changes(self) -> None:
        """Light what moved in the rows in sight."""
        visible = [self._shown.rows[index] for index in self._visible()]
        lit = self._flashes.note(visible, light=self.look.motion)
        if lit and self._flash_timer is None and self.is_attached:
            self._flash_timer = self.set_timer(FLASH_SECONDS, self._end_flashes)

    def _end_flashes(self) -> None:
        self._flash_timer = None
        self._flashes.forget()
        self._repaint_changed()

    def _update_title(self) -> None:
        title = f"{self.TITLE} {len(self.rows)}" if self.rows else self.TITLE
        if self.filter_text or self._typing:
            title = f"{self.TITLE} {len(self._shown)} of {len(self.rows)}  /{self.filter_text}"
            title += "▏" if self._typing else ""
        if title != self._title:
            self._title = title
            self.border_title = Content(title)

    # -- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        width, height = self.scrollable_content_region.size
        is_long = len(self._shown) > height - 1
        if self._lines is None or (width, is_long) != (self._lines.width, self._lines.is_long):
            self._lines = TableLines(
                self.COLUMNS,
                self.look,
                self.background_colors[1],
                width,
                has_focus=self.has_focus,
                is_long=is_long,
            )
            self._strips.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        lines = self._lines
        if lines is None:
            return Strip.blank(self.size.width)
        if y == 0:
            return lines.header(self.sort_by, descending=self.descending)
        top, count = self.scroll_offset.y, len(self._shown)
        index = y - 1 + top
        if index >= count:
            return lines.words("" if count else self._why_empty(), y - 2)
        strip = self._strips.get(index)
        if strip is None:
            strip = self._strips[index] = self._row_strip(lines, index)
        return lines.railed(strip, y - 1, self.scrollable_content_region.height - 1, top, count)

    def _why_empty(self) -> str:
        if self.rows:
            return f"Nothing matches /{self.filter_text}. Esc shows all rows."
        return self.empty_text or self.EMPTY

    def _row_strip(self, lines: TableLines[Row], index: int) -> Strip:
        row = self._shown.rows[index]
        key = self.key_of(row)
        return lines.row(
            row,
            selected=key == self.highlighted_key,
            dim=self.is_dim(row),
            lead=BRANCH if self._shown.is_child(key) else "",
            flashes=self._flashes.roles(key, lines.placed),
        )

    def _repaint_changed(self) -> None:
        """Draw the visible rows anew and repaint those that came out different."""
        lines = self._lines
        if lines is None:
            return
        before, self._strips = (
            self._strips,
            {index: self._row_strip(lines, index) for index in self._visible()},
        )
        for first, count in changed_spans(before, self._strips):
            self.refresh(Region(0, first - self.scroll_offset.y + 1, lines.width, count))

    def _visible(self) -> range:
        """Indices of the rows in sight."""
        top = self.scroll_offset.y
        return range(top, min(top + max(self.scrollable_content_region.height - 1, 0), len(self._shown)))

    def _redraw(self) -> None:
        self._lines = None
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._redraw()

    def on_resize(self) -> None:
        self._redraw()
        if self._shown.index(self.highlighted_key) is not None:
            self._reveal(self._resting_index)

    # -- cursor

    def _move_to(self, index: int) -> None:
        if len(self._shown):
            self.highlighted_key = self.key_of(self._shown.rows[max(0, min(index, len(self._shown) - 1))])

    def _reveal(self, index: int) -> None:
        top, height = self.scroll_offset.y, max(self.scrollable_content_region.height - 1, 1)
        if index < top:
            self.scroll_to(y=index, animate=False)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False)

    def action_cursor_by(self, step: int) -> None:
        """Move the cursor; the first move after its row vanished lands where the row was."""
        self._move_to(self._resting_index + (step if self.highlighted_key is not None else 0))

    def action_page(self, pages: int) -> None:
        self._move_to(self._resting_index + pages * max(self.scrollable_content_region.height - 1, 1))

    def action_cursor_to_end(self, last: bool) -> None:
        self._move_to(len(self._shown) - 1 if last else 0)

    def action_select(self) -> None:
        if self.highlighted_key is not None:
            self.post_message(self.RowSelected(self, self.highlighted_key))

    def on_focus(self) -> None:
        self._redraw()

    def on_blur(self) -> None:
        self._typing = False
        self._update_title()
        self._redraw()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            column = column_at(self._lines.placed, offset.x) if self._lines is not None else None
            if column is not None and column.sort is not None:
                self._sort(column.key)
        elif (index := offset.y - 1 + self.scroll_offset.y) < len(self._shown):
            self._move_to(index)
            if event.chain == 2:
                self.action_select()

    # -- order and filter

    def _sort(self, key: str | None) -> None:
        if key is not None and key == self.sort_by:
            self.descending = not self.descending
        else:
            self.sort_by = key
        self._redraw()

    def action_sort(self) -> None:
        """Order by the next column that can be sorted, and after the last one as the rows came."""
        placed = self._lines.placed if self._lines is not None else ()
        keys = [column.key for column, _ in placed if column.sort is not None]
        position = keys.index(self.sort_by) + 1 if self.sort_by in keys else 0
        self._sort(keys[position] if position < len(keys) else None)

    def action_reverse(self) -> None:
        if self.sort_by is not None:
            self._sort(self.sort_by)

    def action_filter(self) -> None:
        """Type a filter; Enter keeps it, Esc shows all rows again."""
        self._typing = True
        self._update_title()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While a filter is typed its letters are nobody else's."""
        return self._typing and character is not None and character.isprintable()

    async def _on_key(self, event: events.Key) -> None:
        if not self._typing and not (event.key == "escape" and self.filter_text):
            return
        if event.key == "escape":
            self._typing, self.filter_text = False, ""
        elif event.key == "enter":
            self._typing = False
        elif event.key == "backspace":
            self.filter_text = self.filter_text[:-1]
        elif event.is_printable and event.character:
            self.filter_text += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self._update_title()
