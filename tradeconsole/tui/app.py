"""The console: an app that carries out actions, asks what must be asked, and hands commands to its session."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import ClassVar, Final, TypeVar

import msgspec
from textual import events
from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.screen import ModalScreen

from tradeconsole.actions import BY_ID, Where
from tradeconsole.domain.commands import Command, PlaceOrder
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Side
from tradeconsole.errors import OrderInDoubt, TradeConsoleError
from tradeconsole.tui.ahead import Ahead
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.desk import ChartMove
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.dialogs.help import Help
from tradeconsole.tui.dialogs.ticket_dialog import TicketDialog
from tradeconsole.tui.finder import ActionFinder
from tradeconsole.tui.flows import orders
from tradeconsole.tui.guard import KeyGuard
from tradeconsole.tui.handlers import HANDLERS
from tradeconsole.tui.key_order import KeyOrder
from tradeconsole.tui.keys import PANIC, bindings_on, keys_of
from tradeconsole.tui.nudges import Nudges
from tradeconsole.tui.screens.console import ConsoleScreen
from tradeconsole.tui.screens.trade import TradeScreen
from tradeconsole.tui.session_app import DEFAULTS, Clock, OpenSession, SessionApp
from tradeconsole.tui.widgets.chart import Chart
from tradeconsole.tui.widgets.line_table import LineTable
from tradeconsole.tui.widgets.orders import OrdersTable
from tradeconsole.tui.widgets.positions import PositionsTable
from tradeconsole.tui.widgets.ticket import Ticket
from tradeconsole.tui.widgets.watchlist import Watchlist
from tradeconsole.views.models import Frame, OrderRow, PositionRow, WatchRow
from tradeconsole.views.session import Focus, Preview, Receipt, Search, Session

Answer = TypeVar("Answer")

PREVIEW_PAUSE = 0.15
"""Seconds a draft must rest before the engine is asked what it would do."""

MORE_BARS = 1500
"""How much further back a chart reaches when it is scrolled to its oldest bar."""

STEPS: Final = frozenset({"order.up", "order.down"})
"""Actions that add up when they are repeated."""

ON_ORDER: Final = STEPS | {"order.edit", "order.cancel"}
"""Actions on the order under the cursor."""

MOVES: Final[dict[ChartMove, Callable[[Chart], None]]] = {
    "left": Chart.action_left,
    "right": Chart.action_right,
    "page_left": Chart.action_page_left,
    "page_right": Chart.action_page_right,
    "zoom_in": Chart.action_zoom_in,
    "zoom_out": Chart.action_zoom_out,
    "live": Chart.action_live,
    "crosshair": Chart.action_crosshair,
    "leave": Chart.action_leave,
    "higher": Chart.action_higher,
    "lower": Chart.action_lower,
}


class TradeConsole(SessionApp):
    """Keys and clicks become flows, flows ask and send; it is the `Desk` of all flows."""

    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionFinder}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(Where.EVERYWHERE)]

    def __init__(
        self, open_session: OpenSession, appearance: Appearance = DEFAULTS, clock: Clock = monotonic
    ) -> None:
        super().__init__(open_session, appearance, clock)
        self._nudges = Nudges()
        self._instruments: dict[str, Instrument] = {}
        self._under_way: set[str] = set()
        self._asking = 0
        self._keys = KeyOrder(self, super().on_event, self._say_dropped, appearance.patience)
        self._panic_keys = frozenset(keys_of(BY_ID[PANIC], appearance.keys))
        self._carried: KeyGuard | None = None
        self._watched = self._focus
        self._ahead = Ahead(self._is_calm, clock)

    def on_mount(self) -> None:
        # a mode that is built by Textual's own means without being switched to is only not shown
        self.start(partial(self._ahead.run, self.MODES, self._init_mode), "ahead")

    def _is_calm(self) -> bool:
        """Whether live prices are there and nobody waits for anything; a console that ends is busy for good."""
        header = self._picture.header
        if not self.is_running or header is None or not header.synced or self._under_way:
            return False
        return all(isinstance(screen, ConsoleScreen) for screen in self.screen_stack)

    @property
    def appearance(self) -> Appearance:
        return self._appearance

    @property
    def picture(self) -> Frame:
        return self._picture

    @property
    def nudges(self) -> Nudges:
        return self._nudges

    @property
    def live_session(self) -> Session | None:
        return self._session

    @property
    def watching(self) -> Focus:
        return self._focus

    # -- actions

    async def on_event(self, event: events.Event) -> None:
        """Let keys take effect one after the other; panic waits for none."""
        if isinstance(event, events.InputEvent | events.Paste):
            self._ahead.touch()
        is_panic = isinstance(event, events.Key) and event.key in self._panic_keys
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded and not is_panic:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def _say_dropped(self, keys: int) -> None:
        typed = "1 key was" if keys == 1 else f"{keys} keys were"
        self.say(
            f"Too busy for what you typed: {typed} dropped. Look where you are, then type again.", "warning"
        )

    def action_perform(self, action_id: str) -> None:
        """Carry out an action of the table; one that still runs is not started again, price steps add up."""
        if action_id in self._under_way and action_id not in STEPS:
            return
        if self._meant_for_another(action_id):
            return
        self._under_way.add(action_id)
        self.start(partial(self._perform, action_id), "actions", name=action_id)

    async def _perform(self, action_id: str) -> None:
        try:
            with self._keys.awaited():
                await HANDLERS[action_id](self)
        finally:
            self._under_way.discard(action_id)

    async def ask(self, dialog: Dialog[Answer]) -> Answer | None:
        if self._asking and PANIC not in self._under_way:
            return None
        self._asking += 1
        try:
            answer = self.push_screen(dialog, wait_for_dismiss=True)
            self._keys.rest()
            return await asyncio.shield(answer)
        finally:
            self._asking -= 1

    def cancel_dialogs(self) -> None:
        while isinstance(self.screen, ModalScreen):
            self.screen.dismiss(None)

    # -- the session's door

    async def send(self, command: Command, *, quietly: bool = False) -> Receipt | None:
        self._keys.rest()
        session = self._session
        if session is None:
            self.say("The engine is not connected; nothing was sent.", "error")
            return None
        try:
            receipt = await session.send(command)
        except OrderInDoubt as doubt:
            self.say(f"UNKNOWN: {doubt}", "warning")
            return None
        except TradeConsoleError as error:
            self.say(str(error), "error")
            return None
        if not quietly:
            self.say(receipt.message)
        return receipt

    async def instrument(self, name: str, instrument_id: str) -> Instrument | None:
        if instrument_id not in self._instruments and self._session is not None:
            try:
                found = await self._session.search(Search(name))
            except TradeConsoleError as error:
                self.say(str(error), "warning")
                return None
            self._instruments.update((instrument.instrument_id, instrument) for instrument in found)
        return self._instruments.get(instrument_id)

    def look_at(self, focus: Focus) -> None:
        self._focus = focus
        self.start(partial(self._watch, focus), "watch", exclusive=True)

    async def _watch(self, focus: Focus) -> None:
        if self._session is None:
            return
        try:
            await self._session.watch(focus)
        except TradeConsoleError as error:
            self._focus = self._watched
            self.say(str(error), "error")
        else:
            self._watched = focus

    # -- selection

    def selected_order(self) -> OrderRow | None:
        return next(
            (row for row in self._picture.orders or () if row.order_id == self._selection.order_id), None
        )

    def selected_position(self) -> PositionRow | None:
        tables = self._base_screen().query(PositionsTable)
        return tables.first().highlighted_row if tables else None

    def selected_symbol(self) -> WatchRow | None:
        tables = self._base_screen().query(Watchlist)
        return tables.first().highlighted_row if tables else None

    def select_order(self, order_id: str | None) -> None:
        self._selection.choose(order_id)
        self._show_selection()

    def follow_order(self, order_id: str) -> None:
        self._selection.follow(order_id, self._picture.orders or ())
        self._show_selection()

    def _show_selection(self) -> None:
        self._tell_screens(selected_order_id=self._selection.order_id)

    def take(self, frame: Frame) -> None:
        super().take(frame)
        if frame.orders is not None:
            if self._selection.update(frame.orders):
                self._carried = KeyGuard(self._appearance.quiet, self._clock())
            self._show_selection()

    def _meant_for_another(self, action_id: str) -> bool:
        """Whether a key was pressed for the order that the cursor has just been carried away from."""
        if action_id not in ON_ORDER or self._carried is None:
            return False
        if self._carried.accepts(self._clock()):
            self._carried = None
            return False
        self.say("The order has filled and the cursor is on its stop or target now; press again.", "warning")
        return True

    def on_line_table_row_highlighted(self, event: LineTable.RowHighlighted) -> None:
        table = event.table
        if (
            not isinstance(table, OrdersTable)
            or not table.is_attached
            or table.screen is not self._base_screen()
        ):
            return
        shown = {row.order_id for row in table.shown_rows}
        # a table that has just appeared highlights nothing; that unselects nothing
        if event.key is not None or (table.rows and self._selection.order_id not in shown):
            self.select_order(event.key)

    def on_line_table_row_selected(self, event: LineTable.RowSelected) -> None:
        if isinstance(event.table, OrdersTable):
            self.action_perform("order.edit")
        elif isinstance(event.table, Watchlist | PositionsTable):
            row = event.table.highlighted_row
            if row is not None:
                self.look_at(msgspec.structs.replace(self._focus, symbol=row.instrument_id))
                self.show_screen(Where.TRADE)

    # -- screens

    def show_screen(self, where: Where) -> None:
        if self.current_mode != where.value:
            self.switch_mode(where.value)
            self.look_at(msgspec.structs.replace(self._focus, chart=where is not Where.DASHBOARD))

    def show_help(self) -> None:
        where = self._base_screen().WHERE
        self.push_screen(Help(where, self._appearance.keys, self._appearance.quiet))

    def show_palette(self) -> None:
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(CommandPalette())

    def next_list(self) -> None:
        screen = self._base_screen()
        if isinstance(screen, TradeScreen):
            screen.next_list()

    def move_chart(self, move: ChartMove) -> None:
        for chart in self._base_screen().query(Chart):
            MOVES[move](chart)

    def on_chart_more_wanted(self, event: Chart.MoreWanted) -> None:
        self.look_at(msgspec.structs.replace(self._focus, bars=max(self._focus.bars, event.bars + MORE_BARS)))

    def on_chart_order_picked(self, event: Chart.OrderPicked) -> None:
        self.select_order(event.order_id)

    # -- the ticket

    def open_ticket(self, side: Side) -> None:
        if isinstance(self.screen, TicketDialog):
            self.screen.query_one(Ticket).turn(side)
            return
        base = self._base_screen()
        if base.is_lifeboat:
            self.say("No room for a ticket: orders need a terminal of 80×24 or more.", "warning")
            return
        pane = base.ticket_pane if isinstance(base, TradeScreen) else None
        if pane is not None:
            pane.open(side)
        else:
            self.push_screen(TicketDialog(side, self._picture, self._appearance.quiet))

    def on_ticket_changed(self, event: Ticket.Changed) -> None:
        event.ticket.preview = None
        self.start(partial(self._preview, event.ticket, event.order), "preview", exclusive=True)

    async def _preview(self, ticket: Ticket, order: PlaceOrder) -> None:
        await asyncio.sleep(PREVIEW_PAUSE)
        if self._session is None:
            return
        try:
            preview = await self._session.preview(Preview(order))
        except TradeConsoleError as error:
            ticket.problem = str(error)
        else:
            ticket.preview = preview

    def on_ticket_submitted(self, event: Ticket.Submitted) -> None:
        self.start(partial(self._submit, event.ticket, event.order), "actions")

    async def _submit(self, ticket: Ticket, order: PlaceOrder) -> None:
        with self._keys.awaited():
            if await orders.submit(self, order):
                self._leave_ticket(ticket)

    def on_ticket_refused(self, event: Ticket.Refused) -> None:
        self.say(event.reason, "warning")

    def on_ticket_left(self, event: Ticket.Left) -> None:
        self._leave_ticket(event.ticket)

    def _leave_ticket(self, ticket: Ticket) -> None:
        screen = ticket.screen
        if isinstance(screen, TicketDialog):
            if screen.is_current:
                screen.dismiss(None)
        else:
            screen.query_one(OrdersTable).focus()
