"""The equity curve of the session."""

from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tradeconsole.tui.render import numbers
from tradeconsole.tui.render.curve import draw_curve
from tradeconsole.tui.render.palette import Look, Role, Styles, default_look, styles_of
from tradeconsole.views.models import DashboardView, EquityView


class EquityCurve(Widget):
    """Draws the curve of `view`; the title says what the session made or lost so far."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    EquityCurve {
        height: 1fr;
        border: round $foreground 20%;
        border-title-color: $foreground 70%;
    }
    """

    view: reactive[DashboardView | None] = reactive(None, repaint=False, always_update=True)
    look: reactive[Look] = reactive(default_look, repaint=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._styles: Styles | None = None
        self.border_title = "Equity"

    def watch_view(self, old: DashboardView | None, new: DashboardView | None) -> None:
        if old is not None and new is not None and old.curve == new.curve:
            return
        title = "Equity"
        if new is not None and new.curve.values:
            gained = new.curve.values[-1] - new.curve.values[0]
            title = f"Equity {numbers.signed_money(gained)} this session"
        self.border_title = Content(title)
        self._draw()

    def watch_look(self) -> None:
        self.notify_style_update()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = None
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if not self.is_attached or not width or not height:
            return
        if self._styles is None:
            self._styles = styles_of(self.look.colors, self.background_colors[1].rich_color)
        curve = self.view.curve if self.view is not None else EquityView()
        strips = draw_curve(curve, self.look, self._styles, width, height)
        if strips != self._strips:
            self._strips = strips
            self.refresh()

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self._styles[Role.TEXT] if self._styles else None)
