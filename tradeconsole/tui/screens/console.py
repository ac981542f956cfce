"""What all screens share: one reactive per section of a frame, header, footer, armed frame and lifeboat."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen

from tradeconsole.actions import Where
from tradeconsole.tui.render.palette import Look, default_look
from tradeconsole.tui.widgets.footer_hints import FooterHints
from tradeconsole.tui.widgets.header import Header
from tradeconsole.tui.widgets.lifeboat import Lifeboat
from tradeconsole.tui.widgets.notifications import NotificationsFeed
from tradeconsole.views.models import (
    ChartView,
    DashboardView,
    FillRow,
    Frame,
    HeaderView,
    NotificationRow,
    OrderRow,
    PositionRow,
    RoundTripRow,
    SystemView,
    TicketView,
    WatchRow,
)


class ConsoleScreen(Screen[None]):
    """Takes frames and hands their sections down to the widgets bound to them."""

    WHERE: ClassVar[Where]

    header: reactive[HeaderView | None] = reactive(None, repaint=False)
    dashboard: reactive[DashboardView | None] = reactive(None, repaint=False)
    watchlist: reactive[tuple[WatchRow, ...]] = reactive((), repaint=False)
    positions: reactive[tuple[PositionRow, ...]] = reactive((), repaint=False)
    orders: reactive[tuple[OrderRow, ...]] = reactive((), repaint=False, init=False)
    fills: reactive[tuple[FillRow, ...]] = reactive((), repaint=False)
    round_trips: reactive[tuple[RoundTripRow, ...]] = reactive((), repaint=False)
    notifications: reactive[tuple[NotificationRow, ...]] = reactive((), repaint=False)
    chart: reactive[ChartView | None] = reactive(None, repaint=False)
    ticket: reactive[TicketView | None] = reactive(None, repaint=False)
    system: reactive[SystemView | None] = reactive(None, repaint=False)

    account_id: reactive[str] = reactive("", repaint=False)
    unproven: reactive[str] = reactive("", repaint=False)
    """Why an empty list proves nothing; empty once the book agrees with the broker's records."""
    selected_order_id: reactive[str | None] = reactive(None, repaint=False, init=False)
    look: reactive[Look] = reactive(default_look, repaint=False)
    silent: reactive[float | None] = reactive(None, repaint=False)
    late: reactive[float | None] = reactive(None, repaint=False)
    stopped: reactive[bool] = reactive(False, repaint=False)
    starting: reactive[str] = reactive("", repaint=False)
    remap: reactive[Mapping[str, tuple[str, ...]]] = reactive({}, repaint=False)

    _armed_title = ""

    def __init__(self) -> None:
        super().__init__()
        # its widgets take their styles as they are mounted; without this Textual reads all style sheets again, twice
        self._css_update_count = self.app._css_update_count  # noqa: SLF001 -- Textual has no other way

    class Shown(Message):
        """A screen came to the front and wants to know what it missed."""

        def __init__(self, screen: "ConsoleScreen") -> None:
            super().__init__()
            self.screen = screen

    def compose(self) -> ComposeResult:
        yield Header().data_bind(
            ConsoleScreen.silent,
            ConsoleScreen.late,
            ConsoleScreen.stopped,
            ConsoleScreen.starting,
            view=ConsoleScreen.header,
        )
        with Container(id="body"):
            yield from self.body()
        yield Lifeboat().data_bind(ConsoleScreen.header, ConsoleScreen.positions)
        yield FooterHints(self.WHERE).data_bind(ConsoleScreen.remap)

    def body(self) -> ComposeResult:
        """What is between header and footer."""
        yield from ()

    @property
    def shows_feed(self) -> bool:
        """Whether news is on screen by itself."""
        return any(feed.region for feed in self.query(NotificationsFeed))

    @property
    def is_lifeboat(self) -> bool:
        """Whether the terminal is too small for anything but a way out."""
        return self.has_class("-tiny") or self.has_class("-flat")

    def on_screen_resume(self) -> None:
        self.post_message(self.Shown(self))

    def show(self, frame: Frame) -> None:
        """Take the sections of a frame that changed."""
        for name in Frame.model_fields:
            section = getattr(frame, name)
            if section is not None:
                setattr(self, name, section)

    def watch_header(self, header: HeaderView | None) -> None:
        armed = header is not None and header.armed
        self.set_class(armed, "-armed")
        title = f"ARMED {header.account.name}" if armed and header and header.account else ""
        if title != self._armed_title:  # setting it repaints the whole screen
            self._armed_title = title
            self.border_title = Content(title) if title else None
        self.unproven = why_unproven(header)
        self.account_id = (
            header.account.account_id if header is not None and header.account is not None else ""
        )


def why_unproven(header: HeaderView | None) -> str:
    """What an empty list says as long as nobody knows that it is empty; nothing once that is known."""
    if header is None:
        return "Not known yet: the console is starting."
    if header.account is None:
        return "Not known yet: the broker has named no account."
    return "" if header.synced else "Not known yet: the broker's records are being read."
