"""The feed: what happened, newest first, wrapped to the width there is."""

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradeconsole.tui.render.feed import feed_strips
from tradeconsole.tui.render.palette import Look, Role, Styles, default_look, styles_of
from tradeconsole.tui.render.wrap import wrap
from tradeconsole.views.models import NotificationRow

LIMIT = 200
"""Notifications drawn; older ones are in the journal."""


class NotificationsFeed(ScrollView, can_focus=True, inherit_bindings=False):
    """Notifications in `rows`, in the order they come, which is newest first."""

    DEFAULT_CSS = """
    NotificationsFeed {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size: 1 1;
        border: round $foreground 20%;
        border-title-color: $foreground 70%;
        &:focus { border: round $accent; border-title-color: $accent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Scroll down", show=False, id="feed.down"),
        Binding("up,k", "scroll_up", "Scroll up", show=False, id="feed.up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="feed.page_down"),
        Binding("pageup", "page_up", "Page up", show=False, id="feed.page_up"),
        Binding("home", "scroll_home", "Newest", show=False, id="feed.newest"),
        Binding("end", "scroll_end", "Oldest", show=False, id="feed.oldest"),
    ]

    EMPTY = "Nothing has happened yet. Fills, rejections and connection changes appear here."

    rows: reactive[tuple[NotificationRow, ...]] = reactive((), repaint=False, always_update=True)
    look: reactive[Look] = reactive(default_look, repaint=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._lines: list[Strip] = []
        self._styles: Styles | None = None
        self.border_title = "Feed"

    def watch_rows(self) -> None:
        unread = sum(1 for row in self.rows if not row.read)
        self.border_title = Content(f"Feed {unread} new" if unread else "Feed")
        self._draw()

    def watch_look(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if not width:
            return
        styles = self._styles = styles_of(self.look.colors, self.background_colors[1].rich_color)
        shown = self.rows[:LIMIT]
        if shown:
            newest = shown[0].time
            lines = [strip for row in shown for strip in feed_strips(row, newest, self.look, styles, width)]
        else:
            lines = [
                Strip([Segment(f" {line}", styles[Role.MUTED])]).adjust_cell_length(width, styles[Role.TEXT])
                for line in wrap(self.EMPTY, max(width - 1, 1))
            ]
        if lines == self._lines:
            return
        self._lines = lines
        self.virtual_size = Size(0, len(lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        if index < len(self._lines):
            return self._lines[index]
        style = self._styles[Role.TEXT] if self._styles else None
        return Strip.blank(self.scrollable_content_region.width, style)
