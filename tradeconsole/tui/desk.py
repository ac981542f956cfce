"""What a flow of keys and dialogs may use: the newest picture, the selection, questions, and the session's door."""

from typing import Literal, Protocol, TypeVar

from tradeconsole.actions import Where
from tradeconsole.domain.commands import Command
from tradeconsole.domain.instruments import Instrument
from tradeconsole.domain.orders import Side
from tradeconsole.tui.appearance import Appearance
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.nudges import Nudges
from tradeconsole.views.models import Frame, OrderRow, PositionRow, WatchRow
from tradeconsole.views.session import Focus, Receipt, Session

Answer = TypeVar("Answer")

Tone = Literal["information", "warning", "error"]

ChartMove = Literal[
    "left", "right", "page_left", "page_right", "zoom_in", "zoom_out", "live", "crosshair", "leave", "higher", "lower"
]  # fmt: skip


class Desk(Protocol):
    """The console as flows see it; tests may stand in for it."""

    @property
    def appearance(self) -> Appearance: ...

    @property
    def picture(self) -> Frame:
        """The newest of every section; None where nothing has come yet."""

    @property
    def nudges(self) -> Nudges: ...

    @property
    def watching(self) -> Focus: ...

    @property
    def live_session(self) -> Session | None:
        """None while the engine starts and after it ended."""

    def selected_order(self) -> OrderRow | None: ...

    def selected_position(self) -> PositionRow | None: ...

    def selected_symbol(self) -> WatchRow | None: ...

    def select_order(self, order_id: str | None) -> None:
        """Put the cursor on an order."""

    def follow_order(self, order_id: str) -> None:
        """Put the cursor on an order just sent as soon as it is there, and on its stop once it has filled."""

    def look_at(self, focus: Focus) -> None:
        """Change what is watched; what the engine refuses is said and undone."""

    def say(self, text: str, tone: Tone = "information") -> None:
        """One line for the user."""

    async def ask(self, dialog: Dialog[Answer]) -> Answer | None:
        """Put a question on top; None if it was cancelled."""

    async def send(self, command: Command, *, quietly: bool = False) -> Receipt | None:
        """Hand over a command and say what came of it; None if it failed. Quiet ones say only failures."""

    async def instrument(self, name: str, instrument_id: str) -> Instrument | None:
        """The contract behind a row, from the session; None if it cannot tell."""

    def show_screen(self, where: Where) -> None: ...

    def open_ticket(self, side: Side) -> None: ...

    def move_chart(self, move: ChartMove) -> None: ...

    def next_list(self) -> None: ...

    def show_help(self) -> None: ...

    def show_palette(self) -> None: ...

    def cancel_dialogs(self) -> None:
        """Close every open question as cancelled."""

    def leave(self) -> None: ...
