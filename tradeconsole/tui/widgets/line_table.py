"""A table for rows that stream: drawn line by line, repainting only the lines that changed."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
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
from tradeconsole.tui.render.palette import Look, Role, Styles, default_look, styles_of
from tradeconsole.tui.render.rows import matches, ordered
from tradeconsole.tui.render.table import Column, Placed, Row, column_at, header_strip, place, row_strip
from tradeconsole.tui.render.wrap import wrap

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
        scrollbar-size: 1 1;
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

    class RowHighlighted(Message):
        """The cursor moved to a row; `key` is None when its row vanished."""

        def __init__(self, table: "LineTable[Any]", key: str | None) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "LineTable[Any]":
            return self.table

    class RowSelected(Message):
        """A row was opened with Enter or a double click."""

        def __init__(self, table: "LineTable[Any]", key: str) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "LineTable[Any]":
            return self.table

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._shown: list[Row] = []
        self._index: dict[str, int] = {}
        self._children: frozenset[str] = frozenset()
        self._resting_index = 0
        self._placed: tuple[Placed[Row], ...] = ()
        self._width = -1  # not measured since the last change of size or style
        self._strips: dict[int, Strip] = {}
        self._styles: tuple[Styles, Styles] | None = None
        self._flashes: FlashLog[Row] = FlashLog(self.COLUMNS, self.key_of)
        self._flash_timer: Timer | None = None
        self._typing = False
        self._title = ""

    # -- what a subclass says of its rows

    def key_of(self, row: Row) -> str:
        """What names a row for good."""
        raise NotImplementedError

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
        index = self._index.get(self.highlighted_key or "")
        return None if index is None else self._shown[index]

    @property
    def shown_rows(self) -> tuple[Row, ...]:
        """Rows that pass the filter, in the order on screen."""
        return tuple(self._shown)

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
        if new is not None and (index := self._index.get(new)) is not None:
            self._resting_index = index
            self._reveal(index)
        self._repaint_changed()
        self.post_message(self.RowHighlighted(self, new))

    def _rearrange(self) -> None:
        wanted = self.filter_text
        rows = [row for row in self.rows if matches(self.text_of(row), wanted)] if wanted else self.rows
        column = next((column for column in self.COLUMNS if column.key == self.sort_by), None)
        arranged = list(self.arranged(ordered(rows, column, descending=self.descending)))
        count = len(self._shown)
        self._shown = [row for row, _ in arranged]
        self._index = {self.key_of(row): index for index, row in enumerate(self._shown)}
        self._children = frozenset(self.key_of(row) for row, is_child in arranged if is_child)
        self._note_changes()
        self._update_title()
        if self.highlighted_key is not None and self.highlighted_key not in self._index:
            self.highlighted_key = None
        if len(self._shown) == count and count:
            self._repaint_changed()
        else:
            self.virtual_size = Size(0, len(self._shown) + 1)
            self._strips.clear()
            self.refresh()

    def _note_changes(self) -> None:
        """Light what moved in the rows in sight."""
        visible = [self._shown[index] for index in self._visible()]
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
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width, self._placed = width, place(self.COLUMNS, width)
            self._strips.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self._width
        plain, _ = self._ready_styles()
        if y == 0:
            return header_strip(
                self._placed,
                plain,
                width,
                sorted_by=self.sort_by,
                descending=self.descending,
                ascii_only=self.look.ascii_only,
            )
        index = y - 1 + self.scroll_offset.y
        if index < len(self._shown):
            strip = self._strips.get(index)
            if strip is None:
                strip = self._strips[index] = self._row_strip(index)
            return strip
        return self._blank_line(y, width, plain)

    def _row_strip(self, index: int) -> Strip:
        row = self._shown[index]
        key = self.key_of(row)
        plain, lit = self._ready_styles()
        selected = key == self.highlighted_key
        return row_strip(
            self._placed,
            row,
            self.look,
            lit if selected else plain,
            self._width,
            selected=selected,
            dim=self.is_dim(row),
            lead=BRANCH if key in self._children else "",
            flashes=self._flashes.roles(key, self._placed),
        )

    def _blank_line(self, y: int, width: int, styles: Styles) -> Strip:
        if not self._shown and y >= 2:
            text = self.empty_text or self.EMPTY
            if self.rows:
                text = f"Nothing matches /{self.filter_text}. Esc shows all rows."
            lines = wrap(text, max(width - 2, 1))
            if y - 2 < len(lines):
                return Strip([Segment(f" {lines[y - 2]}", styles[Role.MUTED])]).adjust_cell_length(
                    width, styles[Role.TEXT]
                )
        return Strip.blank(width, styles[Role.TEXT])

    def _ready_styles(self) -> tuple[Styles, Styles]:
        if self._styles is None:
            color = self.background_colors[1]
            accent = Color.parse(self.look.colors.accent if self.has_focus else self.look.colors.foreground)
            lit = color.blend(accent, 0.22 if self.has_focus else 0.10)
            colors = self.look.colors
            self._styles = (styles_of(colors, color.rich_color), styles_of(colors, lit.rich_color))
        return self._styles

    def _repaint_changed(self) -> None:
        """Draw the visible rows anew and repaint those that came out different."""
        if self._width < 0:
            return
        before, self._strips = self._strips, {index: self._row_strip(index) for index in self._visible()}
        for first, count in changed_spans(before, self._strips):
            self.refresh(Region(0, first - self.scroll_offset.y + 1, self._width, count))

    def _visible(self) -> range:
        """Indices of the rows in sight."""
        top = self.scroll_offset.y
        return range(top, min(top + max(self.scrollable_content_region.height - 1, 0), len(self._shown)))

    def _redraw(self) -> None:
        self._width, self._styles = -1, None
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._redraw()

    def on_resize(self) -> None:
        self._redraw()
        if self.highlighted_key in self._index:
            self._reveal(self._resting_index)

    # -- cursor

    def _move_to(self, index: int) -> None:
        if self._shown:
            self.highlighted_key = self.key_of(self._shown[max(0, min(index, len(self._shown) - 1))])

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
            column = column_at(self._placed, offset.x)
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
        keys = [column.key for column, _ in self._placed if column.sort is not None]
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
