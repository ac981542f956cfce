"""The ticket as an overlay, for screens without a pane for it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from tradeconsole.domain.orders import Side
from tradeconsole.tui.dialogs.dialog import Dialog
from tradeconsole.tui.keys import bindings_of
from tradeconsole.tui.widgets.ticket import Ticket
from tradeconsole.views.models import Frame


class TicketDialog(Dialog[None]):
    """Holds a ticket until an order was taken or Esc is pressed; the side keys and arming work inside.

    Args:
        side: with which it opens.
        picture: the newest frame, so that it opens filled.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(("order.buy", "order.sell", "account.arm"))]

    DEFAULT_CSS = """
    TicketDialog > .box { width: 50; }
    """

    def __init__(self, side: Side, picture: Frame, quiet: float) -> None:
        super().__init__("Ticket", quiet)
        self._side = side
        self._picture = picture

    def body(self) -> ComposeResult:
        yield Ticket()

    def prepare(self) -> None:
        self.show(self._picture)
        self.query_one(Ticket).open(self._side)

    def show(self, frame: Frame) -> None:
        """Take what the ticket needs from a frame."""
        ticket = self.query_one(Ticket)
        if frame.header is not None and frame.header.account is not None:
            ticket.account_id = frame.header.account.account_id
        if frame.ticket is not None:
            ticket.view = frame.ticket
